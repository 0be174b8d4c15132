import warnings
from fractions import Fraction

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.errors import ConfigError, QueryError
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.frontend import (
    entry_stream,
    front_end,
    front_end_batch,
    peaks,
    quantise,
    quantise_logits,
    top_entries,
)
from blockfactor.golden.query import (
    Query,
    from_probabilities,
    from_probabilities_batch,
    soft_probabilities,
)
from blockfactor.golden.query_set import QuerySet
from blockfactor.parameters import WEIGHTS, RunParameters


def configuration(**changes):
    given = {"blocks": 2, "block_length": 6, "query_entries": 3, "weight_bits": 4,
             "element_bits": 8}
    return CoreConfig(**(given | changes))


def by_the_rules(elements, entries, weight_bits, threshold, weights="linear", shift=0):
    """The rules with exact fractions and no NumPy, element by element."""
    stream = []
    for b, block in enumerate(elements.tolist()):
        ranking = sorted((-element, index) for index, element in enumerate(block) if element)
        for rank, (negative, index) in enumerate(ranking[:entries]):
            if rank and -negative < threshold:
                continue
            if weights == "log":
                exact = 2**weight_bits - 1 - Fraction(max(block) + negative, 2**shift)
            else:
                exact = Fraction(-negative, max(block)) * (2**weight_bits - 1)
            weight = (exact + Fraction(1, 2)).__floor__()
            if weight > 0:
                stream.append((b, index, weight))
    return stream


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(6))
def test_rules(seed, weights):
    rng = np.random.default_rng(seed)
    for trial in range(150):
        length = int(rng.integers(2, 20))
        bits = int(rng.integers(4, 17))
        config = configuration(blocks=int(rng.integers(1, 5)), block_length=length,
                               query_entries=int(rng.integers(1, min(length, 16) + 1)),
                               weight_bits=int(rng.integers(1, 7)), element_bits=bits)
        # A small range gives many ties and zeros, a large one all weights.
        top = min(int(rng.choice([2, 5, 40, 65536])), 1 << bits)
        elements = rng.integers(0, top, (config.blocks, length))
        threshold = int(rng.choice([0, 1, rng.integers(0, top)]))
        rest = (threshold, weights, int(rng.integers(0, 16)))
        expected = by_the_rules(elements, config.query_entries, config.weight_bits, *rest)
        where = f"seed {seed}, trial {trial}, {rest}, {config}"
        assert entry_stream(elements, config, *rest) == expected, where
        query = front_end(elements, config, *rest)
        assert query == Query([[(i, w) for b, i, w in expected if b == block]
                               for block in range(config.blocks)]), where
        query.check(config.blocks, length, config.query_entries, config.weight_bits)
        largest, second = peaks(elements, config)
        ranked = [sorted(block, reverse=True) for block in elements.tolist()]
        assert largest == [block[0] for block in ranked], where
        assert second == [block[1] for block in ranked], where


def test_worked_example():
    config = configuration(blocks=5, block_length=5, query_entries=3)
    elements = np.array([
        [0, 255, 17, 8, 9],  # 17 weighs exactly 1; 9 weighs .53, 1 rounded; 8 is the fourth
        [30, 1, 1, 1, 0],  # 1 weighs exactly one half: rounded up; the third 1 is one too many
        [31, 1, 0, 1, 0],  # 1 weighs less than one half: dropped
        [0, 0, 0, 0, 0],
        [7, 7, 7, 7, 7],  # lowest indices first
    ])
    assert entry_stream(elements, config) == [
        (0, 1, 15), (0, 2, 1), (0, 4, 1), (1, 0, 15), (1, 1, 1), (1, 2, 1), (2, 0, 15),
        (4, 0, 15), (4, 1, 15), (4, 2, 15)]


def test_worked_example_of_logits():
    config = configuration(blocks=5, block_length=5, query_entries=4)
    elements = np.array([
        [0, 200, 198, 197, 194],  # 2 lower is half a weight: nothing; 3 lower 1, and 6 lower 1
        [193, 1, 191, 190, 0],  # half a weight is nothing, just above it 1
        [200, 142, 141, 1, 0],  # 14.5 lower rounds to 14, which leaves 1; more leaves nothing
        [0, 0, 0, 0, 0],
        [7, 7, 7, 7, 7],  # lowest indices first
    ])
    assert entry_stream(elements, config, 0, "log", 2) == [
        (0, 1, 15), (0, 2, 15), (0, 3, 14), (0, 4, 14), (1, 0, 15), (1, 2, 15), (1, 3, 14),
        (2, 0, 15), (2, 1, 1), (4, 0, 15), (4, 1, 15), (4, 2, 15), (4, 3, 15)]
    assert entry_stream(elements, config, 0, "log", 0) == [
        (0, 1, 15), (0, 2, 13), (0, 3, 12), (0, 4, 9), (1, 0, 15), (1, 2, 13), (1, 3, 12),
        (2, 0, 15), (4, 0, 15), (4, 1, 15), (4, 2, 15), (4, 3, 15)]
    # The largest shift leaves every element as it is, but for 0, which is never taken.
    assert entry_stream(elements, config, 194, "log", 15) == [
        (0, 1, 15), (0, 2, 15), (0, 3, 15), (0, 4, 15), (1, 0, 15), (2, 0, 15), (4, 0, 15)]


def test_run_parameters_are_arguments():
    config = configuration()
    elements = np.random.default_rng(4).integers(0, 256, (2, 6))
    parameters = RunParameters(sizes=(2, 2), dense_threshold=90, dense_weights="log", dense_shift=4)
    assert parameters.dense == {"threshold": 90, "weights": "log", "shift": 4}
    assert entry_stream(elements, config, **parameters.dense) == by_the_rules(
        elements, 3, 4, 90, "log", 4)


def test_threshold_spares_the_largest_only():
    config = configuration()
    elements = np.array([[9, 10, 8, 0, 0, 0], [3, 0, 3, 0, 0, 200]])
    assert front_end(elements, config, 9).entries == (((1, 15), (0, 14)), ((5, 15),))
    assert front_end(elements, config, 11).entries == (((1, 15),), ((5, 15),))
    # The core's threshold has 8 bits: beyond them it is the largest element.
    full = np.array([[255, 255, 254, 0, 0, 0]] * 2)
    assert front_end(full, config, 65535) == front_end(full, config, 255)
    assert front_end(full, config, 255).entries == (((0, 15), (1, 15)),) * 2


def test_query_orders_equal_weights_by_index():
    config = configuration(blocks=1)
    elements = np.array([[0, 199, 0, 0, 200, 0]])
    assert entry_stream(elements, config) == [(0, 4, 15), (0, 1, 15)]
    assert front_end(elements, config).entries == (((1, 15), (4, 15)),)
    index, weight = front_end_batch(elements[None], config)
    assert index.tolist() == [[[1, 4, 0]]] and weight.tolist() == [[[15, 15, 0]]]


def test_argmax():
    config = configuration(query_entries=1, block_length=32)
    elements = np.random.default_rng(3).integers(0, 9, (50, 2, 32))
    index, weight = front_end_batch(elements, config)
    assert (index[..., 0] == elements.argmax(-1)).all()
    assert (weight == 15).all()


@pytest.mark.parametrize(("bits", "entries", "weight_bits"), [(4, 8, 4), (8, 8, 4), (16, 5, 6)])
def test_weights_are_those_of_from_probabilities(bits, entries, weight_bits):
    """Elements taken as probabilities, ties included: exactly the same entries."""
    config = configuration(block_length=24, element_bits=bits, query_entries=entries,
                           weight_bits=weight_bits)
    elements = np.random.default_rng(bits).integers(0, 1 << bits, (300, 2, 24))
    elements[::3] >>= bits - 3
    expected = from_probabilities_batch(elements, entries, weight_bits)
    got = front_end_batch(elements, config)
    for name, want, have in zip(("index", "weight"), expected, got):
        assert (want == have).all(), f"{name}, bits {bits}"


@pytest.mark.parametrize("rest", [(100,), (100, "log", 3)])
def test_batch_is_single_ones(rest):
    config = configuration(block_length=16)
    elements = np.random.default_rng(5).integers(0, 256, (20, 2, 16), dtype=np.uint8)
    index, weight = front_end_batch(elements, config, *rest)
    assert index.dtype == weight.dtype == np.uint16
    assert list(QuerySet(index, weight)) == [front_end(e, config, *rest) for e in elements]


def test_quantised_probabilities_give_the_same_query():
    """All of them with 32 bits; with fewer, weights next to a rounding boundary may move by 1."""
    truth = np.random.default_rng(7).integers(0, 64, (400, 4))
    p = soft_probabilities(truth, 64, 4.0, np.random.default_rng(8))
    expected = from_probabilities_batch(p, 8, 4)
    index, weight = top_entries(quantise(p, 32), 8, 4)
    order = np.argsort(index - (weight << 16), axis=-1, kind="stable")
    assert (np.take_along_axis(index, order, -1) == expected[0]).all()
    assert (np.take_along_axis(weight, order, -1) == expected[1]).all()
    exact = np.array([from_probabilities(block, 8, 4).dense(64) for block in p])
    for bits, share in ((16, .999), (10, .97), (8, .97)):
        config = CoreConfig(block_length=64, element_bits=bits)
        got = np.array([front_end(e, config).dense(64) for e in quantise(p, bits)])
        same = (got == exact).all(-1).mean()
        assert same >= share, f"{bits} bits: {same:.4f} of the blocks are the same"
        assert np.abs(got - exact).max() <= 1, f"{bits} bits"


def soft_queries(count, length, seed):
    rng = np.random.default_rng(seed)
    return soft_probabilities(rng.integers(0, length, (count, 4)), length, 4.0, rng)


@pytest.mark.parametrize(("bits", "weight_bits", "shift"), [
    (32, 4, 15), (16, 6, 10), (16, 4, 0), (10, 4, 6), (8, 4, 4), (8, 1, 7), (8, 4, 0), (8, 6, 2),
    (4, 4, 0)])
def test_quantised_logits_weigh_the_same(bits, weight_bits, shift):
    """Rank by rank, and at the same index unless an element of the same weight took its place."""
    p = soft_queries(300, 64, 9)
    index, weight = from_probabilities_batch(p, 8, weight_bits, log=True)
    # A constant added to a block makes no difference.
    elements = quantise_logits(np.log(p) - 7, bits, shift)
    got_index, got_weight = top_entries(elements, 8, weight_bits, 0, "log", shift)
    assert (got_weight == weight).all(), "seed 9"
    order = np.argsort(got_index - (got_weight << 16), axis=-1, kind="stable")
    other = np.take_along_axis(got_index, order, -1) != index
    # Elements of different probability may be the same; then the last of eight may be another.
    if bits == 32:
        assert not other.any(), "seed 9"
    full = weight[..., -1:] > 0
    assert ((weight == weight[..., -1:]) & full)[other].all(), "seed 9"


def test_log_weights_find_as_much_as_from_probabilities():
    """F=3, M=49, B=4, margin 4, join: 8 bits are enough."""
    count, size = 400, 49
    config = CoreConfig(max_codevectors=size, element_bits=8)
    rng = np.random.default_rng(14)
    codes = rng.integers(0, 128, (count, 3, size, 4))
    truth = rng.integers(0, size, (count, 3))
    product = codes[np.arange(count)[:, None], np.arange(3), truth].sum(axis=1) % 128
    p = soft_probabilities(product, 128, 4.0, rng)
    parameters = RunParameters(sizes=(size,) * 3, mode="join", heads=2, level=230,
                               dense_weights="log", dense_shift=4)
    dense = front_end_batch(quantise_logits(np.log(p), 8, 4), config, **parameters.dense)
    found = [factorize_many(config, codes, *query, parameters, np.ones(count, int)).indices
             for query in (dense, from_probabilities_batch(p, 8, 4, log=True))]
    right = [(indices == truth).all(axis=1).mean() for indices in found]
    assert min(right) >= .95 and abs(right[0] - right[1]) <= .01, f"{right}, seed 14"
    assert (found[0] != found[1]).any(axis=1).mean() <= .01, "seed 14"


def test_too_large_a_shift_cuts_off_small_weights():
    p = soft_queries(300, 64, 10)
    weight = from_probabilities_batch(p, 8, 4, log=True)[1]
    got = top_entries(quantise_logits(np.log(p), 8, 5), 8, 4, 0, "log", 5)[1]
    # 254 units of 1/32 take 7.94 off.
    assert (got[weight >= 8] == weight[weight >= 8]).all() and (weight >= 8).any(), "seed 10"
    assert (got[weight < 7] == 0).all() and (weight < 7).any(), "seed 10"


def test_signed_logits():
    """Those of a network with int8 outputs in 1/16 nats: + 128, shift 3."""
    # No differences of 4, 12, 20 and so on: halves of a weight, which float64 may miss.
    logits = np.random.default_rng(12).integers(-127, 128, (40, 2, 16)) & ~4
    p = np.exp(logits / 16)
    expected = from_probabilities_batch(p, 8, 4, log=True)
    config = configuration(block_length=16, query_entries=8)
    got = front_end_batch(logits + 128, config, 0, "log", 3)
    for name, want, have in zip(("index", "weight"), expected, got):
        assert (want == have).all(), f"{name}, seed 12"


def test_quantise_logits():
    inf = np.inf
    logits = np.array([[1, 1 - 1 / 16, 1 - 1 / 32, .95, -inf], [-inf] * 5,
                       [-7, -inf, -20, -22.875, -22.9], [1e308, -1e308, 1e308, 0, -inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        elements = quantise_logits(logits, 8, 3)
    assert elements.dtype == np.uint32
    assert elements.tolist() == [[255, 254, 254, 254, 0], [0] * 5, [255, 0, 47, 1, 0],
                                 [255, 0, 255, 0, 0]]
    assert quantise_logits(logits, 8, 0)[0].tolist() == [255, 255, 255, 255, 0]
    assert quantise_logits([[0, -.25, -.26, -.75, -.76]], 8, 0).tolist() == [
        [255, 255, 254, 254, 253]]
    assert (quantise_logits(np.stack([logits, logits - 3]), 8, 3)[:, :3] == elements[:3]).all()


@pytest.mark.parametrize(("logits", "bits", "shift", "message"), [
    (np.zeros(4), 8, 0, "logits have shape (4,), must be [..., blocks, block length]"),
    (np.zeros((1, 4)), 0, 0, "element_bits 0 is outside 1..32"),
    (np.zeros((1, 4)), 8, 16, "shift 16 is outside 0..15"),
    (np.array([[0, np.inf]]), 8, 0,
     "query, block 0, index 1: logit inf is not finite or minus infinity"),
    (np.array([[[0, 1]], [[1, np.nan]]]), 8, 0,
     "query 1, block 0, index 1: logit nan is not finite or minus infinity"),
])
def test_quantise_logits_refuses(logits, bits, shift, message):
    with pytest.raises(QueryError) as caught:
        quantise_logits(logits, bits, shift)
    assert str(caught.value) == message


def test_quantise():
    p = np.array([[.2, .1, .05, 0.], [0, 0, 0, 0], [1e-300, 1e-301, 0, 1e-300]])
    elements = quantise(p, 8)
    assert elements.dtype == np.uint32
    assert elements.tolist() == [[255, 128, 64, 0], [0, 0, 0, 0], [255, 26, 0, 255]]
    assert quantise(p, 32)[0].tolist() == [2**32 - 1, 2**31, 2**30, 0]
    assert (quantise(np.stack([p, p * 3]), 8) == elements).all()


@pytest.mark.parametrize(("p", "bits", "message"), [
    (np.zeros(4), 8, "probabilities have shape (4,), must be [..., blocks, block length]"),
    (np.zeros((2, 0)), 8, "probabilities have shape (2, 0), must be [..., blocks, block length]"),
    (np.zeros((1, 4)), 33, "element_bits 33 is outside 1..32"),
    (np.array([[0, -1.]]), 8,
     "query, block 0, index 1: probability -1 is not finite and at least 0"),
    (np.array([[[0, 1]], [[np.nan, 1]]]), 8,
     "query 1, block 0, index 0: probability nan is not finite and at least 0"),
])
def test_quantise_refuses(p, bits, message):
    with pytest.raises(QueryError) as caught:
        quantise(p, bits)
    assert str(caught.value) == message


@pytest.mark.parametrize(("elements", "threshold", "message"), [
    (np.full((2, 6), 256), 0, "query, block 0, index 0: element 256 is outside 0..255"),
    (np.eye(2, 6, dtype=int) * -1, 0, "query, block 0, index 0: element -1 is outside 0..255"),
    (np.zeros((2, 5), int), 0,
     "elements of shape (2, 5) and type int64 are not integers [2, 6]"),
    (np.zeros((2, 6)), 0, "elements of shape (2, 6) and type float64 are not integers [2, 6]"),
    (np.zeros((2, 6), int), 65536, "threshold 65536 is outside 0..65535"),
])
def test_front_end_refuses(elements, threshold, message):
    with pytest.raises(QueryError) as caught:
        front_end(elements, configuration(), threshold)
    assert str(caught.value) == message


@pytest.mark.parametrize(("rest", "message"), [
    (("logarithmic", 0), "weights 'logarithmic' is not one of linear, log"),
    (("log", 16), "shift 16 is outside 0..15"),
    (("linear", -1), "shift -1 is outside 0..15"),
])
def test_front_end_refuses_weights(rest, message):
    with pytest.raises(QueryError) as caught:
        front_end(np.zeros((2, 6), int), configuration(), 0, *rest)
    assert str(caught.value) == message


def test_batch_refuses_naming_the_query():
    elements = np.zeros((3, 2, 6), int)
    elements[2, 1, 4] = 300
    with pytest.raises(QueryError) as caught:
        front_end_batch(elements, configuration())
    assert str(caught.value) == "query 2, block 1, index 4: element 300 is outside 0..255"
    with pytest.raises(QueryError) as caught:
        front_end_batch(elements[0], configuration())
    assert str(caught.value) == ("elements of shape (2, 6) and type int64 are not integers "
                                 "[n, 2, 6]")


def test_configuration_without_front_end():
    with pytest.raises(ConfigError) as caught:
        front_end(np.zeros((2, 6), int), configuration(element_bits=0))
    assert str(caught.value) == ("element_bits 0 leaves the dense front-end out, it needs 4..16")
