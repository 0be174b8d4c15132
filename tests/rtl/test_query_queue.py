"""rtl/query_queue.py: what goes in comes out in order, and runs wait until the core settled."""

import random

import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.query_queue import QueryQueue
from blockfactor.sim.pysim import simulate

SMALL = CoreConfig(factors=3, blocks=5, block_length=12, max_codevectors=6, list_size=4,
                   query_entries=2, weight_bits=3, element_bits=6, histogram_bits=8, tag_bits=3)
SYSTEM = SystemConfig(core=SMALL, front_end="native")
FIELDS = ("index", "weight", "block", "last")


def run(seed, cycles, push, ready):
    """Random pushes and takes with probabilities by cycle; returns the fewest free places seen.

    Checks order, counts, and each start against the cycle of the last entry or conversion.
    """
    rng, dut = random.Random(seed), QueryQueue(SYSTEM)
    depth = SYSTEM.queue_items
    waiting, spaces, gaps = [], [], []
    payload = [getattr(dut.query.p, name) for name in FIELDS]

    async def bench(ctx):
        converting, settled_at, offered = 0, -9, None
        started = free = True  # the head item's entry was not taken; nothing delayed its run
        for cycle in range(cycles):
            at = f"seed {seed}, cycle {cycle}"
            space = ctx.get(dut.space)
            assert space == depth - len(waiting), at
            assert ctx.get(dut.empty) == (not waiting), at
            spaces.append(space)
            item = None
            if not waiting and not converting and rng.random() < .3:
                converting = 1  # a dense query, and the run after it
                item = dict.fromkeys(FIELDS, 0) | {"entry": 0, "run": 1}
            elif space and not converting and rng.random() < push(cycle):
                item = {name: rng.getrandbits(len(p)) for name, p in zip(FIELDS, payload)}
                item |= {"entry": int(rng.random() < .8), "run": int(rng.random() < .2)}
                item["run"] |= not item["entry"]
            elif converting and rng.random() < .1:
                converting = 0
            noise = {name: rng.getrandbits(1) for name in (*FIELDS, "entry", "run")}
            core = int(rng.random() < ready(cycle))
            ctx.set(dut.push, item is not None)
            ctx.set(dut.item, item or noise)
            ctx.set(dut.query.ready, rng.random() < ready(cycle))
            ctx.set(dut.ready, core)
            ctx.set(dut.converting, converting)
            if converting:
                settled_at = cycle
            free = free and core
            valid, taken, start = (ctx.get(s) for s in (dut.query.valid, dut.taken, dut.start))
            leaves = 0
            if valid:
                assert started and waiting[0]["entry"], at
                now = {name: ctx.get(p) for name, p in zip(FIELDS, payload)}
                assert now == {name: waiting[0][name] for name in FIELDS}, at
                if ctx.get(dut.query.ready):
                    settled_at, free = cycle, True
                    started = leaves = not waiting[0]["run"]
            assert offered is None or valid, f"{at}: entry withdrawn"
            offered = valid and not ctx.get(dut.query.ready) or None
            if start:
                assert core and waiting[0]["run"] and not converting, at
                assert not (waiting[0]["entry"] and started), f"{at}: started before its entry"
                assert cycle - settled_at > dut.settle, at
                if waiting[0]["entry"] and free:
                    gaps.append(cycle - settled_at)
                started, leaves = True, 1
            assert taken == leaves, at
            if leaves:
                waiting.pop(0)
            if item:
                waiting.append(item)
            assert ctx.get(dut.empty_next) == (not waiting), at
            await ctx.tick()

    simulate(dut, bench, platform=POISON)
    assert set(gaps) <= {dut.settle + 1}
    return spaces, gaps


@pytest.mark.parametrize("seed", range(2))
def test_random(seed):
    """Mostly short queues: items that go in while the queue is empty, and out at once."""
    spaces, gaps = run(seed, 3000, lambda _: .25, lambda _: .9)
    assert spaces.count(SYSTEM.queue_items) > 100
    assert gaps


def test_depth():
    """Filled to its last place and emptied, twice."""
    def filling(cycle):
        return cycle % 2000 < 600

    spaces, _ = run(5, 4000, lambda c: .8 if filling(c) else .02,
                    lambda c: .05 if filling(c) else .97)
    assert min(spaces) == 0
    assert max(spaces[600:]) == SYSTEM.queue_items
