"""How large and how fast a system will be on an FPGA, in milliseconds: no elaboration, no tools.

Block RAMs are counted as Yosys would make them; everything else is a sum of
:mod:`~.features` whose weights ``bench/estimate.py`` fits to syntheses, kept in ``estimate.json``.
"""

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from blockfactor.config import SystemConfig

from .board import Board
from .features import features
from .latency import POINTS, cycles
from .mapping import resources
from .memories import memories
from .parts import Part

__all__ = ["MODEL", "SEEDS", "TIGHT", "Estimate", "estimate", "estimate_board",
           "kind", "model", "size"]

#: File with the weights.
MODEL = Path(__file__).with_name("estimate.json")
#: How much slower the worst of some seeds of place and route is than the median.
SEEDS = .08
#: Share of a part's cells or memories from which a fit is tight.
TIGHT = .9
#: As in :mod:`~.top`, whose import takes longer than an estimate.
RESET_TIME, LIGHT_TIME = 100e-6, 20e-3


@dataclass(frozen=True)
class Estimate:
    """What a system is estimated to take of a part, and how fast it is.

    ``luts``, ``flip_flops``, ``cells`` as of :class:`~.build.BoardReport`; ``memories`` are block
    RAMs as the part has them, two small ones in one of a GateMate's. ``frequency`` is the median of
    several seeds of place and route, in MHz, ``clock`` what ``latency`` is at: microseconds by
    engine and codevectors, None where unknown. ``errors`` are relative, the largest that held-out
    designs of the family had.
    """

    part: str
    system: dict
    luts: int
    flip_flops: int
    memories: int
    memories_there: int
    cells: int
    cells_there: int
    frequency: float
    worst: float
    clock: float
    latency: dict[str, dict[str, float | None]]
    errors: dict

    @property
    def excess(self) -> dict[str, int]:
        """What there is too little of, and how much more is needed."""
        needs = {"logic cells": self.cells - self.cells_there,
                 "block RAMs": self.memories - self.memories_there}
        return {name: count for name, count in needs.items() if count > 0}

    @property
    def status(self) -> str:
        """``fits``, ``tight`` or ``does not fit``."""
        if self.excess:
            return "does not fit"
        fill = max(self.cells / self.cells_there, self.memories / self.memories_there)
        return "tight" if fill > TIGHT else "fits"

    @property
    def note(self) -> str:
        """How good this is."""
        return ", ".join(f"{name} {self.errors[figure]['held_out']:.0%}" for figure, name in (
            ("cells", "cells"), ("luts", "look-up tables"), ("flip_flops", "flip-flops"))
            ) + f" at most, clock {self.errors['clock']:.0%}, block RAMs none"

    def to_table(self) -> dict:
        """Plain table for JSON."""
        return asdict(self) | {"status": self.status, "excess": self.excess, "note": self.note}


@cache
def model() -> dict:
    """The weights, the clock's, the cycles, and how well they fit."""
    return json.loads(MODEL.read_text(encoding="utf-8"))


def kind(system: SystemConfig) -> str:
    """What sets the clock: the engines that there are, but registers beside a lane of join."""
    core = system.core
    if len(core.engines) > 1:
        return "both"
    if core.lanes > 1:
        return "lanes"
    return "join alone" if core.engines == ("join",) and system.front_end == "none" else (
        core.engines[0])


def size(weights: dict, part: Part, system: SystemConfig, around: int = 0) -> dict[str, float]:
    """Look-up tables, flip-flops and cells, by the weights of a family.

    Parameters
    ----------
    weights : dict
        By figure and feature.
    part : Part
    system : SystemConfig
    around : int
        Bits of the counters that a board adds.
    """
    counts = features(part, system)
    return {figure: around + sum(by_name.get(name, 0) * count for name, count in counts.items())
            for figure, by_name in weights.items()}


def estimate(part: Part, system: SystemConfig, around: int = 0,
             clock: float | None = None) -> Estimate:
    """Estimate a system, or the core alone where it has no front-end.

    Parameters
    ----------
    part : Part
    system : SystemConfig
    around : int
        As of :func:`size`.
    clock : float or None
        What the core runs at, in MHz; None: as fast as it can.
    """
    fitted = model()
    sizes = size(fitted["weights"][part.family], part, system, around)
    core = system.core
    frequency = fitted["clock"]["parts"][part.name] * fitted["clock"]["kinds"][kind(system)]
    used = clock or frequency
    latency: dict[str, dict[str, float | None]] = {engine: {} for engine in core.engines}
    for point in POINTS:
        for engine, mean in cycles(fitted["cycles"], core, point).items():
            latency[engine][str(point)] = None if mean is None else round(mean / used, 2)
    return Estimate(
        part=part.name, system=system.to_table(), **{k: round(v) for k, v in sizes.items()},
        memories=resources(part, memories(system)).places, memories_there=part.memories,
        cells_there=part.cells, frequency=round(frequency, 1),
        worst=round(frequency * (1 - SEEDS), 1), clock=round(used, 2), latency=latency,
        errors=fitted["errors"][part.family] | {"clock": fitted["clock"]["error"]})


def estimate_board(board: Board, system: SystemConfig) -> Estimate:
    """Estimate what is built for a board: its clock, and the counters around the system.

    Parameters
    ----------
    board : Board
    system : SystemConfig
        As :meth:`~.board.Board.system` gives it.
    """
    # Reset and light count as in top.py; with them a few flip-flops for button, lock and status.
    times = [RESET_TIME, *([LIGHT_TIME] if "led_running" in board.pins else [])]
    counters = sum(int(time * system.clock_hz).bit_length() + 1 for time in times)
    return estimate(board.part, system, counters + 6, system.clock_hz / 1e6)
