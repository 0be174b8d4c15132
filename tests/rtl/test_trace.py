"""rtl/trace.py against golden/trace.py: the words of list entries, steps and draws, and when."""

import random

import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.cycles import DRAW_DELAY
from blockfactor.golden.trace import DRAW, ENTRY, STEP, steps
from blockfactor.rtl.trace import StepTrace
from blockfactor.sim.pysim import simulate

CONFIGS = {
    "wide": CoreConfig(max_codevectors=64),
    "narrow": CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=4096, list_size=64,
                         query_entries=2, weight_bits=2, histogram_bits=8),
}


def test_cycle_model():
    assert StepTrace.step_cycles == DRAW_DELAY


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_words(name, seed):
    config = CONFIGS[name]
    rng = random.Random(seed)
    dut = StepTrace(config)
    wide = config.similarity_bits > 16
    assert wide == (name == "wide")
    words = []
    made = []

    async def tick(ctx, word=None, leap=0, ended=0):
        """One cycle with the word it must have."""
        have = None
        if ctx.get(dut.valid):
            have = ctx.get(dut.o.kind).value, ctx.get(dut.o.word)
            words.append(have)
        assert have == word, (seed, len(made))
        assert (ctx.get(dut.leap), ctx.get(dut.ended)) == (leap, ended)
        await ctx.tick()

    async def bench(ctx):
        for _ in range(25):
            # Draws of the start: offset in the cycle of the pulse, stride in the next.
            if not made and rng.random() < .8:
                offset, stride = (rng.getrandbits(config.codevector_bits) for _ in range(2))
                ctx.set(dut.offset, offset)
                ctx.set(dut.stride, stride)
                ctx.set(dut.draw, 1)
                await tick(ctx, (DRAW, offset))
                ctx.set(dut.draw, 0)
                await tick(ctx, (DRAW, stride))
            for _ in range(rng.randrange(3)):
                await tick(ctx)
            if rng.random() < .2:
                # The same cycles without words, and without a draw to be used.
                ctx.set(dut.begin, 1)
                await tick(ctx)
                ctx.set(dut.begin, 0)
                for cycle in range(dut.step_cycles + 1):
                    await tick(ctx, ended=cycle == dut.step_cycles)

            drawn = rng.random() < .5
            entries = []
            for _ in range(0 if drawn else rng.randint(1, 4)):
                codevector = rng.getrandbits(config.codevector_bits)
                position = rng.randrange(config.similarity_bits)
                entries.append((codevector, position))
                ctx.set(dut.hit_entry, {"codevector": codevector, "position": position})
                ctx.set(dut.hit, 1)
                await tick(ctx, (ENTRY, (codevector ^ position << 11) & 0xFFFF))
                ctx.set(dut.hit, 0)
                for _ in range(rng.randrange(2)):
                    await tick(ctx)
            step = {"factor": rng.randrange(config.factors), "sampled": drawn,
                    "length": rng.randint(1, config.list_size)}
            best, similarity = (rng.getrandbits(bits) for bits in (config.codevector_bits,
                                                                   config.similarity_bits))
            offset, stride = (rng.getrandbits(config.codevector_bits) for _ in range(2))
            ctx.set(dut.factor, step["factor"])
            ctx.set(dut.drawn, drawn)
            ctx.set(dut.length, step["length"])
            ctx.set(dut.best, similarity)
            ctx.set(dut.best_codevector, best)
            ctx.set(dut.offset, offset)
            ctx.set(dut.stride, stride)
            ctx.set(dut.step, 1)
            await tick(ctx)
            ctx.set(dut.step, 0)
            # These three are taken with the pulse.
            ctx.set(dut.factor, rng.randrange(config.factors))
            ctx.set(dut.drawn, rng.randrange(2))
            ctx.set(dut.length, rng.randint(0, config.list_size))
            own = [(STEP, step["factor"] | drawn << 2 | step["length"] << 3), (STEP, best),
                   (STEP, similarity & 0xFFFF), (STEP, similarity >> 16) if wide else None,
                   (DRAW, offset) if drawn else None, (DRAW, stride) if drawn else None]
            assert len(own) == dut.step_cycles
            for cycle, word in enumerate(own):
                await tick(ctx, word, leap=cycle == dut.step_cycles - 1)
            # A hit may come again in the next cycle; here nothing does.
            await tick(ctx, ended=1)
            made.append(step | {"best": best, "similarity": similarity, "entries": [
                ((c ^ p << 11) & 0x7FF, ((c ^ p << 11) & 0xFFFF) >> 11) for c, p in entries]}
                | ({"draw": (offset, stride)} if drawn else {}))

    simulate(dut, bench)
    # What reads traces reads these.
    assert [dict(step) for step in steps(words, wide) if "factor" in step] == made
