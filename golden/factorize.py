"""The published method in integers: the bit-exact model of the factorize engine.

Source of the method: Hersche et al., "Factorizers for Distributed Sparse Block Codes",
arXiv 2303.13957; the integer form, its contracts and its differences are in docs/design.md.
"""

import numpy as np

from ._jit import jit
from .result import (
    CYCLES,
    ITERATIONS,
    SIMILARITY,
    STOP,
    STOP_ACCEPTED,
    STOP_COMPLETE,
    STOP_LIMIT,
)
from .sampler import draw_bits, draw_count, leap, walk
from .similarity import leading_one, similarities, threshold
from .sweep import LEFT, LIST, NEXT, STRIDE, keep, recall
from .trace import DRAW, ENTRY, SCORE, STEP, emit
from .tuples import list_weight, unbind_tuples
from .verifier import ACCEPTED, score, verify

__all__ = ["factorize"]


@jit
def draw(lfsr, factor, size, samples, start, bits, sweep, members, weights, lengths, walks, trace,
         state):
    """Replace a factor's list by distinct random codevectors; return the cycles of the walk.

    With ``sweep`` the factor's walk in ``walks`` goes on.
    """
    count = draw_count(size, samples, members.shape[1], start)
    whole = start and count == min(size, members.shape[1]) and (samples == 0 or samples >= size)
    if whole:
        offset, stride = 0, 1
    elif sweep and walks[factor, LEFT]:
        offset, stride = walks[factor, NEXT], walks[factor, STRIDE]
    else:
        offset, stride = draw_bits(lfsr, bits, size)
    examined = walk(offset, stride, size, count, members[factor])
    weights[factor, :count] = 1
    lengths[factor] = count
    if sweep:
        keep(walks[factor], offset, stride, examined, size, count, whole, members[factor])
    emit(trace, state, DRAW, offset)
    emit(trace, state, DRAW, stride)
    return examined


@jit
def factorize(code, sizes, known, index, weight, table, numbers, times, trace, state, best):
    """One run; fills ``state`` (fields above) and ``best`` (the verifier's state)."""
    (bits, list_size, histogram_limit, similarity_bits, depth, scaled, samples, trim, use_sum,
     accept, patience, max_iterations, seed, draw_width, sweep) = numbers
    (t_multiply, t_load, t_start, t_step, t_walk, t_verify, t_finish, t_stall, _, _, _) = times
    factors, _, blocks = code.shape
    length = table.shape[1]
    lfsr = seed
    members = np.zeros((factors, list_size), dtype=np.int64)
    weights = np.zeros((factors, list_size), dtype=np.int64)
    positions = np.zeros(list_size, dtype=np.int64)
    lengths = np.zeros(factors, dtype=np.int64)
    candidate = np.zeros(factors, dtype=np.int64)
    histogram = np.zeros((blocks, length), dtype=np.int64)
    values = np.zeros(code.shape[1], dtype=np.int64)
    walks = np.zeros((factors, LIST + list_size), dtype=np.int64)

    loads = factors * t_load
    unknown = 0
    for f in range(factors):
        if known[f] >= 0:
            candidate[f] = known[f]
            members[f, 0] = known[f]
            weights[f, 0] = 1
            lengths[f] = 1
        else:
            unknown += 1
    if unknown == 0 or max_iterations == 0:
        value = score(code, candidate, table)
        emit(trace, state, SCORE, value)
        verify(best, candidate, value, accept)
        state[STOP] = STOP_COMPLETE if unknown == 0 else STOP_LIMIT
        if best[ACCEPTED]:
            state[STOP] = STOP_ACCEPTED
        state[CYCLES] = t_start + max(t_multiply, loads) + t_verify + t_finish
        return
    first = 0
    while known[first] >= 0:
        first += 1
    for f in range(first + 1, factors):
        if known[f] < 0:
            loads += draw(lfsr, f, sizes[f], samples, True, bits, sweep, members, weights,
                          lengths, walks, trace, state)
            lfsr = leap(lfsr, draw_width)
    limit = 1 if unknown == 1 else max_iterations

    now = t_start + max(t_multiply, loads)
    quiet = 0
    pending = False
    complete = False  # every factor has been updated or is known
    iteration = 0
    while True:
        iteration += 1
        state[ITERATIONS] = iteration
        busy = False
        ended = False  # by a step of a sweep with none above the threshold
        updated = 0
        for f in range(factors):
            if known[f] >= 0:
                continue
            tuples, product = unbind_tuples(code, f, members, weights, lengths, histogram_limit,
                                            histogram)
            theta = threshold(scaled, product, similarity_bits)
            best_similarity = 0
            candidate[f] = 0
            count = 0
            similarities(code, f, sizes[f], index, weight, depth, histogram, trim, use_sum, values)
            for m in range(sizes[f]):
                value = values[m]
                if value > best_similarity:
                    best_similarity = value
                    candidate[f] = m
                if value > theta and count < list_size:
                    members[f, count] = m
                    positions[count] = leading_one(value)
                    emit(trace, state, ENTRY, m ^ (positions[count] << 11) & 0xFFFF)
                    count += 1
            state[SIMILARITY + f] = best_similarity
            end = now + tuples + sizes[f] * depth + t_step
            sampled = count == 0
            ended = sampled and sweep
            if sampled and not sweep:
                count = draw_count(sizes[f], samples, list_size, False)
            emit(trace, state, STEP, f | int(sampled) << 2 | count << 3)
            emit(trace, state, STEP, candidate[f])
            emit(trace, state, STEP, best_similarity & 0xFFFF)
            if similarity_bits > 16:
                emit(trace, state, STEP, best_similarity >> 16 & 0xFFFF)
            if ended:
                busy = True
            elif sampled:
                examined = draw(lfsr, f, sizes[f], samples, False, bits, sweep, members, weights,
                                lengths, walks, trace, state)
                end = max(end, now + t_walk + examined)
                busy = True
            else:
                highest = leading_one(best_similarity)
                for i in range(count):
                    weights[f, i] = list_weight(positions[i], highest, False)
                lengths[f] = count
            lfsr = leap(lfsr, draw_width)
            busy = busy or pending
            pending = False
            updated += 1
            complete = complete or updated == unknown
            if complete or (ended and iteration == limit):
                value = score(code, candidate, table)
                emit(trace, state, SCORE, value)
                pending = verify(best, candidate, value, accept)
                if best[ACCEPTED]:
                    state[STOP] = STOP_ACCEPTED
                    state[CYCLES] = end + t_verify + t_finish
                    return
            now = end
            if ended:
                break
        if iteration == limit:
            state[STOP] = STOP_COMPLETE if unknown == 1 else STOP_LIMIT
            state[CYCLES] = now + t_verify + t_finish
            return
        quiet = 0 if busy else quiet + 1
        if ended or (quiet and quiet == patience):
            quiet = 0
            carry = True
            now += t_verify + t_stall + factors * t_load
            for f in range(first + 1, factors):
                if known[f] < 0 and not carry:
                    recall(walks[f], f, members, weights, lengths)
                elif known[f] < 0:
                    carry = not sweep or walks[f, LEFT] == 0
                    now += draw(lfsr, f, sizes[f], samples, False, bits, sweep, members, weights,
                                lengths, walks, trace, state)
                    lfsr = leap(lfsr, draw_width)
