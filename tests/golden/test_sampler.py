"""The random generator is of maximal length, leaps are many steps, walks draw each value once."""

import numpy as np
import pytest

from blockfactor.golden.sampler import (
    LFSR_BITS,
    MAX_LEAP,
    TAPS,
    draw_bits,
    draw_count,
    leap,
    next_seed,
    walk,
    walk_mask,
)

PERIOD = 2**LFSR_BITS - 1
#: Prime factors of the period.
PRIMES = (3, 5, 17, 257, 65537)


def step(state: int) -> int:
    """One step, bit by bit."""
    new = 0
    for tap in TAPS:
        new ^= state >> (tap - 1) & 1
    return (state << 1 | new) & PERIOD


def power(exponent: int) -> list[int]:
    """The step matrix to a power, as the images of the unit vectors."""
    def multiply(a, b):
        def apply(matrix, vector):
            result = 0
            for bit in range(LFSR_BITS):
                if vector >> bit & 1:
                    result ^= matrix[bit]
            return result
        return [apply(a, vector) for vector in b]

    result = [1 << bit for bit in range(LFSR_BITS)]
    square = [step(1 << bit) for bit in range(LFSR_BITS)]
    while exponent:
        if exponent & 1:
            result = multiply(square, result)
        square = multiply(square, square)
        exponent >>= 1
    return result


def test_maximal_length():
    """The step's order is 2**32 - 1: no state but zero repeats sooner."""
    assert np.prod(PRIMES) == PERIOD
    identity = [1 << bit for bit in range(LFSR_BITS)]
    assert power(PERIOD) == identity
    for prime in PRIMES:
        assert power(PERIOD // prime) != identity


@pytest.mark.parametrize("width", [1, 2, 10, 24, MAX_LEAP, MAX_LEAP + 1, 28, 60])
def test_leap_is_many_steps(width):
    for state in np.random.default_rng(width).integers(1, 2**32, 50).tolist():
        expected = state
        for _ in range(width):
            expected = step(expected)
        assert leap(state, width) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 49, 64, 110, 1155])
def test_walks_draw_distinct_codevectors(size):
    rng = np.random.default_rng(size)
    bits = max(1, (size - 1).bit_length())
    mask = walk_mask(size)
    assert mask + 1 == 1 << (size - 1).bit_length()
    for state in rng.integers(1, 2**32, 40).tolist():
        offset, stride = draw_bits(state, bits, size)
        assert 0 <= offset <= mask and stride % 2 == 1
        members = np.zeros(size, dtype=np.int64)
        assert size <= walk(offset, stride, size, size, members) <= mask + 1
        assert sorted(members.tolist()) == list(range(size))


@pytest.mark.parametrize("size, bias", [(32, .02), (22, .07)])
def test_codevectors_are_about_as_likely(size, bias):
    """Skipped values favour some codevectors, by no more than golden/sampler.py says."""
    count, draws = 8, 40_000
    state, counts = 0x1234567, np.zeros(size)
    members = np.zeros(count, dtype=np.int64)
    for _ in range(draws):
        offset, stride = draw_bits(state, 5, size)
        walk(offset, stride, size, count, members)
        counts[members] += 1
        state = leap(state, 10)
    expected = draws * count / size
    assert abs(counts / expected - 1).max() < bias


@pytest.mark.parametrize("size, samples, longest, start, count", [
    (22, 15, 32, True, 15), (22, 15, 32, False, 15), (22, 0, 32, True, 22), (22, 0, 32, False, 11),
    (22, 22, 32, True, 22), (22, 30, 32, False, 11), (22, 15, 8, False, 8), (22, 0, 16, True, 16),
    (1, 0, 32, False, 1), (1, 5, 32, True, 1), (23, 0, 32, False, 12), (2, 1, 32, False, 1),
])
def test_draw_count(size, samples, longest, start, count):
    assert draw_count(size, samples, longest, start) == count


def test_zero_seed_is_replaced():
    assert next_seed(0) == 1 and next_seed(5) == 5
