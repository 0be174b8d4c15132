"""Types of the benchmarks' arguments: wrong ones are refused before a long run, not after it."""

import argparse
import os
from pathlib import Path

__all__ = ["count", "new_file", "seed"]


def _integer(text: str, low: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer") from None
    if value < low:
        raise argparse.ArgumentTypeError(f"{value} is not at least {low}")
    return value


def count(text: str) -> int:
    """A number of things, at least 1."""
    return _integer(text, 1)


def seed(text: str) -> int:
    """A seed of NumPy's generators, at least 0."""
    return _integer(text, 0)


def new_file(text: str) -> Path:
    """A file that can be written."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a directory, must be a file")
    if not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"directory {path.parent} does not exist or cannot be "
                                         f"written to")
    return path
