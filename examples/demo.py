"""Factorizes in simulated hardware what a neural network sees, then random queries.

A small network looks at three handwritten digits at once and emits the product vector of their
labels. The core of preset ``demo``, generated and simulated here, turns it back into the three
digits, with each of its engines: ``factorize`` iterates as published, ``join`` looks the last digit
up for each pair of the others. Then both do the same with clean and soft random queries. Each run
is compared with the golden model in every step; exit status 1 if one differs.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.cli._common import output_file
from blockfactor.errors import BlockfactorError
from blockfactor.golden.frontend import quantise
from blockfactor.presets import preset
from blockfactor.sim.simulate import model, simulate
from blockfactor.sim.workload import Item, Workload, make_items
from examples.digits import network as digits
from examples.digits.picture import ascii_triple, draw
from examples.digits.settings import codebooks, run_parameters

__all__ = ["ENGINES", "both", "digit_items", "main", "summary"]

#: Engines that are compared, side by side.
ENGINES = ("factorize", "join")
#: Triples drawn in the terminal and in the picture.
SHOWN, DRAWN = 3, 6
#: Kinds of queries and their names in the table.
KINDS = {"digits": "digits, M=10", "clean": "clean, M=22", "soft": "soft, M=22"}


def digit_items(core, images, labels) -> tuple[list[Item], np.ndarray]:
    """The network's outputs as dense queries, for each engine in turn, and the outputs themselves.

    Parameters
    ----------
    core : CoreConfig
        With a dense front-end.
    images : array [n, 3, 8, 8]
    labels : int array [n, 3]

    Returns
    -------
    items : list of 2 n Item
    products : float array [n, B, L]
    """
    network = digits.load("b4")
    products = network.product_vector(images)
    book = codebooks(network)
    items = [Item(book, None, run_parameters(network, engine), tuple(map(int, label)), "digits",
                  quantise(product, core.element_bits))
             for product, label in zip(products, labels) for engine in ENGINES]
    return items, products


def both(items: list[Item]) -> list[Item]:
    """Each item for each engine in turn: the same query, codebooks and seed."""
    return [replace(item, parameters=item.parameters.replace(mode=engine))
            for item in items for engine in ENGINES]


def summary(rows: list[dict]) -> list[dict]:
    """What each engine did with each kind of query; ``rows`` alternate between the engines."""
    result = []
    for kind in KINDS:
        for e, engine in enumerate(ENGINES):
            chosen = [row for row in rows[e::len(ENGINES)] if row["kind"] == kind]
            cycles = [row["cycles"] for row in chosen]
            result.append({
                "kind": kind, "engine": engine, "queries": len(chosen),
                "found": sum(tuple(row["indices"]) == tuple(row["truth"]) for row in chosen),
                "mean": sum(cycles) / len(cycles), "largest": max(cycles),
                "equal": sum(not row["difference"] for row in chosen)})
    return result


def print_summary(rows: list[dict], console: Console) -> None:
    """Print :func:`summary` as a table."""
    table = Table(title="preset demo (F=3, D=512, B=4) in simulation")
    for column in ("queries", "engine", "found", "mean cycles", "largest", "equals golden"):
        table.add_column(column, justify="left" if column in ("queries", "engine") else "right")
    for way in summary(rows):
        last = way["engine"] == ENGINES[-1]
        table.add_row("" if last else KINDS[way["kind"]], way["engine"],
                      f"{way['found']} of {way['queries']}", f"{way['mean']:,.0f}",
                      f"{way['largest']:,}", f"{way['equal']} of {way['queries']}",
                      end_section=last)
    console.print(table)


def main() -> int:
    """Run the demonstration; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0],
                                     epilog="example: python examples/demo.py --triples 200")
    parser.add_argument("--triples", type=int, default=24, help="digit triples (default 24)")
    parser.add_argument("--queries", type=int, default=20,
                        help="clean, and soft, random queries (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, default=Path("build/demo.png"),
                        help="PNG to draw (default build/demo.png)")
    args = parser.parse_args()
    if args.triples < 1 or args.queries < 1 or args.seed < 0:
        parser.error("--triples and --queries must be at least 1, --seed at least 0")
    args.picture.parent.mkdir(parents=True, exist_ok=True)
    output_file(args.picture)
    console = Console()
    chosen = preset("demo")
    images, labels = digits.held_out_triples(args.triples, args.seed)
    items, products = digit_items(chosen.core, images, labels)
    for kind in ("clean", "soft"):
        items += both(make_items(chosen.core, chosen.parameters(kind), kind, args.queries,
                                 args.seed, chosen.margin))
    with Progress(console=console, transient=True) as progress, \
            tempfile.TemporaryDirectory() as folder:
        task = progress.add_task("building the simulation model (some 30 s, then cached)",
                                 total=None)
        built = model(chosen.core)
        progress.update(task, description="factorizing in simulated hardware", total=len(items))
        rows = simulate(Workload(chosen.core, items, seed=args.seed), folder, built=built,
                        progress=lambda done: progress.update(task, completed=done))

    by_engine = {engine: rows[e:2 * args.triples:2] for e, engine in enumerate(ENGINES)}
    for n in range(min(SHOWN, args.triples)):
        print(ascii_triple(images[n], color=sys.stdout.isatty()))
        for engine, ways in by_engine.items():
            row = ways[n]
            console.print(f"{engine:9} found [bold]{' '.join(map(str, row['indices']))}[/bold]"
                          f" (true {' '.join(map(str, labels[n]))}), score {row['score']} of "
                          f"{row['smax']}, {row['cycles']} cycles", highlight=False)
        print()
    shown = min(DRAWN, args.triples)
    joined = by_engine["join"][:shown]
    draw(args.picture, images[:shown], labels[:shown], [row["indices"] for row in joined],
         [row["score"] for row in joined],
         {engine: [row["cycles"] for row in ways[:shown]] for engine, ways in by_engine.items()},
         products=products[:shown], smax=[row["smax"] for row in joined])
    print_summary(rows, console)
    console.print(f"picture: {args.picture}", highlight=False)
    differing = [row for row in rows if row["difference"]]
    for row in differing:
        print(f"query {row['number']} differs from the golden model: {row['difference']}")
    return 1 if differing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BlockfactorError, OSError) as problem:
        sys.exit(f"demo: error: {problem}")
