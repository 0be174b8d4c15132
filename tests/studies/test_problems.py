"""Problems: what is drawn fits together, and points of a study share what they can."""

import numpy as np
import pytest

from blockfactor.errors import StudyError
from blockfactor.golden.codebook import Codebooks, product
from blockfactor.golden.query import clean_batch
from blockfactor.studies.problems import Problem
from blockfactor.studies.ways import core_way


def test_product_is_that_of_the_codebooks():
    problem = Problem(3, 7, 5, 20)
    drawn = problem.draw(problem.seed(4, 0), 6)
    for n in range(6):
        books = Codebooks(tuple(drawn.codes[n]), 20)
        assert (product(books, drawn.truth[n:n + 1])[0] == drawn.product[n]).all()
    index, weight = clean_batch(drawn.product)
    assert (drawn.index == index).all() and (drawn.weight == weight).all()


def test_damaged_blocks():
    problem = Problem(2, 9, 4, 32, "damaged", wrong=3)
    drawn = problem.draw([1, 2], 50)
    assert ((drawn.index[:, :, 0] != drawn.product).sum(axis=1) == 3).all()


def test_points_share_codebooks_and_noise():
    def draw(**changes):
        problem = Problem(3, 6, 4, 64, **changes)
        return problem.draw(problem.seed(9, 2), 40)

    clean, soft = draw(), draw(kind="soft", margin=4.0)
    more, few = draw(kind="soft", margin=8.0), draw(kind="soft", margin=4.0, entries=2)
    for other in (soft, more, few):
        for name in ("codes", "truth", "product", "seeds"):
            assert (getattr(other, name) == getattr(clean, name)).all(), name
    # The same noise: more margin makes no block wrong that was right, fewer entries are the same.
    right = soft.index[:, :, 0] == soft.product
    assert .5 < right.mean() < 1
    assert (more.index[:, :, 0] == more.product)[right].all()
    assert (few.weight == soft.weight[:, :, :2]).all()


def test_seeds_of_chunks_differ():
    problem = Problem(2, 6)
    seeds = {tuple(Problem(f, 6).seed(study, chunk))
             for f in (2, 3) for study in (1, 2) for chunk in (0, 1)}
    assert len(seeds) == 8
    first, second = (problem.draw(problem.seed(1, chunk), 3) for chunk in (0, 1))
    assert (first.codes != second.codes).any() and (first.seeds != second.seeds).all()


@pytest.mark.parametrize(("size", "length"), [(8, 8), (16, 8), (5, 16)])
def test_collision_limit_is_what_exhaustive_search_reaches(size, length):
    """As many tuples as products, four times as many, a tenth as many."""
    problem, trials = Problem(2, size, 2, length), 1500
    way = core_way("scan", problem, "scan", level=511)
    drawn = problem.draw([7, size], trials)
    found = way.run(problem, drawn)
    right = (found.indices == drawn.truth).all(axis=1).mean()
    limit = problem.collision_limit
    assert abs(right - limit) < 4 * (limit * (1 - limit) / trials) ** .5 + .01, (right, limit)
    assert (problem.products(drawn.codes, found.indices) == drawn.product).all()


def test_table_and_back():
    problem = Problem(3, 6, 4, 64, "soft", 2.5, 0, 4, 3, True)
    assert Problem.from_table(problem.to_table()) == problem


@pytest.mark.parametrize(("fields", "message"), [
    ({"factors": 5}, "factors 5 is outside 2..4"),
    ({"size": 0}, "size 0 is outside 1..65536"),
    ({"wrong": 5}, "wrong 5 is outside 0..4"),
    ({"kind": "dirty"}, "kind 'dirty' is not one of clean, soft, damaged"),
    ({"margin": float("nan")}, "margin nan is outside"),
    ({"log": 1}, "log 1 is not true or false"),
])
def test_refused(fields, message):
    with pytest.raises(StudyError, match=message):
        Problem(**{"factors": 3, "size": 6} | fields)


def test_numpy_numbers_become_plain():
    problem = Problem(np.int64(3), np.int64(6))
    assert type(problem.size) is int and problem == Problem(3, 6)
