"""Routed netlists as Verilog: clock sources, and everything that is refused."""

import json
import random

import netlist_exercise as exercise
import pytest

from blockfactor.errors import BlockfactorError
from blockfactor.sim.routed import RoutedError, routed_verilog
from blockfactor.sim.truth_table import expression


def _cell(kind, parameters=None, **pins):
    return {"type": kind, "parameters": parameters or {}, "attributes": {},
            "connections": {pin: [] if net is None else [net] for pin, net in pins.items()}}


def _ecp5(**changes):
    """A pin, a PLL, a clock network and an inverting flip-flop to a pin."""
    cells = {
        "pin": _cell("TRELLIS_IO", {"DIR": "INPUT"}, B=1, O=2),
        "pll": _cell("EHXPLLL", {"CLKI_DIV": "1"}, CLKI=2, CLKOP=3, CLKFB=3, LOCK=4, CLKOS=9),
        "network": _cell("DCCA", CLKI=3, CLKO=5),
        "table": _cell("TRELLIS_COMB", {"INITVAL": "0" * 8 + "1" * 8}, D=6, F=7),
        "store": _cell("TRELLIS_FF", {"SD": "1 ", "CEMUX": "CE", "LSRMUX": "LSR"}, CLK=5, DI=7,
                       Q=6, CE=4),
        "led": _cell("TRELLIS_IO", {"DIR": "OUTPUT"}, I=6, B=8)}
    cells.update(changes)
    ports = {"clk": ("input", 1), "led": ("output", 8)}
    return {"cells": {name: cell for name, cell in cells.items() if cell},
            "ports": {name: {"direction": direction, "bits": [bit]}
                      for name, (direction, bit) in ports.items()}}


def _gowin(**changes):
    cells = {
        "one": _cell("GOWIN_VCC", V=9), "gsr": _cell("GSR", GSRI=9),
        "pin": _cell("IBUF", I=1, O=2),
        "pll": _cell("rPLL", {"FCLKIN": "27"}, CLKIN=2, CLKOUT=5, LOCK=4, RESET=9),
        "table": _cell("LUT1", {"INIT": "01"}, I0=6, F=7),
        "store": _cell("DFFE", CLK=5, D=7, Q=6, CE=4), "led": _cell("OBUF", I=6, O=8)}
    return {**_ecp5(), "cells": {name: cell for name, cell in (cells | changes).items() if cell}}


DESIGNS = {"ecp5": _ecp5, "gowin": _gowin}


def _convert(module, family, folder):
    path = folder / "routed.json"
    path.write_text(json.dumps({"modules": {"top": module}}), encoding="utf-8")
    return routed_verilog(path, family, folder)


BENCH = """module bench;
reg clk = 0; wire led; integer i;
board b (.clk(clk), .led(led));
initial for (i = 0; i < 4; i = i + 1) begin $write("%b", led); #1 clk = 1; #1 clk = 0; #1; end
endmodule
"""


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("family", DESIGNS)
def test_pll_becomes_the_clock(family, tmp_path):
    """Its lock reads 1, its reference pin is gone, and the ports are the design's."""
    text = _convert(DESIGNS[family](), family, tmp_path)
    assert "module board (\n  output led,\n  input clk\n);" in text
    assert (tmp_path / "board.v").read_text() == text
    assert exercise.simulate(tmp_path, board=text, bench=BENCH) == "0101"


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("family", DESIGNS)
def test_clock_from_the_pin(family, tmp_path):
    """Where there is no PLL."""
    direct = {"ecp5": {"pll": None, "network": _cell("DCCA", CLKI=2, CLKO=5),
                       "store": _cell("TRELLIS_FF", {"SD": "1 "}, CLK=5, DI=7, Q=6)},
              "gowin": {"pll": None, "store": _cell("DFF", CLK=2, D=7, Q=6)}}[family]
    text = _convert(DESIGNS[family](**direct), family, tmp_path)
    assert exercise.simulate(tmp_path, board=text, bench=BENCH) == "0101"


ONE = {f"BLKSEL{port}{i}": 9 for port in "AB" for i in range(3)}
REFUSED = {
    "unknown cell": ("ecp5", {"more": _cell("MULT18X18D", A0=6)}, "MULT18X18D"),
    "unknown parameter": ("ecp5", {"table": _cell("TRELLIS_COMB", {"NEW": "1"}, F=7)}, "NEW"),
    "unknown pin": ("ecp5", {"table": _cell("TRELLIS_COMB", {"INITVAL": "10"}, F=7, E=6)},
                    "pin E"),
    "unknown mode": ("ecp5", {"table": _cell("TRELLIS_COMB", {"MODE": "OTHER"}, F=7)}, "OTHER"),
    "unknown inverter": ("ecp5", {"store": _cell("TRELLIS_FF", {"CEMUX": "2 "}, CLK=5, Q=6)},
                         "CEMUX"),
    "output register": ("ecp5", {"ram": _cell("DP16KD", {"REGMODE_A": "OUTREG"})}, "REGMODE_A"),
    "memory width": ("ecp5", {"ram": _cell("DP16KD", {"DATA_WIDTH_A": "11"})}, "DATA_WIDTH_A 3"),
    "memory reset": ("ecp5", {"ram": _cell("DP16KD", {"WEBMUX": "0 "})}, "RSTA"),
    "tristate": ("ecp5", {"led": _cell("TRELLIS_IO", {"DIR": "OUTPUT"}, I=6, B=8, T=6)}, "T is"),
    "bidirectional": ("ecp5", {"led": _cell("TRELLIS_IO", {"DIR": "BIDIR"}, B=8)}, "BIDIR"),
    "no driver": ("ecp5", {"table": None}, "n_7"),
    "two clocks": ("ecp5", {"other": _cell("TRELLIS_FF", CLK=9, DI=7, Q=10)}, "2 clocks"),
    "shared reference": ("ecp5", {"other": _cell("DCCA", CLKI=2, CLKO=11)}, "reference of pll"),
    "unknown Gowin cell": ("gowin", {"more": _cell("SP", CLK=5)}, "type SP"),
    "unknown carry": ("gowin", {"more": _cell("ALU", {"ALU_MODE": "MULT"}, SUM=10)}, "MULT"),
    "unknown Gowin parameter": ("gowin", {"led": _cell("OBUF", {"DRIVE": "1"}, I=6, O=8)},
                                "DRIVE"),
    "read mode": ("gowin", {"ram": _cell("DP", {"BIT_WIDTH_0": "1", "BIT_WIDTH_1": "1",
                                                "READ_MODE0": "1"})}, "READ_MODE0"),
    "block select": ("gowin", {"ram": _cell("DP", {"BIT_WIDTH_0": "1", "BIT_WIDTH_1": "1"},
                                            **ONE)}, "BLKSELA0"),
    "narrow memory": ("gowin", {"ram": _cell("SDP", {"BIT_WIDTH_0": "1", "BIT_WIDTH_1": "1"})},
                      "BIT_WIDTH"),
    "global reset": ("gowin", {"gsr": _cell("GSR", GSRI=6)}, "GSRI"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path):
    """The message names what is not known."""
    family, changes, message = REFUSED[case]
    with pytest.raises(RoutedError, match=message):
        _convert(DESIGNS[family](**changes), family, tmp_path)


def test_unknown_family(tmp_path):
    """As every choice of the project."""
    with pytest.raises(BlockfactorError, match="nexus"):
        _convert(_ecp5(), "nexus", tmp_path)


def test_expressions_of_tables():
    """Each row of many tables, constants among the inputs."""
    rng = random.Random(3)
    for _ in range(1500):
        width = rng.randint(1, 4)
        table = rng.getrandbits(1 << width) if rng.random() < .8 else rng.choice((0, 0x6996, 0xCA))
        table &= (1 << (1 << width)) - 1
        row = rng.randrange(1 << width)
        names = [rng.choice((f"i{i}", f"1'b{row >> i & 1}")) for i in range(width)]
        text = expression(table, names).replace("1'b", "")
        value = eval(text, {f"i{i}": row >> i & 1 for i in range(width)}) & 1
        assert value == table >> row & 1, (table, names, text)
