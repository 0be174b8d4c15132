"""A computer with a blockfactor core, simulated: PicoRV32, RAM, a serial port, the core on its bus.

sim/cpu/soc.v is the computer, sim/cpu/main.cpp the simulation, a process of its own. The
processor's Verilog is that of the installed package ``pythondata-cpu-picorv32``. See docs/cpu.md.
"""

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from blockfactor.config import SystemConfig
from blockfactor.errors import check_choice, check_int
from blockfactor.generator.verilog import core_verilog
from blockfactor.rtl.system import System

from .program import build_program
from .runner import SimulationError

__all__ = ["BUSES", "DATA", "RAM_BYTES", "CpuError", "CpuRun", "build_soc", "run_soc"]

FOLDER = Path(__file__).parent / "cpu"
#: Front-ends that a computer can be made with, and the module that brings each to its bus.
BUSES = {"wishbone": "device_wishbone.v", "apb": "device_apb.v", "axi4lite": "device_axi4lite.v",
         "spi": "device_spi.v"}
#: Name of the core's module.
CORE = "blockfactor"
#: Clock cycles of a bit of the serial line.
DIVISOR = 4
#: Bytes of RAM; the firmware has those below :data:`DATA`, its stack included.
RAM_BYTES = 1 << 21
DATA = 0x10000
#: Package of the processor.
PICORV32 = "pythondata-cpu-picorv32"


class CpuError(SimulationError):
    """The firmware did not come to its end, or did something it must not.

    Attributes
    ----------
    output : str
        What it had sent before.
    """

    def __init__(self, message: str, output: str):
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class CpuRun:
    """How a firmware's run went.

    ``output`` is what it sent, ``code`` what it ended with; ``asleep`` are the cycles of ``cycles``
    that the processor waited for an interrupt, ``refused`` the accesses that the core answered with
    an error on the bus, ``seconds`` what the simulation took.
    """

    output: str
    code: int
    cycles: int
    instructions: int
    asleep: int
    refused: int
    seconds: float


def picorv32() -> str:
    """Verilog of the processor, from the installed package."""
    try:
        package = import_module(PICORV32.replace("-", "_"))
    except ImportError:
        raise SimulationError(f"{PICORV32} is missing: pip install 'blockfactor[dev]'") from None
    return (Path(package.data_location) / "picorv32.v").read_text(encoding="utf-8")


@cache
def _core(system: SystemConfig) -> str:
    return core_verilog(System(system), CORE)


def build_soc(system: SystemConfig) -> Path:
    """Program that simulates a computer with that core; built, or found in the cache.

    Parameters
    ----------
    system : SystemConfig
        With one of :data:`BUSES` as front-end.

    Raises
    ------
    SimulationError
        The front-end is none of them, a tool or the processor is missing, or a tool failed.
    """
    bridge = BUSES[check_choice("front_end", system.front_end, tuple(BUSES), SimulationError)]
    names = ("soc.v", "uart.v", bridge, "main.cpp")
    files = {name: (FOLDER / name).read_text(encoding="utf-8") for name in names}
    files |= {"picorv32.v": picorv32(), f"{CORE}.v": _core(system)}
    return build_program("cpu", "soc", files,
                         (f"-GRAM_WORDS={RAM_BYTES // 4}", f"-GDIVISOR={DIVISOR}"))


def run_soc(program: Path, firmware: bytes, data: bytes = b"", limit: int = 100_000_000) -> CpuRun:
    """Run a firmware until it ends itself.

    Parameters
    ----------
    program : Path
        Of :func:`build_soc`.
    firmware : bytes
        What is in RAM from address 0 on, where the processor starts.
    data : bytes
        What is in RAM from :data:`DATA` on.
    limit : int
        Most clock cycles.

    Raises
    ------
    CpuError
        It did not end within ``limit`` cycles, the processor trapped, an address was used where
        nothing is, or the serial line carried something else than bytes.
    SimulationError
        Firmware or data do not fit, or the simulation broke.
    """
    check_int("limit", limit, 1, 1 << 62, SimulationError)
    for name, content, room in (("firmware", firmware, DATA), ("data", data, RAM_BYTES - DATA)):
        if len(content) > room:
            raise SimulationError(f"{name} has {len(content):,} bytes, the RAM has room for "
                                  f"{room:,}")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("firmware.bin", "data.bin")]
        for path, content in zip(paths, (firmware, data)):
            path.write_bytes(content)
        begin = time.monotonic()
        done = subprocess.run([program, *paths, str(DATA), str(limit), str(DIVISOR)],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        seconds = time.monotonic() - begin
    output = done.stdout.decode("latin-1")
    try:
        end = json.loads(done.stderr.decode().splitlines()[-1])
    except (IndexError, ValueError):
        raise SimulationError(f"the simulated computer ended with status {done.returncode}: "
                              f"{done.stderr.decode(errors='replace')}") from None
    if problem := _problem(end, limit):
        raise CpuError(f"{problem}, after {end['cycles']:,} cycles and {end['instructions']:,} "
                       "instructions", output)
    return CpuRun(output, *(end[name] for name in ("code", "cycles", "instructions", "asleep",
                                                   "refused")), seconds)


def _problem(end: dict, limit: int) -> str | None:
    """What went wrong, in words."""
    place = f"at pc 0x{end['pc']:08x}"
    match end["end"]:
        case "limit":
            state = "asleep" if end["waiting"] else "busy"
            return f"the firmware did not end within {limit:,} cycles: the processor is {state} " \
                   + place
        case "trap":
            return f"the processor trapped (illegal or misaligned instruction or access) {place}"
        case "lost":
            return f"nothing answers at address 0x{end['address']:08x}, used {place}"
    if end["framing_errors"]:
        return f"{end['framing_errors']} bytes of the serial line had no stop bit"
    return None
