"""What interleaved runs share: their options, the order of the rounds, and what becomes of a server that fails.

Rounds are interleaved: each measures every server once, so that a machine that drifts drifts for all of them.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import answers
import counts
import tables
import tools
from client import sample
from server import Server

TROUBLE = (OSError, RuntimeError, ValueError, TimeoutError, answers.Wrong, subprocess.SubprocessError, LookupError)


def names(all_of):
    return "names with commas between: " + ", ".join(all_of)


def parser(prog, description, peers, workloads):
    """The options that every run has. `workloads` are names; what is no workload can be among them."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--only", metavar="SERVERS", help=names(peer.name for peer in peers))
    parser.add_argument("--workload", metavar="WORKLOADS", help=names(workloads))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--json", metavar="FILE", help="write everything there too")
    return parser


def parse(parser, peers, workloads):
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 1.0
    for option, known in (("only", {peer.name for peer in peers}), ("workload", set(workloads))):
        for name in (getattr(chosen, option) or "").split(","):
            if name and name not in known:
                parser.error(f"--{option}: there is no {name}")
    return chosen


def is_chosen(name, chosen):
    return not chosen or name in chosen.split(",")


def chosen_of(all_of, chosen):
    return [each for each in all_of if is_chosen(each.name, chosen)]


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


def one_round(workload, peer, options):
    with Server(peer) as server:
        return sample(server, workload, workload.round(options))


def measure(workload, peers, options):
    """All rounds of a workload: server name → summary."""
    peers = [peer for peer in peers if workload.path(peer)]
    samples = {peer.name: [] for peer in peers}
    for round in range(options.rounds):
        for peer in peers:
            say(f"{workload.name}: round {round + 1}/{options.rounds}: {peer.name}")
            samples[peer.name].append(attempt(peer.name, one_round, workload, peer, options))
    results = {}
    for peer in peers:
        rounds = list(filter(None, samples[peer.name]))
        if rounds:
            results[peer.name] = tables.summary(rounds) | count(workload, peer)
    return results


def count(workload, peer):
    if not workload.is_counted:
        return {}
    say(f"{workload.name}: counting: {peer.name}")
    workload = workload.for_counts
    return {
        "syscalls": attempt(peer.name, counts.syscalls, workload, peer),
        "instructions": attempt(peer.name, counts.instructions, workload, peer),
    }


def report(options, method):
    """Prints what was measured and where; the beginning of what --json keeps."""
    print(f"machine: {tables.machine()}\ncommit: {tables.commit()}\n{method}\n", flush=True)
    return {"machine": tables.machine(), "commit": tables.commit(), "rounds": options.rounds, "workloads": {}}


def keep(options, report):
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
