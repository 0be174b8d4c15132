"""rtl/sampler.py against golden/sampler.py: the generator, and every walk value by value."""

import random

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.sampler import draw_bits, leap, next_seed, walk
from blockfactor.golden.sweep import LEFT, LIST, keep
from blockfactor.rtl.sampler import Sampler
from blockfactor.sim.pysim import simulate

CONFIGS = [(1, 1), (6, 5), (16, 16), (49, 9), (1155, 12), (4096, 4), (10000, 5),
           (16384, 2)]


@pytest.mark.parametrize("max_codevectors, list_size", CONFIGS)
def test_draws(max_codevectors, list_size):
    config = CoreConfig(factors=2, blocks=1, block_length=8, max_codevectors=max_codevectors,
                        list_size=list_size, query_entries=1)
    rng = random.Random(max_codevectors)
    dut = Sampler(config)
    bits = config.codevector_bits
    stopped = 0

    async def bench(ctx):
        nonlocal stopped
        for seed in (0, 1, 0xFFFF_FFFF, rng.getrandbits(32)):
            ctx.set(dut.seed, seed)
            ctx.set(dut.load, 1)
            await ctx.tick()
            ctx.set(dut.load, 0)
            state = next_seed(seed)
            for _ in range(8):
                size = rng.choice([1, max_codevectors, rng.randint(1, max_codevectors)])
                count = rng.randint(1, min(size, list_size))
                whole = rng.random() < .2
                offset, stride = (0, 1) if whole else draw_bits(state, bits, size)
                members = np.zeros(list_size, dtype=np.int64)
                examined = walk(offset, stride, size, count, members)
                stop = rng.randint(0, examined - 1) if rng.random() < .2 else None
                ctx.set(dut.size, size)
                ctx.set(dut.count, count)
                ctx.set(dut.whole, whole)
                assert ctx.get(dut.busy) == 0 and ctx.get(dut.taken) == 0
                ctx.set(dut.start, 1)
                assert (ctx.get(dut.offset), ctx.get(dut.stride)) == (offset, stride), hex(seed)
                await ctx.tick()
                ctx.set(dut.start, 0)
                ctx.set(dut.whole, rng.random() < .5)
                taken = []
                for cycle in range(examined):
                    assert ctx.get(dut.busy) == 1
                    if ctx.get(dut.taken):
                        assert ctx.get(dut.slot) == len(taken)
                        taken.append(ctx.get(dut.codevector))
                        assert ctx.get(dut.final) == (len(taken) == count)
                    else:
                        assert ctx.get(dut.final) == 0
                    ctx.set(dut.stop, cycle == stop)
                    await ctx.tick()
                    ctx.set(dut.stop, 0)
                    if cycle == stop:
                        stopped += 1
                        break
                assert ctx.get(dut.busy) == 0
                have = len(taken)
                assert taken == members[:have].tolist()
                assert len(set(taken)) == have == (count if stop is None else have)
                # The draw is told of later, when size and kind are another factor's.
                ctx.set(dut.size, rng.randint(1, max_codevectors))
                ctx.set(dut.count, rng.randint(0, list_size))
                assert (ctx.get(dut.offset), ctx.get(dut.stride)) == (offset, stride), hex(seed)
                # Walks leave the state alone, until told to leap.
                if rng.random() < .7:
                    ctx.set(dut.leap, 1)
                    await ctx.tick()
                    ctx.set(dut.leap, 0)
                    state = leap(state, dut.width)

    simulate(dut, bench)
    assert stopped


def test_restart_while_walking():
    """A start while busy begins anew; a stop in the same cycle wins."""
    config = CoreConfig(factors=2, blocks=1, block_length=8, max_codevectors=8, list_size=8,
                        query_entries=1)
    dut = Sampler(config)

    async def bench(ctx):
        ctx.set(dut.size, 8)
        ctx.set(dut.whole, 1)
        for count in (5, 3):
            ctx.set(dut.count, count)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            assert (ctx.get(dut.codevector), ctx.get(dut.slot)) == (0, 0)
            await ctx.tick()
            await ctx.tick()
            assert (ctx.get(dut.codevector), ctx.get(dut.slot)) == (2, 2)
        assert ctx.get(dut.final) == 1
        ctx.set(dut.start, 1)
        ctx.set(dut.stop, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        assert ctx.get(dut.busy) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("max_codevectors, list_size", [(1, 1), (6, 5), (49, 9)])
def test_draws_that_go_on(max_codevectors, list_size):
    """Walks of two factors in turn: each goes on where it was, and covers its codebook."""
    config = CoreConfig(factors=3, blocks=1, block_length=8, max_codevectors=max_codevectors,
                        list_size=list_size, query_entries=1, draws="sweep")
    rng = random.Random(max_codevectors)
    dut = Sampler(config)
    bits = config.codevector_bits

    async def bench(ctx):
        for seed in (1, rng.getrandbits(32)):
            ctx.set(dut.seed, seed)
            ctx.set(dut.load, 1)
            await ctx.tick()
            ctx.set(dut.load, 0)
            state = next_seed(seed)
            walks = np.zeros((3, LIST + list_size), dtype=np.int64)
            sizes = [0, max_codevectors, rng.randint(1, max_codevectors)]
            seen = {1: [], 2: []}
            for number in range(24):
                factor = rng.randint(1, 2)
                size = sizes[factor]
                count = min(size, list_size, 4)
                whole = number == 0
                fresh = walks[factor, LEFT] == 0
                offset, stride = draw_bits(state, bits, size) if fresh else walks[factor, :2]
                if whole:
                    offset, stride = 0, 1
                members = np.zeros(list_size, dtype=np.int64)
                examined = walk(offset, stride, size, count, members)
                keep(walks[factor], offset, stride, examined, size, count, whole, members)
                ctx.set(dut.factor, factor)
                ctx.set(dut.size, size)
                ctx.set(dut.count, count)
                ctx.set(dut.whole, whole)
                ctx.set(dut.start, 1)
                assert ctx.get(dut.fresh) == fresh
                assert (ctx.get(dut.offset), ctx.get(dut.stride)) == (offset, stride), hex(seed)
                await ctx.tick()
                ctx.set(dut.start, 0)
                taken = []
                for _ in range(examined):
                    assert ctx.get(dut.busy) == 1 and ctx.get(dut.stride) == stride
                    if ctx.get(dut.taken):
                        taken.append(ctx.get(dut.codevector))
                    await ctx.tick()
                assert ctx.get(dut.busy) == 0 and taken == members[:count].tolist()
                seen[factor] = ([] if fresh or whole else seen[factor]) + taken
                if walks[factor, LEFT] == 0 and not whole:
                    assert set(seen[factor]) == set(range(size)), hex(seed)
                    assert len(seen[factor]) < size + count
                ctx.set(dut.leap, 1)
                await ctx.tick()
                ctx.set(dut.leap, 0)
                state = leap(state, dut.width)

    simulate(dut, bench)
