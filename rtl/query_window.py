"""Query window: what is written to QUERY_ENTRY and QUERY_DENSE becomes queries and runs."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig
from blockfactor.registers import register_map

from .layouts import dense_elements
from .query_queue import queue_item
from .register_bank import handler_port

__all__ = ["QueryWindow"]


class QueryWindow(wiring.Component):
    """Answers for QUERY_ENTRY and QUERY_DENSE, in the cycle of the access.

    A sparse query of which an entry was refused is spoiled: its last entry goes to the core with
    weight 0, for which the core refuses the query.

    Members
    -------
    entry : In(handler_port())
    dense : In(handler_port())
        Only in systems with a dense front-end, as the next three.
    elements : Out(stream.Signature(dense_elements(config.core)))
    settled : In(1)
        The core has loaded or refused a dense query.
    converting, converting_next : Out(1)
        A dense query is complete and on its way; will be in the next cycle.
    auto_start : In(1)
        The end of a query queues a run.
    start : In(1)
        Queue a run; there is space.
    full, empty : In(1)
        The queue is.
    push : Out(1), item : Out(queue_item(config))
        To the queue.
    queued : Out(1)
        A run is queued.
    """

    def __init__(self, config: SystemConfig):
        self.config = config
        members = {
            "entry": In(handler_port()),
            "auto_start": In(1),
            "start": In(1),
            "full": In(1),
            "empty": In(1),
            "push": Out(1),
            "item": Out(queue_item(config)),
            "queued": Out(1),
            "converting": Out(1),
            "converting_next": Out(1),
        }
        if config.core.element_bits:
            members |= {"dense": In(handler_port()),
                        "elements": Out(stream.Signature(dense_elements(config.core))),
                        "settled": In(1)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        port, item = self.entry, self.item
        fields = register_map(self.config)["QUERY_ENTRY"].fields
        value = {f.name: port.write_data[f.offset:f.offset + f.width] for f in fields}
        begun, spoiled, dense_begun = Signal(), Signal(), Signal()
        ended = Signal()  # a dense query's last element is written, and a run follows it

        blocked = dense_begun | self.converting
        accepted = Signal()
        m.d.comb += [
            port.done.eq(1),
            port.busy.eq(blocked),
            port.overflow.eq(self.full),
            accepted.eq(port.write & ~blocked & ~self.full),
            item.entry.eq(accepted),
            item.index.eq(value["index"]),
            item.weight.eq(Mux(spoiled & value["last"], 0, value["weight"])),
            item.block.eq(value["block"]),
            item.last.eq(value["last"]),
            item.run.eq(~accepted | value["last"] & self.auto_start),
            self.push.eq(accepted | self.start | ended),
            self.queued.eq(self.push & item.run),
        ]
        with m.If(accepted):
            m.d.sync += begun.eq(~value["last"])
            with m.If(value["last"]):
                m.d.sync += spoiled.eq(0)
        with m.Elif((port.write | port.bad_value) & ~dense_begun):
            m.d.sync += spoiled.eq(1)
        if self.config.core.element_bits:
            self._dense(m, begun | spoiled, dense_begun, ended)
        return m

    def _dense(self, m: Module, sparse, begun, ended) -> None:
        """A dense query: words to transfers, transfers to a query."""
        core, port = self.config.core, self.dense
        words, lanes = self.config.element_words, 32 // self.config.element_lane
        word = Signal(range(words))
        transfer = Signal(range(core.block_length))
        accepted, complete, last = Signal(), Signal(), Signal()
        blocked = sparse | self.converting | ~self.empty
        m.d.comb += [
            port.done.eq(1),
            port.busy.eq(blocked),
            accepted.eq(port.write & ~blocked),
            complete.eq(accepted & (word == words - 1)),
            last.eq(complete & (transfer == core.block_length - 1)),
            ended.eq(last & self.auto_start),
            self.elements.valid.eq(complete),
        ]
        for b in range(core.blocks):
            start = b % lanes * self.config.element_lane
            value = port.write_data[start:start + core.element_bits]
            if b // lanes < words - 1:
                held = Signal(core.element_bits, name=f"held{b}", reset_less=True)
                with m.If(accepted & (word == b // lanes)):
                    m.d.sync += held.eq(value)
                value = held
            m.d.comb += self.elements.p[b].eq(value)
        with m.If(accepted):
            m.d.sync += [word.eq(word + 1), begun.eq(1)]
        with m.If(complete):
            m.d.sync += [word.eq(0), transfer.eq(transfer + 1)]
        m.d.comb += self.converting_next.eq(self.converting & ~self.settled | last)
        m.d.sync += self.converting.eq(self.converting_next)
        with m.If(last):
            m.d.sync += [transfer.eq(0), begun.eq(0)]
