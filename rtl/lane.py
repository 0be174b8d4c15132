"""Lane of the join engine: a queue of rows, and the candidates of the row that is first in it."""

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.golden.join import QUEUE

from .confidence import look_up_block
from .index import head_entry, link
from .layouts import block_indices
from .memory import Memory
from .rows import row_codevectors
from .scorer import candidate

__all__ = ["Lane", "row"]

#: Rows the queue's memory holds; more than ever wait.
DEPTH = 32


def row(config: CoreConfig) -> data.StructLayout:
    """A row: what is bound, and what was found in the look-up blocks."""
    return data.StructLayout({
        "sums": block_indices(config),
        "codevectors": row_codevectors(config),
        "head": data.ArrayLayout(head_entry(config), config.heads),
    })


class Lane(wiring.Component):
    """Takes a row a cycle, offers a candidate a cycle, the first three cycles after its row.

    Members
    -------
    clear : In(1)
        Forget all rows.
    push : In(1), row : In(row(config))
        A row. It counts if one of its heads is valid.
    known : In(1), given : In
        The last factor is known: that codevector is a row's only candidate.
    every : In(1), highest : In
        All codevectors up to that one are candidates.
    look_up : In
        The query's look-up blocks.
    follow, ahead
        To and from the index.
    run : In(1)
        Candidates are wanted; once low after a candidate, it stays so until ``clear``.
    offered : Out(1), candidate : Out(candidate(config))
    cancel : Out(1), bound : In
        Two cycles after a candidate its bound indices come back: an earlier look-up block has found
        it as well.
    some : Out(1)
        There are rows.
    full : Out(1)
        Rows have to be held back; follows a cycle late, and up to two more may come.
    """

    def __init__(self, config: CoreConfig, number: int):
        self.config = config
        self.number = number
        super().__init__({
            "clear": In(1),
            "push": In(1),
            "row": In(row(config)),
            "known": In(1),
            "given": In(config.codevector_bits),
            "every": In(1),
            "highest": In(config.codevector_bits),
            "look_up": In(look_up_block(config)).array(config.heads),
            "follow": Out(data.StructLayout({
                "codevector": config.codevector_bits,
                "block": look_up_block(config)["block"].shape})),
            "ahead": In(link(config)),
            "run": In(1),
            "offered": Out(1),
            "candidate": Out(candidate(config)),
            "cancel": Out(1),
            "bound": In(block_indices(config)),
            "some": Out(1),
            "full": Out(1),
        })

    def choose(self, head, valid, which, others, more) -> list:
        """Statements: the first of these look-up blocks is tried next."""
        first = len(valid) - 1
        for h in reversed(range(len(valid) - 1)):
            first = Mux(valid[h], h, first)
        return [which.eq(first), others.eq(sum(valid) > 1), more.eq(head[first].first.more)]

    def elaborate(self, platform):
        m = Module()
        config, heads = self.config, self.config.heads
        low = (config.lanes - 1).bit_length()
        last = config.factors - 1

        # -- queue: a memory, the row that was read from it, and the row whose candidates are tried
        length = Signal(range(QUEUE + 3))
        write, read = Signal(range(DEPTH)), Signal(range(DEPTH))
        counts, pop = Signal(), Signal()
        fetched, busy, take, fetch = Signal(), Signal(), Signal(), Signal()
        # What is tried first is stored as well: after the memory there is little time. What all
        # rows of a lane have in common needs none.
        chosen = {"which": max(1, (heads - 1).bit_length()), "others": 1, "more": 1}
        fields = {
            "sums": block_indices(config),
            "outer": data.ArrayLayout(config.codevector_bits, last - 1),
            "group": config.codevector_bits - low,
            "head": data.ArrayLayout(head_entry(config), heads),
            **chosen,
        }
        stored = data.StructLayout({name: shape for name, shape in fields.items()
                                    if Shape.cast(shape).width})
        m.submodules.queue = queue = Memory(stored, DEPTH, block=True)
        current = Signal(stored)
        m.d.comb += [
            counts.eq(self.push & (self.known | self.every
                                   | Cat(self.row.head[h].valid for h in range(heads)).any())),
            queue.write_enable.eq(counts),
            queue.write_address.eq(write),
            queue.write_data.sums.eq(self.row.sums),
            queue.write_data.head.eq(self.row.head),
            take.eq(~busy | pop),
            fetch.eq(~fetched | take),
            queue.read_address.eq(read),
            queue.read_enable.eq(fetch),
            self.some.eq(length != 0),
        ]
        for f in range(last - 1):
            m.d.comb += queue.write_data.outer[f].eq(self.row.codevectors[f])
        single = self.known | self.every
        with m.If(single):
            m.d.comb += queue.write_data.more.eq(~self.known & (self.highest != 0))
        with m.Else():
            m.d.comb += self.choose(self.row.head, [self.row.head[h].valid for h in range(heads)],
                                    *(queue.write_data[name] for name in chosen))
        if config.codevector_bits > low:
            m.d.comb += queue.write_data.group.eq(self.row.codevectors[last - 1][low:])
        m.d.sync += [length.eq(length + counts - pop), self.full.eq(length >= QUEUE),
                     write.eq(write + counts)]
        with m.If(fetch):
            m.d.sync += [fetched.eq(read != write), read.eq(read + (read != write))]
        with m.If(take):
            m.d.sync += [busy.eq(fetched), current.eq(queue.read_data)]

        # -- candidates -------------------------------------------------------------------------
        # What decides whether a row is done is registered: from it to the queue is a long path.
        which = Signal(chosen["which"])
        # Another candidate of this look-up block follows, of the first two and of later ones.
        more, ahead_more = Signal(), Signal()
        others = Signal()  # another look-up block follows
        step = Signal(2)  # codevectors of the chain that have been offered
        ahead = Signal(config.codevector_bits)
        count = Signal(config.codevector_bits)
        head = Signal(head_entry(config))
        codevector = Signal(config.codevector_bits)
        m.d.comb += head.eq(current.head[which])
        with m.If(self.known):
            m.d.comb += codevector.eq(self.given)
        with m.Elif(self.every):
            m.d.comb += codevector.eq(count)
        with m.Else():
            with m.Switch(step):
                with m.Case(0):
                    m.d.comb += codevector.eq(head.first.codevector)
                with m.Case(1):
                    m.d.comb += codevector.eq(head.second.codevector)
                with m.Default():
                    m.d.comb += codevector.eq(ahead)
        m.d.sync += [ahead.eq(self.ahead.codevector), ahead_more.eq(self.ahead.more)]
        m.d.comb += [
            self.offered.eq(busy & self.run),
            self.follow.codevector.eq(codevector),
            self.follow.block.eq(Cat(self.look_up[h].block for h in range(heads)).word_select(
                which, len(self.look_up[0].block))),
            self.candidate.codevector.eq(codevector),
            self.candidate.sums.eq(current.sums),
            self.candidate.codevectors[last - 1].eq(
                Cat(Const(self.number, low), current.group if config.codevector_bits > low else 0)),
        ]
        for f in range(last - 1):
            m.d.comb += self.candidate.codevectors[f].eq(current.outer[f])

        goes_on = Mux(step[1], ahead_more, more)
        m.d.comb += pop.eq(self.offered & ~goes_on & ~others)
        with m.If(self.offered):
            m.d.sync += [count.eq(count + 1), step.eq(Mux(step[1], 2, step + 1)),
                         more.eq(head.second.more)]
            with m.If(~goes_on):
                m.d.sync += [step.eq(0), count.eq(0)]
                later = [current.head[h].valid & (h > which) for h in range(heads)]
                m.d.sync += self.choose(current.head, later, which, others, more)
        with m.If(self.every & self.offered):
            # A count, not a chain.
            m.d.sync += [step.eq(0), more.eq(count + 1 != self.highest)]
        with m.If(take):
            m.d.sync += [which.eq(queue.read_data.which), others.eq(queue.read_data.others),
                         more.eq(queue.read_data.more)]

        # -- a candidate that an earlier look-up block has found as well is not scored again ------
        which1, which2 = Signal.like(which), Signal.like(which)
        m.d.sync += [which1.eq(which), which2.eq(which1)]
        again = Signal(heads)
        for h in range(heads - 1):
            m.d.comb += again[h].eq(self.look_up[h].used & (h < which2)
                                    & (self.bound[self.look_up[h].block] == self.look_up[h].peak))
        m.d.comb += self.cancel.eq(again.any() & ~single)

        with m.If(self.clear):
            m.d.sync += [length.eq(0), self.full.eq(0), write.eq(0), read.eq(0), fetched.eq(0),
                         busy.eq(0), step.eq(0), count.eq(0)]
        return m
