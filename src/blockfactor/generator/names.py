"""Names of Verilog modules: legal, and different in every core of a design."""

import re

from ..errors import ConfigError, check_int

__all__ = ["KEYWORDS", "MAX_NAME", "check_name", "module_names", "rename_modules"]

#: Longest name of a core; its modules' and files' names are longer.
MAX_NAME = 64

#: Reserved words of IEEE 1800-2017, those of Verilog and of VHDL tools' mixed designs apart.
KEYWORDS = frozenset("""
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class
clocking cmos config const constraint context continue cover covergroup coverpoint cross deassign
default defparam design disable dist do edge else end endcase endchecker endclass endclocking
endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram
endproperty endspecify endsequence endtable endtask enum event eventually expect export extends
extern final first_match for force foreach forever fork forkjoin function generate genvar global
highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include
initial inout input inside instance int integer interconnect interface intersect join join_any
join_none large let liblist library local localparam logic longint macromodule matches medium
modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence
rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct
super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order
wand weak weak0 weak1 while wildcard wire with within wor xnor xor
""".split())

#: Where Yosys writes the name of a module: at its declaration and its instances.
PLACE = re.compile(r"^(module |  )(\\\S+ |\w+)(?= ?\(| +(?:\\\S+ |\w+) \()", re.MULTILINE)


def check_name(name: str) -> str:
    """Return ``name`` if a core can have it, or raise ConfigError.

    Two underscores in a row are kept for the names of a core's inner modules, so that those of
    cores with different names are never the same.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ConfigError(f"name {name!r} is not a Verilog identifier: letters, digits and _, "
                          f"no digit first")
    if name in KEYWORDS:
        raise ConfigError(f"name {name!r} is a reserved word of SystemVerilog")
    if "__" in name:
        raise ConfigError(f"name {name!r} has two underscores in a row, which are kept for the "
                          f"names of inner modules")
    check_int(f"name {name!r}: length", len(name), 1, MAX_NAME, ConfigError)
    return name


def module_names(verilog: str) -> list[str]:
    """Names of the modules declared, in order, without the backslash of escaped ones."""
    return [name.strip().removeprefix("\\")
            for name in re.findall(r"^module (\\\S+ |\w+)", verilog, re.MULTILINE)]


def rename_modules(verilog: str, top: str) -> str:
    """Give the inner modules of ``top`` plain names, ``top`` and two underscores first.

    Yosys calls them by their place, such as ``\\top.codebook.copy0``: an escaped name, which some
    tools mishandle.
    """
    new = {}
    for old in module_names(verilog):
        plain = old if old == top else re.sub(r"\W", "_", re.sub(r"\.", "__", old))
        while plain in new.values():
            plain += "_"
        new[old] = plain

    def replaced(match):
        old = match[2].strip().removeprefix("\\")
        space = " " if match[2].endswith(" ") else ""
        return f"{match[1]}{new[old]}{space}" if old in new else match[0]

    return PLACE.sub(replaced, verilog)
