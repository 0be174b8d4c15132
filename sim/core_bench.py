"""Bench of the core: drives its streams, runs queries and collects results and traces."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import First, RisingEdge, Timer

from blockfactor.config import CoreConfig
from blockfactor.golden.result import STOPS, Result
from blockfactor.rtl import layouts

from .packing import packer
from .trace_recorder import TraceFile

__all__ = ["PERIOD_NS", "CoreBench", "pack", "unpack"]

#: Clock period; only the waves show it.
PERIOD_NS = 10


def pack(layout, values) -> int:
    """Bits of a payload."""
    return layout.const(values).as_bits()


def unpack(layout, bits: int):
    """Payload of some bits, as an Amaranth constant view."""
    return layout.from_bits(bits)


class CoreBench:
    """The core under test.

    Parameters
    ----------
    dut
        Handle of the top.
    config : CoreConfig
    stall : float
        Probability of a gap before each input, and of a cycle of back-pressure on each output.

    Attributes
    ----------
    words : list of tuple
        Kind and word of each trace word of the run that finished last.
    """

    def __init__(self, dut, config: CoreConfig, stall: float = 0.0, seed: int = 1):
        self.dut = dut
        self.config = config
        self.stall = stall
        self.random = random.Random(seed)
        self.words: list[tuple[int, int]] = []
        self._read = 0  # trace words of the results before, in a run for several products
        self.layouts = {
            "query": layouts.query_entry(config),
            "codebook": layouts.codebook_write(config),
        }
        if config.element_bits:
            self.layouts["dense"] = layouts.dense_elements(config)
        self.packers = {name: packer(layout) for name, layout in self.layouts.items()}

    async def begin(self) -> None:
        """Start the clock, drive all inputs, and reset."""
        dut = self.dut
        for name in self.layouts:
            getattr(dut, f"{name}__valid").value = 0
            getattr(dut, f"{name}__payload").value = 0
        for name in ("start", "abort", "reset", "clear_errors", "result__ready", "parameters"):
            getattr(dut, name).value = 0
        dut.rst.value = 1
        cocotb.start_soon(Clock(dut.clk, PERIOD_NS, unit="ns").start())
        await self.ticks(3)
        dut.rst.value = 0
        self._trace = TraceFile()
        await self.until_ready()

    async def ticks(self, count: int = 1) -> None:
        """Wait for clock edges."""
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def until_ready(self, limit: int = 5000) -> None:
        """Wait until a run can start."""
        for _ in range(limit):
            await RisingEdge(self.dut.clk)
            if self.dut.ready.value:
                return
        raise AssertionError(f"core not ready within {limit} cycles")

    async def put(self, name: str, items) -> None:
        """Send payloads through an input stream."""
        dut, bits = self.dut, self.packers[name]
        valid = getattr(dut, f"{name}__valid")
        ready = getattr(dut, f"{name}__ready")
        payload = getattr(dut, f"{name}__payload")
        for values in items:
            while self.stall and self.random.random() < self.stall:
                await RisingEdge(dut.clk)
            valid.value = 1
            payload.value = bits(values)
            await RisingEdge(dut.clk)
            while not ready.value:
                await RisingEdge(dut.clk)
            if self.stall:
                valid.value = 0
        valid.value = 0

    async def load_codebooks(self, codebooks) -> None:
        """Write every codevector."""
        await self.put("codebook", (
            {"factor": f, "codevector": m, "indices": [int(x) for x in indices]}
            for f, codebook in enumerate(codebooks.indices)
            for m, indices in enumerate(codebook)))

    async def load_query(self, query) -> None:
        """Write a sparse query."""
        entries = [(b, index, weight) for b, block in enumerate(query.entries)
                   for index, weight in block]
        last = len(entries) - 1
        await self.put("query", (
            {"block": b, "index": i, "weight": w, "empty": 0, "last": int(n == last)}
            for n, (b, i, w) in enumerate(entries)))
        await self.loaded()

    async def load_elements(self, elements) -> None:
        """Write a dense query, int [B, L]."""
        await self.put("dense", ([int(x) for x in column] for column in elements.T))
        await self.loaded()

    async def loaded(self, limit: int = 20000) -> None:
        """Wait until a query is loaded."""
        for _ in range(limit):
            await RisingEdge(self.dut.clk)
            if self.dut.loaded.value:
                return
        raise AssertionError(f"query not loaded within {limit} cycles")

    def set_parameters(self, parameters) -> None:
        """Drive the run parameters."""
        layout = layouts.run_parameters(self.config)
        self.dut.parameters.value = pack(
            layout, layouts.parameter_values(self.config, parameters))

    async def start(self, parameters) -> None:
        """Begin a run; returns in the cycle after the start."""
        self.set_parameters(parameters)
        await self.until_ready()
        self._read = 0
        self.dut.start.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.start.value = 0

    async def finish(self, limit_us: float = 2e5) -> Result:
        """Wait for the result, take it, and return it."""
        dut = self.dut
        if not dut.result__valid.value:
            limit = Timer(limit_us, "us")
            reached = await First(RisingEdge(dut.result__valid), limit)
            assert reached is not limit, f"no result within {limit_us} us"
        await RisingEdge(dut.clk)
        while self.stall and self.random.random() < self.stall:
            await RisingEdge(dut.clk)
        bits = int(dut.result__payload.value)
        dut.result__ready.value = 1
        await RisingEdge(dut.clk)
        dut.result__ready.value = 0
        self.words = self._trace.last_run()[self._read:]
        self._read += len(self.words)
        o = unpack(layouts.result(self.config), bits)
        return Result(
            indices=tuple(o.indices[f] for f in range(self.config.factors)), score=o.score,
            smax=o.smax, runner_up=o.runner_up,
            similarities=tuple(o.similarities[f] for f in range(self.config.factors)),
            iterations=o.iterations, cycles=o.cycles, seed=o.seed, stop=STOPS[o.stop.value],
            crc=o.crc)

    async def run(self, parameters) -> Result:
        """Run the loaded query."""
        await self.start(parameters)
        return await self.finish()

    async def explain(self, parameters) -> list[tuple[Result, list[tuple[int, int]]]]:
        """Run the loaded query; every result with its trace words."""
        await self.start(parameters)
        found = []
        for _ in range(parameters.products):
            found.append((await self.finish(), self.words))
            # What ended with this result must be seen to have ended.
            await self.ticks()
        return found
