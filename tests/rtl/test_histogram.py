"""rtl/histogram.py: forwarding, saturation, and versions that come round again."""

import random

import pytest

from blockfactor.config import CoreConfig
from blockfactor.rtl.histogram import Histogram
from blockfactor.rtl.memory import POISON
from blockfactor.sim.pysim import simulate

CONFIGS = {
    "odd": CoreConfig(factors=3, blocks=2, block_length=11, histogram_bits=8, tag_bits=3),
    "powers": CoreConfig(factors=2, blocks=1, block_length=16, histogram_bits=5, tag_bits=4),
    # As many rows to scrub as a step has time for.
    "scrubs": CoreConfig(factors=2, blocks=1, block_length=49, histogram_bits=4, tag_bits=3),
}


class Bench:
    """A histogram and its model: a list of values a block."""

    def __init__(self, config, seed):
        self.config = config
        self.rng = random.Random(seed)
        self.dut = Histogram(config)
        self.forget()
        self.saturated = 0

    def forget(self):
        """What a retirement does."""
        self.values = [[0] * self.config.block_length for _ in range(self.config.blocks)]

    async def clear(self, ctx):
        """The pass after reset."""
        ctx.set(self.dut.clear, 1)
        for row in range(self.config.block_length):
            ctx.set(self.dut.clear_row, row)
            await ctx.tick()
        ctx.set(self.dut.clear, 0)

    async def add(self, ctx, indices, shift):
        """One addition, a cycle; None is an empty cycle."""
        ctx.set(self.dut.add, indices is not None)
        if indices is not None:
            ctx.set(self.dut.add_index, indices)
            ctx.set(self.dut.shift, shift)
            for values, index in zip(self.values, indices):
                total = values[index] + (1 << shift)
                self.saturated += total > self.config.max_histogram
                values[index] = min(total, self.config.max_histogram)
        await ctx.tick()
        ctx.set(self.dut.add, 0)

    async def settle(self, ctx):
        """The last addition becomes ``add_latency`` cycles old."""
        for _ in range(self.dut.add_latency - 1):
            await ctx.tick()

    async def look(self, ctx, wanted):
        """Look-ups, one a cycle, and their values; some are blanked, a cycle later."""
        pending, blanks = [], [0]
        for indices in [*wanted, *[None] * self.dut.latency]:
            ctx.set(self.dut.look, indices is not None)
            ctx.set(self.dut.blank, blanks[-1])
            blanks.append(self.rng.choice([0, 0, self.rng.getrandbits(self.config.blocks)]))
            if indices is not None:
                ctx.set(self.dut.look_index, indices)
            if len(pending) >= self.dut.latency and pending[-self.dut.latency] is not None:
                expected = pending[-self.dut.latency]
                have = [ctx.get(self.dut.value[b]) for b in range(self.config.blocks)]
                blank = blanks[len(pending) - self.dut.latency + 1]
                want = [0 if blank >> b & 1 else values[index]
                        for b, (values, index) in enumerate(zip(self.values, expected))]
                assert have == want, expected
            pending.append(indices)
            await ctx.tick()
        ctx.set(self.dut.blank, 0)

    async def retire(self, ctx):
        """To the next version."""
        ctx.set(self.dut.retire, 1)
        await ctx.tick()
        ctx.set(self.dut.retire, 0)
        for _ in range(self.dut.retire_cycles - 1):
            await ctx.tick()
        self.forget()

    def all_indices(self):
        """Every index once in each block, in different orders."""
        orders = [self.rng.sample(range(self.config.block_length), self.config.block_length)
                  for _ in range(self.config.blocks)]
        return [list(indices) for indices in zip(*orders)]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_forwarding_and_saturation(name, seed):
    """Additions to one row at all small distances, in a cycle each, with and without gaps."""
    config = CONFIGS[name]
    bench = Bench(config, seed)
    rng = bench.rng

    async def run(ctx):
        await bench.clear(ctx)
        for _ in range(3):
            history = []
            for _ in range(150):
                if rng.random() < .2:
                    history.append(None)
                else:
                    # Each block follows its own earlier index, or takes any.
                    indices = []
                    for b in range(config.blocks):
                        old = history[-rng.randint(1, 5):][:1]
                        indices.append(old[0][b] if old and old[0] and rng.random() < .8
                                       else rng.randrange(config.block_length))
                    history.append(indices)
                await bench.add(ctx, history[-1], rng.choice([0, 0, 0, 3 * (config.factors - 1)]))
            await bench.settle(ctx)
            await bench.look(ctx, bench.all_indices())
            await bench.retire(ctx)

    simulate(bench.dut, run, platform=POISON)
    assert bench.saturated


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5])
def test_each_distance(distance):
    config = CONFIGS["odd"]
    bench = Bench(config, distance)

    async def run(ctx):
        await bench.clear(ctx)
        for n in range(6 * distance):
            await bench.add(ctx, [n % distance, 7 + n % distance % 4], 0)
        await bench.settle(ctx)
        await bench.look(ctx, bench.all_indices())

    simulate(bench.dut, run, platform=POISON)
    assert bench.values[0][0] == 6


@pytest.mark.parametrize("name", CONFIGS)
def test_versions(name):
    """Through all versions twice and on: no row of an older one comes back.

    Only a few rows are used in each round, so that most are as old as they can be.
    """
    config = CONFIGS[name]
    bench = Bench(config, 7)
    rng = bench.rng

    async def run(ctx):
        await bench.clear(ctx)
        for _ in range(2 * (1 << config.tag_bits) + 5):
            for _ in range(rng.randint(1, 4)):
                await bench.add(ctx, [rng.randrange(config.block_length)
                                      for _ in range(config.blocks)], 1)
            await bench.settle(ctx)
            await bench.look(ctx, bench.all_indices())
            await bench.retire(ctx)

    simulate(bench.dut, run, platform=POISON)


def test_longest_scrubbing_fits_a_step():
    """What config.py promises: the rows of any core that can be made are scrubbed in time."""
    assert CONFIGS["scrubs"].scrub_rows == CoreConfig.SCRUB_ROWS
