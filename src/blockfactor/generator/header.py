"""The register map as a C header: plain numbers, for any compiler and any way to the registers."""

import re

from ..config import SystemConfig
from ..errors import ConfigError
from ..registers import ACCESSES, Field, Register, RegisterMap, register_map
from .names import check_name
from .verilog import version

__all__ = ["c_prefix", "header", "system_constants", "values_of"]

#: What a system's software needs to know beside the registers: macro, meaning.
CONSTANTS = {
    "FACTORS": "codebooks F",
    "BLOCKS": "blocks B of a vector",
    "BLOCK_LENGTH": "elements L of a block",
    "MAX_CODEVECTORS": "codevectors a codebook holds",
    "QUERY_ENTRIES": "entries s of a query's block",
    "MAX_WEIGHT": "largest weight of an entry",
    "QUEUE_ITEMS": "places of the query queue",
    "CODEVECTOR_WORDS": "words of a codevector in CODEBOOK_DATA",
    "INDEX_LANE": "bits from one index to the next in CODEBOOK_DATA",
    "ELEMENT_WORDS": "words of one element of every block in QUERY_DENSE",
    "ELEMENT_LANE": "bits from one element to the next in QUERY_DENSE",
}


def c_prefix(name: str) -> str:
    """How the macros of the core called ``name`` begin, or ConfigError if they cannot."""
    check_name(name)
    if name.startswith("_"):
        raise ConfigError(f"name {name!r} begins with an underscore, with which C's own macros "
                          "begin: a core with registers must begin with a letter")
    return name.upper()


def system_constants(system: SystemConfig) -> dict[str, int]:
    """Values of :data:`CONSTANTS`; those of dense queries only where the core takes them."""
    core = system.core
    values = {
        "FACTORS": core.factors, "BLOCKS": core.blocks, "BLOCK_LENGTH": core.block_length,
        "MAX_CODEVECTORS": core.max_codevectors, "QUERY_ENTRIES": core.query_entries,
        "MAX_WEIGHT": core.max_weight, "QUEUE_ITEMS": system.queue_items,
        "CODEVECTOR_WORDS": system.codevector_words, "INDEX_LANE": system.index_lane,
    }
    if core.element_bits:
        values |= {"ELEMENT_WORDS": system.element_words, "ELEMENT_LANE": system.element_lane}
    return values


def values_of(field: Field) -> list[tuple[str, int]]:
    """Names of a field's values and the values."""
    return [(name, value) for value, name in enumerate(field.values)]


class _Macros:
    """Lines of ``#define``; no macro twice."""

    def __init__(self, prefix: str):
        self.prefix = prefix
        self.lines: list[str] = []
        self.seen: set[str] = set()

    def text(self, *lines: str) -> None:
        self.lines += lines

    def define(self, name: str, value: str, about: str = "") -> None:
        macro = f"{self.prefix}_{name.upper()}"
        if macro in self.seen:  # the register map would have to be changed
            raise ConfigError(f"two macros would be called {macro}")
        self.seen.add(macro)
        line = f"#define {macro:<{len(self.prefix) + 40}} {value}"
        self.lines.append(f"{line}  {_comment(about)}" if about else line)


def _comment(text: str) -> str:
    # Neither may occur within a comment.
    text = re.sub(r"([*])(?=/)|(/)(?=[*])", r"\1\2 ", text)
    return f"/* {text} */"


def _word(value: int) -> str:
    return f"UINT32_C(0x{value:08x})"


def header(system: SystemConfig, name: str, registers: RegisterMap | None = None) -> str:
    """Text of ``NAME_registers.h``, which is C99 and C++11.

    Macros begin with the name in capitals. Of register R and its field F there are ``R_ADDRESS``
    (in bytes), ``R_RESET``, ``R_WRITE_MASK``, ``R_F_SHIFT``, ``R_F_WIDTH``, ``R_F_MASK``, and
    ``R_F_VALUE`` for each value that has a name (not shifted).

    Parameters
    ----------
    system : SystemConfig
    name : str
        Name of the top module.
    registers : RegisterMap, optional
        Those of ``system``, if not given.

    Raises
    ------
    ConfigError
        The name is none that macros can begin with.
    """
    prefix = c_prefix(name)
    registers = registers or register_map(system)
    out = _Macros(prefix)
    guard = f"{prefix}_REGISTERS_H"
    out.text(
        f"/* Registers of {name}: 32-bit words, little-endian; addresses are in bytes, relative to",
        " * the first register. Frames of SPI and UART carry word addresses: address / 4.",
        " * R_RESET is what reset makes of the fields that hardware does not write.",
        f" * Made by blockfactor {version('blockfactor')}: change the configuration, not this "
        "file.",
        " */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        "#include <stdint.h>",
        "",
        _comment(f"A field's value within a word, and back: "
                 f"{prefix}_GET(word, {prefix}_STATUS_RESULTS)."),
        f"#define {prefix}_GET(word, field) (((uint32_t)(word) & field##_MASK) >> field##_SHIFT)",
        f"#define {prefix}_PUT(value, field) (((uint32_t)(value) << field##_SHIFT) & field##_MASK)",
        "",
        _comment("What the core was generated with; SHAPE .. DEPTHS tell most of it, too."))
    for constant, value in system_constants(system).items():
        out.define(constant, str(value), CONSTANTS[constant])
    for register in registers:
        out.text("", *_about(register))
        _register(out, register)
    out.text("", f"#endif  {_comment(guard)}", "")
    return "\n".join(out.lines)


def _about(register: Register) -> list[str]:
    kinds = {f.access for f in register.fields}
    if register.window:
        kind = "a window: every access moves it on"
        if not register.readable:
            kind += "; reading is refused"
        elif not register.writable:
            kind += "; writing is refused"
        return [_comment(f"{register.name}: {register.about}; {kind}")]
    return [_comment(f"{register.name}: {register.about}" + "".join(
        f"; {ACCESSES[kind]}" for kind in ACCESSES if kind in kinds))]


def _register(out: _Macros, register: Register) -> None:
    out.define(f"{register.name}_ADDRESS", f"0x{register.address:02x}u")
    out.define(f"{register.name}_RESET", _word(register.reset))
    out.define(f"{register.name}_WRITE_MASK", _word(register.write_mask))
    for field in register.fields:
        name = f"{register.name}_{field.name}"
        out.define(f"{name}_SHIFT", str(field.offset), field.about)
        out.define(f"{name}_WIDTH", str(field.width))
        out.define(f"{name}_MASK", _word(field.mask))
        for value, number in values_of(field):
            out.define(f"{name}_{value}", f"{number}u")
