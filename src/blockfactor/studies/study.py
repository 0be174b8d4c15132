"""A study: rows of figures, each made of chunks of trials that run anywhere and in any order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from ..errors import StudyError, check_int
from .pool import run_tasks
from .problems import Problem
from .tally import figures, tally
from .ways import Way

__all__ = ["Record", "Results", "Row", "Study", "check", "make_up", "run", "run_chunk", "select"]

#: Seconds between two saves of a study that goes on.
SAVE_SECONDS = 2


@dataclass(frozen=True)
class Row:
    """A way of factorizing a kind of problem: ``trials`` wanted, ``chunk`` of them a task."""

    problem: Problem
    way: Way
    trials: int
    chunk: int

    @property
    def point(self) -> str:
        """Name of the problem: dimension, factors, blocks, codevectors, query."""
        p = self.problem
        text = f"D{p.dimension}-F{p.factors}-B{p.blocks}-M{p.size}"
        if p.kind == "damaged":
            return f"{text}-wrong{p.wrong}"
        if p.kind == "soft":
            text += f"-margin{p.margin:g}"
            # Only where they are not the usual ones.
            if (p.entries, p.weight_bits, p.log) != (8, 4, False):
                text += f"-{'log' if p.log else 'linear'}-s{p.entries}-w{p.weight_bits}"
        return text

    @property
    def name(self) -> str:
        """The point and the way."""
        return f"{self.point}/{self.way.name}"


@dataclass(frozen=True)
class Study:
    """Rows with different names; ``about`` is a line for people."""

    name: str
    about: str
    rows: tuple[Row, ...]

    def __post_init__(self):
        names = [row.name for row in self.rows]
        assert len(set(names)) == len(names), "two rows have one name"


@dataclass
class Record:
    """What is known of a row: ``chunks`` by number; ``figures`` are those its file has, or None."""

    row: Row
    chunks: dict[int, dict] = field(default_factory=dict)
    figures: dict | None = None

    def plan(self, trials: int) -> list[tuple[int, int]]:
        """Chunks that are missing, (number, trials): a chunk of more trials than needed will do."""
        plan = []
        for number, first in enumerate(range(0, trials, self.row.chunk)):
            wanted = min(self.row.chunk, trials - first)
            if number not in self.chunks or self.chunks[number]["trials"] < wanted:
                plan.append((number, wanted))
        return plan

    def make_figures(self) -> dict:
        """Figures of all chunks there are."""
        return figures(self.row.problem, self.row.way, self.chunks.values())


@dataclass
class Results:
    """Records of a study by the names of their rows; ``seed`` is the study's."""

    study: str
    seed: int
    records: dict[str, Record] = field(default_factory=dict)


def run_chunk(task: dict) -> dict:
    """Run ``trials`` of a ``way`` on a ``problem`` (tables) from ``seed``; sums of the chunk."""
    problem, way = Problem.from_table(task["problem"]), Way.from_table(task["way"])
    drawn = problem.draw(task["seed"], task["trials"])
    return tally(problem, way, drawn, way.run(problem, drawn))


def _task(row: Row, seed: int, number: int, trials: int) -> dict:
    return {"problem": row.problem.to_table(), "way": row.way.to_table(),
            "seed": row.problem.seed(seed, number), "trials": trials}


def select(rows: Sequence[Row], patterns: Sequence[str]) -> list[Row]:
    """Rows whose point, or name with the way, matches one of the patterns; all without any.

    Raises
    ------
    StudyError
        A pattern that no row matches.
    """
    def matches(row, pattern):
        return fnmatchcase(row.name, pattern) or fnmatchcase(row.point, pattern)

    for pattern in patterns:
        if not any(matches(row, pattern) for row in rows):
            raise StudyError(f"no point matches {pattern!r}; points are such as {rows[0].point} "
                             f"and {rows[-1].name} (--list shows all)")
    return [row for row in rows if not patterns or any(matches(row, p) for p in patterns)]


def make_up(results: Results, rows: Sequence[Row], trials: int | None = None) -> list[tuple]:
    """What is missing, as (row, number of the chunk, trials); records are made where there is none.

    Raises
    ------
    StudyError
        The results have a row of the same name that is another one: its problem, way or trials a
        chunk are not those of the study.
    """
    missing = []
    for row in rows:
        record = results.records.setdefault(row.name, Record(row))
        old = record.row
        if (old.problem, old.way, old.chunk) != (row.problem, row.way, row.chunk):
            raise StudyError(f"row {row.name} has other settings than the study has now")
        missing += [(row, *part) for part in record.plan(trials or row.trials)]
    return missing


def run(results: Results, missing: Sequence[tuple], jobs: int = 1, scheduler: str | None = None,
        advance: Callable[[Row, int], None] = lambda row, trials: None,
        save: Callable[[], None] = lambda: None) -> None:
    """Run what :func:`make_up` says is missing.

    ``advance(row, trials)`` is told of every chunk done; ``save()`` is called every few seconds,
    and at the end, however that comes.
    """
    tasks = [_task(row, results.seed, number, trials) for row, number, trials in missing]
    saved = time.monotonic()
    try:
        for n, sums in run_tasks(run_chunk, tasks, jobs, scheduler):
            row, number, trials = missing[n]
            results.records[row.name].chunks[number] = sums
            advance(row, trials)
            if time.monotonic() - saved > SAVE_SECONDS:
                save()
                saved = time.monotonic()
    finally:
        save()


def check(results: Results, sample: int | None = None, seed: int = 1, jobs: int = 1,
          scheduler: str | None = None,
          advance: Callable[[Row, int], None] = lambda row, trials: None) -> tuple[int, list[str]]:
    """Run chunks again that results of a file have; returns how many, and differences in words.

    Figures in the file are compared with those of its chunks, all of them. ``sample``: that many
    chunks, chosen by ``seed``; None: all.
    """
    found = []
    for name, record in results.records.items():
        own = record.make_figures() if record.chunks else None
        if record.figures != own:
            wrong = [key for key in own or () if (record.figures or {}).get(key) != own[key]]
            found += [f"{name}: {key} is {(record.figures or {}).get(key)}, its chunks say "
                      f"{own[key]}" for key in wrong] or [f"{name}: figures without chunks"]
    every = [(record.row, number, sums) for record in results.records.values()
             for number, sums in sorted(record.chunks.items())]
    if sample is not None:
        check_int("sample", sample, 1, len(every), StudyError)
        rng = np.random.default_rng(seed)
        every = [every[n] for n in sorted(rng.choice(len(every), sample, replace=False))]
    tasks = [_task(row, results.seed, number, sums["trials"]) for row, number, sums in every]
    for n, again in run_tasks(run_chunk, tasks, jobs, scheduler):
        row, number, sums = every[n]
        found += [f"{row.name}, chunk {number}: {key} is {sums[key]}, run again {again[key]}"
                  for key in again if sums[key] != again[key]]
        advance(row, sums["trials"])
    return len(every), found
