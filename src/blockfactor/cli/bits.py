"""Measure what few bits cost: accuracy against weights, entries and lists of soft queries."""

from ._study import add_study_arguments, run_study

__all__ = ["NAME", "add_arguments", "run"]

NAME = "bits"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Factorize random soft queries of which less and less is kept: bits of the weights, "
        "linear or logarithmic, entries of a block, and for factorize the size of lists. "
        "docs/studies.md has figures and what they say.")
    parser.epilog = """\
examples:
  blockfactor bits --points '*-M22-*/join' --trials 500
  blockfactor bits --store bits.json --plot bits.png --jobs 8
  blockfactor bits --check docs/studies/bits.json --sample 10 --seed 3"""
    add_study_arguments(parser)


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..studies import bits
    return run_study(args, bits, NAME)
