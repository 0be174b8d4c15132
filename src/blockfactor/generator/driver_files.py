"""Drivers in C for microcontrollers, named after a core.

Their sources are those of :mod:`blockfactor.drivers`, folder ``c``. In them the core is called
``blockfactor``: what begins with ``blockfactor_`` or ``BLOCKFACTOR_`` is renamed, so that drivers
of two cores can be in one program. All numbers of the register map come from ``NAME_registers.h``.
"""

import re
from importlib.resources import files

from ..config import SystemConfig
from ..generate import run_parameters
from ..parameters import RunParameters
from ..presets import Preset
from .header import c_prefix
from .verilog import version

__all__ = ["MEMORY_MAPPED", "driver_files", "initialiser"]

#: Front-ends whose registers a processor sees in its memory.
MEMORY_MAPPED = ("native", "wishbone", "apb", "axi4lite")

#: Where the initialisers go in ``blockfactor_driver.h``.
PLACE = "@PARAMETERS@"


def driver_files(preset: Preset, system: SystemConfig, name: str,
                 sizes: tuple[int, ...] | None = None) -> dict[str, str]:
    """Texts of a system's drivers, by file name; the same for the same arguments.

    Parameters
    ----------
    preset : Preset
        Whose run parameters the initialisers hold.
    system : SystemConfig
        With a front-end.
    name : str
        Name of the top module; those of all files, functions, types and macros begin with it.
    sizes : tuple of int or None
        Codevectors a codebook; the preset's, as far as they fit, if not given.

    Returns
    -------
    dict of str
        ``NAME_driver.h`` and ``.c``; ``NAME_mmio.h`` and ``.c`` for a bus of
        :data:`MEMORY_MAPPED`, ``NAME_spi.h`` and ``.c`` for SPI. With a UART the transport is the
        caller's.

    Raises
    ------
    ConfigError
        The name is none that C's macros can begin with.
    """
    prefix = c_prefix(name)
    clean, soft = run_parameters(preset, system.core, sizes)
    parts = ["driver"]
    if system.front_end in MEMORY_MAPPED:
        parts.append("mmio")
    elif system.front_end == "spi":
        parts.append("spi")
    initialisers = "\n".join((
        f"/* Parameters for queries that match exactly, and for queries from a network: preset "
        f"{preset.name}. */",
        initialiser(f"{prefix}_PARAMETERS_CLEAN", prefix, clean),
        initialiser(f"{prefix}_PARAMETERS_SOFT", prefix, soft)))
    made = (f"/* Made by blockfactor {version('blockfactor')} for the core {name}: change the "
            "configuration, not this file. */\n")
    sources = files("blockfactor.drivers") / "c"
    found = {}
    for part in parts:
        for end in "hc":
            text = (sources / f"blockfactor_{part}.{end}").read_text(encoding="utf-8")
            text = _renamed(text, name, prefix).replace(PLACE, initialisers)
            found[f"{name}_{part}.{end}"] = made + text
    return found


def _renamed(text: str, name: str, prefix: str) -> str:
    """A source with a core's name in place of ``blockfactor``."""
    text = re.sub(r"\bblockfactor_", f"{name}_", text)
    return re.sub(r"\bBLOCKFACTOR_", f"{prefix}_", text)


def initialiser(macro: str, prefix: str, parameters: RunParameters) -> str:
    """A macro that initialises ``NAME_parameters``, in C and in C++."""
    p = parameters
    unknown = f"{prefix}_UNKNOWN"
    rows = (
        ("{" + ", ".join(map(str, p.sizes)) + "}", "sizes"),
        ("{" + ", ".join(unknown if k < 0 else str(k) for k in p.known) + "}", "known"),
        (f"{prefix}_SEARCH_MODE_{p.mode.upper()}", "mode"),
        (p.heads, "heads"), (p.trim, "trim"), (int(p.rule == "sum"), "use_sum"),
        (p.patience, "patience"), (int(p.dense_weights == "log"), "dense_log"),
        (p.dense_shift, "dense_shift"), (p.level, "level"), (p.threshold, "threshold"),
        (p.samples, "samples"), (p.max_iterations, "max_iterations"),
        (p.dense_threshold, "dense_threshold"),
        (f"UINT32_C(0x{p.max_tuples:08x})", "max_tuples"), (f"UINT32_C(0x{p.seed:08x})", "seed"))
    lines = [f"    {value}{',' if n + 1 < len(rows) else ''} /* {field} */ \\"
             for n, (value, field) in enumerate(rows)]
    return "\n".join([f"#define {macro} {{ \\", *lines, "}"])
