"""Sets of queries of one shape, and the files they are kept in."""

import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blockfactor.errors import QueryError

from ._archive import read_archive, write_archive
from .query import LIMIT, Query

__all__ = ["QuerySet"]

KIND = "queries"
VERSION = 1


@dataclass(frozen=True, eq=False)
class QuerySet:
    """Many queries of one shape, and the file they are kept in.

    The file is ``.npz``: ``kind`` "queries", ``format_version`` 1, ``index`` and ``weight`` (uint16
    [n, B, s], weight 0 is padding), where the answers are known ``truth`` (uint16 [n, F]), and
    ``content``, the names of the last two or three, sorted and separated by blanks.

    Parameters
    ----------
    index, weight : integer array [n, B, s]
    truth : integer array [n, F] or None
        True codevector of each factor.

    Raises
    ------
    QueryError
        Wrong shapes, or values that are not integers 0..65535.
    """

    index: np.ndarray
    weight: np.ndarray
    truth: np.ndarray | None = None

    def __post_init__(self):
        for name, axes in (("index", 3), ("weight", 3), ("truth", 2)):
            value = getattr(self, name)
            if value is None and name == "truth":
                continue
            array = np.asarray(value)
            if array.dtype.kind not in "iu":
                raise QueryError(f"{name}: {array.dtype} values are not integers")
            if array.ndim != axes:
                raise QueryError(f"{name} has shape {array.shape}, must have {axes} axes")
            if array.size and not 0 <= array.min() <= array.max() <= LIMIT:
                raise QueryError(f"{name}: values {array.min()}..{array.max()} are not all in "
                                 f"0..{LIMIT}")
            array = array.astype(np.uint16)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.index.shape != self.weight.shape:
            raise QueryError(f"index has shape {self.index.shape}, weight {self.weight.shape}")
        if self.truth is not None and len(self.truth) != len(self.index):
            raise QueryError(f"truth has {len(self.truth)} rows for {len(self.index)} queries")

    @classmethod
    def of(cls, queries: Sequence[Query], entries: int | None = None,
           truth: np.ndarray | None = None) -> "QuerySet":
        """Set of single queries; ``entries`` (s) is the most any block has if not given."""
        if not queries:
            raise QueryError("no queries: a set needs at least one")
        if len({query.blocks for query in queries}) > 1:
            raise QueryError("queries of a set differ in their number of blocks")
        if entries is None:
            entries = max(query.depth for query in queries)
        pairs = [query.arrays(entries) for query in queries]
        return cls(np.array([i for i, _ in pairs]), np.array([w for _, w in pairs]), truth)

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> Query:
        """Query ``number``; IndexError past the end, so that iterating works."""
        number = operator.index(number)
        return Query.from_arrays(self.index[number], self.weight[number])

    def save(self, path: str | os.PathLike) -> None:
        """Write a file whole or not at all; QueryError where it cannot be written."""
        arrays = {"index": self.index, "weight": self.weight}
        if self.truth is not None:
            arrays["truth"] = self.truth
        write_archive(path, KIND, VERSION, arrays, QueryError)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "QuerySet":
        """Read a file that :meth:`save` wrote; QueryError naming file and cause otherwise."""
        arrays = read_archive(path, KIND, VERSION, QueryError)
        for name in ("index", "weight"):
            if name not in arrays:
                raise QueryError(f"{path}: {name} is missing")
        try:
            return cls(arrays["index"], arrays["weight"], arrays.get("truth"))
        except QueryError as problem:
            raise QueryError(f"{path}: {problem}") from None
