"""Which memories become block RAMs, look-up tables or flip-flops on a family, as Yosys decides.

Yosys' ``memory_libmap`` gives every way of making a memory a cost and takes the cheapest. The
families' ways are in its ``brams*.txt`` and ``lutrams*.txt``; the few that memories with a write
and a read port can take are here.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from .memories import MemoryShape
from .parts import Part

__all__ = ["RAMS", "Mapped", "Ram", "Resources", "map_memory", "resources"]


class Ram(NamedTuple):
    """A way of making memories.

    Parameters
    ----------
    bits : int
        In one unit, not counting those for parity.
    widths : tuple of int
        Bits of a row; the unit has ``bits / 2**n`` rows at the n-th of all widths of the family.
    first : int
        Which of all widths ``widths`` begins with.
    cost : float
        Of a unit.
    byte : int
        Bits that a row's width is rounded up to, 0: a unit's width.
    block : bool
        A block RAM, not look-up tables.
    scaled : bool
        The part of a unit that is not used costs nothing.
    emulated : float
        Cost of what is missing: a register behind a memory that is read in the same cycle.
    place : float
        Of a block RAM, as :class:`~.parts.Part` counts them, that a unit takes.
    """

    bits: int
    widths: tuple[int, ...]
    first: int
    cost: float
    byte: int
    block: bool = True
    scaled: bool = False
    emulated: float = 0
    place: float = 1


def _look_up(scaled: bool = False) -> Ram:
    return Ram(16, (4,), 0, 4, 0, block=False, scaled=scaled, emulated=6)


_18K = (Ram(1 << 14, (1, 2, 4, 9, 18), 0, 128, 9), Ram(1 << 14, (36,), 5, 128, 9))
RAMS = {
    "ice40": (Ram(1 << 11, (2, 4, 8), 0, 64, 0), Ram(1 << 11, (16,), 3, 64, 1)),
    "ecp5": (*_18K, _look_up()),
    "nexus": (*_18K, _look_up()),
    "gowin": (*_18K, _look_up(scaled=True)),
    "gatemate": (Ram(1 << 14, (1, 2, 5, 10, 20), 0, 129, 1, place=.5),
                 Ram(1 << 14, (40,), 5, 129, 1, place=.5),
                 Ram(1 << 15, (1, 2, 5, 10, 20, 40), 0, 257, 1), Ram(1 << 15, (80,), 6, 257, 1)),
}

#: Yosys' weights of inputs of multiplexers and of write enables.
MUX, DEMUX = .5, .5


class Mapped(NamedTuple):
    """How a memory is made.

    ``ram`` is None where flip-flops make it; ``units`` counts RAMs, ``mux`` the inputs of
    multiplexers behind them.
    """

    ram: Ram | None
    units: int
    mux: int


class Resources(NamedTuple):
    """What memories take together: block RAMs as synthesis counts them, RAMs of look-up tables,
    inputs of multiplexers behind them, bits in flip-flops, registers behind RAMs of look-up tables,
    and block RAMs as a part has them: a GateMate's are halved for what is small.
    """

    blocks: int = 0
    lut_rams: int = 0
    mux: int = 0
    bits: int = 0
    registers: int = 0
    places: int = 0


def _units(ram: Ram, n: int, unit: int, width: int, depth: int) -> tuple[int, int]:
    """RAMs of the n-th width that make a memory, and the parts its rows are in."""
    parts = -(-depth // (ram.bits >> n))
    byte = min(ram.byte or unit, unit)
    return -(-parts * (-(-width // byte) * byte) // unit), parts


def map_memory(part: Part, shape: MemoryShape) -> Mapped:
    """How one memory of a shape is made."""
    width, depth = shape.width, shape.depth
    best, least = Mapped(None, 0, 0), float("inf") if shape.block else width * depth
    look_ups = not shape.block and "-nolutram" not in part.synthesis
    for ram in RAMS[part.family]:
        if not ram.block and not look_ups:
            continue
        for n, unit in enumerate(ram.widths, ram.first):
            units, parts = _units(ram, n, unit, width, depth)
            mux = (parts - 1) * width
            cost = (ram.cost * (parts * width / unit if ram.scaled else units)
                    + MUX * mux + DEMUX * (parts if parts > 1 else 0) + ram.emulated)
            if cost < least:
                # What is not read is left out, but only after Yosys has chosen.
                left, parts = _units(ram, n, unit, width - shape.unread,
                                     depth - shape.unread_rows)
                best, least = Mapped(ram, left, (parts - 1) * (width - shape.unread)), cost
    return best


def resources(part: Part, shapes: Iterable[MemoryShape]) -> Resources:
    """What memories take together on a part."""
    blocks = lut_rams = mux = bits = registers = 0
    places = 0.0
    for shape in shapes:
        ram, units, inputs = map_memory(part, shape)
        width = shape.width - shape.unread
        mux += inputs * shape.count
        if ram is None:
            bits += width * (shape.depth - shape.unread_rows) * shape.count
        elif ram.block:
            blocks += units * shape.count
            places += units * shape.count * ram.place
        else:
            lut_rams += units * shape.count
            registers += width * shape.count
    return Resources(blocks, lut_rams, mux, bits, registers, math.ceil(places))
