"""What each front-end costs on an FPGA, and what the registers and queues behind it cost."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from blockfactor.config import FRONT_ENDS
from blockfactor.rtl.bus.spi import SpiTarget
from blockfactor.rtl.bus.uart import LEAST_DIVISOR

from .parts import part
from .report import Report, build, measure, system_config

__all__ = ["DIVISORS", "PARTS", "PRESET", "REGISTERS", "Cost", "measure_front_ends", "section",
           "titles"]

#: Parts that front-ends are measured on.
PARTS = ("up5k", "ecp5-25f")
#: Whose registers and queues are measured; their number hardly depends on it.
PRESET = "join"
#: Name under which those are.
REGISTERS = "registers"
#: Clock cycles of a bit on the line, at least, of the front-ends that have one.
DIVISORS = {"spi": SpiTarget.clock_divisor, "uart": LEAST_DIVISOR}


@dataclass(frozen=True)
class Cost:
    """Figures of one front-end, or of registers and queues, on one part.

    ``frequency`` is in MHz, by seed; empty where there is none of its own: for wires, and for a
    difference of two designs. ``cells`` as in :class:`~blockfactor.boards.report.Report`.
    """

    name: str
    part: str
    luts: int
    flip_flops: int
    memories: int
    cells: int
    frequency: dict[int, float]
    tools: dict[str, str]

    def to_table(self) -> dict:
        """Plain table for JSON."""
        return dict(self.__dict__)


def measure_front_ends(parts=PARTS, seeds=(1, 2, 3), frequency: float | None = None, folder=None,
                       progress: Callable[[str], None] = lambda text: None,
                       names=(REGISTERS, *FRONT_ENDS[1:])) -> list[Cost]:
    """Measure each front-end alone in a harness, and what a system has besides core and front-end.

    The registers' cost is that of preset :data:`PRESET`'s system with the access port, which is
    wires, less that of its core: bank, windows and queues, and what the core has for them.

    Parameters
    ----------
    parts : iterable of str
    seeds, frequency, folder, progress
        As of :func:`~blockfactor.boards.report.measure`.
    names : iterable of str
        Which of :data:`REGISTERS` and the front-ends but ``none``.

    Raises
    ------
    ConfigError
        No such part.
    SynthesisError
        See :func:`~blockfactor.boards.report.measure`.
    """
    found = []
    for target in [part(name) for name in parts]:
        for name in names:
            def place(what, target=target):
                return Path(folder) / f"{target.name}-front-end-{what}" if folder else None

            if name == REGISTERS:
                # Cells do not depend on the seed, and the clock is the core's.
                system, core = (
                    measure(PRESET, target, None, list(seeds)[:1], frequency, place(what),
                            progress, what)
                    for what in ("native", "none"))
                found.append(_cost(REGISTERS, system, core))
            elif name == "native":
                found.append(Cost(name, target.name, 0, 0, 0, 0, {}, {}))
            else:
                top = import_module(f"blockfactor.rtl.bus.{name}").create(
                    system_config(PRESET, {}, name))
                found.append(_cost(name, build(
                    top, target, seeds, frequency, place(name), progress,
                    preset=f"front-end {name}", changes={}, front_end="none")))
    return found


def _cost(name: str, whole: Report, less: Report | None = None) -> Cost:
    """Figures of a design, or of what it has more than another."""
    fields = ("luts", "flip_flops", "memories", "cells")
    values = {f: getattr(whole, f) - (getattr(less, f) if less else 0) for f in fields}
    return Cost(name, whole.part, **values, frequency={} if less else whole.frequency,
                tools=whole.tools)


def titles() -> dict[str, str]:
    """What the rows of a table are called, by name of a cost."""
    config = system_config(PRESET, {}, "uart")
    return {
        REGISTERS: f"registers, windows and queues (`{PRESET}`)",
        "native": "native: the access port, wires",
        "spi": "SPI",
        "uart": f"UART ({config.baud:,} baud at {config.clock_hz / 1e6:g} MHz)",
        "wishbone": "Wishbone",
        "apb": "APB",
        "axi4lite": "AXI4-Lite",
    }


def section(costs: list[Cost], reports: list[Report] = ()) -> str:
    """Part of a page: what front-ends cost, and how fast the lines of the systems measured are."""
    lines = [
        "## Front-ends",
        "",
        "| | part | LUT4 | FF | BRAM | logic cells | MHz alone, worst | line |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    names = titles()
    for c in costs:
        clock = f"{min(c.frequency.values()):.1f}" if c.frequency else ""
        line = f"clock / {DIVISORS[c.name]} at most" if c.name in DIVISORS else ""
        lines.append(f"| {names[c.name]} | {part(c.part).about} | {c.luts:,} | {c.flip_flops:,} "
                     f"| {c.memories} | {c.cells:,} | {clock} | {line} |")
    lines += [
        "",
        "Each front-end alone in the harness. Registers, windows and queues: what a system with "
        f"the access port has more than the core, both of preset `{PRESET}`; the system holds the "
        "run parameters, which are the harness's where the core is measured alone.",
    ]
    systems = [r for r in reports if r.front_end in DIVISORS]
    if systems:
        lines += [
            "",
            "The core sets a system's clock, and the clock the fastest line:",
            "",
            "| system | part | MHz, worst | fastest line |",
            "|---|---|---:|---|",
        ]
        for r in systems:
            rate = r.worst / DIVISORS[r.front_end]
            lines.append(f"| {r.title} | {part(r.part).about} | {r.worst:.1f} | "
                         + (f"SCK {rate:.1f} MHz |" if r.front_end == "spi"
                            else f"{rate:.1f} Mbaud |"))
    return "\n".join(lines)
