"""Lattice beside its peers: one table per workload. `scripts/bench-peers` runs it; `--help` tells how.

One server at a time, on core 0; the load client on core 1.
"""

import footprint
import rounds
import tables
from peers import PEERS, WORKLOADS
from server import end_on_signals

STARTS = 10
CHOICES = [*(workload.name for workload in WORKLOADS), "footprint"]


def arguments():
    parser = rounds.parser("scripts/bench-peers", "Measures Lattice beside its peers.", PEERS, CHOICES)
    parser.add_argument("--quick", action="store_true", help="one round of a second, three starts")
    chosen = rounds.parse(parser, PEERS, CHOICES)
    chosen.starts = 3 if chosen.quick else STARTS
    return chosen


def footprints(peers, options):
    results = {}
    for peer in peers:
        rounds.say(f"footprint: {peer.name}")
        results[peer.name] = rounds.attempt(peer.name, footprint.measure, peer, options.starts)
    return {name: result for name, result in results.items() if result}


def main():
    options = arguments()
    end_on_signals()
    footprint.raise_file_limit()
    peers = rounds.available(rounds.chosen_of(PEERS, options.only))
    report = rounds.report(options, f"{options.rounds} interleaved rounds of {options.seconds:g} s")
    for workload in rounds.chosen_of(WORKLOADS, options.workload):
        results = report["workloads"][workload.name] = rounds.measure(workload, peers, options)
        print(f"## {workload.title}\n\n{tables.workload_table(results, workload.kind == 'file')}", flush=True)
    if rounds.is_chosen("footprint", options.workload):
        results = report["footprint"] = footprints(peers, options)
        print(f"## Memory, start, size\n\n{tables.footprint_table(results)}", flush=True)
    rounds.keep(options, report)


if __name__ == "__main__":
    main()
