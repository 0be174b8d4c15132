"""Scan: exhaustive search, every tuple verified in order. The yardstick of the other engines."""

import numpy as np

from ._jit import jit
from .result import CYCLES, ITERATIONS, STOP, STOP_ACCEPTED, STOP_COMPLETE, STOP_LIMIT
from .trace import SCORE, emit
from .verifier import ACCEPTED, score, verify

__all__ = ["scan"]


@jit
def scan(code, sizes, known, table, accept, max_tuples, times, trace, state, best):
    """Verify all tuples, the first factor slowest, until one is accepted; see factorize().

    A prefix of all factors but the last unknown one is looked up once, in F - 1 cycles; each of
    its tuples then takes one cycle.
    """
    t_scan = times[8]
    factors, _, blocks = code.shape
    length = table.shape[1]
    candidate = np.zeros(factors, dtype=np.int64)
    prefix = np.zeros(blocks, dtype=np.int64)
    inner = -1
    total = 1
    for f in range(factors):
        if known[f] >= 0:
            candidate[f] = known[f]
        else:
            inner = f
            total *= sizes[f]
    now = 0  # codevector references so far, one a cycle
    if inner < 0 or max_tuples == 0:
        value = score(code, candidate, table)
        emit(trace, state, SCORE, value)
        verify(best, candidate, value, accept)
        state[ITERATIONS] = 1
        state[STOP] = STOP_COMPLETE if inner < 0 else STOP_LIMIT
        if best[ACCEPTED]:
            state[STOP] = STOP_ACCEPTED
        state[CYCLES] = factors + t_scan
        return
    done = 0
    while done < total and done < max_tuples:
        prefix[:] = 0
        for f in range(factors):
            if f != inner:
                for b in range(blocks):
                    prefix[b] += code[f, candidate[f], b]
        now += factors - 1
        for m in range(sizes[inner]):
            candidate[inner] = m
            value = 0
            for b in range(blocks):
                value += table[b, (prefix[b] + code[inner, m, b]) % length]
            emit(trace, state, SCORE, value)
            verify(best, candidate, value, accept)
            done += 1
            now += 1
            if best[ACCEPTED] or done == max_tuples:
                break
        if best[ACCEPTED]:
            break
        for f in range(factors - 1, -1, -1):
            if f == inner or known[f] >= 0:
                continue
            candidate[f] += 1
            if candidate[f] < sizes[f]:
                break
            candidate[f] = 0
    state[ITERATIONS] = done
    state[CYCLES] = now + t_scan
    state[STOP] = STOP_LIMIT
    if best[ACCEPTED]:
        state[STOP] = STOP_ACCEPTED
    elif done == total:
        state[STOP] = STOP_COMPLETE
