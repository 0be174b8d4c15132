"""rtl/explain.py and what rtl/query.py does with it, against golden/explain.py."""

import random

import pytest
from query_memory import beats, check_content, clear, good_entries

from blockfactor.config import CoreConfig
from blockfactor.golden.explain import residual
from blockfactor.golden.join import look_up_blocks
from blockfactor.golden.query import Query
from blockfactor.rtl.explain import ProductBinder
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.query import QueryMemory
from blockfactor.sim.pysim import simulate, stream_put

CONFIGS = {
    "odd": CoreConfig(blocks=3, block_length=11, query_entries=3, weight_bits=3, lanes=2,
                      heads=3, products=3),
    "powers": CoreConfig(factors=4, blocks=4, block_length=8, query_entries=4, weight_bits=4,
                         products=4),
    "one entry": CoreConfig(blocks=2, block_length=4, query_entries=1, weight_bits=2,
                            engines=("join",), heads=1, products=2),
    "factorize": CoreConfig(factors=2, blocks=3, block_length=8, query_entries=2, weight_bits=2,
                            engines=("factorize",), products=2),
}


def query_of(entries, config) -> Query:
    """Query of (block, index, weight)."""
    return Query(tuple(tuple((i, w) for b, i, w in entries if b == block)
                       for block in range(config.blocks)))


def product_for(entries, config, rng) -> list[int]:
    """Indices of a product: mostly those of entries, some of none."""
    return [rng.choice([i for b, i, _ in entries if b == block]
                       or [rng.randrange(config.block_length)])
            if rng.random() < .8 else rng.randrange(config.block_length)
            for block in range(config.blocks)]


@pytest.mark.parametrize("name", CONFIGS)
def test_query_is_reduced(name):
    """Products are taken off, one after the other, until nothing is left and beyond."""
    config, seed = CONFIGS[name], 5
    rng = random.Random(seed)
    dut = QueryMemory(config)
    emptied = 0

    async def reduce(ctx, product):
        """Send a product; return the cycles from its first index to ``reduced``."""
        cycles = 0
        for b, index in enumerate(product):
            gap = rng.randint(0, 2)
            for _ in range(gap):
                await ctx.tick()
                assert not ctx.get(dut.reduced)
            ctx.set(dut.product.valid, 1)
            ctx.set(dut.product.payload, {"block": b, "index": index,
                                          "last": b == config.blocks - 1})
            while True:
                ready = ctx.get(dut.product.ready)
                await ctx.tick()
                cycles += 1
                if ready:
                    break
            ctx.set(dut.product.valid, 0)
        while not ctx.get(dut.reduced):
            await ctx.tick()
            cycles += 1
        return cycles

    async def bench(ctx):
        nonlocal emptied
        await clear(ctx, dut, config)
        for _ in range(25):
            entries = good_entries(config, rng)
            ctx.set(dut.unlocked, 1)
            await stream_put(ctx, dut.i, beats(entries, config, rng), rng, 0)
            ctx.set(dut.unlocked, 0)
            for _ in range(rng.randint(1, config.query_entries + 1)):
                product = product_for(entries, config, rng)
                query = residual(query_of(entries, config), product)
                await reduce(ctx, product)
                entries = [(b, i, w) for b, i, w in entries if i != product[b]]
                assert query_of(entries, config) == query
                heads = [(ctx.get(o.used), ctx.get(o.block), ctx.get(o.peak))
                         for o in (dut.look_up[h] for h in range(dut.heads))]
                if dut.heads:
                    chosen, peaks = look_up_blocks(*map(
                        lambda a: a.astype(int), query.arrays(config.query_entries)), dut.heads)
                    assert [head for head in heads if head[0]] == [
                        (1, b, peak) for b, peak in zip(chosen, peaks) if b >= 0], (seed, entries)
                await check_content(ctx, dut, config, entries)
                emptied += not entries

    simulate(dut, bench, platform=POISON)
    assert emptied >= 3


@pytest.mark.parametrize("name", CONFIGS)
def test_product_is_bound(name):
    """Index by index, as fast as the component says, whenever the index before was taken."""
    config = CONFIGS[name]
    rng = random.Random(7)
    dut = ProductBinder(config)
    book = {(f, m): [rng.randrange(config.block_length) for _ in range(config.blocks)]
            for f in range(config.factors) for m in range(1 << config.codevector_bits)}

    async def codebook(ctx):
        async for _, _, factor, codevector in ctx.tick().sample(dut.address.factor,
                                                                dut.address.codevector):
            ctx.set(dut.indices, book.get((factor, codevector), [0] * config.blocks))

    async def bench(ctx):
        for _ in range(6):
            found = [rng.randrange(1 << config.codevector_bits) for _ in range(config.factors)]
            ctx.set(dut.codevectors, found)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for b in range(config.blocks):
                for _ in range(dut.block_cycles - 1):
                    assert not ctx.get(dut.o.valid)
                    await ctx.tick()
                for _ in range(rng.randint(0, 3)):
                    assert ctx.get(dut.o.valid)
                    await ctx.tick()
                ctx.set(dut.o.ready, 1)
                want = sum(book[f, m][b] for f, m in enumerate(found)) % config.block_length
                assert (ctx.get(dut.o.p.block), ctx.get(dut.o.p.index), ctx.get(dut.o.p.last)) == (
                    b, want, b == config.blocks - 1)
                await ctx.tick()
                ctx.set(dut.o.ready, 0)

    simulate(dut, bench, processes=[codebook])
