"""What a run must survive: abort, resets, wrong starts, wrong queries and wrong codebook writes.

``BLOCKFACTOR_WORKLOAD`` names the workload whose items the tests use.
"""

import os
import random

import cocotb
from cocotb.triggers import RisingEdge

from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.cycles import build_time
from blockfactor.golden.factorizer import Factorizer
from blockfactor.rtl import layouts
from blockfactor.sim.core_bench import CoreBench, pack
from blockfactor.sim.tb_workload import difference
from blockfactor.sim.workload import Item, Workload


class Control:
    """A bench with the workload's codebook loaded, and its golden model."""

    @classmethod
    async def begin(cls, dut, stall: float = 0.0) -> "Control":
        """Reset the core and load the codebook of the first item."""
        self = cls()
        self.work = Workload.load(os.environ["BLOCKFACTOR_WORKLOAD"])
        self.dut, self.config = dut, self.work.config
        self.bench = CoreBench(dut, self.config, stall, self.work.seed)
        await self.bench.begin()
        await self.bench.load_codebooks(self.work.items[0].codebooks)
        self.model = Factorizer(self.config, self.work.items[0].codebooks)
        self.random = random.Random(self.work.seed)
        return self

    async def check(self, item, load: bool = True) -> None:
        """Run an item and compare it with the golden model."""
        if load:
            await self.bench.load_query(item.query)
        result = await self.bench.run(item.parameters)
        golden, words = self.model.run(item.query, item.parameters, trace=True)
        problem = difference(golden, words, result, self.bench.words)
        assert problem is None, f"{item.parameters}: {problem}"

    def errors(self) -> set[str]:
        """Names of the sticky errors that are set."""
        bits = int(self.dut.errors.value)
        return {name for n, name in enumerate(layouts.Errors.members) if bits >> n & 1}

    async def clear_errors(self) -> None:
        """Clear the sticky errors."""
        self.dut.clear_errors.value = 1
        await self.bench.ticks()
        self.dut.clear_errors.value = 0
        await self.bench.ticks()
        assert not self.errors()

    async def start_with(self, **changes) -> str:
        """Start with parameters that no RunParameters can hold; return the stop reason."""
        values = layouts.parameter_values(self.config, self.work.items[0].parameters)
        self.dut.parameters.value = pack(layouts.run_parameters(self.config), values | changes)
        await self.bench.until_ready()
        self.dut.start.value = 1
        await self.bench.ticks()
        self.dut.start.value = 0
        result = await self.bench.finish()
        assert result.indices == (0,) * self.config.factors and result.score == 0
        return result.stop


@cocotb.test()
async def abort(dut):
    """Runs aborted anywhere end at once; the next run is as if nothing had happened."""
    control = await Control.begin(dut)
    bench = control.bench
    for n, item in enumerate(control.work.items):
        golden = control.model.run(item.query, item.parameters)
        await bench.load_query(item.query)
        after = control.random.randrange(1, golden.cycles - 3)
        await bench.start(item.parameters)
        await bench.ticks(after)
        dut.abort.value = 1
        await bench.ticks()
        dut.abort.value = 0
        await bench.ticks()
        assert dut.result__valid.value, f"item {n}: no result 1 cycle after an abort"
        payload = int(dut.result__payload.value)
        await bench.ticks(control.random.randrange(20))
        assert int(dut.result__payload.value) == payload, f"item {n}: the result changes"
        result = await bench.finish()
        assert result.stop == "aborted", f"item {n}: {result}"
        # Cycles in which a join waits for its index do not count.
        waits = build_time(control.config, item.parameters.sizes[-1])
        joins = item.parameters.resolve(control.config) != "factorize"
        assert -2 <= after - result.cycles <= 2 + joins * waits
        await control.check(item, load=False)


@cocotb.test()
async def soft_reset(dut):
    """A soft reset forgets run and query but not the codebooks."""
    control = await Control.begin(dut)
    bench = control.bench
    for item in control.work.items[:6]:
        await bench.load_query(item.query)
        await bench.start(item.parameters)
        await bench.ticks(control.random.randrange(1, 400))
        dut.reset.value = 1
        await bench.ticks()
        dut.reset.value = 0
        await bench.ticks()
        assert not dut.ready.value and not dut.loaded.value and not dut.result__valid.value
        await bench.until_ready(control.config.block_length + 4)
        await control.check(item)


@cocotb.test()
async def reset_in_query(dut):
    """A reset in the middle of a query leaves no part of it behind."""
    control = await Control.begin(dut)
    bench = control.bench
    for item in control.work.items[:4]:
        await bench.put("query", [{"block": 0, "index": 1, "weight": 1, "empty": 0, "last": 0}])
        dut.reset.value = 1
        await bench.ticks()
        dut.reset.value = 0
        await control.check(item)


@cocotb.test()
async def refused_starts(dut):
    """Starts the core cannot carry out end with an error and change nothing."""
    control = await Control.begin(dut)
    config, item = control.config, control.work.items[0]
    sizes = list(item.parameters.sizes)
    assert await control.start_with() == "error"
    assert control.errors() == {"no_query"}
    await control.clear_errors()
    await control.bench.load_query(item.query)
    wrong = [{"sizes": [0, *sizes[1:]]}, {"known": 1, "known_index": [sizes[0], 0, 0][:len(sizes)]}]
    if config.max_codevectors + 1 < 1 << config.size_bits:
        wrong.append({"sizes": [config.max_codevectors + 1, *sizes[1:]]})
    if config.blocks & (config.blocks - 1):
        wrong.append({"trim": config.blocks})
    if "join" in config.engines:
        join = layouts.Mode.JOIN.value
        wrong += [{"mode": join, "heads": heads}
                  for heads in (0, *range(config.heads + 1, 4))]
    if len(config.engines) == 1:
        others = {"join": ["FACTORIZE"], "factorize": ["JOIN", "SCAN"]}[config.engines[0]]
        wrong += [{"mode": layouts.Mode[name].value} for name in others]
    for changes in wrong:
        assert await control.start_with(**changes) == "error", changes
        assert control.errors() == {"bad_parameter"}, changes
        await control.clear_errors()
    await control.check(item, load=False)
    assert not control.errors()


@cocotb.test()
async def start_while_busy(dut):
    """A start in mid-run is an error that the run does not notice."""
    control = await Control.begin(dut)
    bench, item = control.bench, control.work.items[0]
    golden, words = control.model.run(item.query, item.parameters, trace=True)
    await bench.load_query(item.query)
    await bench.start(item.parameters)
    await bench.ticks(golden.cycles // 2)
    dut.start.value = 1
    await bench.ticks()
    dut.start.value = 0
    result = await bench.finish()
    assert difference(golden, words, result, bench.words) is None
    assert control.errors() == {"busy_start"}
    await control.clear_errors()


@cocotb.test()
async def refused_queries(dut):
    """A query with one bad entry is refused whole; the next one is taken."""
    control = await Control.begin(dut, stall=.2)
    config, bench = control.config, control.bench
    first = {"block": 0, "index": 3, "weight": 1, "empty": 0, "last": 0}
    second = first | {"block": 1, "last": 1}
    bad = {
        "weight 0": [first | {"weight": 0}, second],
        "index twice": [first, first, second],
        "block order": [second | {"last": 0}, first | {"last": 1}],
        "too many": [*(first | {"index": n} for n in range(config.query_entries + 1)), second],
        "no entry": [first | {"empty": 1, "last": 1}],
        "bad last": [first, second | {"weight": 0}],
    }
    if config.block_length & (config.block_length - 1):
        bad["index"] = [first | {"index": config.block_length}, second]
    if config.blocks & (config.blocks - 1):
        bad["block"] = [first, second | {"block": config.blocks}]
    for name, entries in bad.items():
        await bench.put("query", entries)
        await bench.ticks(3)
        assert not dut.loaded.value, f"{name}: loaded"
        assert control.errors() == {"bad_query"}, f"{name}: {control.errors()}"
        await control.clear_errors()
        await control.check(control.work.items[0])


@cocotb.test()
async def refused_codebook_writes(dut):
    """Writes out of range are dropped and leave every codevector as it is."""
    control = await Control.begin(dut)
    config, bench = control.config, control.bench
    good = {"factor": 0, "codevector": 0, "indices": [0] * config.blocks}
    bad = []
    if config.factors & (config.factors - 1):
        bad.append(good | {"factor": config.factors})
    if config.max_codevectors & (config.max_codevectors - 1):
        bad.append(good | {"codevector": config.max_codevectors})
    if config.block_length & (config.block_length - 1):
        bad.append(good | {"indices": [0] * (config.blocks - 1) + [config.block_length]})
    for write in bad:
        await bench.put("codebook", [write])
        await bench.ticks(2)
        assert control.errors() == {"bad_codebook"}, write
        await control.clear_errors()
    await control.check(control.work.items[0])
    await bench.put("codebook", [good | {"indices": [1] * config.blocks}])
    await bench.ticks(2)
    assert not control.errors()


@cocotb.test()
async def changed_codebook(dut):
    """A codevector overwritten between runs counts in the next one, however soon it starts."""
    control = await Control.begin(dut)
    bench, random_ = control.bench, control.random
    config, sizes = control.config, control.work.items[0].codebooks.sizes
    indices = [book.copy() for book in control.work.items[0].codebooks.indices]
    for item in control.work.items:
        await bench.load_query(item.query)
        for _ in range(random_.randrange(3)):
            factor = random_.choice([config.factors - 1, random_.randrange(config.factors)])
            codevector = random_.randrange(sizes[factor])
            row = [random_.randrange(config.block_length) for _ in range(config.blocks)]
            if random_.random() < .5:
                # The same as another codevector: chains grow.
                row = indices[factor][random_.randrange(sizes[factor])].tolist()
            indices[factor][codevector] = row
            await bench.put("codebook", [{"factor": factor, "codevector": codevector,
                                          "indices": row}])
        control.model.load(Codebooks([book.copy() for book in indices], config.block_length))
        size = random_.randrange(2, sizes[-1] + 1)
        known = item.parameters.known
        await bench.ticks(random_.choice([0, 0, 5, 100]))
        await control.check(Item(item.codebooks, item.query, item.parameters.replace(
            sizes=(*item.parameters.sizes[:-1], size), known=known), item.truth, item.kind),
            load=False)


@cocotb.test()
async def held_back(dut):
    """Query and codebook streams wait while a run lasts and its result has not been taken."""
    control = await Control.begin(dut)
    bench, item = control.bench, control.work.items[0]
    golden, words = control.model.run(item.query, item.parameters, trace=True)
    await bench.load_query(item.query)
    await bench.start(item.parameters)
    dut.query__valid.value = 1
    dut.codebook__valid.value = 1
    for _ in range(golden.cycles + 20):
        await RisingEdge(dut.clk)
        assert not dut.query__ready.value and not dut.codebook__ready.value
    dut.query__valid.value = 0
    dut.codebook__valid.value = 0
    result = await bench.finish()
    assert difference(golden, words, result, bench.words) is None
    await control.check(item, load=False)
