"""Thumb instructions: their lengths, estimated cycles, and whether an ARMv6-M has them.

Cycles are a model, not a measurement: memories without wait states, as the technical reference
manuals of the cores give them. A core's pipeline details, flash that is slower than the core, and
contention for the bus are left out.

=================================== ======================= ==============================
instruction                         Cortex-M0+              Cortex-M4
=================================== ======================= ==============================
load, store                         2                       2; 1 if one comes right before
of N registers                      1 + N                   1 + N
the same with pc                    3 + N                   3 + N
branch that is taken                2                       3
branch that is not taken            1                       1
BL / BX, BLX, to pc                 3 / 2                   3 / 3
multiplication                      1 (32 where small)      1; 2 with an addition
division                            there is none           12, the most
anything else                       1                       1
=================================== ======================= ==============================
"""

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Instruction", "cost", "decode", "foreign"]


class Instruction(NamedTuple):
    """What is known of an instruction.

    ``kind`` is one of plain, access, multiple, branch, call, jump, multiply, accumulate, divide;
    ``count`` the registers of a multiple access; ``to_pc`` whether it loads pc, too.
    """

    size: int
    kind: str
    count: int = 0
    to_pc: bool = False


def _short(word: int) -> Instruction:
    top = word >> 12
    if word >> 11 == 0b01001 or top in (5, 6, 7, 8, 9):
        return Instruction(2, "access")
    if word & 0xF600 == 0xB400:  # push, pop
        lists = bin(word & 0xFF).count("1") + (word >> 8 & 1)
        return Instruction(2, "multiple", lists, bool(word & 0x0800 and word & 0x0100))
    if top == 0xC:
        return Instruction(2, "multiple", bin(word & 0xFF).count("1"))
    if (top == 0xD and word >> 8 & 15 < 14) or word >> 11 == 0b11100 or word & 0xF500 == 0xB100:
        return Instruction(2, "branch")
    if word & 0xFF00 == 0x4700 or word & 0xFD87 == 0x4487:  # bx, blx; add or mov to pc
        return Instruction(2, "jump")
    return Instruction(2, "multiply" if word & 0xFFC0 == 0x4340 else "plain")


def _long(first: int, second: int) -> Instruction:
    if first >> 11 == 0b11110 and second & 0x8000:
        if second & 0xD000 == 0xD000:
            return Instruction(4, "call")
        if second & 0x1000 or first >> 7 & 7 != 7:
            return Instruction(4, "branch")
        return Instruction(4, "plain")  # msr, mrs, barriers
    if first & 0xFE40 == 0xE800:
        return Instruction(4, "multiple", bin(second).count("1"), bool(first & 16 and second >> 15))
    if first & 0xFFF0 == 0xE8D0 and second & 0xFFE0 == 0xF000:  # tbb, tbh
        return Instruction(4, "multiple", 1, True)
    if first & 0xFE40 == 0xE840:
        return Instruction(4, "multiple", 2)
    if first & 0xFE00 == 0xF800:
        if first & 0x10 and second >> 12 == 15:
            return Instruction(4, "multiple", 1, True)
        return Instruction(4, "access")
    if first & 0xFF80 == 0xFB00:
        return Instruction(4, "multiply" if second >> 12 == 15 else "accumulate")
    if first & 0xFFD0 == 0xFB90:
        return Instruction(4, "divide")
    return Instruction(4, "multiply" if first & 0xFF80 == 0xFB80 else "plain")


def decode(code: bytes) -> Iterator[tuple[int, Instruction]]:
    """First halfword and meaning of each instruction of a stretch of code."""
    at = 0
    while at < len(code):
        first = int.from_bytes(code[at:at + 2], "little")
        if first >> 11 in (0b11101, 0b11110, 0b11111):
            found = _long(first, int.from_bytes(code[at + 2:at + 4], "little"))
        else:
            found = _short(first)
        yield first, found
        at += found.size


def foreign(code: bytes) -> list[str]:
    """Instructions that an ARMv6-M does not have, as hexadecimal halfwords."""
    found = []
    for first, instruction in decode(code):
        if instruction.size == 4:
            # ARMv6-M has six of 32 bits: bl, msr, mrs, dsb, dmb, isb.
            fine = instruction.kind == "call" or first in (0xF3BF, 0xF3EF) or first >> 4 == 0xF38
        else:
            compare_branch = first & 0xF500 == 0xB100
            if_then = first & 0xFF00 == 0xBF00 and first & 15
            fine = not (compare_branch or if_then)
        if not fine:
            found.append(f"{first:04x}")
    return found


#: Cycles of what goes elsewhere, by core: branch, call, jump.
TAKEN = {"cortex_m0plus": {"branch": 2, "call": 3, "jump": 2},
         "cortex_m4": {"branch": 3, "call": 3, "jump": 3}}


def cost(code: bytes, cpu: str) -> tuple[int, int, int]:
    """Of a block of code: its instructions, its cycles, and those more if its end jumps."""
    taken, cycles, count, more, before = TAKEN[cpu], 0, 0, 0, ""
    for _, instruction in decode(code):
        kind = instruction.kind
        count += 1
        more = 0
        if kind == "access":
            cycles += 1 if cpu == "cortex_m4" and before == "access" else 2
        elif kind == "multiple":
            cycles += 1 + instruction.count
            more = 2 * instruction.to_pc
        elif kind in taken:
            cycles += 1
            more = taken[kind] - 1
        else:
            cycles += {"accumulate": 2, "divide": 12}.get(kind, 1)
        before = kind
    return count, cycles, more
