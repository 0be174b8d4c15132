"""Join engine: looks the last factor up in an inverted index, for every row of the others."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.golden.join import DRAWS, QUEUE
from blockfactor.golden.sampler import LFSR_BITS, TAPS

from .confidence import look_up_block
from .index import InvertedIndex, head_entry
from .layouts import Stop, TraceKind, block_indices, run_parameters, trace_word
from .modular import subtract_modulo
from .rows import RowEngine, row_codevectors
from .verifier import Verifier, reference

__all__ = ["JoinEngine"]


class State(enum.Enum, shape=3):
    """What the engine is doing."""

    IDLE = 0
    WAIT = 1
    DRAW = 2
    START = 3
    ROWS = 4
    DRAIN = 5


class JoinEngine(wiring.Component):
    """See golden/join.py. A row a cycle enters a queue, from which a candidate a cycle is verified.

    Members
    -------
    start : In(1), halt : In(1), ready : Out(1)
    waiting : Out(1)
        A run waits for the index, which is built after the last factor's codebook or its size has
        changed.
    free : In(1)
        No other engine uses the codebook port.
    changed : In(1)
        A codevector of the last factor was written.
    parameters : In(run_parameters(config))
    look_up : In
        The query's look-up blocks, most confident first.
    factor, codevector, enable : Out, indices : In
        To and from the codebook memory.
    verify : Out(1), reference, sums, codevectors, cancel : Out, bound : In
        To and from the verifier.
    trace_valid, trace : Out
    done : Out(1), stop : Out(Stop)
        The run is over and no score was accepted.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "start": In(1),
            "halt": In(1),
            "ready": Out(1),
            "waiting": Out(1),
            "free": In(1),
            "changed": In(1),
            "parameters": In(run_parameters(config)),
            "look_up": In(look_up_block(config)).array(config.heads),
            "factor": Out(config.factor_bits),
            "codevector": Out(config.codevector_bits),
            "enable": Out(1),
            "indices": In(block_indices(config)),
            "verify": Out(1),
            "reference": Out(reference(config)),
            "sums": Out(block_indices(config)),
            "codevectors": Out(row_codevectors(config)),
            "cancel": Out(1),
            "bound": In(block_indices(config)),
            "trace_valid": Out(1),
            "trace": Out(trace_word),
            "done": Out(1),
            "stop": Out(Stop),
        })

    def elaborate(self, platform):
        m = Module()
        config, p = self.config, self.parameters
        last, heads = config.factors - 1, config.heads
        m.submodules.index = index = InvertedIndex(config, heads)
        m.submodules.rows = rows = RowEngine(config)
        state = Signal(State)
        idle = (state == State.IDLE) | (state == State.WAIT)
        known = p.known[last]
        used = Signal(heads)  # look-up blocks that count
        m.d.comb += used.eq(Cat(self.look_up[h].used & (h < p.heads) for h in range(heads)))

        # -- codebook port: builds the index, then reads rows -----------------------------------
        advance = Signal()
        m.d.comb += [
            index.changed.eq(self.changed),
            index.size.eq(p.sizes[last]),
            index.idle.eq(idle & self.free),
            index.indices.eq(self.indices),
            rows.indices.eq(self.indices),
            rows.parameters.eq(p),
            rows.advance.eq(advance),
            rows.halt.eq(state == State.IDLE),
            self.factor.eq(Mux(idle, last, rows.factor)),
            self.codevector.eq(Mux(idle, index.codevector, rows.codevector)),
            self.enable.eq(idle | advance),
        ]

        # -- first codevectors: a draw a cycle --------------------------------------------------
        lfsr = Signal(LFSR_BITS)
        first = Signal(row_codevectors(config))
        factor = Signal(range(config.factors))
        draws = Signal(range(DRAWS))
        fetched = Signal()  # what follows is of ``factor``
        unknown = Signal()
        given = Signal(config.codevector_bits)
        size = Signal(config.size_bits)
        highest = Signal(config.codevector_bits)
        mask = Signal(config.codevector_bits)
        drawn = Signal(config.codevector_bits)
        settled = Signal()
        bits = config.codevector_bits
        m.d.comb += [
            highest.eq(p.sizes[factor] - 1),
            drawn.eq(Mux(unknown, lfsr[LFSR_BITS - bits:] & mask, given)),
            settled.eq((drawn < size) | ~unknown),
            rows.first.eq(first),
            self.trace_valid.eq((state == State.DRAW) & fetched & settled & unknown),
            self.trace.kind.eq(TraceKind.DRAW),
            self.trace.word.eq(drawn),
        ]
        entering = [Cat(*(lfsr[tap - 1 - k] for tap in TAPS)).xor() for k in range(bits)]

        # -- rows are looked up -----------------------------------------------------------------
        looked = Signal()
        sums = Signal(block_indices(config))
        codevectors = Signal(row_codevectors(config))
        with m.If(advance):
            m.d.sync += [looked.eq(rows.valid), sums.eq(rows.sums),
                         codevectors.eq(rows.codevectors)]
        for h in range(heads):
            block = self.look_up[h].block
            m.d.comb += [
                index.look[h].block.eq(block),
                index.look[h].index.eq(subtract_modulo(self.look_up[h].peak, rows.sums[block],
                                                       config.block_length)),
            ]
        m.d.comb += index.enable.eq(advance)

        # -- queue of rows that have candidates -------------------------------------------------
        row = data.StructLayout({
            "sums": block_indices(config),
            "codevectors": row_codevectors(config),
            "head": data.ArrayLayout(head_entry(config), heads),
        })
        found = Signal(row)
        queue = [Signal(row, name=f"queue{n}") for n in range(QUEUE)]
        length = Signal(range(QUEUE + 1))
        push, pop = Signal(), Signal()
        m.d.comb += [found.sums.eq(sums), found.codevectors.eq(codevectors)]
        for h in range(heads):
            m.d.comb += [found.head[h].eq(index.head[h]),
                         found.head[h].valid.eq(index.head[h].valid & used[h] & ~known)]
        with m.If(known):
            m.d.comb += [found.head[0].codevector.eq(p.known_index[last]),
                         found.head[0].more.eq(0), found.head[0].valid.eq(1)]
        m.d.comb += [
            advance.eq(length != QUEUE),
            push.eq(looked & advance & Cat(found.head[h].valid for h in range(heads)).any()),
        ]
        m.d.sync += length.eq(length + push - pop)
        for n in range(QUEUE):
            with m.If(pop & (n + 1 < QUEUE)):
                m.d.sync += queue[n].eq(queue[min(n + 1, QUEUE - 1)])
            with m.If(push & (length == n + pop)):
                m.d.sync += queue[n].eq(found)

        # -- candidates of the row that is first in the queue -----------------------------------
        current = queue[0]
        passed = Signal(heads)  # look-up blocks of this row that are done
        chain = Signal()  # the next candidate is the one that follows the last
        which = Signal(range(heads))
        entry = Signal(head_entry(config))
        left = Signal(32)
        emit = Signal()
        for h in reversed(range(heads)):
            with m.If(current.head[h].valid & ~passed[h]):
                m.d.comb += which.eq(h)
        m.d.comb += [
            entry.eq(current.head[which]),
            emit.eq((length != 0) & (state == State.ROWS)),
        ]
        with m.If(chain):
            m.d.comb += [entry.codevector.eq(index.following.codevector),
                         entry.more.eq(index.following.more)]
        m.d.comb += [
            index.follow.codevector.eq(entry.codevector),
            index.follow.block.eq(Cat(self.look_up[h].block for h in range(heads)).word_select(
                which, len(self.look_up[0].block))),
            self.verify.eq(emit),
            self.reference.codevector.eq(entry.codevector),
            self.reference.factor.eq(last),
            self.reference.last.eq(1),
            self.sums.eq(current.sums),
            self.codevectors.eq(current.codevectors),
        ]
        others = Signal(heads)
        m.d.comb += others.eq(Cat(current.head[h].valid & ~passed[h] & (which != h)
                                  for h in range(heads)))
        with m.If(emit):
            m.d.sync += [chain.eq(entry.more), left.eq(left - 1)]
            with m.If(~entry.more):
                m.d.comb += pop.eq(~others.any())
                m.d.sync += passed.eq(Mux(pop, 0, passed | (1 << which)))

        # A candidate that an earlier look-up block has found as well is not scored again.
        which1, which2 = Signal.like(which), Signal.like(which)
        m.d.sync += [which1.eq(which), which2.eq(which1)]
        again = Signal(heads)
        for h in range(heads - 1):
            m.d.comb += again[h].eq(used[h] & (h < which2)
                                    & (self.bound[self.look_up[h].block] == self.look_up[h].peak))
        m.d.comb += self.cancel.eq(again.any() & ~known)

        # -- sequence ---------------------------------------------------------------------------
        tick = Signal(range(Verifier.latency))
        exhausted = Signal()
        m.d.comb += [self.waiting.eq((state == State.WAIT) & ~index.ready),
                     self.stop.eq(Mux(exhausted, Stop.COMPLETE, Stop.LIMIT))]
        with m.Switch(state):
            with m.Case(State.IDLE):
                m.d.comb += self.ready.eq(1)
                m.d.sync += [factor.eq(0), draws.eq(0), fetched.eq(0), left.eq(p.max_tuples),
                             length.eq(0), chain.eq(0), passed.eq(0), looked.eq(0), tick.eq(0),
                             exhausted.eq(0), lfsr.eq(Cat(*reversed(Mux(p.seed == 0, 1, p.seed))))]
                with m.If(self.start):
                    m.d.sync += state.eq(State.WAIT)
            with m.Case(State.WAIT):
                with m.If(index.ready):
                    m.d.sync += state.eq(State.DRAW)
            with m.Case(State.DRAW):
                m.d.sync += [first[factor].eq(drawn), fetched.eq(1)]
                with m.If(~fetched):
                    m.d.sync += [size.eq(p.sizes[factor]), given.eq(p.known_index[factor]),
                                 unknown.eq(~p.known.bit_select(factor, 1)),
                                 mask.eq(Cat(highest[bit:].any() for bit in range(bits)))]
                with m.Elif(unknown):
                    m.d.sync += [draws.eq(draws + 1), lfsr.eq(Cat(*reversed(entering), lfsr))]
                    with m.If(draws == DRAWS - 2):
                        m.d.sync += mask.eq(mask >> 1)
                with m.If(fetched & settled):
                    m.d.sync += [factor.eq(factor + 1), draws.eq(0), fetched.eq(0)]
                    with m.If(factor == last - 1):
                        m.d.sync += state.eq(State.START)
            with m.Case(State.START):
                m.d.comb += rows.start.eq(1)
                m.d.sync += state.eq(State.ROWS)
            with m.Case(State.ROWS):
                with m.If(emit & (left[1:] == 0)):
                    m.d.sync += state.eq(State.DRAIN)
                with m.Elif(~rows.busy & ~rows.valid & ~looked & (length == 0)):
                    m.d.sync += [state.eq(State.DRAIN), exhausted.eq(1), tick.eq(1)]
            with m.Case(State.DRAIN):
                m.d.sync += tick.eq(tick + 1)
                with m.If(tick == Verifier.latency - 1):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += state.eq(State.IDLE)
        with m.If(self.halt):
            m.d.sync += state.eq(State.IDLE)
        return m
