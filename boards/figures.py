"""Figures of all boards: each built with several seeds, and how long its engines take."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from .board import Board
from .build import BoardReport, Design, build
from .latency import POINTS
from .latency_run import mean_cycles

__all__ = ["MINIMUM_MHZ", "TRIALS", "load", "measure_boards", "problems", "save"]

#: Runs that a mean of cycles is taken of.
TRIALS = 1000
#: What the slowest seed must reach at least, in MHz, with the board's own preset.
MINIMUM_MHZ = {"icebreaker": 30, "hx8k-breakout": 65, "ulx3s-25f": 80, "ulx3s-85f": 80,
               "tang-nano-9k": 50, "tang-nano-20k": 75}


def measure_boards(boards: Iterable[Board], seeds: Iterable[int], folder: Path, jobs: int = 1,
                   progress: Callable[[str], None] = lambda text: None) -> list[BoardReport]:
    """Build boards with their own presets, and measure the cycles of the benchmark points.

    What is in ``folder`` already, of the same design, tools and seeds, is not built again: an
    interrupted measurement goes on.

    Parameters
    ----------
    boards : iterable of Board
    seeds : iterable of int
        All are tried.
    folder : Path
        Gets a folder for each board.
    jobs : int
        Boards that are built at the same time.
    progress : callable
        Told what begins.

    Raises
    ------
    SynthesisError, TimingError
        See :func:`~.build.build`.
    """
    boards, seeds = list(boards), list(seeds)

    def one(board: Board) -> BoardReport:
        place = folder / board.name
        report = _kept(board, seeds, place)
        if report is None:
            report = build(board, seeds=seeds, folder=place, all_seeds=True, progress=progress)
        return report

    # One that fails is no reason to lose the others: it is told of when all have been tried.
    with ThreadPoolExecutor(jobs) as pool:
        tried = [pool.submit(one, board) for board in boards]
    reports = [future.result() for future in tried]
    found = []
    for board, report in zip(boards, reports):
        progress(f"{board.name}: cycles")
        core = board.system().core
        found.append(replace(report, cycles={
            engine: {str(size): mean_cycles(core, engine, size, TRIALS) for size in POINTS}
            for engine in core.engines}))
    return found


def _kept(board: Board, seeds: list[int], folder: Path) -> BoardReport | None:
    """The report of an earlier build, if it is of the same design."""
    from .synthesis import tool_versions
    try:
        report = BoardReport.from_table(json.loads((folder / "report.json").read_text()))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    same = (report.design == Design.of(board, board.system()).digest
            and list(report.frequency) == seeds and report.tools == tool_versions(board.part)
            and report.bitstream)
    return report if same else None


def problems(reports: Iterable[BoardReport]) -> list[str]:
    """Which boards do not keep their clock with every seed, or their :data:`MINIMUM_MHZ`."""
    found = []
    for report in reports:
        least = MINIMUM_MHZ.get(report.board, 0)
        if report.worst < least:
            found.append(f"{report.board}: {report.worst:.1f} MHz with the worst seed, must be at "
                         f"least {least}")
    return found


def save(path: Path, reports: list[BoardReport]) -> None:
    """Write figures as JSON, without critical paths."""
    from blockfactor.tables import write_text
    rows = [{**report.to_table(), "path": []} for report in reports]
    write_text(path, json.dumps(rows, indent=1) + "\n")


def load(path: Path) -> list[BoardReport]:
    """Read what :func:`save` wrote."""
    return [BoardReport.from_table(row) for row in json.loads(Path(path).read_text())]
