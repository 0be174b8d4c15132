"""rtl/result_queue.py: results in order, as the map says, 16 of them, however they are read."""

import random

import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.registers import CORE_ERRORS, RESULTS, register_map
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.result_queue import ResultQueue
from blockfactor.sim.pysim import simulate

SMALL = CoreConfig(factors=3, blocks=5, block_length=12, max_codevectors=6, list_size=4,
                   query_entries=2, weight_bits=3, element_bits=6, histogram_bits=8, tag_bits=3)
SYSTEM = SystemConfig(core=SMALL, front_end="native")
REGISTERS = [r for r in register_map(SYSTEM) if r.name.startswith("RESULT")]


class World:
    """A queue, a core that offers random results, and the words that wait."""

    def __init__(self, seed: int):
        self.seed, self.rng = seed, random.Random(seed)
        self.dut = ResultQueue(SYSTEM)
        self.shown, self.waiting, self.tag, self.cycle = None, [], 0, 0
        self.stored, self.valid_at, self.freed_at, self.times = False, None, 0, set()

    def show(self, ctx):
        """Offer a random result, from this cycle on."""
        bits, o = self.rng.getrandbits, self.dut.result.p
        members = {f"index{f}": o.indices[f] for f in range(SMALL.factors)} | {
            name: getattr(o, name)
            for name in ("score", "smax", "runner_up", "iterations", "cycles", "seed", "crc")}
        self.shown = {}
        for register in REGISTERS[1:]:
            for name in (f.name for f in register.fields):
                member = (o.similarities[int(register.name[-1])] if name == "similarity"
                          else members[name])
                self.shown[f"{register.name}.{name}"] = value = bits(len(member))
                ctx.set(member, value)
        self.shown["RESULT.stop"] = stop = self.rng.randrange(6)
        ctx.set(o.stop, stop)
        ctx.set(self.dut.result.valid, 1)
        self.valid_at = self.cycle

    async def step(self, ctx, pop: bool = False):
        """Let a cycle pass; errors count in that of ``stored`` only."""
        dut, at = self.dut, f"seed {self.seed}, cycle {self.cycle}"
        errors = self.rng.getrandbits(len(CORE_ERRORS))
        ctx.set(dut.errors, errors)
        ctx.set(dut.pop, pop)
        assert ctx.get(dut.count) == len(self.waiting), at
        self.stored = bool(ctx.get(dut.stored))
        assert ctx.get(dut.result.ready) == self.stored, at
        if self.stored:
            assert self.shown and len(self.waiting) < RESULTS, at
            self.times.add(self.cycle - max(self.valid_at, self.freed_at) + 1)
            values = self.shown | {"RESULT.tag": self.tag, "RESULT.errors": errors}
            self.tag = (self.tag + 1) % 256
        if pop:
            if len(self.waiting) == RESULTS:
                self.freed_at = self.cycle + 1
            self.waiting.pop(0)
        await ctx.tick()
        self.cycle += 1
        if self.stored:
            self.waiting.append(values)
            self.shown = None
            ctx.set(dut.result.valid, 0)
        ctx.set(dut.pop, 0)

    async def read(self, ctx, register):
        """Read a word; returns cycles, whether it was refused, and whether a result came in."""
        port, came = self.dut.port, False
        ctx.set(port.address, register.address // 4)
        await self.step(ctx)
        ctx.set(port.read, 1)
        for cycle in range(1, 5):
            refused = None
            if ctx.get(port.done):
                refused, data = ctx.get(port.refused), ctx.get(port.read_data)
                assert refused == (not self.waiting), f"seed {self.seed}, cycle {self.cycle}"
                if not refused:
                    assert data == register.pack(**{
                        f.name: self.waiting[0][f"{register.name}.{f.name}"]
                        for f in register.fields}), f"seed {self.seed}: {register.name}"
            await self.step(ctx)
            if refused is not None:
                ctx.set(port.read, 0)
                assert cycle == (3 if came else 2), f"seed {self.seed}: {register.name}"
                return cycle, refused, came
            came |= self.stored
        raise AssertionError("no answer")


@pytest.mark.parametrize("seed", range(2))
def test_random(seed):
    """Results come in while others are read in any order of registers; tags count on."""
    world = World(seed)
    kinds = set()

    async def bench(ctx):
        for n in range(1500):
            if world.shown is None and world.rng.random() < (.9 if n % 600 < 300 else .05):
                world.show(ctx)
            kinds.add(await world.read(ctx, world.rng.choice(REGISTERS)))
            if world.waiting and world.rng.random() < (.05 if n % 600 < 300 else .3):
                await world.step(ctx, pop=True)

    simulate(world.dut, bench, platform=POISON)
    assert {(2, 0, False), (3, 0, True), (2, 1, False)} <= kinds
    assert world.times == {world.dut.copy_cycles}


@pytest.mark.parametrize("register", [REGISTERS[0], REGISTERS[1], REGISTERS[-1]],
                         ids=lambda r: r.name)
def test_first_result_is_read_as_it_comes(register):
    """A read at any cycle of the copy is refused or gives the whole new word."""
    async def bench(ctx):
        answers = []
        for offset in range(18):
            world.show(ctx)
            for _ in range(offset):
                await world.step(ctx)
            answers.append((await world.read(ctx, register))[1])
            while not world.waiting:
                await world.step(ctx)
            await world.step(ctx, pop=True)
        assert answers == sorted(answers, reverse=True)
        assert set(answers) == {0, 1}

    world = World(7)
    simulate(world.dut, bench, platform=POISON)


def test_sixteen():
    """The 17th waits with the core until one was read; all 17 come out in order."""
    async def bench(ctx):
        for _ in range(RESULTS):
            world.show(ctx)
            while world.shown:
                await world.step(ctx)
        world.show(ctx)
        for _ in range(40):
            await world.step(ctx)
        assert len(world.waiting) == RESULTS
        assert world.shown
        for _ in range(RESULTS + 1):
            for register in REGISTERS:
                await world.read(ctx, register)
            await world.step(ctx, pop=True)
        assert world.tag == RESULTS + 1
        assert not world.waiting

    world = World(9)
    simulate(world.dut, bench, platform=POISON)
    assert world.times == {world.dut.copy_cycles}
