"""rtl/similarity.py against golden/similarity.py: every list, its order and its cycles."""

import random
from collections import deque

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden import similarity as golden
from blockfactor.rtl.histogram import Histogram
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.similarity import SimilarityEngine
from blockfactor.sim.pysim import simulate

CONFIGS = {
    "odd": CoreConfig(factors=2, blocks=3, block_length=11, max_codevectors=10, list_size=3,
                      query_entries=3, weight_bits=3, histogram_bits=6, tag_bits=4),
    "clean": CoreConfig(factors=2, blocks=1, block_length=8, max_codevectors=8, list_size=8,
                        query_entries=1, weight_bits=1, histogram_bits=4),
    "flags": CoreConfig(factors=2, blocks=3, block_length=8, max_codevectors=9, list_size=4,
                        query_entries=3, weight_bits=1, histogram_bits=4),
    "one": CoreConfig(factors=2, blocks=2, block_length=16, max_codevectors=12, list_size=3,
                      query_entries=1, weight_bits=4, histogram_bits=6, tag_bits=4),
    "dsp": CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=6, list_size=2,
                      query_entries=2, weight_bits=5, histogram_bits=5, multiplier="dsp"),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_lists(name, seed):
    config = CONFIGS[name]
    rng = random.Random(seed)
    dut = SimilarityEngine(config)
    blocks, length = config.blocks, config.block_length
    code = np.array([[rng.randrange(length) for _ in range(blocks)]
                     for _ in range(config.max_codevectors)])
    index = np.zeros((blocks, config.query_entries), dtype=np.int64)
    weight = np.zeros_like(index)
    histogram = np.zeros((blocks, length), dtype=np.int64)
    seen = {"hits": 0, "cut": 0, "ties": 0, "none": 0}

    async def memories(ctx):
        """Codebook, query and histogram; anything where nothing was looked up."""
        reads = deque([None] * Histogram.latency, maxlen=Histogram.latency)
        assert Memory.latency == 1
        async for _, _, codevector, entry, look, wanted, blank in ctx.tick().sample(
                dut.codevector, dut.entry, dut.look, dut.look_index, dut.blank):
            ctx.set(dut.indices, code[codevector % len(code)].tolist())
            ctx.set(dut.query_index, index[:, entry % config.query_entries].tolist())
            ctx.set(dut.query_weight, weight[:, entry % config.query_entries].tolist())
            reads.append([int(histogram[b, wanted[b]]) for b in range(blocks)] if look
                         else [rng.randint(0, config.max_histogram) for _ in range(blocks)])
            # Sampled with the row that the memory has read.
            if reads[0] is not None:
                ctx.set(dut.value, [0 if blank >> b & 1 else reads[0][b] for b in range(blocks)])

    async def bench(ctx):
        for _ in range(16):
            size = rng.choice([1, rng.randint(1, config.max_codevectors), config.max_codevectors])
            depth = rng.randint(1, config.query_entries)
            use_sum, trim = rng.random() < .3, rng.randrange(blocks)
            highest = rng.choice([1, 3, config.max_histogram])
            weight[:] = 0
            for b in range(blocks):
                count = rng.randint(0, depth)
                for e, x in enumerate(rng.sample(range(length), count)):
                    index[b, e], weight[b, e] = x, rng.randint(1, config.max_weight)
                for x in range(length):
                    histogram[b, x] = rng.choice([0, highest, rng.randint(0, highest)])

            # The golden list.
            values = np.zeros(size, dtype=np.int64)
            golden.similarities(code[None], 0, size, index, weight, depth, histogram, trim,
                                use_sum, values)
            similarities = values.tolist()
            theta = rng.choice([0, *similarities, max(similarities)])
            if rng.random() < .5:
                theta = max(0, theta - 1)
            above = [m for m in range(size) if similarities[m] > theta]
            hits = {(m + 1) * depth - 1 + dut.latency:
                    (slot, m, golden.leading_one(similarities[m]))
                    for slot, m in enumerate(above[:config.list_size])}
            seen["hits"] += len(hits)
            seen["cut"] += len(above) > config.list_size
            seen["ties"] += similarities.count(max(similarities)) > 1
            seen["none"] += not hits

            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            ctx.set(dut.size, size)
            ctx.set(dut.depth, depth)
            ctx.set(dut.use_sum, use_sum)
            ctx.set(dut.trim, trim)
            where = f"seed {seed}, size {size}, depth {depth}, trim {trim}, sum {use_sum}"
            for cycle in range(size * depth + dut.latency):
                ctx.set(dut.run, cycle < size * depth)
                # Not used sooner than this.
                ctx.set(dut.threshold, theta if cycle >= dut.threshold_latency else 0)
                assert ctx.get(dut.last) == (cycle == size * depth - 1)
                assert ctx.get(dut.hit) == (cycle in hits), (where, cycle)
                if cycle in hits:
                    assert (ctx.get(dut.hit_slot), ctx.get(dut.hit_entry.codevector),
                            ctx.get(dut.hit_entry.position)) == hits[cycle], (where, cycle)
                # Best and length at the time of the hit.
                done = max(0, min(size, (cycle - dut.latency + 1) // depth))
                best = max(similarities[:done], default=0)
                assert ctx.get(dut.best) == best, (where, cycle)
                assert ctx.get(dut.length) == sum(at <= cycle for at in hits), (where, cycle)
                await ctx.tick()
            ctx.set(dut.run, 0)
            best = max(similarities)
            assert ctx.get(dut.length) == len(hits)
            assert ctx.get(dut.best) == best
            assert ctx.get(dut.best_codevector) == (similarities.index(best) if best else 0)
            assert ctx.get(dut.best_position) == golden.leading_one(best)

    simulate(dut, bench, processes=[memories])
    assert seen["hits"] and seen["ties"] and seen["none"]
    assert seen["cut"] or config.list_size >= config.max_codevectors
