"""Cells of a routed ECP5 netlist as Verilog.

Inputs that are not connected read 1, those of resets 0. Each function yields ``("text", line)`` and
``("register", net, initial value)``.
"""

from .routed_cell import Cell, auxiliary, flip_flop, instance
from .truth_table import expression

__all__ = ["CELLS", "CLOCK_SOURCES", "PIN_INPUTS", "constants"]

#: Cells whose output becomes the input ``clk``, and their outputs.
CLOCK_SOURCES = {"EHXPLLL": ("CLKOP", "CLKOS", "CLKOS2", "CLKOS3"), "OSCG": ("OSC",)}
#: Inputs by which a clock comes from its pin.
PIN_INPUTS = ("B", "CLKI")

_WIDTHS = (1, 2, 4, 9, 18, 36)


def constants(cell: Cell):
    """Nets that the cell keeps at a constant, and the value."""
    if cell.type == "TRELLIS_COMB" and not cell.has("MODE"):
        table = cell.number("INITVAL", 0)
        net = cell.peek("F")
        if net and table in (0, 0xFFFF):
            yield net, f"1'b{int(table > 0)}"


def _choose(select: str, high: str, low: str) -> str:
    return f"({select} & {high}) | (~{select} & {low})"


def _comb(cell: Cell):
    mode = cell.choice("MODE", ("LOGIC", "CCU2", "DPRAM", "RAMW_BLOCK"), "LOGIC")
    table = cell.number("INITVAL", 0, range(1 << 16))
    inject = cell.choice("CCU2_INJECT1", ("YES", "NO"), "NO") == "YES"
    cell.ignore("WREMUX", "WCKMUX")
    if mode == "RAMW_BLOCK":
        return
    inputs = [cell.input(pin) for pin in "ABCD"]
    if mode == "DPRAM":
        a, b, c, d = inputs
        # The table's content goes by pin, of which D is the memory's lowest address bit.
        content = sum((table >> (address >> 3 | (address >> 1 & 1) << 1 | (address >> 2 & 1) << 2
                                 | (address & 1) << 3) & 1) << address for address in range(16))
        yield "text", instance(
            "TRELLIS_DPRAM", {"CONTENT": f"16'h{content:x}"},
            {"WCK": cell.input("WCK"), "WRE": cell.input("WRE"), "WD": cell.input("WD"),
             "WAD": cell.inputs("WAD", 4), "RAD": f"{{{a}, {c}, {b}, {d}}}"},
            {"F": cell.output("F") or auxiliary()})
        return
    out = expression(table, inputs)
    if mode == "CCU2":
        yield from _carry(cell, table, inputs, out, inject)
        return
    f, ofx = cell.output("F"), cell.output("OFX")
    if f:
        yield "text", f"assign {f} = {out};"
    if ofx:
        select = cell.input("M")
        # nextpnr does not say which of the two multiplexers it is: one has other inputs.
        upper = cell.peek("FXA") or cell.peek("FXB")
        high, low = ((cell.input("FXB"), cell.input("FXA")) if upper
                     else (cell.input("F1"), f or out))
        yield "text", f"assign {ofx} = {_choose(select, high, low)};"
    cell.ignore_pins("M")


def _carry(cell: Cell, table: int, inputs: list[str], out: str, inject: bool):
    f, carry_out = cell.output("F"), cell.output("FCO")
    carry_in = cell.input("FCI")
    own = f if f and inject else auxiliary()
    yield "text", f"assign {own} = {out};"
    if f and not inject:
        yield "text", f"assign {f} = {own} ^ {carry_in};"
    if carry_out:
        # A half that is not to have a carry generates none either.
        generated = "1'b0" if inject else expression(table & 15, inputs[:2])
        yield "text", f"assign {carry_out} = {_choose(own, carry_in, generated)};"


def _ramw(cell: Cell):
    for out, pin in {"WADO0": "D0", "WADO1": "B0", "WADO2": "C0", "WADO3": "A0",
                     "WDO0": "C1", "WDO1": "A1", "WDO2": "D1", "WDO3": "B1"}.items():
        net, value = cell.output(out), cell.input(pin)
        if net:
            yield "text", f"assign {net} = {value};"


def _flip_flop(cell: Cell):
    source = cell.choice("SD", ("0", "1"), "0")
    kind = {"LSR_OVER_CE": "sync", "ASYNC": "async", "CE_OVER_LSR": "enabled"}[
        cell.choice("SRMODE", ("LSR_OVER_CE", "ASYNC", "CE_OVER_LSR"), "LSR_OVER_CE")]
    value = int(cell.choice("REGSET", ("RESET", "SET"), "RESET") == "SET")
    cell.choice("GSR", ("DISABLED", "ENABLED", "AUTO"), "ENABLED")
    cell.choice("LSRMODE", ("LSR",), "LSR")
    data = {"1": cell.input("DI"), "0": cell.input("M")}[source]
    text = flip_flop(cell.input("CLK"), q := cell.output("Q") or auxiliary(), data,
                     cell.input("CE"), cell.input("LSR", 0), value, kind)
    yield "register", q, value
    yield "text", text


def _block_ram(cell: Cell):
    widths = {port: cell.number(f"DATA_WIDTH_{port}", 18, _WIDTHS) for port in "AB"}
    modes = {port: cell.choice(f"WRITEMODE_{port}",
                               ("NORMAL", "WRITETHROUGH", "READBEFOREWRITE"), "NORMAL")
             for port in "AB"}
    write = {port: cell.input(f"WE{port}") for port in "AB"}
    for port in "AB":
        cell.choice(f"REGMODE_{port}", ("NOREG",), "NOREG")
        cell.choice(f"CSDECODE_{port}", ("0b000", "000"), "0b000")
        cell.must_be(f"RST{port}", 0)
        for i in range(3):
            cell.must_be(f"CS{port}{i}", 0)
        cell.input(f"OCE{port}")
    cell.ignore("RESETMODE", "ASYNC_RESET_RELEASE", "GSR")
    writer, reader = ("A", "B") if write["B"] == "1'b0" else ("B", "A")
    if write[reader] != "1'b0":
        cell.fail("both ports write")
    if 36 in widths.values() and writer == "B":
        cell.fail("port B writes 36 bits")
    content = 0
    for i in range(64):
        # Sixteen words of 18 bits, each in 20.
        row = cell.number(f"INITVAL_{i:02X}", 0)
        for j in range(16):
            content |= (row >> 20 * j & 0x3FFFF) << (16 * i + j) * 18
    yield "text", instance(
        "DP16KD", {"DATA_WIDTH_A": widths[writer], "DATA_WIDTH_B": widths[reader],
                   "WRITEMODE_A": f'"{modes[writer]}"',
                   **({"CONTENT": f"18432'h{content:x}"} if content else {})},
        {"CLKA": cell.input(f"CLK{writer}"), "CEA": cell.input(f"CE{writer}"),
         "WEA": write[writer], "ADA": cell.inputs(f"AD{writer}", 14),
         "DIA": cell.inputs(f"DI{writer}", 18), "DIB": cell.inputs(f"DI{reader}", 18),
         "CLKB": cell.input(f"CLK{reader}"), "CEB": cell.input(f"CE{reader}"),
         "ADB": cell.inputs(f"AD{reader}", 14)},
        {"DOA": cell.outputs(f"DO{writer}", 18), "DOB": cell.outputs(f"DO{reader}", 18)})


def _pin(cell: Cell):
    direction = cell.choice("DIR", ("INPUT", "OUTPUT"), "INPUT")
    for name in ("DATAMUX_MDDR", "DATAMUX_ODDR"):
        cell.choice(name, ("PADDO",), "PADDO")
    outside = cell.output("B")
    if direction == "INPUT":
        inside = cell.output("O")
        if inside:
            yield "text", f"assign {inside} = {outside};"
    else:
        cell.must_be("T", 0, default=0)
        yield "text", f"assign {outside} = {cell.input('I')};"


def _clock_driver(cell: Cell):
    cell.must_be("CE", 1)
    yield "text", f"assign {cell.output('CLKO')} = {cell.input('CLKI')};"


CELLS = {"TRELLIS_COMB": _comb, "TRELLIS_RAMW": _ramw, "TRELLIS_FF": _flip_flop,
         "DP16KD": _block_ram, "TRELLIS_IO": _pin, "DCCA": _clock_driver}
