"""A factorizer head for 100, 1,000 and 10,000 classes beside fully connected layers.

Two factors. Parameters, operations and bits of codebooks are formulas; accuracy and cycles are the
golden model's, of clean queries and of soft ones, the same for both engines. Writes docs/heads.md,
with --quick not. Exit status 1 if join is less accurate than exhaustive search by more than .5 %.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from _arguments import count, new_file, seed
from _heads_page import CLASSES, MARGIN, SHAPES, text
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.config import CoreConfig
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.cycles import worst_case
from blockfactor.golden.query import clean_batch, soft_batch
from blockfactor.parameters import RunParameters
from blockfactor.tables import write_text

PAGE = Path(__file__).parents[1] / "docs" / "heads.md"
#: What join may lose in accuracy against exhaustive search, of 1,000 queries or more.
LOSS, ENOUGH = .005, 1000


def core(classes: int, blocks: int, length: int) -> CoreConfig:
    """A core for that many classes; a list holds a whole codebook."""
    size = CLASSES[classes]
    return CoreConfig(factors=2, blocks=blocks, block_length=length, max_codevectors=size,
                      list_size=size)


def parameters(classes: int, kind: str) -> dict[str, RunParameters]:
    """By engine, and for exhaustive search.

    Clean: A = 0 and T = 0 (whole codebooks, no threshold), as published for D=512 and M from 32 to
    348. Soft: the threshold and trimming of preset ``demo``, whole codebooks.
    """
    size = CLASSES[classes]
    base = RunParameters(sizes=(size, size), mode="join", heads=1)
    tuned = {"mode": "factorize", "max_iterations": size}
    if kind == "soft":
        base = base.replace(heads=2, level=205)
        tuned |= {"threshold": 262, "trim": 1, "patience": 3, "max_iterations": 40}
    return {"join": base, "factorize": base.replace(**tuned),
            "exhaustive": base.replace(mode="scan", level=511)}


def measure(classes: int, blocks: int, length: int, kind: str, queries: int, seed: int,
            engines=("join", "factorize", "exhaustive")) -> dict:
    """Accuracy and cycles at a point, a codebook for each query."""
    size, chosen = CLASSES[classes], core(classes, blocks, length)
    rng = np.random.default_rng([seed, classes, blocks, length, kind == "soft"])
    codes = rng.integers(0, length, (queries, 2, size, blocks))
    truth = rng.integers(0, size, (queries, 2))
    seeds = rng.integers(1, 2**32, queries)
    product = codes[np.arange(queries)[:, None], np.arange(2), truth].sum(axis=1) % length
    query = clean_batch(product) if kind == "clean" else soft_batch(
        product, length, MARGIN, rng, chosen.query_entries, chosen.weight_bits)
    ways = {}
    for name in engines:
        run = parameters(classes, kind)[name]
        found = factorize_many(chosen, codes, *query, run, seeds)
        ways[name] = {"found": float((found.indices == truth).all(axis=1).mean()),
                      "mean": float(found.cycles.mean()),
                      "p99": float(np.quantile(found.cycles, .99))}
    ways["join"]["bound"] = worst_case(chosen, parameters(classes, kind)["join"])
    return {"classes": classes, "blocks": blocks, "block_length": length, "kind": kind,
            "ways": ways}


def missed(rows: list[dict], queries: int) -> list[str]:
    """Points at which join falls behind exhaustive search."""
    return [f"{row['kind']}, {row['classes']:,} classes, D={row['blocks'] * row['block_length']}: "
            f"join finds {row['ways']['join']['found']:.4f}, "
            f"exhaustive search {row['ways']['exhaustive']['found']:.4f}"
            for row in rows if queries >= ENOUGH
            and row["ways"]["join"]["found"] < row["ways"]["exhaustive"]["found"] - LOSS]


def show(rows: list[dict], queries: int) -> None:
    """Print accuracy and cycles."""
    table = Table(title=f"share found, mean cycles (99 %), {queries:,} queries each")
    for column in ("classes", "D", "B", "query", "join", "factorize", "exhaustive"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(f"{row['classes']:,}", str(row["blocks"] * row["block_length"]),
                      str(row["blocks"]), row["kind"],
                      *(f"{way['found']:.4f}, {way['mean']:,.0f} ({way['p99']:,.0f})"
                        for way in row["ways"].values()))
    Console(width=140).print(table)


def main() -> int:
    """Print the figures; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/heads.py --queries 4000 --json heads.json --quick")
    parser.add_argument("--queries", type=count, default=1000, help="a point (1000)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--quick", action="store_true", help="does not write docs/heads.md")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    points = [(classes, *shape, kind) for classes in CLASSES for shape in SHAPES
              for kind in ("clean", "soft")]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        rows = [measure(*point, args.queries, args.seed)
                for point in progress.track(points, description="factorizing")]
    data = {"queries": args.queries, "seed": args.seed, "rows": rows}
    show(rows, args.queries)
    if args.json:
        write_text(args.json, json.dumps(data, indent=1) + "\n")
    if not args.quick:
        write_text(PAGE, text(data))
    problems = missed(rows, args.queries)
    for problem in problems:
        print(f"missed: {problem}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
