# amaranth: UnusedElaboratable=no
"""rtl/scorer.py against golden/verifier.py's score(), to the cycle: references and candidates."""

import random

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.verifier import score
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.scorer import Scorer
from blockfactor.sim.pysim import simulate

SHAPES = {"two": (2, 3, 8), "three": (3, 2, 11), "four": (4, 1, 5)}
CODEVECTORS = 6
KINDS = {"references": (True, False), "candidates": (False, True), "both": (True, True)}


class Bench:
    """The scorer between models of its memories."""

    def __init__(self, shape, kind, lanes, seed):
        self.where = f"{shape}, {kind}, lanes {lanes}, seed {seed}"
        self.rng = rng = random.Random(self.where)
        factors, self.blocks, length = SHAPES[shape]
        self.config = CoreConfig(factors=factors, blocks=self.blocks, block_length=length,
                                 max_codevectors=CODEVECTORS, list_size=4, query_entries=2,
                                 weight_bits=4, lanes=lanes)
        self.references, self.candidates = KINDS[kind]
        self.dut = Scorer(self.config, self.references, self.candidates)
        self.code = np.array([[[rng.randrange(length) for _ in range(self.blocks)]
                               for _ in range(CODEVECTORS)] for _ in range(factors)])
        self.table = np.array([[rng.randint(0, 15) for _ in range(length)]
                               for _ in range(self.blocks)])
        self.cycle = 0
        self.latency = 0
        self.have, self.due = [], []  # (cycle, score, codevectors)
        self.bounds = {}  # cycle: bound indices
        self.cancels = {}  # cycle: whether to cancel

    async def memories(self, ctx):
        """Codebook and query, and a record of the scores."""
        dut = self.dut
        assert Memory.latency == 1
        async for _, _, address, bound, scored, value, codevectors in ctx.tick().sample(
                dut.address, dut.bound, dut.scored, dut.score, dut.codevectors):
            ctx.set(dut.indices, self.code[address.factor % len(self.code),
                                           address.codevector % CODEVECTORS].tolist())
            ctx.set(dut.bound_weight, [int(self.table[b, bound[b] % self.table.shape[1]])
                                       for b in range(self.blocks)])
            if scored:
                self.have.append((self.cycle, value, list(codevectors)))
            self.cycle += 1

    def bind(self, chosen):
        """Bound indices of codevectors, given by factor."""
        total = sum(self.code[f, m] for f, m in chosen.items())
        return (total % self.config.block_length).tolist()

    async def tick(self, ctx, valid, reference=None, candidate=None):
        """One cycle; whatever is not given is anything."""
        dut, rng, config = self.dut, self.rng, self.config
        ctx.set(dut.valid, valid)
        if self.references:
            ctx.set(dut.reference, reference or {
                "factor": rng.randrange(config.factors), "codevector": rng.randrange(CODEVECTORS),
                "first": rng.randrange(2), "last": rng.randrange(2)})
        if self.candidates:
            ctx.set(dut.candidate, candidate or {
                "codevector": rng.randrange(CODEVECTORS),
                "codevectors": [rng.randrange(CODEVECTORS) for _ in range(config.factors - 1)],
                "sums": [rng.randrange(config.block_length) for _ in range(self.blocks)]})
            ctx.set(dut.cancel, self.cancels.pop(self.cycle, int(rng.random() < .5)))
        if self.cycle in self.bounds:
            assert [ctx.get(dut.bound[b]) for b in range(self.blocks)] == self.bounds.pop(
                self.cycle), f"{self.where}, cycle {self.cycle}"
        await ctx.tick()

    def enters(self, chosen, cancel=0):
        """A tuple is complete in this cycle."""
        self.bounds[self.cycle + 2] = self.bind(dict(enumerate(chosen)))
        self.cancels[self.cycle + 2] = cancel
        if not cancel:
            value = int(score(self.code, np.array(chosen), self.table))
            self.due.append((self.cycle + self.latency, value, list(chosen)))

    async def drain(self, ctx):
        """Until all have been scored."""
        for _ in range(self.dut.candidate_latency + 1):
            await self.tick(ctx, 0)

    async def run_references(self, ctx, count):
        """Tuples of references; some change one factor of the one before."""
        rng, factors = self.rng, self.config.factors
        chosen = order = None
        gaps = rng.choice([0, .4])
        for _ in range(count):
            changed = chosen and rng.random() < .5
            if not changed:
                chosen = [rng.randrange(CODEVECTORS) for _ in range(factors)]
                order = rng.sample(range(factors), factors)
            for n, factor in enumerate(order):
                last = n == factors - 1
                if changed and not last:
                    continue
                if changed:
                    chosen = list(chosen)
                    chosen[factor] = rng.randrange(CODEVECTORS)
                while rng.random() < gaps:
                    await self.tick(ctx, 0)
                if last:
                    self.enters(chosen)
                elif self.candidates:
                    self.cancels[self.cycle + 2] = 0
                await self.tick(ctx, 1, {"factor": factor, "codevector": chosen[factor],
                                         "first": int(n == 0), "last": int(last)})

    async def run_candidates(self, ctx, count):
        """Candidates; some are cancelled."""
        rng, last = self.rng, self.config.factors - 1
        gaps, cancels = rng.choice([0, .4]), rng.choice([0, .3, .9])
        for _ in range(count):
            while rng.random() < gaps:
                await self.tick(ctx, 0)
            chosen = [rng.randrange(CODEVECTORS) for _ in range(last + 1)]
            self.enters(chosen, int(rng.random() < cancels))
            await self.tick(ctx, 1, candidate={
                "codevector": chosen[last], "codevectors": chosen[:last],
                "sums": self.bind(dict(enumerate(chosen[:last])))})

    def choose(self, ctx):
        """Whether candidates come next, at random where there is a choice; says so."""
        joined = self.rng.randrange(2) if self.references else 1
        if self.candidates:
            ctx.set(self.dut.joined, joined)
        chosen = joined and self.candidates
        self.latency = self.dut.candidate_latency if chosen else self.dut.latency
        return chosen


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_scores(shape, kind, lanes):
    bench = Bench(shape, kind, lanes, 1)

    async def run(ctx):
        for number in range(12):
            if bench.choose(ctx):
                await bench.run_candidates(ctx, bench.rng.randint(1, 40))
            else:
                await bench.run_references(ctx, bench.rng.randint(1, 40))
            await bench.drain(ctx)
            assert bench.have == bench.due, f"{bench.where}, run {number}"

    simulate(bench.dut, run, processes=[bench.memories])
    assert len(bench.due) > 40 and not bench.bounds


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_clear(kind, lanes):
    """What is on its way is forgotten, whatever its stage, and nothing else."""
    bench = Bench("two", kind, lanes, 2)
    latency = bench.dut.candidate_latency

    async def run(ctx):
        for number in range(60):
            bench.have.clear()
            bench.due.clear()
            if bench.choose(ctx):
                await bench.run_candidates(ctx, 2 + latency)
            else:
                await bench.run_references(ctx, 2 + latency)
            # A tuple is scored by the cycle of the clear, or never.
            end = bench.cycle
            ctx.set(bench.dut.clear, 1)
            await bench.tick(ctx, 0)
            ctx.set(bench.dut.clear, 0)
            await bench.drain(ctx)
            assert bench.have == [item for item in bench.due if item[0] <= end], (
                f"{bench.where}, run {number}")
            forgotten.append(len(bench.due) - len(bench.have))

    forgotten = []
    simulate(bench.dut, run, processes=[bench.memories])
    assert max(forgotten) >= 3


def test_latency():
    """Candidates of several lanes have a register more."""
    scorers = [Scorer(CoreConfig(lanes=lanes), candidates=True) for lanes in (1, 2, 4, 8)]
    assert [scorer.latency for scorer in scorers] == [4, 4, 4, 4]
    assert [scorer.candidate_latency for scorer in scorers] == [4, 5, 5, 5]
