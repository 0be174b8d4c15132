"""The core as it comes out of synthesis for iCE40, as Verilog for any bench of the core.

Every look-up table, carry and flip-flop of the netlist is replaced by the model of it that Yosys
brings, every block RAM by that of primitives/ice40.v: Yosys' own writes each bit by a statement of
its own, of which g++ has a minute's work more. Flip-flops start at 0 and memories at their initial
content, as in the FPGA.
"""

from pathlib import Path

from blockfactor.boards.parts import part
from blockfactor.boards.synthesis import Netlist, run_yosys, synthesise
from blockfactor.config import CoreConfig
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.verilog import to_rtlil

from .simulate import TOP

__all__ = ["netlist_verilog"]

#: Model of the block RAM, which tests/sim/test_unpacked.py compares with RTL in all its modes.
MEMORY = Path(__file__).parent / "primitives" / "ice40.v"
#: No default values of ports: not all simulators take them. Models are read when a cell needs them,
#: for some that none needs take minutes. Nothing is optimised here, so that what is simulated is
#: what was synthesised.
SCRIPT = """read_json {top}.json
delete =A:blackbox =A:whitebox =A:lib_whitebox
read_verilog -defer -D NO_ICE40_DEFAULT_ASSIGNMENTS +/ice40/cells_sim.v
delete $abstract\\SB_RAM40_4K
read_verilog -lib memory.v
hierarchy -check -top {top}
setattr -mod -unset whitebox -unset lib_whitebox =A:whitebox =A:lib_whitebox
proc
memory_collect
delete t:$scopeinfo
clean -purge
write_verilog -norename -noattr {top}.netlist.v
"""


def netlist_verilog(config: CoreConfig, folder, target: str = "up5k") -> tuple[str, Netlist]:
    """Synthesise a core with trace stream for an iCE40 part; return its netlist.

    Parameters
    ----------
    folder : path
        For the tools' files.
    target : str
        Name of an iCE40 part.

    Returns
    -------
    verilog : str
        The module ``factorizer``, made of cells, and the modules of the cells.
    netlist : Netlist

    Raises
    ------
    SynthesisError
        Yosys is missing or failed, or the netlist has a latch, a loop, or a cell without model.
    """
    folder = Path(folder)
    netlist = synthesise(to_rtlil(Factorizer(config, trace=True), TOP), TOP, part(target), folder)
    memory = MEMORY.read_text(encoding="utf-8")
    (folder / "memory.v").write_text(memory, encoding="utf-8")
    run_yosys(SCRIPT.format(top=TOP), folder, "models.log")
    return (folder / f"{TOP}.netlist.v").read_text(encoding="utf-8") + memory, netlist
