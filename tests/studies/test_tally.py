"""Sums of runs and the figures made of them."""

import numpy as np
import pytest
from small_study import STUDY

from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.published import Published
from blockfactor.golden.query import Query
from blockfactor.studies.tally import add, bin_of, figures, interval, quantile, tally
from blockfactor.studies.ways import Outcome


def test_bins():
    values = np.array([0, 1, 31, 32, 33, 34, 63, 64, 67, 68, 1000, 1 << 40, (1 << 40) - 1])
    edges = bin_of(values)
    assert edges.tolist()[:10] == [0, 1, 31, 32, 32, 34, 62, 64, 64, 68]
    assert (edges <= values).all() and (values - edges <= values / 16).all()
    assert (bin_of(edges) == edges).all()


def test_quantiles_are_those_of_the_values_but_for_the_bins():
    rng = np.random.default_rng(3)
    values = np.exp(rng.normal(7, 2, 999)).astype(int)
    edges, counts = np.unique(bin_of(values), return_counts=True)
    bins = list(zip(edges.tolist(), counts.tolist()))
    for share in (.01, .5, .9, .99, 1):
        exact = np.quantile(values, share, method="inverted_cdf")
        assert abs(quantile(bins, share) / exact - 1) < 1 / 32, share
    assert quantile([[5, 1], [9, 1]], .5) == 5
    assert quantile([[5, 1], [9, 1]], .51) == 9


def test_interval():
    """Newcombe 1998, table I, method 5."""
    for (successes, trials), wanted in {
            (81, 263): (.2527, .3676), (15, 148): (.0578, .1617), (0, 20): (0, .1684),
            (1, 29): (.0009, .1776)}.items():
        low, high = interval(successes, trials)
        assert (low, high) == pytest.approx(wanted, abs=6e-5)
        assert interval(trials - successes, trials) == (1 - high, 1 - low)
    assert interval(5_000, 10_000) == pytest.approx((.49015, .50985), abs=1e-5)


@pytest.mark.parametrize("row", STUDY.rows, ids=lambda row: row.name)
def test_sums(row):
    drawn = row.problem.draw([3, 1], 20)
    found = row.way.run(row.problem, drawn)
    sums = tally(row.problem, row.way, drawn, found)
    assert sums["trials"] == 20
    right = [tuple(a) == tuple(b) for a, b in zip(found.indices, drawn.truth)]
    match = [bool((sum(codes[f, m] for f, m in enumerate(tuple_)) % row.problem.block_length
                   == product).all())
             for codes, tuple_, product in zip(drawn.codes, found.indices, drawn.product)]
    assert (sums["right"], sums["match"]) == (sum(right), sum(match))
    assert 0 < sums["right"] <= sums["match"] and sums["factors"] >= sums["right"] * 2
    cost = found.cycles if row.way.has_cycles else found.iterations
    assert sums["bins"][0][0] == bin_of(cost.min())
    assert sum(count for _, count in sums["bins"]) == 20
    # Any change of a result changes the digest.
    other = found.iterations.copy()
    other[7] += 1
    assert tally(row.problem, row.way, drawn, found._replace(iterations=other))["digest"] \
        != sums["digest"]


def test_chunks_add_up():
    row = STUDY.rows[1]
    drawn = row.problem.draw([3, 1], 20)
    found = row.way.run(row.problem, drawn)

    def part(values):
        return tally(row.problem, row.way, type(drawn)(*(d[values] for d in drawn)),
                     Outcome(*(o[values] for o in found)))

    parts, whole = [part(slice(0, 8)), part(slice(8, 20))], part(slice(None))
    assert figures(row.problem, row.way, parts) == figures(row.problem, row.way, [whole])
    assert add(parts[::-1]) == add(parts)


def test_published_way_is_the_published_method():
    """On the entries of the query, in Query's own form."""
    row = STUDY.rows[3]
    drawn = row.problem.draw([3, 1], 10)
    found = row.way.run(row.problem, drawn)
    method = row.way.parameters
    assert isinstance(method, Published)
    for n in range(10):
        result = method.factorize(Codebooks(tuple(drawn.codes[n]), 16),
                                  Query.from_arrays(drawn.index[n], drawn.weight[n]),
                                  int(drawn.seeds[n]))
        assert result.indices == tuple(found.indices[n])
        assert result.iterations == found.iterations[n]
