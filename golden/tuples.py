"""Tuple engine: unbinds every tuple of the other factors' lists into histograms."""

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
    outer = 1
    for g in range(factors):
        if g != factor and g != inner:
            outer *= lengths[g]
    product = 0
    for prefix in range(outer):
        rest = prefix
        weight = 1
        shift0 = members[inner, 0] * 0
        for g in range(factors):
            if g != factor and g != inner:
                weight *= weights[g, rest % lengths[g]]
                rest //= lengths[g]
        for j in range(lengths[inner]):
            product += weight * weights[inner, j]
        for b in range(blocks):
            rest = prefix
            shift = shift0
            for g in range(factors):
                if g != factor and g != inner:
                    shift += code[g, members[g, rest % lengths[g]], b]
                    rest //= lengths[g]
            shift %= length
            for j in range(lengths[inner]):
                x = shift + code[inner, members[inner, j], b]
                if x >= length:
                    x -= length
                histogram[b, x] += weight * weights[inner, j]
    for b in range(blocks):
        for x in range(length):
            if histogram[b, x] > limit:
                histogram[b, x] = limit
    return outer * lengths[inner], product
