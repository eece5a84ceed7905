"""Lattice beside its peers: one table per workload. `scripts/bench-peers` runs it; `--help` tells how.

One server at a time, on core 0; the load client on core 1. Rounds are interleaved: each round measures
every server once, so that a machine that drifts drifts for all of them.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import answers
import counts
import footprint
import tables
import tools
from client import sample
from peers import PEERS, WORKLOADS
from server import Server, end_on_signals

WARMUP_SECONDS = 1.0
STARTS = 10
# Where counting makes sense; more connections only change how many answers share a poll.
COUNTED = ("plaintext", "pipelined", "json", "file")
TROUBLE = (OSError, RuntimeError, ValueError, TimeoutError, answers.Wrong, subprocess.SubprocessError, LookupError)


def names(all_of):
    return "names with commas between: " + ", ".join(each.name for each in all_of)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-peers", description="Measures Lattice beside its peers.")
    parser.add_argument("--only", metavar="SERVERS", help=names(PEERS))
    parser.add_argument("--workload", metavar="WORKLOADS", help=names(WORKLOADS) + ", footprint")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--json", metavar="FILE", help="write everything there too")
    parser.add_argument("--quick", action="store_true", help="one round of a second, three starts")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 1.0
    chosen.starts = 3 if chosen.quick else STARTS
    known = {each.name for each in [*WORKLOADS, *PEERS]} | {"footprint"}
    for name in ",".join(filter(None, [chosen.only, chosen.workload])).split(","):
        if name and name not in known:
            parser.error(f"{name} is neither a server nor a workload")
    return chosen


def chosen_of(all_of, names):
    return [each for each in all_of if not names or each.name in names.split(",")]


def say(text):
    print(text, file=sys.stderr, flush=True)


def attempt(what, function, *values):
    """A server that fails must not take the others' figures with it: None, and the reason told."""
    try:
        return function(*values)
    except TROUBLE as error:
        say(f"  {what}: left out: {error}")
        return None


def available(peers):
    """Those whose program can be had here; builds them."""
    found = []
    for peer in peers:
        try:
            peer.program()
            found.append(peer)
        except tools.Unavailable as error:
            print(f"{peer.name}: not available here ({error})\n")
    return found


def one_round(workload, peer, seconds):
    with Server(peer) as server:
        return sample(server, workload, seconds, min(WARMUP_SECONDS, seconds))


def measure(workload, peers, options):
    """All rounds of a workload: server name → summary."""
    peers = [peer for peer in peers if workload.path(peer)]
    samples = {peer.name: [] for peer in peers}
    for round in range(options.rounds):
        for peer in peers:
            say(f"{workload.name}: round {round + 1}/{options.rounds}: {peer.name}")
            samples[peer.name].append(attempt(peer.name, one_round, workload, peer, options.seconds))
    results = {}
    for peer in peers:
        rounds = list(filter(None, samples[peer.name]))
        if rounds:
            results[peer.name] = tables.summary(rounds)
            if workload.name in COUNTED:
                results[peer.name] |= count(workload, peer)
    return results


def count(workload, peer):
    say(f"{workload.name}: counting: {peer.name}")
    return {
        "syscalls": attempt(peer.name, counts.syscalls, workload, peer),
        "instructions": attempt(peer.name, counts.instructions, workload, peer),
    }


def footprints(peers, options):
    results = {}
    for peer in peers:
        say(f"footprint: {peer.name}")
        results[peer.name] = attempt(peer.name, footprint.measure, peer, options.starts)
    return {name: result for name, result in results.items() if result}


def main():
    options = arguments()
    end_on_signals()
    footprint.raise_file_limit()
    peers = available(chosen_of(PEERS, options.only))
    print(f"machine: {tables.machine()}\ncommit: {tables.commit()}")
    print(f"{options.rounds} interleaved rounds of {options.seconds:g} s\n")
    report = {"machine": tables.machine(), "commit": tables.commit(), "workloads": {}}
    for workload in chosen_of(WORKLOADS, options.workload):
        results = report["workloads"][workload.name] = measure(workload, peers, options)
        print(f"## {workload.title}\n\n{tables.workload_table(results, workload.kind == 'file')}", flush=True)
    if not options.workload or "footprint" in options.workload:
        results = report["footprint"] = footprints(peers, options)
        print(f"## Memory, start, size\n\n{tables.footprint_table(results)}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
