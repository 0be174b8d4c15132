"""Bus-functional models for APB and AXI4-Lite, ours and by others, on simulated Verilog."""

import pytest

from blockfactor.rtl.verilog import to_verilog

pytestmark = pytest.mark.cocotb

#: Front-ends, tests of their benches, and what those by others need.
BENCHES = {
    "apb": {"on_apb": (), "other_axi": ("cocotbext.axi",), "other_apb": ("cocotbext.apb",)},
    "axi4lite": {"on_axi4lite": (), "both_at_once": (), "other": ("cocotbext.axi",)},
}
CASES = [pytest.param(front_end, bench, marks=pytest.mark.needs_modules(*needs))
         for front_end, benches in BENCHES.items() for bench, needs in benches.items()]


@pytest.mark.needs("cocotb", "iverilog")
@pytest.mark.parametrize(("front_end", "bench"), CASES)
def test_icarus(front_end, bench, tmp_path):
    """Random transfers, refused ones among them, equal those of a model of the registers."""
    check(front_end, bench, "icarus", 1, tmp_path)


@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
@pytest.mark.parametrize(("front_end", "bench"), CASES)
def test_verilator(front_end, bench, tmp_path):
    """In the other simulator, too."""
    check(front_end, bench, "verilator", 2, tmp_path)


def check(front_end, bench, simulator, seed, folder):
    """Run a bench."""
    from blockfactor.sim import runner
    from blockfactor.sim.tb_wishbone import Top
    model = runner.build(to_verilog(Top(front_end), front_end), front_end, simulator)
    runner.run(model, f"blockfactor.sim.tb_{front_end}", folder, seed=seed, tests=bench)
