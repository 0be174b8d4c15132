# amaranth: UnusedElaboratable=no
from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator

from blockfactor.rtl.divider import WeightDivider
from blockfactor.rtl.logweight import LogWeight


def run(element_bits, weight_bits, cases):
    """Weights of (element, peak, shift), each read ``latency`` cycles after its start."""
    dut = LogWeight(element_bits, weight_bits)
    weights = []

    async def testbench(ctx):
        for element, peak, shift in cases:
            ctx.set(dut.start, 1)
            ctx.set(dut.element, element)
            ctx.set(dut.peak, 0)  # not needed before the next cycle
            ctx.set(dut.shift, 5)  # nor this before the one after it
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.element, 0)
            ctx.set(dut.peak, peak)
            await ctx.tick()
            ctx.set(dut.peak, 0)
            ctx.set(dut.shift, shift)
            await ctx.tick().repeat(dut.latency - 2)
            ctx.set(dut.shift, 0)
            weights.append(ctx.get(dut.weight))
            if len(weights) % 3 == 0:  # held
                await ctx.tick().repeat(4)
                assert ctx.get(dut.weight) == weights[-1]

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()
    return weights


def rounded(element, peak, shift, weight_bits):
    exact = 2**weight_bits - 1 - Fraction(peak - element, 2**shift)
    return max(0, (exact + Fraction(1, 2)).__floor__())


@pytest.mark.parametrize("weight_bits", range(1, 7))
def test_all_of_four_bits(weight_bits):
    cases = [(element, peak, shift) for peak in range(1, 16) for element in range(peak + 1)
             for shift in (*range(6), 15)]
    assert run(4, weight_bits, cases) == [rounded(*case, weight_bits) for case in cases]


@pytest.mark.parametrize(("element_bits", "weight_bits"), [(16, 6), (8, 4), (5, 6)])
def test_random(element_bits, weight_bits):
    rng = np.random.default_rng(element_bits)
    top = (1 << element_bits) - 1
    cases = []
    for shift in range(16):
        for _ in range(20):
            peak = int(rng.integers(1, top + 1))
            # Half of the distances end at a boundary between two weights.
            near = int(rng.integers(2**weight_bits + 1)) * 2**shift + 2**shift // 2
            distance = [int(rng.integers(peak + 1)), near + int(rng.integers(2))][rng.integers(2)]
            cases.append((max(0, peak - distance), peak, shift))
        cases += [(top, top, shift), (0, top, shift), (1, top, shift)]
    assert run(element_bits, weight_bits, cases) == [rounded(*c, weight_bits) for c in cases]


def test_start_begins_anew():
    dut = LogWeight(8, 4)

    async def testbench(ctx):
        ctx.set(dut.peak, 200)
        ctx.set(dut.shift, 3)
        ctx.set(dut.start, 1)
        ctx.set(dut.element, 7)
        await ctx.tick().repeat(2)
        ctx.set(dut.element, 170)
        await ctx.tick()
        ctx.set(dut.start, 0)
        await ctx.tick().repeat(dut.latency - 1)
        assert ctx.get(dut.weight) == rounded(170, 200, 3, 4) == 11

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()


@pytest.mark.parametrize("weight_bits", range(1, 7))
def test_no_later_than_the_division(weight_bits):
    """The front-end waits for that alone."""
    assert LogWeight(8, weight_bits).latency <= WeightDivider(8, weight_bits).latency
