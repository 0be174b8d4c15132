"""The published factorizer in floating point: the yardstick of the integer core.

Source of the method: Hersche et al., "Factorizers for Distributed Sparse Block Codes",
arXiv 2303.13957, and its authors' code, IBM/in-memory-factorizer. This is written anew from a
description of both, in float64, and uses that codevectors are one-hot in each block: for a
non-negative vector v with blocks of sum 1 the l-infinity similarity ``1 - max|v - x|`` is exactly
``min over blocks of v[b][k_b]``, and unbinding a bundle of few codevectors touches few elements.

Deliberate differences from that code, all at its edges: each query has its own random draws (there
a batch shares them) and its own end (there a batch ends together; the iterations counted are the
same); where T is 0 the similarities are not overwritten by what is drawn; where nothing is left of
an estimate (A = 0, all similarities 0) the run ends at once, not converged, with the iterations of
a full run (there it goes on with NaN).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from blockfactor.errors import ParameterError, QueryError, check_choice, check_int, check_number

from ._jit import jit
from .codebook import Codebooks
from .query import Query

__all__ = ["Published", "PublishedBatch", "PublishedResult", "PublishedStep"]

SIMILARITIES = ("inf", "dot")


@jit
def _unbind(query, estimates, factor, vector):
    """Unbind the query from every estimate but one; the result is in ``vector`` [B, L]."""
    factors, blocks, length = estimates.shape
    position = np.zeros(length, dtype=np.int64)
    value = np.zeros(length)
    rest = np.zeros(length)
    for b in range(blocks):
        vector[b] = query[b]
        for g in range(factors):
            if g == factor:
                continue
            count = 0
            for x in range(length):
                if estimates[g, b, x] != 0.0:
                    position[count] = x
                    value[count] = estimates[g, b, x]
                    count += 1
            rest[:] = 0.0
            for x in range(length):
                if vector[b, x] != 0.0:
                    for i in range(count):
                        # A negative index counts from the end: the modulo of the correlation.
                        rest[x - position[i]] += vector[b, x] * value[i]
            vector[b] = rest


@jit
def _compare(vector, code, size, use_sum, similarity):
    """Similarity of each codevector to ``vector``; return the best one's number, lowest first."""
    best = 0
    for m in range(size):
        total = vector[0, code[m, 0]]
        for b in range(1, vector.shape[0]):
            element = vector[b, code[m, b]]
            if use_sum:
                total += element
            elif element < total:
                total = element
        similarity[m] = total
        if total > similarity[best]:
            best = m
    return best


@jit
def _sample(rng, size, count, order):
    """Make ``order[:count]`` a uniformly random set of distinct numbers below ``size``."""
    for m in range(size):
        order[m] = m
    for i in range(count):
        j = i + int(rng.random() * (size - i))
        order[i], order[j] = order[j], order[i]


@jit
def _activate(similarity, size, best, limits, samples, pull_up, rng, attention, order):
    """Threshold, conditional random sampling and pull-up; return (converged, sampled)."""
    threshold, detection = limits
    highest = 0.0
    for m in range(size):
        attention[m] = similarity[m]
        if threshold > 0.0 and similarity[m] < threshold:
            attention[m] = 0.0
        highest = max(highest, attention[m])
    if highest == 0.0:
        for m in range(size):
            attention[m] = similarity[m]
            highest = max(highest, attention[m])
    below = highest <= threshold
    if below and samples > 0:
        attention[:size] = 0.0
        count = min(samples, size)
        _sample(rng, size, count, order)
        for i in range(count):
            attention[order[i]] = 1.0
        return False, True
    converged = highest >= detection and not below
    if converged and pull_up:
        attention[:size] = 0.0
        attention[best] = highest
    return converged, False


@jit
def _bundle(code, size, attention, estimate):
    """Weighted sum of codevectors with blocks of sum 1; False if there is nothing to sum."""
    total = 0.0
    for m in range(size):
        total += attention[m]
    estimate[:] = 0.0
    if total == 0.0:
        return False
    for m in range(size):
        if attention[m] != 0.0:
            share = attention[m] / total
            for b in range(estimate.shape[0]):
                estimate[b, code[m, b]] += share
    return True


@jit
def _step(code, sizes, query, factor, use_sum, limits, samples, pull_up, rng, estimates, vector,
          similarity, attention, order):
    """Update one factor's estimate; return (best codevector, converged, sampled, alive)."""
    size = sizes[factor]
    _unbind(query, estimates, factor, vector)
    best = _compare(vector, code[factor], size, use_sum, similarity)
    converged, sampled = _activate(similarity, size, best, limits, samples, pull_up, rng,
                                   attention, order)
    alive = _bundle(code[factor], size, attention, estimates[factor])
    return best, converged, sampled, alive


@jit
def _run(code, sizes, query, use_sum, limits, samples, pull_up, iterations, rng, found,
         similarities):
    """All iterations; fills ``found`` and ``similarities`` [F], returns (iterations, converged)."""
    factors, most, _ = code.shape
    estimates = np.zeros((factors, query.shape[0], query.shape[1]))
    vector = np.zeros(query.shape)
    similarity = np.zeros(most)
    attention = np.ones(most)
    order = np.zeros(most, dtype=np.int64)
    for f in range(factors):
        _bundle(code[f], sizes[f], attention, estimates[f])
    for iteration in range(iterations):
        all_converged = True
        for f in range(factors):
            best, converged, _, alive = _step(
                code, sizes, query, f, use_sum, limits, samples, pull_up, rng, estimates, vector,
                similarity, attention, order)
            found[f] = best
            similarities[f] = similarity[best]
            all_converged = all_converged and converged
            if not alive:
                return iterations, False
        if all_converged:
            return iteration + 1, True
    return iterations, False


class PublishedResult(NamedTuple):
    """Result of one query.

    ``indices`` are each factor's codevector of highest similarity at its last update (lowest index
    of equal ones) and ``similarities`` those similarities; ``iterations`` is the limit where not
    ``converged``.
    """

    indices: tuple[int, ...]
    iterations: int
    converged: bool
    similarities: tuple[float, ...]


class PublishedBatch(NamedTuple):
    """Results of n queries: int64 [n, F], int64 [n], bool [n], float64 [n, F]."""

    indices: np.ndarray
    iterations: np.ndarray
    converged: np.ndarray
    similarities: np.ndarray


class PublishedStep(NamedTuple):
    """One update: its iteration (from 0) and factor, what came in and what came out.

    ``before`` are the estimates [F, B, L] it started from, ``similarities`` [M], ``sampled``
    whether codevectors were drawn, ``attention`` the weights [M] of the new ``estimate`` [B, L],
    ``converged`` whether this factor's convergence was detected.
    """

    iteration: int
    factor: int
    before: np.ndarray
    similarities: np.ndarray
    sampled: bool
    attention: np.ndarray
    estimate: np.ndarray
    converged: bool


@dataclass(frozen=True)
class Published:
    """The published factorizer with its parameters, under their published names.

    Parameters
    ----------
    T : float, 0..65536
        Activation threshold; 0: none. Scaled like a similarity: 0..1 for "inf", 0..B for "dot".
    A : int
        Distinct codevectors drawn when no similarity is above T; 0: never draws.
    Tc : float, 0..1
        Convergence is detected where a similarity is at least this (times B for "dot").
    similarity : str
        "inf" or "dot".
    pull_up : bool
        Whether a factor that has converged keeps only its best codevector.
    max_iterations : int or None
        Limit; None: as many as cost the same number of similarities as exhaustive search,
        ``int(M**(F - 1) / F)``, for unequal codebooks ``int(product of sizes / sum of sizes)``,
        at least 1.

    Raises
    ------
    ParameterError
    """

    T: float
    A: int
    Tc: float = 0.9
    similarity: str = "inf"
    pull_up: bool = True
    max_iterations: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "T", check_number("T", self.T, 0, 65536, ParameterError))
        object.__setattr__(self, "A", check_int("A", self.A, 0, (1 << 31) - 1, ParameterError))
        object.__setattr__(self, "Tc", check_number("Tc", self.Tc, 0, 1, ParameterError))
        check_choice("similarity", self.similarity, SIMILARITIES, ParameterError)
        if self.max_iterations is not None:
            check_int("max_iterations", self.max_iterations, 1, (1 << 62), ParameterError)

    def iteration_limit(self, sizes: Sequence[int]) -> int:
        """Iterations after which a run ends, for codebooks of those sizes."""
        if self.max_iterations is not None:
            return self.max_iterations
        product = 1
        for size in sizes:
            product *= int(size)
        return min(max(1, product // sum(sizes)), 1 << 62)

    def _arguments(self, codebooks: Codebooks) -> tuple:
        """What every kernel needs: code [F, M, B], sizes, and the parameters."""
        code = np.zeros((codebooks.factors, max(codebooks.sizes), codebooks.blocks), dtype=np.int64)
        for f, indices in enumerate(codebooks.indices):
            code[f, :len(indices)] = indices
        use_sum = self.similarity == "dot"
        detection = self.Tc * (codebooks.blocks if use_sum else 1)
        return (code, np.array(codebooks.sizes), use_sum, (self.T, detection), self.A,
                bool(self.pull_up))

    def factorize(self, codebooks: Codebooks, query, seed: int | np.random.Generator = 0
                  ) -> PublishedResult:
        """Factorize one query.

        Parameters
        ----------
        codebooks : Codebooks
        query : Query, integer array [B] or float array [B, L]
            Sparse soft, product vector or dense soft query; blocks are scaled to sum 1.
        seed : int or numpy Generator
            Source of the random draws.

        Raises
        ------
        QueryError
            Wrong shape, or an element that is negative or not finite.
        """
        code, sizes, *rest = self._arguments(codebooks)
        found = np.zeros(codebooks.factors, dtype=np.int64)
        similarities = np.zeros(codebooks.factors)
        iterations, converged = _run(
            code, sizes, _dense(query, codebooks), *rest, self.iteration_limit(codebooks.sizes),
            np.random.default_rng(seed), found, similarities)
        return PublishedResult(tuple(found.tolist()), int(iterations), bool(converged),
                               tuple(similarities.tolist()))

    def factorize_batch(self, codebooks: Codebooks, queries, seed: int = 0) -> PublishedBatch:
        """Factorize n queries on the same codebooks, query i with ``default_rng([seed, i])``.

        Parameters
        ----------
        queries : QuerySet, sequence of Query, integer array [n, B] or float array [n, B, L]
        """
        code, sizes, *rest = self._arguments(codebooks)
        limit = self.iteration_limit(codebooks.sizes)
        n = len(queries)
        found = np.zeros((n, codebooks.factors), dtype=np.int64)
        similarities = np.zeros((n, codebooks.factors))
        iterations = np.zeros(n, dtype=np.int64)
        converged = np.zeros(n, dtype=bool)
        for i in range(n):
            iterations[i], converged[i] = _run(
                code, sizes, _dense(queries[i], codebooks), *rest, limit,
                np.random.default_rng([seed, i]), found[i], similarities[i])
        return PublishedBatch(found, iterations, converged, similarities)

    def steps(self, codebooks: Codebooks, query, seed: int | np.random.Generator = 0
              ) -> Iterator[PublishedStep]:
        """The updates that :meth:`factorize` makes, one at a time, for study and tests."""
        code, sizes, *rest = self._arguments(codebooks)
        query = _dense(query, codebooks)
        rng = np.random.default_rng(seed)
        most = code.shape[1]
        estimates = np.zeros((codebooks.factors, *query.shape))
        vector, similarity, attention = np.zeros(query.shape), np.zeros(most), np.ones(most)
        order = np.zeros(most, dtype=np.int64)
        for f, size in enumerate(sizes):
            _bundle(code[f], size, attention, estimates[f])
        for iteration in range(self.iteration_limit(codebooks.sizes)):
            all_converged = True
            for f, size in enumerate(sizes):
                before = estimates.copy()
                _, converged, sampled, alive = _step(
                    code, sizes, query, f, *rest, rng, estimates, vector, similarity, attention,
                    order)
                yield PublishedStep(iteration, f, before, similarity[:size].copy(), bool(sampled),
                                    attention[:size].copy(), estimates[f].copy(), bool(converged))
                all_converged = all_converged and converged
                if not alive:
                    return
            if all_converged:
                return


def _dense(query: Query | np.ndarray, codebooks: Codebooks) -> np.ndarray:
    """Query as float64 [B, L] with blocks of sum 1, or 0 where a block is empty."""
    shape = (codebooks.blocks, codebooks.block_length)
    if isinstance(query, Query):
        dense = query.dense(shape[1]).astype(np.float64)
    else:
        query = np.asarray(query)
        if query.ndim == 1:
            if query.shape != shape[:1] or query.dtype.kind not in "iu":
                raise QueryError(f"query of shape {query.shape} and type {query.dtype} is not "
                                 f"{shape[0]} integers")
            for b, index in enumerate(query):
                check_int(f"query, block {b}: index", index, 0, shape[1] - 1, QueryError)
            dense = np.zeros(shape)
            dense[np.arange(shape[0]), query] = 1.0
        else:
            dense = query.astype(np.float64)
    if dense.shape != shape:
        raise QueryError(f"query has shape {dense.shape}, the codebooks need {shape}")
    if not (np.isfinite(dense) & (dense >= 0)).all():
        raise QueryError("query has elements that are not finite and at least 0")
    sums = dense.sum(1, keepdims=True)
    return dense / np.where(sums > 0, sums, 1.0)
