"""rtl/query.py against golden/query.py's checks: good and bad queries, one after the other."""

import random

import pytest
from query_memory import beats, check_content, clear, good_entries

from blockfactor.config import CoreConfig
from blockfactor.errors import QueryError
from blockfactor.golden.query import Query
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.query import QueryMemory
from blockfactor.sim.pysim import simulate, stream_put

CONFIGS = {
    "odd": CoreConfig(blocks=3, block_length=11, query_entries=3, weight_bits=3,
                      lanes=2),
    "powers": CoreConfig(blocks=4, block_length=8, query_entries=4, weight_bits=4,
                         lanes=8),
    "smallest": CoreConfig(blocks=1, block_length=2, query_entries=1, weight_bits=1,
                           engines=("join",)),
    "factorize": CoreConfig(blocks=3, block_length=8, query_entries=2, weight_bits=2,
                            engines=("factorize",)),
}
#: What can be wrong with a query; some cannot be expressed in every configuration.
FAULTS = ("duplicate", "index", "weight", "entries", "order", "block", "empty")


def spoil(entries, fault, config, rng):
    """Entries with a fault somewhere."""
    entries = list(entries)
    n = rng.randrange(len(entries))
    block, index, weight = entries[n]
    if fault == "duplicate":
        entries.insert(rng.randint(n, len(entries)), entries[n])
        entries.sort(key=lambda entry: entry[0])
    elif fault == "index":
        entries[n] = block, (1 << config.element_index_bits) - 1, weight
    elif fault == "weight":
        entries[n] = block, index, 0
    elif fault == "entries":
        inside = rng.sample(range(config.block_length),
                            min(config.query_entries + 1, config.block_length))
        entries = [entry for entry in entries if entry[0] != block]
        entries += [(block, index, 1) for index in inside]
        entries.sort(key=lambda entry: entry[0])
    elif fault == "order":
        entries.reverse()
    elif fault == "block":
        entries[-1] = (1 << max(1, (config.blocks - 1).bit_length())) - 1, index, weight
    else:
        entries = []
    return entries


def is_good(entries, config):
    """Verdict of the golden model, and of the stream's rules: by ascending block, not empty."""
    blocks = [block for block, _, _ in entries]
    if not entries or blocks != sorted(blocks) or blocks[-1] >= config.blocks:
        return False
    query = Query(tuple(tuple((i, w) for b, i, w in entries if b == block)
                        for block in range(config.blocks)))
    try:
        query.check(config.blocks, config.block_length, config.query_entries, config.weight_bits)
    except QueryError:
        return False
    return True


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_queries(name, seed):
    config = CONFIGS[name]
    rng = random.Random(seed)
    dut = QueryMemory(config)
    assert dut.lanes == {"odd": 2, "powers": 8}.get(name, 1)
    seen = set()
    refusals = 0

    async def bench(ctx):
        await clear(ctx, dut, config)
        ctx.set(dut.unlocked, 1)
        for _ in range(40):
            entries = good_entries(config, rng)
            fault = rng.choice([None, *FAULTS])
            if fault:
                entries = spoil(entries, fault, config, rng)
            good = is_good(entries, config)
            before = refusals
            await stream_put(ctx, dut.i, beats(entries, config, rng), rng, rng.choice([0, .5]))
            assert ctx.get(dut.valid) == good, (fault, entries)
            await ctx.tick()
            assert refusals - before == (not good), (fault, entries)
            if good:
                await check_content(ctx, dut, config, entries)
            seen.add((fault, good))

    async def count(ctx):
        nonlocal refusals
        async for _, _, valid, refused in ctx.tick().sample(dut.valid, dut.refused):
            refusals += refused
            assert not (valid and refused)

    simulate(dut, bench, platform=POISON, processes=[count])
    assert (None, True) in seen
    if name == "odd":
        assert {(fault, False) for fault in FAULTS} <= seen


def test_locked_and_forgotten():
    config = CONFIGS["odd"]
    rng = random.Random(3)
    dut = QueryMemory(config)
    entries = good_entries(config, rng)
    stream = [{"block": b, "index": i, "weight": w, "empty": 0, "last": n == len(entries) - 1}
              for n, (b, i, w) in enumerate(entries)]

    async def bench(ctx):
        await clear(ctx, dut, config)
        ctx.set(dut.unlocked, 1)
        await stream_put(ctx, dut.i, stream)
        ctx.set(dut.unlocked, 0)
        # A run: the next query waits and the one loaded serves.
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, stream[-1])
        for _ in range(10):
            assert ctx.get(dut.i.ready) == 0 and ctx.get(dut.valid) == 1
            await ctx.tick()
        await check_content(ctx, dut, config, entries)
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.unlocked, 1)
        ctx.set(dut.forget, 1)
        await ctx.tick()
        ctx.set(dut.forget, 0)
        assert ctx.get(dut.valid) == 0
        await stream_put(ctx, dut.i, stream)
        assert ctx.get(dut.valid) == 1
        await check_content(ctx, dut, config, entries)

    simulate(dut, bench, platform=POISON)


@pytest.mark.parametrize("name", CONFIGS)
def test_time(name):
    """Loading takes the cycles that the component says."""
    config = CONFIGS[name]
    rng = random.Random(4)
    dut = QueryMemory(config)

    async def bench(ctx):
        await clear(ctx, dut, config)
        ctx.set(dut.unlocked, 1)
        for _ in range(4):
            entries = good_entries(config, rng)
            ctx.set(dut.i.valid, 1)
            cycles = 0
            for n, (block, index, weight) in enumerate(entries):
                ctx.set(dut.i.payload, {"block": block, "index": index, "weight": weight,
                                        "empty": 0, "last": n == len(entries) - 1})
                while True:
                    ready = ctx.get(dut.i.ready)
                    await ctx.tick()
                    cycles += 1
                    if ready:
                        break
            ctx.set(dut.i.valid, 0)
            assert ctx.get(dut.valid) == 1
            assert cycles == dut.entry_cycles * len(entries) + dut.clear_cycles
            await ctx.tick()

    simulate(dut, bench)
