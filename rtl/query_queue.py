"""Query queue: sparse entries and starts that wait for the core, in order."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig

from .layouts import query_entry
from .memory import Memory

__all__ = ["QueryQueue", "queue_item"]


def queue_item(config: SystemConfig) -> data.StructLayout:
    """An entry if ``entry``; after it, or without one, the core starts if ``run``."""
    entry = query_entry(config.core)
    return data.StructLayout({name: entry[name].shape
                              for name in ("index", "weight", "block", "last")}
                             | {"entry": 1, "run": 1})


class QueryQueue(wiring.Component):
    """Takes items at any time and gives them to the core when it is idle.

    An entry takes as long as the core needs for it: the next item is fetched from the memory
    meanwhile. A run starts :attr:`settle` cycles after the query's last entry was taken, and when
    the core is ready.

    Members
    -------
    push : In(1), item : In(queue_item(config))
        Not while there is no space.
    space : Out
        Free places.
    query : Out(stream.Signature(query_entry(config.core)))
    ready : In(1)
        The core is.
    converting : In(1)
        A dense query is on its way to the core: no run starts.
    start : Out(1)
    taken : Out(1)
        An item leaves the queue: the core takes an entry that no run follows, or starts.
    empty : Out(1)
        No item waits or is on its way.
    empty_next : Out(1)
        Nor will one in the next cycle.
    """

    #: Cycles that a query needs to settle in the core.
    settle = 3

    def __init__(self, config: SystemConfig):
        self.config = config
        super().__init__({
            "push": In(1),
            "item": In(queue_item(config)),
            "space": Out(range(config.queue_items + 1), init=config.queue_items),
            "query": Out(stream.Signature(query_entry(config.core))),
            "ready": In(1),
            "converting": In(1),
            "start": Out(1),
            "taken": Out(1),
            "empty": Out(1, init=1),
            "empty_next": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        places = self.config.queue_items
        m.submodules.items = items = Memory(queue_item(self.config), places)
        write_place, read_place = Signal(range(places)), Signal(range(places))
        # The head of the queue, in flip-flops: out of a block RAM it comes too late in a cycle for
        # what the core has to decide on it.
        head, held = Signal(queue_item(self.config)), Signal()
        fresh = Signal()  # the item at read_place comes out of the memory
        fetch = Signal()
        m.d.comb += [
            items.write_enable.eq(self.push),
            items.write_address.eq(write_place),
            items.write_data.eq(self.item),
            items.read_address.eq(read_place),
            fetch.eq(fresh & (~held | self.taken)),
            self.query.p.index.eq(head.index),
            self.query.p.weight.eq(head.weight),
            self.query.p.block.eq(head.block),
            self.query.p.last.eq(head.last),
        ]
        # The head leaves a place free, so that equal places mean that the memory is empty.
        m.d.sync += [fresh.eq((write_place != read_place) & ~fetch), held.eq(held & ~self.taken)]
        with m.If(self.push):
            m.d.sync += write_place.eq(write_place + 1)
        with m.If(fetch):
            m.d.sync += [head.eq(items.read_data), held.eq(1), read_place.eq(read_place + 1)]
        space = Signal.like(self.space)
        m.d.comb += [space.eq(self.space - self.push + self.taken),
                     self.empty_next.eq(space == places)]
        # Registered: whether anything is under way decides on accesses.
        m.d.sync += [self.space.eq(space), self.empty.eq(self.empty_next)]

        settled = Signal(self.settle)
        with m.FSM():
            with m.State("offer"):
                m.d.comb += self.query.valid.eq(held & head.entry)
                with m.If(self.query.valid & self.query.ready):
                    m.d.sync += settled.eq(0)
                    m.d.comb += self.taken.eq(~head.run)
                with m.If(held & Mux(head.entry, self.query.ready & head.run, 1)):
                    m.next = "start"
            with m.State("start"):
                m.d.sync += settled.eq(Mux(self.converting, 0, Cat(1, settled)))
                with m.If(settled.all() & self.ready):
                    m.d.comb += [self.start.eq(1), self.taken.eq(1)]
                    m.d.sync += settled.eq(0)
                    m.next = "offer"
        return m
