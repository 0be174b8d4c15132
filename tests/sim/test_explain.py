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
    "join, soft": ("soft", 4.0, JOIN.replace(heads=3, level=205)),
    "factorize, clean": ("clean", 0, JOIN.replace(mode="factorize", threshold=223, samples=15,
                                                  max_iterations=15)),
    "factorize, soft": ("soft", 5.0, JOIN.replace(mode="factorize", threshold=262, samples=8,
                                                  trim=1, level=154, patience=3,
                                                  max_iterations=6)),
}
#: Bundles of each, half of them of two products and half of three.
COUNT = {"join": 140, "factorize": 60}
#: Everything odd: lanes, lengths that are no powers of two, few codevectors, many shared elements,
#: and draws that sweep, whose walks begin anew with every search.
ODD = CoreConfig(factors=4, blocks=3, block_length=11, max_codevectors=5, products=4, heads=3,
                 lanes=4, query_entries=3, weight_bits=3, list_size=4, tag_bits=3, draws="sweep")


def check(config, items, tmp_path, stall=0.0) -> list[dict]:
    """Simulate; nothing differs, and every run gave as many results as it must."""
    rows = simulate(Workload(config, items, stall=stall, seed=7), tmp_path, platform=POISON)
    differing = [row for row in rows if row["difference"]]
    assert not differing, f"{len(differing)} differ, first: {differing[0]}"
    assert [(row["number"], row.get("product", 0)) for row in rows] == [
        (n, k) for n, item in enumerate(items) for k in range(item.parameters.products)]
    return rows


def test_equals_golden(tmp_path):
    """No result of any product differs; clean bundles are decoded."""
    items, clean = [], []
    for seed, (name, (kind, margin, parameters)) in enumerate(WAYS.items()):
        for bundled in (2, 3):
            made = make_bundles(CORE, parameters.replace(products=bundled), kind, bundled,
                                COUNT[parameters.mode] // 2, 10 * seed + bundled, margin, 25)
            if name == "join, clean":
                clean += range(len(items), len(items) + len(made))
            items += made
    rows = check(CORE, items, tmp_path)
    found = {n: set() for n in clean}
    for row in rows:
        found.get(row["number"], set()).add(tuple(row["indices"]))
    right = sum(found[n] == set(items[n].truth) for n in clean)
    assert right >= .97 * len(clean)


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
    rows = check(ODD, items, tmp_path, .3)
    # A bundle that is used up before the run has ended: nothing is left to be searched.
    empty = [row for row in rows if row["smax"] == 0]
    assert {row["stop"] for row in empty} == {"complete"} and len(empty) >= 20
    assert any(row["cycles"] == 1 for row in empty) and any(row["cycles"] > 1 for row in empty)
