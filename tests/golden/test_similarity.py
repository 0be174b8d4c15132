"""Similarity engine: combining rules, magnitudes, look-ups and the threshold's limit.

Compared with the oracle on random states in test_oracle.py.
"""

import numpy as np
import pytest

from blockfactor.golden.similarity import combine, leading_one, similarities, threshold


@pytest.mark.parametrize("blocks", [1, 2, 3, 8, 16])
def test_combine_is_an_order_statistic_or_the_sum(blocks):
    """Few different values, so that most are ties."""
    for seed in range(50):
        values = np.random.default_rng(seed).integers(0, 4, blocks)
        ordered = sorted(values.tolist())
        for trim in range(blocks):
            assert combine(values, trim, False) == ordered[trim], f"seed {seed}, {values}"
            assert combine(values, trim, True) == sum(ordered), f"seed {seed}, {values}"


def test_leading_one():
    assert [leading_one(value) for value in (0, 1, 2, 3, 4, 7, 8, 255, 256)] == \
        [0, 0, 1, 1, 2, 2, 3, 7, 8]
    for position in range(1, 62):
        assert leading_one(1 << position) == position
        assert leading_one((1 << position) - 1) == position - 1


@pytest.mark.parametrize("scaled, product, bits, theta", [
    (0, 4096, 16, 0), (65536, 7, 16, 7), (65535, 1, 16, 0), (65535, 2, 16, 1), (400, 163, 16, 0),
    (400, 164, 16, 1), (65536, 65535, 16, 65535), (65536, 65536, 16, 65535), (65536, 4, 2, 3),
    (1 << 20, 1 << 40, 38, (1 << 38) - 1), (1 << 20, 1 << 33, 38, 1 << 37),
])
def test_threshold_is_rounded_down_and_limited(scaled, product, bits, theta):
    assert threshold(scaled, product, bits) == theta


def look_up(index, weight, depth, histogram, codevectors, trim=0, use_sum=False):
    """Similarities of one factor's codevectors to a query, all given as lists."""
    code = np.array([np.zeros_like(codevectors), codevectors])
    values = np.full(len(codevectors), -1, dtype=np.int64)
    similarities(code, 1, len(codevectors), np.array(index), np.array(weight), depth,
                 np.array(histogram), trim, use_sum, values)
    return values.tolist()


def test_look_ups_go_around_the_block():
    """Histogram element (index - own) mod L, for L = 3."""
    histogram = [[10, 20, 30]]
    assert look_up([[0]], [[1]], 1, histogram, [[0], [1], [2]]) == [10, 30, 20]
    assert look_up([[2]], [[1]], 1, histogram, [[0], [1], [2]]) == [30, 20, 10]


def test_entries_add_up_by_weight_as_far_as_the_depth():
    histogram = [[10, 20, 30]]
    assert look_up([[0, 2]], [[2, 3]], 2, histogram, [[0], [1]]) == [110, 120]
    assert look_up([[0, 2]], [[2, 3]], 1, histogram, [[0], [1]]) == [20, 60]


def test_an_empty_block_gives_zero():
    """It is the least of all, and adds nothing to a sum."""
    histogram = [[10, 20], [30, 40]]
    arguments = [[0], [1]], [[1], [0]], 1, histogram, [[0, 0], [1, 1]]
    assert look_up(*arguments) == [0, 0]
    assert look_up(*arguments, trim=1) == [10, 20]
    assert look_up(*arguments, use_sum=True) == [10, 20]


def test_values_past_the_size_are_kept():
    values = np.full(3, 77, dtype=np.int64)
    similarities(np.zeros((2, 3, 1), dtype=np.int64), 0, 2, np.zeros((1, 1), dtype=np.int64),
                 np.ones((1, 1), dtype=np.int64), 1, np.array([[5, 6]]), 0, False, values)
    assert values.tolist() == [5, 5, 77]
