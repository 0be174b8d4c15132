"""Compiles bench/mcu for this machine and for microcontrollers."""

import ctypes
import hashlib
import subprocess
import sys
from pathlib import Path

from _mcu_layout import Shape

__all__ = ["CPUS", "SOURCES", "host_library", "target_image"]

FOLDER = Path(__file__).parent / "mcu"
SOURCES = ("join.c", "factorize.c", "clean.c", "trace.c")
#: Microcontrollers, by the name that the compiler knows.
CPUS = ("cortex_m0plus", "cortex_m4")
#: Loops are not to become calls of a library's memset: nothing is linked with it.
OPTIONS = ("-std=c99", "-O2", "-fno-builtin", "-fomit-frame-pointer", "-Wall", "-Wextra", "-Werror", "-Wno-type-limits")


def _compile(command: list[str], to: Path) -> Path:
    """Run a compiler, unless ``to`` is there; its name holds what it is made of."""
    digest = hashlib.sha256(" ".join(command).encode())
    for path in sorted(FOLDER.iterdir()):
        digest.update(path.read_bytes())
    to = to.with_stem(f"{to.stem}-{digest.hexdigest()[:16]}")
    if not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        half = to.with_suffix(".part")
        done = subprocess.run([*command, "-o", str(half)], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command[:4])} fails:\n{done.stderr}")
        half.replace(to)
    return to


def _sources() -> list[str]:
    return [str(FOLDER / name) for name in SOURCES]


def host_library(shape: Shape, folder: Path, trace: bool = True) -> ctypes.CDLL:
    """The programs as a library of this machine, with the trace's CRC."""
    command = ["gcc", *OPTIONS, "-Wno-maybe-uninitialized", "-shared", "-fPIC", *shape.macros,
               *(["-DTRACE"] if trace else []), *_sources()]
    return ctypes.CDLL(str(_compile(command, folder / "host.so")))


def target_image(shape: Shape, cpu: str, folder: Path, sources: list[str] | None = None,
                 options: tuple[str, ...] = ()) -> Path:
    """The programs as an ELF file for ``cpu``, one of :data:`CPUS`."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi",
               f"-mcpu={cpu}", *OPTIONS, "-ffunction-sections", *shape.macros, *options,
               f"-Wl,-T,{FOLDER / 'memory.ld'}", "-Wl,--gc-sections", "-Wl,-e,join",
               *(sources or _sources())]
    return _compile(command, folder / f"{cpu}.elf")
