"""Firmware for the computer of sim/cpu_soc.py, compiled from C by the wheel ``ziglang``."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from . import runner
from .runner import SimulationError

__all__ = ["compile_firmware"]

#: PicoRV32 as it is in sim/cpu/soc.v.
TARGET = ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c")
#: Without the compiler's own library, which it would make first: the processor divides, and memset
#: and memcpy are easily written.
OPTIONS = (*TARGET, "-nostdlib", "-std=c99", "-ffreestanding", "-O2", "-flto", "-g0",
           "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-Wall", "-Wextra",
           "-Werror")


def compile_firmware(files: Mapping[str, str], defines: tuple[str, ...] = ()) -> bytes:
    """What goes into RAM from address 0 on; compiled, or found in the cache.

    Parameters
    ----------
    files : mapping of str to str
        Texts by name: C (``.c``), assembly (``.S``), headers, and one linker script (``.ld``).
        ``memset`` and ``memcpy``, if the compiler calls them, have to be among them.
    defines : tuple of str
        Macros.

    Raises
    ------
    SimulationError
        The compiler is missing, or found a mistake; its log is named.
    """
    for module in ("ziglang", "elftools"):
        if find_spec(module) is None:
            raise SimulationError(f"{module} is missing: pip install 'blockfactor[mcu]'")
    options = [*OPTIONS, *(f"-D{name}" for name in defines)]
    texts = [text for item in sorted(files.items()) for text in item]
    identity = [metadata.version("ziglang"), *options, *texts]
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()
    cache = runner.cache_folder()
    folder = cache / "firmware" / digest[:20]
    binary = folder / "firmware.bin"
    with runner.lock(folder):
        if not binary.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
            sources = [name for name in files if name.endswith((".c", ".S"))]
            [script] = [name for name in files if name.endswith(".ld")]
            environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"),
                           "ZIG_LOCAL_CACHE_DIR": str(cache / "zig")}
            with open(folder / "build.log", "wb") as log:
                done = subprocess.run(
                    [sys.executable, "-m", "ziglang", "cc", *options, "-T", script, "-o",
                     "firmware.elf", *sources], cwd=folder, env=environment,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
            if done.returncode:
                raise SimulationError(f"the firmware could not be compiled: see {log.name}")
            new = folder / "firmware.new"
            new.write_bytes(_image(folder / "firmware.elf"))
            new.rename(binary)
    return binary.read_bytes()


def _image(path: Path) -> bytes:
    """Content of memory from address 0 on, as an ELF file has it.

    (The compiler's own objcopy is compiled before it runs, which takes half a minute.)
    """
    from elftools.elf.elffile import ELFFile
    image = bytearray()
    with open(path, "rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            data, place = segment.data(), segment["p_paddr"]
            image.extend(bytes(max(0, place + len(data) - len(image))))
            image[place:place + len(data)] = data
    return bytes(image)
