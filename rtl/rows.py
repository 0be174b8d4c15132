"""Rows of the join engine: enumerates and binds all tuples of the factors but the last."""

from amaranth.hdl import Module, Mux, Signal
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
    """A row a cycle: a tuple of the factors but the last, bound.

    The last of them, the inner one, runs fastest. Before each pass of it the outer factors'
    codevectors are bound, a cycle each. Every factor starts at ``first`` and wraps; a known factor
    stays. A row's sums are valid ``latency`` cycles after its codevector was addressed.

    Members
    -------
    start : In(1)
        Begin; ``first`` is taken. The parameters were stable the cycle before.
    advance : In(1)
        While low everything stays as it is, the codebook port too.
    halt : In(1)
        Forget all rows.
    first : In(row_codevectors(config))
    parameters : In(run_parameters(config))
    factor, codevector : Out, indices : In
        To and from the codebook memory.
    valid : Out(1), sums : Out, codevectors : Out
        A row.
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
            "codevector": Out(config.codevector_bits),
            "indices": In(block_indices(config)),
            "valid": Out(1),
            "sums": Out(block_indices(config)),
            "codevectors": Out(row_codevectors(config)),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config, p = self.config, self.parameters
        inner = config.factors - 2
        index = Signal(row_codevectors(config))
        running = Signal()
        factor = Signal(config.factor_bits)
        m.d.comb += [self.factor.eq(factor), self.codevector.eq(index[factor])]

        # The odometer: each factor carries into the one before it at the end of its pass. What
        # that takes is registered: with the arithmetic it was the longest path.
        step = running & (factor == inner)
        carry = step
        for f in reversed(range(inner + 1)):
            highest = Signal(config.codevector_bits, name=f"highest{f}")
            end = Signal(config.codevector_bits, name=f"end{f}")
            m.d.sync += highest.eq(p.sizes[f] - 1)
            with m.If(self.start):
                m.d.sync += end.eq(Mux(self.first[f] == 0, highest, self.first[f] - 1))
            with m.If(self.advance & carry & ~p.known[f]):
                m.d.sync += index[f].eq(Mux(index[f] == highest, 0, index[f] + 1))
            carry = carry & (p.known[f] | (index[f] == end))
            if f == inner:
                end_of_pass = carry
        with m.If(self.advance & running):
            m.d.sync += factor.eq(Mux(factor == inner, inner, factor + 1))
            with m.If(end_of_pass):
                m.d.sync += factor.eq(0)
            with m.If(carry):
                m.d.sync += running.eq(0)
        with m.If(self.start):
            m.d.sync += [index.eq(self.first), factor.eq(0), running.eq(1)]

        # Stage 1: the codevector is read. Stage 2: it is bound to the outer ones'.
        read, outer, begins = Signal(), Signal(), Signal()
        held = Signal.like(index)
        with m.If(self.advance):
            m.d.sync += [read.eq(running), outer.eq(factor != inner), begins.eq(factor == 0),
                         held.eq(index), self.valid.eq(read & ~outer), self.codevectors.eq(held)]
        for b in range(config.blocks):
            prefix = Signal(config.element_index_bits, name=f"prefix{b}")
            bound = add_modulo(Mux(begins, 0, prefix), self.indices[b], config.block_length)
            with m.If(self.advance):
                m.d.sync += self.sums[b].eq(bound)
                with m.If(read & outer):
                    m.d.sync += prefix.eq(bound)
        m.d.comb += self.busy.eq(running | read)
        with m.If(self.halt):
            m.d.sync += [running.eq(0), read.eq(0), self.valid.eq(0)]
        return m
