"""The core against the golden model, trace word by trace word, over all presets.

Together 5,000 and more factorizations. Memories start with random rows and collide with inverted
bits (the elaboration platform POISON), so nothing can depend on either.
"""

import dataclasses
import zlib

import numpy as np
import pytest

from blockfactor.config import ENGINES, CoreConfig
from blockfactor.config import LANES as CONFIG_LANES
from blockfactor.golden.codebook import encode
from blockfactor.golden.frontend import quantise, quantise_logits
from blockfactor.golden.query import soft_probabilities
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS
from blockfactor.rtl.memory import POISON
from blockfactor.sim.simulate import model, simulate
from blockfactor.sim.workload import Item, Workload, make_items

#: Joins by preset, kind and number of look-up blocks; they take the longest with F=2.
JOINS = {"f2": 8}
USUAL_JOINS = 30
#: Preset, lanes and look-up blocks of join engines with lanes; runs of each.
LANES = (("join", 2, 2), ("odd", 4, 3), ("f4", 8, 1), ("f2", 2, 2), ("robust", 8, 3))
#: And of a core with both engines.
BOTH = ("f4", 4, 2)
LANE_JOINS = {"f2": 10}
USUAL_LANE_JOINS, LANE_SPECIALS = 40, 160

#: Runs of a core with draws that sweep, by preset: clean, soft, damaged, special.
SWEEPS = {"f4": (60, 20, 20, 120)}

pytestmark = pytest.mark.cocotb

#: Factorizations by preset: clean, soft, damaged, special; the iteration limit of the last three.
COUNTS = {
    "demo": (400, 120, 60, 150, 30),
    "tiny": (160, 60, 20, 60, 20),
    "paper": (12, 10, 6, 20, 10),
    "join": (160, 60, 30, 80, 20),
    "fast": (60, 10, 10, 40, 20),
    "both": (120, 40, 20, 60, 20),
    "full": (60, 30, 20, 40, 20),
    "f2": (16, 8, 6, 20, 6),
    "f4": (120, 40, 30, 100, 20),
    "robust": (120, 40, 30, 80, 20),
    "odd": (160, 60, 30, 120, 20),
}


def special(preset, count: int, limit: int, seed: int, engine: str = "") -> list[Item]:
    """Runs with unusual parameters: known factors, modes, limits, rules, sizes, A, seeds."""
    core = preset.core
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(count):
        kind = ("clean", "soft", "damaged")[rng.integers(3)]
        sizes = tuple(int(rng.integers(1, min(m, 24) + 1)) for m in preset.clean.sizes)
        changes = {"sizes": sizes, "samples": int(rng.choice([0, 1, 3, 9, 65535])),
                   "max_iterations": int(rng.choice([0, 1, 2, limit])),
                   "threshold": int(rng.choice([0, 100, 400, 65535])),
                   "rule": str(rng.choice(["min", "sum"])), "trim": int(rng.integers(core.blocks)),
                   "patience": int(rng.integers(16)),
                   "level": int(rng.choice([0, 205, 256, 511]))}
        choice = 1 if engine == "join" else rng.integers(4)
        if choice == 0:
            changes["known"] = tuple(int(rng.integers(s)) if rng.random() < .5 else -1
                                     for s in sizes)
        if choice in (1, 3) and "join" in core.engines:
            changes |= {"mode": str(rng.choice(["auto", "join", "scan"])),
                        "heads": int(rng.integers(core.heads)) + 1,
                        "max_tuples": int(rng.choice([0, 1, 77, 500]))}
            changes["known"] = tuple(int(rng.integers(s)) if rng.random() < .3 else -1
                                     for s in sizes)
        parameters = preset.parameters(kind).replace(**changes)
        item = make_items(core, parameters, kind, 1, int(rng.integers(2**32)), preset.margin)[0]
        if choice == 2:
            item = Item(item.codebooks, item.query, item.parameters.replace(seed=0), item.truth,
                        kind)
        items.append(item)
    return items


def dense(preset, count: int, seed: int) -> list[Item]:
    """Dense queries through the front-end, codebook overwritten between them.

    Linear weights and logarithmic ones in turn, the latter with shifts from none to the largest.
    """
    core = preset.core
    rng = np.random.default_rng(seed)
    items = []
    runs = make_items(core, preset.soft.replace(max_iterations=10), "soft", count, seed)
    for number, item in enumerate(runs):
        p = soft_probabilities(encode(item.codebooks, item.truth), core.block_length, preset.margin,
                               rng)
        changes = {"dense_threshold": int(rng.choice([0, 0, 20]))}
        elements = quantise(p, core.element_bits)
        if number % 2:
            best = max(0, core.element_bits - core.weight_bits)
            shift = int(rng.choice([best, rng.integers(16)]))
            changes |= {"dense_weights": "log", "dense_shift": shift}
            elements = quantise_logits(np.log(p), core.element_bits, shift)
        items.append(Item(item.codebooks, None, item.parameters.replace(**changes), item.truth,
                          "dense", elements))
    return items


def joins(preset, count: int, seed: int) -> list[Item]:
    """``count`` joins of every kind and number of look-up blocks; codebooks change in between."""
    items = []
    for n, kind in enumerate(("clean", "soft", "damaged")):
        for heads in range(1, preset.core.heads + 1):
            parameters = preset.soft.replace(mode="join", heads=heads)
            items += make_items(preset.core, parameters, kind, count, seed + 10 * n + heads,
                                preset.margin, queries_per_codebook=3)
    return items


def items_of(name: str) -> list[Item]:
    """The whole regression of a preset."""
    preset = PRESETS[name]
    clean, soft, damaged, specials, limit = COUNTS[name]
    seed = zlib.crc32(name.encode())
    items = make_items(preset.core, preset.clean, "clean", clean, seed)
    short = preset.soft.replace(max_iterations=limit)
    items += make_items(preset.core, short, "soft", soft, seed + 1, preset.margin)
    items += make_items(preset.core, short, "damaged", damaged, seed + 2)
    items += special(preset, specials, limit, seed + 3)
    if "join" in preset.core.engines:
        items += joins(preset, JOINS.get(name, USUAL_JOINS), seed)
    if preset.core.element_bits:
        items += dense(preset, 20, seed + 4)
    return items


def test_count():
    """Enough factorizations for the claim in the README."""
    assert set(COUNTS) == set(PRESETS)
    by_preset = sum(len(items_of(name)) for name in PRESETS)
    by_lanes = sum(len(items_of_lanes(*case)) for case in LANES)
    assert by_preset + by_lanes >= 5000
    assert {lanes for _, lanes, _ in LANES} | {1} == set(CONFIG_LANES)


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name", PRESETS)
def test_equals_golden(name, tmp_path):
    """No run differs from the golden model in any trace word or result field."""
    items = items_of(name)
    rows = simulate(Workload(PRESETS[name].core, items, seed=7), tmp_path, platform=POISON)
    differing = [row for row in rows if row["difference"]]
    assert len(rows) == len(items)
    assert not differing, f"{len(differing)} differ, first: {differing[0]}"
    clean = rows[:COUNTS[name][0]]
    right = sum(row["truth"] == row["indices"] for row in clean)
    assert right >= .97 * len(clean)


def items_of_lanes(name: str, lanes: int, heads: int) -> list[Item]:
    """The regression of a preset's join engine with so many lanes."""
    preset = with_lanes(name, lanes, heads)
    seed = zlib.crc32(f"{name} {lanes}".encode())
    count = LANE_JOINS.get(name, USUAL_LANE_JOINS)
    return joins(preset, count, seed) + special(preset, LANE_SPECIALS, 1, seed, "join")


def with_lanes(name: str, lanes: int, heads: int, engines=("join",)):
    """The preset with so many lanes, and with the join engine alone."""
    preset = PRESETS[name]
    core = preset.core.replace(engines=engines, lanes=lanes, heads=heads)
    return dataclasses.replace(preset, system=dataclasses.replace(preset.system, core=core))


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name, lanes, heads", LANES)
def test_lanes(name, lanes, heads, tmp_path):
    """Nor with several lanes, in any mode of the join engine."""
    items = items_of_lanes(name, lanes, heads)
    rows = simulate(Workload(with_lanes(name, lanes, heads).core, items, seed=7), tmp_path,
                    platform=POISON)
    differing = [row for row in rows if row["difference"]]
    assert len(rows) == len(items)
    assert not differing, f"{len(differing)} differ, first: {differing[0]}"


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
def test_lanes_and_factorize(tmp_path):
    """Nor with both engines, one after the other: factorize has one lane's time."""
    preset = with_lanes(*BOTH, engines=ENGINES)
    items = make_items(preset.core, preset.clean, "clean", 40, 21) + special(preset, 300, 9, 22)
    rows = simulate(Workload(preset.core, items, seed=7), tmp_path, platform=POISON)
    assert len(rows) == len(items)
    assert not [row["difference"] for row in rows if row["difference"]]


def items_of_sweep(name: str) -> tuple:
    """A preset's core with draws that sweep, and its runs."""
    preset = PRESETS[name]
    core = preset.core.replace(draws="sweep", engines=("factorize",), element_bits=0)
    preset = dataclasses.replace(preset, system=dataclasses.replace(preset.system, core=core))
    seed = zlib.crc32(f"{name} sweep".encode())
    items = []
    for n, kind in enumerate(("clean", "soft", "damaged")):
        parameters = preset.parameters(kind)
        parameters = parameters.replace(samples=max(2, parameters.samples // 2), max_iterations=40)
        items += make_items(core, parameters, kind, SWEEPS[name][n], seed + n, preset.margin,
                            queries_per_codebook=3)
    return core, items + special(preset, SWEEPS[name][3], 20, seed + 3)


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name", SWEEPS)
def test_sweep(name, tmp_path):
    """Nor with draws that sweep."""
    core, items = items_of_sweep(name)
    rows = simulate(Workload(core, items, seed=7), tmp_path, platform=POISON)
    differing = [row for row in rows if row["difference"]]
    assert len(rows) == len(items)
    assert not differing, f"{len(differing)} differ, first: {differing[0]}"
    assert any(row["truth"] == row["indices"] for row in rows)


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
def test_large_codebooks(tmp_path):
    """Nor with 5,000 codevectors a factor, whose draws take two leaps of the generator."""
    core = CoreConfig(factors=2, block_length=256, max_codevectors=5_000, list_size=64,
                      query_entries=1, weight_bits=1)
    parameters = RunParameters(sizes=(5_000, 5_000), samples=50, threshold=400)
    items = []
    # Two queries by look-up, and steps that draw; the codebooks are the same for all.
    for changes, count in (({"mode": "join"}, 2), ({"mode": "scan", "max_tuples": 9_000}, 1),
                           ({"mode": "factorize", "max_iterations": 2}, 2),
                           ({"mode": "factorize", "max_iterations": 3, "samples": 0}, 1)):
        items += make_items(core, parameters.replace(**changes), "clean", count, 3,
                            codebooks=items[0].codebooks if items else None)
    rows = simulate(Workload(core, items, seed=7), tmp_path, platform=POISON)
    assert [row["difference"] for row in rows] == [None] * len(items)
    assert all(row["stop"] == "accepted" for row in rows[:2])


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name", ["demo", "odd"])
def test_gaps_and_back_pressure(name, tmp_path):
    """Gaps in every input stream and slow result taking change nothing."""
    preset = PRESETS[name]
    items = make_items(preset.core, preset.clean, "clean", 20, 5, queries_per_codebook=4)
    items += dense(preset, 8, 6)
    rows = simulate(Workload(preset.core, items, stall=.4, seed=9), tmp_path, platform=POISON)
    assert len(rows) == len(items)
    assert not [row["difference"] for row in rows if row["difference"]]


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name", ["demo", "odd", "f2", "tiny", "fast"])
def test_control(name, tmp_path):
    """Abort, resets, refused starts, queries and codebook writes: sim/tb_control.py.

    In all modes in turn.
    """
    from blockfactor.sim import runner
    preset = PRESETS[name]
    parameters = preset.clean.replace(sizes=(20,) * preset.core.factors if name != "odd"
                                      else preset.clean.sizes)
    modes = preset.core.modes
    items = [dataclasses.replace(item, parameters=item.parameters.replace(
                 mode=modes[n // 2 % len(modes)], heads=1 + n % preset.core.heads))
             for n, item in enumerate(make_items(preset.core, parameters, "clean", 24, 11,
                                                 queries_per_codebook=24))]
    path = tmp_path / "workload.pkl"
    Workload(preset.core, items, seed=13).save(path)
    runner.run(model(preset.core, platform=POISON), "blockfactor.sim.tb_control", tmp_path,
               {"BLOCKFACTOR_WORKLOAD": str(path)})


@pytest.mark.needs("cocotb", "iverilog")
@pytest.mark.parametrize("name", PRESETS)
def test_icarus(name, tmp_path):
    """One query of each preset in the second simulator."""
    preset = PRESETS[name]
    parameters = preset.clean.replace(sizes=tuple(min(10, m) for m in preset.clean.sizes))
    items = make_items(preset.core, parameters, "clean", 1, 3)
    rows = simulate(Workload(preset.core, items), tmp_path, "icarus")
    assert [row["difference"] for row in rows] == [None]


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
def test_a_wrong_model_is_found(tmp_path, monkeypatch):
    """The comparison notices: an item is checked against parameters it was not run with."""
    preset = PRESETS["demo"]
    items = make_items(preset.core, preset.clean, "clean", 3, 3)
    from blockfactor.rtl import layouts
    from blockfactor.sim import tb_workload
    golden = tb_workload.Factorizer(preset.core, items[0].codebooks)
    result, words = golden.run(items[0].query, items[0].parameters, trace=True)
    got = [(int(k), int(w)) for k, w in words]
    assert tb_workload.difference(result, words, result, got) is None
    got[-1] = (got[-1][0], got[-1][1] ^ 1)
    assert "trace word" in tb_workload.difference(result, words, result, got)
    assert "trace has" in tb_workload.difference(result, words, result, got[:-1])
    assert layouts.parameter_values(preset.core, items[0].parameters)["sizes"] == [22, 22, 22]
