"""Held-out digits through the simulated core: the network's dense output in, three digits out."""

import pytest
from digits_example import evaluate, network, settings

from blockfactor.golden.frontend import quantise
from blockfactor.presets import PRESETS
from blockfactor.rtl.memory import POISON
from blockfactor.sim.simulate import simulate
from blockfactor.sim.workload import Item, Workload

TRIPLES = 200


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("noise", [0., 2.])
def test_held_out_triples(noise, tmp_path):
    """As accurate as exhaustive search on the same outputs, within .5 %; equal to golden."""
    core = PRESETS["demo"].core
    net = network.load("b4")
    images, labels = network.held_out_triples(TRIPLES, seed=3, noise=noise)
    products = net.product_vector(images)
    items = [Item(settings.codebooks(net), None, settings.run_parameters(net), kind="digits",
                  elements=quantise(product, core.element_bits)) for product in products]
    rows = simulate(Workload(core, items), tmp_path, platform=POISON)
    assert [row["difference"] for row in rows] == [None] * TRIPLES
    found = [row["indices"] for row in rows]
    exhaustive, _ = evaluate.exhaustive_search(evaluate.quantise(products), net.codebook)
    assert evaluate.accuracy(found, labels) >= evaluate.accuracy(exhaustive, labels) - .005
