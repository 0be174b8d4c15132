"""Logarithmic weights, of elements that are logits: a subtraction and a shift."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LogWeight"]


class LogWeight(wiring.Component):
    """Weight of a logit by its distance from its block's peak: the rule ``log``.

    ``max(0, wmax - (peak - element) / 2**shift)``, rounded half up, wmax = 2**weight_bits - 1; see
    golden/frontend.py. One register holds the element, then the distance, then what it takes off.

    ``weight`` is valid :attr:`latency` cycles after ``start``, and held until the next one; one
    element at a time. That is never later than
    :class:`~blockfactor.rtl.divider.WeightDivider` has its.

    Parameters
    ----------
    element_bits : int
    weight_bits : int

    Members
    -------
    start : In(1)
        Takes ``element``; while under way it begins anew.
    element : In
        At most ``peak``.
    peak : In
        Stable in the cycle after ``start``.
    shift : In(4)
        t, stable in the second cycle after ``start``.
    weight : Out
    """

    def __init__(self, element_bits: int, weight_bits: int):
        self.element_bits = element_bits
        self.weight_bits = weight_bits
        super().__init__({
            "start": In(1),
            "element": In(element_bits),
            "peak": In(element_bits),
            "shift": In(4),
            "weight": Out(weight_bits),
        })

    @property
    def latency(self) -> int:
        """Cycles from ``start`` to the first in which ``weight`` is valid."""
        return 3

    def elaborate(self, platform):
        m = Module()
        wmax = (1 << self.weight_bits) - 1
        value = Signal(self.element_bits, reset_less=True)
        step = Signal(2)
        # 2**(shift - 1) - 1, or as much of it as an element has bits: beyond them it makes no
        # difference, since nothing is left after the shift anyway.
        half = Signal(self.element_bits)
        m.d.comb += half.eq(Cat(self.shift > n + 1 for n in range(self.element_bits)))
        m.d.sync += step.eq(Cat(self.start, step[0] & ~self.start))
        with m.If(self.start):
            m.d.sync += value.eq(self.element)
        with m.Elif(step[0]):
            m.d.sync += value.eq(self.peak - value)
        with m.Elif(step[1]):
            m.d.sync += value.eq((value + half) >> self.shift)
        m.d.comb += self.weight.eq(Mux(value > wmax, 0, wmax - value))
        return m
