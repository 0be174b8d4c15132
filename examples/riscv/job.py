"""What the host gives the firmware, and what the firmware answers: job.h and main.c in Python."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from blockfactor.config import SystemConfig
from blockfactor.errors import BlockfactorError
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.query import Query
from blockfactor.golden.result import STOPS, Result
from blockfactor.parameters import MODES, RunParameters

__all__ = ["Answer", "JobError", "Phase", "answers", "differences", "expected", "pack"]

MAGIC = 0x4A424642
KIND_SPARSE, KIND_DENSE = 0, 1
#: Most queries sent before their results are read.
MOST_IN_FLIGHT = 4


class JobError(BlockfactorError):
    """A job that cannot be, or an answer that is none."""


@dataclass(frozen=True)
class Phase:
    """Queries with the same parameters.

    Parameters
    ----------
    parameters : RunParameters
    queries : sequence of Query, or of integer arrays [B, L]
        Arrays are dense queries; a phase has one kind.
    depth : int, 1..4
        Queries that are sent before their results are read.
    """

    parameters: RunParameters
    queries: Sequence[Query] | Sequence[np.ndarray]
    depth: int = 1

    def __post_init__(self):
        if not 1 <= self.depth <= MOST_IN_FLIGHT:
            raise JobError(f"depth {self.depth} is outside 1..{MOST_IN_FLIGHT}")

    @property
    def dense(self) -> bool:
        """Whether the queries are dense."""
        return len(self.queries) > 0 and not isinstance(self.queries[0], Query)


@dataclass(frozen=True)
class Answer:
    """A line of the firmware's report.

    ``cycles``, those ``asleep`` among them, and ``instructions`` are the processor's, from the
    first word of the first query that was sent together with this one to the last word of the last
    of their results.
    """

    phase: int
    query: int
    cycles: int
    asleep: int
    instructions: int
    tag: int
    errors: int
    result: Result


# -- the job --------------------------------------------------------------------------------------

def _parameters(p: RunParameters) -> list[int]:
    return [*p.sizes, *p.known, MODES.index(p.mode), p.heads, p.trim, int(p.rule == "sum"),
            p.patience, int(p.dense_weights == "log"), p.dense_shift, p.level, p.threshold,
            p.samples, p.max_iterations, p.dense_threshold, p.max_tuples, p.seed]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _query(query: Query | np.ndarray, element_type: str) -> bytes:
    if not isinstance(query, Query):
        return _padded(np.asarray(query).astype(element_type).tobytes())
    entries = np.array([(b | weight << 8 | index << 16)
                        for b, block in enumerate(query.entries) for index, weight in block], "<u4")
    return np.array([len(entries)], "<u4").tobytes() + entries.tobytes()


def pack(system: SystemConfig, codebooks: Codebooks, phases: Sequence[Phase]) -> bytes:
    """The job's bytes, as job.h has them."""
    index_type = "u1" if system.index_lane == 8 else "<u2"
    books = _padded(b"".join(np.asarray(book).astype(index_type).tobytes()
                             for book in codebooks.indices))
    element_type = "u1" if system.core.element_bits <= 8 else "<u2"
    blobs = [b"".join(_query(query, element_type) for query in phase.queries) for phase in phases]
    head = [MAGIC, len(phases), 0, *codebooks.sizes]
    words = 4 + 2 * system.core.factors + 14
    head[2] = place = 4 * (len(head) + words * len(phases))
    place += len(books)
    for phase, blob in zip(phases, blobs):
        kind = KIND_DENSE if phase.dense else KIND_SPARSE
        head += [kind, phase.depth, len(phase.queries), place, *_parameters(phase.parameters)]
        place += len(blob)
    table = np.array([word & 0xFFFFFFFF for word in head], "<u4").tobytes()
    return table + books + b"".join(blobs)


# -- its answers ----------------------------------------------------------------------------------

def answers(output: str, system: SystemConfig) -> tuple[list[Answer], int, int]:
    """Answers in what the firmware sent, the sticky errors it read, and the interrupts it took.

    Raises
    ------
    JobError
        A line is none of the firmware's, or the last one is missing.
    """
    core, found = system.core, []
    similarities = core.factors if "factorize" in core.engines else 0
    for line in output.splitlines():
        kind, *words = line.split()
        try:
            numbers = [int(word, 16) for word in words]
        except ValueError:
            numbers = []
        if kind == "E" and len(numbers) == 2:
            return found, *numbers
        if kind != "R" or len(numbers) != 15 + core.factors + similarities:
            break
        phase, query, cycles, asleep, instructions, tag, stop, errors, *rest = numbers
        indices, rest = tuple(rest[:core.factors]), rest[core.factors:]
        score, smax, runner_up, iterations, core_cycles, seed, crc, *have = rest
        if stop >= len(STOPS):
            break
        result = Result(indices=indices, score=score, smax=smax, runner_up=runner_up,
                        similarities=tuple(have) or (0,) * core.factors, iterations=iterations,
                        cycles=core_cycles, seed=seed, stop=STOPS[stop], crc=crc)
        found.append(Answer(phase, query, cycles, asleep, instructions, tag, errors, result))
    else:
        line = "nothing more"
    raise JobError(f"after {len(found)} results the firmware sent {line!r}")


def expected(system: SystemConfig, codebooks: Codebooks, phases: Iterable[Phase]
             ) -> Iterator[Answer]:
    """What golden model and driver say of every answer; the processor's figures are 0."""
    core = system.core
    golden, tag = Factorizer(core, codebooks), 0
    for number, phase in enumerate(phases):
        for n, query in enumerate(phase.queries):
            if phase.dense:
                query = front_end(query, core, **phase.parameters.dense)
            yield Answer(number, n, 0, 0, 0, tag % 256, 0, golden.run(query, phase.parameters))
            tag += 1


def differences(found: Sequence[Answer], wanted: Iterable[Answer], system: SystemConfig
                ) -> list[str]:
    """Where they are not the same, in words: every field but the processor's figures counts."""
    wanted = list(wanted)
    told = [f"{len(found)} results instead of {len(wanted)}"] * (len(found) != len(wanted))
    for have, want in zip(found, wanted):
        have, want = ({"phase": a.phase, "query": a.query, "tag": a.tag, "errors": a.errors}
                      | a.result.to_table() for a in (have, want))
        if "factorize" not in system.core.engines:
            del have["similarities"], want["similarities"]  # the core has none
        place = f"phase {want['phase']}, query {want['query']}"
        told += [f"{place}: {name} is {have[name]}, the golden model says {want[name]}"
                 for name in want if have[name] != want[name]]
    return told
