"""Estimates against syntheses and builds that were made, and against the golden model."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.estimate import (
    LIGHT_TIME,
    RESET_TIME,
    Estimate,
    estimate,
    estimate_board,
    kind,
    model,
)
from blockfactor.boards.features import FEATURES, features, multiply_digit
from blockfactor.boards.latency import POINTS, cycles, lookup_drain
from blockfactor.boards.latency_run import mean_cycles, with_latency
from blockfactor.boards.mapping import resources
from blockfactor.boards.memories import memories
from blockfactor.boards.parts import PARTS, part
from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.golden import cycles as golden_cycles
from blockfactor.golden._jit import COMPILED
from blockfactor.presets import PRESETS

ROOT = Path(__file__).parents[2]
RECORDS = json.loads((ROOT / "bench" / "data" / "estimate.json").read_text())
BUILT = ROOT / "docs" / "boards.json"
BUILDS = json.loads(BUILT.read_text()) if BUILT.exists() else []
#: Parts whose presets are told apart, and the part that was synthesised for.
JUDGED = {"up5k": "up5k", "hx8k": "up5k", "ecp5-25f": "ecp5-25f", "gw1n-9c": "gw2a-18c",
          "gw2a-18c": "gw2a-18c"}
SIZES = .15
CLOCK = .25


def system_of(record: dict) -> SystemConfig:
    """The system that a record is about."""
    return SystemConfig(core=CoreConfig.from_table(record["core"]),
                        front_end=record["front_end"])


def counted(target: str, system: SystemConfig) -> int:
    """Block RAMs as synthesis counts them."""
    return resources(part(target), memories(system)).blocks


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['part']}-{r['name']}")
def test_sizes_of_syntheses(record):
    found = estimate(part(record["part"]), system_of(record))
    for figure in ("luts", "flip_flops", "cells"):
        assert getattr(found, figure) == pytest.approx(record[figure], rel=SIZES), figure


@pytest.mark.parametrize("report", BUILDS, ids=lambda r: r["board"])
def test_boards_that_were_built(report):
    found = estimate_board(BOARDS[report["board"]], SystemConfig.from_table(report["system"]))
    assert counted(found.part, SystemConfig.from_table(report["system"])) == report["memories"]
    for figure in ("luts", "cells"):
        assert getattr(found, figure) == pytest.approx(report[figure], rel=SIZES), figure
    rates = sorted(report["frequency"].values())
    assert found.frequency == pytest.approx(rates[len(rates) // 2], rel=CLOCK)


def truths() -> dict[tuple[str, str], dict]:
    """Records of presets with UART, by part and preset."""
    return {(r["part"], name): r for r in RECORDS for name, p in PRESETS.items()
            if system_of(r) == SystemConfig(core=p.core, front_end="uart")}


def test_right_about_what_fits():
    known, wrong, tried = truths(), [], 0
    for target, synthesised in JUDGED.items():
        chip = PARTS[target]
        for name, p in PRESETS.items():
            record = known.get((synthesised, name))
            if record is None:
                continue
            tried += 1
            fits = record["cells"] <= chip.cells and record["memories"] <= chip.memories
            found = estimate(chip, replace(p.system, front_end="uart"))
            if (not found.excess) != fits:
                wrong.append((target, name, found.cells, record["cells"]))
    assert not wrong
    assert tried == len(JUDGED) * len(PRESETS)


@pytest.mark.parametrize("name", BOARDS)
def test_boards_can_take_what_suits_them(name):
    board = BOARDS[name]
    found = estimate_board(board, board.system())
    assert found.status in ("fits", "tight")
    assert found.clock == pytest.approx(board.clock_hz / 1e6, abs=.01)
    for by_size in found.latency.values():
        assert list(by_size) == [str(point) for point in POINTS]
        assert all(mean > 0 for mean in by_size.values())


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda p: p.name)
@pytest.mark.parametrize("target", PARTS)
def test_every_part_has_an_estimate(target, preset):
    core, whole = (estimate(PARTS[target], replace(preset.system, front_end=end))
                   for end in ("none", "uart"))
    assert 0 < core.luts < whole.luts
    assert 0 < core.flip_flops < whole.flip_flops
    assert 0 < core.cells < whole.cells
    assert core.frequency >= whole.frequency > whole.worst > 0
    assert json.loads(json.dumps(whole.to_table()))["status"] == whole.status


def _with(cells: int, memories: int) -> Estimate:
    return replace(estimate(PARTS["up5k"], PRESETS["join"].system), cells=cells,
                   memories=memories)


def test_status_and_excess():
    assert (_with(4752, 27).status, _with(4753, 27).status) == ("fits", "tight")
    assert _with(100, 28).status == "tight"
    assert _with(5280, 30).status == "tight"
    short = _with(5290, 32)
    assert short.status == "does not fit"
    assert short.excess == {"logic cells": 10, "block RAMs": 2}


def test_constants_are_those_of_what_they_stand_for():
    from blockfactor.boards import top
    assert (RESET_TIME, LIGHT_TIME) == (top.RESET_TIME, top.LIGHT_TIME)
    for p in PRESETS.values():
        assert lookup_drain(p.core) == golden_cycles.lookup_drain(p.core)
        assert multiply_digit(p.core) == golden_cycles.multiply_digit(p.core)


def test_every_feature_is_counted_and_some_design_has_it():
    for chip in PARTS.values():
        assert list(features(chip, PRESETS["full"].system)) == list(FEATURES)
        assert set(model()["weights"][chip.family]) == {"luts", "flip_flops", "cells"}
    seen = {name for r in RECORDS
            for name, n in features(part(r["part"]), system_of(r)).items() if n}
    # These were measured alone (blockfactor report --front-ends).
    assert seen == set(FEATURES) - {"apb", "axi4lite"}


def test_kinds():
    assert [kind(PRESETS[name].system) for name in ("tiny", "join", "fast", "full")] == [
        "factorize", "join alone", "lanes", "both"]
    assert kind(replace(PRESETS["join"].system, front_end="spi")) == "join"


@pytest.mark.skipif(not COMPILED, reason="the golden model is slow without numba")
@pytest.mark.parametrize("name", ("join", "fast", "tiny", "both"))
def test_cycles_are_those_of_the_golden_model(name):
    core, table = PRESETS[name].core, model()["cycles"]
    for engine, mean in cycles(table, core, 22).items():
        # Fewer trials than the table's: four standard errors of a mean that is as its deviation.
        trials = 1000
        assert mean == pytest.approx(mean_cycles(core, engine, 22, trials),
                                     rel=4 / trials ** .5)


def test_cycles_that_are_not_known():
    table = model()["cycles"]
    assert cycles(table, PRESETS["both"].core, 49) == {"factorize": None, "join": None}
    assert cycles(table, PRESETS["robust"].core, 22) == {"factorize": None, "join": None}
    odd = PRESETS["tiny"].core.replace(list_size=20)
    assert cycles(table, odd, 22) == {"factorize": None}


@pytest.mark.skipif(not COMPILED, reason="the golden model is slow without numba")
def test_latency_is_measured_where_the_table_has_none():
    found = estimate(PARTS["ecp5-25f"], PRESETS["robust"].system)
    assert found.latency == {"factorize": {"22": None, "49": None},
                             "join": {"22": None, "49": None}}
    run = with_latency(found, trials=20)
    assert run.latency["join"]["22"] > 0
    assert run.latency["join"]["49"] is None  # codebooks of 32 at most
