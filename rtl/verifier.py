"""Verifier: scores tuples against the query and keeps the best and the runner-up."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.golden.cycles import VERIFY, merge_cycles

from .layouts import block_indices
from .scorer import Scorer, candidate, reference, tuple_codevectors

__all__ = ["Verifier"]


class Verifier(wiring.Component):
    """One reference a cycle, or one candidate a cycle in each lane.

    A tuple's score counts ``latency`` cycles after its last reference: the scorer's, and one that
    compares; a candidate's ``candidate_latency``, a cycle more for each pairing of the lanes.
    ``accepted`` stays high once a score reaches ``accept``; later tuples are then ignored. Of equal
    scores the first wins, of those of one cycle the lowest lane's; the runner-up is the best score
    of any other tuple.

    Members
    -------
    clear : In(1)
        Before a run.
    hold : In(1)
        No score counts: the run is over.
    valid : In(1), reference : In(reference(config))
        Only in cores that factorize.
    joined : In(1)
        Candidates count instead of references. Only in cores that join, as the next four.
    offered : In(1), candidate : In(candidate(config)), per lane
    cancel : In(1), per lane
        In the cycle of ``bound``, two after the candidate: it is not scored.
    address : Out, indices : In, per lane
        To and from the codebook memory.
    bound : Out, bound_weight : In, per lane
        To and from the query memory.
    accept : In
        Least score that is accepted.
    scored : Out
        How many scores have been entered.
    word : Out(16)
        With ``scored``: the score; of several lanes see golden/trace.py.
    improved : Out(1)
        With ``scored``: there is a new best.
    accepted : Out(1)
    verified : Out(1)
        A tuple has been verified since ``clear``.
    best, runner_up, indices_best : Out
    """

    latency = VERIFY

    def __init__(self, config: CoreConfig):
        self.config = config
        self.lanes = config.lanes
        #: Cycles from a candidate to its score.
        self.candidate_latency = self.latency + merge_cycles(config)
        lanes = self.lanes
        address = data.StructLayout({"codevector": config.codevector_bits,
                                     "factor": config.factor_bits})
        members = {
            "clear": In(1),
            "hold": In(1),
            "address": Out(address).array(lanes),
            "indices": In(block_indices(config)).array(lanes),
            "bound": Out(block_indices(config)).array(lanes),
            "bound_weight": In(data.ArrayLayout(config.weight_bits, config.blocks)).array(lanes),
            "accept": In(config.score_bits + 2),
            "scored": Out(range(lanes + 1)),
            "word": Out(16),
            "improved": Out(1),
            "accepted": Out(1),
            "verified": Out(1),
            "best": Out(config.score_bits),
            "runner_up": Out(config.score_bits),
            "indices_best": Out(tuple_codevectors(config)),
        }
        if "factorize" in config.engines:
            members |= {"valid": In(1), "reference": In(reference(config))}
        if "join" in config.engines:
            members |= {
                "joined": In(1),
                "offered": In(1).array(lanes),
                "candidate": In(candidate(config)).array(lanes),
                "cancel": In(1).array(lanes),
            }
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        joins, factorizes = "join" in config.engines, "factorize" in config.engines
        scored = data.StructLayout({
            "count": range(self.lanes + 1),
            "score": config.score_bits,
            "second": config.score_bits,
            "word": 16,
            "codevectors": tuple_codevectors(config),
        })

        level = []
        for n in range(self.lanes):
            references = factorizes and n == 0
            m.submodules[f"scorer{n}"] = scorer = Scorer(config, references, joins)
            m.d.comb += [
                scorer.clear.eq(self.clear),
                self.address[n].eq(scorer.address),
                scorer.indices.eq(self.indices[n]),
                self.bound[n].eq(scorer.bound),
                scorer.bound_weight.eq(self.bound_weight[n]),
            ]
            joined = self.joined if factorizes and joins else Const(int(joins))
            if joins:
                m.d.comb += [
                    scorer.joined.eq(joined),
                    scorer.candidate.eq(self.candidate[n]),
                    scorer.cancel.eq(self.cancel[n] & joined),
                    scorer.valid.eq(self.offered[n] & joined),
                ]
            if references:
                with m.If(~joined):
                    m.d.comb += scorer.valid.eq(self.valid)
                m.d.comb += scorer.reference.eq(self.reference)
            item = Signal(scored, name=f"lane{n}")
            turn = 16 // self.lanes * n
            word = Signal(16, name=f"word{n}")
            m.d.comb += [
                word.eq(scorer.score),
                item.count.eq(scorer.scored),
                item.score.eq(scorer.score),
                item.word.eq(word.rotate_left(turn)),
                item.codevectors.eq(scorer.codevectors),
            ]
            level.append(item)

        # The best of the lanes, pair by pair.
        first = level[0]
        while len(level) > 1:
            level = [self.better(m, scored, *level[n:n + 2], f"best{len(level)}_{n}")
                     for n in range(0, len(level), 2)]
        found = level[0]
        if factorizes and self.lanes > 1:
            # References need not wait for what the other lanes might have found.
            found = Signal(scored, name="found")
            m.d.comb += found.eq(Mux(self.joined, level[0], first))

        entering, higher, same = Signal(), Signal(), Signal()
        m.d.comb += [
            entering.eq((found.count != 0) & ~self.accepted & ~self.hold),
            higher.eq(~self.verified | (found.score > self.best)),
        ]
        # The join engine never sends a tuple twice.
        if factorizes:
            m.d.comb += same.eq(self.verified
                                & (found.codevectors.as_value() == self.indices_best.as_value()))
        m.d.sync += [self.scored.eq(Mux(entering, found.count, 0)), self.word.eq(found.word),
                     self.improved.eq(entering & higher & ~same)]
        with m.If(entering):
            m.d.sync += self.accepted.eq(found.score >= self.accept)
            with m.If(~same):
                with m.If(higher):
                    beaten = Mux(self.verified, self.best, 0)
                    if self.lanes > 1:
                        beaten = Mux(found.second > beaten, found.second, beaten)
                    m.d.sync += [self.verified.eq(1), self.best.eq(found.score),
                                 self.indices_best.eq(found.codevectors),
                                 self.runner_up.eq(beaten)]
                with m.Elif(found.score > self.runner_up):
                    m.d.sync += self.runner_up.eq(found.score)
        with m.If(self.clear):
            m.d.sync += [self.scored.eq(0), self.improved.eq(0), self.accepted.eq(0),
                         self.verified.eq(0), self.best.eq(0), self.runner_up.eq(0),
                         self.indices_best.eq(0)]
        return m

    def better(self, m, layout, a, b, name: str):
        """The better of two, a cycle later; ``a`` if they are equal."""
        o = Signal(layout, name=name)
        wins, loser = Signal(name=f"{name}_wins"), Signal.like(a.score, name=f"{name}_loser")
        second = Signal.like(a.second, name=f"{name}_second")
        some = [Signal(name=f"{name}_some{n}") for n in range(2)]
        m.d.comb += [
            *(flag.eq(x.count != 0) for flag, x in zip(some, (a, b))),
            wins.eq(some[1] & (~some[0] | (b.score > a.score))),
            loser.eq(Mux(wins, Mux(some[0], a.score, 0), Mux(some[1], b.score, 0))),
            second.eq(Mux(wins, b.second, a.second)),
        ]
        m.d.sync += [
            o.count.eq(Mux(self.clear, 0, a.count + b.count)),
            o.score.eq(Mux(wins, b.score, a.score)),
            o.codevectors.eq(Mux(wins, b.codevectors, a.codevectors)),
            o.second.eq(Mux(loser > second, loser, second)),
            o.word.eq(Mux(some[0], a.word, 0) ^ Mux(some[1], b.word, 0)),
        ]
        return o
