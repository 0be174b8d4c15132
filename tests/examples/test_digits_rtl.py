"""Held-out digits through the simulated core: the network's dense output in, three digits out."""

import numpy as np
import pytest
from digits_example import evaluate, network, settings

from blockfactor.golden.frontend import quantise
from blockfactor.presets import PRESETS
from blockfactor.rtl.memory import POISON
from blockfactor.sim.simulate import simulate
from blockfactor.sim.workload import Item, Workload

FACTORIZED, JOINED = 200, 1000
SEED = 3


def run(net, core, mode, count, noise, folder):
    """Simulated runs, their indices, true digits, and what exhaustive search finds."""
    images, labels = network.held_out_triples(count, SEED, noise)
    products = net.product_vector(images)
    book, parameters = settings.codebooks(net), settings.run_parameters(net, mode)
    items = [Item(book, None, parameters, kind="digits",
                  elements=quantise(product, core.element_bits)) for product in products]
    rows = simulate(Workload(core, items), folder, platform=POISON)
    assert [row["difference"] for row in rows] == [None] * count
    found = np.array([row["indices"] for row in rows])
    return rows, found, labels, evaluate.exhaustive_search(evaluate.quantise(products),
                                                           net.codebook)


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("noise", [0., 2.])
def test_factorize(noise, tmp_path):
    """As accurate as exhaustive search on the same outputs, within .5 %; equal to golden."""
    _, found, labels, (best, _) = run(network.load("b4"), PRESETS["demo"].core, "factorize",
                                      FACTORIZED, noise, tmp_path)
    assert evaluate.accuracy(found, labels) >= evaluate.accuracy(best, labels) - .005


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name", ["b4", "b8"])
def test_join(name, tmp_path):
    """No less accurate than exhaustive search, never a lower score, in few cycles; as golden."""
    net = network.load(name)
    core = (PRESETS["demo"].core if name == "b4" else
            settings.core_config(net).replace(engines=("join",), element_bits=8))
    rows, found, labels, (best, scores) = run(net, core, "join", JOINED, 0., tmp_path)
    assert evaluate.accuracy(found, labels) >= evaluate.accuracy(best, labels)
    assert [row["score"] for row in rows] == scores.tolist()
    cycles = [row["cycles"] for row in rows]
    # A cycle a row of 100, and some 30 at both ends; exhaustive search takes 1,000.
    assert np.mean(cycles) <= evaluate.MEAN_CYCLES and max(cycles) <= 160
