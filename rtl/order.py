"""Order statistic and sum of the blocks' values."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["OrderStatistic"]


class OrderStatistic(wiring.Component):
    """The (trim + 1)-th smallest of some values, or their sum; 2 cycles, one set a cycle.

    First all pairs are compared at once, then each value's rank is the number of values below
    it; of equal values the earlier one ranks lower.

    Parameters
    ----------
    bits, count : int
        Width and number of values.

    Members
    -------
    values : In(ArrayLayout(bits, count))
    trim : In
    use_sum : In(1)
    o : Out
        The result, ``latency`` cycles after the values.
    """

    latency = 2

    def __init__(self, bits: int, count: int):
        self.bits = bits
        self.count = count
        super().__init__({
            "values": In(data.ArrayLayout(bits, count)),
            "trim": In(max(1, (count - 1).bit_length())),
            "use_sum": In(1),
            "o": Out((((1 << bits) - 1) * count).bit_length()),
        })

    def elaborate(self, platform):
        m = Module()
        held = Signal.like(self.values)
        m.d.sync += held.eq(self.values)
        below = {}  # below[i, j]: value i ranks below value j
        for i in range(self.count):
            for j in range(i + 1, self.count):
                flag = Signal(name=f"below_{i}_{j}")
                m.d.sync += flag.eq(self.values[i] <= self.values[j])
                below[i, j] = flag
                below[j, i] = ~flag
        chosen = 0
        total = 0
        for i in range(self.count):
            rank = sum((below[j, i] for j in range(self.count) if j != i), start=0)
            rank_signal = Signal(range(self.count), name=f"rank{i}")
            m.d.comb += rank_signal.eq(rank)
            pick = Signal(name=f"pick{i}")
            m.d.comb += pick.eq(rank_signal == self.trim)
            chosen = chosen | Mux(pick, held[i], 0)
            total = total + held[i]
        m.d.sync += self.o.eq(Mux(self.use_sum, total, chosen))
        return m
