"""Trace of the factorize engine: what happened, as 16-bit words, one a cycle."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import TraceKind, trace_word
from .lists import list_entry

__all__ = ["StepTrace"]


class StepTrace(wiring.Component):
    """Turns steps, list entries and draws into trace words; see golden/trace.py for the words.

    A step's own words follow in the ``step_cycles`` cycles after ``step``; the sources must be
    stable until then, and no ``hit`` or ``draw`` may come.

    Members
    -------
    hit : In(1), hit_entry : In
        A list entry.
    step : In(1)
        Pulse: a step has ended; takes ``factor``, ``length`` and ``drawn``.
    best, best_codevector : In
        Of the step.
    begin : In(1)
        Pulse: run through the same cycles without words.
    draw : In(1)
        Pulse: a draw outside a step; its stride follows in the next cycle.
    offset, stride : In
    leap : Out(1)
        The last of a step's cycles: the sampler's state has served and may leap.
    ended : Out(1)
        The cycle after.
    valid : Out(1), o : Out(trace_word)
    """

    step_cycles = 6

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "hit": In(1),
            "hit_entry": In(list_entry(config)),
            "step": In(1),
            "factor": In(config.factor_bits),
            "drawn": In(1),
            "length": In(range(config.list_size + 1)),
            "best": In(config.similarity_bits),
            "best_codevector": In(config.codevector_bits),
            "begin": In(1),
            "draw": In(1),
            "offset": In(config.codevector_bits),
            "stride": In(config.codevector_bits),
            "leap": Out(1),
            "ended": Out(1),
            "valid": Out(1),
            "o": Out(trace_word),
        })

    def elaborate(self, platform):
        m = Module()
        tick = Signal(range(self.step_cycles + 2), init=self.step_cycles + 1)
        words = Signal()  # whether the cycles carry words
        flags = Signal(16)
        drawn = Signal()
        with m.If(self.step | self.begin):
            m.d.sync += [tick.eq(0), words.eq(self.step)]
        with m.Elif(tick != self.step_cycles + 1):
            m.d.sync += tick.eq(tick + 1)
        with m.If(self.step):
            m.d.sync += [drawn.eq(self.drawn), flags[3:].eq(self.length), flags[2].eq(self.drawn),
                         flags[:2].eq(self.factor)]
        m.d.comb += [
            self.leap.eq((tick == self.step_cycles - 1) & words),
            self.ended.eq(tick == self.step_cycles),
        ]

        stride_next = Signal()
        m.d.sync += stride_next.eq(self.draw)

        def word(kind, value):
            m.d.comb += [self.valid.eq(1), self.o.kind.eq(kind), self.o.word.eq(value)]

        with m.If(self.hit):
            word(TraceKind.ENTRY, (self.hit_entry.position << 11) ^ self.hit_entry.codevector)
        with m.Elif(self.draw):
            word(TraceKind.DRAW, self.offset)
        with m.Elif(stride_next):
            word(TraceKind.DRAW, self.stride)
        with m.Elif(words):
            with m.Switch(tick):
                with m.Case(0):
                    word(TraceKind.STEP, flags)
                with m.Case(1):
                    word(TraceKind.STEP, self.best_codevector)
                with m.Case(2):
                    word(TraceKind.STEP, self.best[:16])
                if self.config.similarity_bits > 16:
                    with m.Case(3):
                        word(TraceKind.STEP, self.best[16:])
                if self.config.draws == "random":  # else no step has a draw of its own
                    with m.Case(4):
                        with m.If(drawn):
                            word(TraceKind.DRAW, self.offset)
                    with m.Case(5):
                        with m.If(drawn):
                            word(TraceKind.DRAW, self.stride)
        return m
