"""Join against exhaustive search, query by query: the same score, unless its look-up blocks miss.

Both run to the end, so that each has the best score it can find. Where join's is lower, the best
tuple must be wrong in every look-up block; anything else ends in exit status 1.
"""

import argparse
import json
import sys
from typing import NamedTuple

import numpy as np
from _arguments import count, new_file, seed
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.config import CoreConfig
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.join import look_up_blocks
from blockfactor.golden.query import clean_batch, damaged_batch, soft_batch
from blockfactor.parameters import RunParameters

#: Queries at a time.
CHUNK = 250


class Case(NamedTuple):
    """Queries of one kind."""

    kind: str
    factors: int
    size: int
    blocks: int
    heads: int
    lanes: int
    margin: float = 0
    wrong: int = 0


CASES = tuple(Case(kind, *size, heads, lanes, margin, wrong)
              for size, lanes, margin in (((3, 22, 4), 1, 4.0), ((3, 22, 8), 4, 3.0),
                                          ((2, 32, 4), 2, 4.0), ((4, 8, 4), 8, 4.0))
              for kind, heads, wrong in (("clean", 1, 0), ("damaged", 2, 1), ("soft", 2, 0),
                                         ("soft", 3, 0)))


def compare(case: Case, number: int, seeds: list[int]) -> dict:
    """Figures of ``number`` queries."""
    length = 512 // case.blocks
    core = CoreConfig(factors=case.factors, blocks=case.blocks, block_length=length, heads=3,
                      lanes=case.lanes, max_codevectors=case.size, engines=("join",),
                      list_size=min(32, case.size))
    rng = np.random.default_rng(seeds)
    codes = rng.integers(0, length, (number, case.factors, case.size, case.blocks))
    truth = rng.integers(0, case.size, (number, case.factors))
    rows, factors = np.arange(number)[:, None], np.arange(case.factors)
    product = codes[rows, factors, truth].sum(axis=1) % length
    if case.kind == "soft":
        query = soft_batch(product, length, case.margin, rng, core.query_entries, core.weight_bits)
    else:
        query = clean_batch(damaged_batch(product, length, case.wrong, rng))
    random = rng.integers(1, 2**32, number)
    join = RunParameters(sizes=(case.size,) * case.factors, mode="join", heads=case.heads,
                         level=511)
    found = factorize_many(core, codes, *query, join, random)
    best = factorize_many(core, codes, *query, join.replace(mode="scan"), random)
    bound = codes[rows, factors, best.indices].sum(axis=1) % length
    missed = wrong = 0
    for n in np.flatnonzero(found.score != best.score):
        blocks, peaks = look_up_blocks(query[0][n].astype(np.int64), query[1][n].astype(np.int64),
                                       case.heads)
        hit = any(b >= 0 and bound[n, b] == peak for b, peak in zip(blocks, peaks))
        missed += not hit
        wrong += bool(hit or found.score[n] > best.score[n])
    return {"queries": number, "equal": int((found.score == best.score).sum()), "missed": missed,
            "wrong": wrong}


def main() -> int:
    """Print the figures; returns 1 if a difference is not a miss of the look-up blocks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/equal.py --queries 5000 --json equal.json")
    parser.add_argument("--queries", type=count, default=1250,
                        help=f"of each of {len(CASES)} kinds (1250)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("comparing", total=args.queries * len(CASES))
        for number, case in enumerate(CASES):
            row = case._asdict() | {"queries": 0, "equal": 0, "missed": 0, "wrong": 0}
            for first in range(0, args.queries, CHUNK):
                size = min(CHUNK, args.queries - first)
                for name, value in compare(case, size, [args.seed, number, first]).items():
                    row[name] += value
                progress.advance(task, size)
            rows.append(row)
    total = sum(row["queries"] for row in rows)
    table = Table(title=f"best score of join and of exhaustive search, {total:,} queries")
    for name in ("kind", "F", "M", "B", "look-up blocks", "lanes", "queries", "equal",
                 "look-up blocks miss", "wrong"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for row in rows:
        table.add_row(*(str(row[name]) for name in (
            "kind", "factors", "size", "blocks", "heads", "lanes", "queries", "equal", "missed",
            "wrong")))
    Console(width=110).print(table)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
