"""The MicroPython driver of a core with SPI: its source, with constants from the register map."""

from importlib.resources import files

from ..config import SystemConfig
from ..drivers.words import FREE, IDENTITY_REGISTERS
from ..generate import run_parameters
from ..golden.result import STOPS
from ..parameters import MODES
from ..presets import Preset
from ..registers import ACCESS_ERRORS, RESULTS, Register, register_map
from .header import c_prefix, system_constants
from .verilog import version

__all__ = ["micropython_driver"]

#: Where the constants go.
PLACE = "# @CONSTANTS@\n"
LINT = "# ruff: noqa: F821, UP031\n"
#: Constants that users need, too.
PUBLIC = ("FACTORS", "BLOCKS", "BLOCK_LENGTH", "MAX_CODEVECTORS", "QUERY_ENTRIES", "MAX_WEIGHT")
#: Keys of run parameters whose fields are called otherwise.
KEYS = {"MAX_ITERATIONS.iterations": "max_iterations", "MAX_TUPLES.tuples": "max_tuples",
        "DENSE.threshold": "dense_threshold", "DENSE.log": "dense_log",
        "DENSE.shift": "dense_shift"}
#: Run parameters that the driver does not have: it decodes one product a query.
UNUSED = ("products",)


def micropython_driver(preset: Preset, system: SystemConfig, name: str,
                       sizes: tuple[int, ...] | None = None) -> str:
    """Text of ``NAME.py``; the same for the same arguments.

    Parameters
    ----------
    preset : Preset
        Whose run parameters ``CLEAN`` and ``SOFT`` hold.
    system : SystemConfig
    name : str
        Of the core.
    sizes : tuple of int or None
        Codevectors a codebook; the preset's, as far as they fit, if not given.

    Raises
    ------
    ConfigError
        The name is none that a core with registers can have.
    """
    c_prefix(name)
    source = (files("blockfactor.drivers") / "micropython" / "blockfactor.py").read_text(
        encoding="utf-8")
    source = source.removeprefix(LINT).replace("the core blockfactor", f"the core {name}")
    made = (f"# Made by blockfactor {version('blockfactor')}: change the configuration, not this "
            "file.\n")
    return made + source.replace(PLACE, "\n".join(_constants(preset, system, sizes)) + "\n")


def _constants(preset: Preset, system: SystemConfig, sizes) -> list[str]:
    registers, core = register_map(system), system.core
    values = system_constants(system)
    lines = ["# What the core was generated with."]
    lines += [f"{name} = const({values[name]})" for name in PUBLIC]
    lines += [f"ELEMENT_BITS = const({core.element_bits})  # 0: it takes no dense queries",
              f"STOPS = {STOPS!r}"]
    for kind, parameters in zip(("CLEAN", "SOFT"), run_parameters(preset, core, sizes)):
        table = {key: tuple(value) if isinstance(value, list) else value
                 for key, value in parameters.to_table().items() if key not in UNUSED}
        lines += ["", f"# Parameters for {kind.lower()} queries: preset {preset.name}.",
                  f"{kind} = {{"]
        lines += [f"    {key!r}: {value!r}," for key, value in table.items()]
        lines += ["}"]
    interrupts = registers["INT_ENABLE"].fields
    lines += ["", "# Interrupts.", *(f"IRQ_{f.name.upper()} = const({f.mask})" for f in interrupts),
              "", "# Of the register map: addresses in bytes, masks, shifts."]
    numbers = {"_QUEUE_ITEMS": system.queue_items, "_RESULT_PLACES": RESULTS,
               "_INDEX_LANE": system.index_lane, "_ELEMENT_LANE": system.element_lane,
               "_HEADS": core.heads, "_MAX_TUPLES": (1 << core.tuple_bits) - 1}
    numbers |= {f"_{name}": registers[name].address if name in registers else 0
                for name in ("CONTROL", "STATUS", "ERRORS", "INT_STATE", "INT_ENABLE",
                             "QUERY_ENTRY", "QUERY_DENSE", "CODEBOOK_ADDRESS", "CODEBOOK_DATA",
                             "CODEBOOK_CRC")}
    numbers |= {f"_{f.name.upper()}": f.mask for f in registers["CONTROL"].fields}
    status, entry = registers["STATUS"], registers["QUERY_ENTRY"]
    results = status.field("results")
    numbers |= {"_BUSY": status.field("busy").mask, "_ERROR": status.field("error").mask,
                "_SPACE": status.field("space").offset,
                "_RESULTS": results.offset, "_RESULTS_MASK": results.mask >> results.offset,
                "_FACTOR": registers["CODEBOOK_ADDRESS"].field("factor").offset,
                "_ERRORS_MASK": registers["ERRORS"].write_mask}
    numbers |= {f"_{name.upper()}": entry.field(name).offset for name in ("weight", "block",
                                                                          "last")}
    lines += [f"{name} = const(0x{value:02x})" for name, value in numbers.items()]
    codes = {mode: code for code, mode in enumerate(MODES) if mode in ("auto", *core.modes)}
    lines += [
        "_ERROR_NAMES = (",
        *(f"    {f.name!r}," for f in registers["ERRORS"].fields), ")",
        "_ACCESS_ERRORS = (" + ", ".join(repr(name) for name, _ in ACCESS_ERRORS) + ")",
        f"_MODES = {tuple(codes)!r}", f"_CODES = {codes!r}",
        "# Name, address, mask, and what is expected there.", "_IDENTITY = ("]
    for name in IDENTITY_REGISTERS[:-1]:
        mask = sum(f.mask for f in registers[name].fields if f"{name}.{f.name}" not in FREE)
        lines.append(f"    ({name!r}, 0x{registers[name].address:02x}, 0x{mask:08x}, "
                     f"0x{registers[name].reset & mask:08x}),")
    lines += [")", "# Address, word after reset, fields: key and shift.", "_PARAMETERS = ("]
    for r in registers:
        if r.address >= registers["SIZES0"].address and all(
                f.access == "parameter" for f in r.fields) and not r.name.startswith("CODEBOOK"):
            fields = ", ".join(f"({_key(r, f.name)!r}, {f.offset})" for f in r.fields
                               if f.name not in UNUSED)
            lines.append(f"    (0x{r.address:02x}, 0x{r.reset:08x}, ({fields},)),")
    lines += [")", "# Address, fields: key, shift, mask.", "_RESULT = ("]
    for r in registers:
        if r.name.startswith("RESULT"):
            fields = ", ".join(f"({_key(r, f.name)!r}, {f.offset}, 0x{f.mask >> f.offset:x})"
                               for f in r.fields)
            lines.append(f"    (0x{r.address:02x}, ({fields},)),")
    return [*lines, ")"]


def _key(register: Register, field: str) -> str:
    """What a field is called among run parameters, or in a result."""
    if field == "similarity":
        return f"similarity{register.name[-1]}"
    return KEYS.get(f"{register.name}.{field}", field)
