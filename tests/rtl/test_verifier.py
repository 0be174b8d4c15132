# amaranth: UnusedElaboratable=no
"""rtl/verifier.py against golden/verifier.py: scores, best, runner-up, and when it stops."""

import random

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.cycles import VERIFY, merge_cycles
from blockfactor.golden.verifier import ACCEPTED, BEST, RUNNER_UP, TUPLE, VERIFIED, score, verify
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.verifier import Verifier
from blockfactor.sim.pysim import simulate

BLOCKS = 3
CODEVECTORS = 8
ENGINES = {"factorize": ("factorize",), "join": ("join",), "both": ("factorize", "join")}
#: Engines and lanes.
CORES = [("factorize", 1), *((engines, lanes) for engines in ("join", "both")
                             for lanes in (1, 2, 4, 8))]


@pytest.mark.parametrize("engines, lanes", CORES)
def test_cycle_model(engines, lanes):
    config = CoreConfig(engines=ENGINES[engines], lanes=lanes)
    assert Verifier(config).latency == VERIFY
    assert Verifier(config).candidate_latency == VERIFY + merge_cycles(config)


class Bench:
    """The verifier between models of its memories, and the golden verifier."""

    def __init__(self, factors, block_length, seed, engines="factorize", lanes=1):
        self.where = f"{factors} {block_length} {seed} {engines} {lanes}"
        self.rng = random.Random(self.where)
        self.config = CoreConfig(factors=factors, blocks=BLOCKS, block_length=block_length,
                                 max_codevectors=CODEVECTORS, list_size=4, query_entries=2,
                                 weight_bits=3, engines=ENGINES[engines], lanes=lanes)
        self.dut = Verifier(self.config)
        self.joins, self.factorizes = engines != "factorize", engines != "join"
        self.lanes = lanes if self.joins else 1
        self.code = np.array([[[self.rng.randrange(block_length) for _ in range(BLOCKS)]
                               for _ in range(CODEVECTORS)] for _ in range(factors)])
        self.table = np.array([[self.rng.randint(0, 7) for _ in range(block_length)]
                               for _ in range(BLOCKS)])
        self.scores = []  # (cycle, count, word, improved)
        self.cycle = 0
        self.state = np.zeros(TUPLE + factors, dtype=np.int64)

    async def memories(self, ctx):
        """Behavioural codebook and query memories, and a record of the scores."""
        dut, lanes = self.dut, self.lanes
        assert Memory.latency == 1
        async for _, _, scored, word, improved, *ports in ctx.tick().sample(
                dut.scored, dut.word, dut.improved, *dut.address, *dut.bound):
            for n, (address, bound) in enumerate(zip(ports[:lanes], ports[lanes:])):
                ctx.set(dut.indices[n], self.code[
                    address.factor % len(self.code), address.codevector].tolist())
                ctx.set(dut.bound_weight[n], [int(self.table[b, bound[b] % self.table.shape[1]])
                                              for b in range(BLOCKS)])
            if scored:
                self.scores.append((self.cycle, scored, word, improved))
            else:
                assert not improved
            self.cycle += 1

    def simulate(self, bench):
        """Simulate, the memories beside the bench."""
        simulate(self.dut, bench, processes=[self.memories])

    def score(self, chosen):
        """Golden score of a tuple."""
        return int(score(self.code, np.array(chosen), self.table))

    def verify(self, chosen, accept):
        """Enter a tuple in the golden verifier; returns whether it is the new best."""
        return verify(self.state, np.array(chosen), self.score(chosen), accept)

    # -- references ---------------------------------------------------------------------------

    def new_tuple(self, before):
        """A tuple and its references: from the start, or one factor of the one before again.

        The latter reuses the prefix, which is all but the factor referenced last.
        """
        factors = self.config.factors
        if before and self.rng.random() < .5:
            chosen, order = list(before[0]), before[1]
            chosen[order[-1]] = self.rng.randrange(4)
            return (chosen, order), [(order[-1], chosen[order[-1]], 0, 1)]
        chosen = [self.rng.randrange(4) for _ in range(factors)]
        order = self.rng.sample(range(factors), factors)
        return (chosen, order), [(f, chosen[f], int(n == 0), int(n == factors - 1))
                                 for n, f in enumerate(order)]

    def no_reference(self, ctx, valid=0):
        """Anything on the port of references."""
        ctx.set(self.dut.valid, valid)
        ctx.set(self.dut.reference, {"factor": self.rng.randrange(self.config.factors),
                                     "codevector": self.rng.randrange(4), "first": 1, "last": 1})

    async def send(self, ctx, references, gaps=0.):
        """References, one a cycle but for gaps; returns the cycle of the last."""
        for factor, codevector, first, last in references:
            while self.rng.random() < gaps:
                self.no_reference(ctx)
                await ctx.tick()
            ctx.set(self.dut.valid, 1)
            ctx.set(self.dut.reference, {"factor": factor, "codevector": codevector,
                                         "first": first, "last": last})
            cycle = self.cycle
            await ctx.tick()
        ctx.set(self.dut.valid, 0)
        return cycle

    async def some_references(self, ctx, accept):
        """Tuples one after the other; returns the scores that are due."""
        expected, before = [], None
        gaps = self.rng.choice([0, 0, .4])
        if self.joins:
            self.no_candidates(ctx, offered=1)
        for _ in range(self.rng.randint(1, 30)):
            before, references = self.new_tuple(before)
            last = await self.send(ctx, references, gaps)
            if self.state[ACCEPTED]:
                continue  # later tuples do not count
            improved = self.verify(before[0], accept)
            expected.append((last + self.dut.latency, 1, self.score(before[0]), improved))
        return expected

    # -- candidates ---------------------------------------------------------------------------

    def no_candidates(self, ctx, offered=0):
        """Anything on the ports of candidates."""
        for n in range(self.lanes):
            ctx.set(self.dut.offered[n], offered)
            ctx.set(self.dut.cancel[n], self.rng.randrange(2))
            ctx.set(self.dut.candidate[n], {
                "codevector": self.rng.randrange(CODEVECTORS),
                "codevectors": [self.rng.randrange(4) for _ in range(self.config.factors - 1)],
                "sums": [self.rng.randrange(self.config.block_length) for _ in range(BLOCKS)]})

    def bound(self, chosen):
        """Indices of a tuple, bound."""
        total = sum(self.code[f, m] for f, m in enumerate(chosen))
        return (total % self.config.block_length).tolist()

    async def offer(self, ctx, groups):
        """A group of candidates a cycle: in each lane a tuple and whether to cancel it, or None."""
        last = self.config.factors - 1
        pipeline = [[None] * self.lanes] * 2
        for group in [*groups, *pipeline]:
            self.no_candidates(ctx)
            for n, item in enumerate(group):
                if item:
                    chosen = item[0]
                    ctx.set(self.dut.offered[n], 1)
                    ctx.set(self.dut.candidate[n], {
                        "codevector": chosen[last], "codevectors": chosen[:last],
                        "sums": self.bound([*chosen[:last]])})
            # Two cycles later it comes back bound.
            for n, item in enumerate(pipeline.pop(0)):
                if item:
                    ctx.set(self.dut.cancel[n], item[1])
                    assert [ctx.get(self.dut.bound[n][b]) for b in range(BLOCKS)] == self.bound(
                        item[0]), self.where
            pipeline.append(group)
            await ctx.tick()
        self.no_candidates(ctx)

    def new_groups(self, gaps, cancels, count=20):
        """Groups of candidates, no tuple twice."""
        factors, rng = self.config.factors, self.rng
        used, groups = set(), []
        for _ in range(rng.randint(1, count)):
            group = []
            for _ in range(self.lanes):
                chosen = tuple(rng.randrange(CODEVECTORS) for _ in range(factors))
                if rng.random() < gaps or chosen in used:
                    group.append(None)
                else:
                    used.add(chosen)
                    group.append((list(chosen), int(rng.random() < cancels)))
            groups.append(group)
        return groups

    def due(self, groups, accept, cycle):
        """Scores due of groups that begin in a cycle; they are entered in the golden verifier."""
        expected = []
        for group in groups:
            if self.state[ACCEPTED]:
                break  # later ones do not count, those of the same cycle do
            count, word, improved = 0, 0, 0
            for n, item in enumerate(group):
                if item and not item[1]:
                    count += 1
                    value, turn = self.score(item[0]), 16 // self.lanes * n
                    word ^= (value << turn | value >> (16 - turn)) & 0xFFFF
                    improved |= self.verify(item[0], accept)
            if count:
                expected.append((cycle + self.dut.candidate_latency, count, word, improved))
            cycle += 1
        return expected

    async def some_candidates(self, ctx, accept):
        """Groups at random; returns the scores that are due."""
        if self.factorizes:
            self.no_reference(ctx, valid=1)
        groups = self.new_groups(self.rng.choice([0, .3, .9]), self.rng.choice([0, .3, .8]))
        expected = self.due(groups, accept, self.cycle)
        await self.offer(ctx, groups)
        return expected

    # -- runs -----------------------------------------------------------------------------------

    async def clear(self, ctx, joined=0):
        """Before a run."""
        self.dut_joined(ctx, joined)
        ctx.set(self.dut.clear, 1)
        await ctx.tick()
        ctx.set(self.dut.clear, 0)
        self.scores.clear()
        self.state[:] = 0

    def dut_joined(self, ctx, joined):
        """What counts, where there is a choice or not."""
        if self.joins:
            # Cores that only join do not look at it.
            ctx.set(self.dut.joined, joined if self.factorizes else self.rng.randrange(2))

    async def drain(self, ctx):
        """Until all that has been sent counts."""
        for _ in range(self.dut.candidate_latency + 1):
            await ctx.tick()

    def compare(self, ctx, where=""):
        """Everything it keeps is what the golden verifier keeps."""
        dut, state, where = self.dut, self.state, f"{self.where} {where}"
        assert ctx.get(dut.best) == state[BEST], where
        assert ctx.get(dut.runner_up) == state[RUNNER_UP], where
        assert ctx.get(dut.accepted) == state[ACCEPTED], where
        assert ctx.get(dut.verified) == state[VERIFIED], where
        assert [ctx.get(dut.indices_best[f]) for f in range(self.config.factors)] == list(
            state[TUPLE:]), where


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("factors, block_length", [(2, 8), (3, 11), (4, 5)])
@pytest.mark.parametrize("engines, lanes", CORES)
def test_tuples(engines, lanes, factors, block_length, seed):
    """References, candidates, or first the ones and then the others."""
    bench = Bench(factors, block_length, seed, engines, lanes)
    rng, dut = bench.rng, bench.dut
    met = {"accepted": 0, "not": 0, "several": 0}

    async def run(ctx):
        for number in range(20):
            joined = rng.randrange(2) if engines == "both" else int(engines == "join")
            # What does not count may come at any time.
            if joined:
                bench.no_candidates(ctx)
            await bench.clear(ctx, joined)
            bench.compare(ctx, number)
            # Never, at once, or some time.
            accept = rng.choice([22, 0, rng.randint(8, 20)])
            ctx.set(dut.accept, accept)
            if joined:
                expected = await bench.some_candidates(ctx, accept)
            else:
                expected = await bench.some_references(ctx, accept)
            await bench.drain(ctx)
            assert bench.scores == expected, f"{bench.where}, run {number}"
            bench.compare(ctx, number)
            met["accepted" if bench.state[ACCEPTED] else "not"] += 1
            met["several"] += any(count > 1 for _, count, _, _ in expected)
            if joined and bench.factorizes:
                ctx.set(dut.valid, 0)
            if not joined and bench.joins:
                bench.no_candidates(ctx)

    bench.simulate(run)
    assert met["accepted"] and met["not"] and bool(met["several"]) == (lanes > 1)


@pytest.mark.parametrize("engines, lanes, joined", [
    ("factorize", 1, 0), ("both", 1, 0), ("both", 1, 1), ("both", 4, 0), ("both", 4, 1),
    ("join", 1, 1), ("join", 2, 1), ("join", 8, 1)])
def test_clear_forgets_what_is_on_its_way(engines, lanes, joined):
    """A tuple that entered some cycles before the clear leaves nothing behind."""
    bench = Bench(2, 8, 1, engines, lanes)
    bench.table[:] = np.maximum(bench.table, 1)  # a score that counts is seen

    async def enter(ctx, a, b, lane):
        if joined:
            group = [None] * lanes
            group[lane] = ([a, b], 0)
            await bench.offer(ctx, [group])
        else:
            await bench.send(ctx, [(0, a, 1, 0), (1, b, 0, 1)])

    async def run(ctx):
        sent = 2 * joined  # cycles that offering takes longer
        for age in range(sent, (bench.dut.candidate_latency if joined else bench.dut.latency) + 1):
            for lane in {0, lanes - 1}:
                where = f"{bench.where}, age {age}, lane {lane}"
                await bench.clear(ctx, joined)
                ctx.set(bench.dut.accept, 0)
                await enter(ctx, 1, 2, lane)
                for _ in range(age - sent):
                    await ctx.tick()
                await bench.clear(ctx, joined)
                for _ in range(bench.dut.candidate_latency + 2):
                    bench.compare(ctx, where)
                    assert not bench.scores, where
                    await ctx.tick()
                ctx.set(bench.dut.accept, 63)
                await enter(ctx, 0, 3, lane)
                await bench.drain(ctx)
                bench.verify([0, 3], 63)
                bench.compare(ctx, where)
                assert len(bench.scores) == 1, where

    bench.simulate(run)


@pytest.mark.parametrize("engines, lanes", [("factorize", 1), ("both", 1), ("both", 2)])
def test_same_tuple_again_is_no_runner_up(engines, lanes):
    bench = Bench(2, 8, 3, engines, lanes)
    bench.table[:] = 5

    async def run(ctx):
        ctx.set(bench.dut.accept, 22)
        for _ in range(3):
            await bench.send(ctx, [(0, 1, 1, 0), (1, 2, 0, 1)])
        await bench.drain(ctx)
        assert (ctx.get(bench.dut.best), ctx.get(bench.dut.runner_up)) == (15, 0)
        # An equal score of another tuple: the first stays best.
        await bench.send(ctx, [(0, 0, 1, 0), (1, 2, 0, 1)])
        await bench.drain(ctx)
        assert (ctx.get(bench.dut.best), ctx.get(bench.dut.runner_up)) == (15, 15)
        assert [ctx.get(bench.dut.indices_best[f]) for f in range(2)] == [1, 2]

    bench.simulate(run)


@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
def test_equal_scores_of_candidates(lanes):
    """The first wins, in one cycle the lowest lane that is not cancelled."""
    bench = Bench(3, 5, 4, "join", lanes)
    bench.table[:] = 6

    async def run(ctx):
        ctx.set(bench.dut.accept, 22)
        for lowest in range(lanes):
            await bench.clear(ctx, 1)
            tuples = [[n, 7 - n, 0] for n in range(8)]
            await bench.offer(ctx, [
                [None if n < lowest - 1 else (tuples[n], int(n < lowest)) for n in range(lanes)],
                [(tuples[n][::-1], 0) for n in range(lanes)]])
            await bench.drain(ctx)
            assert [s[1] for s in bench.scores] == [lanes - lowest, lanes]
            assert [ctx.get(bench.dut.indices_best[f]) for f in range(3)] == tuples[lowest]
            assert (ctx.get(bench.dut.best), ctx.get(bench.dut.runner_up)) == (18, 18)

    bench.simulate(run)
