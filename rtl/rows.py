"""Rows of the join engine: enumerates and binds all tuples of the factors but the last."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices, run_parameters
from .modular import add_modulo

__all__ = ["RowEngine", "row_codevectors"]


def row_codevectors(config: CoreConfig) -> data.ArrayLayout:
    """Codevectors of a row: of all factors but the last."""
    return data.ArrayLayout(config.codevector_bits, config.factors - 1)


class RowEngine(wiring.Component):
    """A group of rows a cycle, one in each lane: tuples of the factors but the last, bound.

    The last of them, the inner one, runs fastest: lane n has its codevectors n, n + lanes, and so
    on. Before each pass of it the outer factors' codevectors are bound, a cycle each. Every factor
    starts at ``first``, the inner one with the group of that codevector, and wraps; a known factor
    stays. Sums are valid ``latency`` cycles after their codevector was addressed.

    Members
    -------
    start : In(1)
        Begin; ``first`` is taken. The parameters were stable the cycle before.
    advance : In(1)
        While low everything stays as it is, the codebook ports too.
    halt : In(1)
        Forget all rows.
    first : In(row_codevectors(config))
    parameters : In(run_parameters(config))
    factor : Out; codevector : Out, indices : In, per lane
        To and from the codebook memory.
    valid : Out(1), sums : Out, per lane
        A row.
    codevectors : Out(row_codevectors(config))
        The rows'; the inner one's lowest bits, which number the lane, are 0.
    busy : Out(1)
        Rows are yet to come, or in the pipeline before ``valid``.
    """

    latency = 2

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "start": In(1),
            "advance": In(1),
            "halt": In(1),
            "first": In(row_codevectors(config)),
            "parameters": In(run_parameters(config)),
            "factor": Out(config.factor_bits),
            "codevector": Out(config.codevector_bits).array(config.lanes),
            "indices": In(block_indices(config)).array(config.lanes),
            "valid": Out(1).array(config.lanes),
            "sums": Out(block_indices(config)).array(config.lanes),
            "codevectors": Out(row_codevectors(config)),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config, p = self.config, self.parameters
        inner = config.factors - 2
        low = (config.lanes - 1).bit_length()  # bits that number the lane
        index = Signal(row_codevectors(config))  # the inner one by group
        running = Signal()
        factor = Signal(config.factor_bits)

        # The odometer: each factor carries into the one before it at the end of its pass. What
        # that takes is registered: with the arithmetic it was the longest path.
        step = running & (factor == inner)
        carry = step
        for f in reversed(range(inner + 1)):
            shift = low if f == inner else 0
            highest = Signal(config.codevector_bits, name=f"highest{f}")
            end = Signal(config.codevector_bits, name=f"end{f}")
            first = self.first[f] >> shift
            m.d.sync += highest.eq((p.sizes[f] - 1) >> shift)
            with m.If(self.start):
                m.d.sync += [index[f].eq(first), end.eq(Mux(first == 0, highest, first - 1))]
            with m.Elif(self.advance & carry & ~p.known[f]):
                m.d.sync += index[f].eq(Mux(index[f] == highest, 0, index[f] + 1))
            carry = carry & (p.known[f] | (index[f] == end))
            if f == inner:
                end_of_pass, highest_group = carry, highest
        with m.If(self.advance & running):
            m.d.sync += factor.eq(Mux(factor == inner, inner, factor + 1))
            with m.If(end_of_pass):
                m.d.sync += factor.eq(0)
            with m.If(carry):
                m.d.sync += running.eq(0)
        with m.If(self.start):
            m.d.sync += [factor.eq(0), running.eq(1)]

        m.d.comb += self.factor.eq(factor)
        for n in range(config.lanes):
            m.d.comb += self.codevector[n].eq(
                Mux(factor == inner, Cat(Const(n, low), index[inner]), index[factor]))

        # Stage 1: the codevectors are read. Stage 2: they are bound to the outer ones'.
        read, outer, begins = Signal(), Signal(), Signal()
        held = Signal.like(index)
        with m.If(self.advance):
            m.d.sync += [read.eq(running), outer.eq(factor != inner), begins.eq(factor == 0),
                         held.eq(index)]
            for f in range(inner):
                m.d.sync += self.codevectors[f].eq(held[f])
            m.d.sync += self.codevectors[inner].eq(Cat(Const(0, low), held[inner]))
        prefix = Signal(block_indices(config))
        for n in range(config.lanes):
            present = Signal(name=f"present{n}")
            if low:
                # The last group need not be full, and a known factor has one row.
                over = Signal(name=f"over{n}")
                lane_over = Signal(name=f"lane_over{n}")
                m.d.sync += lane_over.eq((p.sizes[inner] - 1)[:low] < n)
                with m.If(self.advance):
                    m.d.sync += over.eq((index[inner] == highest_group) & lane_over)
                m.d.comb += present.eq(~over & (~p.known[inner]
                                                | (p.known_index[inner][:low] == n)))
            else:
                m.d.comb += present.eq(1)
            for b in range(config.blocks):
                before = Mux(begins, 0, prefix[b])
                bound = add_modulo(before, self.indices[n][b], config.block_length)
                with m.If(self.advance):
                    m.d.sync += self.sums[n][b].eq(bound)
                    if n == 0:
                        with m.If(read & outer):
                            m.d.sync += prefix[b].eq(bound)
            with m.If(self.advance):
                m.d.sync += self.valid[n].eq(read & ~outer & present)
        m.d.comb += self.busy.eq(running | read)
        with m.If(self.halt):
            m.d.sync += [running.eq(0), read.eq(0), *(self.valid[n].eq(0)
                                                      for n in range(config.lanes))]
        return m
