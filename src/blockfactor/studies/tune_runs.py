"""Trials on problems: made in parallel, remembered, and summed up in figures."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..parameters import RunParameters
from .pool import run_tasks
from .tune_problems import BLOCK, Runs, Source, run_blocks
from .tune_store import Store

__all__ = ["Figures", "Runner", "Trial", "figures", "order", "paired", "wilson"]

#: Blocks that a process runs at a time.
TASK_BLOCKS = 4
#: Deviations of a normal distribution within which 95 % lie.
DEVIATIONS = 1.959964


class Trial(NamedTuple):
    """Run parameters, and the queries they are for: most entries s, and kind of weights."""

    parameters: RunParameters
    entries: int
    weights: str

    def key(self, part: str, block: int) -> str:
        """Name of the runs of a block."""
        table = self.parameters.to_table()
        # Problems bring their own seeds and the same sizes.
        for name in ("sizes", "seed", "known", "dense_threshold", "dense_weights", "dense_shift"):
            del table[name]
        return json.dumps([part, block, self.entries, self.weights, *table.values()])


class Runner:
    """Runs trials on the problems of ``source``.

    Parameters
    ----------
    source : Source
    jobs, scheduler :
        As of :func:`~blockfactor.studies.pool.run_tasks`.
    store : Store
        What is there is not run again.
    progress : callable (done, wanted, text)
        Told after every task; blocks of the trials at hand.
    """

    def __init__(self, source: Source, jobs: int = 1, scheduler: str | None = None,
                 store: Store | None = None, progress: Callable = lambda *_: None):
        self.source = source
        self.jobs = jobs
        self.scheduler = scheduler
        self.store = store or Store(None, source.key)
        self.progress = progress
        #: Runs made by this runner, those of the store not counted.
        self.made = 0

    def run(self, part: str, trials: Iterable[Trial], count: int, text: str = "") -> list[Runs]:
        """Runs of the first ``count`` problems of a part, for each trial."""
        trials = list(trials)
        blocks = range(-(-count // BLOCK))
        tasks, keys = [], []
        for trial in dict.fromkeys(trials):
            missing = [n for n in blocks if trial.key(part, n) not in self.store.runs]
            for first in range(0, len(missing), TASK_BLOCKS):
                numbers = tuple(missing[first:first + TASK_BLOCKS])
                tasks.append((self.source, part, *trial, numbers))
                keys.append([trial.key(part, n) for n in numbers])
        done, wanted = 0, sum(map(len, keys))
        self.progress(done, wanted, text)
        try:
            for number, found in run_tasks(run_blocks, tasks, self.jobs, self.scheduler):
                for key, runs in zip(keys[number], found):
                    self.store.add(key, runs)
                    self.made += len(runs.right)
                done += len(found)
                self.progress(done, wanted, text)
        finally:
            self.store.save()
        return [Runs.joined([self.store.runs[trial.key(part, n)] for n in blocks]).first(count)
                for trial in trials]


class Figures(NamedTuple):
    """Summary of runs: shares with their 95 % interval, means, quantiles."""

    problems: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    accepted: float
    iterations: float
    iterations_p99: float
    cycles: float
    cycles_p99: float
    microseconds: float
    microseconds_p99: float


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a share, after Wilson."""
    z2 = DEVIATIONS ** 2 / count
    share = right / count
    middle = share + z2 / 2
    half = DEVIATIONS * (share * (1 - share) / count + z2 / (4 * count)) ** .5
    return (0. if right == 0 else (middle - half) / (1 + z2),
            1. if right == count else (middle + half) / (1 + z2))


def figures(runs: Runs, clock_hz: int) -> Figures:
    """Figures of runs at a clock."""
    count, right = len(runs.right), int(runs.right.sum())
    mean, p99 = (float(value) for value in (runs.cycles.mean(), np.quantile(runs.cycles, .99)))
    return Figures(count, right / count, *wilson(right, count), float(runs.accepted.mean()),
                   float(runs.iterations.mean()), float(np.quantile(runs.iterations, .99)),
                   mean, p99, 1e6 * mean / clock_hz, 1e6 * p99 / clock_hz)


def paired(values, others) -> tuple[float, float]:
    """Mean of the differences of the same problems, and its standard error."""
    differences = np.asarray(values, dtype=float) - others
    return (float(differences.mean()),
            float(differences.std(ddof=1) / len(differences) ** .5) if len(differences) > 1
            else float("inf"))


def order(runs: Sequence[Runs], cost: str, tolerance: float) -> list[int]:
    """Numbers of the runs of the same problems, best first.

    First those whose share of right answers is that of the best less ``tolerance``, or so near to
    it that the difference may be chance (one standard error of it, paired), by mean cost; then the
    others by accuracy. Runs that ended at their limit cost what they took.
    """
    right = np.array([each.right for each in runs])
    mean = np.array([getattr(each, cost).mean() for each in runs])
    hits = right.sum(axis=1)
    best = min(range(len(runs)), key=lambda n: (-hits[n], mean[n], n))
    differ = (right != right[best]).sum(axis=1)
    good = hits[best] - hits <= tolerance * right.shape[1] + np.sqrt(differ)
    return sorted(range(len(runs)), key=lambda n: (0, mean[n], n) if good[n] else
                  (1, -hits[n], n))
