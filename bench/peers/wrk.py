"""Lattice alone: closed loop under wrk, then open loop at a share of the rate wrk reached, and the budgets.

`scripts/bench-wrk` runs it. In a closed loop a slow answer delays the next request, so the rate adapts to
the server; wrk counts from when it writes a request, not from when it could have. In the open loop requests
come at their rate whatever happens, and latency counts from when each was due.

A machine that stops a core for some milliseconds now and then adds to every latency and takes from none. So
a bare loop is measured by turns with Lattice, to show the machine's own share, and a budget is missed if no
round keeps it; the tables show medians.
"""

import argparse
import json
import statistics
import subprocess
import sys

import answers
import tables
import tools
from client import Client
from footprint import raise_file_limit
from peers import LATTICE, PEERS, Workload
from server import CLIENT_CORE, Server, end_on_signals, on_core

CONNECTIONS = (64, 256, 1000, 5000)
SHARE = 0.7
CLOSED, OPEN, BARE = "closed loop", f"open loop at {SHARE:.0%}", f"open loop at {SHARE:.0%}, a bare loop"
FLOOR = next(peer for peer in PEERS if peer.name == "floor")
FIGURES = ("per_second", "mean_us", "p50_us", "p99_us", "p99_9_us")
# (connections, loop, figure, at most)
BUDGETS = [
    (64, OPEN, "p99_us", 1_000),
    (1000, CLOSED, "mean_us", 8_200),
    (1000, CLOSED, "p99_us", 10_800),
    (1000, OPEN, "mean_us", 8_200),
    (1000, OPEN, "p99_us", 10_800),
]


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-wrk", description="Latency of Lattice, and its budgets.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each run")
    parser.add_argument("--quick", action="store_true", help="one round of a second")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 1
    return chosen


def closed(server, connections, seconds):
    """wrk as fast as it goes."""
    done = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", tools.HERE / "wrk.lua"),
            f"http://127.0.0.1:{server.port}{server.peer.plaintext}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
        preexec_fn=on_core(CLIENT_CORE),
    )
    result = json.loads(done.stdout.strip().splitlines()[-1])
    if result["faults"] or not result["requests"]:
        raise answers.Wrong(f"wrk: {done.stdout}")
    return result


def open_loop(server, connections, seconds, rate):
    """`load` at a fixed rate."""
    workload = Workload("open", "", "plaintext", connections=connections)
    with Client(server, workload, ("-w", 0.5, "-s", seconds, "-r", f"{rate:.0f}")) as client:
        return client.measure()


def measure(options):
    """(connections, loop) → the rounds."""
    results = {}
    with Server(LATTICE) as server, Server(FLOOR) as bare:
        closed(server, 64, 1)  # warm
        for connections in CONNECTIONS:
            rounds = {CLOSED: [], OPEN: [], BARE: []}
            for _ in range(options.rounds):
                print(f"{connections} connections", file=sys.stderr)
                rounds[CLOSED].append(closed(server, connections, options.seconds))
                rate = SHARE * rounds[CLOSED][-1]["per_second"]
                rounds[OPEN].append(open_loop(server, connections, options.seconds, rate))
                rounds[BARE].append(open_loop(bare, connections, options.seconds, rate))
            results |= {(connections, loop): runs for loop, runs in rounds.items()}
    return results


def check(results):
    """Prints each budget; whether all were kept."""
    rows = []
    for connections, loop, figure, limit in BUDGETS:
        rounds = [run[figure] for run in results[connections, loop]]
        verdict = "kept" if min(rounds) <= limit else "MISSED"
        found = [f"{figure_of(rounds):,.0f}" for figure_of in (min, statistics.median)]
        rows.append([f"{connections:,}, {loop}", figure.replace("_us", " µs"), f"{limit:,}", *found, verdict])
    print(tables.table(["connections", "budget", "at most", "best round", "median", ""], rows))
    return all(row[-1] == "kept" for row in rows)


def main():
    options = arguments()
    end_on_signals()
    raise_file_limit()
    print(f"machine: {tables.machine()}\ncommit: {tables.commit()}")
    print(f"GET {LATTICE.plaintext}, {options.rounds} rounds of {options.seconds} s, medians\n")
    results = measure(options)
    rows = [
        [f"{connections:,}", loop, *(tables.number(statistics.median(run[key] for run in runs), 0) for key in FIGURES)]
        for (connections, loop), runs in results.items()
    ]
    print(tables.table(["connections", "", "req/s", "mean µs", "p50 µs", "p99 µs", "p99.9 µs"], rows))
    sys.exit(0 if check(results) else 1)


if __name__ == "__main__":
    main()
