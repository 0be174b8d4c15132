"""rtl/verifier.py against golden/verifier.py: scores, best, runner-up, and when it stops."""

import random

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.cycles import VERIFY
from blockfactor.golden.verifier import ACCEPTED, BEST, RUNNER_UP, TUPLE, VERIFIED, score, verify
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.verifier import Verifier
from blockfactor.sim.pysim import simulate


def test_cycle_model():
    assert Verifier.latency == VERIFY


class Bench:
    """The verifier between models of its memories, and the golden verifier."""

    def __init__(self, factors, block_length, seed):
        self.rng = random.Random(seed)
        self.config = CoreConfig(factors=factors, blocks=3, block_length=block_length,
                                 max_codevectors=4, list_size=4, query_entries=2, weight_bits=3)
        self.dut = Verifier(self.config)
        self.code = np.array([[[self.rng.randrange(block_length) for _ in range(3)]
                               for _ in range(4)] for _ in range(factors)])
        self.table = np.array([[self.rng.randint(0, 7) for _ in range(block_length)]
                               for _ in range(3)])
        self.scores = []  # (cycle, score, improved)
        self.cycle = 0
        self.state = np.zeros(TUPLE + factors, dtype=np.int64)

    async def memories(self, ctx):
        """Behavioural codebook and query memories, and a record of the scores."""
        dut = self.dut
        assert Memory.latency == 1
        async for _, _, factor, codevector, bound, scored, value, improved in ctx.tick().sample(
                dut.address.factor, dut.address.codevector, dut.bound, dut.scored, dut.score,
                dut.improved):
            ctx.set(dut.indices, self.code[factor % len(self.code), codevector].tolist())
            ctx.set(dut.bound_weight, [int(self.table[b, bound[b] % self.table.shape[1]])
                                       for b in range(3)])
            if scored:
                self.scores.append((self.cycle, value, improved))
            else:
                assert not improved
            self.cycle += 1

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

    async def send(self, ctx, references, gaps):
        """References, one a cycle but for gaps; returns the cycle of the last."""
        for factor, codevector, first, last in references:
            while self.rng.random() < gaps:
                ctx.set(self.dut.valid, 0)
                ctx.set(self.dut.reference, {"factor": self.rng.randrange(self.config.factors),
                                             "codevector": self.rng.randrange(4),
                                             "first": 1, "last": 1})
                await ctx.tick()
            ctx.set(self.dut.valid, 1)
            ctx.set(self.dut.reference, {"factor": factor, "codevector": codevector,
                                         "first": first, "last": last})
            cycle = self.cycle
            await ctx.tick()
        ctx.set(self.dut.valid, 0)
        return cycle

    async def clear(self, ctx):
        """Before a run."""
        ctx.set(self.dut.clear, 1)
        await ctx.tick()
        ctx.set(self.dut.clear, 0)
        self.scores.clear()
        self.state[:] = 0

    def compare(self, ctx):
        """Everything it keeps is what the golden verifier keeps."""
        dut, state = self.dut, self.state
        assert ctx.get(dut.best) == state[BEST]
        assert ctx.get(dut.runner_up) == state[RUNNER_UP]
        assert ctx.get(dut.accepted) == state[ACCEPTED]
        assert ctx.get(dut.verified) == state[VERIFIED]
        assert [ctx.get(dut.indices_best[f]) for f in range(self.config.factors)] == list(
            state[TUPLE:])


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("factors, block_length", [(2, 8), (3, 11), (4, 5)])
def test_tuples(factors, block_length, seed):
    bench = Bench(factors, block_length, seed)
    rng, dut = bench.rng, bench.dut
    accepted = 0

    async def run(ctx):
        nonlocal accepted
        for number in range(12):
            await bench.clear(ctx)
            bench.compare(ctx)
            # Never, at once, or some time.
            accept = rng.choice([22, 0, rng.randint(8, 20)])
            ctx.set(dut.accept, accept)
            expected, before = [], None
            gaps = rng.choice([0, 0, .4])
            for _ in range(rng.randint(1, 30)):
                before, references = bench.new_tuple(before)
                last = await bench.send(ctx, references, gaps)
                if bench.state[ACCEPTED]:
                    continue  # later tuples do not count
                value = score(bench.code, np.array(before[0]), bench.table)
                improved = verify(bench.state, np.array(before[0]), value, accept)
                expected.append((last + dut.latency, value, improved))
            for _ in range(dut.latency):
                await ctx.tick()
            await ctx.tick()
            assert bench.scores == expected, f"seed {seed}, run {number}"
            bench.compare(ctx)
            accepted += int(bench.state[ACCEPTED])

    simulate(dut, run, processes=[bench.memories])
    assert 0 < accepted < 12


@pytest.mark.parametrize("age", range(Verifier.latency + 1))
def test_clear_forgets_what_is_on_its_way(age):
    """A tuple that entered ``age`` cycles before the clear leaves nothing behind."""
    bench = Bench(2, 8, age)

    async def run(ctx):
        ctx.set(bench.dut.accept, 0)
        await bench.send(ctx, [(0, 1, 1, 0), (1, 2, 0, 1)], 0)
        for _ in range(age):
            await ctx.tick()
        await bench.clear(ctx)
        for _ in range(bench.dut.latency + 2):
            bench.compare(ctx)
            assert not bench.scores
            await ctx.tick()
        ctx.set(bench.dut.accept, 22)
        await bench.send(ctx, [(1, 3, 1, 0), (0, 0, 0, 1)], 0)
        for _ in range(bench.dut.latency + 1):
            await ctx.tick()
        verify(bench.state, np.array([0, 3]), score(bench.code, np.array([0, 3]), bench.table), 22)
        bench.compare(ctx)
        assert len(bench.scores) == 1

    simulate(bench.dut, run, processes=[bench.memories])


def test_same_tuple_again_is_no_runner_up():
    bench = Bench(2, 8, 3)
    bench.table[:] = 5

    async def run(ctx):
        ctx.set(bench.dut.accept, 22)
        for _ in range(3):
            await bench.send(ctx, [(0, 1, 1, 0), (1, 2, 0, 1)], 0)
        for _ in range(bench.dut.latency):
            await ctx.tick()
        assert (ctx.get(bench.dut.best), ctx.get(bench.dut.runner_up)) == (15, 0)
        # An equal score of another tuple: the first stays best.
        await bench.send(ctx, [(0, 0, 1, 0), (1, 2, 0, 1)], 0)
        for _ in range(bench.dut.latency):
            await ctx.tick()
        assert (ctx.get(bench.dut.best), ctx.get(bench.dut.runner_up)) == (15, 15)
        assert [ctx.get(bench.dut.indices_best[f]) for f in range(2)] == [1, 2]

    simulate(bench.dut, run, processes=[bench.memories])
