"""Integer sums of many runs, and the figures made of them.

Whatever is kept is an integer, so that chunks can be added in any order and compared exactly.
"""

import math
from functools import lru_cache
from zlib import crc32

import numpy as np

from .problems import Drawn, Problem
from .ways import Outcome, Way

__all__ = ["COUNTS", "add", "bin_of", "figures", "interval", "quantile", "tally"]

#: Sums of a chunk besides the bins.
COUNTS = ("trials", "right", "factors", "match", "ended", "iterations", "cycles")
#: Bins an octave: a quantile is known to a 16th of its value.
STEPS = 16
#: What confidence intervals leave outside.
OUTSIDE = .05


def bin_of(values: np.ndarray) -> np.ndarray:
    """Lower edges of the bins that non-negative integers fall into; exact below 32."""
    values = np.asarray(values, dtype=np.int64)
    octave = np.frexp(np.maximum(values, 1).astype(float))[1] - 1
    shift = np.maximum(octave - STEPS.bit_length() + 1, 0)
    return values >> shift << shift


def tally(problem: Problem, way: Way, drawn: Drawn, outcome: Outcome) -> dict:
    """Sums of a chunk.

    ``right``: tuples; ``factors``: single codevectors; ``match``: products equal to the true one;
    ``bins``: [edge, count] of the cycles, or of the iterations where there are none; ``digest``:
    CRC-32 of every run's result.
    """
    same = outcome.indices == drawn.truth
    match = problem.products(drawn.codes, outcome.indices) == drawn.product
    cost = outcome.cycles if way.has_cycles else outcome.iterations
    edges, counts = np.unique(bin_of(cost), return_counts=True)
    every = np.column_stack(outcome).astype("<i8")
    return {
        "trials": len(same), "right": int(same.all(axis=1).sum()), "factors": int(same.sum()),
        "match": int(match.all(axis=1).sum()), "ended": int(outcome.ended.sum()),
        "iterations": int(outcome.iterations.sum()), "cycles": int(outcome.cycles.sum()),
        "bins": [[int(e), int(c)] for e, c in zip(edges, counts)],
        "digest": f"{crc32(every.tobytes()):08x}",
    }


def add(chunks) -> dict:
    """Sums of all chunks; there is no digest."""
    total = dict.fromkeys(COUNTS, 0)
    bins: dict[int, int] = {}
    for chunk in chunks:
        for name in COUNTS:
            total[name] += chunk[name]
        for edge, count in chunk["bins"]:
            bins[edge] = bins.get(edge, 0) + count
    return total | {"bins": sorted(bins.items())}


def quantile(bins, share: float) -> float:
    """Smallest value that at least ``share`` of all do not exceed: the middle of its bin."""
    edges, counts = zip(*bins)
    reached = np.cumsum(counts)
    # Less a little, so that rounding does not lead to the next bin.
    edge = edges[int(np.searchsorted(reached, share * reached[-1] - 1e-9))]
    width = 1 << max(0, edge.bit_length() - STEPS.bit_length())
    return edge + (width - 1) / 2


@lru_cache(maxsize=4096)
def interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % confidence interval of a share (Clopper and Pearson's, which is right near 0 and 1)."""
    if 2 * successes > trials:
        low, high = interval(trials - successes, trials)
        return 1 - high, 1 - low
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    counts = np.arange(successes + 1)
    ways = logs[trials] - logs[counts] - logs[trials - counts]

    def below(share: float, most: int) -> float:
        """Probability of at most that many successes."""
        part = counts[:most + 1]
        return float(np.exp(ways[:most + 1] + part * math.log(share)
                            + (trials - part) * math.log1p(-share)).sum())

    def solve(most: int, wanted: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle, most) > wanted else (low, middle)
        return (low + high) / 2

    return (solve(successes - 1, 1 - OUTSIDE / 2) if successes else 0.0,
            solve(successes, OUTSIDE / 2))


def figures(problem: Problem, way: Way, chunks) -> dict:
    """What a row shows: shares, means and quantiles, rounded to what is worth printing."""
    total = add(chunks)
    trials = total["trials"]
    low, high = interval(total["right"], trials)
    rest = {"median": quantile(total["bins"], .5), "p99": quantile(total["bins"], .99)}
    result = {
        "trials": trials, "accuracy": total["right"] / trials, "low": low, "high": high,
        "factor_accuracy": total["factors"] / trials / problem.factors,
        "match": total["match"] / trials, "ended": total["ended"] / trials,
        "iterations": total["iterations"] / trials,
        "cycles": total["cycles"] / trials if way.has_cycles else None, **rest,
    }
    return {name: round(value, 6) if isinstance(value, float) else value
            for name, value in result.items()}
