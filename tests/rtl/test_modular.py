"""rtl/modular.py against golden/codebook.py's binding."""

import random

import pytest
from amaranth.hdl import Module, Signal

from blockfactor.golden.codebook import bind, unbind
from blockfactor.rtl.modular import add_modulo, subtract_modulo
from blockfactor.sim.pysim import simulate


@pytest.mark.parametrize("length", [2, 3, 8, 11, 16, 100, 128, 1000])
def test_bind_and_unbind(length):
    bits = (length - 1).bit_length()
    a, b = Signal(bits), Signal(bits)
    total, difference = Signal(bits + 2), Signal(bits + 2)
    m = Module()
    m.d.comb += [total.eq(add_modulo(a, b, length)), difference.eq(subtract_modulo(a, b, length))]
    m.d.sync += Signal().eq(a[0])  # a clock for the bench

    pairs = [(x, y) for x in range(length) for y in range(length)]
    if len(pairs) > 256:
        rng = random.Random(length)
        edge = [0, 1, length // 2, length - 1]
        pairs = [(x, y) for x in edge for y in edge] + [
            (rng.randrange(length), rng.randrange(length)) for _ in range(200)]

    async def bench(ctx):
        for x, y in pairs:
            ctx.set(a, x)
            ctx.set(b, y)
            assert ctx.get(total) == bind(x, y, length), (x, y)
            assert ctx.get(difference) == unbind(x, y, length), (x, y)

    simulate(m, bench)
