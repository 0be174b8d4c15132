"""Join engine: looks the last factor up in an inverted index, for every row of the others."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.golden.cycles import VERIFY, merge_cycles
from blockfactor.golden.join import DRAWS
from blockfactor.golden.sampler import LFSR_BITS, TAPS

from .confidence import look_up_block
from .index import InvertedIndex
from .lane import Lane
from .layouts import Mode, Stop, TraceKind, block_indices, run_parameters, trace_word
from .modular import subtract_modulo
from .rows import RowEngine, row_codevectors
from .scorer import candidate

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
    """See golden/join.py. In each lane a row a cycle enters a queue, and a candidate is verified.

    Members
    -------
    start : In(1), halt : In(1), ready : Out(1)
    waiting : Out(1)
        A run waits for the index, which is built after the last factor's codebook or its size has
        changed.
    free : In(1)
        No other engine uses the codebook ports.
    changed : In(1)
        A codevector of the last factor was written.
    parameters : In(run_parameters(config))
    look_up : In
        The query's look-up blocks, most confident first.
    factor, codevector, enable : Out, indices : In, the middle two per lane
        To and from the codebook memory.
    offered, candidate, cancel : Out, bound : In, per lane
        To and from the verifier.
    trace_valid, trace : Out
    done : Out(1), stop : Out(Stop)
        The run is over and no score was accepted.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        lanes = config.lanes
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
            "codevector": Out(config.codevector_bits).array(lanes),
            "enable": Out(1),
            "indices": In(block_indices(config)).array(lanes),
            "offered": Out(1).array(lanes),
            "candidate": Out(candidate(config)).array(lanes),
            "cancel": Out(1).array(lanes),
            "bound": In(block_indices(config)).array(lanes),
            "trace_valid": Out(1),
            "trace": Out(trace_word),
            "done": Out(1),
            "stop": Out(Stop),
        })

    def elaborate(self, platform):
        m = Module()
        config, p = self.config, self.parameters
        last, heads, lanes = config.factors - 1, config.heads, config.lanes
        m.submodules.index = index = InvertedIndex(config)
        m.submodules.rows = rows = RowEngine(config)
        state = Signal(State)
        idle = (state == State.IDLE) | (state == State.WAIT)
        every = p.mode == Mode.SCAN
        known = p.known[last]
        used = Signal(heads)  # look-up blocks that count
        m.d.comb += used.eq(Cat(self.look_up[h].used & (h < p.heads) for h in range(heads)))

        # -- codebook ports: the first builds the index; then all read rows -----------------------
        advance = Signal()
        m.d.comb += [
            index.changed.eq(self.changed),
            index.size.eq(p.sizes[last]),
            index.idle.eq(idle & self.free),
            index.indices.eq(self.indices[0]),
            index.enable.eq(advance),
            rows.parameters.eq(p),
            rows.advance.eq(advance),
            rows.halt.eq(state == State.IDLE),
            self.factor.eq(Mux(idle, last, rows.factor)),
            self.enable.eq(idle | advance),
        ]
        for n in range(lanes):
            m.d.comb += [
                rows.indices[n].eq(self.indices[n]),
                self.codevector[n].eq(Mux(idle, index.codevector, rows.codevector[n]) if n == 0
                                      else rows.codevector[n]),
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
            self.trace.kind.eq(TraceKind.DRAW),
        ]
        # Registered: from a draw to the trace's CRC is a long path. Scores come much later.
        m.d.sync += [
            self.trace_valid.eq((state == State.DRAW) & fetched & settled & unknown),
            self.trace.word.eq(drawn),
        ]
        entering = [Cat(*(lfsr[tap - 1 - k] for tap in TAPS)).xor() for k in range(bits)]

        # -- rows are looked up, and enter the lanes' queues ------------------------------------
        codevectors = Signal(row_codevectors(config))
        with m.If(advance):
            m.d.sync += codevectors.eq(rows.codevectors)
        looked, pushed = Signal(lanes), Signal(lanes)
        full, some, offered = Signal(lanes), Signal(lanes), Signal(lanes)
        run = Signal()
        halting = state == State.IDLE
        top = Signal(config.codevector_bits)
        m.d.sync += top.eq(p.sizes[last] - 1)
        for n in range(lanes):
            m.submodules[f"lane{n}"] = lane = Lane(config, n)
            sums = Signal(block_indices(config), name=f"sums{n}")
            with m.If(advance):
                m.d.sync += [looked[n].eq(rows.valid[n]), sums.eq(rows.sums[n])]
            # What was found is registered: the memory alone takes most of a cycle.
            m.d.sync += [pushed[n].eq(looked[n] & advance), lane.row.sums.eq(sums),
                         lane.row.codevectors.eq(codevectors)]
            for h in range(heads):
                block = self.look_up[h].block
                m.d.comb += [
                    index.look[n][h].block.eq(block),
                    index.look[n][h].index.eq(subtract_modulo(
                        self.look_up[h].peak, rows.sums[n][block], config.block_length)),
                    lane.look_up[h].eq(self.look_up[h]),
                ]
                m.d.sync += [lane.row.head[h].eq(index.head[n][h]),
                             lane.row.head[h].valid.eq(index.head[n][h].valid & used[h])]
            m.d.comb += [
                lane.clear.eq(halting),
                lane.push.eq(pushed[n]),
                lane.known.eq(p.known[last]),
                lane.given.eq(p.known_index[last]),
                lane.every.eq(every),
                lane.highest.eq(top),
                lane.run.eq(run),
                index.follow[n].eq(lane.follow),
                lane.ahead.eq(index.ahead[n]),
                lane.bound.eq(self.bound[n]),
                self.offered[n].eq(lane.offered),
                self.candidate[n].eq(lane.candidate),
                self.cancel[n].eq(lane.cancel),
                full[n].eq(lane.full),
                some[n].eq(lane.some),
                offered[n].eq(lane.offered),
            ]
        m.d.comb += [advance.eq(~full.any()), run.eq(state == State.ROWS)]

        # -- sequence ---------------------------------------------------------------------------
        left = Signal(config.tuple_bits)
        number = Signal(range(lanes + 1))  # of candidates in this cycle
        spent = Signal()
        m.d.comb += [
            number.eq(sum(offered[n] for n in range(lanes))),
            spent.eq(offered.any() & (left[len(number):] == 0) & (left[:len(number)] <= number)),
        ]
        m.d.sync += left.eq(left - number)
        # What a run's last candidate takes until its score counts.
        drain = VERIFY + merge_cycles(config)
        tick = Signal(range(drain))
        exhausted = Signal()
        indexed = Signal()
        m.d.comb += [indexed.eq(index.ready | every | known),
                     self.waiting.eq((state == State.WAIT) & ~indexed),
                     self.stop.eq(Mux(exhausted, Stop.COMPLETE, Stop.LIMIT))]
        with m.Switch(state):
            with m.Case(State.IDLE):
                m.d.comb += self.ready.eq(1)
                m.d.sync += [factor.eq(0), draws.eq(0), fetched.eq(0), left.eq(p.max_tuples),
                             looked.eq(0), pushed.eq(0), tick.eq(0), exhausted.eq(0),
                             lfsr.eq(Cat(*reversed(Mux(p.seed == 0, 1, p.seed))))]
                with m.If(self.start):
                    m.d.sync += state.eq(State.WAIT)
            with m.Case(State.WAIT):
                with m.If(indexed):
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
                with m.If(spent):
                    m.d.sync += state.eq(State.DRAIN)
                with m.Elif(~rows.busy & ~looked.any() & ~pushed.any() & ~some.any()
                            & ~Cat(rows.valid[n] for n in range(lanes)).any()):
                    m.d.sync += [state.eq(State.DRAIN), exhausted.eq(1), tick.eq(1)]
            with m.Case(State.DRAIN):
                m.d.sync += tick.eq(tick + 1)
                with m.If(tick == drain - 1):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += state.eq(State.IDLE)
        with m.If(self.halt):
            m.d.sync += state.eq(State.IDLE)
        return m
