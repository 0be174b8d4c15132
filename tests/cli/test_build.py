"""blockfactor build, and report with boards; the tools are replaced."""

import dataclasses
import json

import pytest

from blockfactor.boards import build as builder
from blockfactor.boards import figures
from blockfactor.boards.build import BoardReport, TimingError
from blockfactor.boards.catalogue import BOARDS

REPORT = BoardReport(
    board="icebreaker", preset="join", changes={}, system=BOARDS["icebreaker"].system().to_table(),
    part="up5k", clock_hz=30e6, luts=2275, flip_flops=1294, memories=26, memories_there=30,
    multipliers=0, cells=2973, cells_there=5280, frequency={1: 31.8}, seed=1,
    bitstream="icebreaker.bin", path=[("logic", 1.4, "core.a")], tools={"tool": "1.2"},
    design="00")


@pytest.fixture
def asked(monkeypatch):
    """Replace the build; the list of what was asked for."""
    found = []

    def build(board, preset=None, front_end=None, changes=None, **options):
        options.pop("progress")("working")
        found.append((board.name, preset, front_end, changes,
                      {**options, "seeds": tuple(options["seeds"])}))
        if options["clock_hz"] == 1_000_000_000:
            raise TimingError("icebreaker: no seed of 8 meets 1000.00 MHz")
        return REPORT

    monkeypatch.setattr(builder, "build", build)
    return found


def test_defaults(command, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("build", "icebreaker")
    assert done.status == 0
    [(board, preset, bus, changes, options)] = asked
    assert (board, preset, bus, changes) == ("icebreaker", None, None, {})
    assert options["seeds"] == tuple(range(1, 9)) and str(options["folder"]) == "build/icebreaker"
    assert "build/icebreaker/icebreaker.bin, seed 1. Load it: blockfactor flash icebreaker\n" in (
        done.out)
    assert "2,973 of 5,280" in done.out and "26 of 30" in done.out


def test_everything(command, asked, tmp_path):
    done = command("build", "icebreaker", "--preset", "both", "--bus", "spi", "--set", "lanes=2",
                   "--clock", 24_000_000, "--baud", 9600, "--seeds", 3, "--all-seeds",
                   "-o", tmp_path / "x", "--json")
    assert json.loads(done.out) == json.loads(json.dumps(REPORT.to_table()))
    assert asked[0][:4] == ("icebreaker", "both", "spi", {"lanes": 2})
    assert asked[0][4] == {"seeds": (1, 2, 3), "folder": tmp_path / "x", "codebooks": None,
                           "clock_hz": 24_000_000, "baud": 9600, "all_seeds": True}


def test_no_seed_meets_the_clock(command, asked, tmp_path):
    done = command("build", "icebreaker", "--clock", 1_000_000_000, "-o", tmp_path / "x")
    assert done.status == 1 and "no seed of 8 meets 1000.00 MHz" in done.out


@pytest.mark.parametrize("arguments,message", [
    (("icebreaker", "--bus", "wishbone"), "front_end 'wishbone': board icebreaker has pins for "
                                          "uart, spi"),
    (("arty",), "no board 'arty'; boards are icebreaker"),
    (("icebreaker", "--preset", "huge"), "no preset 'huge'"),
    (("icebreaker", "--set", "lanes"), "'lanes' is not FIELD=VALUE"),
    (("icebreaker", "--seeds", "0"), "0 is outside 1..100"),
    (("icebreaker", "--clock", "5000000"), "a PLL of ice40 cannot make it of 12000000"),
    (("gatemate-evb", "--clock", "20000000"), "must be 10000000, PLLs of gatemate"),
    (("icebreaker", "--codebook", "none.npz"), "none.npz"),
])
def test_refused(command, tmp_path, monkeypatch, arguments, message):
    """Before any tool runs; nothing is written."""
    monkeypatch.chdir(tmp_path)
    done = command("build", *arguments)
    assert done.status == 2 and message in done.err
    assert not list(tmp_path.iterdir())


def test_folder_is_a_file(command, tmp_path):
    (tmp_path / "x").write_text("")
    done = command("build", "icebreaker", "-o", tmp_path / "x")
    assert done.status == 2 and "is a file, must be a directory" in done.err


@pytest.fixture
def measured(monkeypatch):
    """Replace the measurement of boards; the list of what was asked for."""
    found = []

    def measure_boards(boards, seeds, folder, jobs, progress):
        progress("working")
        boards = list(boards)
        found.append(([b.name for b in boards], tuple(seeds), str(folder), jobs))
        return [dataclasses.replace(REPORT, board=b.name, frequency={1: 40.0, 2: 29.0},
                                    cycles={"join": {"22": 300.0, "49": 1500.0}})
                for b in boards]

    monkeypatch.setattr(figures, "measure_boards", measure_boards)
    return found


def test_report_of_boards(command, measured, tmp_path):
    done = command("report", "--board", "icebreaker", "--board", "upduino3", "--seeds", 2,
                   "--check", "--path", "--jobs", 2, "--json", tmp_path / "a.json",
                   "--markdown", tmp_path / "a.md")
    assert done.status == 1  # the iCEBreaker must reach 30 MHz
    assert "icebreaker: 29.0 MHz with the worst seed, must be at least 30" in done.out
    assert measured == [(["icebreaker", "upduino3"], (1, 2), "build/report", 2)]
    assert "29.0..40.0" in done.out and "10.0 µs" in done.out
    assert "critical path of icebreaker on up5k" in done.out
    again = figures.load(tmp_path / "a.json")
    assert [r.board for r in again] == ["icebreaker", "upduino3"]
    row = "| icebreaker | `join` | uart | 2,275 | 26 of 30 | 30.0 MHz | 34.5 | 29.0 | 2 | 10.0 µs |"
    assert row in (tmp_path / "a.md").read_text()


def test_report_of_all_boards(command, measured, tmp_path):
    assert command("report", "--boards", "--keep", tmp_path).status == 0
    assert measured == [(list(BOARDS), (1, 2, 3), str(tmp_path), 1)]


@pytest.mark.parametrize("arguments,message", [
    (("--board", "arty"), "no board 'arty'"),
    (("--boards", "--preset", "join"), "--preset does not go with boards"),
    (("--boards", "--front-ends"), "--front-ends does not go with boards"),
])
def test_report_refuses(command, arguments, message):
    done = command("report", *arguments)
    assert done.status == 2 and message in done.err
