"""rtl/lane.py: every candidate of every row, in order and at its cycle, and what is cancelled."""

import random

import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.join import FETCH, QUEUE
from blockfactor.rtl.lane import Lane
from blockfactor.rtl.memory import POISON
from blockfactor.sim.pysim import simulate

#: Configuration and the lane's number. Short blocks have long chains.
CONFIGS = {
    "one head": (CoreConfig(factors=2, blocks=2, block_length=4, max_codevectors=16, list_size=4,
                            query_entries=2, heads=1), 0),
    "two heads": (CoreConfig(factors=3, blocks=3, block_length=5, max_codevectors=11, list_size=4,
                             query_entries=2, heads=2, lanes=4), 3),
    "three heads": (CoreConfig(factors=4, blocks=4, block_length=3, max_codevectors=8, list_size=4,
                               query_entries=2, heads=3, lanes=2), 1),
    "few matches": (CoreConfig(factors=3, blocks=4, block_length=16, max_codevectors=8,
                               list_size=4, query_entries=2, heads=3, lanes=8), 5),
    "smallest": (CoreConfig(factors=2, blocks=1, block_length=2, max_codevectors=1, list_size=1,
                            query_entries=2, heads=1), 0),
}


class Bench:
    """A lane, the index it follows chains of, and a model of its queue."""

    def __init__(self, name, seed):
        self.config, self.number = CONFIGS[name]
        self.where = f"{name}, seed {seed}"
        self.rng = random.Random(self.where)
        self.dut = Lane(self.config, self.number)
        self.cycle = 0
        self.clear()
        self.longest = self.cancelled = self.most = self.uncounted = 0
        self.dry = self.paused = False

    def clear(self):
        """Nothing is in the lane."""
        self.queue = []  # (cycle it was pushed in, row, candidates with their cancels)
        self.recent = [None] * 2  # of the last cycles, the oldest first: (bound, cancel)
        self.ahead = None
        self.lengths = [0]  # rows before each of the last cycles
        self.fulls = [0, 0]

    def new_run(self, ctx, mode):
        """Another codebook and query, and whether a run has them all as candidates, or one."""
        config, rng = self.config, self.rng
        self.mode = mode
        self.size = rng.choice([config.max_codevectors, rng.randint(1, config.max_codevectors)])
        self.code = [[rng.randrange(config.block_length) for _ in range(config.blocks)]
                     for _ in range(self.size)]
        self.chains = {(b, x): [m for m in range(self.size) if self.code[m][b] == x]
                       for b in range(config.blocks) for x in range(config.block_length)}
        blocks = rng.sample(range(config.blocks), min(config.heads, config.blocks))
        used = rng.choice([len(blocks), rng.randint(1, len(blocks))])
        self.blocks = blocks[:used]
        self.peaks = [rng.randrange(config.block_length) for _ in blocks]
        # Blocks that are there and not used by the run: their heads are never valid.
        self.heads = rng.choice([used, rng.randint(1, used)])
        self.given = rng.randrange(self.size)
        for h in range(config.heads):
            ctx.set(self.dut.look_up[h], {
                "used": int(h < used), "block": blocks[h], "peak": self.peaks[h]})
        ctx.set(self.dut.known, int(mode == "known"))
        ctx.set(self.dut.every, int(mode == "every"))
        ctx.set(self.dut.given, self.given)
        ctx.set(self.dut.highest, self.size - 1)

    def anything(self):
        """A link with any content."""
        return {"codevector": self.rng.getrandbits(self.config.codevector_bits),
                "more": self.rng.randrange(2)}

    def new_row(self):
        """A row at random: it, and its candidates, each with whether it is cancelled."""
        config, rng = self.config, self.rng
        sums = [rng.randrange(config.block_length) for _ in range(config.blocks)]
        codevectors = [rng.randrange(config.max_codevectors) for _ in range(config.factors - 1)]
        # Lanes have rows by the lowest bits of the inner codevector.
        codevectors[-1] = codevectors[-1] // config.lanes * config.lanes
        heads, found = [], []
        for h in range(config.heads):
            chain = []
            if h < self.heads:
                block = self.blocks[h]
                chain = self.chains[block, (self.peaks[h] - sums[block]) % config.block_length]
            links = [{"codevector": m, "more": int(k + 1 < len(chain))}
                     for k, m in enumerate(chain[:2])]
            links += [self.anything() for _ in range(2 - len(links))]
            heads.append({"first": links[0], "second": links[1], "valid": int(bool(chain))})
            found.append(chain)
        if self.mode == "known":
            candidates = [(self.given, 0)]
        elif self.mode == "every":
            candidates = [(m, 0) for m in range(self.size)]
        else:
            self.longest = max(self.longest, *map(len, found))
            candidates = [(m, int(any(m in earlier for earlier in found[:h])))
                          for h, chain in enumerate(found) for m in chain]
        row = {"sums": sums, "codevectors": codevectors, "head": heads}
        return row, candidates

    def place(self, follow):
        """What the index has for a codevector and block of the cycle before."""
        if follow.block < self.config.blocks and follow.codevector < self.size:
            chain = self.chains[follow.block, self.code[follow.codevector][follow.block]]
            n = chain.index(follow.codevector) + 2
            if n < len(chain):
                return {"codevector": chain[n], "more": int(n + 1 < len(chain))}
        return self.anything()

    async def tick(self, ctx, push, run, clear=0):
        """One cycle, compared with the model."""
        dut, config = self.dut, self.config
        where = f"{self.where}, {self.mode}, cycle {self.cycle}"
        row, candidates = self.new_row()
        ctx.set(dut.push, push)
        ctx.set(dut.row, row)
        ctx.set(dut.run, run)
        ctx.set(dut.clear, clear)
        ctx.set(dut.ahead, self.ahead or self.anything())
        back = self.recent.pop(0)
        ctx.set(dut.bound, back[0] if back else [self.rng.randrange(config.block_length)
                                                 for _ in range(config.blocks)])
        if back:
            assert ctx.get(dut.cancel) == back[1], where
            self.cancelled += back[1]
        assert ctx.get(dut.some) == bool(self.queue), where
        # It follows a cycle late.
        assert ctx.get(dut.full) == (self.lengths[-1] >= QUEUE), where
        self.fulls.append(ctx.get(dut.full))
        self.lengths.append(len(self.queue))
        self.most = max(self.most, len(self.queue))

        ready = bool(self.queue) and self.cycle >= self.queue[0][0] + FETCH
        assert ctx.get(dut.offered) == (ready and run), where
        self.paused |= ready and not run
        sent = None
        if ready and run:
            _, first, left = self.queue[0]
            m, cancel = left.pop(0)
            have = dut.candidate
            codevectors = [*first["codevectors"]]
            codevectors[-1] += self.number
            assert ctx.get(have.codevector) == m, where
            assert [ctx.get(have.codevectors[f])
                    for f in range(config.factors - 1)] == codevectors, where
            assert [ctx.get(have.sums[b]) for b in range(config.blocks)] == first["sums"], where
            sent = [(x + y) % config.block_length
                    for x, y in zip(first["sums"], self.code[m])], cancel
            if not left:
                self.queue.pop(0)
                self.dry |= not self.queue
        self.recent.append(sent)
        self.ahead = self.place(ctx.get(dut.follow))
        if push and candidates:
            self.queue.append((self.cycle, row, candidates))
        self.uncounted += push and not candidates
        await ctx.tick()
        self.cycle += 1
        if clear:
            self.clear()

    async def pushes(self, ctx, cycles, rate, late, run):
        """Rows at random, held back some cycles after they have to be."""
        for _ in range(cycles):
            full = [*self.fulls, ctx.get(self.dut.full)][-1 - late]
            push = self.rng.random() < rate and not full
            await self.tick(ctx, int(push), run)

    async def empty(self, ctx):
        """Until all candidates have been offered, and a few cycles."""
        while self.queue:
            await self.tick(ctx, 0, 1)
        for _ in range(5):
            await self.tick(ctx, 0, 1)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_candidates(name, seed):
    bench = Bench(name, seed)
    rng, config = bench.rng, bench.config

    async def run(ctx):
        for number in range(10):
            mode = ("some", "some", "known", "every")[number % 4]
            bench.new_run(ctx, mode)
            late = number % 3
            if number == 2 or rng.random() < .5:
                # The queue fills before candidates are wanted.
                cycles, rate = rng.choice([3, 200]), rng.choice([.3, 1])
                if number == 2:
                    cycles, rate = 2 * QUEUE, 1
                await bench.pushes(ctx, cycles, rate, late, 0)
            await bench.pushes(ctx, rng.randint(1, 150), rng.choice([.05, .3, 1]), late, 1)
            wanted = rng.randrange(2)
            if wanted and rng.randrange(2):
                await bench.empty(ctx)
            if not wanted:
                # No more of this run, wherever it is: in a chain they could not go on.
                await bench.pushes(ctx, rng.randrange(40), rng.choice([.3, 1]), late, 0)
            await bench.tick(ctx, rng.randrange(2), wanted, clear=1)
            for _ in range(rng.choice([0, 6])):
                await bench.tick(ctx, 0, 1)

    simulate(bench.dut, run, platform=POISON)
    assert bench.most == QUEUE + 3 and bench.dry and bench.paused
    assert bench.uncounted or name != "few matches"
    assert bool(bench.cancelled) == (config.heads > 1)
    assert bench.longest > 2 or name == "smallest"


@pytest.mark.parametrize("name", ["one head", "three heads"])
def test_rows_one_by_one(name):
    """An idle lane: the first candidate three cycles after its row, then one a cycle."""
    bench = Bench(name, 3)

    async def run(ctx):
        for mode in ("some", "known", "every"):
            bench.new_run(ctx, mode)
            for _ in range(25):
                await bench.tick(ctx, 1, 1)
                await bench.empty(ctx)
            await bench.tick(ctx, 0, 0, clear=1)

    simulate(bench.dut, run, platform=POISON)
    assert bench.dry and bench.most == 1


def test_two_rows_back_to_back():
    """No cycle is lost between rows, however few candidates they have."""
    bench = Bench("few matches", 4)
    offered = []

    async def run(ctx):
        bench.new_run(ctx, "known")
        await bench.tick(ctx, 0, 1)
        for cycle in range(40):
            offered.append(ctx.get(bench.dut.offered))
            await bench.tick(ctx, int(cycle < 30), 1)

    simulate(bench.dut, run, platform=POISON)
    assert offered == [0] * FETCH + [1] * 30 + [0] * (10 - FETCH)
