"""Markdown of the WebSocket workloads."""

from tables import number, table


def spread(result, name, digits):
    """The median of the rounds, with the least and the most."""
    least, most = number(result[f"{name}_min"], digits), number(result[f"{name}_max"], digits)
    return f"{number(result[name], digits)} ({least}–{most})"


def by_cost(results):
    return sorted(results.items(), key=lambda item: item[1]["cpu_us"])


def costs(result):
    """The columns that every workload has."""
    return [
        spread(result, "cpu_us", 2),
        number(result["user_us"], 3),
        number(result["system_us"], 3),
        number(result.get("instructions"), 0),
        number(result.get("syscalls"), 3),
    ]


def echo_table(results):
    """One echo workload: a dict of server name → summary, cheapest first."""
    columns = ["server", "CPU µs/msg", "user", "system", "user instructions/msg", "syscalls/msg"]
    columns += ["msg/s", "p50 µs", "p99 µs"]
    rows = [
        [
            name,
            *costs(result),
            number(result["per_second"], 0),
            number(result["p50_us"], 0),
            spread(result, "p99_us", 0),
        ]
        for name, result in by_cost(results)
    ]
    return table(columns, rows)


def broadcast_table(results):
    """The broadcast: a delivery's cost, and how long until the last subscriber has it."""
    columns = ["server", "CPU µs/delivery", "user", "system", "user instructions/delivery", "syscalls/delivery"]
    columns += ["deliveries/s", "last has it: p50 ms", "p99 ms"]
    rows = []
    for name, result in by_cost(results):
        ms = {key: value / 1e3 for key, value in result.items() if key.startswith("p") and key != "per_second"}
        times = [number(ms["p50_us"], 2), spread(ms, "p99_us", 2)]
        rows.append([name, *costs(result), number(result["per_second"], 0), *times])
    return table(columns, rows)


def memory_table(results):
    columns = ["server", "opened", "after an echo of 16 B", "after an echo of 16 KiB"]
    keys = ("opened", "after_16_b", "after_16_kib")
    ordered = sorted(results.items(), key=lambda item: item[1]["opened"])
    return table(columns, [[name, *(number(result[key], 0) for key in keys)] for name, result in ordered])
