from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator

from blockfactor.rtl.divider import WeightDivider


def run(element_bits, weight_bits, pairs):
    """Weights of (element, peak) pairs, each read ``latency`` cycles after its start."""
    dut = WeightDivider(element_bits, weight_bits)
    weights = []

    async def testbench(ctx):
        for element, peak in pairs:
            ctx.set(dut.start, 1)
            ctx.set(dut.element, element)
            ctx.set(dut.peak, 0)  # not needed before the next cycle
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.element, 0)
            ctx.set(dut.peak, peak)
            for _ in range(dut.latency - 1):
                assert ctx.get(dut.busy)
                await ctx.tick()
            assert not ctx.get(dut.busy)
            ctx.set(dut.peak, 0)  # nor after it is ready
            weights.append(ctx.get(dut.weight))

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()
    return weights


def rounded(element, peak, weight_bits):
    return (Fraction(element * (2**weight_bits - 1), peak) + Fraction(1, 2)).__floor__()


@pytest.mark.parametrize("weight_bits", range(1, 7))
def test_all_of_four_bits(weight_bits):
    pairs = [(element, peak) for peak in range(1, 16) for element in range(peak + 1)]
    assert run(4, weight_bits, pairs) == [rounded(*pair, weight_bits) for pair in pairs]


@pytest.mark.parametrize(("element_bits", "weight_bits"), [(16, 6), (8, 4), (5, 6)])
def test_random(element_bits, weight_bits):
    rng = np.random.default_rng(element_bits)
    peaks = rng.integers(1, 1 << element_bits, 60).tolist() + [(1 << element_bits) - 1]
    pairs = [(int(rng.integers(0, peak + 1)), peak) for peak in peaks] + [(p, p) for p in peaks]
    assert run(element_bits, weight_bits, pairs) == [rounded(*p, weight_bits) for p in pairs]


def test_start_begins_anew():
    dut = WeightDivider(8, 4)

    async def testbench(ctx):
        ctx.set(dut.peak, 200)
        for element in (150, 77):
            ctx.set(dut.start, 1)
            ctx.set(dut.element, element)
            await ctx.tick().repeat(1)
            ctx.set(dut.start, 0)
            if element == 150:
                await ctx.tick().repeat(3)
        await ctx.tick().until(~dut.busy)
        assert ctx.get(dut.weight) == rounded(77, 200, 4)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()
