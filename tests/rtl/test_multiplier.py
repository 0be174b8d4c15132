# amaranth: UnusedElaboratable=no
"""rtl/multiplier.py: exact products, in the cycles it says."""

import random

import pytest

from blockfactor.golden.cycles import multiply_cycles, multiply_digit
from blockfactor.presets import PRESETS
from blockfactor.rtl.multiplier import Multiplier
from blockfactor.sim.pysim import simulate


@pytest.mark.parametrize("multiplicand, multiplier, digit", [
    (1, 1, 1), (5, 7, 1), (8, 9, 3), (26, 16, 2), (3, 4, 4), (7, 5, 8)])
def test_products(multiplicand, multiplier, digit):
    rng = random.Random(digit)
    dut = Multiplier(multiplicand, multiplier, digit)
    highs = [(1 << multiplicand) - 1, (1 << multiplier) - 1]
    pairs = [(x, y) for x in (0, highs[0]) for y in (0, 1, highs[1])] + [
        (rng.randint(0, highs[0]), rng.randint(0, highs[1])) for _ in range(25)]

    async def bench(ctx):
        for x, y in pairs:
            again = rng.randrange(dut.cycles + 1) if rng.random() < .3 else None
            ctx.set(dut.multiplicand, rng.randint(0, highs[0]))
            ctx.set(dut.multiplier, rng.randint(0, highs[1]))
            if again is not None:  # a start while busy begins anew
                ctx.set(dut.start, 1)
                await ctx.tick()
                ctx.set(dut.start, 0)
                for _ in range(again):
                    await ctx.tick()
            ctx.set(dut.multiplicand, x)
            ctx.set(dut.multiplier, y)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.multiplier, rng.randint(0, highs[1]))
            busy = 0
            while ctx.get(dut.busy):
                await ctx.tick()
                busy += 1
            # The cycle of the start and these: ``cycles + 1``.
            assert busy == dut.cycles
            for _ in range(2):
                assert ctx.get(dut.product) == x * y, (x, y)
                await ctx.tick()
                ctx.set(dut.multiplicand, rng.randint(0, highs[0]))

    simulate(dut, bench)


@pytest.mark.parametrize("name", PRESETS)
def test_cycle_model(name):
    config = PRESETS[name].core
    bits = max(config.product_bits, 16)
    dut = Multiplier(config.scaled_threshold_bits, bits, multiply_digit(config))
    assert dut.cycles == multiply_cycles(config)
