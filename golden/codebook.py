"""Codebooks of sparse block codes: codevectors as indices, binding as addition of indices.

A codevector has B blocks of L elements, one element of each block is 1; it is kept as the B indices
of those. Binding, block-wise circular convolution, then adds indices modulo L.
Source: Hersche et al., "Factorizers for Distributed Sparse Block Codes", arXiv 2303.13957.

File format
-----------
``.npz``: ``kind`` "codebooks", ``format_version`` 1, ``block_length`` (integer L), for each factor
f in 0..F-1 ``indices_f`` (uint16 [M_f, B]), and ``content``, the sorted names of the arrays after
``format_version``, separated by blanks. Written whole or not at all.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from blockfactor.errors import CodebookError, check_int

from ._archive import read_archive, write_archive

__all__ = ["MAX_BLOCK_LENGTH", "Codebooks", "bind", "encode", "product", "unbind"]

#: Largest block length whose indices fit uint16.
MAX_BLOCK_LENGTH = 1 << 16

KIND = "codebooks"
VERSION = 1


def _indices(factor: int, values) -> np.ndarray:
    """A read-only uint16 copy of a codebook; CodebookError where that would change a value."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise CodebookError(f"codebook {factor}: codevectors differ in length") from None
    if array.size == 0:
        raise CodebookError(f"codebook {factor} is empty")
    if array.dtype.kind not in "iu":
        raise CodebookError(f"codebook {factor}: {array.dtype} values are not integers")
    if array.ndim != 2:
        raise CodebookError(f"codebook {factor} has shape {array.shape}, must be "
                            f"[codevectors, blocks]")
    _check_range(factor, array, MAX_BLOCK_LENGTH)
    array = array.astype(np.uint16)
    array.flags.writeable = False
    return array


def _check_range(factor: int, array: np.ndarray, length: int) -> None:
    wrong = (array < 0) | (array >= length)
    if wrong.any():
        m, b = (int(i) for i in np.argwhere(wrong)[0])
        raise CodebookError(f"codebook {factor}, codevector {m}, block {b}: index {array[m, b]} "
                            f"is outside 0..{length - 1}")


@dataclass(frozen=True, eq=False)
class Codebooks:
    """The codebooks of F factors.

    Parameters
    ----------
    indices : sequence of F integer arrays [M_f, B]
        Index of the one in each block of each codevector, 0..L-1; kept as read-only uint16.
    block_length : int, 1..65536
        Elements L of a block.

    Raises
    ------
    CodebookError
        Naming codebook, codevector, block, value and allowed range.
    """

    indices: tuple[np.ndarray, ...]
    block_length: int

    def __post_init__(self):
        length = check_int("block_length", self.block_length, 1, MAX_BLOCK_LENGTH, CodebookError)
        object.__setattr__(self, "block_length", length)
        if not isinstance(self.indices, Iterable):
            raise CodebookError(f"indices {self.indices!r} is not a sequence of codebooks")
        object.__setattr__(self, "indices",
                           tuple(_indices(f, values) for f, values in enumerate(self.indices)))
        self.check()

    def check(self) -> "Codebooks":
        """Return these codebooks, or raise CodebookError where they are not consistent.

        Checked when made, too: no factors, an empty codebook, a wrong shape, codebooks with
        different numbers of blocks, an index outside 0..L-1.
        """
        if not self.indices:
            raise CodebookError("no codebooks: at least one factor is needed")
        for f, array in enumerate(self.indices):
            if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] == 0:
                raise CodebookError(f"codebook {f} has shape {array.shape}, must be "
                                    f"[codevectors, blocks], neither 0")
            if array.shape[1] != self.blocks:
                raise CodebookError(f"codebook {f} has {array.shape[1]} blocks, "
                                    f"codebook 0 has {self.blocks}")
            _check_range(f, array, self.block_length)
        return self

    @property
    def factors(self) -> int:
        """Number of codebooks F."""
        return len(self.indices)

    @property
    def blocks(self) -> int:
        """Blocks B of a vector."""
        return self.indices[0].shape[1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codevectors M of each codebook."""
        return tuple(len(array) for array in self.indices)

    @property
    def dimension(self) -> int:
        """Elements of a vector, ``B * L``."""
        return self.blocks * self.block_length

    @classmethod
    def random(cls, sizes: Sequence[int], blocks: int, block_length: int,
               seed: int | np.random.Generator) -> "Codebooks":
        """Codebooks with independent, uniformly distributed indices.

        Drawn in order of factor, codevector and block from ``np.random.default_rng(seed)``: the
        same seed gives the same codebooks. Codevectors can repeat, see :meth:`duplicates`.
        """
        blocks = check_int("blocks", blocks, 1, 1 << 16, CodebookError)
        length = check_int("block_length", block_length, 1, MAX_BLOCK_LENGTH, CodebookError)
        if not isinstance(sizes, Iterable):
            raise CodebookError(f"sizes {sizes!r} is not a sequence, one size per factor")
        sizes = [check_int(f"sizes[{f}]", size, 1, 1 << 24, CodebookError)
                 for f, size in enumerate(sizes)]
        rng = np.random.default_rng(seed)
        return cls(tuple(rng.integers(0, length, (size, blocks)) for size in sizes), length)

    def duplicates(self) -> list[tuple[int, int, int]]:
        """Repeated codevectors as (factor, codevector, first codevector equal to it)."""
        found = []
        for f, array in enumerate(self.indices):
            first = {}
            for m, row in enumerate(array):
                original = first.setdefault(row.tobytes(), m)
                if original != m:
                    found.append((f, m, original))
        return found

    def save(self, path: str | os.PathLike) -> None:
        """Write a file (format above) whole or not at all; CodebookError where it cannot be."""
        arrays = {f"indices_{f}": array for f, array in enumerate(self.indices)}
        write_archive(path, KIND, VERSION, {"block_length": np.int64(self.block_length), **arrays},
                      CodebookError)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Codebooks":
        """Read a file that :meth:`save` wrote; CodebookError naming file and cause otherwise."""
        arrays = read_archive(path, KIND, VERSION, CodebookError)
        length = arrays.get("block_length")
        factors = sum(name.startswith("indices_") for name in arrays)
        for name in ["block_length", *(f"indices_{f}" for f in range(factors))]:
            if name not in arrays:
                raise CodebookError(f"{path}: {name} is missing")
        if length.shape != () or length.dtype.kind not in "iu":
            raise CodebookError(f"{path}: block_length is not one integer")
        try:
            return cls(tuple(arrays[f"indices_{f}"] for f in range(factors)), int(length))
        except CodebookError as problem:
            raise CodebookError(f"{path}: {problem}") from None

    def __eq__(self, other) -> bool:
        if not isinstance(other, Codebooks):
            return NotImplemented
        return (self.block_length == other.block_length and self.sizes == other.sizes
                and all(map(np.array_equal, self.indices, other.indices)))

    def __hash__(self) -> int:
        return hash((self.block_length, *(array.tobytes() for array in self.indices)))


def bind(a: np.ndarray, b: np.ndarray, block_length: int) -> np.ndarray:
    """Bind index arrays: ``(a + b) mod L`` with broadcasting, as uint16.

    The block-wise circular convolution of the vectors they stand for.
    """
    total = np.asarray(a, dtype=np.int64) + np.asarray(b, dtype=np.int64)
    return (total % block_length).astype(np.uint16)


def unbind(c: np.ndarray, a: np.ndarray, block_length: int) -> np.ndarray:
    """Take ``a`` out of ``c``: ``(c - a) mod L`` with broadcasting, as uint16.

    The block-wise circular correlation; ``unbind(bind(a, b, L), a, L)`` is ``b``.
    """
    rest = np.asarray(c, dtype=np.int64) - np.asarray(a, dtype=np.int64)
    return (rest % block_length).astype(np.uint16)


def product(codebooks: Codebooks, tuples: np.ndarray) -> np.ndarray:
    """Product vectors of many tuples.

    Parameters
    ----------
    tuples : integer array [n, F]
        One codevector of every codebook, 0..M_f-1.

    Returns
    -------
    uint16 array [n, B]

    Raises
    ------
    CodebookError
        Wrong shape, or a codevector the codebook does not have.
    """
    tuples = np.asarray(tuples)
    if tuples.ndim != 2 or tuples.shape[1] != codebooks.factors or tuples.dtype.kind not in "iu":
        raise CodebookError(f"tuples have shape {tuples.shape} of {tuples.dtype}, must be integers "
                            f"[n, {codebooks.factors}]")
    total = np.zeros((len(tuples), codebooks.blocks), dtype=np.int64)
    for f, (array, chosen) in enumerate(zip(codebooks.indices, tuples.T)):
        wrong = (chosen < 0) | (chosen >= len(array))
        if wrong.any():
            n = int(np.argmax(wrong))
            raise CodebookError(f"tuple {n}, factor {f}: codevector {chosen[n]} is outside "
                                f"0..{len(array) - 1}")
        total += array[chosen]
    return (total % codebooks.block_length).astype(np.uint16)


def encode(codebooks: Codebooks, indices: Sequence[int]) -> np.ndarray:
    """Product vector of one tuple of F codevectors, as uint16 [B]; errors as :func:`product`."""
    row = [check_int(f"factor {f}, codevector", m, 0, (1 << 31) - 1, CodebookError)
           for f, m in enumerate(indices)]
    if len(row) != codebooks.factors:
        raise CodebookError(f"tuple {tuple(row)} has {len(row)} entries, "
                            f"there are {codebooks.factors} codebooks")
    return product(codebooks, np.array([row]))[0]
