"""Queries: product vectors, clean or soft, as a few weighted indices in each block.

A query entry (index, weight) says how much a network, or whatever made the query, believes that the
block's element is the one at that index. Weights are small integers: only their ratios within the
query matter. Empty blocks are allowed.

The makers here define the test inputs used throughout, see docs/design.md: clean (one entry of
weight 1 a block), soft (noisy softmax of the true index), damaged (whole blocks wrong). Those that
end in ``_batch`` work on many queries at once, as arrays [n, B, s] padded with weight 0, and give
the same as the single ones drawn one after the other from the same generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blockfactor.errors import QueryError, check_int, check_number

__all__ = [
    "Query",
    "clean",
    "clean_batch",
    "damaged",
    "damaged_batch",
    "from_probabilities",
    "from_probabilities_batch",
    "soft",
    "soft_batch",
    "soft_probabilities",
]

#: Largest index or weight that the arrays can hold.
LIMIT = (1 << 16) - 1

#: Queries turned from probabilities into entries at a time, which bounds the memory used.
CHUNK = 1024


@dataclass(frozen=True)
class Query:
    """A sparse soft query.

    Parameters
    ----------
    entries : sequence over B blocks of sequences of (index, weight)
        Integers 0..65535; kept by descending weight, then lowest index. Whether they suit a core
        is what :meth:`check` tells.

    Raises
    ------
    QueryError
        An entry that is not a pair of such integers.
    """

    entries: tuple[tuple[tuple[int, int], ...], ...]

    def __post_init__(self):
        blocks = []
        try:
            for b, block in enumerate(self.entries):
                pairs = [(self._integer(b, "index", i), self._integer(b, "weight", w))
                         for i, w in block]
                blocks.append(tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0]))))
        except QueryError:
            raise
        except (TypeError, ValueError):
            raise QueryError(f"query: entries {self.entries!r} are not, for each block, "
                             f"pairs (index, weight)") from None
        object.__setattr__(self, "entries", tuple(blocks))

    @staticmethod
    def _integer(block: int, name: str, value) -> int:
        return check_int(f"query, block {block}: {name}", value, 0, LIMIT, QueryError)

    @classmethod
    def from_arrays(cls, index: np.ndarray, weight: np.ndarray) -> "Query":
        """Query of arrays [B, s]; entries of weight 0 are padding."""
        index, weight = np.asarray(index), np.asarray(weight)
        if index.ndim != 2 or index.shape != weight.shape:
            raise QueryError(f"query: index of shape {index.shape} and weight of shape "
                             f"{weight.shape} are not both [blocks, entries]")
        return cls(tuple(tuple((i, w) for i, w in zip(*row) if w)
                         for row in zip(index.tolist(), weight.tolist())))

    @property
    def blocks(self) -> int:
        """Blocks B, empty ones included."""
        return len(self.entries)

    @property
    def smax(self) -> int:
        """Largest score a tuple can have: the blocks' largest weights, summed."""
        return sum(max((w for _, w in block), default=0) for block in self.entries)

    @property
    def q(self) -> int:
        """Largest sum of weights of any block."""
        return max((sum(w for _, w in block) for block in self.entries), default=0)

    @property
    def depth(self) -> int:
        """Most entries in any block."""
        return max((len(block) for block in self.entries), default=0)

    def check(self, blocks: int, block_length: int, entries: int, weight_bits: int) -> "Query":
        """Return this query, or raise QueryError where a core cannot take it.

        Parameters
        ----------
        blocks, block_length : int
            B and L of the core.
        entries : int
            Entries s that a block can have.
        weight_bits : int
            Bits of a weight; 1..2**weight_bits - 1 are allowed.
        """
        if self.blocks != blocks:
            raise QueryError(f"query has {self.blocks} blocks, the core has {blocks}")
        for b, block in enumerate(self.entries):
            if len(block) > entries:
                raise QueryError(f"query, block {b}: {len(block)} entries are outside 0..{entries}")
            seen = set()
            for index, weight in block:
                check_int(f"query, block {b}: index", index, 0, block_length - 1, QueryError)
                check_int(f"query, block {b}, index {index}: weight", weight, 1,
                          (1 << weight_bits) - 1, QueryError)
                if index in seen:
                    raise QueryError(f"query, block {b}: index {index} occurs twice, "
                                     f"allowed is once")
                seen.add(index)
        return self

    def arrays(self, entries: int) -> tuple[np.ndarray, np.ndarray]:
        """Index and weight as uint16 [B, s], padded with zeros.

        Raises
        ------
        QueryError
            A block has more than ``entries`` (s) entries.
        """
        index = np.zeros((self.blocks, entries), dtype=np.uint16)
        weight = np.zeros_like(index)
        for b, block in enumerate(self.entries):
            if len(block) > entries:
                raise QueryError(f"query, block {b}: {len(block)} entries are outside 0..{entries}")
            for n, pair in enumerate(block):
                index[b, n], weight[b, n] = pair
        return index, weight

    def dense(self, block_length: int) -> np.ndarray:
        """Weight of every index, as int64 [B, L].

        Raises
        ------
        QueryError
            An index is not below L, or occurs twice in a block.
        """
        table = np.zeros((self.blocks, block_length), dtype=np.int64)
        self.check(self.blocks, block_length, LIMIT, 16)
        for b, block in enumerate(self.entries):
            for index, weight in block:
                table[b, index] = weight
        return table


def _check_indices(indices, axes: int, block_length: int = LIMIT + 1) -> np.ndarray:
    array = np.asarray(indices)
    if array.ndim != axes or array.dtype.kind not in "iu" or array.shape[-1] == 0:
        raise QueryError(f"indices of shape {array.shape} and type {array.dtype} are not integers "
                         f"[{'n, ' * (axes - 1)}blocks]")
    wrong = (array < 0) | (array >= block_length)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        query = f"query {place[0]}, " if axes == 2 else "query, "
        raise QueryError(f"{query}block {place[-1]}: index {array[place]} is outside "
                         f"0..{block_length - 1}")
    return array.astype(np.int64)


def clean(indices: Sequence[int]) -> Query:
    """Query of a product vector: one entry of weight 1 in each of the B blocks."""
    return Query(tuple(((int(i), 1),) for i in _check_indices(indices, 1)))


def clean_batch(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clean queries of product vectors [n, B]: index and weight, uint16 [n, B, 1]."""
    index = _check_indices(indices, 2).astype(np.uint16)[:, :, None]
    return index, np.ones_like(index)


def soft_probabilities(indices: np.ndarray, block_length: int, margin: float,
                       rng: np.random.Generator) -> np.ndarray:
    """What a noisy network would say: ``softmax(2 * (g + margin * [true index]))`` in each block.

    Parameters
    ----------
    indices : integer array [B] or [n, B]
        True index of each block, 0..L-1.
    block_length : int
        L.
    margin : float
        Lead of the true index over the noise ``g ~ N(0, 1)``. Blocks whose largest element is
        wrong: for L = 128 about 1.4 % at 5 and 10 % at 4, for L = 64 about 7 % at 4 and 27 % at 3.
    rng : numpy Generator

    Returns
    -------
    float array [B, L] or [n, B, L], blocks of sum 1.
    """
    margin = check_number("margin", margin, -1e6, 1e6, QueryError)
    indices = _check_indices(indices, 2 if np.ndim(indices) == 2 else 1, block_length)
    logits = rng.standard_normal((*indices.shape, block_length))
    np.put_along_axis(logits, indices[..., None],
                      np.take_along_axis(logits, indices[..., None], -1) + margin, -1)
    logits *= 2
    logits -= logits.max(-1, keepdims=True)
    p = np.exp(logits, out=logits)
    p /= p.sum(-1, keepdims=True)
    return p


def from_probabilities_batch(p: np.ndarray, entries: int, weight_bits: int,
                             log: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Weighted entries of dense soft queries.

    The ``entries`` (s) largest elements of a block are kept, of equal ones the lowest index. With
    wmax = 2**weight_bits - 1 and peak the block's largest element the weight of element p is

        ``floor(wmax * p / peak + 0.5)``            or, with ``log``,
        ``max(0, floor(wmax - 2 * ln(peak / p) + 0.5))``,

    in float64, from left to right; weight 0 is dropped. A block of zeros is empty.

    Parameters
    ----------
    p : float array [n, B, L]
        At least 0 and finite; blocks need not be normalised.
    entries : int, 1..L
    weight_bits : int, 1..16
    log : bool

    Returns
    -------
    index, weight : uint16 array [n, B, s]
        By descending weight, then lowest index; padded with zeros.

    Raises
    ------
    QueryError
    """
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 3 or 0 in p.shape[1:]:
        raise QueryError(f"probabilities have shape {p.shape}, must be [n, blocks, block length]")
    entries = check_int("entries", entries, 1, p.shape[-1], QueryError)
    wmax = (1 << check_int("weight_bits", weight_bits, 1, 16, QueryError)) - 1
    wrong = ~(np.isfinite(p) & (p >= 0))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise QueryError(f"query {place[0]}, block {place[1]}, index {place[2]}: probability "
                         f"{p[place]:g} is not finite and at least 0")
    index = np.zeros((*p.shape[:2], entries), dtype=np.uint16)
    weight = np.zeros_like(index)
    for first in range(0, len(p), CHUNK):
        part = p[first:first + CHUNK]
        order = np.argsort(-part, axis=-1, kind="stable")[..., :entries]
        best = np.take_along_axis(part, order, -1)
        peak = best[..., :1]
        # Zeros give 0 / 0 or log(0): both mean weight 0.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            exact = wmax - 2 * np.log(peak / best) if log else wmax * best / peak
        weights = np.floor(np.where(best > 0, exact, 0.0) + 0.5)
        weights = np.clip(weights, 0, wmax).astype(np.int64)
        order[weights == 0] = 0
        rank = np.argsort(order - weights * (LIMIT + 1), axis=-1, kind="stable")
        index[first:first + CHUNK] = np.take_along_axis(order, rank, -1)
        weight[first:first + CHUNK] = np.take_along_axis(weights, rank, -1)
    return index, weight


def from_probabilities(p: np.ndarray, entries: int, weight_bits: int, log: bool = False) -> Query:
    """Query of one dense soft query [B, L]; see :func:`from_probabilities_batch`."""
    index, weight = from_probabilities_batch(np.asarray(p)[None], entries, weight_bits, log)
    return Query.from_arrays(index[0], weight[0])


def soft_batch(indices: np.ndarray, block_length: int, margin: float, rng: np.random.Generator,
               entries: int = 8, weight_bits: int = 4,
               log: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Soft queries of product vectors [n, B]: index and weight, uint16 [n, B, s].

    :func:`soft_probabilities`, then :func:`from_probabilities_batch`, some at a time.
    """
    indices = _check_indices(indices, 2, block_length)
    pairs = [from_probabilities_batch(
        soft_probabilities(indices[n:n + CHUNK], block_length, margin, rng), entries, weight_bits,
        log) for n in range(0, max(1, len(indices)), CHUNK)]
    return np.concatenate([i for i, _ in pairs]), np.concatenate([w for _, w in pairs])


def soft(indices: Sequence[int], block_length: int, margin: float, rng: np.random.Generator,
         entries: int = 8, weight_bits: int = 4, log: bool = False) -> Query:
    """Soft query of one product vector [B]; see :func:`soft_batch`."""
    return from_probabilities(soft_probabilities(indices, block_length, margin, rng), entries,
                              weight_bits, log)


def damaged_batch(indices: np.ndarray, block_length: int, wrong_blocks: int,
                  rng: np.random.Generator) -> np.ndarray:
    """Product vectors [n, B] with ``wrong_blocks`` blocks of each replaced by a wrong index.

    Which blocks, and which of the L - 1 wrong indices, is uniformly distributed. Returns uint16
    [n, B], to be given to :func:`clean_batch` or :func:`soft_batch`.
    """
    indices = _check_indices(indices, 2, block_length)
    blocks = indices.shape[1]
    wrong_blocks = check_int("wrong_blocks", wrong_blocks, 0, blocks, QueryError)
    check_int("block_length", block_length, 2, LIMIT + 1, QueryError)
    keys = np.empty(indices.shape)
    shift = np.empty_like(indices)
    # Row by row, so that a batch draws what single calls would.
    for n in range(len(indices)):
        rng.random(out=keys[n])
        shift[n] = rng.integers(1, block_length, blocks)
    chosen = np.argsort(keys, axis=1, kind="stable")[:, :wrong_blocks]
    mask = np.zeros(indices.shape, dtype=bool)
    np.put_along_axis(mask, chosen, True, 1)
    return np.where(mask, (indices + shift) % block_length, indices).astype(np.uint16)


def damaged(query: Query | Sequence[int], block_length: int, wrong_blocks: int,
            rng: np.random.Generator) -> Query:
    """Query with whole blocks replaced by one entry at a wrong index.

    Wrong means not the block's first entry (largest weight, lowest index). The new entry has that
    entry's weight; in an empty block any index is wrong, and its weight is 1. A sequence of indices
    stands for its clean query.
    """
    if not isinstance(query, Query):
        query = clean(query)
    top = [block[0] if block else (int(rng.integers(block_length)), 1) for block in query.entries]
    row = np.array([[index for index, _ in top]])
    wrong = damaged_batch(row, block_length, wrong_blocks, rng)[0]
    return Query(tuple(block if new == old else ((int(new), weight),)
                       for block, (old, weight), new in zip(query.entries, top, wrong)))
