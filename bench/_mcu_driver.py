"""The C driver in an emulator: its instructions and frames a query, the core being golden's."""

from ctypes import LittleEndianStructure, c_int16, c_uint8, c_uint16, c_uint32
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _mcu_build import driver_image
from _mcu_machine import Count, Machine

from blockfactor.config import SystemConfig
from blockfactor.drivers.words import entry_words
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query import Query
from blockfactor.golden.registers import RegisterModel
from blockfactor.parameters import MODES, RunParameters
from blockfactor.presets import Preset
from blockfactor.registers import register_map

__all__ = ["Driver", "Exchange", "least_bytes"]

CONTROLLER = 0x40000000
MARK = 0b1010_0000


@dataclass(frozen=True)
class Exchange:
    """What a query takes: the driver's own work, frames before the run and after it, in bytes."""

    count: Count
    query: tuple[int, ...]
    result: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """All bytes of all frames."""
        return sum(self.query) + sum(self.result)


def least_bytes(system: SystemConfig, query: Query) -> int:
    """Bytes of the fewest frames: query; INT_STATE; tuple, scores, runner-up; CONTROL.pop."""
    registers = register_map(system)
    words = (registers["RESULT_RUNNER_UP"].address - registers["RESULT"].address) // 4 + 1
    return 2 + 4 * len(entry_words(registers, query)) + 6 + 2 + 5 * words + 6


def _structure(system: SystemConfig) -> type[LittleEndianStructure]:
    """The beginning of ``struct drive`` of bench/mcu/drive.c."""
    core = system.core

    class Entry(LittleEndianStructure):
        _fields_ = [("block", c_uint8), ("weight", c_uint8), ("index", c_uint16)]

    class Parameters(LittleEndianStructure):
        _fields_ = [("sizes", c_uint16 * core.factors), ("known", c_int16 * core.factors),
                    *((name, c_uint8) for name in ("mode", "heads", "trim", "use_sum", "patience",
                                                   "dense_log", "dense_shift")),
                    *((name, c_uint16) for name in ("level", "threshold", "samples",
                                                    "max_iterations", "dense_threshold")),
                    ("max_tuples", c_uint32), ("seed", c_uint32)]

    class Drive(LittleEndianStructure):
        _fields_ = [("entry", Entry * (core.blocks * core.query_entries)), ("count", c_uint32),
                    ("parameters", Parameters), ("indices", c_uint16 * core.factors)]

    return Drive


class Driver:
    """A microcontroller with the driver, and the core at its SPI.

    Parameters
    ----------
    system : SystemConfig
        With front-end spi.
    chosen : Preset
        Of the system.
    cpu : str
    codebooks : Codebooks
        The core holds them already.
    parameters : RunParameters
    folder : Path
        For what is compiled.
    """

    def __init__(self, system: SystemConfig, chosen: Preset, cpu: str, codebooks: Codebooks,
                 parameters: RunParameters, folder: Path):
        self.system = system
        self.machine = Machine(driver_image(system, chosen, cpu, folder), cpu)
        self.model = RegisterModel(system, codebooks)
        self.frames: list[int] = []
        self._registers = [0] * 4
        self.machine.emulator.mmio_map(CONTROLLER, 0x1000, None, None, self._store, None)
        self.memory = _structure(system)()
        to = self.memory.parameters
        for name in ("heads", "trim", "patience", "level", "threshold", "samples", "max_iterations",
                     "max_tuples", "seed"):
            setattr(to, name, getattr(parameters, name))
        to.sizes[:], to.known[:] = parameters.sizes, parameters.known
        to.mode, to.use_sum = MODES.index(parameters.mode), parameters.rule == "sum"
        to.max_tuples = min(parameters.max_tuples, (1 << system.core.tuple_bits) - 1)
        to.samples = min(parameters.samples, system.core.max_codevectors)
        self.machine.put(self.memory)
        self._call("drive_open")

    def _call(self, name: str) -> Count:
        count = self.machine.call(name)
        if self.machine.returned:
            raise RuntimeError(f"{name} returns status {self.machine.returned}")
        return count

    def _store(self, uc, offset: int, size: int, value: int, data) -> None:
        self._registers[offset // 4] = value
        if offset == 8:
            out, to, count, _ = self._registers
            sent = bytes(uc.mem_read(out, count))
            uc.mem_write(to, bytes(self._frame(sent)))
            self.frames.append(count)

    def _frame(self, sent: bytes) -> list[int]:
        """What the core answers to a frame of docs/spi.md that the driver makes."""
        command, address = sent[:2]
        reads, stay = command & ~8 == 3, command & 8
        received = [MARK | self.model.front_end_status] * 2
        for at in range(2, len(sent), 5 if reads else 4):
            status = MARK | self.model.front_end_status
            word, _ = self.model.access(address, not reads,
                                        int.from_bytes(sent[at:at + 4], "little"))
            received += [status, *word.to_bytes(4, "little")] if reads else [status] * 4
            address = address if stay else address + 1
        return received

    def run(self, query: Query) -> tuple[tuple[int, ...], Exchange]:
        """Indices found, and what it took."""
        entries = [(b, weight, index) for b, block in enumerate(query.entries)
                   for index, weight in block]
        # The driver keeps its state behind what is ours.
        self.machine.get(self.memory)
        for place, entry in zip(self.memory.entry, entries):
            place.block, place.weight, place.index = entry
        self.memory.count = len(entries)
        self.machine.put(self.memory)
        self.frames = []
        asked = self._call("drive_query")
        sent, self.frames = tuple(self.frames), []
        self.model.settle()
        told = self._call("drive_result")
        self.machine.get(self.memory)
        count = Count(*np.add(asked, told).tolist())
        return tuple(self.memory.indices), Exchange(count, sent, tuple(self.frames))
