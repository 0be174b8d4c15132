"""Serial multiplier: shift and add, some bits a cycle."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Multiplier"]


class Multiplier(wiring.Component):
    """Exact unsigned product in ``cycles`` cycles, ``digit`` bits of the multiplier a cycle.

    Parameters
    ----------
    multiplicand_bits, multiplier_bits : int
    digit : int
        Bits taken a cycle.

    Members
    -------
    start : In(1)
        Takes ``multiplier``; ``multiplicand`` must be stable until the product is valid.
    product : Out
        Valid ``cycles + 1`` cycles after ``start``, until the next start.
    busy : Out(1)
    """

    def __init__(self, multiplicand_bits: int, multiplier_bits: int, digit: int):
        self.digit = digit
        self.cycles = -(-multiplier_bits // digit)
        self.multiplicand_bits = multiplicand_bits
        super().__init__({
            "start": In(1),
            "multiplicand": In(multiplicand_bits),
            "multiplier": In(multiplier_bits),
            "product": Out(multiplicand_bits + self.cycles * digit),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        high = Signal(self.multiplicand_bits)
        # Multiplier bits leave at the bottom as finished product bits enter at the top.
        low = Signal(self.cycles * self.digit)
        left = Signal(range(self.cycles + 1))
        total = high
        for bit in range(self.digit):
            total = total + (Mux(low[bit], self.multiplicand, 0) << bit)
        m.d.comb += [self.product.eq(Cat(low, high)), self.busy.eq(left != 0)]
        with m.If(self.start):
            m.d.sync += [high.eq(0), low.eq(self.multiplier), left.eq(self.cycles)]
        with m.Elif(self.busy):
            m.d.sync += [
                Cat(low, high).eq(Cat(low[self.digit:], total[:self.multiplicand_bits
                                                              + self.digit])),
                left.eq(left - Const(1)),
            ]
        return m
