"""golden/bundle.py: bundles hold what they are made of."""

import numpy as np
import pytest

from blockfactor.errors import QueryError
from blockfactor.golden.bundle import (
    clean_bundle,
    clean_bundle_batch,
    soft_bundle,
    soft_bundle_batch,
)
from blockfactor.golden.query import Query, clean, soft_batch


def test_clean_weights_are_multiplicities():
    query = clean_bundle([[5, 9, 1], [5, 2, 1], [5, 9, 0]])
    assert query.entries == (((5, 3),), ((9, 2), (2, 1)), ((1, 2), (0, 1)))
    assert clean_bundle([[7, 3]]) == clean([7, 3])


def test_batches_are_the_single_ones():
    rng = np.random.default_rng(3)
    products = rng.integers(0, 6, (40, 3, 4))
    index, weight = clean_bundle_batch(products)
    assert index.shape == weight.shape == (40, 4, 3)
    assert [Query.from_arrays(i, w) for i, w in zip(index, weight)] == [
        clean_bundle(p) for p in products]
    assert (weight.sum(-1) == 3).all() and (weight == 3).any()
    index, weight = soft_bundle_batch(products, 6, 2.0, np.random.default_rng(4), 5, 3)
    rng = np.random.default_rng(4)
    for n, p in enumerate(products):
        assert Query.from_arrays(index[n], weight[n]) == soft_bundle(p, 6, 2.0, rng, 5, 3)


def test_soft_of_one_is_soft():
    products = np.random.default_rng(5).integers(0, 64, (20, 4))
    one = soft_bundle_batch(products[:, None], 64, 4.0, np.random.default_rng(6))
    for have, want in zip(one, soft_batch(products, 64, 4.0, np.random.default_rng(6))):
        assert (have == want).all()


def test_soft_holds_all_products():
    """With little noise every product is an entry of nearly full weight."""
    products = np.random.default_rng(7).integers(0, 128, (50, 3, 4))
    index, weight = soft_bundle_batch(products, 128, 9.0, np.random.default_rng(8))
    for k in range(3):
        held = ((index == products[:, k, :, None]) * weight).sum(-1)
        assert (held >= 3).mean() > .97


@pytest.mark.parametrize("products", [[], [[]], [1, 2], [[.5, 1]], [[-1, 2]], [[0, 70000]]])
def test_refused(products):
    with pytest.raises(QueryError, match="products"):
        clean_bundle(products)
