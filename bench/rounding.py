"""Stochastic rounding of query weights, and ensembles of it, against rounding to nearest.

Soft queries: a block's probabilities become weights of 1 to 4 bits. Rounded to nearest, once; at
random, up or down with the probability that keeps the mean, once; and an ensemble of N of the
latter, each searched with a seed of its own until a score is accepted, the best share of the
largest possible score wins. Cycles are those of all searches together. The same probabilities for
all.
"""

import argparse
import json

import numpy as np
from _arguments import count, new_file, seed
from _variants_points import POINTS
from rich.console import Console
from rich.table import Table

from blockfactor.golden.batch import factorize_many
from blockfactor.golden.query import soft_probabilities

ENSEMBLE = 4
BITS = (1, 2, 3, 4)
#: Share of the largest score that a search accepts, in 256ths; scan goes through everything.
MODES = {"scan": {"level": 511}, "join": {"heads": 2, "level": 205},
         "factorize": {"level": 205, "max_iterations": 100}}


def weights(p, entries: int, bits: int, rng=None):
    """Query entries of p [n, B, L]: index and weight [n, B, s]; rounded at random given ``rng``."""
    order = np.argsort(-p, axis=-1, kind="stable")[..., :entries]
    best = np.take_along_axis(p, order, -1)
    exact = ((1 << bits) - 1) * best / best[..., :1]
    weight = np.floor(exact + (.5 if rng is None else rng.random(exact.shape))).astype(np.int64)
    weight = np.minimum(weight, (1 << bits) - 1)
    # Entries of weight 0 go to the end, where the golden model expects padding.
    rank = np.argsort(weight == 0, axis=-1, kind="stable")
    weight = np.take_along_axis(weight, rank, -1)
    return np.where(weight > 0, np.take_along_axis(order, rank, -1), 0), weight


def search(point, mode: str, codes, entries, rng):
    """Tuples, shares of the largest score, and cycles."""
    index, weight = entries
    parameters = point.parameters.replace(mode=mode, **MODES[mode])
    found = factorize_many(point.core, codes, index, weight, parameters,
                           rng.integers(1, 2**32, len(index)))
    return found.indices, found.score / weight.max(axis=2).sum(axis=1), found.cycles


def ensemble(point, mode: str, codes, queries, rng):
    """Searches one after the other; those whose score was accepted search no more."""
    accepted = MODES[mode]["level"] / 256
    indices = share = cycles = None
    for entries in queries:
        new, new_share, spent = search(point, mode, codes, entries, rng)
        if indices is None:
            indices, share, cycles = new.copy(), new_share.copy(), spent.copy()
            continue
        active = share < accepted
        cycles += np.where(active, spent, 0)
        better = active & (new_share > share)
        indices[better], share[better] = new[better], new_share[better]
    return indices, cycles


def measure(name: str, modes, trials: int, seed: int) -> list[dict]:
    """Rows of one point."""
    point = POINTS[name]
    core, size = point.core, point.parameters.sizes[0]
    rng = np.random.default_rng([seed, *map(ord, name)])
    codes = rng.integers(0, core.block_length, (trials, core.factors, size, core.blocks))
    truth = rng.integers(0, size, (trials, core.factors))
    product = codes[np.arange(trials)[:, None], np.arange(core.factors), truth].sum(axis=1)
    p = soft_probabilities(product % core.block_length, core.block_length, point.margin, rng)
    rows = []
    for mode in modes:
        for bits in BITS:
            nearest = weights(p, core.query_entries, bits)
            random = [weights(p, core.query_entries, bits, rng) for _ in range(ENSEMBLE)]
            for way, queries in (("nearest", [nearest]), ("random", random[:1]),
                                 (f"{ENSEMBLE} random", random)):
                indices, cycles = ensemble(point, mode, codes, queries, rng)
                rows.append({"point": name, "mode": mode, "bits": bits, "way": way,
                             "trials": trials,
                             "accuracy": float((indices == truth).all(axis=1).mean()),
                             "cycles": float(cycles.mean())})
    return rows


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/rounding.py --trials 2000 --json rounding.json")
    parser.add_argument("--trials", type=count, default=1000, help="per point (default 1000)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--mode", action="append", choices=list(MODES),
                        help="only this one; may be repeated")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    rows = [row for name in ("soft-22", "soft-22-b8")
            for row in measure(name, args.mode or MODES, args.trials, args.seed)]
    ways = list(dict.fromkeys(row["way"] for row in rows))
    table = Table(title=f"accuracy and mean cycles by rounding, {args.trials} trials")
    for column in ("point", "mode", "bits", *ways):
        table.add_column(column, justify="right")
    for first in range(0, len(rows), len(ways)):
        group = rows[first:first + len(ways)]
        table.add_row(group[0]["point"], group[0]["mode"], str(group[0]["bits"]),
                      *(f"{row['accuracy']:.4f} {row['cycles']:,.0f}" for row in group))
    Console(width=120).print(table)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
