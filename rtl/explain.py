"""Binds the tuple that was found again, for its product to be taken off the query."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices, codevector_address, product_index
from .modular import add_modulo
from .scorer import tuple_codevectors

__all__ = ["ProductBinder"]


class ProductBinder(wiring.Component):
    """Indices of a tuple's product vector, block by block, with one adder.

    The first comes :attr:`block_cycles` after ``start``, each other as long after the one before.

    Members
    -------
    start : In(1)
    codevectors : In(tuple_codevectors(config))
        The tuple; stable until the last index is taken.
    address : Out(codevector_address(config)), indices : In
        To and from the codebook memory.
    o : Out(stream.Signature(product_index(config)))
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        #: Cycles from a start, or an index that is taken, to the next index.
        self.block_cycles = config.factors + 2
        super().__init__({
            "start": In(1),
            "codevectors": In(tuple_codevectors(config)),
            "address": Out(codevector_address(config)),
            "indices": In(block_indices(config)),
            "o": Out(stream.Signature(product_index(config))),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        block = Signal(range(config.blocks))
        factor = Signal(range(config.factors + 1))
        total, index = Signal(config.element_index_bits), Signal(config.element_index_bits)
        m.d.comb += [
            self.address.factor.eq(factor),
            self.address.codevector.eq(self.codevectors[factor]),
            index.eq(self.indices[block]),
            self.o.p.block.eq(block),
            self.o.p.index.eq(total),
            self.o.p.last.eq(block == config.blocks - 1),
        ]
        with m.FSM():
            with m.State("idle"):
                m.d.sync += [block.eq(0), factor.eq(0), total.eq(0)]
                with m.If(self.start):
                    m.next = "bind"
            with m.State("bind"):
                # The codevector read in the cycle before is added.
                m.d.sync += [factor.eq(factor + 1),
                             total.eq(Mux(factor == 0, 0,
                                          add_modulo(total, index, config.block_length)))]
                with m.If(factor == config.factors):
                    m.next = "offer"
            with m.State("offer"):
                m.d.comb += self.o.valid.eq(1)
                m.d.sync += factor.eq(0)
                with m.If(self.o.ready):
                    m.d.sync += block.eq(block + 1)
                    m.next = "bind"
                    with m.If(self.o.p.last):
                        m.next = "idle"
        return m
