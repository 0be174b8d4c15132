"""Workloads: queries with their codebooks and parameters, made from a seed, for any bench."""

import pickle
from dataclasses import dataclass, field

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.errors import check_choice
from blockfactor.golden import query as queries
from blockfactor.golden.bundle import clean_bundle, soft_bundle
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.query import Query
from blockfactor.parameters import RunParameters

__all__ = ["KINDS", "Item", "Workload", "make_bundles", "make_items"]

#: Kinds of made queries: one-hot, from a noisy softmax, one-hot with wrong blocks.
KINDS = ("clean", "soft", "damaged")


@dataclass(frozen=True)
class Item:
    """One query with all it needs; ``elements`` (int [B, L]) takes the place of ``query``.

    ``truth`` is a tuple; of a bundle, a tuple of them.
    """

    codebooks: Codebooks
    query: Query | None
    parameters: RunParameters
    truth: tuple | None = None
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


def make_bundles(config: CoreConfig, parameters: RunParameters, kind: str, bundled: int, count: int,
                 seed: int, margin: float = 4.0, queries_per_codebook: int = 8) -> list[Item]:
    """Make ``count`` bundles of so many random tuples each, ``clean`` or ``soft``.

    How many of them are to be decoded is told by ``parameters``.
    """
    check_choice("kind", kind, KINDS[:2])
    rng = np.random.default_rng(seed)
    items, book = [], None
    for number in range(count):
        if number % queries_per_codebook == 0:
            book = Codebooks.random(parameters.sizes, config.blocks, config.block_length,
                                    seed=int(rng.integers(2**32)))
        truth = tuple(tuple(int(rng.integers(size)) for size in parameters.sizes)
                      for _ in range(bundled))
        products = np.array([encode(book, chosen) for chosen in truth], dtype=np.int64)
        if kind == "clean":
            query = clean_bundle(products)
        else:
            query = soft_bundle(products, config.block_length, margin, rng,
                                entries=config.query_entries, weight_bits=config.weight_bits)
        items.append(Item(book, query, parameters.replace(seed=int(rng.integers(1, 2**32))), truth,
                          kind))
    return items
