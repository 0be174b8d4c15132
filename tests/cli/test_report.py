"""``blockfactor report``: what it measures, writes, checks and refuses."""

import dataclasses
import json

import pytest

from blockfactor.boards import report
from blockfactor.boards.report import BOUNDS, Report
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

    def measure(name, target, changes, seeds, frequency, folder, progress):
        asked.append((name, target, changes, tuple(seeds), frequency, folder))
        progress("working")
        # The last seed is the worst, and slower than any bound.
        return dataclasses.replace(FIGURES, preset=name, changes=changes, part=target,
                                   frequency={seed: 100.0 if seed < 3 else 5.0 for seed in seeds})

    monkeypatch.setattr(report, "measure", measure)
    return asked


def test_default_is_what_has_bounds(command, measured):
    done = command("report")
    assert done.status == 0
    assert [(name, part, changes) for name, part, changes, *_ in measured] == [
        (bound.preset, bound.part, bound.changes) for bound in BOUNDS]
    assert all(seeds == (1, 2, 3) for *_, seeds, _, _ in measured)


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
        (name, "hx8k", changes, (1,), 50.0, tmp_path / f"hx8k-{name}-query_entries=2")
        for name in ("demo", "tiny")]
    assert "core.a" in done.out


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
    (("--preset", "huge"), "no preset 'huge'; presets are"),
    (("--preset", "tiny", "--json", "nowhere/area.json"), "directory nowhere does not exist"),
])
def test_refused_before_any_work(arguments, message, command, measured):
    done = command("report", *arguments)
    assert done.status == 2
    assert message in done.err
    assert measured == []


def test_kinds_of_settings():
    assert core_changes(["engines=join,factorize", "multiplier=dsp", "codebook=none",
                         "weight_bits=3"]) == {
        "engines": ("join", "factorize"), "multiplier": "dsp", "codebook": None, "weight_bits": 3}
    with pytest.raises(ConfigError, match="no field 'speed' in CoreConfig; fields are factors,"):
        core_changes(["speed=1"])
