"""The integer model against the oracle, which shares no code with it, on random states."""

import numpy as np
import pytest

from blockfactor.golden import oracle
from blockfactor.golden.similarity import leading_one, similarities, threshold
from blockfactor.golden.tuples import list_weight, unbind_tuples
from blockfactor.golden.verifier import score


def state(rng) -> dict:
    """A random step: factors, codebooks, lists, query, rule and saturation."""
    factors, blocks = int(rng.integers(2, 5)), int(rng.integers(1, 7))
    length = int(rng.integers(2, 24))
    size, longest = int(rng.integers(1, 12)), int(rng.integers(1, 6))
    code = rng.integers(0, length, (factors, size, blocks))
    lengths = rng.integers(1, min(size, longest) + 1, factors)
    members = np.zeros((factors, longest), dtype=np.int64)
    weights = np.zeros((factors, longest), dtype=np.int64)
    for f in range(factors):
        members[f, :lengths[f]] = rng.permutation(size)[:lengths[f]]
        weights[f, :lengths[f]] = rng.choice([0, 1, 2, 4, 8], lengths[f])
    entries = 1 if rng.random() < .4 else int(rng.integers(1, min(8, length) + 1))
    index = np.zeros((blocks, entries), dtype=np.int64)
    weight = np.zeros((blocks, entries), dtype=np.int64)
    query = np.zeros((blocks, length), dtype=object)
    for b in range(blocks):
        index[b] = rng.permutation(length)[:entries]
        used = int(rng.integers(0, entries + 1)) if rng.random() < .2 else entries
        weight[b, :used] = rng.integers(1, 16, used) if entries > 1 else 1
        for i, w in zip(index[b], weight[b]):
            query[b, i] = int(w)
    return {"code": code, "lengths": lengths, "members": members, "weights": weights,
            "index": index, "weight": weight, "query": query, "factor": int(rng.integers(factors)),
            "trim": int(rng.integers(blocks)), "use_sum": bool(rng.random() < .3),
            "limit": int(rng.choice([15, 255, 4095, 2**20])),
            "t16": int(rng.choice([0, 100, 3000, 65535]))}


def compare(seed: int) -> None:
    """One random state: histogram, similarities, activated list, its weights, and a score."""
    s = state(np.random.default_rng(seed))
    factors, size, blocks = s["code"].shape
    length = s["query"].shape[1]
    histogram = np.zeros((blocks, length), dtype=np.int64)
    tuples, product = unbind_tuples(s["code"], s["factor"], s["members"], s["weights"],
                                    s["lengths"], s["limit"], histogram)
    lists = [(s["code"][g][s["members"][g, :s["lengths"][g]]], s["weights"][g, :s["lengths"][g]])
             for g in range(factors) if g != s["factor"]]
    bound = oracle.histogram(lists, length, s["limit"])
    assert (histogram == bound).all(), f"histogram, seed {seed}"
    assert tuples == np.prod([len(w) for _, w in lists])
    values = np.zeros(size, dtype=np.int64)
    similarities(s["code"], s["factor"], size, s["index"], s["weight"], s["index"].shape[1],
                 histogram, s["trim"], s["use_sum"], values)
    got = values.tolist()
    want = oracle.similarities(s["query"], bound, s["code"][s["factor"]], s["trim"], s["use_sum"])
    assert got == want, f"similarities, seed {seed}"
    largest = int(s["weight"].sum(axis=1).max())
    theta = threshold(s["t16"] * largest * (blocks if s["use_sum"] else 1), int(product), 60)
    above = [m for m, value in enumerate(got) if value > theta]
    assert above == oracle.activation(want, lists, s["query"], s["t16"], s["use_sum"]), \
        f"activation, seed {seed}"
    best = leading_one(max(got))
    assert [list_weight(leading_one(got[m]), best, False) for m in above] == \
        oracle.list_weights(want, above), f"weights, seed {seed}"
    candidate = np.random.default_rng(seed).integers(0, size, factors)
    table = s["query"].astype(np.int64)
    assert score(s["code"], candidate, table) == oracle.score(
        s["query"], [s["code"][f, m] for f, m in enumerate(candidate)]), f"score, seed {seed}"


@pytest.mark.parametrize("part", range(10))
def test_random_states(part):
    """10,000 states in all: all F, r, sum, soft and clean, with and without saturation."""
    for seed in range(part * 1000, (part + 1) * 1000):
        compare(seed)
