"""Explaining away in the core: bundles of products against the golden model, word by word.

F=3, M=22, D=1024 unless said.
"""

import pytest

from blockfactor.config import CoreConfig
from blockfactor.parameters import RunParameters
from blockfactor.rtl.memory import POISON
from blockfactor.sim.simulate import simulate
from blockfactor.sim.workload import Workload, make_bundles

pytestmark = [pytest.mark.cocotb,
              pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")]

CORE = CoreConfig(block_length=256, max_codevectors=32, products=3, heads=3, histogram_bits=12)
JOIN = RunParameters(sizes=(22,) * 3, mode="join", heads=2)
#: Kind, margin, parameters. Bounds of accuracy are bench/explain.py's business.
WAYS = {
    "join, clean": ("clean", 0, JOIN),
    "join, soft": ("soft", 4.0, JOIN.replace(heads=3, level=511)),
    "factorize, clean": ("clean", 0, JOIN.replace(mode="factorize", threshold=223, samples=15,
                                                  max_iterations=30)),
    "factorize, soft": ("soft", 5.0, JOIN.replace(mode="factorize", threshold=262, samples=8,
                                                  trim=1, level=154, patience=3,
                                                  max_iterations=15)),
}
#: Bundles of each, half of them of two products and half of three.
COUNT = 200
#: Everything odd: lanes, lengths that are no powers of two, few codevectors, many shared elements.
ODD = CoreConfig(factors=4, blocks=3, block_length=11, max_codevectors=5, products=4, heads=3,
                 lanes=4, query_entries=3, weight_bits=3, list_size=4, tag_bits=3)


def check(config, items, tmp_path, stall=0.0) -> list[dict]:
    """Simulate; nothing differs, and every run gave its results."""
    rows = simulate(Workload(config, items, stall=stall, seed=7), tmp_path, platform=POISON)
    differing = [row for row in rows if row["difference"]]
    assert not differing, f"{len(differing)} differ, first: {differing[0]}"
    assert [(row["number"], row["product"]) for row in rows] == [
        (n, k) for n, item in enumerate(items) for k in range(item.parameters.products)]
    return rows


def test_equals_golden(tmp_path):
    """No result of any product differs; clean bundles are decoded, in both engines."""
    items, first = [], {}
    for seed, (name, (kind, margin, parameters)) in enumerate(WAYS.items()):
        for bundled in (2, 3):
            first[name, bundled] = len(items)
            items += make_bundles(CORE, parameters.replace(products=bundled), kind, bundled,
                                  COUNT // 2, 10 * seed + bundled, margin, 25)
    rows = check(CORE, items, tmp_path)
    for bundled in (2, 3):
        start = first["join, clean", bundled]
        right = sum({tuple(row["indices"]) for row in rows if row["number"] == n}
                    == set(items[n].truth) for n in range(start, start + COUNT // 2))
        assert right >= .98 * COUNT // 2


def test_odd(tmp_path):
    """Nor in a core whose numbers are all odd, beyond what a bundle holds, with back-pressure."""
    items = []
    for seed, mode in enumerate(("join", "scan", "factorize")):
        parameters = RunParameters(sizes=(5, 4, 3, 5), mode=mode, heads=3, samples=2, threshold=300,
                                   level=200, max_iterations=6, max_tuples=50)
        for bundled in (1, 2, 3):
            for products in (1, 2, 4):
                items += make_bundles(ODD, parameters.replace(products=products), "clean", bundled,
                                      8, 100 * seed + 10 * bundled + products)
    items = [item for item in items if max(map(len, item.query.entries)) <= ODD.query_entries]
    items = [item for n, item in enumerate(items) if item.parameters.products > 1 or n % 2]
    rows = simulate(Workload(ODD, items, stall=.3, seed=7), tmp_path, platform=POISON)
    assert not [row["difference"] for row in rows if row["difference"]]
    assert len(rows) == sum(item.parameters.products for item in items)
    # A bundle that is used up before the run has ended: nothing is left to be searched.
    empty = [row for row in rows if row["smax"] == 0]
    assert {row["stop"] for row in empty} == {"complete"} and len(empty) >= 20
    assert any(row["cycles"] == 1 for row in empty) and any(row["cycles"] > 1 for row in empty)
