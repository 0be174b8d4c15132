"""examples/demo.py: what it runs and how it counts; `make demo` itself simulates."""

import importlib.util

import numpy as np
import pytest
from digits_example import FOLDER

from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.presets import PRESETS
from blockfactor.sim.workload import make_items

PRESET = PRESETS["demo"]


@pytest.fixture(scope="module")
def demo():
    spec = importlib.util.spec_from_file_location("blockfactor_demo", FOLDER.parent / "demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_engines_get_the_same_digits(demo):
    images, labels = demo.digits.held_out_triples(30, 1)
    items, products = demo.digit_items(PRESET.core, images, labels)
    assert len(items) == 60 and products.shape == (30, 4, 128)
    found = {"factorize": 0, "join": 0}
    for first, second, label in zip(items[::2], items[1::2], labels):
        assert np.array_equal(first.elements, second.elements)
        # One object: the simulation loads codebooks when another one comes.
        assert first.codebooks is second.codebooks is items[0].codebooks
        assert first.truth == second.truth == tuple(label)
        for item, engine in ((first, "factorize"), (second, "join")):
            assert (item.parameters.mode, item.kind) == (engine, "digits")
            item.parameters.check(PRESET.core)
            query = front_end(item.elements, PRESET.core, **item.parameters.dense)
            result = Factorizer(PRESET.core, item.codebooks).run(query, item.parameters)
            found[engine] += result.indices == item.truth
    assert min(found.values()) >= 29, "30 triples, seed 1"


@pytest.mark.parametrize("kind, heads", [("clean", 1), ("soft", 2)])
def test_both_engines_get_the_same_random_queries(demo, kind, heads):
    made = make_items(PRESET.core, PRESET.parameters(kind), kind, 20, 1, PRESET.margin)
    items = demo.both(made)
    assert [item.parameters.mode for item in items] == ["factorize", "join"] * 20
    for item, first, second in zip(made, items[::2], items[1::2]):
        assert first.query is second.query is item.query
        assert first.codebooks is second.codebooks
        assert first.parameters.replace(mode="join") == second.parameters
        assert second.parameters.check(PRESET.core).heads == heads


def test_summary_counts_by_kind_and_engine(demo):
    def row(kind, cycles, indices=(1, 2, 3), difference=None):
        return {"kind": kind, "indices": list(indices), "truth": [1, 2, 3], "cycles": cycles,
                "difference": difference}

    rows = [row("digits", 200), row("digits", 70), row("digits", 300, (1, 2, 4)),
            row("digits", 90, difference="score is 1, golden 2"),
            row("clean", 900), row("clean", 300, (0, 0, 0)), row("soft", 9000), row("soft", 310)]
    ways = {(way["kind"], way["engine"]): way for way in demo.summary(rows)}
    assert len(ways) == 6
    digits = {engine: ways["digits", engine] for engine in ("factorize", "join")}
    assert digits["factorize"] == {"kind": "digits", "engine": "factorize", "queries": 2,
                                   "found": 1, "mean": 250, "largest": 300, "equal": 2}
    assert digits["join"] == {"kind": "digits", "engine": "join", "queries": 2, "found": 2,
                              "mean": 80, "largest": 90, "equal": 1}
    assert ways["clean", "join"]["found"] == 0 and ways["soft", "factorize"]["mean"] == 9000


def test_the_table_fits_80_columns(demo, capsys):
    rows = [{"kind": kind, "indices": [1], "truth": [1], "cycles": 1_234_567, "difference": None}
            for kind in ("digits", "clean", "soft") for _ in range(40)]
    demo.print_summary(rows, demo.Console(width=80))
    lines = capsys.readouterr().out.splitlines()
    assert sum("join" in line for line in lines) == sum("factorize" in line for line in lines) == 3
    # A name that is broken takes a line more.
    assert all("│" not in line or "of 20" in line for line in lines), "\n".join(lines)
