"""Markdown of what was measured, and where it was."""

import platform
import statistics
import subprocess
from pathlib import Path

import tools


def machine():
    """The processor and the kernel."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    model = models[0] if models else "unknown processor"
    return f"{model}, {len(models)} cores, Linux {platform.release()}"


def commit():
    """The commit that is measured."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=tools.ROOT, capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed


def table(columns, rows):
    """Rows of texts under their columns."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def number(value, digits=2):
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def summary(samples):
    """What the rounds of one server come to. User time is short and counted in ticks: over all rounds."""
    requests = sum(sample.requests for sample in samples)
    cpu = [sample.cpu_us for sample in samples]
    return {
        "cpu_us": statistics.median(cpu),
        "cpu_us_min": min(cpu),
        "cpu_us_max": max(cpu),
        "user_us": sum(sample.user_seconds for sample in samples) * 1e6 / requests,
        "system_us": sum(sample.system_seconds for sample in samples) * 1e6 / requests,
        "per_second": statistics.median(sample.per_second for sample in samples),
        "p50_us": statistics.median(sample.p50_us for sample in samples),
        "p99_us": statistics.median(sample.p99_us for sample in samples),
        "p99_us_min": min(sample.p99_us for sample in samples),
        "p99_us_max": max(sample.p99_us for sample in samples),
        "requests": requests,
    }


def workload_table(results, is_file):
    """One workload: a dict of server name → summary, cheapest first."""
    columns = ["server", "CPU µs/req", "min–max", "user µs/req", "req/s", "syscalls/req"]
    columns += ["CPU s/GB"] if is_file else ["user instructions/req"]
    columns += ["p50 µs", "p99 µs"]
    rows = []
    for name, result in sorted(results.items(), key=lambda item: item[1]["cpu_us"]):
        per_gigabyte = result["cpu_us"] * 1e3 / tools.FILE_BYTES
        rows.append(
            [
                name,
                number(result["cpu_us"]),
                f"{number(result['cpu_us_min'])}–{number(result['cpu_us_max'])}",
                number(result["user_us"], 3),
                number(result["per_second"], 0),
                number(result.get("syscalls"), 3),
                number(per_gigabyte, 3) if is_file else number(result.get("instructions"), 0),
                number(result["p50_us"], 0),
                number(result["p99_us"], 0),
            ]
        )
    return table(columns, rows)


def footprint_table(results):
    """Memory, start and size of each server."""
    columns = ["server", "bytes per idle connection", "start to first answer, ms", "stripped binary, MB"]
    rows = [
        [
            name,
            number(result["bytes_per_connection"], 0),
            number(result["start_ms"], 1),
            number(result["binary_bytes"] / 1e6, 2),
        ]
        for name, result in results.items()
    ]
    return table(columns, rows)
