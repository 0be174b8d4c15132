"""rtl/scan.py against golden/scan.py: the order of tuples, their number and the cycles."""

import itertools
import random

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import Query
from blockfactor.golden.trace import SCORE
from blockfactor.golden.verifier import score
from blockfactor.parameters import UNKNOWN, RunParameters
from blockfactor.rtl.layouts import parameter_values
from blockfactor.rtl.scan import ScanEngine
from blockfactor.sim.pysim import simulate


def random_parameters(config, rng):
    """Parameters that accept nothing, as often as not with known factors and a limit."""
    sizes = tuple(rng.randint(1, config.max_codevectors) for _ in range(config.factors))
    known = tuple(rng.randrange(size) if rng.random() < .3 else UNKNOWN for size in sizes)
    total = int(np.prod([1 if k >= 0 else size for k, size in zip(known, sizes)]))
    limit = rng.choice([0, 1, total - 1, total, total + 1, rng.randint(1, total), 0xFFFF_FFFF])
    return RunParameters(sizes=sizes, mode="scan", level=511, known=known,
                         max_tuples=max(0, limit))


async def collect(ctx, dut, limit):
    """Start, and follow the references until done: tuples, and cycles with the start's."""
    ctx.set(dut.start, 1)
    await ctx.tick()
    ctx.set(dut.start, 0)
    cycles = 2
    tuples, prefix = [], {}
    while not ctx.get(dut.done):
        if ctx.get(dut.verify):
            if ctx.get(dut.reference.first):
                prefix = {}
            bound = {**prefix, ctx.get(dut.reference.factor): ctx.get(dut.reference.codevector)}
            assert len(bound) == len(prefix) + 1
            if ctx.get(dut.reference.last):
                tuples.append(bound)
            else:
                prefix = bound
        assert ctx.get(dut.ready) == 0
        await ctx.tick()
        cycles += 1
        assert cycles < limit
    return tuples, cycles


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("factors", [2, 3, 4])
def test_order_and_cycles(factors, seed):
    config = CoreConfig(factors=factors, blocks=2, block_length=8, list_size=4,
                        max_codevectors={2: 9, 3: 5, 4: 4}[factors], query_entries=2)
    rng = random.Random(f"{factors} {seed}")
    books = Codebooks.random((config.max_codevectors,) * factors, 2, 8, seed)
    golden = Factorizer(config, books)
    query = Query((((1, 15), (4, 3)), ((6, 9), (0, 1))))
    dut = ScanEngine(config)
    stops = set()

    async def bench(ctx):
        for _ in range(14):
            parameters = random_parameters(config, rng)
            result, words = golden.run(query, parameters, trace=True)
            ctx.set(dut.parameters, parameter_values(config, parameters))
            assert ctx.get(dut.ready) == 1
            tuples, cycles = await collect(ctx, dut, 4000)
            stop = ctx.get(dut.stop).name.lower()
            await ctx.tick()

            # By hand: all combinations, the first factor slowest, up to the limit.
            once = parameters.max_tuples == 0 or min(parameters.known) >= 0
            choices = [[k] if k >= 0 else [0] if once else range(size)
                       for k, size in zip(parameters.known, parameters.sizes)]
            expected = list(itertools.product(*choices))
            expected = expected[:1 if once else parameters.max_tuples]
            assert [tuple(t[f] for f in range(factors)) for t in tuples] == expected, parameters

            # And as the golden model has them.
            table = query.dense(8)
            scores = [(SCORE, score(golden.code, np.array(t), table)) for t in expected]
            assert [(int(k), int(w)) for k, w in words] == scores
            assert (len(tuples), cycles, stop) == (result.iterations, result.cycles, result.stop), (
                parameters)
            stops.add(stop)

    simulate(dut, bench)
    assert stops == {"limit", "complete"}


def test_halt():
    """The engine is ready at once, wherever it was, and begins anew."""
    config = CoreConfig(factors=3, blocks=2, block_length=8, max_codevectors=3, list_size=4,
                        query_entries=2)
    dut = ScanEngine(config)
    parameters = RunParameters(sizes=(2, 3, 2), mode="scan")

    async def bench(ctx):
        ctx.set(dut.parameters, parameter_values(config, parameters))
        whole = await collect(ctx, dut, 100)
        await ctx.tick()
        assert len(whole[0]) == 12
        for cycle in range(whole[1] - 2):
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for _ in range(cycle):
                await ctx.tick()
            assert ctx.get(dut.ready) == 0
            ctx.set(dut.halt, 1)
            await ctx.tick()
            ctx.set(dut.halt, 0)
            assert ctx.get(dut.ready) == 1 and ctx.get(dut.verify) == 0
            for _ in range(3):
                await ctx.tick()
                assert ctx.get(dut.done) == 0
        assert await collect(ctx, dut, 100) == whole

    simulate(dut, bench)
