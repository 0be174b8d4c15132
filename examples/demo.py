"""Factorizes in simulated hardware what a neural network sees, then random queries.

A small network looks at three handwritten digits at once and emits the product vector of their
labels. The core of preset ``demo``, generated and simulated here, factorizes it back into the three
digits. Then it factorizes clean and soft random queries. Each run is compared with the golden
model in every step; exit status 1 if one differs.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

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

#: Triples drawn in the terminal and in the picture.
SHOWN, DRAWN = 3, 6


def digit_items(core, images) -> tuple[list[Item], object]:
    """The network's outputs as dense queries, and the outputs themselves."""
    network = digits.load("b4")
    products = network.product_vector(images)
    book, parameters = codebooks(network), run_parameters(network)
    return [Item(book, None, parameters, kind="digits",
                 elements=quantise(product, core.element_bits)) for product in products], products


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
    items, products = digit_items(chosen.core, images)
    for kind in ("clean", "soft"):
        items += make_items(chosen.core, chosen.parameters(kind), kind, args.queries, args.seed,
                            chosen.margin)
    with Progress(console=console, transient=True) as progress, \
            tempfile.TemporaryDirectory() as folder:
        task = progress.add_task("building the simulation model (some 30 s, then cached)",
                                 total=None)
        built = model(chosen.core)
        progress.update(task, description="factorizing in simulated hardware", total=len(items))
        rows = simulate(Workload(chosen.core, items, seed=args.seed), folder, built=built,
                        progress=lambda done: progress.update(task, completed=done))

    found = [row["indices"] for row in rows[:args.triples]]
    for n in range(min(SHOWN, args.triples)):
        row = rows[n]
        print(ascii_triple(images[n], color=sys.stdout.isatty()))
        console.print(f"the core found [bold]{' '.join(map(str, row['indices']))}[/bold]"
                      f" (true {' '.join(map(str, labels[n]))}), score {row['score']} of "
                      f"{row['smax']}, {row['cycles']} cycles\n", highlight=False)
    shown = min(DRAWN, args.triples)
    draw(args.picture, images[:shown], labels[:shown], found[:shown],
         [row["score"] for row in rows[:shown]], [row["cycles"] for row in rows[:shown]],
         products=products[:shown], smax=[row["smax"] for row in rows[:shown]])

    truth = [tuple(int(d) for d in label) for label in labels]
    truth += [item.truth for item in items[args.triples:]]
    table = Table(title="preset demo (F=3, D=512, B=4) in simulation")
    for column in ("queries", "found", "mean cycles", "largest", "equal to golden"):
        table.add_column(column, justify="left" if column == "queries" else "right")
    for kind, name in (("digits", "digit triples, M=10"), ("clean", "clean, M=22"),
                       ("soft", "soft, M=22")):
        chosen_rows = [(row, true) for row, true in zip(rows, truth) if row["kind"] == kind]
        cycles = [row["cycles"] for row, _ in chosen_rows]
        table.add_row(name, f"{sum(tuple(r['indices']) == t for r, t in chosen_rows)}"
                            f" of {len(cycles)}", f"{sum(cycles) / len(cycles):,.0f}",
                      f"{max(cycles):,}",
                      f"{sum(not r['difference'] for r, _ in chosen_rows)} of {len(cycles)}")
    console.print(table)
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
