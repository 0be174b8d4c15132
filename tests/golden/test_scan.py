"""Scan: every tuple in order, its cycles, its limits and its ties."""

import itertools

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden import oracle, query
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.cycles import timing
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.trace import SCORE
from blockfactor.parameters import RunParameters

SMALL = CoreConfig(max_codevectors=8, list_size=8, block_length=16, query_entries=2)
BOOKS = Codebooks.random((8, 8, 8), 4, 16, seed=1)
ALL = RunParameters(sizes=(8, 8, 8), mode="scan", level=511)
TIMES = timing(SMALL)


def run(parameters, truth=(2, 3, 4), made=None):
    """Result and scores of a run over SMALL; the query is clean unless one is given."""
    made = made or query.clean(encode(BOOKS, truth))
    result, words = Factorizer(SMALL, BOOKS).run(made, parameters, trace=True)
    assert (words[:, 0] == SCORE).all()
    return result, words[:, 1].tolist()


def tuples(parameters):
    """All tuples, the first factor slowest."""
    return list(itertools.product(*(range(size) if k < 0 else [k]
                                    for size, k in zip(parameters.sizes, parameters.known))))


def scores(books, made, listed):
    """Scores of the tuples by dense vectors."""
    dense = made.dense(books.block_length).astype(object)
    return [oracle.score(dense, [books.indices[f][m] for f, m in enumerate(candidate)])
            for candidate in listed]


def test_every_tuple_is_scored_in_order():
    result, got = run(ALL)
    assert result.iterations == len(got) == 512 and result.stop == "complete"
    assert result.cycles == 64 * (2 + 8) + 6
    assert result.similarities == (0, 0, 0)
    assert got == scores(BOOKS, query.clean(encode(BOOKS, (2, 3, 4))), tuples(ALL))
    assert result.indices == (2, 3, 4) and result.score == 4
    assert result.runner_up == sorted(got)[-2]


@pytest.mark.parametrize("factors, sizes", [(2, (8, 5)), (3, (3, 8, 2)), (4, (2, 3, 2, 4)),
                                            (4, (1, 1, 1, 1)), (2, (1, 7))])
def test_scores_of_soft_queries(factors, sizes):
    """Best, runner-up and order for other numbers of factors and sizes, ties among them."""
    core = SMALL.replace(factors=factors, blocks=3, block_length=5)
    ties = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        books = Codebooks.random(sizes, 3, 5, rng)
        made = query.soft(rng.integers(0, 5, 3), 5, 2.0, rng, entries=2)
        parameters = RunParameters(sizes=sizes, mode="scan", level=511)
        result, words = Factorizer(core, books).run(made, parameters, trace=True)
        listed = tuples(parameters)
        want = scores(books, made, listed)
        assert words[:, 1].tolist() == want, f"seed {seed}"
        first = want.index(max(want))
        others = want[:first] + want[first + 1:]
        assert (result.indices, result.score) == (listed[first], want[first]), f"seed {seed}"
        assert result.runner_up == max(others, default=0), f"seed {seed}"
        prefixes = len(listed) // sizes[-1]
        assert result.cycles == prefixes * (factors - 1) + len(listed) + timing(core).scan
        ties += want[first] in others
    assert ties or len(listed) < 8


def test_the_first_of_equal_tuples_stays():
    """Codevectors 1 and 6 of the middle codebook are the same."""
    middle = BOOKS.indices[1].copy()
    middle[6] = middle[1]
    books = Codebooks((BOOKS.indices[0], middle, BOOKS.indices[2]), 16)
    for truth in ((5, 1, 7), (5, 6, 7)):
        result = Factorizer(SMALL, books).run(query.clean(encode(books, truth)), ALL)
        assert (result.indices, result.score, result.runner_up) == ((5, 1, 7), 4, 4)


@pytest.mark.parametrize("truth", [(0, 0, 0), (0, 0, 7), (0, 1, 0), (2, 3, 4), (7, 7, 7)])
def test_ends_with_the_first_accepted_tuple(truth):
    result, got = run(ALL.replace(level=256), truth)
    done = tuples(ALL).index(truth) + 1
    assert (result.indices, result.stop, result.iterations) == (truth, "accepted", done)
    assert len(got) == done and got[-1] == 4 and max(got[:-1], default=0) < 4
    assert result.cycles == -(-done // 8) * 2 + done + TIMES.scan


@pytest.mark.parametrize("limit", [1, 7, 8, 9, 511, 512, 513])
def test_ends_after_so_many_tuples(limit):
    result, got = run(ALL.replace(max_tuples=limit))
    done = min(limit, 512)
    assert result.iterations == len(got) == done
    assert got == run(ALL)[1][:done]
    assert result.stop == ("complete" if limit >= 512 else "limit")
    assert result.cycles == -(-done // 8) * 2 + done + TIMES.scan


def test_a_limit_of_none_verifies_one_tuple():
    for level, truth, stop in ((256, (2, 3, 4), "limit"), (256, (0, 0, 0), "accepted")):
        result, got = run(ALL.replace(max_tuples=0, level=level), truth)
        assert (result.indices, result.stop, result.iterations) == ((0, 0, 0), stop, 1)
        assert got == [result.score] and result.runner_up == 0
        assert result.cycles == 3 + TIMES.scan


def test_a_limit_of_none_keeps_known_factors():
    result, _ = run(ALL.replace(max_tuples=0, known=(-1, 6, -1)))
    assert result.indices == (0, 6, 0)


@pytest.mark.parametrize("known, prefixes", [((2, -1, -1), 8), ((-1, 3, -1), 8), ((-1, -1, 4), 8),
                                             ((2, 3, -1), 1), ((-1, 3, 4), 1), ((2, -1, 4), 1),
                                             ((0, -1, -1), 8)])
def test_known_factors_are_not_enumerated(known, prefixes):
    """The last unknown factor is the fastest, each tuple of the others a prefix."""
    parameters = ALL.replace(known=known)
    result, got = run(parameters)
    listed = tuples(parameters)
    want = scores(BOOKS, query.clean(encode(BOOKS, (2, 3, 4))), listed)
    assert got == want and result.stop == "complete"
    assert result.iterations == len(listed) == 8 * prefixes
    assert result.indices == listed[want.index(max(want))]
    assert result.cycles == prefixes * (2 + 8) + TIMES.scan


@pytest.mark.parametrize("known, level, stop", [((2, 3, 4), 256, "accepted"),
                                                ((2, 3, 5), 256, "complete"),
                                                ((2, 3, 4), 511, "complete")])
def test_all_factors_known(known, level, stop):
    result, got = run(ALL.replace(known=known, level=level))
    assert (result.indices, result.stop, result.iterations) == (known, stop, 1)
    assert got == [result.score] and (result.score == 4) == (known == (2, 3, 4))
    assert result.cycles == 3 + TIMES.scan


def test_sizes_below_the_codebook():
    """Codevectors from a factor's size on are not seen."""
    result, got = run(ALL.replace(sizes=(2, 4, 3)), (2, 3, 4))
    assert result.iterations == 24 and result.cycles == 8 * (2 + 3) + TIMES.scan
    assert got == scores(BOOKS, query.clean(encode(BOOKS, (2, 3, 4))),
                         tuples(ALL.replace(sizes=(2, 4, 3))))
