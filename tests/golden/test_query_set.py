"""Sets of queries: shapes, files, refusals."""

import numpy as np
import pytest

from blockfactor.errors import QueryError
from blockfactor.golden.query import Query, clean
from blockfactor.golden.query_set import QuerySet


def test_sets_and_their_files(tmp_path):
    queries = [Query([[(1, 3)], []]), Query([[(2, 1), (5, 4)], [(0, 2)]])]
    both = QuerySet.of(queries, truth=[[1, 2, 3], [4, 5, 6]])
    assert both.index.shape == (2, 2, 2) and len(both) == 2 and list(both) == queries
    path = tmp_path / "queries.npz"
    both.save(path)
    again = QuerySet.load(path)
    assert list(again) == queries and again.truth.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert again.index.dtype == again.weight.dtype == again.truth.dtype == np.uint16
    QuerySet(both.index, both.weight).save(path)
    assert QuerySet.load(path).truth is None
    with np.load(path) as archive:
        assert sorted(archive.files) == ["content", "format_version", "index", "kind", "weight"]
    assert QuerySet.of(queries, 8).index.shape == (2, 2, 8)


@pytest.mark.parametrize(("arrays", "message"), [
    ({"index": np.zeros((2, 3), int)}, "index has shape (2, 3), must have 3 axes"),
    ({"index": np.zeros((1, 2, 3))}, "index: float64 values are not integers"),
    ({"index": np.zeros((1, 2, 3), int)}, "index has shape (1, 2, 3), weight (2, 2, 2)"),
    ({"weight": np.full((2, 2, 2), 65536)}, "weight: values 65536..65536 are not all in 0..65535"),
    ({"truth": np.zeros((3, 2), int)}, "truth has 3 rows for 2 queries"),
    ({"weight": None}, "weight is missing"),
    ({"kind": "codebooks"}, "not a file of queries: kind is 'codebooks'"),
    ({"format_version": 7}, "format_version 7 is not 1"),
])
def test_files_with_wrong_content(tmp_path, arrays, message):
    arrays = {"kind": "queries", "format_version": 1, "index": np.zeros((2, 2, 2), int),
              "weight": np.ones((2, 2, 2), int)} | arrays
    arrays = {k: v for k, v in arrays.items() if v is not None}
    arrays["content"] = " ".join(sorted(arrays.keys() - {"kind", "format_version"}))
    path = tmp_path / "q.npz"
    np.savez(path, **arrays)
    with pytest.raises(QueryError) as caught:
        QuerySet.load(path)
    assert str(caught.value) == f"{path}: {message}"


def test_sets_that_are_none(tmp_path):
    with pytest.raises(QueryError, match="needs at least one"):
        QuerySet.of([])
    with pytest.raises(QueryError, match="differ in their number of blocks"):
        QuerySet.of([clean([1]), clean([1, 2])])
    with pytest.raises(QueryError, match="cannot be read: No such file"):
        QuerySet.load(tmp_path / "none.npz")
