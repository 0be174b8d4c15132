"""From a board and a preset to a bitstream that meets its clock."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from blockfactor.codebook_files import misfits
from blockfactor.config import SystemConfig
from blockfactor.errors import CodebookError
from blockfactor.tables import write_bytes, write_text

from .board import Board
from .families import FAMILIES
from .synthesis import (
    Netlist,
    Routed,
    RouterCrash,
    SynthesisError,
    pack,
    place_and_route,
    synthesise,
)
from .synthesis import tool_versions as versions
from .top import TOP, BoardTop

__all__ = ["BoardReport", "Design", "TimingError", "build", "default_folder"]


class TimingError(SynthesisError):
    """No seed meets the clock."""


@dataclass(frozen=True)
class BoardReport:
    """Figures of a board's bitstream.

    ``luts``, ``flip_flops``, ``memories``, ``multipliers`` count cells after synthesis; ``cells``
    what place and route takes, of ``cells_there``: look-up tables with those of carries and small
    memories, iCE40 logic cells, or GateMate's halves. ``frequency`` is in MHz, by seed;
    ``clock_hz`` what it is run at, and ``seed`` the one that was packed. ``design`` is a SHA-256 of
    what was synthesised. ``cycles``, where they were measured, are those of a clean query on
    average, by engine and number of codevectors.
    """

    board: str
    preset: str
    changes: dict[str, object]
    system: dict
    part: str
    clock_hz: float
    luts: int
    flip_flops: int
    memories: int
    memories_there: int
    multipliers: int
    cells: int
    cells_there: int
    frequency: dict[int, float]
    seed: int
    bitstream: str
    path: list[tuple[str, float, str]]
    tools: dict[str, str]
    design: str
    cycles: dict[str, dict[str, float | None]] = field(default_factory=dict)

    @property
    def front_end(self) -> str:
        """Of the system."""
        return self.system["front_end"]

    @property
    def worst(self) -> float:
        """Lowest frequency of all seeds, in MHz."""
        return min(self.frequency.values())

    @property
    def median(self) -> float:
        """Median frequency of all seeds, in MHz."""
        return median(self.frequency.values())

    def to_table(self) -> dict:
        """Plain table for JSON."""
        return asdict(self)

    @classmethod
    def from_table(cls, table: dict) -> "BoardReport":
        """Inverse of :meth:`to_table`."""
        return cls(**table | {"frequency": {int(k): v for k, v in table["frequency"].items()}})


def default_folder(board: Board) -> Path:
    """Where a board's files go unless told otherwise."""
    return Path("build") / board.name


@dataclass(frozen=True)
class Design:
    """What a board's tools are given: its top as RTLIL, and the constraints of its pins.

    ``clock_hz`` and ``fastest_hz`` as of :class:`~.top.BoardTop`.
    """

    board: Board
    rtlil: str
    constraints: str
    clock_hz: float
    fastest_hz: float

    @classmethod
    def of(cls, board: Board, system: SystemConfig, codebooks=None) -> "Design":
        """The design of a board with a system."""
        top = BoardTop(board, system, codebooks)
        pins = {name: board.pins[name] for name in top.ports}
        source = board.oscillator_hz if "clk" in pins else None
        constraints = FAMILIES[board.part.family].constraints(pins, source)
        return cls(board, top.to_rtlil(), constraints, top.clock_hz, top.fastest_hz)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        text = "\0".join([self.rtlil, self.constraints, repr(self.board.part)])
        return hashlib.sha256(text.encode()).hexdigest()

    def synthesise(self, folder: Path) -> tuple[Netlist, str]:
        """Its netlist, and the name of the file of its constraints, both in ``folder``."""
        netlist = synthesise(self.rtlil, TOP, self.board.part, folder)
        file = f"{TOP}{netlist.family.suffix}"
        (folder / file).write_text(self.constraints, encoding="utf-8")
        return netlist, file


def build(board: Board, preset: str | None = None, front_end: str | None = None,
          changes: dict | None = None, *, seeds=(1, 2, 3), folder=None, codebooks=None,
          clock_hz: int | None = None, baud: int | None = None, all_seeds: bool = False,
          progress: Callable[[str], None] = lambda text: None) -> BoardReport:
    """Build a board's bitstream.

    Seeds are tried until one meets the clock.

    Parameters
    ----------
    board : Board
    preset, front_end, changes, clock_hz, baud
        As of :meth:`~.board.Board.system`.
    seeds : iterable of int
        Of place and route.
    folder : path or None
        For all files; None: :func:`default_folder`. It keeps the bitstream, ``report.json`` and
        the tools' logs.
    codebooks : Codebooks or None
        Initial content of the codebook memory.
    all_seeds : bool
        Try all, pack the fastest.
    progress : callable
        Told what begins.

    Raises
    ------
    ConfigError, CodebookError
        Something wrong was asked for.
    SynthesisError
        A tool is missing or failed, or the design does not fit; a crash after routing only where
        no seed is left.
    TimingError
        No seed meets the clock; ``report.json`` is written, a bitstream is not.
    """
    system = board.system(preset, front_end, changes, clock_hz, baud)
    for problem in misfits(codebooks, system.core) if codebooks is not None else ():
        raise CodebookError(problem)
    preset = preset or board.preset
    folder = Path(folder) if folder else default_folder(board)
    label = f"{board.name}, {preset} with {system.front_end}"
    progress(f"{label}: synthesis")
    design = Design.of(board, system, codebooks)
    netlist, constraints = design.synthesise(folder)
    target = design.fastest_hz / 1e6
    routed: list[Routed] = []
    frequency: dict[int, float] = {}
    crash = None
    for seed in seeds:
        progress(f"{label}: place and route, seed {seed}")
        try:
            routed.append(place_and_route(netlist, seed, target, constraints=constraints))
        except RouterCrash as problem:
            # Its clock counts as any other's, but there is nothing to pack.
            crash, frequency[seed] = problem, round(problem.frequency, 2)
            continue
        frequency[seed] = round(routed[-1].frequency, 2)
        if routed[-1].frequency >= target and not all_seeds:
            break
    if not routed:
        raise crash
    best = max(routed, key=lambda r: r.frequency)
    meets = best.frequency >= target
    report = BoardReport(
        board=board.name, preset=preset, changes=dict(changes or {}), system=system.to_table(),
        part=board.part.name, clock_hz=design.clock_hz, luts=netlist.luts,
        flip_flops=netlist.flip_flops, memories=netlist.memories,
        memories_there=board.part.memories, multipliers=netlist.multipliers,
        cells=max(r.cells for r in routed), cells_there=board.part.cells,
        frequency=frequency, seed=best.seed,
        bitstream=f"{board.name}{netlist.family.bitstream}" if meets else "",
        path=best.path, tools=versions(board.part), design=design.digest)
    bitstream = folder / f"{board.name}{netlist.family.bitstream}"
    bitstream.unlink(missing_ok=True)  # of an earlier build
    if meets:
        progress(f"{label}: bitstream")
        write_bytes(bitstream, pack(best).read_bytes())
    write_text(folder / "report.json", json.dumps(report.to_table(), indent=2) + "\n")
    if not meets:
        raise TimingError(
            f"{board.name}: no seed of {len(routed)} meets {target:.2f} MHz, the best has "
            f"{best.frequency:.2f}: ask for more with --seeds, or for a slower clock with --clock")
    return report
