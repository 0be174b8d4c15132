"""Accuracy and time against the size of the problem, M^F, for clean queries."""

from ..golden.hyperparameters import published_parameters
from .problems import Problem
from .study import Row, Study
from .ways import Way, core_way, published_way

__all__ = ["FOUR", "study"]

#: (block length, factors) -> sizes M, all with 4 blocks. M^F ends at 10^7 for D=512 and at 10^8
#: for D=1024, where products begin to coincide; D=256 and the last of D=512 go on beyond that.
SIZES = {
    (64, 2): (32, 105, 348, 1155, 3014),
    (64, 3): (10, 22, 49, 110, 209),
    (128, 2): (32, 105, 348, 562, 1155, 1866, 3014, 10000),
    (128, 3): (10, 22, 49, 80, 110, 152, 209, 464),
    (256, 2): (32, 105, 348, 1155, 3014, 10000),
    (256, 3): (10, 22, 49, 110, 209, 337, 464),
    (256, 4): (6, 10, 16, 22, 31),
}

#: M -> (A, T) for four factors, D=1024, B=4: none are published. Those of preset f4 take the fewest
#: cycles of A = 3, 4, 6, 8 and T = .001, .002, .004, .006 at M = 6, 10 and 16, 100 trials.
FOUR = dict.fromkeys((6, 10, 16, 22, 31), (6, .004))


def _samples(problem: Problem) -> tuple[int, float]:
    """A and T."""
    if problem.factors == 4:
        return FOUR[problem.size]
    return published_parameters(problem.dimension, problem.factors, problem.blocks, problem.size)


def _list_size(problem: Problem, samples: int) -> int:
    """K: that of the presets, or twice that where it could not hold what is drawn."""
    usual = {2: 256, 3: 32, 4: 16}[problem.factors]
    return usual if samples <= usual or samples >= problem.size else 2 * usual


def _ways(problem: Problem) -> tuple[Way, ...]:
    samples, threshold = _samples(problem)
    # The published limit, which is as many similarities as exhaustive search makes.
    limit = min(0xFFFF, max(1, problem.size ** (problem.factors - 1) // problem.factors))
    return (
        published_way(threshold, samples),
        core_way("factorize", problem, "factorize", _list_size(problem, samples),
                 samples=samples, threshold=round(threshold * 65536), max_iterations=limit),
        core_way("join", problem, "join"))


def _trials(problem: Problem) -> tuple[int, int]:
    """Trials, and those of a chunk: about a second's work or less, which is what a check takes."""
    if problem.tuples < 2e5:
        return 500, 250
    if problem.tuples < 2e6:
        return 400, 100
    return (200, 25) if problem.tuples < 2e7 else (60, 5)


def study() -> Study:
    """The study."""
    rows = []
    for (length, factors), sizes in SIZES.items():
        for size in sizes:
            problem = Problem(factors, size, 4, length)
            rows += [Row(problem, way, *_trials(problem)) for way in _ways(problem)]
    return Study("capacity", "clean queries, problems of growing size",
                 tuple(rows))
