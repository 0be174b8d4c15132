"""Arithmetic modulo the block length: binding and unbinding of one-hot blocks."""

from amaranth.hdl import Mux

__all__ = ["add_modulo", "subtract_modulo"]


def add_modulo(a, b, length: int):
    """``(a + b) mod length`` for operands below ``length``: binding."""
    bits = (length - 1).bit_length()
    if length == 1 << bits:
        return (a + b)[:bits]
    total = a + b
    return Mux(total >= length, total - length, total)[:bits]


def subtract_modulo(a, b, length: int):
    """``(a - b) mod length`` for operands below ``length``: unbinding."""
    bits = (length - 1).bit_length()
    if length == 1 << bits:
        return (a - b)[:bits]
    return Mux(a < b, a - b + length, a - b)[:bits]
