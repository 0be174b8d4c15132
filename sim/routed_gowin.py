"""Cells of a routed netlist for Gowin GW1N or GW2A as Verilog.

nextpnr has set the tables of look-up tables such that inputs that are not connected do not matter.
Each function yields ``("text", line)`` and ``("register", net, initial value)``.
"""

import re

from .routed_cell import Cell, auxiliary, flip_flop, instance
from .truth_table import expression

__all__ = ["CELLS", "CLOCK_SOURCES", "PIN_INPUTS", "constants"]

#: Cells whose output becomes the input ``clk``, and their outputs.
CLOCK_SOURCES = {**dict.fromkeys(("rPLL", "PLLVR"), ("CLKOUT", "CLKOUTP", "CLKOUTD", "CLKOUTD3")),
                 "OSC": ("OSCOUT",)}
#: Inputs by which a clock comes from its pin.
PIN_INPUTS = ("I",)

#: Tables of the carry cell: its upper half and second quarter say whether a carry goes on, where I3
#: is 1 or 0; its lowest four bits, what comes instead.
_ALU_TABLES = {"10": 0x609A, "C2L": 0, "ONE2C": 0x000F}


def constants(cell: Cell):
    """Nets that the cell keeps at a constant, and the value."""
    for kind, pin, value in (("GOWIN_VCC", "V", 1), ("GOWIN_GND", "G", 0), ("VCC", "V", 1),
                             ("GND", "G", 0)):
        if cell.type == kind and cell.peek(pin):
            yield cell.peek(pin), f"1'b{value}"


def _constant(cell: Cell):
    cell.ignore_pins("V", "G")
    return ()


def _table(cell: Cell):
    width = int(cell.type[-1])
    table = cell.number("INIT", 0) & ((1 << (1 << width)) - 1)
    out = cell.output("F")
    text = expression(table, [cell.input(f"I{i}") for i in range(width)])
    if out:
        yield "text", f"assign {out} = {text};"


def _multiplexer(cell: Cell):
    select, high, low = cell.input("S0"), cell.input("I1"), cell.input("I0")
    if out := cell.output("O"):
        yield "text", f"assign {out} = ({select} & {high}) | (~{select} & {low});"


def _alu(cell: Cell):
    if cell.has("ALU_MODE") or not cell.has("RAW_ALU_LUT"):
        modes = ("10", "C2L", "ONE2C") + (("0" * 30 + "10"),)
        mode = cell.choice("ALU_MODE", modes, "10").lstrip("0")
    table = cell.number("RAW_ALU_LUT", 0) if cell.has("RAW_ALU_LUT") else _ALU_TABLES[mode]
    cell.choice("CIN_NETTYPE", ("LOGIC",), "LOGIC")
    cell.must_be("I2", 1)
    inputs = [cell.input(f"I{i}", 0) for i in (0, 1, 3)]
    carry_in, total, carry_out = cell.input("CIN", 0), cell.output("SUM"), cell.output("COUT")
    if not total and not carry_out:
        return
    goes_on = auxiliary()
    yield "text", (f"assign {goes_on} = "
                   f"{expression((table >> 12 & 15) << 4 | table >> 4 & 15, inputs)};")
    if total:
        yield "text", f"assign {total} = {goes_on} ^ {carry_in};"
    if carry_out:
        instead = expression(table & 15, inputs[:2])
        yield "text", (f"assign {carry_out} = "
                       f"({goes_on} & {carry_in}) | (~{goes_on} & {instead});")


def _flip_flop(cell: Cell):
    falling, reset, enable = re.fullmatch(r"DFF(N?)([SRPC]?)(E?)", cell.type).groups()
    value = int(reset in ("S", "P"))
    clock = cell.input("CLK")
    pin = {"S": "SET", "R": "RESET", "P": "PRESET", "C": "CLEAR", "": None}[reset]
    cell.number("INIT", value, (value,))
    q = cell.output("Q") or auxiliary()
    yield "register", q, value
    yield "text", flip_flop(f"~{clock}" if falling else clock, q, cell.input("D"),
                            cell.input("CE") if enable else "1'b1",
                            cell.input(pin, 0) if pin else "1'b0", value,
                            "async" if reset in ("P", "C") else "sync")


def _lut_ram(cell: Cell):
    contents = {f"INIT_{i}": f"16'h{cell.number(f'INIT_{i}', 0):x}" for i in range(4)}
    yield "text", instance(
        "RAM16SDP4", contents,
        {"CLK": cell.input("CLK"), "WE": f"{cell.input('CE')} & {cell.input('WRE')}",
         "WAD": cell.inputs("WAD", 4), "RAD": cell.inputs("RAD", 4), "DI": cell.inputs("DI", 4)},
        {"DO": cell.outputs("DO", 4)})


def _widths_and_content(cell: Cell) -> tuple[list[int], dict]:
    nine = str(cell.attributes.get("BSRAM_SUBTYPE", "")).strip() == "X9"
    # Without ninth bits, ports of 16 and 32 bits have gaps that depend on the other port's width.
    allowed = (9, 18, 36) if nine else (1, 2, 4, 8)
    widths = [cell.number(f"BIT_WIDTH_{i}", 0, allowed) for i in (0, 1)]
    content, size = 0, 9 if nine else 8
    for i in range(64):
        row = cell.number(f"INIT_RAM_{i:02X}", 0)
        for j in range(32):
            content |= (row >> size * j & ((1 << size) - 1)) << (32 * i + j) * 9
    # A byte of eight bits is one of nine whose last stays empty.
    return ([9 if width == 8 else width for width in widths],
            {"CONTENT": f"18432'h{content:x}"} if content else {})


def _block_ram_checks(cell: Cell, read_modes: tuple[str, ...]) -> None:
    for name in read_modes:
        cell.number(name, 0, (0,))
    for port, parameter in (("A", "BLK_SEL_0"), ("B", "BLK_SEL_1")):
        chosen = cell.number(parameter, 0)
        for i in range(3):
            cell.must_be(f"BLKSEL{port}{i}", chosen >> i & 1, 0)
        cell.must_be(f"RESET{port}", 0, 0)
    cell.ignore("RESET_MODE")
    # Of no use without output registers.
    cell.ignore_pins("OCE", "OCEA", "OCEB")


def _simple_dual_port(cell: Cell):
    widths, content = _widths_and_content(cell)
    # Yosys takes true dual-port memories for everything narrower.
    if widths != [36, 36]:
        cell.fail(f"BIT_WIDTH_0 and 1 {widths} are not 36")
    _block_ram_checks(cell, ("READ_MODE",))
    cell.must_be("RESET", 0, 0)
    cell.ignore_pins("WREB")
    yield "text", instance(
        "SDP", content,
        {"CLKA": cell.input("CLKA"), "CEA": cell.input("CEA"), "WREA": cell.input("WREA"),
         "ADA": cell.inputs("ADA", 14, 0), "DI": cell.inputs("DI", 36, 0),
         "CLKB": cell.input("CLKB"), "CEB": cell.input("CEB"), "ADB": cell.inputs("ADB", 14, 0)},
        {"DO": cell.outputs("DO", 36)})


def _dual_port(cell: Cell):
    widths, content = _widths_and_content(cell)
    _block_ram_checks(cell, ("READ_MODE0", "READ_MODE1"))
    modes = [cell.number(f"WRITE_MODE{i}", 0, (0, 1, 2)) for i in (0, 1)]
    write = {port: cell.input(f"WRE{port}", 0) for port in "AB"}
    writer, reader = ("A", "B") if write["B"] == "1'b0" else ("B", "A")
    if write[reader] != "1'b0":
        cell.fail("both ports write")
    if writer == "B":
        widths.reverse()
        modes.reverse()
    cell.inputs(f"DI{reader}", 18, 0)
    yield "text", instance(
        "DP", {"BIT_WIDTH_0": widths[0], "BIT_WIDTH_1": widths[1], "WRITE_MODE0": modes[0],
               **content},
        {"CLKA": cell.input(f"CLK{writer}"), "CEA": cell.input(f"CE{writer}"),
         "WREA": write[writer], "ADA": cell.inputs(f"AD{writer}", 14, 0),
         "DIA": cell.inputs(f"DI{writer}", 18, 0), "CLKB": cell.input(f"CLK{reader}"),
         "CEB": cell.input(f"CE{reader}"), "ADB": cell.inputs(f"AD{reader}", 14, 0)},
        {"DOA": cell.outputs(f"DO{writer}", 18), "DOB": cell.outputs(f"DO{reader}", 18)})


def _pin(cell: Cell):
    # Which nets the neighbours of a pin have to be at, for the packer.
    cell.ignore("NET_I", "NET_O", "NET_BOTTOM_IO_PORT_A", "NET_BOTTOM_IO_PORT_B")
    cell.ignore_pins("BOTTOM_IO_PORT_A", "BOTTOM_IO_PORT_B")
    value = cell.input("I")
    if out := cell.output("O"):
        yield "text", f"assign {out} = {value};"


def _global_reset(cell: Cell):
    cell.must_be("GSRI", 1)
    return ()


CELLS = {
    **{f"LUT{i}": _table for i in range(1, 5)},
    **{f"MUX2_LUT{i}": _multiplexer for i in range(5, 9)},
    **{f"DFF{falling}{reset}{enable}": _flip_flop
       for falling in ("", "N") for reset in ("", *"SRPC") for enable in ("", "E")},
    **dict.fromkeys(("GOWIN_VCC", "GOWIN_GND", "VCC", "GND"), _constant),
    "ALU": _alu, "RAM16SDP4": _lut_ram, "SDP": _simple_dual_port, "DP": _dual_port,
    "IBUF": _pin, "OBUF": _pin, "GSR": _global_reset,
}
