"""Measure how many factorizations a second the golden model does on one core at M=49."""

import argparse
import json
import statistics
import sys
import time

import numpy as np
from _arguments import count, new_file
from rich.console import Console
from rich.table import Table

from blockfactor.golden._jit import COMPILED
from blockfactor.golden.batch import factorize_many
from blockfactor.presets import preset

#: Factorizations a second that compiled code must reach.
LEAST = 5000


def main() -> int:
    """Print the figures; exit status 1 if compiled code is too slow."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     epilog="example: python bench/speed.py --trials 20000")
    parser.add_argument("--trials", type=count, default=4000 if COMPILED else 8)
    parser.add_argument("--repeats", type=count, default=5)
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    tiny = preset("tiny")
    core, parameters = tiny.core, tiny.clean
    rng = np.random.default_rng(1)
    size = parameters.sizes[0]
    codes = rng.integers(0, core.block_length, (args.trials, 3, size, core.blocks))
    truth = rng.integers(0, size, (args.trials, 3))
    index = sum(codes[np.arange(args.trials), f, truth[:, f]] for f in range(3))
    index = (index % core.block_length)[:, :, None]
    seeds = rng.integers(1, 2**32, args.trials)
    factorize_many(core, codes[:1], index[:1], np.ones_like(index[:1]), parameters, seeds[:1])
    rates = []
    for _ in range(args.repeats):
        began = time.perf_counter()
        factorize_many(core, codes, index, np.ones_like(index), parameters, seeds)
        rates.append(args.trials / (time.perf_counter() - began))
    rate = statistics.median(rates)
    table = Table(title=f"golden model, preset tiny, M={size}, clean queries, one core")
    for column in ("code", "trials", "factorizations a second (median)", "range"):
        table.add_column(column)
    table.add_row("compiled" if COMPILED else "plain Python", str(args.trials), f"{rate:,.0f}",
                  f"{min(rates):,.0f} to {max(rates):,.0f}")
    Console().print(table)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as stream:
            json.dump({"compiled": COMPILED, "trials": args.trials, "rates": rates,
                       "median": rate}, stream, indent=2)
    return int(COMPILED and rate < LEAST)


if __name__ == "__main__":
    sys.exit(main())
