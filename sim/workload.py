"""Workloads: queries with their codebooks and parameters, made from a seed, for any bench."""

import pickle
from dataclasses import dataclass, field

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.errors import check_choice
from blockfactor.golden import query as queries
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.query import Query
from blockfactor.parameters import RunParameters

__all__ = ["KINDS", "Item", "Workload", "make_items"]

#: Kinds of made queries: one-hot, from a noisy softmax, one-hot with wrong blocks.
KINDS = ("clean", "soft", "damaged")


@dataclass(frozen=True)
class Item:
    """One query with all it needs; ``elements`` (int [B, L]) takes the place of ``query``."""

    codebooks: Codebooks
    query: Query | None
    parameters: RunParameters
    truth: tuple[int, ...] | None = None
    kind: str = "file"
    elements: np.ndarray | None = None


@dataclass(frozen=True)
class Workload:
    """Items for one core; ``stall`` is the probability of a gap or back-pressure in any cycle."""

    config: CoreConfig
    items: list[Item] = field(default_factory=list)
    stall: float = 0.0
    seed: int = 1

    def save(self, path) -> None:
        """Write for a bench in another process of the same installation."""
        with open(path, "wb") as stream:
            pickle.dump(self, stream)

    @staticmethod
    def load(path) -> "Workload":
        """Inverse of :meth:`save`."""
        with open(path, "rb") as stream:
            return pickle.load(stream)


def make_items(config: CoreConfig, parameters: RunParameters, kind: str, count: int, seed: int,
               margin: float = 4.0, wrong_blocks: int = 1, queries_per_codebook: int = 8,
               codebooks: Codebooks | None = None) -> list[Item]:
    """Make ``count`` queries of random tuples; each run has a seed of its own.

    A codebook is kept for some queries, unless one is given: loading takes longer than a run.
    """
    check_choice("kind", kind, KINDS)
    rng = np.random.default_rng(seed)
    items, book = [], codebooks
    for number in range(count):
        if codebooks is None and number % queries_per_codebook == 0:
            book = Codebooks.random(parameters.sizes, config.blocks, config.block_length,
                                    seed=int(rng.integers(2**32)))
        truth = tuple(int(rng.integers(size)) if k < 0 else k
                      for size, k in zip(parameters.sizes, parameters.known))
        product = encode(book, truth)
        if kind == "clean":
            query = queries.clean(product)
        elif kind == "soft":
            query = queries.soft(product, config.block_length, margin, rng,
                                 entries=config.query_entries, weight_bits=config.weight_bits)
        else:
            query = queries.damaged(product, config.block_length, wrong_blocks, rng)
        run = parameters.replace(seed=int(rng.integers(1, 2**32)))
        items.append(Item(book, query, run, truth, kind))
    return items
