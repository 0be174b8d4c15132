"""Measure how large problems can be: accuracy and time against M^F, clean queries."""

from ._study import add_study_arguments, run_study

__all__ = ["NAME", "add_arguments", "run"]

NAME = "capacity"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Factorize random problems of growing size by the published method in floating point, "
        "and by the core's golden model with its engines factorize and join; print how often the "
        "tuple is right, and how often its product. Where M^F comes near L^B products coincide, "
        "and no method can tell their tuples apart: 'limit' is what that leaves. "
        "docs/studies.md has figures and what they say.")
    parser.epilog = """\
examples:
  blockfactor capacity --list
  blockfactor capacity --points 'D512-F3-*' --trials 100 --jobs 2
  blockfactor capacity --store capacity.json --plot capacity.png --jobs 8
  blockfactor capacity --check docs/studies/capacity.json --sample 10 --seed 3"""
    add_study_arguments(parser)


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..studies import capacity
    return run_study(args, capacity, NAME)
