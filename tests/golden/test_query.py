import math

import numpy as np
import pytest

from blockfactor.errors import QueryError
from blockfactor.golden.codebook import Codebooks, product
from blockfactor.golden.query import (
    Query,
    clean,
    clean_batch,
    damaged,
    damaged_batch,
    from_probabilities,
    from_probabilities_batch,
    soft,
    soft_batch,
    soft_probabilities,
)


def test_order_sums_and_forms():
    query = Query([[(5, 2), (1, 9), (3, 2)], [], [(0, 1)]])
    assert query.entries == (((1, 9), (3, 2), (5, 2)), (), ((0, 1),))
    assert (query.blocks, query.smax, query.q, query.depth) == (3, 10, 13, 3)
    index, weight = query.arrays(4)
    assert index.tolist() == [[1, 3, 5, 0], [0] * 4, [0] * 4]
    assert weight.tolist() == [[9, 2, 2, 0], [0] * 4, [1, 0, 0, 0]]
    assert index.dtype == weight.dtype == np.uint16
    assert query.dense(6).tolist() == [[0, 9, 0, 2, 0, 2], [0] * 6, [1, 0, 0, 0, 0, 0]]
    assert Query.from_arrays(index, weight) == query
    assert query.check(3, 6, 3, 4) is query


def test_empty_query():
    query = Query(((), ()))
    assert (query.smax, query.q, query.depth) == (0, 0, 0)
    assert query.arrays(2)[1].tolist() == [[0, 0], [0, 0]]
    assert query.check(2, 4, 1, 1) is query


@pytest.mark.parametrize(("entries", "message"), [
    ([[(1, 1)]], "query has 1 blocks, the core has 2"),
    ([[(1, 1), (2, 1), (3, 1)], []], "query, block 0: 3 entries are outside 0..2"),
    ([[], [(8, 1)]], "query, block 1: index 8 is outside 0..7"),
    ([[], [(7, 0)]], "query, block 1, index 7: weight 0 is outside 1..15"),
    ([[(7, 16)], []], "query, block 0, index 7: weight 16 is outside 1..15"),
    ([[(7, 3), (7, 2)], []], "query, block 0: index 7 occurs twice, allowed is once"),
])
def test_check_refuses_what_the_core_cannot_take(entries, message):
    with pytest.raises(QueryError) as caught:
        Query(entries).check(2, 8, 2, 4)
    assert str(caught.value) == message


@pytest.mark.parametrize(("entries", "message"), [
    ([[(-1, 1)]], "query, block 0: index -1 is outside 0..65535"),
    ([[], [(1, 2.5)]], "query, block 1: weight 2.5 is not an integer in 0..65535"),
    ([[(1, 2, 3)]], "query: entries [[(1, 2, 3)]] are not, for each block, pairs (index, weight)"),
    (None, "query: entries None are not, for each block, pairs (index, weight)"),
    ([7], "query: entries [7] are not, for each block, pairs (index, weight)"),
])
def test_entries_that_are_none(entries, message):
    with pytest.raises(QueryError) as caught:
        Query(entries)
    assert str(caught.value) == message


def test_forms_refuse_what_does_not_fit():
    query = Query([[(5, 2), (1, 9)]])
    with pytest.raises(QueryError, match=r"block 0: 2 entries are outside 0\.\.1"):
        query.arrays(1)
    with pytest.raises(QueryError, match=r"block 0: index 5 is outside 0\.\.4"):
        query.dense(5)
    with pytest.raises(QueryError, match="occurs twice"):
        Query([[(1, 1), (1, 2)]]).dense(4)
    with pytest.raises(QueryError, match=r"index of shape \(1, 2\) and weight of shape \(1, 3\)"):
        Query.from_arrays(np.zeros((1, 2)), np.zeros((1, 3)))


def test_clean():
    assert clean([3, 0, 7]).entries == (((3, 1),), ((0, 1),), ((7, 1),))
    index, weight = clean_batch(np.array([[3, 0], [1, 65535]]))
    assert index.tolist() == [[[3], [0]], [[1], [65535]]] and (weight == 1).all()
    with pytest.raises(QueryError, match="block 1: index -2 is outside"):
        clean([0, -2])
    with pytest.raises(QueryError, match="float64 are not integers"):
        clean([0.5])


def slow_entries(block, entries, bits, log):
    """The documented rule for one block, one element at a time."""
    peak = max(block)
    kept = sorted(range(len(block)), key=lambda i: (-block[i], i))[:entries]
    found = []
    for i in kept:
        p = float(block[i])
        if p > 0:
            wmax = 2**bits - 1
            exact = wmax - 2 * math.log(peak / p) if log else wmax * p / peak
            if math.floor(exact + 0.5) > 0:
                found.append((i, math.floor(exact + 0.5)))
    return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("entries", "bits"), [(1, 1), (3, 4), (8, 4), (8, 6), (13, 16)])
def test_weights_follow_the_documented_rule(entries, bits, log):
    seed = entries * 100 + bits
    rng = np.random.default_rng(seed)
    # Few levels give ties, the power spreads, zeros are frequent, one block is empty.
    p = (rng.integers(0, 7, (1500, 3, 13)) / 6.0) ** rng.integers(1, 9, (1500, 1, 1))
    p[5, 1] = 0
    index, weight = from_probabilities_batch(p, entries, bits, log)
    for n in range(0, 1500, 11):
        expected = tuple(slow_entries(block, entries, bits, log) for block in p[n])
        query = Query.from_arrays(index[n], weight[n])
        assert query.entries == expected, f"seed {seed}, query {n}"
        assert from_probabilities(p[n], entries, bits, log) == query
        assert (query.arrays(entries)[0] == index[n]).all(), "order or padding of the arrays"
        query.check(3, 13, entries, bits)
    assert not weight[5, 1].any() and not index[5, 1].any()


def test_known_weights():
    p = [[0.1, 0.5, 0.25, 0.01, 0.5]]
    assert from_probabilities(p, 4, 4).entries == (((1, 15), (4, 15), (2, 8), (0, 3)),)
    # 15 - 2 ln 2 = 13.6, 15 - 2 ln 5 = 11.8, 15 - 2 ln 50 = 7.2
    assert from_probabilities(p, 5, 4, log=True).entries == (
        ((1, 15), (4, 15), (2, 14), (0, 12), (3, 7)),)
    assert from_probabilities([[1.0, math.exp(-7.3), math.exp(-7.2)]], 3, 4, log=True).entries == (
        ((0, 15), (2, 1)),)


@pytest.mark.parametrize(("p", "entries", "bits", "message"), [
    ([[0.5, -0.1]], 1, 4, "query 0, block 0, index 1: probability -0.1 is not finite"),
    ([[0.5, np.nan]], 1, 4, "query 0, block 0, index 1: probability nan is not finite"),
    ([[0.5, np.inf]], 1, 4, "query 0, block 0, index 1: probability inf is not finite"),
    ([0.5], 1, 4, "probabilities have shape (1, 1), must be [n, blocks, block length]"),
    ([[0.5, 0.5]], 3, 4, "entries 3 is outside 1..2"),
    ([[0.5, 0.5]], 1, 17, "weight_bits 17 is outside 1..16"),
])
def test_probabilities_that_are_none(p, entries, bits, message):
    with pytest.raises(QueryError) as caught:
        from_probabilities(p, entries, bits)
    assert str(caught.value).startswith(message)


def test_soft_probabilities_are_a_softmax_of_noise_and_margin():
    indices = np.array([[0, 5], [6, 2]])
    p = soft_probabilities(indices, 7, 1.5, np.random.default_rng(8))
    logits = 2 * np.random.default_rng(8).standard_normal((2, 2, 7))
    for n in range(2):
        for b in range(2):
            logits[n, b, indices[n, b]] += 3.0
            e = np.exp(logits[n, b])
            assert np.allclose(p[n, b], e / e.sum(), rtol=1e-12)
    with pytest.raises(QueryError, match=r"query 1, block 0: index 6 is outside 0\.\.5"):
        soft_probabilities(indices, 6, 1.5, np.random.default_rng(8))


@pytest.mark.parametrize(("length", "margin", "wrong"), [
    (128, 5, 0.0145), (128, 4, 0.098), (64, 4, 0.068), (64, 3, 0.27),
])
def test_share_of_wrong_blocks(length, margin, wrong):
    rng = np.random.default_rng(7)
    indices = rng.integers(0, length, (3000, 4))
    index, weight = soft_batch(indices, length, margin, rng)
    share = (index[:, :, 0] != indices).mean()
    assert abs(share - wrong) < 0.12 * wrong + 0.002, f"{share:.4f}, seed 7"
    assert index.shape == weight.shape == (3000, 4, 8) and (weight[:, :, 0] == 15).all()


@pytest.mark.parametrize("log", [False, True])
def test_batches_equal_single_queries(log):
    books = Codebooks.random((5, 6), 3, 16, 0)
    rng = np.random.default_rng(2)
    indices = product(books, rng.integers(0, 5, (1100, 2)))
    index, weight = soft_batch(indices, 16, 2.0, np.random.default_rng(9), 5, 4, log)
    one = np.random.default_rng(9)
    for n, row in enumerate(indices):
        assert soft(row, 16, 2.0, one, 5, 4, log) == Query.from_arrays(index[n], weight[n]), n
    wrong = damaged_batch(indices, 16, 2, np.random.default_rng(10))
    one = np.random.default_rng(10)
    for n, row in enumerate(indices[:100]):
        assert damaged(row, 16, 2, one) == clean(wrong[n]), n


def test_damage_is_exact_and_uniform():
    indices = np.random.default_rng(0).integers(0, 6, (20000, 4))
    for count in range(5):
        wrong = damaged_batch(indices, 6, count, np.random.default_rng(count)) != indices
        assert (wrong.sum(1) == count).all()
        assert np.abs(wrong.mean(0) - count / 4).max() < 0.02
    shift = (damaged_batch(indices, 6, 4, np.random.default_rng(4)) - indices) % 6
    assert np.abs(np.bincount(shift.ravel(), minlength=6)[1:] / 80000 - 0.2).max() < 0.01


def test_damage_of_soft_queries():
    query = Query([[(1, 9), (2, 3)], [], [(0, 7), (3, 7)]])
    rng = np.random.default_rng(1)
    for _ in range(50):
        hurt = damaged(query, 4, 3, rng)
        (first,), (second,), (third,) = hurt.entries
        assert first[0] != 1 and first[1] == 9
        assert second[1] == 1
        assert third[0] != 0 and third[1] == 7
        kept = damaged(query, 4, 1, rng)
        assert sum(a != b for a, b in zip(kept.entries, query.entries)) == 1
    assert damaged(query, 4, 0, rng) == query
    with pytest.raises(QueryError, match=r"wrong_blocks 4 is outside 0\.\.3"):
        damaged(query, 4, 4, rng)
    with pytest.raises(QueryError, match=r"block_length 1 is outside 2\.\."):
        damaged([0, 0], 1, 1, rng)
