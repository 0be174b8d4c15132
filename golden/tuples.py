"""Tuple engine: unbinds every tuple of the other factors' lists into histograms."""

import numpy as np

from ._jit import jit

__all__ = ["list_weight", "unbind_tuples"]


@jit
def list_weight(position, best_position, sampled):
    """Weight of a list entry: 1 if drawn, else 8 halved per position below the best, 0 past 3.

    ``best_position`` belongs to the best of the whole codebook, which a list cut at K may lack.
    """
    if sampled:
        return 1
    below = best_position - position
    return 8 >> below if below <= 3 else 0


@jit
def unbind_tuples(code, factor, members, weights, lengths, limit, histogram):
    """Add every tuple's weight to ``histogram[b][sum of its indices mod L]``, saturating.

    Parameters
    ----------
    code : int array [F, M, B]
    factor : int
        The factor left out: its estimate is what is sought.
    members, weights : int array [F, K]
    lengths : int array [F]
    limit : int
        Value at which a histogram saturates.
    histogram : int array [B, L]
        Overwritten.

    Returns
    -------
    tuples : int
        Tuples enumerated, one a cycle.
    product : int
        Sum of the tuples' weights: the product of the lists' weight sums.
    """
    factors, _, blocks = code.shape
    length = histogram.shape[1]
    histogram[:] = 0
    inner = factors - 1 if factor != factors - 1 else factors - 2
    slot = np.zeros(factors, dtype=np.int64)  # of the outer lists, an odometer
    tuples = 1
    product = 1
    for g in range(factors):
        if g != factor:
            tuples *= lengths[g]
            total = 0
            for i in range(lengths[g]):
                total += weights[g, i]
            product *= total
    count = lengths[inner]
    fast = np.empty((blocks, count), dtype=np.int64)  # the inner list's indices, in order of use
    for j in range(count):
        for b in range(blocks):
            fast[b, j] = code[inner, members[inner, j], b]
    more = True
    while more:
        weight = 1
        for g in range(factors):
            if g != factor and g != inner:
                weight *= weights[g, slot[g]]
        if weight == 0:
            count = 0
        for b in range(blocks):
            shift = 0
            for g in range(factors):
                if g != factor and g != inner:
                    shift += code[g, members[g, slot[g]], b]
                    if shift >= length:
                        shift -= length
            for j in range(count):
                x = shift + fast[b, j]
                x -= length * (x >= length)  # no branch: it would be taken at random
                # Weights are not negative, so the order of saturating additions does not matter.
                histogram[b, x] = min(histogram[b, x] + weight * weights[inner, j], limit)
        count = lengths[inner]
        more = False
        for g in range(factors):
            if g != factor and g != inner and not more:
                slot[g] += 1
                more = slot[g] < lengths[g]
                if not more:
                    slot[g] = 0
    return tuples, product
