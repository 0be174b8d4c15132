"""rtl/index.py: every chain against brute force, exact build times, what starts a build over."""

import random

import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.cycles import build_time
from blockfactor.rtl.index import InvertedIndex, head_entry, link
from blockfactor.rtl.memory import POISON
from blockfactor.sim.packing import packer, unpacker
from blockfactor.sim.pysim import simulate

CONFIGS = {
    "odd": CoreConfig(factors=3, blocks=3, block_length=5, max_codevectors=11, list_size=4,
                      query_entries=2, heads=2, lanes=2),
    "powers": CoreConfig(factors=2, blocks=4, block_length=8, max_codevectors=16, list_size=4,
                         heads=3, lanes=4),
    "shallow": CoreConfig(factors=2, blocks=2, block_length=3, max_codevectors=20, list_size=4,
                          query_entries=2, heads=1, lanes=8, engines=("join",)),
    "one block": CoreConfig(factors=3, blocks=1, block_length=11, max_codevectors=7,
                            list_size=4, heads=1),
    "smallest": CoreConfig(factors=2, blocks=1, block_length=2, max_codevectors=1, list_size=1,
                           query_entries=2, heads=1),
}


class Bench:
    """An index, the codebook it is built from, and what it has to hold."""

    def __init__(self, name, seed):
        self.config = CONFIGS[name]
        self.where = f"{name}, seed {seed}"
        self.rng = random.Random(f"{name} {seed}")
        self.dut = InvertedIndex(self.config)
        # A row never written holds anything, indices too large as well.
        self.rows = [[self.rng.getrandbits(self.config.element_index_bits)
                      for _ in range(self.config.blocks)]
                     for _ in range(1 << self.config.codevector_bits)]
        self.written = None  # row that is being written
        self.longest = 0  # chain seen
        self.held = 0  # look-ups that were held

    def random_row(self):
        """A legal row; often one that is there already, or equal to one in some blocks."""
        fresh = [self.rng.randrange(self.config.block_length) for _ in range(self.config.blocks)]
        if self.rng.random() < .6:
            old = self.rng.choice(self.rows)
            keep = self.rng.choice([1., .5])
            fresh = [o if self.rng.random() < keep and o < self.config.block_length else x
                     for o, x in zip(old, fresh)]
        return fresh

    def fill(self):
        """Make all rows legal."""
        for m in range(len(self.rows)):
            self.rows[m] = self.random_row()

    async def codebook(self, ctx):
        """The codebook port: another's while not idle; a read that a write hits is garbage."""
        dut = self.dut
        port, bits = dut.indices.as_value(), packer(dut.indices.shape())
        async for _, _, codevector, idle in ctx.tick().sample(dut.codevector, dut.idle):
            row = self.rows[codevector]
            if not idle or codevector == self.written:
                row = [self.rng.getrandbits(self.config.element_index_bits) for _ in row]
            ctx.set(port, bits(row))

    def run(self, bench):
        """Simulate, the codebook beside the bench."""
        simulate(self.dut, bench, platform=POISON, processes=[self.codebook])

    async def change(self, ctx, row=None):
        """Write a codevector in a cycle; the index is not ready from the next one on."""
        self.written = self.rng.randrange(self.config.max_codevectors)
        ctx.set(self.dut.changed, 1)
        await ctx.tick()
        self.rows[self.written] = row or self.random_row()
        self.written = None
        ctx.set(self.dut.changed, 0)
        assert not ctx.get(self.dut.ready), self.where

    async def resize(self, ctx, size):
        """Another size for a cycle; the index is not ready from the next one on."""
        assert size != ctx.get(self.dut.size)
        ctx.set(self.dut.size, size)
        await ctx.tick()
        assert not ctx.get(self.dut.ready), f"{self.where}, size {size}"

    async def built(self, ctx, event):
        """From the first cycle of a build to its end, after exactly ``build_time``."""
        size = ctx.get(self.dut.size)
        for cycle in range(build_time(self.config, size)):
            assert not ctx.get(self.dut.ready), f"{self.where}, {event}, size {size}: {cycle}"
            await ctx.tick()
        assert ctx.get(self.dut.ready), f"{self.where}, {event}, size {size}"

    async def stale(self, ctx, cycles, event):
        """Not ready for so many cycles."""
        for cycle in range(cycles):
            assert not ctx.get(self.dut.ready), f"{self.where}, {event}: {cycle}"
            await ctx.tick()

    async def check(self, ctx, event):
        """Every index of every block on every port, and all that is ahead of a codevector.

        One look-up a cycle and port, which are held in some; the others go on.
        """
        dut, config, rng = self.dut, self.config, self.rng
        size = ctx.get(dut.size)
        where = f"{self.where}, {event}, size {size}, rows {self.rows[:size]}"
        # As plain bits: views and constants of them would take most of the test's time.
        look_bits, follow_bits = packer(dut.look[0][0].shape()), packer(dut.follow[0].shape())
        head_of, ahead_of = unpacker(head_entry(config)), unpacker(link(config))
        chains = {(b, x): [m for m in range(size) if self.rows[m][b] == x]
                  for b in range(config.blocks) for x in range(1 << config.element_index_bits)}
        ahead = [(b, chain[n], chain[n + 2], n + 3 < len(chain))
                 for (b, _), chain in chains.items() for n in range(len(chain) - 2)]
        self.longest = max(self.longest, *map(len, chains.values()))
        lanes = range(config.lanes)
        ports = [(n, h) for n in lanes for h in range(config.heads)]
        look = {port: rng.sample(sorted(chains), len(chains)) for port in ports}
        follow = {n: rng.sample(ahead, len(ahead)) for n in lanes}
        shown = dict.fromkeys(ports)
        while any(look.values()) or any(follow.values()):
            enable = rng.random() < .7
            ctx.set(dut.enable, enable)
            for n, h in ports:
                left = look[n, h]
                if left:
                    ctx.set(dut.look[n][h].as_value(),
                            look_bits({"block": left[-1][0], "index": left[-1][1]}))
                    self.held += not enable
                if enable:
                    shown[n, h] = left.pop() if left else None
            expected = {n: follow[n].pop() for n in lanes if follow[n]}
            for n, (block, codevector, _, _) in expected.items():
                ctx.set(dut.follow[n].as_value(),
                        follow_bits({"block": block, "codevector": codevector}))
            await ctx.tick()
            assert ctx.get(dut.ready), where
            for n, place in expected.items():
                have = ahead_of(ctx.get(dut.ahead[n].as_value()))
                found = have["codevector"], have["more"]
                assert found == place[2:], f"{where}, lane {n}: {place}"
            for (n, h), place in shown.items():
                if place is None:
                    continue
                chain, have = chains[place], head_of(ctx.get(dut.head[n][h].as_value()))
                assert have["valid"] == bool(chain), f"{where}, port {n}, {h}: {place}"
                links = [(have["first.codevector"], have["first.more"]),
                         (have["second.codevector"], have["second.more"])]
                want = [(m, k + 1 < len(chain)) for k, m in enumerate(chain[:2])]
                assert links[:len(want)] == want, f"{where}, port {n}, {h}: {place}"
        ctx.set(dut.enable, 1)

    def some_size(self):
        """A legal size."""
        most = self.config.max_codevectors
        return self.rng.choice([1, most, most, self.rng.randint(1, most)])


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_chains(name, seed):
    """Codebooks at random, then changed in part or used in part."""
    bench = Bench(name, seed)
    bench.fill()

    async def run(ctx):
        dut = bench.dut
        ctx.set(dut.idle, 1)
        ctx.set(dut.size, bench.some_size())
        await bench.built(ctx, "after reset")
        await bench.check(ctx, "after reset")
        for n in range(12):
            size = bench.some_size()
            if n % 2 and size != ctx.get(dut.size):
                await bench.resize(ctx, size)
                event = "new size"
            else:
                for _ in range(bench.rng.randint(1, 3)):
                    await bench.change(ctx)
                event = "changed"
            await bench.built(ctx, f"{event} {n}")
            await bench.check(ctx, f"{event} {n}")

    bench.run(run)
    assert bench.held
    assert bench.longest > 2 or bench.config.max_codevectors == 1


@pytest.mark.parametrize("size", [1, 5, 11])
def test_equal_codevectors(size):
    """All the same: one chain a block, and in every block the row just written is read next."""
    bench = Bench("odd", size)
    bench.rows = [[4, 0, 2] for _ in bench.rows]

    async def run(ctx):
        ctx.set(bench.dut.idle, 1)
        ctx.set(bench.dut.size, size)
        await bench.built(ctx, "equal")
        await bench.check(ctx, "equal")

    bench.run(run)
    assert bench.longest == size


@pytest.mark.parametrize("name", ["odd", "one block"])
@pytest.mark.parametrize("event", ["changed", "size", "size back", "busy"])
def test_each_cycle_of_a_build(name, event):
    """What happens in any cycle of a build, or in the first after it, starts it over."""
    bench = Bench(name, event)
    config, dut, rng = bench.config, bench.dut, bench.rng

    async def run(ctx):
        size = 4
        # In its first cycle a build takes the size, whatever it was before.
        for cycle in range(event.startswith("size"), build_time(config, 6) + 2):
            # Nothing of the build before is left: other rows, and the size is another as well.
            ctx.set(dut.idle, 0)
            ctx.set(dut.size, 6 if size == 4 else 4)
            await ctx.tick()
            size = ctx.get(dut.size)
            bench.fill()
            await bench.change(ctx)
            ctx.set(dut.idle, 1)
            for _ in range(cycle):
                await ctx.tick()
            ready = ctx.get(dut.ready)
            assert ready == (cycle >= build_time(config, size)), (bench.where, cycle)
            if event == "changed":
                await bench.change(ctx)
            elif event == "size":
                size = rng.choice([n for n in range(1, config.max_codevectors + 1) if n != size])
                await bench.resize(ctx, size)
            elif event == "size back":
                await bench.resize(ctx, rng.choice([size - 1, size + 1, 0]))
                ctx.set(dut.size, size)
            else:
                ctx.set(dut.idle, 0)
                # Complete a cycle before it is ready: what is built stays.
                complete = cycle >= build_time(config, size) - 1
                for _ in range(rng.choice([1, 2, 7])):
                    await ctx.tick()
                    assert ctx.get(dut.ready) == complete, (bench.where, cycle)
                ctx.set(dut.idle, 1)
                if complete:
                    await bench.check(ctx, cycle)
                    continue
            await bench.built(ctx, cycle)
            await bench.check(ctx, cycle)

    bench.run(run)


@pytest.mark.parametrize("name", ["odd", "powers", "smallest"])
def test_sizes_without_an_index(name):
    """0 and what is above ``max_codevectors``, after reset and after a size that has one."""
    bench = Bench(name, 1)
    config, dut = bench.config, bench.dut
    bench.fill()
    illegal = [0, *range(config.max_codevectors + 1, 1 << config.size_bits)]
    cycles = 2 * build_time(config, 1 << config.size_bits)

    async def run(ctx):
        ctx.set(dut.idle, 1)
        for size in illegal:
            ctx.set(dut.size, size)
            await bench.stale(ctx, cycles, f"size {size}")
        ctx.set(dut.size, config.max_codevectors)
        await bench.built(ctx, "legal")
        for size in illegal:
            await bench.resize(ctx, size)
            await bench.stale(ctx, cycles, f"size {size} after a legal one")
            ctx.set(dut.size, 1)
            await bench.built(ctx, f"legal after size {size}")
            await bench.check(ctx, f"legal after size {size}")

    bench.run(run)
    assert len(illegal) == {"odd": 5, "powers": 16, "smallest": 1}[name]


def test_busy():
    """Nothing is built while not idle, and what is built stays."""
    bench = Bench("odd", 1)
    dut = bench.dut
    bench.fill()
    cycles = 2 * build_time(bench.config, 5)

    async def run(ctx):
        ctx.set(dut.size, 5)
        await bench.stale(ctx, cycles, "busy after reset")
        ctx.set(dut.idle, 1)
        await bench.built(ctx, "idle")
        ctx.set(dut.idle, 0)
        for _ in range(cycles):
            await ctx.tick()
        await bench.check(ctx, "busy")
        await bench.change(ctx)
        await bench.stale(ctx, cycles, "changed while busy")
        ctx.set(dut.idle, 1)
        await bench.built(ctx, "idle again")
        await bench.check(ctx, "idle again")

    bench.run(run)


@pytest.mark.parametrize("name", CONFIGS)
def test_anything_at_any_time(name):
    """Changes, sizes and other users at random: whenever the index is ready it is right."""
    bench = Bench(name, 3)
    dut, rng, config = bench.dut, bench.rng, bench.config
    checks = 0

    async def run(ctx):
        nonlocal checks
        most = build_time(config, config.max_codevectors)
        while checks < 12:
            event = rng.randrange(4)
            size = rng.choice([0, bench.some_size(), rng.getrandbits(config.size_bits)])
            if event == 0:
                await bench.change(ctx)
            elif event == 1 and size != ctx.get(dut.size):
                await bench.resize(ctx, size)
            else:
                ctx.set(dut.idle, event == 2 or rng.random() < .5)
            for _ in range(rng.choice([0, 1, rng.randrange(most), most])):
                await ctx.tick()
            if ctx.get(dut.ready):
                assert 0 < ctx.get(dut.size) <= config.max_codevectors, bench.where
                await bench.check(ctx, checks)
                checks += 1

    bench.run(run)
    assert checks == 12


def test_build_time():
    """The time docs state for M=110."""
    config = CoreConfig(max_codevectors=128)
    assert build_time(config, 110) == 4 * 128 + 110 * 10 + 2
