"""What a board is: an FPGA, its pins, its clock, and what suits it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module

from blockfactor.config import SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.presets import preset

from .parts import Part

__all__ = ["FRONT_ENDS", "LEDS", "SIGNALS", "Board", "Definition", "Pin"]

#: Front-ends that a board can have pins for.
FRONT_ENDS = {"uart": ("rx", "tx"), "spi": ("sck", "cs_n", "copi", "cipo")}
#: What light-emitting diodes show, in the order in which a board's are given to it.
LEDS = ("idle", "running", "accepted", "error")
#: Everything that can be at a pin, and its direction as the FPGA sees it; ``high`` is always 1.
SIGNALS = {"clk": "in", "button": "in", "rx": "in", "tx": "out", "sck": "in", "cs_n": "in",
           "copi": "in", "cipo": "out", "irq": "out", "high": "out",
           **{f"led_{name}": "out" for name in LEDS}}


@dataclass(frozen=True)
class Pin:
    """A pin of the FPGA.

    Parameters
    ----------
    name : str
        As the tools call it.
    where : str
        As the board does.
    inverted : bool
        Low means on, or pressed.
    standard : str
        Input and output standard, in the family's words; empty: the tools' default.
    pull : str
        ``up``, ``down`` or nothing.
    """

    name: str
    where: str = ""
    inverted: bool = False
    standard: str = ""
    pull: str = ""


class Definition:
    """A board's definition in amaranth-boards, as far as pins are concerned.

    Parameters
    ----------
    name : str
        Module and class, with a colon between.
    """

    def __init__(self, name: str):
        module, _, class_name = name.partition(":")
        self._platform = getattr(import_module(f"amaranth_boards.{module}"), class_name)()

    def pin(self, resource: str, number: int = 0, signal: str | None = None, bit: int = 0,
            where: str = "") -> Pin:
        """Pin of a resource, or of a part of one."""
        # Here: listing boards need not wait for it.
        from amaranth.build import Pins, Subsignal
        found = self._platform.lookup(resource, number)
        ios, attributes = found.ios, dict(found.attrs)
        if signal is not None:
            sub = next(io for io in ios if isinstance(io, Subsignal) and io.name == signal)
            ios, attributes = sub.ios, attributes | dict(sub.attrs)
        pins = next(io for io in ios if isinstance(io, Pins))
        names = pins.map_names(self._platform._conn_pins, found)
        return Pin(names[bit], where, pins.invert, _standard(attributes), _pull(attributes))

    def connector(self, name: str, number: int | str, pin: str, where: str, **options) -> Pin:
        """Pin of a connector; ``options`` as of :class:`Pin`."""
        key = f"{name}_{number}:{pin}"
        return Pin(self._platform._conn_pins[key], where, **options)


def _standard(attributes: Mapping) -> str:
    text = attributes.get("IO_TYPE") or attributes.get("IO_STANDARD") or ""
    return "" if text.startswith("SB_") else text


def _pull(attributes: Mapping) -> str:
    pull = attributes.get("PULLMODE") or attributes.get("PULL_MODE") or ""
    if attributes.get("PULLUP"):
        pull = "UP"
    return pull.lower() if pull.lower() in ("up", "down") else ""


@dataclass(frozen=True)
class Board:
    """A board that a system can be built for.

    Parameters
    ----------
    name : str
        As in commands.
    title : str
        As people call it.
    part : Part
    pin_table : callable
        Returns the pins by name of :data:`SIGNALS`. One without ``clk`` uses the FPGA's oscillator.
        LEDs may be fewer than :data:`LEDS`.
    oscillator_hz : int
        Frequency at the pin ``clk``, or of the FPGA's own oscillator.
    clock_hz : int
        Of the core; from a PLL where it is another than ``oscillator_hz``.
    preset : str
        That suits it.
    front_end : str
        That suits it.
    serial : str
        What the serial line goes through: words for people.
    baud : int
    notes : tuple of str
        What a user has to know, a sentence each.
    packed_only : bool
        Tools finish; nobody has reported the board's definition, or the family's open tools, to
        work.
    """

    name: str
    title: str
    part: Part
    pin_table: Callable[[], dict[str, Pin]]
    oscillator_hz: int
    clock_hz: int
    preset: str = "join"
    front_end: str = "uart"
    serial: str = ""
    baud: int = 1_000_000
    notes: tuple[str, ...] = ()
    packed_only: bool = False

    @cached_property
    def pins(self) -> dict[str, Pin]:
        """Pins by signal."""
        pins = self.pin_table()
        for name in pins:
            if name not in SIGNALS:
                raise ConfigError(f"board {self.name}: no signal {name!r}")
        return pins

    @property
    def front_ends(self) -> tuple[str, ...]:
        """Front-ends it has pins for."""
        return tuple(name for name, needs in FRONT_ENDS.items() if set(needs) <= set(self.pins))

    def system(self, preset_name: str | None = None, front_end: str | None = None,
               changes: dict | None = None, clock_hz: int | None = None,
               baud: int | None = None) -> SystemConfig:
        """The system that is built, of what suits the board and what is asked for.

        Raises
        ------
        ConfigError
            No such preset, field or front-end; a wrong value; the board has no pins for it.
        """
        front_end = front_end or self.front_end
        if front_end not in self.front_ends:
            raise ConfigError(f"front_end {front_end!r}: board {self.name} has pins for "
                              f"{', '.join(self.front_ends)}")
        core = preset(preset_name or self.preset).core.replace(**(changes or {}))
        return SystemConfig(core=core, front_end=front_end, clock_hz=clock_hz or self.clock_hz,
                            baud=baud or self.baud, board=self.name)
