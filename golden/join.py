"""Join: enumerates all factors but the last, and looks the last one up in an inverted index.

Exact where the look-up blocks are right, and bounded: every tuple of the first F - 1 factors is
unbound from the query's peak in a few blocks, the *look-up blocks*, and each codevector of the
last factor that has the residual index there is verified with the full score. docs/design.md,
section 4, has the idea and figures.

- **Look-up blocks.** A block's confidence is its largest weight less its second largest, which is 0
  where it has one entry. The ``heads`` most confident blocks that have entries are used, of equal
  ones the lowest; the peak is the index of the largest weight, of equal ones the lowest.
- **Rows.** A row is a tuple of the first F - 1 factors. The last of them runs fastest; each starts
  at a random codevector and wraps, so that the mean number of rows is half their number whatever
  the order of the codebooks. A known factor stays.
- **Candidates** of a row: the codevectors found in the first look-up block, by number, then those
  of the second that the first has not found, and so on. A known last factor is the only candidate.

A row takes a cycle, a candidate takes one, even one that is skipped; they overlap through a queue
of :data:`QUEUE` rows. A first codevector takes a cycle and its draws.
"""

import numpy as np

from ._jit import jit
from .result import CYCLES, ITERATIONS, STOP, STOP_ACCEPTED, STOP_COMPLETE, STOP_LIMIT
from .sampler import LFSR_BITS, leap, walk_mask
from .trace import DRAW, SCORE, emit
from .verifier import ACCEPTED, score, verify

__all__ = ["DRAWS", "QUEUE", "join", "look_up_blocks", "offset"]

#: Rows that wait for their candidates to be verified.
QUEUE = 4
#: Most draws for one offset.
DRAWS = 8


@jit
def look_up_blocks(index, weight, heads):
    """Blocks to look up in and their peaks, [heads] each; -1 where there are fewer."""
    blocks, entries = index.shape
    confidence = np.full(blocks, -1)
    peak = np.zeros(blocks, dtype=np.int64)
    for b in range(blocks):
        largest, second = 0, 0
        for e in range(entries):
            w = weight[b, e]
            if w > largest or (w and w == largest and index[b, e] < peak[b]):
                peak[b] = index[b, e]
            if w > largest:
                largest, second = w, largest
            else:
                second = max(second, w)
        if largest:
            confidence[b] = largest - second
    chosen = np.full(heads, -1)
    peaks = np.zeros(heads, dtype=np.int64)
    for h in range(heads):
        for b in range(blocks):
            if confidence[b] >= 0 and (chosen[h] < 0 or confidence[b] > confidence[chosen[h]]):
                chosen[h] = b
        if chosen[h] >= 0:
            peaks[h] = peak[chosen[h]]
            confidence[chosen[h]] = -1
    return chosen, peaks


@jit
def reverse(seed):
    """The generator's first state: the seed's bits in reverse, so that draws begin with the lowest.

    Seeds that count up then give different offsets from the start.
    """
    state = 0
    for _ in range(LFSR_BITS):
        state = state << 1 | (seed & 1)
        seed >>= 1
    return state


@jit
def offset(lfsr, size, bits):
    """Draw a codevector below ``size``: it, the new state, and the draws it took.

    A draw is the ``bits`` oldest bits. One that is too large is repeated; the last one loses its
    leading bit instead.
    """
    mask = walk_mask(size)
    draws = 1
    value = lfsr >> (LFSR_BITS - bits) & mask
    lfsr = leap(lfsr, bits)
    while value >= size:
        draws += 1
        value = lfsr >> (LFSR_BITS - bits) & (mask if draws < DRAWS else mask >> 1)
        lfsr = leap(lfsr, bits)
    return value, lfsr, draws


@jit
def _index(book, size, length):
    """Inverted index of a codebook: first codevector of each element, next one of each."""
    blocks = book.shape[1]
    head = np.full((blocks, length), -1)
    following = np.full((blocks, size), -1)
    for m in range(size - 1, -1, -1):
        for b in range(blocks):
            following[b, m] = head[b, book[m, b]]
            head[b, book[m, b]] = m
    return head, following


@jit
def join(code, sizes, known, index, weight, table, numbers, heads, max_tuples, times, trace,
         state, best):
    """One run; see golden/factorize.py."""
    bits, accept, seed = numbers[0], numbers[9], numbers[12]
    t_finish, t_start = times[8], times[9]
    factors, _, blocks = code.shape
    length = table.shape[1]
    last = factors - 1
    inner = factors - 2
    chosen, peaks = look_up_blocks(index, weight, heads)
    head, following = _index(code[last], sizes[last], length)
    if known[last] >= 0:
        heads = 1

    lfsr = reverse(seed)
    now = t_start  # cycle in which a row enters the queue
    candidate = np.zeros(factors, dtype=np.int64)
    first = np.zeros(factors, dtype=np.int64)
    for f in range(last):
        first[f] = known[f]
        draws = 1
        if known[f] < 0:
            first[f], lfsr, draws = offset(lfsr, sizes[f], bits)
            emit(trace, state, DRAW, first[f])
        now += 1 + draws
        candidate[f] = first[f]

    left = max(max_tuples, 1)
    leaves = np.zeros(QUEUE, dtype=np.int64)  # when the last rows left the queue
    rows = 0  # that had candidates
    free = 0  # cycle in which the next candidate can be verified
    residual = np.zeros(heads, dtype=np.int64)
    prefix = np.zeros(blocks, dtype=np.int64)
    more = True
    while more:
        # The outer factors' codevectors take a cycle each, as a row does.
        prefix[:] = 0
        for f in range(inner):
            now = max(now, leaves[rows % QUEUE]) + 1
            for b in range(blocks):
                prefix[b] += code[f, candidate[f], b]
        for _ in range(1 if known[inner] >= 0 else sizes[inner]):
            now = max(now, leaves[rows % QUEUE]) + 1
            began = max(now + 1, free)
            at = began
            for h in range(heads):
                b = chosen[h]
                if known[last] >= 0:
                    m = known[last]
                elif b >= 0:
                    residual[h] = (peaks[h] - prefix[b] - code[inner, candidate[inner], b]) % length
                    m = head[b, residual[h]]
                else:
                    m = -1
                while m >= 0:
                    fresh = True
                    for g in range(h):
                        if code[last, m, chosen[g]] == residual[g]:
                            fresh = False
                    if fresh:
                        candidate[last] = m
                        value = score(code, candidate, table)
                        emit(trace, state, SCORE, value)
                        state[ITERATIONS] += 1
                        verify(best, candidate, value, accept)
                    left -= 1
                    if best[ACCEPTED] or left == 0:
                        state[STOP] = STOP_ACCEPTED if best[ACCEPTED] else STOP_LIMIT
                        state[CYCLES] = at + t_finish
                        return
                    at += 1
                    m = -1 if known[last] >= 0 else following[b, m]
            if at > began:
                free = at
                leaves[rows % QUEUE] = free - 1
                rows += 1
            if known[inner] < 0:
                candidate[inner] += 1
                if candidate[inner] == sizes[inner]:
                    candidate[inner] = 0
        more = False
        for f in range(inner - 1, -1, -1):
            if known[f] < 0 and not more:
                candidate[f] += 1
                if candidate[f] == sizes[f]:
                    candidate[f] = 0
                more = candidate[f] != first[f]
    state[STOP] = STOP_COMPLETE
    state[CYCLES] = max(now, free - 1) + t_finish
