"""All files that describe a system's registers, and those of the documentation."""

import sys
from pathlib import Path

from ..config import SystemConfig
from ..presets import preset
from ..tables import write_text
from . import peakrdl
from .header import header
from .names import check_name
from .peakrdl import html_files, peakrdl_files
from .rdl import rdl
from .register_page import page
from .svd import svd

__all__ = ["PRESET", "docs_files", "main", "register_files"]

#: Preset whose map, one of the largest, the documentation shows.
PRESET = "demo"

PREFACE = """\
Made of the register map by `make docs`, as are these files, in the folder `registers`; `blockfactor
generate` makes them for a core of your own.

| file | |
|---|---|
| [demo_registers.h](registers/demo_registers.h) | C: address, mask, shift, values; for \
any bus |
| [demo_registers.svd](registers/demo_registers.svd) | CMSIS-SVD, for debuggers |
| [demo_registers.rdl](registers/demo_registers.rdl) | SystemRDL |
| [demo_structs.h](registers/demo_structs.h) | C structures, for memory-mapped registers; by \
PeakRDL |
| [demo_ipxact.xml](registers/demo_ipxact.xml) | IP-XACT; by PeakRDL |

PeakRDL (`pip install 'blockfactor[registers]'`) makes pages to browse, too:
`peakrdl html docs/registers/demo_registers.rdl -o html`."""


def register_files(system: SystemConfig, name: str) -> tuple[dict[str, str], list[str]]:
    """Files that describe a system's registers; the same for the same arguments.

    Parameters
    ----------
    system : SystemConfig
    name : str
        Name of the top module; those of all files begin with it.

    Returns
    -------
    dict of str
        ``NAME_registers.h``, ``.rdl``, ``.svd``, ``.md``; with PeakRDL ``NAME_structs.h`` and
        ``NAME_ipxact.xml``.
    list of str
        What was left out and why, in a sentence each.

    Raises
    ------
    ConfigError
        The name is none that C's macros can begin with, or a result does not fit its registers.
    PeakrdlError
        PeakRDL is there and failed.
    """
    check_name(name)
    text = rdl(system, name)
    files = {
        f"{name}_registers.h": header(system, name),
        f"{name}_registers.rdl": text,
        f"{name}_registers.svd": svd(system, name),
        f"{name}_registers.md": page(system, name),
    }
    if problem := peakrdl.missing():
        return files, [f"{name}_structs.h and {name}_ipxact.xml were left out: {problem}"]
    return files | peakrdl_files(text, name), []


def docs_files() -> tuple[dict[str, str], list[str]]:
    """Files of the documentation, by path below ``docs``, and what was left out."""
    system = preset(PRESET).system
    files, left_out = register_files(system, PRESET)
    files.pop(f"{PRESET}_registers.md")
    return {"registers.md": page(system, PRESET, PREFACE)} | {
        f"registers/{name}": text for name, text in files.items()}, left_out


def main(arguments: list[str] | None = None) -> int:
    """Write the documentation's files: ``python -m blockfactor.generator.documents DOCS [HTML]``.

    With a second folder also PeakRDL's HTML pages, into that.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) not in (1, 2):
        print("usage: python -m blockfactor.generator.documents DOCS [HTML]", file=sys.stderr)
        return 2
    files, left_out = docs_files()
    for name, text in files.items():
        path = Path(arguments[0]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    for line in left_out:
        print(line, file=sys.stderr)
    if arguments[1:]:
        for name, content in html_files(rdl(preset(PRESET).system, PRESET), PRESET).items():
            path = Path(arguments[1]) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
