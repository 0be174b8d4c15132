"""rtl/rows.py: every row once, in order, with and without pauses, at its cycle."""

import itertools
import random

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.parameters import RunParameters
from blockfactor.rtl.layouts import parameter_values
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.rows import RowEngine
from blockfactor.sim.pysim import simulate

CONFIGS = {
    "two": CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=9, list_size=4,
                      query_entries=2),
    "three": CoreConfig(factors=3, blocks=3, block_length=11, max_codevectors=6, list_size=4,
                        query_entries=2),
    "four": CoreConfig(factors=4, blocks=1, block_length=16, max_codevectors=4, list_size=4,
                       query_entries=2),
}


def passes(first, sizes, known):
    """Orders in which each factor of the rows is gone through."""
    return [[k] if k >= 0 else [(start + n) % size for n in range(size)]
            for start, size, k in zip(first, sizes, known)]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_rows(name, seed):
    config = CONFIGS[name]
    rng = random.Random(seed)
    dut = RowEngine(config)
    last = config.factors - 1
    code = np.array([[[rng.randrange(config.block_length) for _ in range(config.blocks)]
                      for _ in range(config.max_codevectors)] for _ in range(last)])
    met = {"known": 0, "paused": 0, "halted": 0}

    async def codebook(ctx):
        """Keeps what it read while nothing advances."""
        assert Memory.latency == 1
        async for _, _, advance, factor, codevector in ctx.tick().sample(
                dut.advance, dut.factor, dut.codevector):
            if advance:
                ctx.set(dut.indices, code[factor % last, codevector % len(code[0])].tolist())

    async def bench(ctx):
        for run in range(16):
            sizes = [rng.choice([1, rng.randint(1, config.max_codevectors),
                                 config.max_codevectors]) for _ in range(config.factors)]
            known = [rng.randrange(size) if rng.random() < .2 else -1 for size in sizes]
            first = [k if k >= 0 else rng.randrange(size) for size, k in zip(sizes, known)][:last]
            met["known"] += max(known[:last]) >= 0
            values = parameter_values(config, RunParameters(sizes=sizes, known=known))
            for field in ("sizes", "known", "known_index"):
                ctx.set(dut.parameters[field], values[field])
            expected = list(itertools.product(*passes(first, sizes, known)))
            inner = len(passes(first, sizes, known)[-1])
            # Slot of each row: the outer factors take one each before every pass.
            slots = [n + (n // inner + 1) * (last - 1) for n in range(len(expected))]
            await ctx.tick()
            ctx.set(dut.first, first)
            ctx.set(dut.start, 1)
            ctx.set(dut.advance, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            pauses = run % 2
            stop = rng.randrange(len(expected)) if run % 5 == 4 else len(expected)
            advanced, rows = 0, []
            where = f"seed {seed}, run {run}, sizes {sizes}, known {known}, first {first}"
            while len(rows) < stop:
                advance = not pauses or rng.random() < .6
                met["paused"] += not advance
                ctx.set(dut.advance, advance)
                if ctx.get(dut.valid) and advance:
                    row = tuple(ctx.get(dut.codevectors[f]) for f in range(last))
                    want = expected[len(rows)]
                    assert row == want, where
                    sums = sum(code[f, m] for f, m in enumerate(want)) % config.block_length
                    assert [ctx.get(dut.sums[b]) for b in range(config.blocks)] == sums.tolist()
                    assert advanced == slots[len(rows)] + dut.latency, where
                    rows.append(row)
                else:
                    assert not advance or advanced - dut.latency not in slots, where
                assert ctx.get(dut.busy) == (advanced <= slots[-1] + 1), where
                await ctx.tick()
                advanced += advance
            if stop < len(expected):
                met["halted"] += 1
            ctx.set(dut.halt, 1)
            await ctx.tick()
            ctx.set(dut.halt, 0)
            assert not ctx.get(dut.busy) and not ctx.get(dut.valid)

    simulate(dut, bench, processes=[codebook])
    assert all(met.values())
