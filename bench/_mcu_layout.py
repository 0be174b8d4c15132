"""The structures of bench/mcu/search.h for one shape, and golden's objects in them.

They hold no pointers, and host and microcontroller are both little-endian and align alike, so that
one layout serves both.
"""

from ctypes import LittleEndianStructure, c_int32, c_uint8, c_uint16, c_uint32, sizeof
from typing import NamedTuple

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.golden.result import STOPS
from blockfactor.parameters import RunParameters

__all__ = ["Shape", "answer", "load_codebooks", "load_parameters", "load_query", "structure"]


class Shape(NamedTuple):
    """What is fixed when the programs are compiled; the names are those of search.h."""

    factors: int = 3
    blocks: int = 4
    length: int = 128
    codevectors: int = 64
    list_size: int = 32
    entries: int = 8
    bits: int = 6
    #: Slots of the hash table of products, as a power of two; 0: no table.
    table_bits: int = 0
    #: Whether there is room for pairs behind the structure.
    pairs: bool = False

    @classmethod
    def of(cls, core: CoreConfig, table_bits: int = 0) -> "Shape":
        """The shape in which software gives the same results as ``core``."""
        return cls(core.factors, core.blocks, core.block_length, core.max_codevectors,
                   core.list_size, core.query_entries, core.codevector_bits, table_bits)

    @property
    def macros(self) -> list[str]:
        """Options for a compiler."""
        return [f"-D{name.upper()}={value}" for name, value in self._asdict().items()
                if name != "pairs" and (value or name != "table_bits")]

    @property
    def scale(self) -> int:
        """Factor of an index in a packed codevector."""
        return 256 // self.length


def structure(shape: Shape) -> type[LittleEndianStructure]:
    """``struct search``, or ``struct table`` or ``struct pairs`` where the shape has one."""
    factors, blocks, words = shape.factors, shape.blocks, shape.blocks // 4

    def record(name: str, *fields) -> type[LittleEndianStructure]:
        return type(name, (LittleEndianStructure,), {"_fields_": list(fields)})

    codebooks = record(
        "Codebooks", ("size", c_uint32 * factors),
        ("code", c_uint32 * words * shape.codevectors * factors),
        ("head", c_uint8 * 256 * blocks), ("next", c_uint8 * (shape.codevectors + 1) * blocks),
        ("column", c_uint8 * (shape.codevectors + 1) * blocks))
    parameters = record(
        "Parameters", ("known", c_int32 * factors), *((name, c_uint32) for name in (
            "seed", "level", "max_tuples", "heads", "threshold", "samples", "trim", "use_sum",
            "patience", "max_iterations", "histogram_limit", "similarity_limit")))
    query = record(
        "Query", ("count", c_uint8 * blocks), ("index", c_uint8 * shape.entries * blocks),
        ("weight", c_uint8 * shape.entries * blocks))
    result = record(
        "Result", ("index", c_uint32 * factors), ("score", c_uint32), ("runner_up", c_uint32),
        ("similarity", c_uint32 * factors), ("iterations", c_uint32), ("stop", c_uint32),
        ("crc", c_uint32))
    estimate = record(
        "List", ("count", c_uint32), ("sampled", c_uint32),
        ("code", c_uint32 * words * shape.list_size), ("weight", c_uint32 * shape.list_size))
    fields = [
        ("books", codebooks), ("parameters", parameters), ("query", query), ("result", result),
        ("weight", c_uint8 * 256 * (blocks // 2)), ("histogram", c_uint16 * 128 * blocks),
        ("list", estimate * factors)]
    if shape.table_bits:
        fields.append(("slot", c_uint16 * (1 << shape.table_bits)))
    if shape.pairs:
        fields += [("start", c_uint16 * (shape.length + 1) * blocks),
                   ("pair", c_uint16 * shape.codevectors ** 2 * blocks)]
    return record("Search", *fields)


def _fill(target, values: np.ndarray) -> None:
    """Copy an array into a member of the same size."""
    view = np.ctypeslib.as_array(target)
    view[...] = np.asarray(values).astype(view.dtype)


def load_codebooks(search, shape: Shape, books: list[np.ndarray]) -> None:
    """Pack codebooks: int array [M, B] of every factor."""
    for f, indices in enumerate(books):
        search.books.size[f] = len(indices)
        packed = np.ascontiguousarray(indices * shape.scale, dtype=np.uint8).view("<u4")
        np.ctypeslib.as_array(search.books.code[f])[:len(indices)] = packed


def load_parameters(search, core: CoreConfig, parameters: RunParameters) -> None:
    """Run parameters, and the widths at which the core's numbers end."""
    to = search.parameters
    _fill(to.known, parameters.known)
    for name in ("seed", "level", "max_tuples", "heads", "threshold", "samples", "trim", "patience",
                 "max_iterations"):
        setattr(to, name, getattr(parameters, name))
    to.use_sum = parameters.rule == "sum"
    to.histogram_limit = core.max_histogram
    to.similarity_limit = (1 << core.similarity_bits) - 1


def load_query(search, index: np.ndarray, weight: np.ndarray) -> None:
    """A query [B, s], padded with weight 0 at the end of its blocks."""
    _fill(search.query.count, (weight > 0).sum(axis=1))
    for name, values in (("index", index), ("weight", weight)):
        view = np.ctypeslib.as_array(getattr(search.query, name))
        view[:, :values.shape[1]] = values


def answer(search) -> dict:
    """The result, fields named as golden's."""
    result = search.result
    return {"indices": tuple(result.index), "score": result.score, "runner_up": result.runner_up,
            "similarities": tuple(result.similarity), "iterations": result.iterations,
            "stop": STOPS[result.stop], "crc": result.crc}


def size_of(shape: Shape, *members: str) -> int:
    """Bytes of members of the structure, such as ``books.head``."""
    total = 0
    for member in members:
        kind = structure(shape)
        for part in member.split("."):
            kind = dict(kind._fields_)[part]
        total += sizeof(kind)
    return total
