"""The fast float factorizer against a literal one that shares no code with it.

The literal one keeps dense vectors, unbinds by correlation with np.roll and takes l-infinity as
``1 - max|v - x|``. It makes its own decisions; only the random subset is taken from the fast one,
once both have decided to draw.
"""

import subprocess
import sys

import numpy as np
import pytest

from blockfactor.errors import ParameterError, QueryError
from blockfactor.golden import published as module
from blockfactor.golden.codebook import Codebooks, encode, product
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.golden.published import Published
from blockfactor.golden.query import Query, clean, soft, soft_probabilities


class Literal:
    """The published method on dense vectors, element by element as its description says."""

    def __init__(self, codebooks, query, parameters):
        self.X = []
        for indices in codebooks.indices:
            book = np.zeros((len(indices), codebooks.blocks, codebooks.block_length))
            for m, row in enumerate(indices):
                for b, k in enumerate(row):
                    book[m, b, k] = 1.0
            self.X.append(book)
        self.s = query
        self.p = parameters
        self.xhat = [book.mean(0) for book in self.X]

    def similarity(self, f):
        v = self.s
        for g, estimate in enumerate(self.xhat):
            if g != f:
                v = np.array([sum(estimate[b, k] * np.roll(v[b], -k) for k in range(v.shape[1]))
                              for b in range(v.shape[0])])
        if self.p.similarity == "inf":
            sim = np.array([1 - np.abs(v - x).max() for x in self.X[f]])
        else:
            sim = np.array([(v * x).sum() for x in self.X[f]])
        sim[np.abs(sim) < 1e-12] = 0  # 1 - max(...) leaves rounding noise where it is 0
        return sim

    def update(self, f, sim, subset):
        """New weights, and whether it drew and converged; ``subset`` gives what to draw."""
        p = self.p
        attn = sim.copy()
        if p.T > 0:
            attn[sim < p.T] = 0
            if (attn == 0).all():
                attn = sim.copy()
        below = attn.max() <= p.T
        drew = below and p.A > 0
        if drew:
            attn = np.zeros_like(sim)
            attn[subset] = 1.0 / len(subset)
        converged = attn.max() >= p.Tc * (len(self.s) if p.similarity == "dot" else 1) and not below
        if converged and p.pull_up:
            winner = attn.argmax()
            attn = np.where(np.arange(len(attn)) == winner, attn[winner], 0)
        bundle = (attn[:, None, None] * self.X[f]).sum(0)
        self.xhat[f] = bundle / bundle.sum(1, keepdims=True)
        return attn, drew, converged


def query_of(kind, codebooks, truth, seed):
    """The query as the fast one takes it, and dense."""
    bound = encode(codebooks, truth)
    if kind == "no product":
        bound = np.random.default_rng(seed + 100).integers(0, codebooks.block_length, bound.shape)
    if kind != "soft":
        dense = np.zeros((codebooks.blocks, codebooks.block_length))
        dense[np.arange(codebooks.blocks), bound] = 1
        return bound, dense
    p = soft_probabilities(bound, codebooks.block_length, 4.0, np.random.default_rng(seed))
    return p, p


CASES = {
    "F2": ((14, 14), 3, 16, "clean", Published(T=0.09, A=4)),
    "F2 long codebook": ((60, 60), 4, 9, "clean", Published(T=0.0713, A=12, max_iterations=25)),
    "F3": ((9, 9, 9), 4, 16, "clean", Published(T=0.05, A=3)),
    "F3 unequal, L=7": ((5, 9, 7), 3, 7, "clean", Published(T=0.0713, A=3)),
    "F4": ((5, 5, 5, 5), 3, 16, "clean", Published(T=0.013, A=2, max_iterations=40)),
    "F1": ((9,), 2, 8, "clean", Published(T=0.1, A=2)),
    "one block": ((6, 6), 1, 64, "clean", Published(T=0.3, A=3)),
    "A exceeds M": ((9, 9, 9), 4, 16, "clean", Published(T=0.051, A=20, max_iterations=12)),
    "no threshold": ((12, 12), 4, 32, "clean", Published(T=0, A=0, max_iterations=12)),
    "no sampling": ((12, 12), 4, 16, "clean", Published(T=0.3, A=0, max_iterations=12)),
    "T=0 with sampling": ((9, 9), 4, 32, "no product", Published(T=0, A=2, max_iterations=12)),
    "no pull-up": ((9, 9, 9), 4, 16, "clean", Published(T=0.0713, A=3, Tc=0.4, pull_up=False)),
    "low Tc": ((9, 9, 9), 4, 16, "clean", Published(T=0.061, A=3, Tc=0.2)),
    "dot": ((9, 9), 4, 16, "clean", Published(T=0.61, A=3, similarity="dot")),
    "dot F3": ((7, 7, 7), 4, 16, "clean", Published(T=0.45, A=3, similarity="dot")),
    "soft": ((9, 9), 3, 16, "soft", Published(T=0.122, A=3, max_iterations=12)),
    "soft F3": ((7, 7, 7), 4, 16, "soft", Published(T=0.011, A=3, max_iterations=12)),
    "soft dot": ((9, 9), 4, 16, "soft", Published(T=0.45, A=3, similarity="dot", Tc=0.3)),
}


@pytest.mark.parametrize("name", CASES)
def test_every_step_equals_the_literal_method(name):
    sizes, blocks, length, kind, published = CASES[name]
    drawn = done = 0
    for seed in range(6):
        where = f"{name}, seed {seed}"
        books = Codebooks.random(sizes, blocks, length, seed)
        truth = [int(m) for m in np.random.default_rng(seed).integers(0, min(sizes), len(sizes))]
        query, dense = query_of(kind, books, truth, seed)
        literal = Literal(books, dense, published)
        steps = list(published.steps(books, query, seed))
        all_converged = True
        last = {}
        for n, step in enumerate(steps):
            at = f"{where}, step {n}"
            assert (step.iteration, step.factor) == divmod(n, len(sizes)), at
            for own, other in zip(literal.xhat, step.before):
                assert np.allclose(own, other, atol=1e-9), at
            sim = literal.similarity(step.factor)
            assert np.allclose(sim, step.similarities, atol=1e-9), at
            assert published.T == 0 or (np.abs(sim - published.T) > 1e-9).all(), f"{at}: a tie"
            subset = np.flatnonzero(step.attention)
            attn, drew, converged = literal.update(step.factor, sim, subset)
            assert (drew, converged) == (step.sampled, step.converged), at
            if drew:
                assert len(subset) == min(published.A, len(sim)), at
                assert len(set(step.attention[subset])) == 1, at
                drawn += 1
            else:
                assert np.allclose(attn, step.attention, atol=1e-9), at
            assert np.allclose(step.estimate, literal.xhat[step.factor], atol=1e-9), at
            if step.factor == 0:
                assert n == 0 or not all_converged, f"{at}: went on after convergence"
                all_converged = True
            all_converged = all_converged and converged
            last[step.factor] = sim
        result = published.factorize(books, query, seed)
        assert result.converged == all_converged, where
        assert result.iterations == steps[-1].iteration + 1, where
        assert all_converged or result.iterations == published.iteration_limit(sizes), where
        for f, m in enumerate(result.indices):
            assert np.isclose(result.similarities[f], last[f].max(), atol=1e-9), where
            assert m == np.flatnonzero(last[f] > last[f].max() - 1e-9)[0], where
        done += result.converged
    assert bool(drawn) == (published.A > 0 and name != "F1"), f"{name}: {drawn} draws tested"
    if kind == "clean" and name not in ("no sampling", "no threshold"):
        assert done, f"{name}: no run converged"


def test_threshold_is_not_exceeded_by_equality():
    """The first estimate of four distinct codevectors gives similarities of exactly 1/4."""
    books = Codebooks(([[0], [1], [2], [3]], [[0], [4], [8], [12]]), 16)
    for threshold, sampled in ((0.25, True), (0.2499, False)):
        first = next(Published(T=threshold, A=2).steps(books, np.array([9])))
        assert first.similarities.tolist() == [0, 0.25, 0, 0]
        assert first.sampled is sampled


def test_convergence_detection_includes_equality():
    books = Codebooks(([[0], [1], [2], [3]], [[0], [4], [8], [12]]), 16)
    for detection, converged in ((0.25, True), (0.2501, False)):
        first = next(Published(T=0.1, A=2, Tc=detection).steps(books, np.array([9])))
        assert first.converged is converged


def first_step(**parameters):
    """Step whose similarities are exactly 1/2, 1/4, 1/4 and 0."""
    books = Codebooks(([[9], [5], [1], [0]], [[0], [0], [4], [8]]), 16)
    first = next(Published(**parameters).steps(books, np.array([9])))
    assert first.similarities.tolist() == [0.5, 0.25, 0.25, 0]
    return first


def test_threshold_keeps_equality():
    assert first_step(T=0.25, A=2).attention.tolist() == [0.5, 0.25, 0.25, 0]
    assert first_step(T=0.2501, A=2).attention.tolist() == [0.5, 0, 0, 0]


def test_pull_up_keeps_the_best_alone():
    assert first_step(T=0.1, A=2, Tc=0.5).attention.tolist() == [0.5, 0, 0, 0]
    free = first_step(T=0.1, A=2, Tc=0.5, pull_up=False)
    assert free.converged and free.attention.tolist() == [0.5, 0.25, 0.25, 0]


def test_nothing_converges_at_or_below_the_threshold():
    assert not first_step(T=0.5, A=0, Tc=0.5).converged
    assert not first_step(T=0.5, A=0, Tc=0.4).converged
    assert first_step(T=0.5, A=0, Tc=0.4).attention.tolist() == [0.5, 0, 0, 0]
    assert first_step(T=0.6, A=0, Tc=0.4).attention.tolist() == [0.5, 0.25, 0.25, 0]


def test_nothing_left_of_an_estimate_ends_the_run():
    books = Codebooks(([[0], [0]], [[0], [0]]), 4)
    result = Published(T=0, A=0, max_iterations=9).factorize(books, np.array([1]))
    assert result == ((0, 0), 9, False, (0.0, 0.0))
    result = Published(T=0, A=1, max_iterations=9).factorize(books, np.array([1]))
    assert result == ((0, 0), 9, False, (0.0, 0.0))


def test_equal_similarities_decode_to_the_lowest_index():
    books = Codebooks(([[3], [1], [1]], [[0], [2], [2]]), 4)
    assert Published(T=0, A=0, max_iterations=3).factorize(books, np.array([3])).indices == (1, 1)


def test_samples_are_distinct_and_uniform():
    rng = np.random.default_rng(5)
    order = np.zeros(10, dtype=np.int64)
    pairs = np.zeros((10, 10))
    for _ in range(20000):
        module._sample(rng, 10, 3, order)
        chosen = order[:3]
        assert len(set(chosen)) == 3
        pairs[np.ix_(chosen, chosen)] += 1
    # Every codevector in 3/10 of the samples, every pair in 3/10 * 2/9; 5 standard deviations.
    assert np.abs(np.diag(pairs) / 20000 - 0.3).max() < 5 * (0.21 / 20000) ** 0.5
    others = pairs[~np.eye(10, dtype=bool)] / 20000
    assert np.abs(others - 1 / 15).max() < 5 * (14 / 225 / 20000) ** 0.5
    module._sample(rng, 10, 10, order)
    assert sorted(order) == list(range(10))


def test_iteration_limit_costs_what_exhaustive_search_does():
    published = Published(T=0, A=0)
    assert published.iteration_limit((1155, 1155)) == 577
    assert published.iteration_limit((110, 110, 110)) == 110**2 // 3
    assert published.iteration_limit((4, 6)) == 2
    assert published.iteration_limit((1, 1, 1)) == 1
    assert Published(T=0, A=0, max_iterations=7).iteration_limit((9, 9)) == 7


@pytest.mark.parametrize(("factors", "size", "trials", "low", "high"), [
    (3, 10, 1000, 2.0, 2.06), (3, 22, 2000, 3.8, 4.2), (2, 562, 500, 7.2, 9.4),
])
def test_mean_iterations_are_the_published_ones(factors, size, trials, low, high):
    """The full comparison, with tight bounds, is bench/published.py."""
    samples, threshold = published_parameters(512, factors, 4, size)
    published = Published(T=threshold, A=samples)
    iterations, right = [], []
    rng = np.random.default_rng(size)
    for group in range(trials // 10):
        books = Codebooks.random((size,) * factors, 4, 128, rng)
        truth = rng.integers(0, size, (10, factors))
        result = published.factorize_batch(books, product(books, truth), group)
        iterations.extend(result.iterations)
        right.extend((result.indices == truth).all(1))
    assert low < np.mean(iterations) < high, f"{np.mean(iterations):.2f}, seed {size}"
    assert np.mean(right) > 0.99


def test_soft_queries_and_their_forms():
    books = Codebooks.random((16, 16), 4, 64, 1)
    published = Published(T=0, A=0, max_iterations=10)
    rng = np.random.default_rng(3)
    right = 0
    for n in range(100):
        truth = tuple(rng.integers(0, 16, 2).tolist())
        query = soft(encode(books, truth), 64, 5.0, rng, entries=64, weight_bits=16)
        result = published.factorize(books, query)
        other = published.factorize(books, query.dense(64) * 0.37)
        assert result[:3] == other[:3], f"seed 3, query {n}"
        assert np.allclose(result.similarities, other.similarities), f"seed 3, query {n}"
        right += result.indices == truth
    assert right >= 98, f"{right} of 100 right, seed 3"
    bound = encode(books, (3, 4))
    assert published.factorize(books, clean(bound)) == published.factorize(books, bound)
    # An empty block agrees with nothing.
    empty = Query((*clean(bound).entries[:3], ()))
    assert set(published.factorize(books, empty).similarities) == {0.0}


def test_batch_is_single_runs_with_stated_seeds():
    books = Codebooks.random((9, 9, 9), 4, 16, 2)
    truth = np.random.default_rng(4).integers(0, 9, (12, 3))
    queries = product(books, truth)
    published = Published(T=0.0713, A=2)
    batch = published.factorize_batch(books, queries, seed=6)
    assert len(set(batch.iterations.tolist())) > 2
    for i, query in enumerate(queries):
        one = published.factorize(books, query, np.random.default_rng([6, i]))
        assert one == (tuple(batch.indices[i]), batch.iterations[i], batch.converged[i],
                       tuple(batch.similarities[i])), f"query {i}"
    again = published.factorize_batch(books, [clean(query) for query in queries], seed=6)
    assert all((a == b).all() for a, b in zip(batch, again))
    assert published.factorize_batch(books, queries[:0]).indices.shape == (0, 3)


@pytest.mark.parametrize(("fields", "message"), [
    ({"T": -0.1}, "T -0.1 is outside 0..65536"),
    ({"T": float("nan")}, "T nan is outside 0..65536"),
    ({"T": "x"}, "T 'x' is not a number in 0..65536"),
    ({"A": -1}, "A -1 is outside 0..2147483647"),
    ({"A": 1.5}, "A 1.5 is not an integer in 0..2147483647"),
    ({"Tc": 1.1}, "Tc 1.1 is outside 0..1"),
    ({"similarity": "l1"}, "similarity 'l1' is not one of inf, dot"),
    ({"max_iterations": 0}, f"max_iterations 0 is outside 1..{1 << 62}"),
])
def test_wrong_parameters(fields, message):
    with pytest.raises(ParameterError) as caught:
        Published(**({"T": 0, "A": 0} | fields))
    assert str(caught.value) == message


@pytest.mark.parametrize(("query", "message"), [
    (np.array([1, 2]), "query of shape (2,) and type int64 is not 3 integers"),
    (np.array([1.0, 2.0, 3.0]), "query of shape (3,) and type float64 is not 3 integers"),
    (np.array([1, 8, 3]), "query, block 1: index 8 is outside 0..7"),
    (np.zeros((3, 7)), "query has shape (3, 7), the codebooks need (3, 8)"),
    (np.full((3, 8), -1.0), "query has elements that are not finite and at least 0"),
    (np.full((3, 8), np.nan), "query has elements that are not finite and at least 0"),
    (clean([1, 2]), "query has shape (2, 8), the codebooks need (3, 8)"),
    (clean([1, 2, 8]), "query, block 2: index 8 is outside 0..7"),
])
def test_wrong_queries(query, message):
    with pytest.raises(QueryError) as caught:
        Published(T=0, A=0).factorize(Codebooks.random((2, 2), 3, 8, 0), query)
    assert str(caught.value) == message


PLAIN = """
import sys
{prelude}
from blockfactor.golden import _jit
from blockfactor.golden.codebook import Codebooks, product
from blockfactor.golden.published import Published
import numpy as np
books = Codebooks.random((9, 9, 9), 3, 16, 5)
queries = product(books, np.random.default_rng(6).integers(0, 9, (6, 3)))
print(_jit.COMPILED, [x.tolist() for x in Published(T=.01, A=2).factorize_batch(books, queries, 7)])
"""


def test_plain_python_gives_the_same():
    results = {}
    for name, prelude in (("plain", "sys.modules['numba'] = None"), ("as installed", "")):
        run = subprocess.run([sys.executable, "-c", PLAIN.format(prelude=prelude)],
                             capture_output=True, text=True, check=True)
        compiled, results[name] = run.stdout.split(" ", 1)
        assert name != "plain" or compiled == "False"
    assert results["plain"] == results["as installed"]
