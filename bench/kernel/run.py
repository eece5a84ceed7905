"""What Linux gives a loop beyond recv, send and epoll_wait: measured on the floor, A and B by turns.

`scripts/bench-kernel` runs it. CPU time is the server's own clock of it; ratios are of medians, with the
least and the most of the ratios within a round.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

import experiments
import tables
from footprint import raise_file_limit
from server import end_on_signals


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-kernel", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each sample")
    parser.add_argument("--only", nargs="+", choices=experiments.ALL, default=list(experiments.ALL))
    parser.add_argument("--quick", action="store_true", help="one round of 0.1 s")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 0.1
    return chosen


def main():
    options = arguments()
    end_on_signals()
    raise_file_limit()
    began = time.monotonic()
    print(f"machine: {tables.machine()}\ncommit: {tables.commit()}")
    print(f"{options.rounds} rounds of {options.seconds} s; median (least–most)\n")
    for name in options.only:
        for title, columns, rows in experiments.ALL[name](options.rounds, options.seconds):
            print(f"{title}\n\n{tables.table(columns, rows)}", flush=True)
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
