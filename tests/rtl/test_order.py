"""rtl/order.py against golden/similarity.py's combine."""

import random

import numpy as np
import pytest

from blockfactor.golden.similarity import combine
from blockfactor.rtl.order import OrderStatistic
from blockfactor.sim.pysim import simulate


@pytest.mark.parametrize("count", range(1, 9))
def test_order_and_sum(count):
    rng = random.Random(count)
    bits = 5
    dut = OrderStatistic(bits, count)
    sets = []
    for _ in range(40):
        # Few different values make ties; the largest one makes the widest sum.
        pool = rng.choice([range(2), range(4), range(32), [31]])
        sets.append([rng.choice(pool) for _ in range(count)])

    async def bench(ctx):
        for use_sum, trim in [(0, trim) for trim in range(count)] + [(1, rng.randrange(count))]:
            ctx.set(dut.use_sum, use_sum)
            ctx.set(dut.trim, trim)
            # One set a cycle, each result ``latency`` cycles later.
            for n in range(len(sets) + dut.latency):
                if n >= dut.latency:
                    values = np.array(sets[n - dut.latency])
                    assert ctx.get(dut.o) == combine(values, trim, bool(use_sum)), (values, trim)
                if n < len(sets):
                    ctx.set(dut.values, sets[n])
                await ctx.tick()

    simulate(dut, bench)
