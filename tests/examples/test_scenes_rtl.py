"""Held-out panels through the simulated core of preset f4: an image in, four attributes out."""

import numpy as np
import pytest
from scenes_example import evaluate, network, render, rtl

from blockfactor.rtl.memory import POISON

PANELS, SEED = 1000, 3


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
def test_join(tmp_path):
    """As golden in every trace word; no more than .5 % behind the fully connected head."""
    images, attributes = render.panels(PANELS, SEED)
    rows = rtl.decode(network.load(), images, attributes, tmp_path, platform=POISON)
    assert [row["difference"] for row in rows] == [None] * PANELS
    found = np.array([row["indices"] for row in rows])
    want = evaluate.accuracy(network.load("connected").classify(images), attributes)
    assert evaluate.accuracy(found, attributes) >= want - evaluate.BEHIND, f"seed {SEED}"
    # 270 rows and some 30 cycles at both ends; exhaustive search takes 2,700.
    cycles = [row["cycles"] for row in rows]
    assert np.mean(cycles) <= 250 and max(cycles) <= 400
