"""What a microcontroller gains by the core: its own software beside the core behind SPI.

Factorize and join in C (bench/mcu) for Cortex-M0+ and Cortex-M4, instructions counted in an
emulator, cycles estimated (bench/_thumb.py), beside the golden model's cycles at the clock of two
boards, the C driver's work and the transfer included. Writes docs/mcu.md and bench/data/mcu.json,
with --quick neither. Some six minutes. Exit status 1 if software gives a result other than the
golden model's.
"""

import argparse
import json
import sys
from pathlib import Path

from _arguments import count, new_file, seed
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.tables import write_text

ROOT = Path(__file__).parents[1]
PAGE, DATA = ROOT / "docs" / "mcu.md", ROOT / "bench" / "data" / "mcu.json"


def show(data: dict) -> None:
    """Print the latencies."""
    from _mcu_page import COLUMNS, cell

    table = Table(title=f"microseconds a query, mean and 99 %, {data['queries']} queries each")
    for column in ("query", *COLUMNS):
        table.add_column(column, justify="left" if column == "query" else "right")
    for row in data["points"]:
        table.add_row(f"{row['kind']} M={row['size']}", *(cell(row, name) for name in COLUMNS))
    Console(width=160).print(table)


def main() -> int:
    """Print the figures; returns 1 where software and golden model differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="needs the extra mcu; example: python bench/mcu.py --quick")
    parser.add_argument("--queries", type=count, default=100, help="a point (100)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--quick", action="store_true", help="two queries a point; writes nothing")
    parser.add_argument("--page", action="store_true",
                        help="write docs/mcu.md anew from bench/data/mcu.json, measure nothing")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    if args.page:
        from _mcu_page import text
        write_text(PAGE, text(json.loads(DATA.read_text(encoding="utf-8"))))
        return 0
    try:
        from _mcu_build import digest
        from _mcu_page import text
        from _mcu_points import BOARDS, FUNCTIONS, MCUS, POINTS, Bench
    except ModuleNotFoundError as problem:
        parser.error(f"{problem.name} is missing: pip install 'blockfactor[mcu]'")
    number = 2 if args.quick else args.queries
    with Progress(console=Console(stderr=True), transient=True) as progress:
        compiling = progress.add_task("compiling", total=None)
        bench = Bench(ROOT / "build" / "mcu")
        progress.remove_task(compiling)
        rows = []
        for point in POINTS:
            task = progress.add_task(point.title, total=number * len(FUNCTIONS) * len(MCUS))
            rows.append(bench.measure(point, number, args.seed,
                                      lambda task=task: progress.advance(task)))
        foreign = {cpu: len(machine.foreign()) for cpu, machine in bench.machines.items()}
        data = {
            "queries": number, "seed": args.seed, "sources": digest(),
            "mcus": {cpu: mcu._asdict() for cpu, mcu in MCUS.items()},
            "boards": {name: {"title": title, "clock_hz": bench.systems[name].clock_hz,
                              "sck_hz": bench.sck(name), "fastest_sck_hz": bench.fastest_sck(name)}
                       for name, title in BOARDS.items()},
            "points": rows, "memory": bench.memory(), "not_in_armv6m": foreign}
    show(data)
    if args.json:
        write_text(args.json, json.dumps(data, indent=1) + "\n")
    if not args.quick:
        write_text(DATA, json.dumps(data, indent=1) + "\n")
        write_text(PAGE, text(data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
