"""Whole systems: the same work through every front-end, and all that software can do wrong."""

import json
import pickle

import pytest
from digits_example import network, settings

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.golden.frontend import quantise
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.system import System
from blockfactor.rtl.verilog import to_verilog
from blockfactor.sim import runner
from blockfactor.sim.workload import Item, make_bundles, make_items

pytestmark = [pytest.mark.cocotb,
              pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")]

BUSES = {"native": {}, "spi": {"period": 4}, "uart": {}, "wishbone": {"pipelined": False},
         "apb": {}, "axi4lite": {}}
#: The shortest bit of the UART.
CLOCK, BAUD = 12_000_000, 3_000_000
#: Everything odd: lengths that are no powers of two, two words for a codevector and an element.
SMALL = CoreConfig(factors=3, blocks=5, block_length=12, max_codevectors=6, list_size=4,
                   query_entries=2, weight_bits=3, element_bits=6, histogram_bits=8, tag_bits=3)


def bench(tmp_path, core, bus: str, test: str, seed: int = 1, options=None, **job) -> list[dict]:
    """Run a test of sim/tb_system.py; returns its report."""
    system = SystemConfig(core=core, front_end=bus, clock_hz=CLOCK, baud=BAUD)
    model = runner.build(to_verilog(System(system, trace=True), "system", POISON), "system")
    job |= {"system": system, "seed": seed, "options": BUSES[bus] | (options or {})}
    path, report = tmp_path / "job.pkl", tmp_path / "report.json"
    path.write_bytes(pickle.dumps(job))
    runner.run(model, "blockfactor.sim.tb_system", tmp_path,
               {"BLOCKFACTOR_JOB": str(path), "BLOCKFACTOR_REPORT": str(report)}, test, seed)
    return json.loads(report.read_text())


@pytest.mark.parametrize("bus", BUSES)
def test_random_operations(bus, tmp_path):
    """No hang, and the model agrees throughout; one access in five, and more, is refused."""
    counts = bench(tmp_path, SMALL, bus, "random_operations", accesses=10_000)[0]
    assert counts["accesses"] >= 10_000
    assert counts["refused"] >= .2 * counts["accesses"], counts
    assert counts["results"] >= 500, counts


def test_random_operations_for_several_products(tmp_path):
    """Nor when runs have several results, too many of them asked for, and are aborted."""
    core = SMALL.replace(products=2)
    counts = bench(tmp_path, core, "native", "random_operations", accesses=6000)[0]
    assert counts["refused"] >= .2 * counts["accesses"], counts
    assert counts["results"] >= 600, counts


@pytest.mark.parametrize("mode", SMALL.modes)
def test_several_products(mode, tmp_path):
    """Every result of a run is there, in order, with a tag of its own."""
    core = SMALL.replace(block_length=32, products=3, element_bits=0)
    parameters = RunParameters(sizes=(6, 5, 6), mode=mode, threshold=500, samples=3,
                               max_iterations=5)
    items = [item for products in (1, 3, 2) for item in make_bundles(
        core, parameters.replace(products=products), "clean", 2, 20, products, 20)]
    rows = bench(tmp_path, core, "native", "explain", items=items)
    assert [row["difference"] for row in rows] == [None] * 120
    assert [row["tag"] for row in rows] == list(range(120))
    assert {row["stop"] for row in rows if row["smax"] == 0} == {"complete"}


def work() -> list[Item]:
    """Clean and soft queries and digits, for both engines."""
    demo = preset("demo")
    items = []
    for mode, clean, soft, digits in (("factorize", 120, 60, 20), ("join", 150, 130, 20)):
        changes = {"mode": mode, "max_iterations": 30}
        items += make_items(demo.core, demo.clean.replace(**changes), "clean", clean, 31,
                            queries_per_codebook=50)
        items += make_items(demo.core, demo.soft.replace(**changes), "soft", soft, 32, demo.margin,
                            queries_per_codebook=60)
        net = network.load("b4")
        images, _ = network.held_out_triples(digits, 33, 0.)
        book, parameters = settings.codebooks(net), settings.run_parameters(net, mode)
        items += [Item(book, None, parameters, kind="digits",
                       elements=quantise(product, demo.core.element_bits))
                  for product in net.product_vector(images)]
    return items


@pytest.mark.parametrize("bus", BUSES)
def test_workload(bus, tmp_path):
    """500 queries give the golden model's results and trace CRCs through every front-end."""
    items = work()
    rows = bench(tmp_path, preset("demo").core, bus, "workload", items=items)
    assert [row["difference"] for row in rows] == [None] * 500
    assert [row["tag"] for row in rows] == [n % 256 for n in range(500)]
    right = [row["truth"] == row["indices"] for row in rows if row["kind"] == "clean"]
    assert sum(right) == 270


def test_two_in_flight(tmp_path):
    """Wishbone keeps the engine busy, but for 5 % of the time."""
    join = preset("join")
    items = make_items(join.core, join.clean, "clean", 120, 5, queries_per_codebook=120)
    items = [Item(i.codebooks, i.query, items[0].parameters, i.truth, i.kind) for i in items]
    done = bench(tmp_path, join.core, "wishbone", "two_in_flight", items=items)[0]
    results = done["results"]
    assert [tuple(row["indices"]) for row in results] == [item.truth for item in items]
    assert done["elapsed"] <= 1.05 * sum(row["cycles"] for row in results)
