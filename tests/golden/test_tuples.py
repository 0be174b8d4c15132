"""Tuple engine: every tuple of the other lists, once, with the product of its weights.

Compared with the oracle on random states in test_oracle.py.
"""

import itertools
from math import prod

import numpy as np
import pytest

from blockfactor.golden.tuples import list_weight, unbind_tuples


@pytest.mark.parametrize("below, weight", [(0, 8), (1, 4), (2, 2), (3, 1), (4, 0), (5, 0),
                                           (31, 0), (60, 0)])
def test_weights_halve_with_each_position(below, weight):
    assert list_weight(60 - below, 60, False) == weight
    assert list_weight(60 - below, 60, True) == 1


def lists(rng, factors, size, longest):
    """Members, weights and lengths of random lists; what is past a length is not to be read."""
    members = np.full((factors, longest), -999, dtype=np.int64)
    weights = np.full((factors, longest), -999, dtype=np.int64)
    lengths = rng.integers(1, longest + 1, factors)
    for f, length in enumerate(lengths):
        members[f, :length] = rng.permutation(size)[:length]
        weights[f, :length] = rng.choice([0, 1, 2, 4, 8], length)
    return members, weights, lengths


def brute_force(code, factor, members, weights, lengths, limit, length):
    """Histogram, number of tuples and sum of their weights, tuple by tuple."""
    others = [g for g in range(len(code)) if g != factor]
    histogram = np.zeros((code.shape[2], length), dtype=np.int64)
    tuples, total = 0, 0
    for slots in itertools.product(*(range(lengths[g]) for g in others)):
        weight = prod(int(weights[g, i]) for g, i in zip(others, slots))
        bound = sum(code[g, members[g, i]] for g, i in zip(others, slots)) % length
        tuples += 1
        total += weight
        for b, x in enumerate(bound):
            histogram[b, x] += weight
    return np.minimum(histogram, limit), tuples, total


@pytest.mark.parametrize("limit", [15, 1023, 1 << 24])
@pytest.mark.parametrize("factors", [2, 3, 4])
def test_every_tuple_once(factors, limit):
    saturated = 0
    for seed in range(60):
        rng = np.random.default_rng((factors, seed))
        length, blocks, size = (int(rng.integers(low, high))
                                for low, high in ((2, 12), (1, 5), (5, 9)))
        code = rng.integers(0, length, (factors, size, blocks))
        state = lists(rng, factors, size, 5)
        for factor in range(factors):
            histogram = np.full((blocks, length), 77, dtype=np.int64)  # overwritten
            counts = unbind_tuples(code, factor, *state, limit, histogram)
            want, *numbers = brute_force(code, factor, *state, limit, length)
            assert histogram.tolist() == want.tolist(), f"seed {seed}, factor {factor}"
            assert list(counts) == numbers, f"seed {seed}, factor {factor}"
            saturated += int((want == limit).any())
    assert (saturated > 0) == (limit == 15 or limit == 1023 and factors == 4)


def test_saturation_stops_at_the_limit():
    """Eight codevectors that are all the same, weight 8 each, at limits around their sum."""
    code = np.ones((2, 8, 1), dtype=np.int64)
    members = np.tile(np.arange(8), (2, 1))
    weights = np.full((2, 8), 8, dtype=np.int64)
    for limit, value in ((62, 62), (63, 63), (64, 64), (65, 64)):
        histogram = np.zeros((1, 3), dtype=np.int64)
        assert unbind_tuples(code, 0, members, weights, np.array([8, 8]), limit, histogram) == \
            (8, 64)
        assert histogram.tolist() == [[0, value, 0]]


def test_lists_without_weight_still_count():
    """Entries of weight 0 take their cycle and add nothing."""
    code = np.zeros((3, 2, 1), dtype=np.int64)
    members = np.array([[0, 0], [0, 1], [1, 0]])
    weights = np.array([[8, 8], [0, 0], [4, 4]])
    histogram = np.full((1, 2), 9, dtype=np.int64)
    assert unbind_tuples(code, 0, members, weights, np.array([2, 2, 2]), 255, histogram) == (4, 0)
    assert histogram.tolist() == [[0, 0]]
