"""Similarity engine: look-ups, order statistic over the blocks, threshold activation."""

import numpy as np

from ._jit import jit

__all__ = ["combine", "leading_one", "similarities", "threshold"]


@jit
def leading_one(value):
    """Position of the leading one; 0 for 0."""
    position = 0
    while value > 1:
        value >>= 1
        position += 1
    return position


@jit
def combine(values, trim, use_sum):
    """The (trim + 1)-th smallest of ``values``, or their sum."""
    total = 0
    blocks = values.shape[0]
    if use_sum:
        for b in range(blocks):
            total += values[b]
        return total
    if trim == 0:
        least = values[0]
        for b in range(1, blocks):
            least = min(least, values[b])
        return least
    for b in range(blocks):
        rank = 0
        for c in range(blocks):
            if values[c] < values[b] or (values[c] == values[b] and c < b):
                rank += 1
        if rank == trim:
            total = values[b]
    return total


@jit
def similarities(code, factor, size, index, weight, depth, histogram, trim, use_sum, values):
    """Fill ``values`` with the similarities of a factor's codevectors.

    In each block that is the sum over the query's entries of weight times histogram, at the entry's
    index less the codevector's; an unused entry has weight 0, so an empty block gives 0. Over the
    blocks it is the (trim + 1)-th smallest, or the sum.
    """
    blocks, length = histogram.shape
    parts = np.zeros(blocks, dtype=np.int64)
    for m in range(size):
        for b in range(blocks):
            total = 0
            own = code[factor, m, b]
            for e in range(depth):
                x = index[b, e] - own
                if x < 0:
                    x += length
                total += weight[b, e] * histogram[b, x]
            parts[b] = total
        values[m] = combine(parts, trim, use_sum)


@jit
def threshold(scaled, product, similarity_bits):
    """Theta of a step, ``floor(T16 * Q * product / 65536)``, limited to the largest similarity."""
    return min((scaled * product) >> 16, (1 << similarity_bits) - 1)
