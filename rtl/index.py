"""Inverted index of the last factor's codebook: which codevectors have an index in a block."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices
from .memory import Memory

__all__ = ["InvertedIndex", "head_entry", "link"]


def link(config: CoreConfig) -> data.StructLayout:
    """A codevector of a chain; ``more``: another one follows."""
    return data.StructLayout({"codevector": config.codevector_bits, "more": 1})


def head_entry(config: CoreConfig) -> data.StructLayout:
    """The first two codevectors of a chain, if it is ``valid`` and has as many."""
    return data.StructLayout({"first": link(config), "second": link(config), "valid": 1})


class State(enum.Enum, shape=3):
    """What the builder is doing."""

    STALE = 0
    CLEAR = 1
    FETCH = 2
    HOLD = 3
    READ = 4
    WRITE = 5
    BUILT = 6


class InvertedIndex(wiring.Component):
    """Chains of codevectors, ascending, for every index of every block; one look-up a cycle each.

    The index is built for ``size`` codevectors whenever it is not right, in
    :func:`~blockfactor.golden.cycles.build_time` cycles. A change in between starts it over.

    What is looked up on the way along a chain is two codevectors ahead, so that it can be
    registered and still be followed at a codevector a cycle: the memory takes most of a cycle.

    Parameters
    ----------
    config : CoreConfig
        Its ``lanes`` and ``heads`` say how many look-ups there are, each with a copy of the heads'
        memory, and how many chains are followed.

    Members
    -------
    changed : In(1)
        A codevector was written.
    size : In
        Codevectors in use; 0 and more than ``max_codevectors`` have no index.
    idle : In(1)
        The codebook port is free: building may go on.
    ready : Out(1)
        The index is right, for the size of the cycle before.
    codevector : Out, indices : In
        To and from the codebook memory.
    look : In, head : Out, per lane and head
        Index and block, and a cycle later the head of their chain.
    enable : In(1)
        While low ``head`` stays.
    follow : In, ahead : Out, per lane
        Codevector and block, and a cycle later the second codevector after it, if there is one.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        block = max(1, (config.blocks - 1).bit_length())
        super().__init__({
            "changed": In(1),
            "size": In(config.size_bits),
            "idle": In(1),
            "ready": Out(1),
            "codevector": Out(config.codevector_bits),
            "indices": In(block_indices(config)),
            "look": In(data.StructLayout({"index": config.element_index_bits,
                                          "block": block})).array(config.lanes, config.heads),
            "head": Out(head_entry(config)).array(config.lanes, config.heads),
            "enable": In(1, init=1),
            "follow": In(data.StructLayout({"codevector": config.codevector_bits,
                                            "block": block})).array(config.lanes),
            "ahead": Out(link(config)).array(config.lanes),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        rows = config.blocks << config.element_index_bits
        state = Signal(State)
        row = Signal(range(rows))
        block = Signal(len(self.follow[0].block))
        target = Signal(config.size_bits)
        legal = Signal()
        m.d.comb += [
            legal.eq((self.size != 0) & (self.size <= config.max_codevectors)),
        ]
        m.d.sync += self.ready.eq((state == State.BUILT) & (self.size == target) & ~self.changed)

        # The newest codevector of a chain becomes its head, the two of the head follow it.
        held = Signal(block_indices(config))
        address = Cat(held[0], block)
        old = Signal(head_entry(config))
        newest = Signal(head_entry(config))
        writes = state == State.WRITE
        m.d.comb += [
            newest.first.codevector.eq(self.codevector),
            newest.first.more.eq(old.valid & writes),
            newest.second.eq(old.first),
            newest.valid.eq(writes),
        ]
        building = (state == State.READ) | writes
        for n in range(config.lanes):
            m.submodules[f"ahead{n}"] = ahead = Memory(link(config),
                                                       config.blocks << config.codevector_bits)
            m.d.comb += [
                ahead.write_enable.eq(writes),
                ahead.write_address.eq(Cat(self.codevector, block)),
                ahead.write_data.eq(old.second),
                ahead.read_address.eq(Cat(self.follow[n].codevector, self.follow[n].block)),
                self.ahead[n].eq(ahead.read_data),
            ]
            for h in range(config.heads):
                m.submodules[f"heads{n}_{h}"] = copy = Memory(head_entry(config), rows)
                look = Cat(self.look[n][h].index, self.look[n][h].block)
                reads_old = n == 0 and h == 0
                m.d.comb += [
                    copy.write_enable.eq((state == State.CLEAR) | writes),
                    copy.write_address.eq(Mux(state == State.CLEAR, row, address)),
                    copy.write_data.eq(newest),
                    copy.read_address.eq(Mux(building, address, look) if reads_old else look),
                    copy.read_enable.eq(self.enable | building if reads_old else self.enable),
                    self.head[n][h].eq(copy.read_data),
                ]
                if reads_old:
                    m.d.comb += old.eq(copy.read_data)

        with m.Switch(state):
            with m.Case(State.STALE):
                m.d.sync += [row.eq(0), target.eq(self.size)]
                with m.If(self.idle & legal):
                    m.d.sync += state.eq(State.CLEAR)
            with m.Case(State.CLEAR):
                m.d.sync += [row.eq(row + 1), self.codevector.eq(target - 1), block.eq(0)]
                with m.If(row == rows - 1):
                    m.d.sync += state.eq(State.FETCH)
            with m.Case(State.FETCH):
                m.d.sync += state.eq(State.HOLD)
            with m.Case(State.HOLD):
                m.d.sync += [state.eq(State.READ), held.eq(self.indices)]
            with m.Case(State.READ):
                m.d.sync += state.eq(State.WRITE)
            with m.Case(State.WRITE):
                m.d.sync += [state.eq(State.READ), block.eq(block + 1),
                             held.eq(held.as_value() >> config.element_index_bits)]
                with m.If(block == config.blocks - 1):
                    m.d.sync += [block.eq(0), self.codevector.eq(self.codevector - 1),
                                 state.eq(Mux(self.codevector == 0, State.BUILT, State.FETCH))]
        with m.If(self.changed | (state != State.STALE) & (self.size != target)
                  | ~self.idle & (state != State.BUILT)):
            m.d.sync += state.eq(State.STALE)
        return m
