"""The register map as SystemRDL 2.0, from which other tools make what they need."""

from ..config import SystemConfig
from ..registers import ACCESSES, Field, Register, RegisterMap, register_map
from .header import values_of
from .names import check_name
from .verilog import version

__all__ = ["ACCESS_PROPERTY", "RESERVED", "SIZE", "has_reset", "meaning", "rdl", "root_name"]

#: Bytes of the register map.
SIZE = 0x100
#: Property of a field that tells its kind in blockfactor's own words; tools pass it over.
ACCESS_PROPERTY = "blockfactor_access"

#: Reserved words of SystemRDL 2.0.
RESERVED = frozenset("""
abstract accesstype addressingtype addrmap alias all bit boolean bothedge compact component
componentwidth constraint default encode enum external false field fullalign hw inside internal
level longint mem na negedge nonsticky number onreadtype onwritetype posedge property r rclr ref
reg regalign regfile rset ruser rw rw1 signal string struct sw this true type unsigned w w1 wclr
woclr woset wot wr wset wuser wzc wzs wzt
""".split())

#: What software (``sw``) and hardware (``hw``) do with a field of each kind. Windows are external:
#: there is a memory or a queue behind them.
PROPERTIES = {
    "constant": ("sw = r;", "hw = na;"),
    "read": ("sw = r;", "hw = w;"),
    "write": ("sw = w;", "hw = r;", "singlepulse;"),
    "parameter": ("sw = rw;", "hw = r;"),
    "read-write": ("sw = rw;", "hw = r;"),
    "clear": ("sw = rw;", "hw = r;", "onwrite = woclr;", "hwset;", "precedence = hw;"),
}
#: The window's position is the one parameter that hardware changes.
MOVING = {"CODEBOOK_ADDRESS"}


def root_name(name: str) -> str:
    """What the map of core ``name`` is called in documents and files."""
    return f"{check_name(name)}_registers"


def has_reset(field: Field) -> bool:
    """Whether reset decides what a field holds; of others hardware does."""
    return field.access not in ("read", "window")


def meaning(field: Field) -> str:
    """What a field is, with what is special about its kind."""
    if field.access in ("parameter", "clear", "window"):
        return f"{field.about} ({ACCESSES[field.access]})"
    return field.about


def rdl(system: SystemConfig, name: str, registers: RegisterMap | None = None) -> str:
    """Text of ``NAME_registers.rdl``.

    Parameters
    ----------
    system : SystemConfig
    name : str
        Name of the top module.
    registers : RegisterMap, optional
        Those of ``system``, if not given.
    """
    registers = registers or register_map(system)
    lines = [
        f"// Registers of {name}: byte addresses, 32-bit words, little-endian.",
        f"// Made by blockfactor {version('blockfactor')}: change the configuration, not this "
        "file.",
        "",
        "// Kind of a field:",
        *(f"//   {kind}: {about}" for kind, about in ACCESSES.items()),
        f"property {ACCESS_PROPERTY} {{ type = string; component = field; }};",
        "",
        f"addrmap {root_name(name)} {{",
        f'  name = "{name}";',
        f'  desc = "Registers of {name}, a factorizer of sparse block codes.";',
        "  littleendian;",
        "  lsb0;",
        "  default regwidth = 32;",
        "  default accesswidth = 32;",
    ]
    for register in registers:
        lines += ["", *_register(register)]
    return "\n".join([*lines, "};", ""])


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _identifier(name: str) -> str:
    return f"\\{name}" if name in RESERVED else name


def _register(register: Register) -> list[str]:
    about = register.about
    if register.window:
        ways = " and ".join(way for way, there in (("read", register.readable),
                                                   ("written", register.writable)) if there)
        about += f"; a window that is {ways}, {ACCESSES['window'].partition('; ')[2]}"
    lines = []
    for field in register.fields:
        if field.values:
            width = field.width
            lines += [f"  enum {_enum(register, field)} {{",
                      *(f"    {_identifier(value)} = {width}'d{number};"
                        for value, number in values_of(field)),
                      "  };"]
    external = "external " if register.window else ""
    lines += [f"  {external}reg {{", f"    name = {_string(register.name)};",
              f"    desc = {_string(about)};"]
    for field in register.fields:
        lines += _field(register, field)
    return [*lines, f"  }} {_identifier(register.name)} @ 0x{register.address:02X};"]


def _enum(register: Register, field: Field) -> str:
    return f"{register.name.lower()}_{field.name}_e"


def _field(register: Register, field: Field) -> list[str]:
    if field.access == "window":
        # Reading and writing do something that only the hardware knows.
        properties = ["sw = {};".format("r" * register.readable + "w" * register.writable),
                      "hw = {};".format("rw" if register.readable else "r")]
        properties += ["onread = ruser;"] * register.readable
        properties += ["onwrite = wuser;"] * register.writable
    else:
        properties = list(PROPERTIES[field.access])
        if register.name in MOVING:
            properties[1] = "hw = rw;"
    if field.values:
        properties.append(f"encode = {_enum(register, field)};")
    lines = ["    field {",
             f"      desc = {_string(meaning(field))};",
             f'      {ACCESS_PROPERTY} = "{field.access}";',
             f"      {' '.join(properties)}"]
    top = field.offset + field.width - 1
    reset = f" = {field.width}'h{field.reset:x}" if has_reset(field) else ""
    return [*lines, f"    }} {_identifier(field.name)}[{top}:{field.offset}]{reset};"]
