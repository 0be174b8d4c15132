"""The harness drives all inputs, one bit a cycle, and sees all outputs."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from blockfactor.boards.harness import FOLD, Harness
from blockfactor.presets import PRESETS
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.verilog import ports


class Through(wiring.Component):
    """Nine wires."""

    def __init__(self):
        super().__init__({"i": In(9), "o": Out(9)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m


def test_every_bit_reaches_the_pin():
    """The output is the parity of the last nine bits, delayed by the folding registers."""
    harness = Harness(Through())
    assert (harness.input_bits, harness.output_bits) == (9, 9)
    assert harness.luts == 3 + 1
    assert harness.cells == 9 + 4
    rng = random.Random(seed := 5)
    bits = [rng.getrandbits(1) for _ in range(200)]
    seen = []

    async def bench(ctx):
        for bit in bits:
            ctx.set(harness.serial_in, bit)
            await ctx.tick()
            seen.append(ctx.get(harness.serial_out))

    simulator = Simulator(harness)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    stages = 2  # 9 bits, 3, 1
    for n in range(20, len(bits)):
        last = bits[n - stages - 8:n - stages + 1]
        assert seen[n] == sum(last) % 2, (seed, n)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize("name", list(PRESETS))
def test_all_ports_of_the_core(name):
    core = Factorizer(PRESETS[name].core)
    harness = Harness(core)
    assert harness.input_bits + harness.output_bits == sum(len(p) for p in ports(core))
    assert harness.output_bits / FOLD <= harness.luts < harness.output_bits / 2
