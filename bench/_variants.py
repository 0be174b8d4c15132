"""Variants of the published method that were tried: the golden model's loop with switches.

With all switches off it does what golden/factorize.py does, without the trace; a test compares
them. What the switches do in hardware, and what came of each: docs/variants.md.
"""

from typing import NamedTuple

import numpy as np

from blockfactor.golden._jit import jit
from blockfactor.golden.cycles import timing
from blockfactor.golden.result import (
    CYCLES,
    ITERATIONS,
    SIMILARITY,
    STOP,
    STOP_ACCEPTED,
    STOP_COMPLETE,
    STOP_LIMIT,
)
from blockfactor.golden.sampler import draw_bits, draw_count, leap, walk_mask
from blockfactor.golden.similarity import leading_one, similarities, threshold
from blockfactor.golden.tuples import list_weight, unbind_tuples
from blockfactor.golden.verifier import ACCEPTED, BEST, TUPLE, accept_level, score, verify

__all__ = ["Found", "Variant", "run_many"]

#: Cycles of a draw that can only begin at a step's end, besides the values it examines.
LATE = 3
#: Counts kept of a run, after the similarities: steps, draws, steps with more above the threshold
#: than the list holds.
STEPS, DRAWS, OVERFLOWS = range(3)


class Variant(NamedTuple):
    """Switches; the defaults are the golden model.

    Parameters
    ----------
    cover : int
        1: a draw goes on where the factor's last one ended, and a new walk begins once all
        codevectors have been drawn. 2: no new walk ever.
    sweep : int
        1: a step with none above the threshold ends the pass. All lists but the first factor's are
        then those of the next cell of an odometer of such walks: the second factor's goes on, and
        with each new walk of a factor that of the next one; the others are those drawn last, which
        is what a core with ``draws="sweep"`` does. 2: a list that was replaced goes on too.
    marks : int
        n: a codevector that has been above the threshold n times is left out of draws, until fewer
        than a draw takes are not; 0: off.
    choice : int
        Of more above the threshold than the list holds, those kept: 0 lowest numbers, 1 highest
        leading ones, 2 each replaces a random one, 3 the scan begins at a random codevector.
    flood : int
        Most codevectors above the threshold that count as a list; with more the step draws. 0: no
        limit.
    period : int
        Iterations after which all lists are drawn anew, whatever has happened; 0: never.
    spread : int
        Factor f draws ``A + f * spread``.
    mixture : int
        n: half of the draws, at random, take ``A >> n``.
    jitter : int
        n: thresholds are multiplied by ``1 + u / 16``, u random in 0..n.
    flat : int
        1: all list weights are 1.
    second : int
        1: the second best codevector of a step is verified too.
    fresh : int
        1: a run is begun anew, all lists drawn, once a step has drawn after one that did not.
    alone : int
        1: a list of one whose tuple was not accepted draws, in place of waiting for the stall rule.
    """

    cover: int = 0
    sweep: int = 0
    marks: int = 0
    choice: int = 0
    flood: int = 0
    period: int = 0
    spread: int = 0
    mixture: int = 0
    jitter: int = 0
    flat: int = 0
    second: int = 0
    fresh: int = 0
    alone: int = 0


#: All switches off.
GOLDEN = Variant()


@jit
def _draw(variant, dice, lfsr, f, size, samples, start, bits, members, weights, lengths, walks,
          marks):
    """A factor's draw; returns the values examined.

    ``walks`` [F, 4]: value to come, stride, codevectors left, 1 once there is a walk.
    """
    samples += f * variant.spread * (samples != 0)
    if variant.mixture and dice & 1 and samples:
        samples = max(1, samples >> variant.mixture)
    count = draw_count(size, samples, members.shape[1], start)
    mask = walk_mask(size)
    whole = start and count == min(size, members.shape[1]) and (samples == 0 or samples >= size)
    goes_on = (variant.cover or variant.sweep) and walks[f, 3]
    new = not goes_on or (variant.cover != 2 and walks[f, 2] <= 0)
    if whole:
        walks[f, 0], walks[f, 1] = 0, 1
    elif new:
        walks[f, 0], walks[f, 1] = draw_bits(lfsr, bits, size)
        walks[f, 2] = size
        walks[f, 3] = 1
    if variant.marks:
        free = 0
        for m in range(size):
            free += marks[f, m] < variant.marks
        if free < count:
            marks[f] = 0
    value, stride = walks[f, 0], walks[f, 1]
    taken, examined = 0, 0
    while taken < count:
        examined += 1
        if value < size and (variant.marks == 0 or marks[f, value] < variant.marks):
            members[f, taken] = value
            taken += 1
        value = (value + stride) & mask
    walks[f, 0] = value
    walks[f, 2] = 0 if whole else walks[f, 2] - count
    weights[f, :count] = 1
    lengths[f] = count
    return examined


@jit
def _choose(variant, dice, values, size, theta, members, positions):
    """The list of those above ``theta``; returns its length, how many there were, best, second.

    ``members`` and ``positions`` are [K].
    """
    room = members.shape[0]
    best, second = 0, 0  # codevectors
    above, count = 0, 0
    first = (dice >> 8) % size if variant.choice == 3 else 0
    for n in range(size):
        m = n + first
        m -= size * (m >= size)
        value = values[m]
        if value > values[best] or (value == values[best] and m < best):
            best = m
        if value <= theta:
            continue
        above += 1
        slot = count
        if count == room:
            if variant.choice == 1:
                slot = 0
                for i in range(room):
                    if positions[i] < positions[slot]:
                        slot = i
                if leading_one(value) <= positions[slot]:
                    continue
            elif variant.choice == 2:
                dice = leap(dice, 16)
                slot = dice % room
            else:
                continue
        else:
            count += 1
        members[slot] = m
        positions[slot] = leading_one(value)
    second = 1 if best == 0 and size > 1 else 0
    for m in range(size):
        if m != best and values[m] > values[second]:
            second = m
    return count, above, best, second


@jit
def _run(variant, code, sizes, known, index, weight, table, numbers, times, state, best, counts):
    """One run; ``numbers`` and ``times`` are those of golden/factorize.py."""
    (bits, list_size, histogram_limit, similarity_bits, depth, scaled, samples, trim, use_sum,
     accept, patience, max_iterations, seed, draw_width) = numbers
    (t_multiply, t_load, t_start, t_step, t_walk, t_verify, t_finish, t_stall, _, _, _) = times
    factors, _, blocks = code.shape
    length = table.shape[1]
    lfsr = seed
    dice = leap(seed ^ 0x5DEECE66, 25) | 1  # of the switches: draws stay those of the golden model
    members = np.zeros((factors, list_size), dtype=np.int64)
    weights = np.zeros((factors, list_size), dtype=np.int64)
    positions = np.zeros(list_size, dtype=np.int64)
    lengths = np.zeros(factors, dtype=np.int64)
    candidate = np.zeros(factors, dtype=np.int64)
    histogram = np.zeros((blocks, length), dtype=np.int64)
    values = np.zeros(code.shape[1], dtype=np.int64)
    walks = np.zeros((factors, 4), dtype=np.int64)
    marks = np.zeros((factors, code.shape[1]), dtype=np.int64)
    before = np.ones(factors, dtype=np.bool_)  # whether a factor's last list was drawn

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
        verify(best, candidate, score(code, candidate, table), accept)
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
            loads += _draw(variant, 0, lfsr, f, sizes[f], samples, True, bits, members, weights,
                           lengths, walks, marks)
            lfsr = leap(lfsr, draw_width)
    drawn, stored = lengths.copy(), members.copy()
    limit = 1 if unknown == 1 else max_iterations

    now = t_start + max(t_multiply, loads)
    quiet = 0
    since = 0
    pending = False
    complete = False
    ended = False
    iteration = 0
    while True:
        iteration += 1
        since += 1
        state[ITERATIONS] = iteration
        busy = False
        anew = False
        updated = 0
        for f in range(factors):
            if known[f] >= 0:
                continue
            counts[STEPS] += 1
            tuples, product = unbind_tuples(code, f, members, weights, lengths, histogram_limit,
                                            histogram)
            dice = leap(dice, 25)
            share = scaled
            if variant.jitter:
                share = scaled * (16 + (dice >> 4) % (variant.jitter + 1)) >> 4
            theta = threshold(share, product, similarity_bits)
            similarities(code, f, sizes[f], index, weight, depth, histogram, trim, use_sum, values)
            count, above, candidate[f], second = _choose(variant, dice, values, sizes[f], theta,
                                                         members[f], positions)
            best_similarity = values[candidate[f]]
            state[SIMILARITY + f] = best_similarity
            end = now + tuples + sizes[f] * depth + t_step
            counts[OVERFLOWS] += above > list_size
            flooded = variant.flood and above > variant.flood
            single = variant.alone and count == 1
            for g in range(factors):
                single = single and lengths[g] == 1
            sampled = count == 0 or flooded or single
            ended = False
            if sampled and variant.sweep:
                counts[DRAWS] += 1
                busy = True
                ended = True
            elif sampled:
                counts[DRAWS] += 1
                examined = _draw(variant, dice, lfsr, f, sizes[f], samples, False, bits, members,
                                 weights, lengths, walks, marks)
                if count:
                    end += LATE + examined
                else:
                    end = max(end, now + t_walk + examined)
                busy = True
                anew = anew or not before[f]
            else:
                highest = leading_one(best_similarity)
                for i in range(count):
                    weights[f, i] = list_weight(positions[i], highest, variant.flat != 0)
                    marks[f, members[f, i]] += variant.marks != 0
                lengths[f] = count
            if not ended:
                before[f] = sampled
            lfsr = leap(lfsr, draw_width)
            busy = busy or pending
            pending = False
            updated += 1
            complete = complete or updated == unknown
            if complete or (ended and iteration == limit):
                pending = verify(best, candidate, score(code, candidate, table), accept)
                if variant.second and not best[ACCEPTED]:
                    kept = candidate[f]
                    candidate[f] = second
                    if verify(best, candidate, score(code, candidate, table), accept):
                        pending = True
                    candidate[f] = kept
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
        stalled = quiet and quiet == patience
        if variant.sweep and (stalled or ended):
            quiet = 0
            now += t_verify + t_stall + factors * t_load
            carry = True
            for f in range(first + 1, factors):
                if known[f] >= 0:
                    continue
                if not carry and (before[f] or variant.sweep == 1):
                    lengths[f] = drawn[f]
                    members[f, :drawn[f]] = stored[f, :drawn[f]]
                    weights[f, :drawn[f]] = 1
                    continue
                carry = carry and walks[f, 2] <= 0
                now += _draw(variant, dice, lfsr, f, sizes[f], samples, False, bits, members,
                             weights, lengths, walks, marks)
                drawn[f] = lengths[f]
                stored[f] = members[f]
                before[f] = True
                lfsr = leap(lfsr, draw_width)
        elif stalled or since == variant.period or (variant.fresh and anew):
            quiet = 0
            since = 0
            now += t_verify + t_stall + factors * t_load
            for f in range(first + 1, factors):
                if known[f] < 0:
                    dice = leap(dice, 25)
                    now += _draw(variant, dice, lfsr, f, sizes[f], samples, False, bits, members,
                                 weights, lengths, walks, marks)
                    lfsr = leap(lfsr, draw_width)


@jit
def _run_all(variant, codes, sizes, known, index, weight, numbers, level, use_sum, t16, seeds,
             times, block_length, states, bests, counts):
    (bits, list_size, limit, similarity_bits, samples, trim, patience, max_iterations,
     draw_width) = numbers
    blocks, entries = index.shape[1:]
    table = np.zeros((blocks, block_length), dtype=np.int64)
    for n in range(index.shape[0]):
        table[:] = 0
        q, smax, depth = 0, 0, 0
        for b in range(blocks):
            total, peak = 0, 0
            for e in range(entries):
                if weight[n, b, e]:
                    table[b, index[n, b, e]] = weight[n, b, e]
                    total += weight[n, b, e]
                    peak = max(peak, weight[n, b, e])
                    depth = max(depth, e + 1)
            q = max(q, total)
            smax += peak
        scaled = t16 * q * (blocks if use_sum else 1)
        _run(variant, codes[n % codes.shape[0]], sizes, known, index[n], weight[n], table,
             (bits, list_size, limit, similarity_bits, depth, scaled, samples, trim, use_sum,
              accept_level(level, smax), patience, max_iterations, seeds[n], draw_width),
             times, states[n], bests[n], counts[n])


class Found(NamedTuple):
    """Results of n runs, as golden.batch.Batch has them, and what is counted here."""

    indices: np.ndarray
    score: np.ndarray
    iterations: np.ndarray
    cycles: np.ndarray
    stop: np.ndarray
    similarities: np.ndarray
    steps: np.ndarray
    draws: np.ndarray
    overflows: np.ndarray


def run_many(config, codes, index, weight, parameters, seeds, variant=GOLDEN) -> Found:
    """What golden.batch.factorize_many does, mode factorize, with switches; nothing is checked."""
    codes, index, weight, seeds = (np.ascontiguousarray(values, dtype=np.int64)
                                   for values in (codes, index, weight, seeds))
    count = len(index)
    states = np.zeros((count, SIMILARITY + config.factors), dtype=np.int64)
    bests = np.zeros((count, TUPLE + config.factors), dtype=np.int64)
    counts = np.zeros((count, 3), dtype=np.int64)
    numbers = (config.codevector_bits, config.list_size, config.max_histogram,
               config.similarity_bits, parameters.samples, parameters.trim,
               parameters.patience, parameters.max_iterations, 2 * config.codevector_bits)
    _run_all(variant, codes, np.array(parameters.sizes), np.array(parameters.known), index, weight,
             numbers, parameters.level, parameters.rule == "sum", parameters.threshold, seeds,
             timing(config), config.block_length, states, bests, counts)
    return Found(bests[:, TUPLE:], bests[:, BEST], states[:, ITERATIONS], states[:, CYCLES],
                 states[:, STOP], states[:, SIMILARITY:], *counts.T)
