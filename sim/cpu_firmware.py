"""Firmware for the computer of sim/cpu_soc.py, compiled from C by the wheel ``ziglang``."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec

from . import runner
from .runner import SimulationError

__all__ = ["compile_firmware"]

#: PicoRV32 as it is in sim/cpu/soc.v.
TARGET = ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c")
OPTIONS = (*TARGET, "-std=c99", "-ffreestanding", "-O2", "-flto", "-g0", "-ffunction-sections",
           "-fdata-sections", "-Wl,--gc-sections", "-Wall", "-Wextra", "-Werror")


def compile_firmware(files: Mapping[str, str], defines: tuple[str, ...] = ()) -> bytes:
    """What goes into RAM from address 0 on; compiled, or found in the cache.

    Parameters
    ----------
    files : mapping of str to str
        Texts by name: C (``.c``), assembly (``.S``), headers, and one linker script (``.ld``).
    defines : tuple of str
        Macros.

    Raises
    ------
    SimulationError
        The compiler is missing, or found a mistake; its log is named.
    """
    if find_spec("ziglang") is None:
        raise SimulationError("ziglang is missing: pip install 'blockfactor[mcu]'")
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
            # One compiler, one cache: its own runtime is compiled once.
            environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"),
                           "ZIG_LOCAL_CACHE_DIR": str(cache / "zig")}
            with open(folder / "build.log", "wb") as log:
                for command in (["cc", *options, "-T", script, "-o", "firmware.elf", *sources],
                                ["objcopy", "-O", "binary", "firmware.elf", "firmware.new"]):
                    done = subprocess.run([sys.executable, "-m", "ziglang", *command], cwd=folder,
                                          env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, check=False)
                    if done.returncode:
                        raise SimulationError(f"the firmware could not be compiled: see {log.name}")
            (folder / "firmware.new").rename(binary)
    return binary.read_bytes()
