"""Similarity engine: looks every codevector up, combines its blocks and activates a list."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .histogram import Histogram
from .layouts import block_indices
from .lists import list_entry
from .modular import subtract_modulo
from .order import OrderStatistic

__all__ = ["SimilarityEngine"]


class SimilarityEngine(wiring.Component):
    """Similarity of each codevector of a factor, one look-up a cycle, and the list of those above.

    While ``run`` is high a look-up enters each cycle: codevector by codevector, each with the
    query's entries 0 to ``depth - 1``; ``last`` is high with the last. Stages: codebook and query
    read, subtract, histogram read (2), weigh, accumulate, order statistic (2), compare. Weights of
    one bit need no stage to weigh: they blank the histogram's value. One entry a block needs none
    to accumulate. A codevector above the threshold appears at ``hit`` ``latency`` cycles after its
    last look-up entered; best and list length are up to date at the same time.

    Members
    -------
    run, clear : In(1)
        ``clear`` forgets best and list length.
    size : In
        Codevectors of the factor.
    depth : In
        Entries per block of the query, at least 1.
    trim, use_sum : In
    threshold : In
        Theta of the step; used from ``threshold_latency`` cycles after the first look-up entered.
    last : Out(1)
    codevector, entry : Out
        To the codebook and query memories; a cycle later come ``indices``, ``query_index`` and
        ``query_weight``.
    look, look_index, blank : Out, value : In
        To and from the histogram.
    hit, hit_slot, hit_entry : Out
        A list entry to be written.
    length : Out
        Entries of the list.
    best, best_codevector, best_position : Out
        Largest similarity so far, the first codevector that has it, its leading-one position.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.weighs = config.weight_bits > 1
        self.accumulates = config.query_entries > 1
        self.latency = self.latency_of(config)
        #: Cycles from a look-up to the comparison with the threshold.
        self.threshold_latency = self.latency - 1
        weights = data.ArrayLayout(config.weight_bits, config.blocks)
        values = data.ArrayLayout(config.histogram_bits, config.blocks)
        super().__init__({
            "run": In(1),
            "clear": In(1),
            "size": In(config.size_bits),
            "depth": In(range(config.query_entries + 1)),
            "trim": In(max(1, (config.blocks - 1).bit_length())),
            "use_sum": In(1),
            "threshold": In(config.scaled_threshold_bits + config.product_bits - 16),
            "last": Out(1),
            "codevector": Out(config.codevector_bits),
            "entry": Out(max(1, (config.query_entries - 1).bit_length())),
            "indices": In(block_indices(config)),
            "query_index": In(block_indices(config)),
            "query_weight": In(weights),
            "look": Out(1),
            "look_index": Out(block_indices(config)),
            "blank": Out(config.blocks),
            "value": In(values),
            "hit": Out(1),
            "hit_slot": Out(max(1, (config.list_size - 1).bit_length())),
            "hit_entry": Out(list_entry(config)),
            "length": Out(range(config.list_size + 1)),
            "best": Out(config.similarity_bits),
            "best_codevector": Out(config.codevector_bits),
            "best_position": Out(config.position_bits),
        })

    @staticmethod
    def latency_of(config: CoreConfig) -> int:
        """Cycles from a codevector's last look-up to its hit."""
        return (1 + 1 + Histogram.latency + (config.weight_bits > 1) + (config.query_entries > 1)
                + OrderStatistic.latency + 1)

    def weigh(self, m, value, weight, name: str):
        """Register ``value * weight``: by shift and add, unless the configuration has DSPs."""
        if self.config.multiplier == "dsp":
            product = value * weight
        else:
            # Pairs of partial products, so that the adders form a tree.
            parts = [Mux(weight[bit], value << bit, 0) for bit in range(self.config.weight_bits)]
            while len(parts) > 1:
                parts = [sum(parts[n:n + 2]) for n in range(0, len(parts), 2)]
            product = parts[0]
        weighed = Signal(self.config.histogram_bits + self.config.weight_bits, name=name)
        m.d.sync += weighed.eq(product)
        return weighed

    def elaborate(self, platform):
        m = Module()
        config = self.config

        # Enter: all entries of a codevector, then the next codevector.
        first = Signal()
        final = Signal()
        m.d.comb += [
            first.eq(self.entry == 0),
            final.eq(self.entry == self.depth - 1),
            self.last.eq(self.run & final & (self.codevector == self.size - 1)),
        ]
        with m.If(self.run):
            m.d.sync += self.entry.eq(Mux(final, 0, self.entry + 1))
            with m.If(final):
                m.d.sync += self.codevector.eq(self.codevector + 1)
        with m.If(self.clear):
            m.d.sync += [self.entry.eq(0), self.codevector.eq(0)]

        # Control follows the data: stages[n] is the control of the look-up that entered n cycles
        # ago.
        control = data.StructLayout({"valid": 1, "first": 1, "final": 1})
        stages = [Signal(control, name="control0")]
        m.d.comb += [stages[0].valid.eq(self.run), stages[0].first.eq(first),
                     stages[0].final.eq(final)]
        for n in range(1, self.threshold_latency + 1):
            stage = Signal(control, name=f"control{n}")
            m.d.sync += stage.eq(stages[-1])
            stages.append(stage)
        m.d.comb += self.look.eq(stages[2].valid)

        m.submodules.order = order = OrderStatistic(config.block_similarity_bits, config.blocks)
        m.d.comb += [order.trim.eq(self.trim), order.use_sum.eq(self.use_sum)]
        for b in range(config.blocks):
            m.d.sync += self.look_index[b].eq(
                subtract_modulo(self.query_index[b], self.indices[b], config.block_length))
            # The weight enters with the row that the histogram reads, or with the value a cycle
            # later.
            weight = self.query_weight[b]
            for n in range(2, 5 if self.weighs else 4):
                delayed = Signal(config.weight_bits, name=f"weight{n}_{b}")
                m.d.sync += delayed.eq(weight)
                weight = delayed
            value = self.value[b]
            if self.weighs:
                value = self.weigh(m, value, weight, f"weighed{b}")
            else:
                m.d.comb += self.blank[b].eq(stages[3].valid & ~weight)
            if self.accumulates:
                total = Signal(config.block_similarity_bits, name=f"total{b}")
                m.d.sync += total.eq(Mux(stages[4 + self.weighs].first, 0, total) + value)
                value = total
            m.d.comb += order.values[b].eq(value)

        # Compare. Codevectors leave in the order they entered, so a counter numbers them.
        compare = stages[-1]
        similarity = order.o
        number = Signal(config.codevector_bits)
        position = Signal(config.position_bits)
        for bit in range(config.similarity_bits):
            with m.If(similarity[bit]):
                m.d.comb += position.eq(bit)
        room = Signal()
        m.d.comb += room.eq(self.length != config.list_size)
        m.d.sync += self.hit.eq(0)
        with m.If(compare.valid & compare.final):
            m.d.sync += number.eq(number + 1)
            with m.If(similarity > self.best):
                m.d.sync += [self.best.eq(similarity), self.best_codevector.eq(number),
                             self.best_position.eq(position)]
            with m.If((similarity > self.threshold) & room):
                m.d.sync += [self.hit.eq(1), self.length.eq(self.length + 1)]
        m.d.sync += [self.hit_slot.eq(self.length), self.hit_entry.codevector.eq(number),
                     self.hit_entry.position.eq(position)]
        with m.If(self.clear):
            m.d.sync += [number.eq(0), self.best.eq(0), self.best_codevector.eq(0),
                         self.best_position.eq(0), self.length.eq(0)]
        return m
