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
from .verifier import ACCEPTED, verify

__all__ = ["DRAWS", "FETCH", "QUEUE", "join", "look_up_blocks", "offset"]

#: Rows of a lane that wait for their candidates to be verified; up to two more may enter before
#: the others are held back.
QUEUE = 24
#: Cycles from a row's entering the queue to its first candidate.
FETCH = 3
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
def _first(which, heads, known, every, chosen, residual, head):
    """First candidate of a row from look-up block ``which`` on: its look-up block, and it or -1."""
    if which == 0 and (known >= 0 or every):
        return 0, max(known, 0)
    for h in range(which, heads):
        if chosen[h] >= 0 and head[chosen[h], residual[h]] >= 0:
            return h, head[chosen[h], residual[h]]
    return 0, -1


@jit
def _next(m, which, known, every, size, chosen, following):
    """The candidate after ``m`` in the same look-up block, or -1."""
    if known >= 0:
        return -1
    if every:
        return m + 1 if m + 1 < size else -1
    return following[chosen[which], m]


@jit
def join(code, sizes, known, index, weight, table, numbers, heads, every, max_tuples, times, trace,
         state, best):
    """One run, of all codevectors of the last factor if ``every``; see golden/factorize.py."""
    bits, accept, seed = numbers[0], numbers[9], numbers[12]
    t_finish, t_start, lanes = times[8], times[9], times[10]
    factors, _, blocks = code.shape
    length = table.shape[1]
    last = factors - 1
    inner = factors - 2
    chosen, peaks = look_up_blocks(index, weight, heads)
    head, following = _index(code[last], sizes[last], length)
    if every or known[last] >= 0:
        heads = 1

    lfsr = reverse(seed)
    now = t_start
    first = np.zeros(factors, dtype=np.int64)
    for f in range(last):
        first[f] = known[f]
        draws = 1
        if known[f] < 0:
            first[f], lfsr, draws = offset(lfsr, sizes[f], bits)
            emit(trace, state, DRAW, first[f])
        now += 1 + draws
    groups = 1 if known[inner] >= 0 else -(-sizes[inner] // lanes)
    outer = first.copy()  # codevectors of the group that enters next, but for the inner factor's
    group = first[inner] // lanes
    passed = -inner  # groups of this pass that have entered; below 0: outer codevectors to bind
    more = True  # rows are yet to enter

    # Queues, by lane: rows with candidates, and the candidate that is next.
    rows = np.zeros(lanes, dtype=np.int64)
    row = np.zeros((lanes, QUEUE + 2, factors), dtype=np.int64)
    sums = np.zeros((lanes, QUEUE + 2, blocks), dtype=np.int64)
    residual = np.zeros((lanes, QUEUE + 2, heads), dtype=np.int64)
    which = np.zeros(lanes, dtype=np.int64)
    m = np.full(lanes, -1)
    entered = np.zeros((lanes, QUEUE + 2), dtype=np.int64)  # when a row entered
    room = soon = True  # for a group of rows, in this cycle and in the next

    left = max(max_tuples, 1)
    while more or rows.any():
        now += 1
        full = rows.max()
        # A candidate of each lane is verified.
        word, scored = 0, 0
        for n in range(lanes):
            if not rows[n] or now < entered[n, 0] + FETCH:
                continue
            left -= 1
            fresh = True
            for g in range(which[n]):
                if code[last, m[n], chosen[g]] == residual[n, 0, g]:
                    fresh = False
            if fresh:
                row[n, 0, last] = m[n]
                value = 0
                for b in range(blocks):
                    value += table[b, (sums[n, 0, b] + code[last, m[n], b]) % length]
                verify(best, row[n, 0], value, accept)
                turn = 16 // lanes * n
                word ^= value << turn & 0xFFFF | value >> (16 - turn)
                scored += 1
            m[n] = _next(m[n], which[n], known[last], every, sizes[last], chosen, following)
            if m[n] < 0:
                which[n], m[n] = _first(which[n] + 1, heads, known[last], every, chosen,
                                        residual[n, 0], head)
            if m[n] < 0:
                rows[n] -= 1
                for k in range(rows[n]):
                    row[n, k] = row[n, k + 1]
                    sums[n, k] = sums[n, k + 1]
                    residual[n, k] = residual[n, k + 1]
                    entered[n, k] = entered[n, k + 1]
                if rows[n]:
                    which[n], m[n] = _first(0, heads, known[last], every, chosen,
                                            residual[n, 0], head)
        if scored:
            emit(trace, state, SCORE, word)
            state[ITERATIONS] += scored
        if best[ACCEPTED] or left <= 0:
            state[STOP] = STOP_ACCEPTED if best[ACCEPTED] else STOP_LIMIT
            state[CYCLES] = now + t_finish
            return
        enters, room, soon = more and room, soon, full < QUEUE
        if not enters:
            continue
        # A group of rows enters, one a lane.
        passed += 1
        if passed <= 0:
            continue
        for n in range(lanes):
            at = group * lanes + n
            if at >= sizes[inner] or (known[inner] >= 0 and known[inner] != at):
                continue
            k = rows[n]
            row[n, k] = outer
            row[n, k, inner] = at
            for b in range(blocks):
                total = 0
                for f in range(last):
                    total += code[f, row[n, k, f], b]
                sums[n, k, b] = total % length
            for h in range(heads):
                if chosen[h] >= 0:
                    residual[n, k, h] = (peaks[h] - sums[n, k, chosen[h]]) % length
            h, candidate = _first(0, heads, known[last], every, chosen, residual[n, k], head)
            if candidate >= 0:
                entered[n, k] = now
                rows[n] += 1
                if k == 0:
                    which[n], m[n] = h, candidate
        group = 0 if (group + 1) * lanes >= sizes[inner] else group + 1
        if known[inner] >= 0:
            group = first[inner] // lanes
        if passed == groups:
            passed = -inner
            more = False
            for f in range(inner - 1, -1, -1):
                if known[f] < 0 and not more:
                    outer[f] += 1
                    if outer[f] == sizes[f]:
                        outer[f] = 0
                    more = outer[f] != first[f]
    state[STOP] = STOP_COMPLETE
    state[CYCLES] = now + t_finish
