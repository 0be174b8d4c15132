"""boards/families.py: the text of constraints, and programs that are there."""

from importlib import import_module

import pytest

from blockfactor.boards.board import Pin
from blockfactor.boards.families import FAMILIES, Program
from blockfactor.boards.parts import PARTS

PINS = {"clk": Pin("C1"), "rx": Pin("R2", pull="up"), "tx": Pin("T3", standard="LVCMOS18")}
TEXTS = {
    "ice40": "set_io clk C1\nset_io -pullup yes rx R2\nset_io tx T3\nset_frequency clk 12\n",
    "ecp5": ('LOCATE COMP "clk" SITE "C1";\nIOBUF PORT "clk" IO_TYPE=LVCMOS33;\n'
             'LOCATE COMP "rx" SITE "R2";\nIOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;\n'
             'LOCATE COMP "tx" SITE "T3";\nIOBUF PORT "tx" IO_TYPE=LVCMOS18;\n'
             'FREQUENCY PORT "clk" 12 MHZ;\n'),
    "gowin": ('IO_LOC "clk" C1;\nIO_PORT "clk" IO_TYPE=LVCMOS33;\n'
              'IO_LOC "rx" R2;\nIO_PORT "rx" IO_TYPE=LVCMOS33 PULL_MODE=UP;\n'
              'IO_LOC "tx" T3;\nIO_PORT "tx" IO_TYPE=LVCMOS18;\n'),
    "nexus": ("ldc_set_location -site {C1} [get_ports clk]\n"
              "ldc_set_port -iobuf {IO_TYPE=LVCMOS33} [get_ports clk]\n"
              "ldc_set_location -site {R2} [get_ports rx]\n"
              "ldc_set_port -iobuf {IO_TYPE=LVCMOS33 PULLMODE=UP} [get_ports rx]\n"
              "ldc_set_location -site {T3} [get_ports tx]\n"
              "ldc_set_port -iobuf {IO_TYPE=LVCMOS18} [get_ports tx]\n"
              "create_clock -name {clk} -period 83.333 [get_ports clk]\n"),
    "gatemate": ('Pin_in "clk" Loc = "C1";\nPin_in "rx" Loc = "R2" | PULLUP=true;\n'
                 'Pin_out "tx" Loc = "T3";\n'),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_constraints(family):
    assert FAMILIES[family].constraints(PINS, 12_000_000) == TEXTS[family]


def test_the_clock_of_a_gw5a_is_no_pin_of_configuration():
    assert "--cpu_as_gpio" in FAMILIES["gowin"].pack("board", PARTS["gw5a-25a"].packing, "out")
    assert "--cpu_as_gpio" not in FAMILIES["gowin"].pack("board", PARTS["gw1n-9c"].packing, "out")


@pytest.mark.parametrize("program", [p for f in FAMILIES.values() for p in (f.router, f.packer)],
                         ids=lambda p: p.function)
def test_programs(program, require_tool):
    """The function is there."""
    require_tool(program.package)
    assert callable(getattr(import_module(program.module), program.function))


def test_code():
    assert Program("p", "m.n", "f").code == (
        "import sys; from m.n import f; sys.exit(f(sys.argv[1:]))")
    assert Program("p", "m", "f", False).code == "import sys; from m import f; sys.exit(f())"


def test_parts_have_a_family():
    assert {part.family for part in PARTS.values()} == set(FAMILIES)
