"""Serial divider that turns elements into weights."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["WeightDivider"]


class WeightDivider(wiring.Component):
    """Weight of an element in proportion to its block's peak: ``wmax * element / peak``, rounded.

    Rounds half up: ``floor((2 * wmax * element + peak) / (2 * peak))``, wmax = 2**weight_bits - 1.
    Restoring division, one quotient bit a cycle, of ``wmax * element`` (a shift and a subtraction)
    with one bit behind the point, which then rounds.

    ``weight`` is valid :attr:`latency` cycles after ``start``, and held until the next one; one
    division at a time.

    Parameters
    ----------
    element_bits : int
    weight_bits : int

    Members
    -------
    start : In(1)
        Takes ``element``; while busy it begins anew.
    element : In
        At most ``peak``.
    peak : In
        Not 0; stable from the cycle after ``start`` until ``busy`` falls.
    busy : Out(1)
        The division is under way.
    weight : Out
    """

    def __init__(self, element_bits: int, weight_bits: int):
        self.element_bits = element_bits
        self.weight_bits = weight_bits
        super().__init__({
            "start": In(1),
            "element": In(element_bits),
            "peak": In(element_bits),
            "busy": Out(1),
            "weight": Out(weight_bits),
        })

    @property
    def latency(self) -> int:
        """Cycles from ``start`` to the first in which ``weight`` is valid and ``busy`` low."""
        return self.weight_bits + 2

    def elaborate(self, platform):
        m = Module()
        steps = self.weight_bits + 1

        # The dividend enters the quotient's register from which quotient bits push it out; its
        # upper part is below the peak already, since wmax * element < 2**weight_bits * peak.
        dividend = Signal(self.element_bits + steps)
        remainder = Signal(self.element_bits, reset_less=True)
        quotient = Signal(steps, reset_less=True)
        m.d.comb += dividend[1:].eq(Cat(Const(0, self.weight_bits), self.element) - self.element)

        left = Signal(range(steps + 1))
        partial = Signal(self.element_bits + 1)
        fits = Signal()
        difference = Signal(self.element_bits + 2)
        m.d.comb += [
            self.busy.eq(left != 0),
            partial.eq(Cat(quotient[-1], remainder)),
            difference.eq(partial - self.peak),
            fits.eq(~difference[-1]),
            self.weight.eq(quotient[1:] + quotient[0]),
        ]
        with m.If(self.start):
            m.d.sync += [Cat(quotient, remainder).eq(dividend), left.eq(steps)]
        with m.Elif(self.busy):
            m.d.sync += [quotient.eq(Cat(fits, quotient)), left.eq(left - 1),
                         remainder.eq(partial)]
            with m.If(fits):
                m.d.sync += remainder.eq(difference)
        return m
