"""Write a core as Verilog, with port table and self-checking test bench."""

import json
from pathlib import Path

from ._common import integer, output_file, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "generate"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Write a core as Verilog for any simulator and synthesis tool, with a table of its ports "
        "and a test bench that needs no Python. The same arguments always give the same files.")
    parser.epilog = """\
examples:
  blockfactor generate --preset tiny -o out
  blockfactor generate --preset demo --name decoder --codebook book.npz -o out
  blockfactor generate --preset paper --set max_codevectors=64 --set 'engines=["factorize"]' -o out

then, in out:
  iverilog -g2012 -o tb.vvp blockfactor_tiny.v blockfactor_tiny_tb.v && vvp tb.vvp"""
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
    parser.add_argument("--trace", action="store_true",
                        help="give the core the trace stream, for simulation")
    parser.add_argument("--vectors", type=integer(1, 10_000), default=None, metavar="N",
                        help="runs in the test bench (default 10)")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1,
                        help="of the test bench's codebooks and queries (default 1)")
    parser.add_argument("--json", metavar="FILE", help="write what was written, with digests")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..codebook_files import misfits, read_codebooks
    from ..errors import CodebookError, ConfigError
    from ..generate import VECTORS, generate, write_files
    from ..presets import preset
    from ..tables import write_text
    from ._settings import core_changes

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
    files = generate(chosen, config, name, codebooks=books, trace=args.trace,
                     vectors=VECTORS if args.vectors is None else args.vectors, seed=args.seed)
    rows = write_files(args.output, files)
    if output:
        write_text(output, json.dumps({"name": name, "preset": chosen.name, "files": rows},
                                      indent=2) + "\n")
    _print(args.output, rows)
    return 0


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
             ".v": "the core"}
    table = Table(title=f"written to {folder}")
    table.add_column("file")
    table.add_column("bytes", justify="right")
    table.add_column("what it is")
    for row in rows:
        what = next(text for end, text in about.items() if Path(row["file"]).name.endswith(end))
        table.add_row(row["file"], f"{row['bytes']:,}", what)
    print_table(table)
