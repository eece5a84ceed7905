"""WebSocket in Lattice beside its peers: one table per workload. `scripts/bench-ws` runs it; `--help` tells how.

One server at a time, on core 0; the load client on core 1.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

import figures
import memory
import rounds
from footprint import raise_file_limit
from server import end_on_signals
from sockets import BROADCAST, SOCKETS, WORKLOADS

CHOICES = [*(workload.name for workload in WORKLOADS), "memory"]


def arguments():
    parser = rounds.parser("scripts/bench-ws", "Measures WebSocket in Lattice beside its peers.", SOCKETS, CHOICES)
    parser.add_argument("--broadcasts", type=int, default=100, help="of each round")
    parser.add_argument("--quick", action="store_true", help="one round of a second, ten broadcasts")
    chosen = rounds.parse(parser, SOCKETS, CHOICES)
    if chosen.quick:
        chosen.broadcasts = 10
    return chosen


def memories(peers):
    results = {}
    for peer in peers:
        rounds.say(f"memory: {peer.name}")
        results[peer.name] = rounds.attempt(peer.name, memory.measure, peer)
    return {name: result for name, result in results.items() if result}


def main():
    options = arguments()
    end_on_signals()
    raise_file_limit()
    peers = rounds.available(rounds.chosen_of(SOCKETS, options.only))
    method = f"{options.rounds} interleaved rounds of {options.seconds:g} s or {options.broadcasts} broadcasts"
    report = rounds.report(options, f"{method}; median (least–most)")
    for workload in rounds.chosen_of(WORKLOADS, options.workload):
        results = report["workloads"][workload.name] = rounds.measure(workload, peers, options)
        table = figures.broadcast_table if workload is BROADCAST else figures.echo_table
        print(f"## {workload.title}\n\n{table(results)}", flush=True)
    if rounds.is_chosen("memory", options.workload):
        results = report["memory"] = memories(peers)
        title = f"Bytes of memory per idle connection, of {memory.IDLE_CONNECTIONS:,}"
        print(f"## {title}\n\n{figures.memory_table(results)}", flush=True)
    rounds.keep(options, report)


if __name__ == "__main__":
    main()
