"""How much program memory and stack the C driver takes on microcontrollers.

    python bench/driver_size.py [--json] [--write]

Compiles what `blockfactor generate` writes for a preset with -Os for each target (extra mcu:
ziglang, pyelftools). `text` is code and constants, error texts among them. The stack is that of the
deepest chain of calls from any function of the driver down to the transport; the caller's own
functions (transfer, select, pause) come on top. --write puts the table into docs/drivers_mcu.md.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from _code import code_of
from elftools.elf.elffile import ELFFile

from blockfactor.generator.driver_files import driver_files
from blockfactor.generator.header import header
from blockfactor.presets import preset
from blockfactor.tables import write_text

__all__ = ["OPTIONS", "TARGETS", "TRANSPORTS", "Size", "compile_c", "digest", "measure", "table"]

#: Name, and what tells the compiler.
TARGETS = {
    "Cortex-M0+": ("thumb-freestanding-eabi", "cortex_m0plus"),
    "Cortex-M4": ("thumb-freestanding-eabi", "cortex_m4"),
    "rv32i": ("riscv32-freestanding-none", "generic_rv32"),
    "rv32imc": ("riscv32-freestanding-none", "generic_rv32+m+c"),
}
TRANSPORTS = ("mmio", "spi")
OPTIONS = ("-std=c99", "-Os", "-ffreestanding", "-fomit-frame-pointer", "-fno-unwind-tables",
           "-fno-asynchronous-unwind-tables", "-g0", "-Wall", "-Wextra", "-Wpedantic",
           "-Wconversion", "-Werror")
PRESET = "demo"
PAGE = Path(__file__).parents[1] / "docs" / "drivers_mcu.md"
#: With what :func:`digest` gives.
SOURCES = "<!-- sources: {} -->\n"
BEGIN, END = "<!-- sizes: python bench/driver_size.py --write -->\n", "<!-- end of sizes -->"


@dataclass(frozen=True)
class Size:
    """Bytes of a driver with a transport on a target.

    ``device`` is the caller's structure, ``stack`` what is below a call of the driver.
    """

    target: str
    transport: str
    driver_text: int
    transport_text: int
    data: int
    bss: int
    device: int
    stack: int
    deepest: str


def compile_c(target: str, folder: Path, source: str, *options: str) -> None:
    """Compile a file of ``folder``; CalledProcessError if the compiler has anything to say."""
    triple, cpu = TARGETS[target]
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-target", triple, f"-mcpu={cpu}",
                    *OPTIONS, *options, source], cwd=folder, check=True, timeout=300)


def _sections(path: Path) -> tuple[int, int, int]:
    """Bytes of text, data and bss of an object file."""
    text = data = bss = 0
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if not section["sh_flags"] & 2:  # not in memory
                continue
            size = section["sh_size"]
            if section["sh_type"] == "SHT_NOBITS":
                bss += size
            elif section["sh_flags"] & 1:
                data += size
            else:
                text += size
    return text, data, bss


def _calls(ir: str) -> dict[str, set[str]]:
    """Functions that each function calls, from LLVM's assembly; ``*`` is one it was given."""
    found = {}
    for name, body in re.findall(r"^define .*?@([\w.]+)\(.*?\{\n(.*?)^\}", ir, re.M | re.S):
        lines = [line for line in body.splitlines() if re.search(r"\bcall\b", line)]
        called = [re.search(r"[@%]([\w.]+)\(", line) for line in lines]
        found[name] = {"*" if call[0].startswith("%") else call[1] for call in called if call
                       if not call[1].startswith("llvm.")}
    return found


def _stack(name: str, files: dict[str, tuple[dict[str, int], dict[str, set[str]]]],
           transport: str) -> tuple[int, str]:
    """Stack of the deepest chain of calls from any public function of the driver, and its start."""
    own = {function: size for sizes, _ in files.values() for function, size in sizes.items()}
    calls = {function: called for _, found in files.values() for function, called in found.items()}
    ways = {f"{transport}_read", f"{transport}_write"}

    def deepest(function: str) -> int:
        called = set()
        for callee in calls.get(function, ()):
            # What the transport is given is the caller's own.
            called |= (ways if function not in files[transport][0] else set()) \
                if callee == "*" else {callee}
        return own.get(function, 0) + max((deepest(callee) for callee in called), default=0)

    return max((deepest(function), function) for function in own
               if function.startswith(f"{name}_"))


def _texts(transport: str, name: str) -> dict[str, str]:
    """Driver and register header of preset ``name``, by file name."""
    chosen = preset(name)
    system = replace(chosen.system, front_end={"mmio": "wishbone"}.get(transport, transport))
    return driver_files(chosen, system, name) | {f"{name}_registers.h": header(system, name)}


def digest() -> str:
    """Tells one state of all that the sizes are made of from another, but for the compiler."""
    found = hashlib.sha256(repr((TARGETS, OPTIONS)).encode())
    for transport in TRANSPORTS:
        for text in _texts(transport, PRESET).values():
            found.update(code_of(text).encode())
    return found.hexdigest()[:16]


def measure(target: str, transport: str, name: str = PRESET) -> Size:
    """Sizes of the driver of preset ``name`` with transport ``mmio`` or ``spi``."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for file, text in _texts(transport, name).items():
            (folder / file).write_text(text)
        files, sections = {}, {}
        for part in ("driver", transport):
            source = f"{name}_{part}.c"
            compile_c(target, folder, source, "-c", "-o", f"{part}.o", "-Xclang",
                      "-stack-usage-file", "-Xclang", f"{part}.su")
            compile_c(target, folder, source, "-S", "-emit-llvm", "-o", f"{part}.ll",
                      "-Wno-unused-command-line-argument")  # zig adds -c
            lines = (folder / f"{part}.su").read_text().splitlines()
            stack = {line.split("\t")[0].rpartition(":")[2]: int(line.split("\t")[1])
                     for line in lines}
            files[part] = stack, _calls((folder / f"{part}.ll").read_text())
            sections[part] = _sections(folder / f"{part}.o")
        (folder / "device.c").write_text(f'#include "{name}_driver.h"\n'
                                         f"{name}_device device;\n")
        compile_c(target, folder, "device.c", "-c", "-o", "device.o")
        device = _sections(folder / "device.o")[2]
    stack, deepest = _stack(name, files, transport)
    return Size(target, transport, sections["driver"][0], sections[transport][0],
                sum(s[1] for s in sections.values()), sum(s[2] for s in sections.values()),
                device, stack, deepest.removeprefix(f"{name}_"))


def table(sizes: list[Size]) -> str:
    """Sizes as a table in Markdown."""
    lines = ["| target | transport | driver: text | transport: text | data | bss | device | stack "
             "| deepest call |", "|---|---|---:|---:|---:|---:|---:|---:|---|"]
    lines += [f"| {s.target} | {s.transport} | {s.driver_text:,} | {s.transport_text:,} | {s.data} "
              f"| {s.bss} | {s.device} | {s.stack} | `{s.deepest}` |" for s in sizes]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Measure all targets, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE.name}")
    options = parser.parse_args(arguments)
    sizes = [measure(target, transport) for target in TARGETS for transport in TRANSPORTS]
    print(json.dumps([vars(s) for s in sizes], indent=2) if options.json else table(sizes), end="")
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        write_text(PAGE, before + BEGIN + table(sizes) + SOURCES.format(digest()) + END
                   + rest.partition(END)[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
