"""studies/heads.py: counts of last layers against layers that are really made."""

import math

import numpy as np
import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.studies import heads


def test_connected_and_factorizer_count_their_arrays():
    rng = np.random.default_rng(1)
    for _ in range(20):
        inputs, classes = (int(n) for n in rng.integers(1, 50, 2))
        head = heads.connected(inputs, classes)
        assert head == (np.zeros((classes, inputs)).size + classes, classes * inputs, 0), "seed 1"
    head = heads.factorizer(256, (5, 6, 9, 10), 4, 256)
    assert head == (256 * 1024 + 1024, 256 * 1024, 30 * 4 * 8)
    assert heads.factorizer(512, (32, 32), 4, 128, projection=False) == (0, 0, 1792)
    with pytest.raises(ValueError, match="inputs 500 is not 512"):
        heads.factorizer(500, (32, 32), 4, 128, projection=False)


def test_bits_of_indices():
    """An index below L, whether or not L is a power of two."""
    for length, bits in ((1, 0), (2, 1), (100, 7), (128, 7), (129, 8), (320, 9)):
        assert heads.codebook_bits((3, 4), 5, length) == 7 * 5 * bits


def counted(cores, x):
    """Outputs of a train applied to x core by core from the first, and multiply-accumulates."""
    done, count = x.reshape(1, -1), 0
    before = 1
    for core in cores:
        r, m, n, s = core.shape
        # done is [outputs so far, r * n * rest].
        done = done.reshape(before, r, n, -1)
        count += before * done.shape[3] * r * n * m * s
        done = np.einsum("orni,rmns->omsi", done, core).reshape(before * m, -1)
        before *= m
    return done.ravel(), count


@pytest.mark.parametrize("seed", range(4))
def test_tensor_train_is_what_a_train_takes(seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = rng.integers(2, 5, 3).tolist(), rng.integers(2, 5, 3).tolist()
    ranks = heads.tensor_train_ranks(inputs, outputs, 300)
    ends = (1, *ranks, 1)
    cores = [rng.standard_normal((r, m, n, s))
             for r, m, n, s in zip(ends, outputs, inputs, ends[1:])]
    x = rng.standard_normal(math.prod(inputs))
    found, count = counted(cores, x)
    whole = np.einsum("amnr,rpqs,suvb->mpunqv", *cores).reshape(len(found), -1)
    assert np.allclose(found, whole @ x), f"seed {seed}"
    head = heads.tensor_train(inputs, outputs, ranks)
    assert head.parameters == sum(core.size for core in cores) + len(found), f"seed {seed}"
    assert head.parameters - len(found) <= 300 and head.operations <= count, f"seed {seed}"
    # A rank more would be exact already or too large; ranks are never above exactness.
    assert all(rank <= min(math.prod(inputs[:k]) * math.prod(outputs[:k]),
                           math.prod(inputs[k:]) * math.prod(outputs[k:]))
               for k, rank in enumerate(ranks, 1)), f"seed {seed}"


def test_tensor_train_of_two_cores_by_hand():
    # 4 * 5 = 2 * 2 inputs to 2 * 5: cores [1, 2, 2, 3] and [3, 5, 2, 1].
    assert heads.tensor_train_ranks((2, 2), (2, 5), 12 + 30) == (3,)
    head = heads.tensor_train((2, 2), (2, 5), (3,))
    # First core first: 2 outputs * 2 inputs * 3 for each of 2; then 3 * 2 * 5 for each of 2.
    # Last core first: 5 * 2 * 3 for each of 2; then 3 * 2 * 2 for each of 5.
    assert head == (12 + 30 + 10, min(24 + 60, 60 + 60), 0)


def test_too_few_weights_for_a_train():
    with pytest.raises(ValueError, match="3 weights are too few .* it has 14"):
        heads.tensor_train_ranks((2, 2), (2, 5), 3)


def test_a_large_budget_gives_the_exact_train():
    """Not an endless loop: no rank grows any more."""
    assert heads.tensor_train_ranks((2, 2), (2, 5), 10**6) == (4,)


def test_board_times():
    core = CoreConfig(engines=("join",))
    system = SystemConfig(core=core, clock_hz=30_000_000, board="here")
    boards = [{"board": "here", "preset": "join", "system": system.to_table()}]
    [time] = heads.board_times(boards, core.replace(max_codevectors=10), 90)
    assert time == ("here", "join", 30_000_000, 3.0, True)
    for other in ({"factors": 4}, {"blocks": 8}, {"heads": 3}, {"max_codevectors": 64},
                  {"lanes": 2}):
        [time] = heads.board_times(boards, core.replace(**other), 90)
        assert time.microseconds == 3 and not time.holds, other
