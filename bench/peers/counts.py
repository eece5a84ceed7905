"""What a request costs in system calls and in instructions: counted in runs of their own, for the tools
that count make everything slow."""

import signal
import subprocess
import time
from pathlib import Path

from client import Client
from server import Server

ATTACH_SECONDS_MAX = 10
CALLGRIND_SECONDS_MAX = 120


def syscalls(workload, peer):
    """System calls of the server per request, of connections that are open already."""
    with Server(peer) as server, Client(server, workload, workload.strace_round) as client:
        with Strace(server) as strace:
            requests = client.measure()["requests"]
            return strace.finish() / requests


class Strace:
    def __init__(self, server):
        self.server = server
        self.summary = server.dir / "strace"

    def __enter__(self):
        pids = self.server.pids()
        which = [argument for pid in pids for argument in ("-p", str(pid))]
        self.process = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "calls,name", "-o", self.summary, *which], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + ATTACH_SECONDS_MAX
        while not all(is_traced(pid) for pid in pids):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.__exit__()
                raise RuntimeError("strace cannot attach")
            time.sleep(0.01)
        return self

    def finish(self):
        """Detaches; the number of calls."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(ATTACH_SECONDS_MAX)
        rows = [line.split() for line in self.summary.read_text().splitlines()]
        return sum(int(row[0]) for row in rows if len(row) == 2 and row[0].isdigit() and row[1] != "total")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def is_traced(pid):
    """Whether each thread of the process has a tracer."""
    statuses = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return all("TracerPid:\t0\n" not in status for status in statuses)


def instructions(workload, peer):
    """User instructions of the server per request, or None where they cannot be counted."""
    if peer.is_jit or not workload.callgrind_requests:
        return None
    few, many = (callgrind(workload, peer, requests) for requests in workload.callgrind_requests)
    return (many[0] - few[0]) / (many[1] - few[1])


def callgrind(workload, peer, requests):
    """Instructions of a whole life of the server, and the requests that it answered in it."""
    wrapper = ["valgrind", "--tool=callgrind", "--callgrind-out-file={dir}/callgrind"]
    with Server(peer, wrapper) as server:
        with Client(server, workload, ("-n", requests), CALLGRIND_SECONDS_MAX) as client:
            answered = client.measure()["requests"]
            # With the connections open: how many a server sees end before it ends itself is chance.
            if not server.stop():
                raise RuntimeError(f"{peer.name} does not end under callgrind")
        text = (server.dir / "callgrind").read_text()
    totals = [line.split()[1] for line in text.splitlines() if line.startswith(("summary:", "totals:"))]
    return int(totals[-1]), answered
