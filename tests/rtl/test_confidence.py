"""rtl/confidence.py and its place in rtl/query.py against golden/join.py's look_up_blocks()."""

import random

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.join import look_up_blocks
from blockfactor.rtl.confidence import LookUpBlocks
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.query import QueryMemory
from blockfactor.sim.pysim import simulate, stream_put

CONFIGS = {
    "one": CoreConfig(blocks=1, block_length=5, query_entries=4, weight_bits=2),
    "four": CoreConfig(blocks=4, block_length=16, query_entries=3, weight_bits=2),
    "six": CoreConfig(blocks=6, block_length=11, query_entries=5, weight_bits=4),
    "clean": CoreConfig(blocks=5, block_length=8, query_entries=1, weight_bits=1),
}


def make(config, rng):
    """Entries of a query by ascending block, and the arrays the golden model takes."""
    index = np.zeros((config.blocks, config.query_entries), dtype=np.int64)
    weight = np.zeros_like(index)
    entries = []
    empty = rng.choice([.02, .3, .95])  # how likely a block is
    for b in range(config.blocks):
        count = 0 if rng.random() < empty else rng.randint(1, config.query_entries)
        count = min(count, config.block_length)
        for e, x in enumerate(rng.sample(range(config.block_length), count)):
            index[b, e], weight[b, e] = x, rng.randint(1, config.max_weight)
            entries.append((b, x, int(weight[b, e])))
    return entries, index, weight


def check(ctx, found, index, weight, heads, where):
    """The blocks found are the golden ones."""
    blocks, peaks = look_up_blocks(index, weight, heads)
    for h in range(heads):
        assert ctx.get(found[h].used) == (blocks[h] >= 0), where
        if blocks[h] >= 0:
            have = ctx.get(found[h].block), ctx.get(found[h].peak)
            assert have == (blocks[h], peaks[h]), where


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("name", CONFIGS)
def test_blocks(name, heads):
    config = CONFIGS[name]
    rng = random.Random(f"{name} {heads}")
    dut = LookUpBlocks(config, heads)
    met = {"few": 0, "all": 0}

    async def bench(ctx):
        for number in range(150):
            entries, index, weight = make(config, rng)
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            for b, x, w in entries:
                for _ in range(rng.choice([0, 0, 2])):
                    await ctx.tick()
                ctx.set(dut.block, b)
                ctx.set(dut.index, x)
                ctx.set(dut.weight, w)
                ctx.set(dut.valid, 1)
                await ctx.tick()
                ctx.set(dut.valid, 0)
            ctx.set(dut.close, 1)
            await ctx.tick()
            ctx.set(dut.close, 0)
            await ctx.tick()
            check(ctx, dut.o, index, weight, heads, f"query {number}: {entries}")
            used = len({b for b, _, _ in entries})
            met["few"] += used < heads
            met["all"] += used >= heads

    simulate(dut, bench)
    assert met["few"] and (met["all"] or heads > config.blocks)


@pytest.mark.parametrize("heads, lanes", [(1, 2), (3, 1)])
@pytest.mark.parametrize("name", CONFIGS)
def test_in_the_query_memory(name, heads, lanes):
    """Right two cycles after ``valid``, whatever was loaded or refused before."""
    config = CONFIGS[name].replace(heads=heads, lanes=lanes)
    rng = random.Random(f"{name} {heads} memory")
    dut = QueryMemory(config)

    async def bench(ctx):
        ctx.set(dut.clear, 1)
        for row in range(max(config.block_length, config.query_entries)):
            ctx.set(dut.clear_row, row)
            await ctx.tick()
        ctx.set(dut.clear, 0)
        ctx.set(dut.unlocked, 1)
        for number in range(40):
            entries, index, weight = make(config, rng)
            if not entries:
                continue
            last = len(entries) - 1
            refused = rng.random() < .2
            await stream_put(ctx, dut.i, [
                {"block": b, "index": x, "weight": 0 if refused and n == last else w, "empty": 0,
                 "last": int(n == last)} for n, (b, x, w) in enumerate(entries)])
            assert ctx.get(dut.valid) == (not refused)
            await ctx.tick()
            await ctx.tick()
            if not refused:
                check(ctx, dut.look_up, index, weight, heads, f"query {number}: {entries}")

    simulate(dut, bench, platform=POISON)
