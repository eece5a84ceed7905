"""A and B by turns: rounds of samples, and the ratio of what they came to."""

import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """One way to do it: the server's flags, or whatever `start` understands."""

    name: str
    flags: tuple = ()


def interleave(title, variants, rounds, start, sample):
    """Variant → its samples. `start(variant)` gives a server, which rests while the others are measured;
    `sample(server)` a dict of figures."""
    results = {variant.name: [] for variant in variants}
    with ExitStack() as stack:
        servers = [stack.enter_context(start(variant)) for variant in variants]
        for number in range(rounds):
            print(f"{title}: round {number + 1} of {rounds}", file=sys.stderr)
            # Whoever comes first in a round does so in every other round only.
            order = list(zip(variants, servers))[:: 1 if number % 2 == 0 else -1]
            for variant, server in order:
                results[variant.name].append(sample(server))
    return results


def spread(values, digits):
    """Median, least and most."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def ratio(base, values):
    """Of the medians; least and most of the ratios within a round."""
    middle = statistics.median(base)
    if not middle or min(base) <= 0:
        return "–"
    within = [value / first for first, value in zip(base, values)]
    return f"{statistics.median(values) / middle:.2f} ({min(within):.2f}–{max(within):.2f})"


def rows(results, figures):
    """A row for each variant: every figure of `figures` (name → digits), the ratio beside the first one."""
    base = next(iter(results.values()))
    table = []
    for name, samples in results.items():
        row = [name]
        for index, (figure, digits) in enumerate(figures.items()):
            values = [sample[figure] for sample in samples]
            row.append(spread(values, digits))
            if index == 0:
                row.append(ratio([sample[figure] for sample in base], values))
        table.append(row)
    return table
