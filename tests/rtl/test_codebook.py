"""rtl/codebook.py: writes, refused ones, initial content, every port."""

import random

import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.codebook import Codebooks
from blockfactor.rtl.codebook import CodebookMemory
from blockfactor.rtl.memory import POISON
from blockfactor.sim.pysim import simulate

CONFIGS = {
    "odd": CoreConfig(factors=3, blocks=3, block_length=11, max_codevectors=6, list_size=4),
    "powers": CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=4, list_size=4),
    "four": CoreConfig(factors=4, blocks=1, block_length=5, max_codevectors=1, list_size=1,
                       query_entries=2),
}


async def read_all(ctx, dut, config):
    """Content as a port sees it, checked to be the same on all ports."""
    content = {}
    for f in range(config.factors):
        for m in range(config.max_codevectors):
            for port in range(dut.ports):
                ctx.set(dut.address[port], {"factor": f, "codevector": m})
            await ctx.tick().repeat(dut.latency)
            seen = {tuple(ctx.get(dut.indices[port][b]) for b in range(config.blocks))
                    for port in range(dut.ports)}
            assert len(seen) == 1
            content[f, m] = seen.pop()
    return content


@pytest.mark.parametrize("name", CONFIGS)
def test_writes(name):
    config = CONFIGS[name]
    rng = random.Random(1)
    dut = CodebookMemory(config, 3)
    rows = {}
    outcomes = set()

    async def bench(ctx):
        for cycle in range(400):
            # Any bits the fields can hold, mostly legal ones.
            def pick(limit, bits):
                return rng.getrandbits(bits) if rng.random() < .1 else rng.randrange(limit)
            f = pick(config.factors, config.factor_bits)
            m = pick(config.max_codevectors, config.codevector_bits)
            indices = [pick(config.block_length, config.element_index_bits)
                       for _ in range(config.blocks)]
            valid, unlocked = rng.random() < .8, rng.random() < .8
            ctx.set(dut.write.valid, valid)
            ctx.set(dut.write.payload, {"factor": f, "codevector": m, "indices": indices})
            ctx.set(dut.unlocked, unlocked)
            legal = (f < config.factors and m < config.max_codevectors
                     and all(x < config.block_length for x in indices))
            assert ctx.get(dut.write.ready) == unlocked
            assert ctx.get(dut.refused) == (valid and unlocked and not legal), cycle
            if valid and unlocked and legal:
                rows[f, m] = tuple(indices)
            outcomes.add((unlocked, legal))
            await ctx.tick()
        ctx.set(dut.write.valid, 0)
        content = await read_all(ctx, dut, config)
        for place, indices in rows.items():
            assert content[place] == indices, place

    simulate(dut, bench, platform=POISON)
    assert len(rows) == config.factors * config.max_codevectors
    assert len(outcomes) == (2 if name == "powers" else 4)


@pytest.mark.parametrize("name, sizes", [("odd", (2, 6, 4)), ("powers", (4, 1)),
                                         ("four", (1,) * 4)])
def test_initial_content(name, sizes):
    config = CONFIGS[name]
    books = Codebooks.random(sizes, config.blocks, config.block_length, seed=5)
    dut = CodebookMemory(config, 2, books)
    content = {}

    async def bench(ctx):
        content.update(await read_all(ctx, dut, config))

    simulate(dut, bench)
    for f, codebook in enumerate(books.indices):
        for m, indices in enumerate(codebook.tolist()):
            assert content[f, m] == tuple(indices), (f, m)
