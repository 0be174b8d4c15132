"""The UART front-end with both ends of its line by others, on simulated Verilog."""

import pytest

from blockfactor.rtl.verilog import to_verilog

pytestmark = [pytest.mark.cocotb,
              pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")]

#: Tests of sim/tb_uart.py, and cycles of a bit.
BENCHES = {"shortest": 4, "longer": 13}


@pytest.mark.needs_modules("cocotbext.uart")
@pytest.mark.parametrize("bench", BENCHES)
def test_bits_of_others(bench, tmp_path):
    """Frames arrive whole in both directions, and each is executed once."""
    from blockfactor.sim import runner
    from blockfactor.sim.tb_uart import Top
    model = runner.build(to_verilog(Top(BENCHES[bench]), "uart"), "uart")
    runner.run(model, "blockfactor.sim.tb_uart", tmp_path, seed=3, tests=bench)
