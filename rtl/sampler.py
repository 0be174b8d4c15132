"""Random sampler: a leap-forward LFSR, and a walk that draws distinct codevectors."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.golden.sampler import LFSR_BITS, TAPS

__all__ = ["Sampler"]


class Sampler(wiring.Component):
    """Draws distinct codevectors, one value examined a cycle; see golden/sampler.py.

    ``start`` takes ``count`` and begins a walk; the values examined are at ``codevector`` from the
    next cycle on, those that are ``taken`` one a cycle at least every other cycle on average;
    ``busy`` falls in the cycle after the last. The state must not ``leap`` while busy.

    Members
    -------
    seed : In(32), load : In(1)
        Start state; 0 is replaced by 1.
    leap : In(1)
        Advance the state past the bits of this draw.
    size : In
        Codevectors M to draw from.
    whole : In(1)
        Walk 0, 1, 2... instead.
    count : In
        Codevectors to draw, at most ``size``.
    start, stop : In(1)
    offset, stride : Out
        Of the draw that starts or started last, until the state leaps.
    taken : Out(1), codevector : Out, slot : Out
        A drawn codevector and its place.
    busy : Out(1)
    final : Out(1)
        The last codevector is taken.
    factor : In
        Only with ``draws="sweep"``: whose walk goes on, stable while busy; not 0, which no run
        draws a list for.
    fresh : Out(1)
        Only then: the factor's next draw begins a new walk.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.width = 2 * config.codevector_bits
        self.sweeping = config.draws == "sweep"
        sweep = {"factor": In(config.factor_bits), "fresh": Out(1)} if self.sweeping else {}
        super().__init__({
            "seed": In(LFSR_BITS),
            "load": In(1),
            "leap": In(1),
            "size": In(config.size_bits),
            "whole": In(1),
            "count": In(range(config.list_size + 1)),
            "start": In(1),
            "stop": In(1),
            "offset": Out(config.codevector_bits),
            "stride": Out(config.codevector_bits),
            "taken": Out(1),
            "codevector": Out(config.codevector_bits),
            "slot": Out(max(1, (config.list_size - 1).bit_length())),
            "busy": Out(1),
            "final": Out(1),
        } | sweep)

    def elaborate(self, platform):
        m = Module()
        bits = self.config.codevector_bits

        state = Signal(LFSR_BITS)
        # The bit that enters k steps from now; bit 0 of the state is the newest.
        entering = []
        for k in range(self.width):
            taps = (tap - 1 - k for tap in TAPS)
            entering.append(Cat(*(state[bit] if bit >= 0 else entering[-1 - bit]
                                  for bit in taps)).xor())
        with m.If(self.load):
            m.d.sync += state.eq(Mux(self.seed == 0, 1, self.seed))
        with m.Elif(self.leap):
            m.d.sync += state.eq(Cat(*reversed(entering), state))

        # The smallest 2**n - 1 that covers size - 1. It is kept with the draw: when the trace tells
        # of it, ``size`` is the next factor's.
        highest = Signal(bits)
        mask, kept_mask = Signal(bits), Signal(bits)
        whole, kept_whole = Signal(), Signal()
        m.d.comb += [
            highest.eq(self.size - 1),
            mask.eq(Mux(self.start, Cat(highest[bit:].any() for bit in range(bits)), kept_mask)),
            whole.eq(Mux(self.start, self.whole, kept_whole)),
            self.offset.eq(Mux(whole, 0, state[:bits] & mask)),
            self.stride.eq(Mux(whole, 1, (state[bits:2 * bits] & mask) | 1)),
        ]
        m.d.sync += [kept_mask.eq(mask), kept_whole.eq(whole)]
        if self.sweeping:
            self._go_on(m, mask, whole)

        left = Signal.like(self.count)
        m.d.comb += [
            self.busy.eq(left != 0),
            self.taken.eq(self.busy & (self.codevector < self.size)),
            self.final.eq(self.taken & (left == 1)),
        ]
        with m.If(self.busy):
            m.d.sync += self.codevector.eq((self.codevector + self.stride) & mask)
            with m.If(self.taken):
                m.d.sync += [left.eq(left - 1), self.slot.eq(self.slot + 1)]
        with m.If(self.start):
            m.d.sync += [self.codevector.eq(self.offset), self.slot.eq(0), left.eq(self.count)]
        with m.If(self.stop):
            m.d.sync += left.eq(0)
        return m

    def _go_on(self, m, mask, whole):
        """Walks that go on: what is kept of each, and offset and stride of a draw."""
        bits = self.config.codevector_bits
        layout = data.StructLayout({"next": bits, "stride": bits, "left": self.config.size_bits})
        walks = [Signal(layout, name=f"walk{f}") for f in range(1, self.config.factors)]
        kept = Array([walks[0], *walks])[self.factor]
        drawn, stride = Signal(bits), Signal(bits)  # offset and stride of the last draw
        m.d.comb += self.fresh.eq(kept.left == 0)
        with m.If(self.start):
            m.d.sync += [drawn.eq(self.offset), stride.eq(self.stride)]
            with m.If(~whole & ~self.fresh):
                m.d.comb += [self.offset.eq(kept.next), self.stride.eq(kept.stride)]
        with m.Else():
            m.d.comb += [self.offset.eq(drawn), self.stride.eq(stride)]
        for f, walk in enumerate(walks, 1):
            with m.If(self.factor == f):
                with m.If(self.start):
                    m.d.sync += walk.stride.eq(self.stride)
                    with m.If(whole):
                        m.d.sync += walk.left.eq(0)
                    with m.Elif(self.fresh):
                        m.d.sync += walk.left.eq(self.size)
                with m.If(self.taken & (walk.left != 0)):
                    m.d.sync += walk.left.eq(walk.left - 1)
                with m.If(self.final):
                    m.d.sync += walk.next.eq((self.codevector + self.stride) & mask)
            with m.If(self.load):
                m.d.sync += walk.left.eq(0)
