"""Scan: sends every tuple to the verifier."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import Stop, run_parameters
from .verifier import Verifier, reference

__all__ = ["ScanEngine"]


class State(enum.Enum, shape=2):
    """What the engine is doing."""

    IDLE = 0
    PREFIX = 1
    INNER = 2
    DRAIN = 3


class ScanEngine(wiring.Component):
    """Enumerates all tuples, the first factor slowest; one codevector reference a cycle.

    The last unknown factor is the inner one: a prefix of the other factors takes F - 1 cycles,
    each of its tuples one more.

    Members
    -------
    start : In(1), halt : In(1), ready : Out(1)
    parameters : In(run_parameters(config))
    verify : Out(1), reference : Out
        To the verifier.
    done : Out(1), stop : Out(Stop)
        The run is over and no score was accepted.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "start": In(1),
            "halt": In(1),
            "ready": Out(1),
            "parameters": In(run_parameters(config)),
            "verify": Out(1),
            "reference": Out(reference(config)),
            "done": Out(1),
            "stop": Out(Stop),
        })

    def elaborate(self, platform):
        m = Module()
        config, p = self.config, self.parameters
        factors = config.factors
        state = Signal(State)
        factor = Signal(config.factor_bits)
        left = Signal(32)
        exhausted = Signal()
        tick = Signal(range(Verifier.latency))
        once = Signal()  # a single tuple, all of it prefix
        inner = Signal(config.factor_bits)
        m.d.comb += once.eq(p.known.all() | (p.max_tuples == 0))
        for f in range(factors):
            with m.If(~p.known[f]):
                m.d.comb += inner.eq(f)
        first = Signal(config.factor_bits)
        final = Signal(config.factor_bits)
        m.d.comb += [
            first.eq(Mux(~once & (inner == 0), 1, 0)),
            final.eq(Mux(~once & (inner == factors - 1), factors - 2, factors - 1)),
        ]

        # A counter a factor; the inner one carries into the next slower one that is not known.
        index = [Signal(config.codevector_bits, name=f"index{f}") for f in range(factors)]
        carry = state == State.INNER
        for f in reversed(range(factors)):
            end = Signal(name=f"end{f}")
            m.d.comb += end.eq(index[f] == p.sizes[f] - 1)
            with m.If(carry & ~p.known[f]):
                m.d.sync += index[f].eq(Mux(end, 0, index[f] + 1))
            carry = carry & (end | p.known[f])
        last = carry

        with m.Switch(state):
            with m.Case(State.IDLE):
                m.d.comb += self.ready.eq(1)
                m.d.sync += [factor.eq(first), left.eq(p.max_tuples), exhausted.eq(0), tick.eq(0)]
                for f in range(factors):
                    m.d.sync += index[f].eq(Mux(p.known[f], p.known_index[f], 0))
                with m.If(self.start):
                    m.d.sync += state.eq(State.PREFIX)
            with m.Case(State.PREFIX):
                m.d.comb += [self.verify.eq(1), self.reference.factor.eq(factor),
                             self.reference.first.eq(factor == first),
                             self.reference.last.eq(once & (factor == final))]
                m.d.sync += factor.eq(Mux(~once & (factor + 1 == inner), factor + 2, factor + 1))
                with m.If(factor == final):
                    m.d.sync += state.eq(Mux(once, State.DRAIN, State.INNER))
            with m.Case(State.INNER):
                m.d.comb += [self.verify.eq(1), self.reference.factor.eq(inner),
                             self.reference.last.eq(1)]
                m.d.sync += [left.eq(left - 1), factor.eq(first)]
                inner_end = Signal()
                for f in range(factors):
                    with m.If(inner == f):
                        m.d.comb += inner_end.eq(index[f] == p.sizes[f] - 1)
                with m.If(last | (left == 1)):
                    m.d.sync += [exhausted.eq(last), state.eq(State.DRAIN)]
                with m.Elif(inner_end):
                    m.d.sync += state.eq(State.PREFIX)
            with m.Case(State.DRAIN):
                m.d.sync += tick.eq(tick + 1)
                with m.If(tick == Verifier.latency - 1):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += state.eq(State.IDLE)
        for f in range(factors):
            with m.If(self.reference.factor == f):
                m.d.comb += self.reference.codevector.eq(index[f])
        with m.If(self.halt):
            m.d.sync += state.eq(State.IDLE)
        m.d.comb += self.stop.eq(Mux(exhausted | p.known.all(), Stop.COMPLETE, Stop.LIMIT))
        return m
