"""Inverted index of the last factor's codebook: which codevectors have an index in a block."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices
from .memory import Memory

__all__ = ["InvertedIndex", "head_entry", "next_entry"]


def head_entry(config: CoreConfig) -> data.StructLayout:
    """First codevector of a chain; ``more``: another one follows."""
    return data.StructLayout({"codevector": config.codevector_bits, "more": 1, "valid": 1})


def next_entry(config: CoreConfig) -> data.StructLayout:
    """A later codevector of a chain."""
    return data.StructLayout({"codevector": config.codevector_bits, "more": 1})


class State(enum.Enum, shape=3):
    """What the builder is doing."""

    STALE = 0
    CLEAR = 1
    FETCH = 2
    READ = 3
    WRITE = 4
    BUILT = 5


class InvertedIndex(wiring.Component):
    """Chains of codevectors, ascending, for every index of every block; one look-up a cycle each.

    The index is built for ``size`` codevectors whenever it is not right, in
    :func:`~blockfactor.golden.cycles.build_time` cycles. A change in between starts it over.

    Parameters
    ----------
    config : CoreConfig
    heads : int
        Look-ups a cycle, each with a copy of the memory of heads.

    Members
    -------
    changed : In(1)
        A codevector was written.
    size : In
        Codevectors in use; 0 and more than ``max_codevectors`` have no index.
    idle : In(1)
        The codebook port is free: building may go on.
    ready : Out(1)
        The index is right.
    codevector : Out, indices : In
        To and from the codebook memory.
    look : In, head : Out, per look-up
        Index and block, and a cycle later the head of their chain.
    enable : In(1)
        While low ``head`` stays.
    follow : In, following : Out
        Codevector and block, and a cycle later the codevector that follows.
    """

    def __init__(self, config: CoreConfig, heads: int):
        self.config = config
        self.heads = heads
        block = max(1, (config.blocks - 1).bit_length())
        super().__init__({
            "changed": In(1),
            "size": In(config.size_bits),
            "idle": In(1),
            "ready": Out(1),
            "codevector": Out(config.codevector_bits),
            "indices": In(block_indices(config)),
            "look": In(data.StructLayout({"index": config.element_index_bits,
                                          "block": block})).array(heads),
            "head": Out(head_entry(config)).array(heads),
            "enable": In(1, init=1),
            "follow": In(data.StructLayout({"codevector": config.codevector_bits,
                                            "block": block})),
            "following": Out(next_entry(config)),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        rows = config.blocks << config.element_index_bits
        followers = m.submodules.followers = Memory(next_entry(config),
                                                    config.blocks << config.codevector_bits)
        copies = [Memory(head_entry(config), rows) for _ in range(self.heads)]
        for h, copy in enumerate(copies):
            m.submodules[f"heads{h}"] = copy

        state = Signal(State)
        row = Signal(range(rows))
        block = Signal(len(self.follow.block))
        target = Signal(config.size_bits)
        legal = Signal()
        m.d.comb += [
            legal.eq((self.size != 0) & (self.size <= config.max_codevectors)),
            self.ready.eq((state == State.BUILT) & (self.size == target)),
        ]

        # The newest codevector of a chain becomes its head, what was the head follows it.
        old = copies[0].read_data
        address = Cat(self.indices[block], block)
        newest = Signal(head_entry(config))
        m.d.comb += [
            newest.codevector.eq(self.codevector),
            newest.valid.eq(state == State.WRITE),
            newest.more.eq((state == State.WRITE) & old.valid),
            followers.write_enable.eq(state == State.WRITE),
            followers.write_address.eq(Cat(self.codevector, block)),
            followers.write_data.codevector.eq(old.codevector),
            followers.write_data.more.eq(old.more),
            followers.read_address.eq(Cat(self.follow.codevector, self.follow.block)),
            self.following.eq(followers.read_data),
        ]
        building = (state == State.READ) | (state == State.WRITE)
        for h, copy in enumerate(copies):
            look = Cat(self.look[h].index, self.look[h].block)
            m.d.comb += [
                copy.write_enable.eq((state == State.CLEAR) | (state == State.WRITE)),
                copy.write_address.eq(Mux(state == State.CLEAR, row, address)),
                copy.write_data.eq(newest),
                copy.read_address.eq(Mux(building, address, look) if h == 0 else look),
                copy.read_enable.eq(self.enable | building if h == 0 else self.enable),
                self.head[h].eq(copy.read_data),
            ]

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
                m.d.sync += state.eq(State.READ)
            with m.Case(State.READ):
                m.d.sync += state.eq(State.WRITE)
            with m.Case(State.WRITE):
                m.d.sync += [state.eq(State.READ), block.eq(block + 1)]
                with m.If(block == config.blocks - 1):
                    m.d.sync += [block.eq(0), self.codevector.eq(self.codevector - 1),
                                 state.eq(Mux(self.codevector == 0, State.BUILT, State.FETCH))]
        with m.If(self.changed | (state != State.STALE) & (self.size != target)
                  | ~self.idle & (state != State.BUILT)):
            m.d.sync += state.eq(State.STALE)
        return m
