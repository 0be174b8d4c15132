"""Compiles bench/mcu and the C driver for this machine and for microcontrollers."""

import ctypes
import functools
import hashlib
import subprocess
import sys
from pathlib import Path

from _code import code_of
from _mcu_layout import Shape

from blockfactor.boards.catalogue import board
from blockfactor.config import SystemConfig
from blockfactor.generator.driver_files import driver_files
from blockfactor.generator.header import header
from blockfactor.presets import Preset, preset
from blockfactor.tables import write_text

__all__ = ["BOARDS", "CPUS", "SOURCES", "digest", "driver_image", "host_library", "systems",
           "target_image"]

FOLDER = Path(__file__).parent / "mcu"
SOURCES = ("join.c", "factorize.c", "clean.c", "trace.c")
#: Microcontrollers, by the name that the compiler knows.
CPUS = ("cortex_m0plus", "cortex_m4")
#: Boards whose core is behind SPI, and how they are written.
BOARDS = {"icebreaker": "iCEBreaker", "ulx3s-25f": "ULX3S"}
#: Loops are not to become calls of a library's memset: nothing is linked with it.
OPTIONS = ("-std=c99", "-O2", "-fno-builtin", "-fomit-frame-pointer", "-Wall", "-Wextra",
           "-Werror", "-Wno-type-limits")


def systems() -> dict[str, SystemConfig]:
    """The cores of :data:`BOARDS`."""
    return {name: board(name).system(front_end="spi") for name in BOARDS}


def _driver_texts(system: SystemConfig, chosen: Preset) -> dict[str, str]:
    """The C driver of a system with its register header, by file name."""
    return driver_files(chosen, system, "core") | {"core_registers.h": header(system, "core")}


@functools.cache
def digest() -> str:
    """Tells one state of all that figures are made of from another.

    That is bench/mcu, what instructions cost, and the drivers of :data:`BOARDS` with their register
    headers, but for comments and the generator's version.
    """
    found = hashlib.sha256()
    for path in (*sorted(FOLDER.iterdir()), Path(__file__).with_name("_thumb.py")):
        found.update(path.read_bytes())
    for name, system in systems().items():
        for text in _driver_texts(system, preset(board(name).preset)).values():
            found.update(code_of(text).encode())
    return found.hexdigest()[:16]


def _compile(command: list[str], to: Path) -> Path:
    """Run a compiler, unless ``to`` is there; its name holds what it is made of."""
    made_of = hashlib.sha256(" ".join([digest(), *command]).encode()).hexdigest()[:16]
    to = to.with_stem(f"{to.stem}-{made_of}")
    if not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        half = to.with_suffix(".part")
        done = subprocess.run([*command, "-o", str(half)], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command[:4])} fails:\n{done.stderr}")
        half.replace(to)
    return to


def _paths(names: tuple[str, ...]) -> list[str]:
    return [str(FOLDER / name) for name in names]


def host_library(shape: Shape, folder: Path, trace: bool = True) -> ctypes.CDLL:
    """The programs as a library of this machine, with the trace's CRC."""
    command = ["gcc", *OPTIONS, "-Wno-maybe-uninitialized", "-shared", "-fPIC", *shape.macros,
               *(["-DTRACE"] if trace else []), *_paths(SOURCES)]
    return ctypes.CDLL(str(_compile(command, folder / "host.so")))


def target_image(shape: Shape, cpu: str, folder: Path, sources: tuple[str, ...] = SOURCES) -> Path:
    """Programs, all of them by default, as an ELF file for ``cpu``, one of :data:`CPUS`."""
    entry = f"-Wl,-e,{Path(sources[0]).stem.replace('clean', 'meet')}"
    return _compile([*_target(cpu), *shape.macros, entry, *_paths(sources)], folder / f"{cpu}.elf")


def driver_image(system: SystemConfig, chosen: Preset, cpu: str, folder: Path) -> Path:
    """The C driver of a system as an ELF file for ``cpu``."""
    texts = _driver_texts(system, chosen)
    made_of = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:16]
    place = folder / f"driver-{made_of}"
    place.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(place / name, text)
    return _compile([*_target(cpu), f"-I{place}", "-Wl,-e,drive_open", str(FOLDER / "drive.c"),
                     *(str(place / name) for name in texts if name.endswith(".c"))],
                    folder / f"driver-{cpu}.elf")


def _target(cpu: str) -> list[str]:
    return [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi",
            f"-mcpu={cpu}", *OPTIONS, "-ffunction-sections", f"-Wl,-T,{FOLDER / 'memory.ld'}",
            "-Wl,--gc-sections"]
