"""Load a bitstream into a board."""

import shlex
import sys
from pathlib import Path

from ._common import print_json

__all__ = ["NAME", "add_arguments", "run"]

NAME = "flash"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Load what 'blockfactor build BOARD' made into the board: into its flash, so that it is "
        "there after power-up, or with --volatile into the FPGA alone. Exit status: 0 done, 2 "
        "wrong argument or file, 3 programmer or library missing, 4 board not plugged in, 5 no "
        "right to use it, 6 programmer failed.")
    parser.epilog = """\
examples:
  blockfactor flash icebreaker
  blockfactor flash ulx3s-85f --volatile
  blockfactor flash icebreaker --programmer iceprog --bitstream other.bin
  blockfactor flash tang-nano-9k --dry-run"""
    parser.add_argument("board", metavar="BOARD", help="name of the board")
    parser.add_argument("--volatile", action="store_true",
                        help="into the FPGA, until power is off; the flash is left as it is")
    parser.add_argument("--bitstream", metavar="FILE",
                        help="load FILE (default: what is in build/BOARD)")
    parser.add_argument("--programmer", metavar="NAME",
                        help="program to use (default: the board's first, see docs/flash.md)")
    parser.add_argument("--dry-run", action="store_true",
                        help="check the file and print the command; needs neither board nor "
                             "program")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from blockfactor.boards.bitstreams import built_bitstream
    from blockfactor.boards.build import default_folder
    from blockfactor.boards.catalogue import board
    from blockfactor.boards.flash import flash, plan

    target = board(args.board)
    file = Path(args.bitstream) if args.bitstream else built_bitstream(
        target, default_folder(target))
    todo = plan(target, file, args.volatile, args.programmer, args.dry_run)
    if not args.dry_run:
        _show(f"{shlex.join(todo.command)}\n")
        flash(todo, _show)
    if args.json:
        print_json({"board": target.name, "bitstream": str(file), "volatile": todo.volatile,
                    "programmer": todo.loader.name, "command": list(todo.command),
                    "done": not args.dry_run})
    elif args.dry_run:
        print(shlex.join(todo.command))
    else:
        until = "until power is off" if todo.volatile else "and starts with it from now on"
        print(f"{target.title} has {file}, {until}")
    return 0


def _show(text: str) -> None:
    """Show what goes on; the standard output is for the result."""
    sys.stderr.write(text)
    sys.stderr.flush()
