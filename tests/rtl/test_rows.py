"""rtl/rows.py: every row once, in order, with and without pauses, at its cycle and in its lane."""

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


def passes(first, sizes, known, lanes):
    """Orders in which the factors of the rows are gone through, the inner one by group."""
    orders = [[k] if k >= 0 else [(start + n) % size for n in range(size)]
              for start, size, k in zip(first[:-1], sizes, known)]
    start, groups = first[-1] // lanes, -(-sizes[len(first) - 1] // lanes)
    if known[len(first) - 1] >= 0:
        return [*orders, [start]]
    return [*orders, [(start + n) % groups for n in range(groups)]]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("name", CONFIGS)
def test_rows(name, lanes, seed):
    config = CONFIGS[name].replace(lanes=lanes)
    rng = random.Random(f"{name} {lanes} {seed}")
    dut = RowEngine(config)
    last = config.factors - 1
    code = np.array([[[rng.randrange(config.block_length) for _ in range(config.blocks)]
                      for _ in range(1 << config.codevector_bits)] for _ in range(last)])
    met = {"known": 0, "paused": 0, "halted": 0, "empty lane": 0, "wrapped": 0}

    async def codebook(ctx):
        """Keeps what it read while nothing advances."""
        assert Memory.latency == 1
        async for _, _, advance, factor, *codevectors in ctx.tick().sample(
                dut.advance, dut.factor, *dut.codevector):
            if advance:
                for n, codevector in enumerate(codevectors):
                    ctx.set(dut.indices[n], code[factor % last, codevector].tolist())

    async def bench(ctx):
        for run in range(30):
            sizes = [rng.choice([1, rng.randint(1, config.max_codevectors),
                                 config.max_codevectors]) for _ in range(config.factors)]
            known = [rng.randrange(size) if rng.random() < .2 else -1 for size in sizes]
            first = [k if k >= 0 else rng.randrange(size) for size, k in zip(sizes, known)][:last]
            met["known"] += max(known[:last]) >= 0
            values = parameter_values(config, RunParameters(sizes=sizes, known=known))
            for field in ("sizes", "known", "known_index"):
                ctx.set(dut.parameters[field], values[field])
            orders = passes(first, sizes, known, lanes)
            met["wrapped"] += orders[-1] != sorted(orders[-1])
            expected = list(itertools.product(*orders))
            inner = len(orders[-1])
            # Slot of each group: the outer factors take one each before every pass.
            slots = [n + (n // inner + 1) * (last - 1) for n in range(len(expected))]
            await ctx.tick()
            ctx.set(dut.first, first)
            ctx.set(dut.start, 1)
            ctx.set(dut.advance, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            pauses = run % 2
            stop = rng.randrange(len(expected)) if run % 5 == 4 else len(expected)
            advanced, groups = 0, 0
            where = (f"seed {seed}, lanes {lanes}, run {run}, sizes {sizes}, known {known}, "
                     f"first {first}")
            while groups < stop:
                advance = not pauses or rng.random() < .6
                met["paused"] += not advance
                ctx.set(dut.advance, advance)
                valid = [ctx.get(dut.valid[n]) for n in range(lanes)]
                if any(valid) and advance:
                    *outer, group = expected[groups]
                    have = tuple(ctx.get(dut.codevectors[f]) for f in range(last))
                    assert have == (*outer, group * lanes), where
                    for n in range(lanes):
                        row = (*outer, group * lanes + n)
                        present = row[-1] < sizes[last - 1] and known[last - 1] in (-1, row[-1])
                        assert valid[n] == present, (where, row)
                        if not present:
                            met["empty lane"] += 1
                            continue
                        sums = sum(code[f, m] for f, m in enumerate(row)) % config.block_length
                        assert [ctx.get(dut.sums[n][b]) for b in range(config.blocks)] \
                            == sums.tolist(), (where, row)
                    assert advanced == slots[groups] + dut.latency, where
                    groups += 1
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
            assert not ctx.get(dut.busy)
            assert not any(ctx.get(dut.valid[n]) for n in range(lanes))

    simulate(dut, bench, processes=[codebook])
    # One group cannot wrap.
    wraps = config.max_codevectors > lanes
    assert all(count for what, count in met.items()
               if (what, lanes) != ("empty lane", 1) and (what != "wrapped" or wraps)), met
