"""Confidence of a query's blocks: in which of them the join engine looks codevectors up."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

__all__ = ["LookUpBlocks", "look_up_block"]


def look_up_block(config: CoreConfig) -> data.StructLayout:
    """A block to look up in, and the index of its largest weight."""
    return data.StructLayout({
        "used": 1,
        "block": max(1, (config.blocks - 1).bit_length()),
        "peak": config.element_index_bits,
    })


class LookUpBlocks(wiring.Component):
    """The most confident blocks of a query, while its entries are loaded.

    A block's confidence is its largest weight less its second largest; of equal ones the lower
    block comes first. See look_up_blocks() of golden/join.py.

    Parameters
    ----------
    config : CoreConfig
    heads : int
        Blocks to find.

    Members
    -------
    clear : In(1)
        A new query begins.
    valid : In(1), block, index, weight : In
        An entry, by ascending block.
    close : In(1)
        No entry of this query is to come; not with ``valid``.
    o : Out(look_up_block(config)).array(heads)
        Most confident first; up to date two cycles after ``close``.
    """

    def __init__(self, config: CoreConfig, heads: int):
        self.config = config
        self.heads = heads
        layout = look_up_block(config)
        super().__init__({
            "clear": In(1),
            "valid": In(1),
            "block": In(layout["block"].shape),
            "index": In(config.element_index_bits),
            "weight": In(config.weight_bits),
            "close": In(1),
            "o": Out(layout).array(heads),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        open_ = Signal(look_up_block(config))  # the block whose entries come
        largest = Signal(config.weight_bits)
        second = Signal(config.weight_bits)
        confidence = Signal(config.weight_bits)
        other = Signal()
        m.d.comb += [
            confidence.eq(largest - second),
            other.eq(~open_.used | (self.block != open_.block)),
        ]
        with m.If(self.valid):
            with m.If(other):
                m.d.sync += [open_.used.eq(1), open_.block.eq(self.block),
                             open_.peak.eq(self.index), largest.eq(self.weight), second.eq(0)]
            with m.Elif(self.weight > largest):
                m.d.sync += [open_.peak.eq(self.index), largest.eq(self.weight),
                             second.eq(largest)]
            with m.Else():
                with m.If((self.weight == largest) & (self.index < open_.peak)):
                    m.d.sync += open_.peak.eq(self.index)
                with m.If(self.weight > second):
                    m.d.sync += second.eq(self.weight)

        # As it ends it is held, and inserted among the others in the next cycle.
        held = Signal(look_up_block(config))
        lead = Signal(config.weight_bits)
        ends = open_.used & (self.valid & other | self.close)
        m.d.sync += held.used.eq(ends)
        with m.If(ends):
            m.d.sync += [held.block.eq(open_.block), held.peak.eq(open_.peak),
                         lead.eq(confidence)]
        confidences = [Signal(config.weight_bits, name=f"confidence{h}")
                       for h in range(self.heads)]
        above = [Signal(name=f"above{h}") for h in range(self.heads)]
        for h in range(self.heads):
            m.d.comb += above[h].eq(~self.o[h].used | (lead > confidences[h]))
            with m.If(held.used & above[h]):
                before = (above[h - 1], self.o[h - 1], confidences[h - 1]) if h else (0, held, 0)
                m.d.sync += [self.o[h].eq(Mux(before[0], before[1], held)),
                             confidences[h].eq(Mux(before[0], before[2], lead))]
        with m.If(self.close):
            m.d.sync += open_.used.eq(0)
        with m.If(self.clear):
            m.d.sync += [open_.used.eq(0), held.used.eq(0),
                         *(self.o[h].used.eq(0) for h in range(self.heads))]
        return m
