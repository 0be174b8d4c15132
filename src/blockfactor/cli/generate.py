"""Write a core as Verilog, alone or behind a bus, with what is needed to use it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from ._common import integer, output_file, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "generate"

#: Those of ``config.FRONT_ENDS``, which is not imported before it is needed.
BUSES = ("none", "native", "spi", "uart", "wishbone", "apb", "axi4lite")


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Write a core as Verilog for any simulator and synthesis tool, with a table of its ports "
        "and a test bench that needs no Python. With a bus the core gets registers: these are "
        "described for C, debuggers and other tools, and an example uses them. The same arguments "
        "always give the same files.")
    parser.epilog = """\
examples:
  blockfactor generate --preset tiny -o out
  blockfactor generate --preset demo --name decoder --codebook book.npz -o out
  blockfactor generate --preset paper --set max_codevectors=64 --set 'engines=["factorize"]' -o out
  blockfactor generate --preset join --bus spi -o out
  blockfactor generate --preset tiny --bus uart --clock 24000000 --baud 1000000 -o out
  blockfactor generate --preset demo --bus wishbone --codebook book.npz -o out
  blockfactor generate --preset demo --bus apb -o out
  blockfactor generate --preset demo --bus axi4lite -o out

then, in out:
  iverilog -g2012 -o tb.vvp blockfactor_tiny.v blockfactor_tiny_tb.v && vvp tb.vvp
or, with a bus:
  iverilog -g2012 -o example.vvp blockfactor_join.v blockfactor_join_example.v && vvp example.vvp"""
    parser.add_argument("--preset", required=True, metavar="P",
                        help="configuration of the core (blockfactor presets lists them)")
    parser.add_argument("-o", "--output", required=True, metavar="DIR",
                        help="directory to write to, made if need be")
    parser.add_argument("--name", metavar="N",
                        help="name of the top module, with which all modules' and files' names "
                             "begin (default: blockfactor_ and the preset's)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--codebook", metavar="FILE",
                        help="codebooks that the memory holds at first: .npz, .h or .hex "
                             "(default: none; they are written at run time)")
    parser.add_argument("--bus", choices=BUSES, default="none", metavar="BUS",
                        help="how the core is reached: none (its own streams, no registers; the "
                             "default), native (the registers' access port), spi, uart, wishbone, "
                             "apb, axi4lite")
    parser.add_argument("--clock", type=integer(1_000, 1_000_000_000), metavar="HZ",
                        help="with a bus: frequency of the clock (default: the preset's, "
                             "12000000)")
    parser.add_argument("--baud", type=integer(300, 10_000_000), metavar="B",
                        help="with uart: bits a second (default: the preset's, 115200)")
    parser.add_argument("--trace", action="store_true",
                        help="without a bus: give the core the trace stream, for simulation")
    parser.add_argument("--vectors", type=integer(1, 10_000), default=None, metavar="N",
                        help="without a bus: runs in the test bench (default 10)")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1,
                        help="of the codebooks and queries of test bench or example (default 1)")
    parser.add_argument("--json", metavar="FILE", help="write what was written, with digests")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..codebook_files import misfits, read_codebooks
    from ..errors import CodebookError, ConfigError
    from ..generate import VECTORS, generate, write_files
    from ..generate_system import generate_system
    from ..presets import preset
    from ..tables import write_text
    from ._settings import core_changes

    _check(args)
    chosen = preset(args.preset)
    config = chosen.core.replace(**core_changes(map(_plain, args.set)))
    if args.codebook and config.codebook:
        raise ConfigError("codebook is given twice: by --codebook and by --set")
    output = output_file(args.json) if args.json else None
    path = args.codebook or config.codebook
    books = read_codebooks(path) if path else None
    for problem in misfits(books, config) if books else ():
        raise CodebookError(f"{path}: {problem}")
    name = args.name if args.name is not None else f"blockfactor_{chosen.name}"
    table = {"name": name, "preset": chosen.name}
    left_out = []
    if args.bus == "none":
        files = generate(chosen, config, name, codebooks=books, trace=args.trace,
                         vectors=VECTORS if args.vectors is None else args.vectors,
                         seed=args.seed)
    else:
        rates = {"clock_hz": args.clock, "baud": args.baud}
        system = replace(chosen.system, core=config, front_end=args.bus,
                         **{field: value for field, value in rates.items() if value is not None})
        files, left_out = generate_system(chosen, system, name, codebooks=books, seed=args.seed)
        table |= {"bus": args.bus, "left_out": left_out}
    rows = write_files(args.output, files)
    if output:
        write_text(output, json.dumps(table | {"files": rows}, indent=2) + "\n")
    _print(args.output, rows)
    for line in left_out:
        print(f"blockfactor: note: {line}", file=sys.stderr)
    return 0


def _check(args) -> None:
    """Refuse options that mean nothing with the chosen bus."""
    if args.bus == "none":
        misplaced = {"--clock": args.clock, "--baud": args.baud}
        reason = "needs --bus: without one the core has no such rate"
    else:
        misplaced = {"--trace": args.trace or None, "--vectors": args.vectors}
        if args.bus != "uart":
            misplaced["--baud"] = args.baud
        reason = f"does not go with --bus {args.bus}"
    for option, value in misplaced.items():
        if value is not None:
            args.parser.error(f"argument {option}: {reason}")


def _plain(text: str) -> str:
    """A setting whose value is a TOML string or an array of them, without quotes and brackets."""
    import tomllib
    name, equals, value = text.partition("=")
    if not value.strip().startswith(("[", '"', "'")):
        return text
    try:
        value = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return f"{name}{equals}{','.join(map(str, value)) if isinstance(value, list) else value}"


def _print(folder: str, rows: list[dict]) -> None:
    from rich.table import Table

    about = {".f": "list of source files", "_codebook.hex": "codebook, read by the Verilog",
             "_ports.md": "table of ports", ".json": "configuration and ports for tools",
             "_tb.v": "self-checking test bench", "_vectors.hex": "its commands and answers",
             "_example.v": "self-checking example: from reset to a result",
             "_registers.h": "registers for C", "_registers.rdl": "registers in SystemRDL",
             "_registers.svd": "registers in CMSIS-SVD", "_registers.md": "registers to read",
             "_structs.h": "registers as C structures", "_ipxact.xml": "registers in IP-XACT",
             "_driver.h": "driver in C: its calls", "_driver.c": "driver in C",
             "_mmio.h": "its way to memory-mapped registers", "_mmio.c": "the same",
             "_spi.h": "its way through an SPI controller", "_spi.c": "the same",
             ".py": "driver for MicroPython", ".v": "the core"}
    table = Table(title=f"written to {folder}")
    table.add_column("file")
    table.add_column("bytes", justify="right")
    table.add_column("what it is")
    for row in rows:
        if "/" in row["file"]:
            continue
        what = next(text for end, text in about.items() if Path(row["file"]).name.endswith(end))
        table.add_row(row["file"], f"{row['bytes']:,}", what)
    for folder in dict.fromkeys(row["file"].partition("/")[0] for row in rows
                                if "/" in row["file"]):
        inside = [row for row in rows if row["file"].startswith(f"{folder}/")]
        table.add_row(f"{folder}/", f"{sum(row['bytes'] for row in inside):,}",
                      f"registers to browse, {len(inside)} files")
    print_table(table)
