"""Build a bitstream for a board."""

from pathlib import Path

from ._common import integer, print_json, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "build"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Synthesise a preset's system for a board, place and route it, and pack the bitstream. "
        "Seeds of place and route are tried until one meets the clock. The folder gets the "
        "bitstream, report.json, and the tools' files and logs. Exit status 1: no seed meets the "
        "clock, and there is no bitstream.")
    parser.epilog = """\
examples:
  blockfactor build icebreaker
  blockfactor build ulx3s-85f --preset fast --bus spi --clock 90000000 --seeds 8
  blockfactor build tang-nano-9k --preset join --codebook book.npz -o my-board"""
    parser.add_argument("board", metavar="BOARD", help="name of the board (blockfactor boards)")
    parser.add_argument("--preset", metavar="P", help="configuration (default: the board's)")
    parser.add_argument("--bus", metavar="BUS", help="uart or spi (default: the board's)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--clock", type=integer(1000, 1_000_000_000), metavar="HZ",
                        help="frequency of the core (default: the board's)")
    parser.add_argument("--baud", type=integer(300, 10_000_000), metavar="N",
                        help="rate of the serial line (default: the board's)")
    parser.add_argument("--codebook", metavar="FILE",
                        help="initial content of the codebook memory: .npz, .h or .hex")
    parser.add_argument("--seeds", type=integer(1, 100), default=8, metavar="N",
                        help="seeds that are tried until one meets the clock (default 8)")
    parser.add_argument("--all-seeds", action="store_true",
                        help="try all of them, pack the fastest")
    parser.add_argument("-o", "--output", metavar="DIR",
                        help="folder (default build/BOARD)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from rich.console import Console

    from blockfactor.boards.build import TimingError, build, default_folder
    from blockfactor.boards.catalogue import board

    from ..codebook_files import read_codebooks
    from ..errors import BlockfactorError
    from ._settings import core_changes

    target = board(args.board)
    books = read_codebooks(args.codebook) if args.codebook else None
    folder = Path(args.output) if args.output else default_folder(target)
    if folder.exists() and not folder.is_dir():
        raise BlockfactorError(f"{folder}: is a file, must be a directory")
    with Console(stderr=True).status("starting") as status:
        try:
            report = build(target, args.preset, args.bus, core_changes(args.set),
                           seeds=range(1, args.seeds + 1), folder=folder, codebooks=books,
                           clock_hz=args.clock, baud=args.baud, all_seeds=args.all_seeds,
                           progress=status.update)
        except TimingError as problem:
            print(f"blockfactor: {problem} ({folder / 'report.json'} has the critical path)")
            return 1
    if args.json:
        print_json(report.to_table())
    else:
        _print(report, folder)
    return 0


def _print(report, folder: Path) -> None:
    from rich.table import Table
    table = Table(title=f"{report.board}: {report.preset} with {report.front_end}",
                  title_justify="left")
    for column in ("LUT", "FF", "BRAM", "DSP", "cells", "MHz needed", "MHz by seed"):
        table.add_column(column, justify="right")
    table.add_row(f"{report.luts:,}", f"{report.flip_flops:,}",
                  f"{report.memories} of {report.memories_there}", str(report.multipliers),
                  f"{report.cells:,} of {report.cells_there:,}", f"{report.clock_hz / 1e6:.2f}",
                  " / ".join(f"{value:.1f}" for value in report.frequency.values()))
    print_table(table)
    print(f"{folder / report.bitstream}, seed {report.seed}. Load it: blockfactor flash "
          f"{report.board}" + ("" if folder == Path("build") / report.board
                               else f" --bitstream {folder / report.bitstream}"))
