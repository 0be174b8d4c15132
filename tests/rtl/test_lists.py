"""rtl/lists.py: a list per factor, the same on every port."""

import random

import pytest

from blockfactor.config import CoreConfig
from blockfactor.rtl.lists import ListMemory
from blockfactor.rtl.memory import POISON
from blockfactor.sim.pysim import simulate


@pytest.mark.parametrize("factors, list_size", [(2, 1), (3, 4), (4, 6)])
def test_reads_and_writes(factors, list_size):
    rng = random.Random(factors)
    config = CoreConfig(factors=factors, blocks=2, block_length=8, max_codevectors=8,
                        list_size=list_size)
    ports = factors - 1
    dut = ListMemory(config, ports)
    rows = {}

    async def bench(ctx):
        for cycle in range(500):
            target = rng.randrange(factors), rng.randrange(list_size)
            entry = {"codevector": rng.getrandbits(config.codevector_bits),
                     "position": rng.getrandbits(config.position_bits)}
            write = rng.random() < .5
            ctx.set(dut.write_enable, write)
            ctx.set(dut.write_factor, target[0])
            ctx.set(dut.write_slot, target[1])
            ctx.set(dut.write_entry, entry)
            reads = []
            for port in range(ports):
                reads.append((rng.randrange(factors), rng.randrange(list_size)))
                ctx.set(dut.factor[port], reads[-1][0])
                ctx.set(dut.slot[port], reads[-1][1])
            await ctx.tick()
            for port, place in enumerate(reads):
                # The same row as is being written: nothing may depend on what it returns.
                if place in rows and not (write and place == target):
                    have = {name: ctx.get(dut.entry[port][name]) for name in entry}
                    assert have == rows[place], (cycle, port, place)
            if write:
                rows[target] = entry

    assert ListMemory.latency == 1
    simulate(dut, bench, platform=POISON)
    assert len(rows) == factors * list_size
