"""A cell of a routed netlist, of which every parameter and pin has to be accounted for."""

import re
from itertools import count

from blockfactor.errors import BlockfactorError

__all__ = ["Cell", "RoutedError", "auxiliary", "flip_flop", "instance"]

_CONSTANTS = ("1'b0", "1'b1")
_numbers = count(1)


def auxiliary() -> str:
    """A name for a net that the netlist does not have."""
    return f"a_{next(_numbers)}"


def instance(model: str, parameters: dict, inputs: dict, outputs: dict) -> str:
    """Text of an instance of a model; the mark says which pins drive nets."""
    values = ", ".join(f".{name}({value})" for name, value in parameters.items())
    pins = [f".{pin}({net})" for pin, net in inputs.items()]
    pins += [f"/*out*/ .{pin}({net})" for pin, net in outputs.items()]
    return f"{model} #({values}) u_{next(_numbers)} ({', '.join(pins)});"


def flip_flop(clock: str, net: str, data: str, enable: str = "1'b1", reset: str = "1'b0",
              value: int = 0, kind: str = "sync") -> str:
    """Text of a flip-flop; ``kind`` says how its reset goes: sync, async or enabled."""
    edge = f"negedge {clock[1:]}" if clock.startswith("~") else f"posedge {clock}"
    store = f"{net} <= {data};"
    if reset != _CONSTANTS[0] and kind == "enabled":
        store = f"{net} <= {reset} ? 1'b{value} : {data};"
    if enable != _CONSTANTS[1]:
        store = f"if ({enable}) {store}"
    if reset != _CONSTANTS[0] and kind != "enabled":
        store = f"if ({reset}) {net} <= 1'b{value}; else {store}"
        if kind == "async":
            inverted = reset.startswith("~")
            edge += f" or {'negedge' if inverted else 'posedge'} {reset.lstrip('~')}"
    return f"always @({edge}) {store}"


class RoutedError(BlockfactorError):
    """A routed netlist that cannot be turned into Verilog."""


class Cell:
    """Reads a cell of nextpnr's JSON.

    Parameters
    ----------
    name : str
    data : dict
        As in the file.

    Attributes
    ----------
    constants : dict
        Values of nets that are constant; filled in when they are known.
    """

    def __init__(self, name: str, data: dict):
        self.name = name
        self.type = data["type"]
        self.attributes = data.get("attributes", {})
        self.constants: dict[str, str] = {}
        # A space at the end tells strings that look like numbers from numbers.
        self._parameters = {key: value.removesuffix(" ") if isinstance(value, str) else str(value)
                            for key, value in data["parameters"].items()}
        self._pins = {}
        for pin, bits in data["connections"].items():
            if len(bits) == 1:
                self._pins[pin] = bits[0]
            for i, bit in enumerate(bits if len(bits) > 1 else ()):
                self._pins[f"{pin}{i}"] = bit
        # One-bit vectors look like scalars.
        self._pins = {re.sub(r"\[(\d+)\]$", r"\1", pin): bit for pin, bit in self._pins.items()}
        self._taken: set[str] = set()

    def fail(self, message: str):
        """Raise an error that names the cell."""
        raise RoutedError(f"cell {self.name} ({self.type}): {message}")

    def peek(self, pin: str) -> str | None:
        """The net at a pin, if any."""
        bit = self._pins.get(pin)
        return f"n_{bit}" if isinstance(bit, int) else None

    def nets(self) -> set[str]:
        """Nets at all pins."""
        return {f"n_{bit}" for bit in self._pins.values() if isinstance(bit, int)}

    def has(self, parameter: str) -> bool:
        """Whether a parameter is given."""
        return parameter in self._parameters

    def choice(self, parameter: str, allowed, default: str) -> str:
        """Value of a parameter, one of ``allowed``."""
        self._taken.add(parameter)
        value = self._parameters.get(parameter, default)
        if value not in allowed:
            self.fail(f"{parameter} {value!r} is not one of {', '.join(allowed)}")
        return value

    def number(self, parameter: str, default: int, allowed=None) -> int:
        """Value of a parameter written in binary."""
        self._taken.add(parameter)
        text = self._parameters.get(parameter, f"{default:b}")
        if not re.fullmatch("[01x]+", text):
            self.fail(f"{parameter} {text!r} is not a binary number")
        value = int(text.replace("x", "0"), 2)
        if allowed is not None and value not in allowed:
            self.fail(f"{parameter} {value} is not one of {', '.join(map(str, allowed))}")
        return value

    def ignore(self, *parameters: str) -> None:
        """Accept parameters that change nothing in simulation, whatever they are."""
        self._taken.update(parameters)

    def ignore_pins(self, *pins: str) -> None:
        """Accept pins that change nothing in simulation."""
        self._taken.update(pins)

    def input(self, pin: str, default: int = 1) -> str:
        """Expression of an input; the parameter ``<pin>MUX`` can invert or replace it."""
        self._taken.add(pin)
        bit = self._pins.get(pin)
        if isinstance(bit, int):
            text = self.constants.get(f"n_{bit}", f"n_{bit}")
        elif bit in ("0", "1"):
            text = f"1'b{bit}"
        else:
            text = f"1'b{default}"
        mux = self.choice(f"{pin}MUX", (pin, "INV", "0", "1"), pin)
        if mux in ("0", "1"):
            return f"1'b{mux}"
        if mux == "INV":
            return f"1'b{int(text == _CONSTANTS[0])}" if text in _CONSTANTS else f"~{text}"
        return text

    def inputs(self, pin: str, width: int, default: int = 1) -> str:
        """Expression of a vector of inputs."""
        return "{" + ", ".join(self.input(f"{pin}{i}", default)
                               for i in reversed(range(width))) + "}"

    def must_be(self, pin: str, value: int, default: int = 1) -> None:
        """Refuse an input that is not a constant."""
        found = self.input(pin, default)
        if found != f"1'b{value}":
            self.fail(f"input {pin} is {found}, must be {value}")

    def output(self, pin: str) -> str | None:
        """Net of an output, or None."""
        self._taken.add(pin)
        return self.peek(pin)

    def outputs(self, pin: str, width: int) -> str:
        """Nets of a vector of outputs; unconnected ones get names of their own."""
        nets = [self.output(f"{pin}{i}") or auxiliary() for i in range(width)]
        return "{" + ", ".join(reversed(nets)) + "}"

    def check_all_taken(self) -> None:
        """Refuse parameters and connected pins that nobody has asked for."""
        for parameter, value in self._parameters.items():
            if parameter not in self._taken:
                self.fail(f"parameter {parameter} = {value!r} is not known")
        for pin, bit in self._pins.items():
            if pin not in self._taken and bit is not None:
                self.fail(f"pin {pin} is not known")
