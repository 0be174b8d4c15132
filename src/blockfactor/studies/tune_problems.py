"""Problems that settings are tried on: made from a seed, or queries of a file with their answers.

A problem is codebooks, a query with its true tuple, and a seed of the sampler. Problems are
numbered and come in blocks, each made from its own random generator: the first n are the same
however many there are, and whoever makes them. Those of the part ``search`` have nothing in common
with those of the part ``fresh`` but the codebooks, if these are given.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..config import CoreConfig
from ..errors import QueryError, StudyError
from ..golden.batch import factorize_many
from ..golden.codebook import Codebooks
from ..golden.query import (
    clean_batch,
    damaged_batch,
    from_probabilities_batch,
    soft_probabilities,
)
from ..golden.query_set import QuerySet
from ..golden.result import STOP_ACCEPTED
from ..parameters import WEIGHTS, RunParameters

__all__ = ["BLOCK", "FEWEST", "GIVEN", "PARTS", "Block", "Runs", "Source", "run_blocks"]

#: Problems of a block, the smallest number that is run at a time.
BLOCK = 32
#: Parts of the problems: what the search sees, and what nothing but the last figures come from.
PARTS = ("search", "fresh")
#: Least queries of a file.
FEWEST = 20
#: Kind of weights of queries that have them already.
GIVEN = "given"


class Runs(NamedTuple):
    """What n runs gave, arrays [n]: the right tuple or not, cycles, iterations, accepted or not."""

    right: np.ndarray
    cycles: np.ndarray
    iterations: np.ndarray
    accepted: np.ndarray

    def first(self, count: int) -> "Runs":
        """Those of the first ``count`` problems."""
        return Runs(*(values[:count] for values in self))

    @classmethod
    def joined(cls, parts) -> "Runs":
        """Several one after the other."""
        return cls(*(np.concatenate(values) for values in zip(*parts)))


@dataclass(frozen=True, eq=False)
class Source:
    """Where problems come from; small enough to be sent to other processes.

    Parameters
    ----------
    core : CoreConfig
    sizes : tuple of int
        Codevectors M of each factor.
    seed : int
    kind : str
        ``clean``, ``soft`` or ``damaged``: made; ``entries``, ``vectors``: of a file.
    codes : int array [F, M, B] or None
        Codebooks, smaller ones padded with zeros; None: random ones, new for each problem.
    margin, wrong_blocks : float, int
        Of soft and damaged queries.
    index, weight : int arrays [n, B, s], kind ``entries``
    vectors : float array [n, B, L], kind ``vectors``
    truth : int array [n, F], of either
    fresh : int
        Queries of a file that the search does not see.
    """

    core: CoreConfig
    sizes: tuple[int, ...]
    seed: int
    kind: str = "clean"
    codes: np.ndarray | None = None
    margin: float = 4.0
    wrong_blocks: int = 1
    index: np.ndarray | None = None
    weight: np.ndarray | None = None
    vectors: np.ndarray | None = None
    truth: np.ndarray | None = None
    fresh: int = 0

    def __post_init__(self):
        RunParameters(self.sizes, mode=self.core.modes[0]).check(self.core)
        digest = hashlib.sha256(repr([self.core, self.sizes, self.seed, self.kind, self.margin,
                                      self.wrong_blocks, self.fresh]).encode())
        for values in (self.codes, self.index, self.weight, self.vectors, self.truth):
            digest.update(b"none" if values is None else
                          repr(values.shape).encode() + np.ascontiguousarray(values).tobytes())
        object.__setattr__(self, "key", digest.hexdigest())

    # By their content: a process that is sent one again finds what it has made for it.
    def __eq__(self, other) -> bool:
        return isinstance(other, Source) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def with_codebooks(self, books: Codebooks) -> "Source":
        """The same with codebooks, which must fit the core."""
        codes = np.zeros((books.factors, max(books.sizes), books.blocks), dtype=np.uint16)
        for f, indices in enumerate(books.indices):
            codes[f, :len(indices)] = indices
        return replace(self, codes=codes, sizes=books.sizes)

    def with_queries(self, name: str, queries: QuerySet, fresh: int | None) -> "Source":
        """The same with a file's queries; QueryError naming file and query where they are wrong."""
        core = self.core
        if queries.truth is None:
            raise QueryError(f"{name}: has no array truth: without the true tuples nothing can be "
                             "called right")
        for row in range(len(queries)):
            query = queries[row]
            try:
                query.check(core.blocks, core.block_length, core.query_entries, core.weight_bits)
                if not query.smax:
                    raise QueryError("query is empty: no block has an entry")
            except QueryError as problem:
                raise QueryError(f"{name}, query {row}: {problem}") from None
        # A file may have room for more entries than any block has.
        depth = max(1, int((queries.weight > 0).sum(axis=2).max(initial=0)))
        order = np.argsort(queries.index.astype(np.int64) - (queries.weight.astype(np.int64) << 16),
                           axis=2, kind="stable")
        index, weight = (np.take_along_axis(values, order, 2)[:, :, :depth]
                         for values in (queries.index, queries.weight))
        return self._labelled(name, "entries", queries.truth, fresh, index=index, weight=weight)

    def with_vectors(self, name: str, vectors: np.ndarray, truth: np.ndarray,
                     fresh: int | None) -> "Source":
        """The same with a file's dense vectors [n, B, L]."""
        core = self.core
        if vectors.shape[1:] != (core.blocks, core.block_length):
            raise QueryError(f"{name}: vectors have {vectors.shape[1]} blocks of "
                             f"{vectors.shape[2]}, must have {core.blocks} of {core.block_length}")
        try:
            _, weight = from_probabilities_batch(vectors, 1, core.weight_bits)
        except QueryError as problem:
            raise QueryError(f"{name}: {problem}") from None
        for row in np.flatnonzero(~weight.any(axis=(1, 2))):
            raise QueryError(f"{name}: query {row} is empty: no block has an entry")
        return self._labelled(name, "vectors", np.asarray(truth), fresh, vectors=vectors)

    def _labelled(self, name: str, kind: str, truth, fresh: int | None, **arrays) -> "Source":
        """A copy with arrays of queries in random order; the last ``fresh`` are kept aside."""
        if self.codes is None:
            raise QueryError(f"{name}: needs codebooks: queries mean nothing without")
        if truth.dtype.kind not in "iu" or truth.ndim != 2 or \
                truth.shape[1] != len(self.sizes):
            raise QueryError(f"{name}: truth of shape {truth.shape} and type {truth.dtype} is not "
                             f"integers [n, {len(self.sizes)}]")
        count = len(next(iter(arrays.values())))
        if len(truth) != count:
            raise QueryError(f"{name}: truth has {len(truth)} rows for {count} queries")
        wrong = (truth < 0) | (truth >= np.array(self.sizes))
        if wrong.any():
            row, f = (int(n) for n in np.argwhere(wrong)[0])
            raise QueryError(f"{name}, query {row}, factor {f}: true codevector {truth[row, f]} is "
                             f"outside 0..{self.sizes[f] - 1}")
        if count < FEWEST:
            raise StudyError(f"{name}: {count} queries are too few, must be at least {FEWEST}: "
                             "half of them are kept from the search")
        fresh = count // 2 if fresh is None else fresh
        if not 1 <= fresh <= count - FEWEST // 2:
            raise StudyError(f"fresh {fresh} is outside 1..{count - FEWEST // 2}: {name} holds "
                             f"{count} queries and the search needs {FEWEST // 2}")
        order = np.random.default_rng([self.seed, 2]).permutation(count)
        return replace(self, kind=kind, truth=truth[order].astype(np.uint16), fresh=fresh,
                       **{key: values[order] for key, values in arrays.items()})

    # -- what can be chosen ---------------------------------------------------------------------

    @property
    def of_file(self) -> bool:
        """Whether the queries are a file's."""
        return self.truth is not None

    @property
    def weights(self) -> tuple[str, ...]:
        """Kinds of weights that queries can be given; one bit leaves no choice."""
        if self.kind in ("soft", "vectors"):
            return WEIGHTS if self.core.weight_bits > 1 else WEIGHTS[:1]
        return (GIVEN,)

    @property
    def depth(self) -> int:
        """Most entries s that a block can be given."""
        if self.kind == "entries":
            return self.index.shape[2]
        return self.core.query_entries if self.kind in ("soft", "vectors") else 1

    @property
    def exact(self) -> bool:
        """Whether true tuples score all there is, judged by the first problems of the search."""
        score, most = self.block("search", 0).shares(self.depth, self.weights[0]).T
        return bool((score == most).all())

    def limit(self, part: str) -> int | None:
        """Problems there are of a part; None: as many as wanted."""
        if not self.of_file:
            return None
        return self.fresh if part == "fresh" else len(self.truth) - self.fresh

    def block(self, part: str, number: int) -> "Block":
        """Block ``number`` of a part, kept for some time."""
        return _block(self, part, number)


class Block:
    """Some problems: codes [n or 1, F, M, B], truth [n, F], seeds [n], queries."""

    def __init__(self, source: Source, part: str, number: int):
        self.source = source
        core, sizes = source.core, source.sizes
        rng = np.random.default_rng([source.seed, PARTS.index(part), number])
        count = BLOCK
        if source.of_file:
            first = 0 if part == "search" else len(source.truth) - source.fresh
            self.rows = slice(first + number * BLOCK,
                              first + min((number + 1) * BLOCK, source.limit(part)))
            self.truth = source.truth[self.rows].astype(np.int64)
            count = len(self.truth)
        else:
            self.truth = rng.integers(0, sizes, (count, len(sizes)))
        if source.codes is None:
            self.codes = rng.integers(0, core.block_length,
                                      (count, len(sizes), max(sizes), core.blocks),
                                      dtype=np.uint16)
        else:
            self.codes = source.codes[None]
        self.seeds = rng.integers(1, 1 << 32, count)
        rows = np.arange(count) if len(self.codes) > 1 else np.zeros(count, dtype=int)
        factors = np.arange(len(sizes))
        chosen = self.codes[rows[:, None], factors, self.truth].astype(np.int64)
        self.product = chosen.sum(axis=1) % core.block_length
        self._made = {}
        if source.kind == "soft":
            self._dense = soft_probabilities(self.product, core.block_length, source.margin, rng)
        elif source.kind == "vectors":
            self._dense = source.vectors[self.rows]
        elif source.kind == "damaged":
            self._one_hot = clean_batch(damaged_batch(self.product, core.block_length,
                                                      source.wrong_blocks, rng))
        elif source.kind == "clean":
            self._one_hot = clean_batch(self.product)

    def queries(self, entries: int, weights: str) -> tuple[np.ndarray, np.ndarray]:
        """Index and weight [n, B, s] with at most ``entries`` a block and weights of that kind."""
        core = self.source.core
        if self.source.kind == "entries":
            return (self.source.index[self.rows, :, :entries],
                    self.source.weight[self.rows, :, :entries])
        if self.source.kind not in ("soft", "vectors"):
            return self._one_hot
        if (entries, weights) not in self._made:
            self._made[entries, weights] = from_probabilities_batch(
                self._dense, entries, core.weight_bits, weights == "log")
        return self._made[entries, weights]

    def shares(self, entries: int, weights: str) -> np.ndarray:
        """Score of the true tuple as (score, largest possible score), int64 [n, 2]."""
        index, weight = self.queries(entries, weights)
        at = index == self.product[:, :, None]
        score = np.where(at, weight, 0).sum(axis=(1, 2), dtype=np.int64)
        return np.stack([score, weight.max(axis=2).sum(axis=1, dtype=np.int64)], axis=1)


# Blocks of large codebooks take a megabyte each.
@lru_cache(maxsize=192)
def _block(source: Source, part: str, number: int) -> Block:
    return Block(source, part, number)


def run_blocks(task) -> list[Runs]:
    """Runs of each block of a task (source, part, parameters, entries, weights, block numbers)."""
    source, part, parameters, entries, weights, numbers = task
    found = []
    for number in numbers:
        block = source.block(part, number)
        index, weight = block.queries(entries, weights)
        batch = factorize_many(source.core, block.codes, index, weight, parameters, block.seeds)
        found.append(Runs((batch.indices == block.truth).all(axis=1), batch.cycles,
                          batch.iterations, batch.stop == STOP_ACCEPTED))
    return found
