"""Explaining away in the golden model: what is left, results, batches; and against other code."""

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.errors import ConfigError, ParameterError
from blockfactor.golden.batch import explain_many, factorize_many
from blockfactor.golden.bundle import clean_bundle, clean_bundle_batch
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.cycles import explain_time
from blockfactor.golden.explain import residual, residual_batch
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import Query
from blockfactor.parameters import RunParameters

CORE = CoreConfig(blocks=3, block_length=24, max_codevectors=8, list_size=8, query_entries=4,
                  products=4)
PARAMETERS = RunParameters(sizes=(7, 8, 6), products=3)
BOOKS = Codebooks.random(PARAMETERS.sizes, 3, 24, seed=3)


def bundles(count, bundled, seed=1):
    """True tuples [n, K, F] and products [n, K, B]."""
    rng = np.random.default_rng(seed)
    truth = np.stack([rng.integers(0, size, (count, bundled)) for size in BOOKS.sizes], -1)
    return truth, np.array([[encode(BOOKS, t) for t in row] for row in truth])


def test_residual():
    query = Query((((3, 2), (4, 1)), ((9, 5),), ()))
    assert residual(query, [3, 8, 0]) == Query((((4, 1),), ((9, 5),), ()))
    assert residual(query, np.array([4, 9, 1])).entries == (((3, 2),), (), ())
    with pytest.raises(ValueError):
        residual(query, [3, 8])


def test_residual_batch_is_residual():
    rng = np.random.default_rng(2)
    products = rng.integers(0, 5, (30, 4, 3))
    index, weight = clean_bundle_batch(products)
    for k in range(4):
        want = [residual(Query.from_arrays(i, w), p)
                for i, w, p in zip(index, weight, products[:, k])]
        index, weight = residual_batch(index, weight, products[:, k])
        assert [Query.from_arrays(i, w) for i, w in zip(index, weight)] == want
        # Padding is at the end, and 0.
        assert (np.diff((weight > 0).astype(int), axis=-1) <= 0).all()
        assert (index[weight == 0] == 0).all()
    assert not weight.any()


@pytest.mark.parametrize("mode", CORE.modes)
def test_each_result_is_a_run_on_what_is_left(mode):
    """By sets of entries and single runs: nothing of explain() is used."""
    truth, products = bundles(12, 2)
    model = Factorizer(CORE, BOOKS)
    parameters = PARAMETERS.replace(mode=mode, threshold=400, samples=3, max_iterations=4)
    empty = 0
    for n in range(len(truth)):
        query = clean_bundle(products[n])
        left = {(b, i, w) for b, block in enumerate(query.entries) for i, w in block}
        found = model.explain(query, parameters, trace=True)
        taken = 0
        assert len(found) == 3
        for result, words in found:
            now = Query(tuple(tuple((i, w) for b, i, w in left if b == block)
                              for block in range(3)))
            if now.smax:
                want, trace = model.run(now, parameters.replace(products=1), trace=True)
                assert (words == trace).all()
                assert result.to_table() == want.to_table() | {"cycles": want.cycles + taken}
            else:
                empty += 1
                assert (result.stop, result.smax, result.score, result.crc) == ("complete", 0, 0, 0)
                assert result.cycles == 1 + taken and len(words) == 0
            taken = explain_time(CORE, len(left)) if left else 0
            gone = encode(BOOKS, result.indices)
            left = {(b, i, w) for b, i, w in left if i != gone[b]}
    assert empty >= 3


def test_finds_the_products():
    truth, products = bundles(40, 2, seed=5)
    model = Factorizer(CORE, BOOKS)
    right = sum({r.indices for r in model.explain(clean_bundle(p), PARAMETERS.replace(products=2))}
                == set(map(tuple, t.tolist())) for t, p in zip(truth, products))
    assert right >= 34


@pytest.mark.parametrize("mode", CORE.modes)
def test_batch_is_explain(mode):
    truth, products = bundles(25, 2, seed=7)
    index, weight = clean_bundle_batch(products)
    parameters = PARAMETERS.replace(mode=mode, threshold=400, samples=3, max_iterations=3,
                                    products=4)
    codes = np.zeros((1, 3, 8, 3), dtype=int)
    for f, book in enumerate(BOOKS.indices):
        codes[0, f, :len(book)] = book
    seeds = np.arange(25)
    batches = explain_many(CORE, codes, index, weight, parameters, seeds)
    model = Factorizer(CORE, BOOKS)
    for n in range(25):
        found = model.explain(Query.from_arrays(index[n], weight[n]),
                              parameters.replace(seed=int(seeds[n])))
        for result, batch in zip(found, batches, strict=True):
            for name in ("score", "runner_up", "iterations", "cycles", "crc"):
                assert getattr(result, name) == getattr(batch, name)[n], name
            assert result.indices == tuple(batch.indices[n])
            assert result.similarities == tuple(batch.similarities[n])


def test_refused():
    """Several products where one is meant, more than the core decodes, a core of one block."""
    model, query = Factorizer(CORE, BOOKS), clean_bundle([[1, 2, 3]])
    with pytest.raises(ParameterError, match=r"products 3 is outside 1\.\.1"):
        model.run(query, PARAMETERS)
    with pytest.raises(ParameterError, match=r"products 3 is outside 1\.\.1"):
        factorize_many(CORE, np.zeros((1, 3, 8, 3), int), *clean_bundle_batch(np.zeros((1, 2, 3),
                       int)), PARAMETERS, np.ones(1, int))
    with pytest.raises(ParameterError, match=r"products 3 is outside 1\.\.2"):
        Factorizer(CORE.replace(products=2), BOOKS).explain(query, PARAMETERS)
    with pytest.raises(ConfigError, match="products 2 is not 1: one block"):
        CORE.replace(products=2, blocks=1)
    with pytest.raises(ConfigError, match=r"products 5 is outside 1\.\.4"):
        CORE.replace(products=5)
