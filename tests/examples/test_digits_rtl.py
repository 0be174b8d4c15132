"""Held-out digits through the simulated core: the network's dense output in, three digits out."""

import numpy as np
import pytest
from digits_example import compare, evaluate, network, rtl

from blockfactor.rtl.memory import POISON

FACTORIZED, JOINED = 200, 1000
SEED = 3


def run(net, mode, count, noise, folder):
    """Simulated runs, their indices, images, true digits, and what exhaustive search finds."""
    images, labels = network.held_out_triples(count, SEED, noise)
    rows = rtl.decode(net, images, folder, mode, platform=POISON)
    assert [row["difference"] for row in rows] == [None] * count
    found = np.array([row["indices"] for row in rows])
    weights = evaluate.quantise(net.product_vector(images))
    return rows, found, images, labels, evaluate.exhaustive_search(weights, net.codebook)


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("noise", [0., 2.])
def test_factorize(noise, tmp_path):
    """As accurate as exhaustive search on the same outputs, within .5 %; equal to golden."""
    _, found, _, labels, (best, _) = run(network.load("b4"), "factorize", FACTORIZED, noise,
                                         tmp_path)
    assert evaluate.accuracy(found, labels) >= evaluate.accuracy(best, labels) - .005


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name", ["b4", "b8"])
def test_join(name, tmp_path):
    """As accurate as exhaustive search and the fully connected head, in few cycles; as golden."""
    rows, found, images, labels, (best, scores) = run(network.load(name), "join", JOINED, 0.,
                                                      tmp_path)
    right = evaluate.accuracy(found, labels)
    assert right >= evaluate.accuracy(best, labels)
    assert right >= compare.connected_right(images, labels) / JOINED - compare.BEHIND
    assert [row["score"] for row in rows] == scores.tolist()
    cycles = [row["cycles"] for row in rows]
    # A cycle a row of 100, and some 30 at both ends; exhaustive search takes 1,000.
    assert np.mean(cycles) <= evaluate.MEAN_CYCLES and max(cycles) <= 160
