"""Measure what noise does: accuracy and time against soft and wrong blocks."""

from ._study import add_study_arguments, run_study

__all__ = ["NAME", "add_arguments", "run"]

NAME = "noise"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Factorize random problems whose queries are soft (a network's noisy output) or have wrong "
        "blocks: by the published method in floating point, by factorize with three rules of "
        "similarity, by join, and by scan, exhaustive search. "
        "docs/studies.md has figures and what they say.")
    parser.epilog = """\
examples:
  blockfactor noise --points '*-M22-wrong*' --trials 100
  blockfactor noise --store noise.json --plot noise.png --jobs 8
  blockfactor noise --store noise.json --scheduler tcp://localhost:8786
  blockfactor noise --check docs/studies/noise.json --sample 10 --seed 3"""
    add_study_arguments(parser)


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..studies import noise
    return run_study(args, noise, NAME)
