"""The verifier keeps best and runner-up; ties go to the first; level rounds up."""

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden import query
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.verifier import (
    ACCEPTED,
    BEST,
    RUNNER_UP,
    TUPLE,
    VERIFIED,
    accept_level,
    verify,
)
from blockfactor.parameters import RunParameters


def fresh():
    return np.zeros(TUPLE + 2, dtype=np.int64)


def enter(state, *candidate, score, accept=100):
    return verify(state, np.array(candidate), score, accept)


def test_first_of_equal_scores_wins():
    state = fresh()
    assert enter(state, 1, 2, score=7)
    assert not enter(state, 3, 4, score=7)
    assert state[BEST] == 7 and list(state[TUPLE:]) == [1, 2] and state[RUNNER_UP] == 7


def test_the_same_tuple_is_no_runner_up():
    state = fresh()
    enter(state, 1, 2, score=7)
    enter(state, 1, 2, score=7)
    assert state[RUNNER_UP] == 0
    assert enter(state, 5, 6, score=9)
    assert state[RUNNER_UP] == 7
    enter(state, 1, 2, score=7)
    enter(state, 0, 1, score=8)
    assert (state[BEST], state[RUNNER_UP]) == (9, 8)


def test_a_score_of_nothing_counts_as_verified():
    state = fresh()
    assert enter(state, 3, 3, score=0)
    assert state[VERIFIED] == 1 and list(state[TUPLE:]) == [3, 3]


@pytest.mark.parametrize("level, smax, least", [(256, 60, 60), (205, 60, 49), (0, 60, 0),
                                                (257, 4, 5), (511, 60, 120), (1, 1, 1)])
def test_level_rounds_up(level, smax, least):
    assert accept_level(level, smax) == least
    assert 256 * least >= level * smax > 256 * (least - 1)


def test_acceptance():
    state = fresh()
    enter(state, 0, 0, score=4, accept=5)
    assert not state[ACCEPTED]
    enter(state, 0, 1, score=5, accept=5)
    assert state[ACCEPTED]


def test_margin_of_a_result():
    """Against the best other tuple, by brute force over all of them."""
    rng = np.random.default_rng(4)
    core = CoreConfig(factors=2, blocks=3, block_length=8, max_codevectors=6, list_size=4,
                      query_entries=4)
    books = Codebooks.random((6, 5), 3, 8, seed=4)
    for _ in range(20):
        made = query.soft(encode(books, (int(rng.integers(6)), int(rng.integers(5)))), 8, 1.0, rng,
                          4, 4)
        table = made.dense(8)
        scores = sorted(int(sum(table[b, x] for b, x in enumerate(encode(books, pair))))
                        for pair in np.ndindex(6, 5))
        found = Factorizer(core, books).run(
            made, RunParameters(sizes=(6, 5), mode="scan", level=511))
        assert found.margin == scores[-1] - scores[-2]
