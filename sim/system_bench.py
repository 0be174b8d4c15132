"""Bench of a system: drives it through its bus and replays all that happens in a golden model."""

import random
from collections import namedtuple
from importlib import import_module

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, First, RisingEdge, Timer

from blockfactor.config import SystemConfig
from blockfactor.drivers.words import (
    codebook_words,
    dense_words,
    entry_words,
    parameter_words,
    result_of,
)
from blockfactor.golden.registers import RegisterModel
from blockfactor.registers import register_map
from blockfactor.rtl.system import access_log

from .core_bench import PERIOD_NS

__all__ = ["SystemBench"]

#: One cycle of the log. Amaranth's own view of it takes longer than simulating the cycle.
Log = namedtuple("Log", [name for name, _ in access_log])
BITS = tuple((field.offset, (1 << field.width) - 1) for _, field in access_log)


class SystemBench:
    """The system under test.

    Whatever the system logs, an access or an event of the core, is done by a
    :class:`~blockfactor.golden.registers.RegisterModel` too, and every answer compared.

    Parameters
    ----------
    dut
        Handle of the top, a :class:`~blockfactor.rtl.system.System` with ``trace``.
    config : SystemConfig
    seed : int
    options : dict
        For the bus's model.

    Attributes
    ----------
    bus : the front-end's model, a ``Bus`` of sim/bus
    accesses : list of tuple
        (write, word address, data, error) of each access that took effect.
    stored : int
        Results that were stored.
    """

    def __init__(self, dut, config: SystemConfig, seed: int = 1, **options):
        self.dut = dut
        self.config = config
        self.random = random.Random(seed)
        self.registers = register_map(config)
        self.model = RegisterModel(config, logged=True)
        self.accesses: list[tuple[bool, int, int, bool]] = []
        self.stored = 0
        module = import_module(f"blockfactor.sim.bus.{config.front_end}")
        self.bus = module.Bus(dut, config, PERIOD_NS, self.random, **options)

    async def begin(self) -> None:
        """Start clock and monitor, and reset."""
        self.dut.rst.value = 1
        await self.bus.begin()
        cocotb.start_soon(Clock(self.dut.clk, PERIOD_NS, unit="ns").start())
        for _ in range(4):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)
        cocotb.start_soon(self._monitor())

    async def _monitor(self) -> None:
        """Replay the log; an exception here ends the test."""
        dut = self.dut
        while True:
            if not dut.log__valid.value:
                await RisingEdge(dut.log__valid)
            await FallingEdge(dut.clk)
            while dut.log__valid.value:
                word = int(dut.log__payload.value)
                self._replay(Log(*(word >> offset & mask for offset, mask in BITS)))
                await FallingEdge(dut.clk)

    def _replay(self, log) -> None:
        """One cycle: first the access, then what else happened."""
        model = self.model
        errors = model.values["ERRORS"]
        if log.access:
            data, error = model.access(log.address, bool(log.write), log.write_data)
            self.accesses.append((bool(log.write), log.address,
                                  log.write_data if log.write else log.read_data,
                                  bool(log.error)))
            what = (f"access {len(self.accesses)}: {'write' if log.write else 'read'} at "
                    f"{4 * log.address:#04x}, data {log.write_data:#010x}")
            assert bool(log.error) == error, f"{what}: error is {log.error}, golden {error}"
            differing = (log.read_data ^ data) & model.certain
            assert not differing, f"{what}: reads {log.read_data:#010x}, golden {data:#010x}"
        if log.taken:
            model.take()
        if log.settled:
            model.dense_settled()
        if log.errors:
            model.core_errors(log.errors)
        if log.stored:
            model.finish(bool(log.aborted), errors)
            self.stored += 1

    # -- what software does ---------------------------------------------------------------------

    async def read(self, name: str) -> dict[str, int]:
        """Fields of a register."""
        register = self.registers[name]
        return register.unpack((await self.bus.read(register.address))[0])

    async def write(self, name: str, **fields: int) -> None:
        """Write a register; fields not given hold their reset values."""
        register = self.registers[name]
        await self.bus.write(register.address, [register.pack(**fields)])

    async def load_codebooks(self, codebooks) -> None:
        """Write all codevectors."""
        for f, indices in enumerate(codebooks.indices):
            await self.write("CODEBOOK_ADDRESS", codevector=0, factor=f)
            await self.bus.write(self.registers["CODEBOOK_DATA"].address,
                                 codebook_words(self.config, indices), stay=True)

    async def set_parameters(self, parameters) -> None:
        """Write those registers of run parameters that are to change."""
        words = parameter_words(self.registers, self.config.core, parameters)
        for name, word in words.items():
            if self.model.values[name] != word:
                await self.bus.write(self.registers[name].address, [word])

    async def load(self, item) -> None:
        """Write an item's query, sparse or dense."""
        if item.elements is not None:
            words = dense_words(self.config, item.elements)
            await self.bus.write(self.registers["QUERY_DENSE"].address, words, stay=True)
        else:
            words = entry_words(self.registers, item.query)
            await self.bus.write(self.registers["QUERY_ENTRY"].address, words, stay=True)

    async def until_stored(self, count: int, limit_us: float = 2e5) -> None:
        """Wait, without an access, until so many results have been stored."""
        limit = Timer(limit_us, "us")
        while self.stored < count:
            reached = await First(FallingEdge(self.dut.log__valid), limit)
            assert reached is not limit, f"no result {count} within {limit_us} us"

    async def result(self):
        """Tag and fields of the oldest result, which is dropped."""
        names = [r.name for r in self.registers if r.name.startswith("RESULT")]
        words = {}
        while names:
            # As many as stand in a row.
            first = self.registers[names[0]].address
            burst = [name for n, name in enumerate(names)
                     if self.registers[name].address == first + 4 * n]
            words |= zip(burst, await self.bus.read(first, len(burst)))
            names = names[len(burst):]
        await self.write("CONTROL", pop=1)
        return result_of(self.registers, words)
