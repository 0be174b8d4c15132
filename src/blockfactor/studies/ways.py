"""Ways of factorizing that studies compare: the published float method, and modes of the core."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..config import CoreConfig
from ..errors import StudyError
from ..golden.batch import factorize_many
from ..golden.codebook import Codebooks
from ..golden.published import Published
from ..golden.result import STOP_ACCEPTED
from ..parameters import RunParameters
from ..tables import from_table, to_table
from .problems import Drawn, Problem

__all__ = ["Outcome", "Way", "core_way", "published_way"]


class Outcome(NamedTuple):
    """Results of n runs: ``indices`` int64 [n, F], the others int64 [n].

    ``iterations`` are passes over the factors (join, scan: candidates), ``cycles`` those of the
    core, 0 where there is none, ``ended`` whether a run was accepted or had converged, ``crc`` of
    the core's trace, 0 where there is none.
    """

    indices: np.ndarray
    iterations: np.ndarray
    cycles: np.ndarray
    ended: np.ndarray
    crc: np.ndarray


@dataclass(frozen=True)
class Way:
    """A named algorithm with all that it is run with.

    ``core`` is None for the published method, whose ``parameters`` are a Published.
    """

    name: str
    core: CoreConfig | None
    parameters: RunParameters | Published

    @property
    def has_cycles(self) -> bool:
        """Whether a core runs it."""
        return self.core is not None

    def run(self, problem: Problem, drawn: Drawn) -> Outcome:
        """Run it on problems that were drawn."""
        if self.core is None:
            return _published(problem, drawn, self.parameters)
        found = factorize_many(self.core, drawn.codes, drawn.index, drawn.weight, self.parameters,
                               drawn.seeds)
        return Outcome(found.indices, found.iterations, found.cycles,
                       (found.stop == STOP_ACCEPTED) * 1, found.crc)

    def to_table(self) -> dict:
        """Plain table: name, core (not for the published method), parameters."""
        table = {"name": self.name}
        if self.core is not None:
            table["core"] = self.core.to_table()
        return table | {"parameters": to_table(self.parameters)}

    @classmethod
    def from_table(cls, table: Mapping) -> "Way":
        """Inverse of :meth:`to_table`."""
        if not isinstance(table, Mapping) or not {"name", "parameters"} <= set(table):
            raise StudyError(f"way {table!r} is not a table with name and parameters")
        if "core" in table:
            return cls(table["name"], CoreConfig.from_table(table["core"]),
                       RunParameters.from_table(table["parameters"]))
        try:
            return cls(table["name"], None, from_table(Published, table["parameters"], StudyError))
        except TypeError as problem:  # a field is missing
            raise StudyError(f"Published: {problem}") from None


def _published(problem: Problem, drawn: Drawn, method: Published) -> Outcome:
    """The floating-point method on the entries the core gets, each trial with a seed of its own."""
    count = len(drawn.truth)
    found = np.zeros((count, problem.factors), dtype=np.int64)
    iterations, ended = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for n in range(count):
        dense = np.zeros((problem.blocks, problem.block_length))
        for b in range(problem.blocks):
            # Padding has weight 0, and must not undo what index 0 may have.
            np.add.at(dense[b], drawn.index[n, b], drawn.weight[n, b])
        result = method.factorize(Codebooks(tuple(drawn.codes[n]), problem.block_length), dense,
                                  int(drawn.seeds[n]))
        found[n], iterations[n], ended[n] = result.indices, result.iterations, result.converged
    none = np.zeros(count, dtype=np.int64)
    return Outcome(found, iterations, none, ended, none)


def published_way(T: float, A: int, name: str = "published", **rest) -> Way:
    """The published method, in floating point."""
    return Way(name, None, Published(T=T, A=A, **rest))


def core_way(name: str, problem: Problem, mode: str, list_size: int = 32, heads: int = 1,
             **parameters) -> Way:
    """A mode of a core that is just large enough for the problem."""
    soft = problem.kind == "soft"
    core = CoreConfig(
        factors=problem.factors, blocks=problem.blocks, block_length=problem.block_length,
        max_codevectors=problem.size, heads=max(2, heads),
        list_size=min(list_size, 1 << max(0, problem.size - 1).bit_length()),
        query_entries=problem.entries if soft else 1,
        weight_bits=problem.weight_bits if soft else 1,
        engines=("factorize",) if mode == "factorize" else ("join",),
        tag_bits=6 if problem.block_length <= 256 else 8)
    return Way(name, core, RunParameters(sizes=(problem.size,) * problem.factors, mode=mode,
                                         heads=heads, **parameters))
