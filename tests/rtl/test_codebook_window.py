"""rtl/codebook_window.py: codevectors through three registers, checked, summed and read back."""

import random
from zlib import crc32

import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.registers import register_map
from blockfactor.rtl.codebook_window import CodebookWindow
from blockfactor.sim.pysim import simulate

SMALL = CoreConfig(factors=3, blocks=5, block_length=12, max_codevectors=6, list_size=4,
                   query_entries=2, weight_bits=3, element_bits=6, histogram_bits=8, tag_bits=3)
SYSTEM = SystemConfig(core=SMALL, front_end="native")
MAP = register_map(SYSTEM)
WORDS, LANES = SYSTEM.codevector_words, 32 // SYSTEM.index_lane
PLACES = [(f, m) for f in range(SMALL.factors) for m in range(SMALL.max_codevectors)]


class World:
    """A window and the core's memory beside it; ``events`` are what the window told others."""

    def __init__(self, seed: int):
        self.rng, self.dut = random.Random(seed), CodebookWindow(SYSTEM)
        self.memory = {place: [0] * SMALL.blocks for place in PLACES}
        self.events, self.halves = [], []

    async def core(self, ctx):
        """Memory, whose data come a cycle after the address, and log of events."""
        dut = self.dut
        async for _, _, place, valid, new, bad, check, half in ctx.tick().sample(
                dut.read_address, dut.write.valid, dut.write.payload, dut.bad_codebook,
                dut.check_valid, dut.check_word):
            ctx.set(dut.read_indices, self.memory.get((place.factor, place.codevector), [15] * 5))
            if valid:
                self.memory[new.factor, new.codevector] = [new.indices[b] for b in range(5)]
                self.events.append("write")
            self.events += ["bad"] * bad
            self.halves += [half] * check
            ctx.set(dut.check_crc, crc32(b"".join(h.to_bytes(2, "little") for h in self.halves)))

    async def access(self, ctx, name, data=None, busy=0):
        """Answer of an access: cycles from the first to ``done``, data, problem or None."""
        port = self.dut.port
        ctx.set(port.address, MAP[name].address // 4)
        ctx.set(port.write_data, self.rng.getrandbits(32) if data is None else data)
        await ctx.tick()
        ctx.set(self.dut.busy, busy)
        ctx.set(port.read if data is None else port.write, 1)
        cycle, done = -1, 0
        while not done:
            _, _, done, word, *found = await ctx.tick().sample(
                port.done, port.read_data, port.busy, port.refused, port.noted)
            cycle += 1
        for signal in (port.read, port.write, self.dut.busy):
            ctx.set(signal, 0)
        assert sum(found) <= 1
        return cycle, word, dict(zip(found, ("busy", "refused", "noted"))).get(1)

    async def pulse(self, ctx, name):
        """A cycle of ``clear_crc`` or ``start``; the window does not hold the sum itself."""
        ctx.set(getattr(self.dut, name), 1)
        await ctx.tick()
        ctx.set(getattr(self.dut, name), 0)
        if name == "clear_crc":
            self.halves.clear()


def pack(row) -> list[int]:
    """Words of a codevector."""
    return [sum(index << 8 * n for n, index in enumerate(row[w:w + LANES]))
            for w in range(0, len(row), LANES)]


def at(factor, codevector) -> int:
    """Word that CODEBOOK_ADDRESS holds."""
    return MAP["CODEBOOK_ADDRESS"].pack(factor=factor, codevector=codevector)


def test_written_summed_and_read_back():
    """Whole codebooks, two words a codevector; the sum is that of the words' bytes."""
    world = World(1)
    books = {place: [world.rng.randrange(12) for _ in range(SMALL.blocks)] for place in PLACES}
    assert WORDS == 2

    async def bench(ctx):
        words = []
        for write in (True, False):
            for f in range(SMALL.factors):
                assert (await world.access(ctx, "CODEBOOK_ADDRESS", at(f, 0)))[2] is None
                for m in range(SMALL.max_codevectors):
                    for word in pack(books[f, m]):
                        words += [word] * write
                        cycles, data, problem = await world.access(
                            ctx, "CODEBOOK_DATA", word if write else None)
                        assert (cycles, problem) == (world.dut.latency, None)
                        assert write or data == word, (f, m)
                    assert (await world.access(ctx, "CODEBOOK_ADDRESS"))[1:] == (at(f, m + 1), None)
                assert (await world.access(ctx, "CODEBOOK_DATA"))[2] == "refused"
                assert (await world.access(ctx, "CODEBOOK_ADDRESS"))[1] == at(f, m + 1)
        assert world.halves == [half for word in words for half in (word & 0xFFFF, word >> 16)]
        crc = crc32(b"".join(word.to_bytes(4, "little") for word in words))
        assert (await world.access(ctx, "CODEBOOK_CRC"))[1:] == (crc, None)
        await world.pulse(ctx, "start")
        assert (await world.access(ctx, "CODEBOOK_CRC"))[2] == "refused"
        await world.pulse(ctx, "clear_crc")
        assert (await world.access(ctx, "CODEBOOK_CRC"))[1:] == (0, None)

    simulate(world.dut, bench, processes=[world.core])
    assert world.memory == books
    assert world.events == ["write"] * len(PLACES)


@pytest.mark.parametrize("seed", range(2))
def test_random(seed):
    """Bad places and indices, busy, and words in any order: only good codevectors are written."""
    world = World(seed)
    rng, met = world.rng, set()

    async def bench(ctx):
        factor = codevector = 0
        row, memory, halves = [], dict(world.memory), []
        for _ in range(500):
            busy = int(rng.random() < .15)
            world.events.clear()
            kind = rng.choices(("place", "write", "read"), (2, 10, 4))[0]
            event, inside = [], (factor, codevector) in memory
            if kind == "place":
                answer = await world.access(ctx, "CODEBOOK_ADDRESS", busy=busy)
                assert answer[1:] == (at(factor, codevector), None)
                f, m = rng.randrange(4), rng.randrange(8)
                answer = await world.access(ctx, "CODEBOOK_ADDRESS", at(f, m), busy)
                assert answer[2] == ("busy" if busy else None)
                if not busy:
                    factor, codevector, row = f, m, []
            else:
                lanes = min(LANES, SMALL.blocks - len(row))
                part = [rng.randrange(12) if rng.random() < .97 else rng.randrange(12, 16)
                        for _ in range(lanes)]
                data, = pack(part)
                cycles, word, problem = await world.access(
                    ctx, "CODEBOOK_DATA", data if kind == "write" else None, busy)
                last = len(row) + lanes == SMALL.blocks
                expected = "busy" if busy else None
                if kind == "read" and not busy:
                    expected = None if inside else "refused"
                    old = memory.get((factor, codevector), ())[len(row):len(row) + lanes]
                    assert expected or [word] == pack(old)
                elif not busy:
                    good = inside and all(i < 12 for i in row + part)
                    expected = None if good or not last else "noted"
                    if not expected:
                        halves += [data & 0xFFFF, data >> 16]
                    event = ["write" if good else "bad"] * last
                    if last and good:
                        memory[factor, codevector] = row + part
                assert problem == expected, (kind, factor, codevector, row)
                assert busy or cycles == world.dut.latency
                met.add((kind, expected))
                if expected in (None, "noted"):
                    # What was only read is not compared: whoever mixes starts anew.
                    row = [] if last else row + part
                    codevector += last and inside
                    if kind == "read" and not last:
                        await world.access(ctx, "CODEBOOK_ADDRESS", at(factor, codevector))
                        row = []
            assert world.events == event
            assert world.memory == memory
            assert world.halves == halves

    simulate(world.dut, bench, processes=[world.core])
    assert met == {("write", p) for p in (None, "noted", "busy")} | {
        ("read", p) for p in (None, "refused", "busy")}
