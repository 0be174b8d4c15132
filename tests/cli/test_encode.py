"""``blockfactor encode``: tuples and dense vectors become query entries."""

import json

import numpy as np
import pytest

from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query import from_probabilities
from blockfactor.golden.query_set import QuerySet

BOOK = Codebooks.random((22, 22, 22), 4, 128, 1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with codebooks."""
    monkeypatch.chdir(tmp_path)
    BOOK.save("book.npz")
    return tmp_path


def bound(chosen) -> list[int]:
    """Product vector of a tuple, straight from the definition."""
    return [sum(int(BOOK.indices[f][m][b]) for f, m in enumerate(chosen)) % 128 for b in range(4)]


def dense(queries: int, seed: int = 5) -> np.ndarray:
    """Random dense vectors, a few large elements each."""
    return np.random.default_rng(seed).dirichlet(np.full(128, .05), (queries, 4))


def test_tuples_as_json(here, command):
    done = command("encode", "3,1,7", "0,21,2", "--codebook", "book.npz", "--json")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == [
        {"entries": [[[i, 1]] for i in bound(t)], "truth": list(t)}
        for t in ((3, 1, 7), (0, 21, 2))]


def test_tuples_as_a_file(here, command):
    done = command("encode", "3,1,7", "0,21,2", "--codebook", "book.npz", "-o", "q.npz")
    assert done == (0, "q.npz: 2 queries of 4 blocks, up to 1 entries a block\n", "")
    queries = QuerySet.load("q.npz")
    assert queries.truth.tolist() == [[3, 1, 7], [0, 21, 2]]
    assert queries.index[:, :, 0].tolist() == [bound((3, 1, 7)), bound((0, 21, 2))]
    assert (queries.weight == 1).all()


def test_tuples_as_a_table(here, command):
    out = command("encode", "3,1,7", "--codebook", "book.npz", "--preset", "demo").out
    for index in bound((3, 1, 7)):
        assert f" {index}:1 " in out
    assert "3,1,7" in out


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("options", [{}, {"entries": 3}, {"weight_bits": 6}, {"log": True}])
def test_vectors(suffix, options, here, command):
    vectors = dense(3)
    np.save("v.npy", vectors)
    np.savez("v.npz", vectors=vectors, labels=[1, 2, 3])
    arguments = [word for name, value in options.items()
                 for word in (f"--{name.replace('_', '-')}", value) if value is not True]
    arguments += ["--log"] if "log" in options else []
    done = command("encode", f"v.{suffix}", *arguments, "-o", "q.npz", "--json")
    want = [from_probabilities(v, **{"entries": 8, "weight_bits": 4} | options) for v in vectors]
    assert list(QuerySet.load("q.npz")) == want
    assert json.loads(done.out) == [
        {"entries": [[list(pair) for pair in block] for block in query.entries]} for query in want]


def test_a_preset_sets_entries_and_bits(here, command):
    vectors = np.random.default_rng(2).dirichlet(np.full(100, .05), (2, 5))
    np.save("v.npy", vectors)
    assert command("encode", "v.npy", "--preset", "odd", "-o", "q.npz").status == 0
    assert list(QuerySet.load("q.npz")) == [from_probabilities(v, 6, 5) for v in vectors]


def test_one_vector_of_integers_and_blocks_shorter_than_the_entries(here, command):
    np.save("v.npy", np.array([[0, 3, 6], [5, 0, 0]]))
    rows = json.loads(command("encode", "v.npy", "--json").out)
    # 15 * 3 / 6 = 7.5 rounds up.
    assert rows == [{"entries": [[[2, 15], [1, 8]], [[0, 15]]]}]


def test_a_long_table_is_cut(here, command):
    np.save("v.npy", dense(13))
    out = command("encode", "v.npy").out
    assert out.endswith("and 3 more (--json prints all, -o writes them to a file)\n")
    assert len(json.loads(command("encode", "v.npy", "--json").out)) == 13


def test_codebooks_of_another_shape_are_refused(here, command):
    np.save("v.npy", dense(1)[:, :3])
    done = command("encode", "v.npy", "--codebook", "book.npz")
    assert done == (2, "", "blockfactor: error: v.npy: vectors have 3 blocks of 128, "
                           "must have 4 of 128\n")
