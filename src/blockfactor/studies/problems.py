"""Random problems: codebooks, true tuples, queries and run seeds, all from one seed."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import StudyError, check_choice, check_int, check_number
from ..golden.query import clean_batch, damaged_batch, soft_batch
from ..tables import from_table, to_table

__all__ = ["KINDS", "Drawn", "Problem"]

#: Kinds of queries, docs/design.md section 6.
KINDS = ("clean", "soft", "damaged")


class Drawn(NamedTuple):
    """n problems.

    ``codes`` int64 [n, F, M, B], ``truth`` int64 [n, F], ``product`` int64 [n, B] of the true
    tuples, ``index`` and ``weight`` uint16 [n, B, s] of the queries, ``seeds`` int64 [n].
    """

    codes: np.ndarray
    truth: np.ndarray
    product: np.ndarray
    index: np.ndarray
    weight: np.ndarray
    seeds: np.ndarray


@dataclass(frozen=True)
class Problem:
    """What is drawn: random codebooks of one size, and a query of a random tuple's product.

    Parameters
    ----------
    factors, size, blocks, block_length : int
        F, M, B and L.
    kind : str
        One of :data:`KINDS`.
    margin : float
        Of soft queries: lead of the true logits.
    wrong : int, 0..B
        Of damaged queries: blocks that are wrong.
    entries, weight_bits : int, 1..16 and 1..6
        Of soft queries: entries kept in a block, bits of a weight.
    log : bool
        Whether a soft query's weights are logarithmic.

    Raises
    ------
    StudyError
    """

    factors: int
    size: int
    blocks: int = 4
    block_length: int = 128
    kind: str = "clean"
    margin: float = 4.0
    wrong: int = 0
    entries: int = 8
    weight_bits: int = 4
    log: bool = False

    def __post_init__(self):
        for name, low, high in (("factors", 2, 4), ("size", 1, 1 << 16), ("blocks", 1, 16),
                                ("block_length", 2, 1024), ("entries", 1, 16),
                                ("weight_bits", 1, 6), ("wrong", 0, 16)):
            object.__setattr__(self, name,
                               check_int(name, getattr(self, name), low, high, StudyError))
        check_int("wrong", self.wrong, 0, self.blocks, StudyError)
        check_choice("kind", self.kind, KINDS, StudyError)
        object.__setattr__(self, "margin",
                           check_number("margin", self.margin, -1e6, 1e6, StudyError))
        if not isinstance(self.log, bool):
            raise StudyError(f"log {self.log!r} is not true or false")

    @property
    def dimension(self) -> int:
        """D = B * L."""
        return self.blocks * self.block_length

    @property
    def tuples(self) -> int:
        """M^F, the size of the problem."""
        return self.size ** self.factors

    @property
    def collision_limit(self) -> float:
        """Accuracy that products which are equal leave to any method, clean queries.

        The other tuples with the true tuple's product are about Poisson distributed, with mean
        ``x = M^F / L^B``; one of them all, at random, is right with ``(1 - exp(-x)) / x``.
        """
        mean = self.tuples / float(self.block_length) ** self.blocks
        return float(-np.expm1(-mean) / mean)

    def seed(self, study: int, chunk: int) -> list[int]:
        """Seed of a chunk: the same for all kinds of queries, so that they share codebooks."""
        return [study, self.factors, self.size, self.blocks, self.block_length, chunk]

    def draw(self, seed: list[int], trials: int) -> Drawn:
        """Draw ``trials`` problems from ``seed``.

        Codebooks, tuples and run seeds do not depend on the kind of the query, and the noise of
        soft queries not on margin and weights: points of a study differ in nothing else.
        """
        rng = np.random.default_rng(seed)
        codes = rng.integers(0, self.block_length, (trials, self.factors, self.size, self.blocks))
        truth = rng.integers(0, self.size, (trials, self.factors))
        seeds = rng.integers(1, 2**32, trials)
        product = self.products(codes, truth)
        if self.kind == "soft":
            query = soft_batch(product, self.block_length, self.margin, rng, self.entries,
                               self.weight_bits, self.log)
        elif self.kind == "damaged":
            query = clean_batch(damaged_batch(product, self.block_length, self.wrong, rng))
        else:
            query = clean_batch(product)
        return Drawn(codes, truth, product, *query, seeds)

    def products(self, codes: np.ndarray, tuples: np.ndarray) -> np.ndarray:
        """Product vectors [n, B] of tuples [n, F] of the codebooks [n, F, M, B]."""
        chosen = codes[np.arange(len(codes))[:, None], np.arange(self.factors), tuples]
        return chosen.sum(axis=1) % self.block_length

    def to_table(self) -> dict:
        """Plain table."""
        return to_table(self)

    @classmethod
    def from_table(cls, table: dict) -> "Problem":
        """Inverse of :meth:`to_table`."""
        try:
            return from_table(cls, table, StudyError)
        except TypeError as problem:  # a field is missing
            raise StudyError(f"Problem: {problem}") from None
