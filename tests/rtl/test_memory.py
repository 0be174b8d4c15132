"""rtl/memory.py: latency, what a colliding read returns, and the shapes it takes."""

import random

import pytest
from amaranth.hdl import unsigned
from amaranth.lib import data

from blockfactor.rtl.memory import POISON, Memory
from blockfactor.sim.pysim import simulate


@pytest.mark.parametrize("platform", [None, POISON])
@pytest.mark.parametrize("depth, width", [(1, 3), (5, 7), (16, 12)])
def test_reads_and_writes(platform, depth, width):
    rng = random.Random(depth)
    init = [rng.getrandbits(width) for _ in range(depth - 1)]
    dut = Memory(width, depth, init)
    # Without a value the last row holds 0, but anything where that is to be found out.
    rows = [*init, None if platform == POISON else 0]
    collisions = 0

    async def bench(ctx):
        nonlocal collisions
        assert Memory.latency == 1
        for cycle in range(600):
            write, address = rng.random() < .6, rng.randrange(depth)
            value, wanted = rng.getrandbits(width), rng.randrange(depth)
            ctx.set(dut.write_enable, write)
            ctx.set(dut.write_address, address)
            ctx.set(dut.write_data, value)
            ctx.set(dut.read_address, wanted)
            await ctx.tick()
            old = rows[wanted]
            if write:
                rows[address] = value
            if old is None:
                continue
            if not (write and address == wanted):
                assert ctx.get(dut.read_data) == old, cycle
            elif platform == POISON:
                collisions += 1
                assert ctx.get(dut.read_data) == old ^ (1 << width) - 1, cycle

    simulate(dut, bench, platform=platform)
    assert collisions > 10 or platform is None


def test_structured_rows():
    layout = data.StructLayout({"low": 3, "high": data.ArrayLayout(unsigned(4), 2)})
    dut = Memory(layout, 4, [layout.const({"low": 5, "high": [9, 6]}).as_bits()])

    async def bench(ctx):
        ctx.set(dut.write_enable, 1)
        ctx.set(dut.write_address, 2)
        ctx.set(dut.write_data, {"low": 2, "high": [1, 15]})
        await ctx.tick()
        assert ctx.get(dut.read_data.low) == 5
        assert [ctx.get(dut.read_data.high[n]) for n in range(2)] == [9, 6]
        ctx.set(dut.write_enable, 0)
        ctx.set(dut.read_address, 2)
        await ctx.tick()
        assert ctx.get(dut.read_data.low) == 2
        assert [ctx.get(dut.read_data.high[n]) for n in range(2)] == [1, 15]

    simulate(dut, bench, platform=POISON)


def test_power_up_content_is_random():
    """Under POISON rows without a given value hold anything, on an FPGA 0."""
    def content(init, platform):
        dut = Memory(8, 16, init)
        rows = []

        async def bench(ctx):
            for row in range(16):
                ctx.set(dut.read_address, row)
                await ctx.tick()
                rows.append(ctx.get(dut.read_data))

        simulate(dut, bench, platform=platform)
        return rows

    assert len(set(content([], POISON))) > 8
    assert content([7, 0, 9], POISON)[:3] == [7, 0, 9]
    assert content([7, 0, 9], None) == [7, 0, 9] + [0] * 13
