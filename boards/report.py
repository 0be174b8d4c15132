"""How large and how fast cores are on FPGAs: figures, tables, and the bounds they must keep."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from blockfactor.config import CoreConfig
from blockfactor.presets import preset
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.verilog import to_rtlil

from .harness import Harness
from .parts import Part, part
from .synthesis import place_and_route, synthesise, tool_versions

__all__ = ["BOUNDS", "COMMAND", "Bound", "Report", "markdown", "measure", "title"]

#: The command that writes docs/area.md.
COMMAND = "blockfactor report --check --markdown docs/area.md"


@dataclass(frozen=True)
class Bound:
    """What a core must keep on a part, by the worst of the seeds.

    ``changes`` are fields of the preset's configuration; limits are None where there are none.
    """

    preset: str
    part: str
    changes: dict[str, object] = field(default_factory=dict)
    min_frequency: float | None = None
    max_cells: int | None = None
    max_luts: int | None = None


#: Cells and look-up tables are those of the core without its harness.
BOUNDS = (
    Bound("tiny", "up5k", {}, 30.0, max_cells=4200 - 1),
    Bound("tiny", "up5k", {"query_entries": 1, "weight_bits": 1}, 30.0, max_cells=2900 - 1),
    Bound("paper", "ecp5-25f", {}, 80.0, max_luts=2900 - 1),
    Bound("join", "up5k", {}, 38.0, max_cells=1900 - 1),
    Bound("fast", "ecp5-25f", {}, 95.0, max_luts=3400 - 1),
    # 1,000 of 5,280 cells are left for a bus.
    Bound("both", "up5k", {}, None, max_cells=4280),
)


@dataclass(frozen=True)
class Report:
    """Figures of one core on one part, without those of its harness.

    ``cells`` are iCE40 logic cells, or ECP5 look-up tables with those of carries and small
    memories; ``luts`` those of logic alone. ``frequency`` is in MHz, by seed.
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

    @property
    def worst(self) -> float:
        """Lowest frequency of all seeds, in MHz."""
        return min(self.frequency.values())

    def problems(self, bounds=BOUNDS) -> list[str]:
        """Say which bounds, of those for this core and part, it does not keep."""
        found = []
        for bound in bounds:
            if (bound.preset, bound.part, bound.changes) != (self.preset, self.part, self.changes):
                continue
            name = f"{title(self.preset, self.changes)} on {self.part}"
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


def title(name: str, changes: dict) -> str:
    """Name of a preset with what was changed in it."""
    return ", ".join([name, *(f"{key}={value}" for key, value in changes.items())])


def measure(name: str, target: str | Part, changes: dict | None = None, seeds=(1, 2, 3),
            frequency: float | None = None, folder=None,
            progress: Callable[[str], None] = lambda text: None) -> Report:
    """Synthesise a preset's core in a harness, and place and route it once for each seed.

    Parameters
    ----------
    name : str
        Preset.
    target : str or Part
    changes : dict or None
        Fields of the configuration to change.
    frequency : float or None
        Which place and route aims at, in MHz; None: the part's.
    folder : path or None
        Keep the tools' files there; None: in a temporary folder.
    progress : callable
        Told what begins.

    Raises
    ------
    ConfigError
        No such preset, part or field, or a wrong value.
    SynthesisError
        A tool is missing or failed; the core does not fit; it has a latch or a combinational loop.
    """
    chosen = part(target) if isinstance(target, str) else target
    changes = dict(changes or {})
    core: CoreConfig = preset(name).core.replace(**changes)
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="blockfactor-") as place:
            return measure(name, chosen, changes, seeds, frequency, place, progress)
    label = f"{title(name, changes)} on {chosen.name}"
    progress(f"{label}: synthesis")
    harness = Harness(Factorizer(core))
    netlist = synthesise(to_rtlil(harness, "harness"), "harness", chosen, Path(folder))
    routed = []
    for seed in seeds:
        progress(f"{label}: place and route, seed {seed}")
        routed.append(place_and_route(netlist, seed, frequency))
    worst = min(routed, key=lambda r: r.frequency)
    ice40 = chosen.family == "ice40"
    most = max(r.cells for r in routed)
    return Report(
        preset=name, changes=changes, part=chosen.name,
        luts=netlist.luts - harness.luts, flip_flops=netlist.flip_flops - harness.cells,
        memories=netlist.memories, lut_memories=netlist.lut_memories,
        multipliers=netlist.multipliers, carries=netlist.carries,
        cells=most - (harness.cells if ice40 else harness.luts), cells_with_harness=most,
        harness_flip_flops=harness.cells, harness_luts=harness.luts,
        frequency={r.seed: round(r.frequency, 2) for r in routed}, path=worst.path,
        latches=netlist.latches, mapper=netlist.mapper,
        tools=tool_versions(chosen))


def markdown(reports: list[Report], command: str = COMMAND) -> str:
    """Text of a page with the figures."""
    lines = [
        "# Area and clock frequency",
        "",
        f"Made by `{command}`.",
        "",
        "| core | part | LUT4 | FF | BRAM | DSP | logic cells | with harness "
        "| MHz, median | MHz, by seed |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for r in reports:
        values = r.frequency.values()
        lines.append(
            f"| {title(r.preset, r.changes)} | {part(r.part).about} | {r.luts:,} "
            f"| {r.flip_flops:,} | {r.memories} | {r.multipliers} | {r.cells:,} "
            f"| {r.cells_with_harness:,} | {median(values):.1f} "
            f"| {' / '.join(f'{value:.1f}' for value in values)} |")
    lines += [
        "",
        "No core has a latch or a combinational loop; that is checked in every synthesis.",
        "",
        "- **LUT4**: look-up tables of four inputs used as logic.",
        "- **Logic cells**: iCE40: cells in use, each a look-up table, a flip-flop and a carry. "
        "ECP5: look-up tables in use, with those of carries and 16-row memories.",
        "- **With harness**: the core has more ports than an FPGA has pins. In these builds every "
        "input comes from a flip-flop of a shift register, and all outputs are folded into one "
        "pin. The harness's cells are taken off in the other columns; the flip-flops it needs for "
        "the run parameters are needed in any system.",
        "- **MHz**: the highest frequency of the routed design at the slowest process corner, "
        "one run of place and route for each seed.",
        "",
        "Tools: " + ", ".join(
            f"{name} {version}" for name, version in sorted(
                {item for r in reports for item in r.tools.items()})) + ".",
    ]
    return "\n".join(lines) + "\n"
