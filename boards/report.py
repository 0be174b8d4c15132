"""How large and how fast cores are on FPGAs: figures, tables, and the bounds they must keep."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from amaranth.lib import wiring

from blockfactor.config import SystemConfig
from blockfactor.presets import preset
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.system import System
from blockfactor.rtl.verilog import to_rtlil

from .harness import Harness
from .parts import Part, part
from .synthesis import place_and_route, synthesise, tool_versions

__all__ = ["BOUNDS", "COMMAND", "Bound", "Report", "build", "markdown", "measure",
           "system_config", "title"]

#: The command that writes docs/area.md.
COMMAND = "blockfactor report --check --front-ends --markdown docs/area.md"


@dataclass(frozen=True)
class Bound:
    """What a core, or a system with a front-end, must keep on a part, by the worst of the seeds.

    ``changes`` are fields of the preset's configuration; limits are None where there are none.
    """

    preset: str
    part: str
    changes: dict[str, object] = field(default_factory=dict)
    min_frequency: float | None = None
    max_cells: int | None = None
    max_luts: int | None = None
    front_end: str = "none"


#: Cells and look-up tables are those without the harness. A system has to fit, which is a bound of
#: its own: nextpnr fails otherwise.
BOUNDS = (
    Bound("tiny", "up5k", {}, 30.0, max_cells=4200 - 1),
    Bound("tiny", "up5k", {"query_entries": 1, "weight_bits": 1}, 30.0, max_cells=2900 - 1),
    Bound("paper", "ecp5-25f", {}, 80.0, max_luts=2900 - 1),
    Bound("join", "up5k", {}, 38.0, max_cells=1900 - 1),
    Bound("fast", "ecp5-25f", {}, 95.0, max_luts=3400 - 1),
    # 1,000 of 5,280 cells are left for a bus.
    Bound("both", "up5k", {}, None, max_cells=4280),
    Bound("both", "up5k", {}, 28.0, front_end="spi"),
    Bound("join", "up5k", {}, 28.0, front_end="spi"),
    Bound("join", "up5k", {}, 28.0, front_end="uart"),
)


@dataclass(frozen=True)
class Report:
    """Figures of one core or system on one part, without those of its harness.

    ``front_end`` is that of the system, ``none`` for the core alone. ``cells`` are iCE40 logic
    cells, or ECP5 look-up tables with those of carries and small memories; ``luts`` those of logic
    alone. ``frequency`` is in MHz, by seed.
    """

    preset: str
    changes: dict[str, object]
    part: str
    luts: int
    flip_flops: int
    memories: int
    lut_memories: int
    multipliers: int
    carries: int
    cells: int
    cells_with_harness: int
    harness_flip_flops: int
    harness_luts: int
    frequency: dict[int, float]
    path: list[tuple[str, float, str]]
    latches: int
    mapper: str
    tools: dict[str, str]
    front_end: str = "none"

    @property
    def title(self) -> str:
        """Preset, what was changed in it, and the front-end if there is one."""
        return title(self.preset, self.changes, self.front_end)

    @property
    def worst(self) -> float:
        """Lowest frequency of all seeds, in MHz."""
        return min(self.frequency.values())

    def problems(self, bounds=BOUNDS) -> list[str]:
        """Say which bounds, of those for this core or system and part, it does not keep."""
        found = []
        for bound in bounds:
            if (bound.preset, bound.part, bound.changes, bound.front_end) != (
                    self.preset, self.part, self.changes, self.front_end):
                continue
            name = f"{self.title} on {self.part}"
            if bound.min_frequency and self.worst < bound.min_frequency:
                found.append(f"{name}: {self.worst:.1f} MHz, must be at least "
                             f"{bound.min_frequency:g}")
            for what, have, most in (("logic cells", self.cells, bound.max_cells),
                                     ("look-up tables", self.luts, bound.max_luts)):
                if most is not None and have > most:
                    found.append(f"{name}: {have:,} {what}, must be at most {most:,}")
        return found

    def to_table(self) -> dict:
        """Plain table for JSON."""
        return dict(self.__dict__)


def title(name: str, changes: dict, front_end: str = "none") -> str:
    """Name of a preset with what was changed in it, and the front-end if there is one."""
    what = name if front_end == "none" else f"{name} with {front_end}"
    return ", ".join([what, *(f"{key}={value}" for key, value in changes.items())])


def measure(name: str, target: str | Part, changes: dict | None = None, seeds=(1, 2, 3),
            frequency: float | None = None, folder=None,
            progress: Callable[[str], None] = lambda text: None,
            front_end: str = "none") -> Report:
    """Synthesise a preset's core or system in a harness, place and route it once for each seed.

    Parameters
    ----------
    name : str
        Preset.
    target : str or Part
    changes : dict or None
        Fields of the core's configuration to change.
    frequency : float or None
        Which place and route aims at, in MHz; None: the part's.
    folder : path or None
        Keep the tools' files there; None: in a temporary folder.
    progress : callable
        Told what begins.
    front_end : str
        Of :data:`~blockfactor.config.FRONT_ENDS`. With ``none`` the core alone is measured.

    Raises
    ------
    ConfigError
        No such preset, part, field or front-end, or a wrong value.
    SynthesisError
        A tool is missing or failed; it does not fit; it has a latch or a combinational loop.
    """
    chosen = part(target) if isinstance(target, str) else target
    changes = dict(changes or {})
    config = system_config(name, changes, front_end)
    top = Factorizer(config.core) if front_end == "none" else System(config)
    return build(top, chosen, seeds, frequency, folder, progress,
                 preset=name, changes=changes, front_end=front_end, reset=front_end != "none")


def system_config(name: str, changes: dict, front_end: str) -> SystemConfig:
    """A preset's system with fields of its core, and the front-end, changed."""
    system = preset(name).system
    return replace(system, core=system.core.replace(**changes), front_end=front_end)


def build(top: wiring.Component, target: Part, seeds=(1, 2, 3), frequency: float | None = None,
          folder=None, progress: Callable[[str], None] = lambda text: None, *, preset: str,
          changes: dict, front_end: str, reset: bool = True) -> Report:
    """Figures of any component, under the names given; see :func:`measure`.

    ``reset`` as of :class:`~.harness.Harness`.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="blockfactor-") as place:
            return build(top, target, seeds, frequency, place, progress,
                         preset=preset, changes=changes, front_end=front_end, reset=reset)
    label = f"{title(preset, changes, front_end)} on {target.name}"
    progress(f"{label}: synthesis")
    harness = Harness(top, reset)
    netlist = synthesise(to_rtlil(harness, "harness"), "harness", target, Path(folder))
    routed = []
    for seed in seeds:
        progress(f"{label}: place and route, seed {seed}")
        routed.append(place_and_route(netlist, seed, frequency))
    worst = min(routed, key=lambda r: r.frequency)
    most = max(r.cells for r in routed)
    return Report(
        preset=preset, changes=changes, part=target.name, front_end=front_end,
        luts=netlist.luts - harness.luts, flip_flops=netlist.flip_flops - harness.cells,
        memories=netlist.memories, lut_memories=netlist.lut_memories,
        multipliers=netlist.multipliers, carries=netlist.carries,
        cells=most - (harness.cells if target.family == "ice40" else harness.luts),
        cells_with_harness=most, harness_flip_flops=harness.cells, harness_luts=harness.luts,
        frequency={r.seed: round(r.frequency, 2) for r in routed}, path=worst.path,
        latches=netlist.latches, mapper=netlist.mapper,
        tools=tool_versions(target))


def markdown(reports: list[Report], command: str = COMMAND, sections: list[str] = (),
             tools: dict[str, str] | None = None) -> str:
    """Text of a page with the figures.

    Parameters
    ----------
    reports : list of Report
    command : str
        That made them.
    sections : list of str
        Markdown that follows.
    tools : dict or None
        Versions by name of what the sections were made with.
    """
    lines = ["# Area and clock frequency", "", f"Made by `{command}`.", ""]
    if reports:
        lines += _cores(reports)
    versions = {item for table in (*(r.tools for r in reports), tools or {})
                for item in table.items()}
    for section in sections:
        lines += [section, ""]
    lines.append("Tools: " + ", ".join(f"{name} {version}"
                                       for name, version in sorted(versions)) + ".")
    return "\n".join(lines) + "\n"


def _cores(reports: list[Report]) -> list[str]:
    """Lines of the part about cores and systems."""
    lines = [
        "| core or system | part | LUT4 | FF | BRAM | DSP | logic cells | with harness "
        "| MHz, median | MHz, by seed |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for r in reports:
        values = r.frequency.values()
        lines.append(
            f"| {r.title} | {part(r.part).about} | {r.luts:,} "
            f"| {r.flip_flops:,} | {r.memories} | {r.multipliers} | {r.cells:,} "
            f"| {r.cells_with_harness:,} | {median(values):.1f} "
            f"| {' / '.join(f'{value:.1f}' for value in values)} |")
    return lines + [
        "",
        "A name alone is the core; `with` a front-end it is the whole system: the core, its "
        "registers and queues, and the front-end. No design has a latch or a combinational loop; "
        "that is checked in every synthesis.",
        "",
        "- **LUT4**: look-up tables of four inputs used as logic.",
        "- **Logic cells**: iCE40: cells in use, each a look-up table, a flip-flop and a carry. "
        "ECP5: look-up tables in use, with those of carries and 16-row memories.",
        "- **With harness**: the core has more ports than an FPGA has pins. In these builds every "
        "input comes from a flip-flop of a shift register, and all outputs are folded into one "
        "pin. The harness's cells are taken off in the other columns. For a core they include the "
        "flip-flops of the run parameters, which any system needs. Systems are built in the "
        "harness too, so that their figures compare and the paths from and to their pins count; "
        "with SPI or UART it takes a few cells, and the run parameters are the system's own.",
        "- **MHz**: the highest frequency of the routed design at the slowest process corner, "
        "one run of place and route for each seed.",
        "",
    ]
