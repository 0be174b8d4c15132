"""Sweep: draws that take every combination of lists before one comes again.

A factor's walk goes on where its last draw ended; once all its codevectors have been drawn the next
draw begins a new walk. The factors' walks are an odometer: the second
factor's goes on with every draw, the next one's with each new walk of that, and so on; the other
factors' lists are those drawn last (golden/factorize.py).
"""

from ._jit import jit
from .sampler import walk_mask

__all__ = ["LEFT", "LENGTH", "LIST", "NEXT", "STRIDE", "keep", "recall"]

#: Fields of a factor's walk: value to come, stride, codevectors not drawn yet (0: the next draw
#: begins a new walk), length of the list drawn last; its K codevectors follow.
NEXT, STRIDE, LEFT, LENGTH, LIST = range(5)


@jit
def keep(walk, offset, stride, examined, size, count, whole, members):
    """Keep a draw of ``count`` codevectors, so that the next one can go on.

    A draw of the ``whole`` codebook is no part of a walk: the next one begins a walk.
    """
    left = walk[LEFT] if walk[LEFT] else size
    walk[LEFT] = 0 if whole else max(0, left - count)
    walk[NEXT] = (offset + examined * stride) & walk_mask(size)
    walk[STRIDE] = stride
    walk[LENGTH] = count
    walk[LIST:LIST + count] = members[:count]


@jit
def recall(walk, factor, members, weights, lengths):
    """Make the list drawn last the factor's list again."""
    count = walk[LENGTH]
    members[factor, :count] = walk[LIST:LIST + count]
    weights[factor, :count] = 1
    lengths[factor] = count
