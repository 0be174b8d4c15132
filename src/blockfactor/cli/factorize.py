"""Factorize queries on a device: on a board, in simulated hardware, or in the golden model."""

import argparse
import json

from ..parameters import MODES
from ._common import integer, number, output_file, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "factorize"

#: Front-ends of simulated hardware.
BUSES = ("native", "spi", "uart", "wishbone", "apb", "axi4lite")

#: Queries that are printed; a difference always is.
SHOWN = 20


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Open a device through its registers, load and verify codebooks, run queries, two in the "
        "device at a time, and print what was found. Each result is compared with the golden "
        "model's in every field. Exit status 1 if any differs.")
    parser.epilog = """\
examples:
  blockfactor factorize --port golden --preset demo --kind soft --count 20
  blockfactor factorize --port sim --preset demo --bus spi --count 20
  blockfactor factorize --port /dev/ttyUSB0 --preset tiny --codebook book.npz \\
      --queries queries.npz --json results.json"""
    parser.add_argument("--port", required=True, metavar="PORT",
                        help="sim (simulated hardware), golden (the golden model) or a serial "
                             "port such as /dev/ttyUSB0 or COM3")
    parser.add_argument("--preset", default="demo", metavar="P",
                        help="configuration of the device (default demo)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--bus", choices=BUSES, default=None, metavar="BUS",
                        help=f"front-end of simulated hardware: {', '.join(BUSES)} (default "
                             "native, the registers' own port)")
    parser.add_argument("--baud", type=integer(300, 10_000_000), default=None, metavar="N",
                        help="rate of a serial port, real or simulated (default the preset's)")
    parser.add_argument("--timeout", type=number(0, 1e6), default=None, metavar="S",
                        help="seconds to wait for the device (default 10, with sim 600)")
    parser.add_argument("--codebook", metavar="FILE",
                        help="codebooks to load: .npz, .h or .hex (default: random ones)")
    parser.add_argument("--verify", choices=("crc", "read", "none"), default="crc", metavar="HOW",
                        help="verify codebooks by the CRC of what arrived (crc, default), by "
                             "reading them back (read), or not (none)")
    parser.add_argument("--queries", metavar="FILE.npz",
                        help="queries to run; needs --codebook (default: queries made at random)")
    parser.add_argument("--kind", choices=("clean", "soft", "damaged"), default="clean",
                        metavar="KIND", help="queries made: clean (default), soft or damaged")
    parser.add_argument("--count", type=integer(1, 1_000_000), default=None, metavar="N",
                        help="queries made (default 10), or the first N of a file (default all)")
    parser.add_argument("--margin", type=number(0, 100), default=None,
                        help="logit margin of soft queries (default the preset's)")
    parser.add_argument("--wrong-blocks", type=integer(1, 16), default=1, metavar="N",
                        help="blocks replaced in damaged queries (default 1)")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1,
                        help="of codebooks and queries made (default 1)")
    parser.add_argument("--params", metavar="FILE.toml",
                        help="run parameters (default: the preset's for the kind)")
    parser.add_argument("--mode", choices=MODES, metavar="MODE",
                        help=f"{', '.join(MODES)} (default: what the parameters say)")
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=True,
                        help="compare each result with the golden model's (default)")
    parser.add_argument("--json", metavar="FILE", help="write the results")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from dataclasses import replace

    from ..presets import preset
    from ..tables import write_text
    from ._settings import core_changes

    output = output_file(args.json) if args.json else None
    chosen = preset(args.preset)
    _check_bus(args)
    system = replace(chosen.system, core=chosen.core.replace(**core_changes(args.set)),
                     front_end=args.bus or chosen.system.front_end)
    if args.port == "sim" and args.baud is not None:
        system = replace(system, baud=args.baud)
    books, parameters = _set_up(args, chosen, system.core)
    items = _queries(args, chosen, system.core, books, parameters)
    with _open(args, system) as device:
        rows = _factorize(args, device, books, parameters, items)
        seconds = getattr(device.transport, "seconds", None)
    _print(args, chosen.name, rows)
    if seconds is not None:
        print(f"{seconds * 1e3:,.3f} ms of the device's time at "
              f"{device.system.clock_hz / 1e6:g} MHz, from opening to the last result")
    failures = sum(row["difference"] is not None for row in rows)
    if output:
        write_text(output, json.dumps({
            "preset": chosen.name, "port": args.port, "seed": args.seed, "checked": args.check,
            "differences": failures, "parameters": parameters.to_table(), "runs": rows}, indent=2))
    return 1 if failures else 0


def _check_bus(args) -> None:
    """Refuse options that mean nothing with the chosen port."""
    from ..errors import ConfigError
    if args.bus and args.port != "sim":
        raise ConfigError(f"--bus {args.bus} does not go with --port {args.port}: only simulated "
                          "hardware has a choice")
    if args.port == "sim" and args.baud is not None and args.bus != "uart":
        raise ConfigError(f"--baud {args.baud} does not go with --bus {args.bus or 'native'}: only "
                          "uart has such a rate")


def _open(args, system):
    from rich.console import Console

    from ..drivers import open_device
    with Console(stderr=True).status(f"opening {args.port}" + (
            " (the first time the simulator's model is built, which takes minutes)"
            if args.port == "sim" else "")):
        return open_device(args.port, system, args.baud, args.timeout)


def _set_up(args, chosen, core):
    """Codebooks and run parameters."""
    from ..codebook_files import misfits, read_codebooks
    from ..errors import CodebookError
    from ..golden.codebook import Codebooks
    from ..golden.factorizer import Factorizer
    from ..parameters import RunParameters

    books = read_codebooks(args.codebook) if args.codebook else None
    for problem in misfits(books, core) if books else ():
        raise CodebookError(f"{args.codebook}: {problem} (preset {args.preset})")
    parameters = RunParameters.load(args.params) if args.params else chosen.parameters(args.kind)
    if books is not None and not args.params:
        parameters = parameters.replace(sizes=books.sizes)
    if args.mode is not None:
        parameters = parameters.replace(mode=args.mode)
    parameters.check(core)
    if books is None:
        books = Codebooks.random(parameters.sizes, core.blocks, core.block_length, args.seed)
    Factorizer(core, books).check(parameters)
    return books, parameters


def _queries(args, chosen, core, books, parameters) -> list:
    """Queries with their true tuples, or None where those are not known."""
    from ..errors import QueryError
    from ..golden.query_set import QuerySet
    from ..sim.workload import make_items

    if not args.queries:
        margin = chosen.margin if args.margin is None else args.margin
        made = make_items(core, parameters, args.kind, args.count or 10, args.seed, margin,
                          args.wrong_blocks, codebooks=books)
        return [(item.query, item.truth) for item in made]
    if not args.codebook:
        raise QueryError("--queries needs --codebook: queries mean nothing without one")
    queries = QuerySet.load(args.queries)
    items = []
    for row in range(min(len(queries), args.count or len(queries))):
        query = queries[row]
        try:
            query.check(core.blocks, core.block_length, core.query_entries, core.weight_bits)
            if not query.smax:
                raise QueryError("query is empty: no block has an entry")
        except QueryError as problem:
            raise QueryError(f"{args.queries}, query {row}: {problem}") from None
        truth = None if queries.truth is None else tuple(int(m) for m in queries.truth[row])
        items.append((query, truth))
    return items


def _factorize(args, device, books, parameters, items) -> list[dict]:
    from rich.console import Console
    from rich.progress import Progress

    from ..golden.factorizer import Factorizer

    model = Factorizer(device.core, books) if args.check else None
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("loading codebooks", total=None)
        device.load_codebooks(books, None if args.verify == "none" else args.verify)
        device.parameters = parameters
        progress.update(task, description="factorizing", total=len(items))
        results = device.stream(query for query, _ in items)
        for number, (query, truth) in enumerate(items):
            golden = model.explain(query, parameters) if model else None
            for product in range(parameters.products):
                tag, result = next(results)
                difference = None
                if model:
                    difference = _difference(golden[product].to_table(), result.to_table(),
                                             device)
                rows.append({"number": number, "product": product,
                             "kind": "file" if args.queries else args.kind, "truth": truth,
                             "tag": tag, **result.to_table(), "difference": difference})
            progress.update(task, completed=number + 1)
    return rows


def _difference(golden: dict, found: dict, device) -> str | None:
    """Say where a result differs from the golden model's; None if nowhere."""
    for name, want in golden.items():
        if name == "similarities" and "factorize" not in device.core.engines:
            continue  # the device does not have them
        if found[name] != want:
            return f"{name} is {found[name]}, golden {want}"
    return None


def _print(args, name: str, rows: list[dict]) -> None:
    def show(indices):
        return "-" if indices is None else " ".join(map(str, indices))

    from rich.table import Table
    table = Table(title=f"{len(rows)} queries on the device '{name}' at {args.port}")
    for column in ("query", "kind", "true tuple", "found tuple", "score", "iterations", "cycles",
                   "stop", "golden"):
        table.add_column(column, justify="right" if column in ("score", "iterations", "cycles")
                         else "left")
    for row in rows[:SHOWN]:
        verdict = "differs" if row["difference"] else "equal" if args.check else "-"
        # Of a run for several products each has a row.
        name = f"{row['number']}.{row['product']}" if row.get("product") else str(row["number"])
        table.add_row(name, row["kind"], show(row["truth"]), show(row["indices"]),
                      f"{row['score']}/{row['smax']}", str(row["iterations"]),
                      f"{row['cycles']:,}", row["stop"], verdict)
    print_table(table)
    if len(rows) > SHOWN:
        print(f"and {len(rows) - SHOWN} more (--json writes them to a file)")
    known = {row["number"] for row in rows if row["truth"] is not None}
    right = len({row["number"] for row in rows if row["truth"] == row["indices"]})
    mean = f"mean {sum(row['cycles'] for row in rows) / len(rows):,.0f} cycles" if rows else ""
    print(f"{right} of {len(known)} true tuples found; {mean}" if known else mean)
    for row in rows:
        if row["difference"]:
            print(f"query {row['number']} differs from the golden model: {row['difference']}")
