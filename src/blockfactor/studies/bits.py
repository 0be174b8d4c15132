"""Accuracy against what is kept of a soft query: bits and kind of weights, entries; and lists."""

from .noise import factorize_parameters
from .problems import Problem
from .study import Row, Study
from .ways import core_way

__all__ = ["ENTRIES", "LISTS", "study"]

WEIGHT_BITS = (1, 2, 3, 4, 5, 6)
ENTRIES = (1, 2, 4, 8, 16)
#: K, list sizes of factorize.
LISTS = (4, 8, 16, 32)
#: M and margin, F=3, B=4: soft enough for differences of some points.
POINTS = ((22, 3.5), (49, 3.5))


def _level(problem: Problem) -> int:
    """Linear weights: the presets' four fifths. Logarithmic: 4 units (2 nats) below the best."""
    largest = (1 << problem.weight_bits) - 1
    if not problem.log:
        return 205
    return max(205, 256 - 256 * 4 // (problem.blocks * largest))


def _rows(problem: Problem, lists=(32,)) -> list[Row]:
    level = _level(problem)
    if problem.size > 40:
        # The others take long.
        return [Row(problem, core_way("join", problem, "join", level=level, heads=2), 400, 100)]
    ways = [core_way("scan", problem, "scan", level=511),
            core_way("join", problem, "join", level=level, heads=2)]
    for size in lists:
        name = "factorize" if size == 32 else f"factorize, K={size}"
        ways.append(core_way(name, problem, "factorize", size, level=level, trim=1,
                             **factorize_parameters(problem)))
    return [Row(problem, way, 200, 50) for way in ways]


def study() -> Study:
    """The study."""
    rows = {}
    for size, margin in POINTS:
        for log in (False, True):
            for entries, bits in ([(8, bits) for bits in WEIGHT_BITS]
                                  + [(entries, 4) for entries in ENTRIES]):
                problem = Problem(3, size, 4, 128, "soft", margin, entries=entries,
                                  weight_bits=bits, log=log)
                usual = (entries, bits, log) == (8, 4, False)
                for row in _rows(problem, LISTS if usual else (32,)):
                    rows[row.name] = row
    return Study("bits", "soft queries of which less is kept", tuple(rows.values()))
