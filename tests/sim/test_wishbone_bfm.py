"""Bus-functional models, and a Wishbone controller by others, on simulated Verilog."""

import pytest

from blockfactor.rtl.verilog import to_verilog

pytestmark = pytest.mark.cocotb

#: Tests of sim/tb_wishbone.py, and their front-ends.
BENCHES = {
    "on_native": "native",
    "on_classic": "wishbone",
    "on_pipelined": "wishbone",
    "other_classic": "wishbone",
    "other_pipelined": "wishbone",
}
#: The same, each with what it needs.
CASES = [pytest.param(bench, marks=pytest.mark.needs_modules("cocotb_bus", "cocotbext.wishbone"))
         if bench.startswith("other") else bench for bench in BENCHES]


@pytest.mark.needs("cocotb", "iverilog")
@pytest.mark.parametrize("bench", CASES)
def test_icarus(bench, tmp_path):
    """Random transfers, refused ones among them, equal those of a model of the registers."""
    check(bench, "icarus", 1, tmp_path)


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize("bench", CASES)
def test_verilator(bench, tmp_path):
    """In the other simulator, too."""
    check(bench, "verilator", 2, tmp_path)


def check(bench, simulator, seed, folder):
    """Run a bench."""
    from blockfactor.sim import runner
    from blockfactor.sim.tb_wishbone import Top
    front_end = BENCHES[bench]
    model = runner.build(to_verilog(Top(front_end), front_end), front_end, simulator)
    runner.run(model, "blockfactor.sim.tb_wishbone", folder, seed=seed, tests=bench)
