"""rtl/query_window.py: entries, runs and dense queries from written words, against a model."""

import random

import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.registers import register_map
from blockfactor.rtl.query_window import QueryWindow
from blockfactor.sim.pysim import simulate

SMALL = CoreConfig(factors=3, blocks=5, block_length=4, max_codevectors=6, list_size=4,
                   query_entries=2, weight_bits=3, element_bits=6, histogram_bits=8, tag_bits=3)
SYSTEM = SystemConfig(core=SMALL, front_end="native")
ENTRY = register_map(SYSTEM)["QUERY_ENTRY"]
WORDS, LANES = SYSTEM.element_words, 32 // SYSTEM.element_lane
INPUTS = {"auto_start": 1, "full": 0, "empty": 1, "start": 0, "settled": 0}


class World:
    """A window, and what it should do: an access or nothing in each cycle."""

    def __init__(self, seed: int):
        self.seed, self.rng, self.dut = seed, random.Random(seed), QueryWindow(SYSTEM)
        self.ports = {n: getattr(self.dut, n) for n in ("entry", "dense")}
        self.begun = self.spoiled = self.converting = False
        self.words, self.items, self.transfers, self.cycle = [], [], 0, 0

    def entry(self, data, full):
        """An entry is written: refused, or the item that goes to the queue, but for ``run``."""
        if self.words or self.transfers or self.converting or full:
            self.spoiled |= not (self.words or self.transfers)
            return None
        item = ENTRY.unpack(data)
        if item["last"]:
            item["weight"] = 0 if self.spoiled else item["weight"]
            self.spoiled = False
        self.begun = not item["last"]
        self.items.append(item)
        return item

    def dense(self, data, empty):
        """A word of elements: refused (None), or the elements that it completes, if any."""
        if self.begun or self.spoiled or self.converting or not empty:
            return None
        self.words.append(data)
        if len(self.words) < WORDS:
            return []
        row = [self.words[b // LANES] >> b % LANES * SYSTEM.element_lane
               & (1 << SMALL.element_bits) - 1 for b in range(SMALL.blocks)]
        self.words = []
        self.transfers = (self.transfers + 1) % SMALL.block_length
        return row

    async def step(self, ctx, access=None, data=0, **inputs):
        """One cycle; ``access`` is a port or ``bad_value``. Returns whether it was refused."""
        dut, at = self.dut, f"seed {self.seed}, cycle {self.cycle}, {access} {data:#x} {inputs}"
        inputs = INPUTS | inputs
        for name, value in inputs.items():
            ctx.set(getattr(dut, name), value)
        for name, port in self.ports.items():
            ctx.set(port.write_data, data if name == access else self.rng.getrandbits(32))
            ctx.set(port.write, name == access)
        ctx.set(self.ports["entry"].bad_value, access == "bad_value")

        item, row, ended = None, None, False
        waited, open_dense = self.converting, bool(self.words or self.transfers)
        blocked = {"entry": open_dense or self.converting, "dense": self.begun or self.spoiled
                   or self.converting or not inputs["empty"]}
        if access == "entry":
            item = self.entry(data, inputs["full"])
        elif access == "dense":
            row = self.dense(data, inputs["empty"])
            ended = bool(row) and not self.transfers
        elif access == "bad_value":
            self.spoiled |= not open_dense
        self.converting = waited and not inputs["settled"] or ended

        if access in self.ports:
            port = self.ports[access]
            assert ctx.get(port.done), at
            assert ctx.get(port.busy) == blocked[access], at
            assert ctx.get(port.overflow) == (access == "entry" and inputs["full"]), at
        run = bool(inputs["start"] or ended and inputs["auto_start"]
                   or item and item["last"] and inputs["auto_start"])
        assert ctx.get(dut.push) == (item is not None or run), at
        assert ctx.get(dut.queued) == run, at
        if item or run:
            expected = (item or {}) | {"entry": item is not None, "run": run}
            assert {n: ctx.get(getattr(dut.item, n)) for n in expected} == expected, at
        assert ctx.get(dut.elements.valid) == bool(row), at
        if row:
            assert [ctx.get(dut.elements.p[b]) for b in range(SMALL.blocks)] == row, at
        assert ctx.get(dut.converting) == waited, at
        assert ctx.get(dut.converting_next) == self.converting, at
        await ctx.tick()
        self.cycle += 1
        return access in self.ports and item is None and row is None


@pytest.mark.parametrize("seed", range(2))
def test_random(seed):
    world = World(seed)
    rng, refused = world.rng, []

    async def bench(ctx):
        for _ in range(2500):
            access = rng.choices((None, "entry", "dense", "bad_value"), (2, 4, 12, .3))[0]
            if world.begun or world.spoiled:
                access = rng.choice((access, "entry"))
            start = access is None and rng.random() < .2
            bad = await world.step(
                ctx, access, rng.getrandbits(32), auto_start=rng.getrandbits(1), start=start,
                full=rng.random() < .1 and not start, empty=rng.random() < .9,
                settled=rng.random() < .2)
            refused.extend([access] * bad)

    simulate(world.dut, bench)
    assert min(refused.count(access) for access in world.ports) > 100


@pytest.mark.parametrize("why", ["overflow", "bad_value", "lost last"])
def test_spoiled(why):
    """The query that lost an entry ends with weight 0, the next one is whole."""
    world = World(3)

    async def bench(ctx):
        for query in range(3):
            for block in range(3):
                word = ENTRY.pack(index=block, weight=5, block=block, last=block == 2)
                if query == 1 and block == (2 if why == "lost last" else 1):
                    access = "bad_value" if why == "bad_value" else "entry"
                    await world.step(ctx, access, word, full=access == "entry")
                assert not await world.step(ctx, "entry", word)

    simulate(world.dut, bench)
    assert [item["weight"] for item in world.items] == [5, 5, 5, 5, 5, 0, 5, 5, 5]


@pytest.mark.parametrize("auto", range(2))
def test_dense(auto):
    """Transfers of several words; the window is busy from its first word until settled."""
    world = World(4)
    assert WORDS == 2

    async def bench(ctx):
        for _ in range(2):
            for _ in range(WORDS * SMALL.block_length):
                data = world.rng.getrandbits(32)
                assert await world.step(ctx, "dense", data, empty=0, auto_start=auto)
                assert not await world.step(ctx, "dense", data, auto_start=auto)
                assert await world.step(ctx, "entry", 0, auto_start=auto)
            assert world.converting
            assert await world.step(ctx, "dense", 1)
            await world.step(ctx, settled=1)
            # The entry refused while converting, but not those before, spoiled the next query.
            await world.step(ctx, "entry", ENTRY.pack(index=1, weight=3, last=1), auto_start=auto)
            assert world.items[-1]["weight"] == 0

    simulate(world.dut, bench)
