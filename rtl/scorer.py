"""Scorer: binds a tuple and adds up the query's weights at its indices."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices
from .modular import add_modulo

__all__ = ["Scorer", "candidate", "reference", "tuple_codevectors"]


def reference(config: CoreConfig) -> data.StructLayout:
    """A codevector to be bound: ``first`` begins a tuple, ``last`` completes one.

    A ``last`` does not change the prefix bound so far, so that tuples that differ in one factor
    only take one reference each.
    """
    return data.StructLayout({"codevector": config.codevector_bits, "factor": config.factor_bits,
                              "first": 1, "last": 1})


def candidate(config: CoreConfig) -> data.StructLayout:
    """A codevector of the last factor, and the others' codevectors and bound indices."""
    return data.StructLayout({
        "codevector": config.codevector_bits,
        "codevectors": data.ArrayLayout(config.codevector_bits, config.factors - 1),
        "sums": block_indices(config),
    })


def tuple_codevectors(config: CoreConfig) -> data.ArrayLayout:
    """A codevector of every factor."""
    return data.ArrayLayout(config.codevector_bits, config.factors)


class Scorer(wiring.Component):
    """One reference or candidate a cycle, whose score comes ``latency`` cycles later.

    Stages: codebook read, bind, query read, sum. Where there are several lanes, candidates have a
    register before the sum and take ``candidate_latency``.

    Parameters
    ----------
    config : CoreConfig
    references, candidates : bool
        Which of them there are.

    Members
    -------
    clear : In(1)
        Forget what is on its way.
    valid : In(1), reference : In(reference(config))
    joined : In(1)
        ``candidate`` counts instead of ``reference``; does not change while one is on its way.
    candidate : In(candidate(config))
    cancel : In(1), bound : Out
        ``bound`` are a tuple's indices two cycles after its last reference; ``cancel`` in that
        cycle keeps it from being scored.
    address : Out, indices : In
        To and from the codebook memory.
    bound_weight : In
        From the query memory, for ``bound``.
    scored : Out(1), score : Out, codevectors : Out
        A tuple and its score.
    """

    latency = 4

    def __init__(self, config: CoreConfig, references: bool = True, candidates: bool = False):
        self.config = config
        self.candidate_latency = self.latency + (candidates and config.lanes > 1)
        self.references = references
        self.candidates = candidates
        address = data.StructLayout({"codevector": config.codevector_bits,
                                     "factor": config.factor_bits})
        members = {
            "clear": In(1),
            "valid": In(1),
            "address": Out(address),
            "indices": In(block_indices(config)),
            "bound": Out(block_indices(config)),
            "bound_weight": In(data.ArrayLayout(config.weight_bits, config.blocks)),
            "scored": Out(1),
            "score": Out(config.score_bits),
            "codevectors": Out(tuple_codevectors(config)),
        }
        if references:
            members["reference"] = In(reference(config))
        if candidates:
            members |= {"joined": In(1), "candidate": In(candidate(config)), "cancel": In(1)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        last = config.factors - 1

        def delay(signal, name):
            stages = [signal]
            for stage in range(1, self.candidate_latency + 1):
                stages.append(Signal.like(signal, name=f"{name}{stage}"))
                m.d.sync += stages[-1].eq(stages[-2])
            return stages

        valids = [self.valid]
        for stage in range(1, self.candidate_latency + 1):
            cancel = self.cancel if self.candidates and stage == 3 else 0
            valids.append(Signal(name=f"valid{stage}"))
            m.d.sync += valids[-1].eq(valids[-2] & ~self.clear & ~cancel)
        if self.references:
            references = delay(self.reference, "reference")
            m.d.comb += [self.address.factor.eq(self.reference.factor),
                         self.address.codevector.eq(self.reference.codevector)]
        if self.candidates:
            others = delay(self.candidate.codevectors, "others")
            found = delay(self.candidate.codevector, "found")
            with m.If(self.joined):
                m.d.comb += [self.address.factor.eq(last),
                             self.address.codevector.eq(self.candidate.codevector)]

        # Stage 1: bind to the prefix. Stage 2: the query is read. Stage 3: sum.
        for b in range(config.blocks):
            bound = Signal(config.element_index_bits, name=f"bound{b}")
            if self.references:
                prefix = Signal(config.element_index_bits, name=f"prefix{b}")
                before = Mux(references[1].first, 0, prefix)
            if self.candidates:
                sums = Signal(config.element_index_bits, name=f"sums{b}")
                m.d.sync += sums.eq(self.candidate.sums[b])
                before = Mux(self.joined, sums, before) if self.references else sums
            m.d.comb += bound.eq(add_modulo(before, self.indices[b], config.block_length))
            with m.If(valids[1]):
                m.d.sync += self.bound[b].eq(bound)
                if self.references:
                    with m.If(~references[1].last):
                        m.d.sync += prefix.eq(bound)
        weights = self.bound_weight
        if self.candidate_latency > self.latency:
            held = Signal.like(weights, name="held")
            m.d.sync += held.eq(weights)
            if self.references:
                weights = [Mux(self.joined, held[b], weights[b]) for b in range(config.blocks)]
            else:
                weights = held
        m.d.sync += self.score.eq(sum(weights[b] for b in range(config.blocks)))

        # Last stage: the tuple is assembled here, where its references arrive in order.
        m.d.comb += self.scored.eq(valids[-1])
        if self.references:
            current = Signal(tuple_codevectors(config))
            valid, reference = valids[self.latency], references[self.latency]
            with m.If(valid):
                m.d.sync += current.eq(self.codevectors)
            for f in range(config.factors):
                m.d.comb += self.codevectors[f].eq(
                    Mux(reference.factor == f, reference.codevector, current[f]))
            scored = valid & reference.last
            if self.candidates:
                scored = Mux(self.joined, valids[-1], scored)
            m.d.comb += self.scored.eq(scored)
        if self.candidates:
            with m.If(self.joined if self.references else 1):
                m.d.comb += self.codevectors[last].eq(found[-1])
                for f in range(last):
                    m.d.comb += self.codevectors[f].eq(others[-1][f])
        return m
