"""A routed netlist of nextpnr as Verilog: what would be packed is what is simulated.

For ECP5 and Gowin, whose bitstreams cannot be read back into Verilog. Cells become expressions and
models of this project (``primitives``); whatever is not known here, a cell, a pin or the value of a
parameter, is refused.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from blockfactor.errors import BlockfactorError, check_choice

from . import routed_ecp5, routed_gowin
from .routed_cell import Cell, RoutedError

__all__ = ["FAMILIES", "RoutedError", "routed_verilog"]

TOP = "board"
CLOCK = "clk"
FAMILIES = {"ecp5": routed_ecp5, "gowin": routed_gowin}
_PRIMITIVES = Path(__file__).parent / "primitives"


class _Board:
    """The top module while it is built."""

    def __init__(self, module: dict, family):
        self.family = family
        self.cells = [Cell(name, data) for name, data in sorted(module["cells"].items())]
        self.ports = {name: (port["direction"], port["bits"])
                      for name, port in module["ports"].items()}
        self.body: list[str] = []
        self.registers: dict[str, int] = {}
        constants = {net: value for cell in self.cells for net, value in family.constants(cell)}
        for cell in self.cells:
            cell.constants = constants

    def text(self) -> str:
        """The module."""
        self._replace_clock_source()
        for cell in self.cells:
            convert = self.family.CELLS.get(cell.type)
            if convert is None:
                raise RoutedError(f"cell {cell.name}: type {cell.type} is not known")
            for kind, *what in convert(cell):
                if kind == "register":
                    self.registers[what[0]] = what[1]
                else:
                    self.body.append(what[0])
            cell.check_all_taken()
        return self._module()

    def _replace_clock_source(self) -> None:
        """Put the input ``clk`` in the place of a PLL or oscillator."""
        sources = [cell for cell in self.cells if cell.type in self.family.CLOCK_SOURCES]
        driven = {}
        for cell in sources:
            for pin in self.family.CLOCK_SOURCES[cell.type]:
                net = cell.peek(pin)
                if net is not None and any(net in other.nets() for other in self.cells
                                           if other not in sources):
                    driven[net] = cell
            lock = cell.peek("LOCK")
            if lock is not None:
                self.body.append(f"assign {lock} = 1'b1;")
        if not sources:
            if self.ports.get(CLOCK, ("",))[0] != "input":
                raise RoutedError(f"there is no input {CLOCK}, no PLL and no oscillator")
            return
        if len(driven) != 1:
            raise RoutedError(f"{len(driven)} clocks come from "
                              f"{', '.join(cell.type for cell in sources)}: must be one")
        for cell in sources:
            self.cells.remove(cell)
            self._remove_reference(cell)
        if CLOCK in self.ports:
            raise RoutedError(f"port {CLOCK} is something else than the reference of the clock")
        self.ports[CLOCK] = ("input", [])
        self.body.append(f"assign {next(iter(driven))} = {CLOCK};")

    def _remove_reference(self, source: Cell) -> None:
        """Remove the pin that a PLL is fed from, which nothing else may read."""
        net = source.peek("CLKI") or source.peek("CLKIN")
        while net is not None:
            users = [cell for cell in self.cells if net in cell.nets()]
            ports = [name for name, (_, bits) in self.ports.items() if net in map(_net, bits)]
            if len(users) > 1:
                names = ", ".join(cell.name for cell in users)
                raise RoutedError(f"reference of {source.name} is used by {names}")
            for name in ports:
                del self.ports[name]
            net = None
            for cell in users:
                self.cells.remove(cell)
                net = next((other for pin in self.family.PIN_INPUTS
                            if (other := cell.peek(pin)) is not None), None)

    def _module(self) -> str:
        head, assigns, outputs = [], [], []
        for name, (direction, bits) in self.ports.items():
            if not re.fullmatch(r"[A-Za-z_]\w*", name) or direction not in ("input", "output"):
                raise RoutedError(f"port {name} is {direction}")
            width = f"[{len(bits) - 1}:0] " if len(bits) > 1 else ""
            head.append(f"  {direction} {width}{name}")
            for i, bit in enumerate(bits):
                pin = f"{name}[{i}]" if len(bits) > 1 else name
                if direction == "input":
                    assigns.append(f"assign {_net(bit)} = {pin};")
                else:
                    outputs.append(f"assign {pin} = {_net(bit)};")
        body = [*assigns, *outputs, *self.body]
        used = set(re.findall(r"\b[an]_\d+\b", "\n".join(body)))
        driven = set(self.registers) | {net for line in body for net in _driven(line)}
        if used - driven:
            raise RoutedError(f"net {min(used - driven)} is read and has no driver")
        wires = sorted(used - set(self.registers), key=lambda net: (net[0], int(net[2:])))
        lines = [f"module {TOP} (", ",\n".join(head), ");"]
        lines += [f"wire {', '.join(wires[i:i + 12])};" for i in range(0, len(wires), 12)]
        lines += [f"reg {net} = 1'b{value};" for net, value in self.registers.items()]
        return "\n".join([*lines, *body, "endmodule\n"])


def _net(bit) -> str:
    return bit if bit is None else f"n_{bit}"


def _driven(line: str) -> Iterable[str]:
    """Nets that a line of the body drives."""
    if match := re.match(r"assign ([an]_\d+) =", line):
        return [match[1]]
    # Outputs of a model are marked by the converters.
    return [net for pins in re.findall(r"/\*out\*/ \.\w+\(([^()]*)\)", line)
            for net in re.findall(r"[an]_\d+", pins)]


def routed_verilog(netlist: Path, family: str, folder: Path) -> str:
    """Turn a routed netlist into Verilog.

    Parameters
    ----------
    netlist : path
        What nextpnr wrote with ``--write``, of one module.
    family : str
        ``ecp5`` or ``gowin``.
    folder : path
        For a copy of the result, ``board.v``.

    Returns
    -------
    str
        The module ``board`` and those of its memories. Its ports are the design's; ``clk`` is the
        clock of the core, whether that comes from the pin, a PLL or the oscillator.

    Raises
    ------
    RoutedError
        A cell, pin or parameter is not known, or a net that is read has no driver.
    """
    check_choice("family", family, tuple(FAMILIES), BlockfactorError)
    design = json.loads(Path(netlist).read_text(encoding="utf-8"))
    tops = [module for module in design["modules"].values()
            if int(str(module.get("attributes", {}).get("top", "0")), 2)]
    modules = tops or list(design["modules"].values())
    if len(modules) != 1:
        raise RoutedError(f"{netlist} has {len(modules)} modules, must have one at the top")
    parts = [_Board(modules[0], FAMILIES[family]).text()]
    for name in ("block_ram", family):
        parts.append((_PRIMITIVES / f"{name}.v").read_text(encoding="utf-8"))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(parts)
    (folder / f"{TOP}.v").write_text(text, encoding="utf-8")
    return text
