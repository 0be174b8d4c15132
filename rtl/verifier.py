"""Verifier: scores tuples against the query and keeps the best and the runner-up."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices
from .modular import add_modulo

__all__ = ["Verifier", "reference"]


def reference(config: CoreConfig) -> data.StructLayout:
    """A codevector to be bound: ``first`` begins a tuple, ``last`` completes one.

    A ``last`` does not change the prefix bound so far, so that tuples that differ in one factor
    only take one reference each.
    """
    return data.StructLayout({"codevector": config.codevector_bits, "factor": config.factor_bits,
                              "first": 1, "last": 1})


class Verifier(wiring.Component):
    """One reference a cycle; a tuple's score ``latency`` cycles after its last reference.

    With ``joins`` a reference can bring what comes before it, see ``joined``; without ``prefixes``
    every one does.

    Stages: codebook read, bind, query read, sum, compare. ``accepted`` stays high once a score
    reaches ``accept``; later tuples are then ignored. Of equal scores the first wins; the
    runner-up is the best score of any other tuple.

    Members
    -------
    clear : In(1)
        Before a run.
    valid : In(1), reference : In(reference(config))
    joined : In(1), sums, codevectors : In
        The reference is the last factor's, completes a tuple and brings the others' bound indices
        and codevectors.
    cancel : In(1), bound : Out
        ``bound`` are a reference's indices, bound, two cycles after it; ``cancel`` in that cycle
        keeps it from being scored.
    address : Out, indices : In
        To and from the codebook memory.
    bound_weight : In
        From the query memory, for ``bound``.
    accept : In
        Least score that is accepted.
    scored : Out(1), score : Out
        A score has been entered, and which.
    improved : Out(1)
        With ``scored``: it is the best.
    accepted : Out(1)
    verified : Out(1)
        A tuple has been verified since ``clear``.
    best, runner_up, indices_best : Out
    """

    latency = 5

    def __init__(self, config: CoreConfig, joins: bool = False, prefixes: bool = True):
        self.config = config
        self.joins = joins
        self.prefixes = prefixes
        address = data.StructLayout({"codevector": config.codevector_bits,
                                     "factor": config.factor_bits})
        joined = {
            "joined": In(1),
            "sums": In(block_indices(config)),
            "codevectors": In(data.ArrayLayout(config.codevector_bits, config.factors - 1)),
            "cancel": In(1),
        }
        super().__init__({
            "clear": In(1),
            "valid": In(1),
            "reference": In(reference(config)),
            **(joined if joins else {}),
            "address": Out(address),
            "indices": In(block_indices(config)),
            "bound": Out(block_indices(config)),
            "bound_weight": In(data.ArrayLayout(config.weight_bits, config.blocks)),
            "accept": In(config.score_bits + 2),
            "scored": Out(1),
            "score": Out(config.score_bits),
            "improved": Out(1),
            "accepted": Out(1),
            "verified": Out(1),
            "best": Out(config.score_bits),
            "runner_up": Out(config.score_bits),
            "indices_best": Out(data.ArrayLayout(config.codevector_bits, config.factors)),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.d.comb += [self.address.factor.eq(self.reference.factor),
                     self.address.codevector.eq(self.reference.codevector)]

        valids, references = [self.valid], [self.reference]
        for stage in range(1, 5):
            valid = Signal(name=f"valid{stage}")
            held = Signal(reference(config), name=f"reference{stage}")
            cancel = self.cancel if self.joins and stage == 3 else 0
            m.d.sync += [valid.eq(valids[-1] & ~self.clear & ~cancel), held.eq(references[-1])]
            valids.append(valid)
            references.append(held)

        if self.joins:
            joined, others = [self.joined], [self.codevectors]
            for stage in range(1, 5):
                joined.append(Signal(name=f"joined{stage}"))
                others.append(Signal.like(self.codevectors, name=f"codevectors{stage}"))
                m.d.sync += [joined[-1].eq(joined[-2]), others[-1].eq(others[-2])]

        # Stage 1: bind to the prefix. Stage 2: the query is read. Stage 3: sum.
        for b in range(config.blocks):
            prefix = Signal(config.element_index_bits, name=f"prefix{b}")
            bound = Signal(config.element_index_bits, name=f"bound{b}")
            before = Mux(references[1].first, 0, prefix)
            if self.joins:
                sums = Signal(config.element_index_bits, name=f"sums{b}")
                m.d.sync += sums.eq(self.sums[b])
                before = Mux(joined[1], sums, before) if self.prefixes else sums
            m.d.comb += bound.eq(add_modulo(before, self.indices[b], config.block_length))
            with m.If(valids[1]):
                m.d.sync += self.bound[b].eq(bound)
                if self.prefixes:
                    with m.If(~references[1].last):
                        m.d.sync += prefix.eq(bound)
        score = Signal(config.score_bits)
        m.d.sync += score.eq(sum(self.bound_weight[b] for b in range(config.blocks)))

        # Stage 4: compare. The tuple is assembled here, where its references arrive in order.
        current = Signal(data.ArrayLayout(config.codevector_bits, config.factors))
        candidate = Signal.like(current)
        with m.If(valids[4]):
            m.d.sync += current.eq(candidate)
        for f in range(config.factors):
            codevector = Mux(references[4].factor == f, references[4].codevector, current[f])
            if self.joins:
                brought = (others[4][f] if f < config.factors - 1 else references[4].codevector)
                codevector = Mux(joined[4], brought, codevector) if self.prefixes else brought
            m.d.comb += candidate[f].eq(codevector)
        entering = Signal()
        higher = Signal()
        same = Signal()
        m.d.comb += [
            entering.eq(valids[4] & (references[4].last if self.prefixes else 1) & ~self.accepted),
            higher.eq(~self.verified | (score > self.best)),
        ]
        # The join engine never sends a tuple twice.
        if self.prefixes:
            m.d.comb += same.eq(self.verified
                                & (candidate.as_value() == self.indices_best.as_value()))
        m.d.sync += [self.scored.eq(entering), self.score.eq(score),
                     self.improved.eq(entering & higher & ~same)]
        with m.If(entering):
            m.d.sync += self.accepted.eq(score >= self.accept)
            with m.If(~same):
                with m.If(higher):
                    m.d.sync += [self.verified.eq(1), self.best.eq(score),
                                 self.indices_best.eq(candidate),
                                 self.runner_up.eq(Mux(self.verified, self.best, 0))]
                with m.Elif(score > self.runner_up):
                    m.d.sync += self.runner_up.eq(score)
        with m.If(self.clear):
            m.d.sync += [self.scored.eq(0), self.improved.eq(0), self.accepted.eq(0),
                         self.verified.eq(0), self.best.eq(0), self.runner_up.eq(0),
                         self.indices_best.eq(0)]
        return m
