"""Bundles: queries in which several product vectors lie on top of each other.

The makers define the test inputs of explaining away (golden/explain.py): clean (an index weighs as
many as the products that have it), soft (mean of the noisy softmax of each product, then
quantised). Those that end in ``_batch`` work on many at once, as arrays [n, B, s] padded with
weight 0, and give the same as the single ones drawn one after the other from the same generator.
"""

from collections.abc import Sequence

import numpy as np

from blockfactor.errors import QueryError, check_int

from .query import CHUNK, LIMIT, Query, from_probabilities_batch, soft_probabilities

__all__ = ["clean_bundle", "clean_bundle_batch", "soft_bundle", "soft_bundle_batch"]


def _check_products(products, axes: int) -> np.ndarray:
    array = np.asarray(products)
    if array.ndim != axes or array.dtype.kind not in "iu" or 0 in array.shape[-2:]:
        raise QueryError(f"products of shape {array.shape} and type {array.dtype} are not integers "
                         f"[{'n, ' * (axes - 2)}products, blocks]")
    for value in (array.min(initial=0), array.max(initial=0)):
        check_int("products: index", int(value), 0, LIMIT, QueryError)
    return array.astype(np.int64)


def clean_bundle_batch(products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clean bundles of K product vectors each.

    Parameters
    ----------
    products : integer array [n, K, B]

    Returns
    -------
    index, weight : uint16 array [n, B, K]
        By descending weight, then lowest index; padded with zeros.
    """
    index = np.sort(_check_products(products, 3).transpose(0, 2, 1), -1)
    weight = (index[..., :, None] == index[..., None, :]).sum(-1)
    # Of equal ones the first counts.
    again = np.concatenate([np.zeros_like(index[..., :1], dtype=bool),
                            index[..., 1:] == index[..., :-1]], -1)
    index[again] = weight[again] = 0
    order = np.argsort(index - weight * (LIMIT + 1), axis=-1, kind="stable")
    return tuple(np.take_along_axis(values, order, -1).astype(np.uint16)
                 for values in (index, weight))


def clean_bundle(products: Sequence[Sequence[int]]) -> Query:
    """Clean bundle of product vectors [K, B]; see :func:`clean_bundle_batch`."""
    index, weight = clean_bundle_batch(_check_products(products, 2)[None])
    return Query.from_arrays(index[0], weight[0])


def soft_bundle_batch(products: np.ndarray, block_length: int, margin: float,
                      rng: np.random.Generator, entries: int = 8, weight_bits: int = 4,
                      log: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Soft bundles of product vectors [n, K, B]: index and weight, uint16 [n, B, s].

    The mean over K of :func:`~.query.soft_probabilities`, each with noise of its own, goes through
    :func:`~.query.from_probabilities_batch`: the most likely of a block weighs most, whichever
    product it belongs to.
    """
    products = _check_products(products, 3)
    count, bundled, blocks = products.shape
    parts = []
    for first in range(0, max(1, count), CHUNK):
        part = products[first:first + CHUNK]
        p = soft_probabilities(part.reshape(-1, blocks), block_length, margin, rng)
        p = p.reshape(len(part), bundled, blocks, block_length).mean(1)
        parts.append(from_probabilities_batch(p, entries, weight_bits, log))
    return tuple(np.concatenate(arrays) for arrays in zip(*parts))


def soft_bundle(products: Sequence[Sequence[int]], block_length: int, margin: float,
                rng: np.random.Generator, entries: int = 8, weight_bits: int = 4,
                log: bool = False) -> Query:
    """Soft bundle of product vectors [K, B]; see :func:`soft_bundle_batch`."""
    index, weight = soft_bundle_batch(_check_products(products, 2)[None], block_length, margin,
                                      rng, entries, weight_bits, log)
    return Query.from_arrays(index[0], weight[0])
