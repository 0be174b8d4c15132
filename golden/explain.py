"""Explaining away: products bundled in one query are decoded one after another.

A run finds the tuple that matches best; its product's share is then taken off the query, and the
next run sees what is left: in every block the entry at the product's index goes, with its *whole*
weight. That is right unless two products share the element, which is one block in L; then the
other one lacks a block, which the sum over the others outweighs. Taking off less (the smallest
weight of the product's, their mean) is right there and wrong in soft bundles, where a product's
weights differ from block to block and what stays of a large one is mistaken for another product
(``python bench/explain.py --rules``).

All that is computed from a query is computed anew of what is left: q, Smax (to which ``level``
relates), depth, peaks and look-up blocks. Related work: Hersche et al., "Decoding superpositions of
bound symbols", NeSy 2023, which decodes in superposition and subtracts as well.
"""

import numpy as np

from .query import Query

__all__ = ["residual", "residual_batch"]


def residual(query: Query, product) -> Query:
    """What is left of a query without a product vector.

    Parameters
    ----------
    query : Query
    product : sequence of int, B indices
    """
    return Query(tuple(tuple((index, weight) for index, weight in block if index != gone)
                       for block, gone in zip(query.entries, map(int, product), strict=True)))


def residual_batch(index: np.ndarray, weight: np.ndarray,
                   products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is left of queries [n, B, s] without product vectors [n, B]; padded at the end."""
    weight = np.where(index == np.asarray(products)[:, :, None], 0, weight)
    order = np.argsort(weight == 0, axis=-1, kind="stable")
    weight = np.take_along_axis(weight, order, -1)
    return np.where(weight > 0, np.take_along_axis(index, order, -1), 0), weight
