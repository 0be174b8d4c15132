"""A design that uses every mode of the cells which netlists are made of, and a comparison with it.

Its stimulus is one pin, shifted into a long register; each group of cells has a pin of its own, the
sum modulo two of the group's outputs.
"""

import random
import re
import subprocess
import sys
from pathlib import Path

GROUPS = ("flip_flops", "resets", "carries", "tables", "lut_ram", "wide", "narrow", "dual")
PINS = ("clk", "data", *(f"y_{name}" for name in GROUPS))


def _flip_flops() -> str:
    """Flip-flops of every kind, of both initial values."""
    lines = []
    for value in (0, 1):
        kinds = {
            "plain": "q <= d;", "enable": "if (e) q <= d;",
            "reset": "if (r) q <= 0; else q <= d;", "set": "if (r) q <= 1; else q <= d;",
            "reset_over": "if (r) q <= 0; else if (e) q <= d;",
            "set_over": "if (r) q <= 1; else if (e) q <= d;",
            "reset_under": "if (e) if (r) q <= 0; else q <= d;",
            "set_under": "if (e) if (r) q <= 1; else q <= d;"}
        for number, (name, text) in enumerate(kinds.items()):
            for edge in ("posedge", "negedge")[:2 if name in ("plain", "reset_over") else 1]:
                lines.append(_flip_flop(f"{name}_{edge}_{value}", f"@({edge} clk) {text}", value,
                                        number))
    return "\n".join(lines)


def _asynchronous() -> str:
    kinds = {"clear": (0, "q <= d;"), "preset": (1, "q <= d;"),
             "clear_enable": (0, "if (e) q <= d;"), "preset_enable": (1, "if (e) q <= d;")}
    return "\n".join(
        _flip_flop(name, f"@(posedge clk or posedge r) if (r) q <= {value}; else {text}", value,
                   number + 3) for number, (name, (value, text)) in enumerate(kinds.items()))


def _flip_flop(name: str, text: str, value: int, number: int) -> str:
    for letter, net in {"q": f"q_{name}", "d": f"s[{number}]", "e": f"s[{number + 9}]"}.items():
        text = re.sub(rf"\b{letter}\b", net, text)
    return f"reg q_{name} = {value}; always {text}"


def _memory(name: str, width: int, address: int, rng, style: str = "block",
            read: str = "") -> str:
    """A memory with content, a port to write and one to read; ``read`` adds the writer's own."""
    words = " ".join(f"{name}[{row}] = {width}'d{rng.getrandbits(width)};"
                     for row in (*range(8), *range((1 << address) - 8, 1 << address)))
    # The rows with content and no others, few, so that what is written is read again.
    rows = [f"{{{address - 3}{{s[{i}]}}}}, s[{i + 1}], s[{i + 7}], s[{i + 12}]" for i in (2, 21)]
    data = "{" + ", ".join(f"s[{(5 * i + 3) % 60}]" for i in range(width)) + "}"
    output = f"reg [{width - 1}:0] o_{name} = 0;"
    body = f"if (s[40]) {name}[w_{name}] <= {data};"
    if read:
        store = f"{name}[w_{name}] <= {data};"
        load = f"p_{name} <= {name}[w_{name}];"
        body = {"old": f"if (s[40]) {store} {load}",
                "new": f"if (s[40]) begin {store} p_{name} <= {data}; end else {load}",
                "none": f"if (s[40]) {store} else {load}"}[read]
        body = f"if (s[41]) begin {body} end"
        output += f" reg [{width - 1}:0] p_{name} = 0;"
    reader = (f"always @(posedge clk) if (s[42]) o_{name} <= {name}[r_{name}];"
              if style == "block" else f"always @* o_{name} = {name}[r_{name}];")
    return f"""(* ram_style = "{style}" *) reg [{width - 1}:0] {name} [0:{(1 << address) - 1}];
wire [{address - 1}:0] w_{name} = {{{rows[0]}}}, r_{name} = {{{rows[1]}}};
{output}
initial begin {words} end
always @(posedge clk) begin {body} end
{reader}"""


def design(seed: int, lut_ram: bool = True, wide=((36, 9), (18, 10), (9, 11)),
           narrow=((4, 12), (2, 13), (1, 14)), dual=("new", "none", "old")) -> str:
    """Verilog of the module ``exercise``; memories by (width, address bits)."""
    rng = random.Random(seed)
    memories = {
        "wide": [(f"m{width}", width, address, "block", "") for width, address in wide],
        "narrow": [(f"n{width}", width, address, "block", "") for width, address in narrow],
        "dual": [(f"d_{read}", 18, 9, "block", read) for read in dual],
        "lut_ram": [("l4", 4, 4, "distributed", ""), ("l6", 6, 4, "distributed", ""),
                    ("l1", 1, 4, "distributed", "")] if lut_ram else []}
    text = {group: "\n".join(_memory(*item[:3], rng, *item[3:]) for item in items)
            for group, items in memories.items()}
    sums = {group: " ^ ".join(f"^o_{item[0]}" + (f" ^ ^p_{item[0]}" if item[4] else "")
                              for item in items) or "1'b0" for group, items in memories.items()}
    tables = {f"t{width}": (width, rng.getrandbits(1 << width)) for width in range(1, 9)}
    text["tables"] = "\n".join(
        f"localparam [{(1 << width) - 1}:0] {name} = {1 << width}'h{value:x};"
        for name, (width, value) in tables.items())
    sums["tables"] = " ^ ".join(f"q_{name}" for name in tables)
    text["tables"] += "\n" + "\n".join(
        f"reg q_{name} = 0; always @(posedge clk) q_{name} <= {name}[{{"
        + ", ".join(f"s[{(7 * i + width) % 62}]" for i in range(width)) + "}];"
        for name, (width, _) in tables.items())
    text["flip_flops"], text["resets"] = _flip_flops(), _asynchronous()
    for group in ("flip_flops", "resets"):
        names = [line.split()[1] for line in text[group].splitlines()]
        sums[group] = " ^ ".join(names)
    text["carries"] = """wire [11:0] a = s[11:0], b = s[31:20];
reg [12:0] plus = 0, minus = 0, either = 0, carried = 0; reg [2:0] less = 0; reg [9:0] count = 3;
reg [12:0] fixed = 0;
always @(posedge clk) begin
  plus <= a + b; minus <= a - b; either <= s[50] ? a + b : a - b; carried <= a + b + s[51];
  less <= {a < b, $signed(a) < $signed(b), a == b}; count <= s[52] ? count + 1 : count - 5;
  fixed <= a + 12'h5a7;
end"""
    sums["carries"] = "^plus ^ ^minus ^ ^either ^ ^carried ^ ^less ^ ^count ^ ^fixed"
    ports = ", ".join(f"output reg y_{group} = 0" for group in GROUPS)
    store = "\n".join(f"always @(posedge clk) y_{group} <= {sums[group]};" for group in GROUPS)
    body = "\n".join(text[group] for group in GROUPS)
    return f"""module exercise (input clk, input data, {ports.replace(" = 0", "")});
reg [63:0] s = 0; always @(posedge clk) s <= {{s[62:0], data}};
reg r = 0; always @(posedge clk) r <= s[60] & s[61];
{body}
{store}
endmodule
"""


def run(package: str, module: str, function: str, *arguments, folder: Path) -> None:
    """Run a program of a Python package, as the project does."""
    command = [sys.executable, "-c",
               f"import sys, {module}; sys.exit({module}.{function}(sys.argv[1:]))",
               *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{package}: {(done.stdout + done.stderr)[-1500:]}"


BENCH = """`timescale 1ns/1ps
module bench;
reg clk = 0, data = 0;
wire [COUNT-1:0] want, got;
exercise golden (.clk(clk), .data(data), WANT);
board routed (.clk(clk), .data(data), GOT);
integer i, seed = SEED, differences = 0;
initial begin
  for (i = 0; i < CYCLES; i = i + 1) begin
    data = $random(seed); #1 clk = 1; #1 clk = 0; #1;
    if (i > 100 && want !== got) begin
      if (differences < 5) $display("cycle %0d: want %b got %b", i, want, got);
      differences = differences + 1;
    end
  end
  $display("%0d differences", differences);
  $finish;
end
endmodule
"""


def compare(rtl: str, routed: str, folder: Path, seed: int, cycles: int = 4000) -> str:
    """What a simulation of both prints; the last line counts differences."""
    pins = {"WANT": "want", "GOT": "got"}
    bench = BENCH.replace("COUNT", str(len(GROUPS))).replace("SEED", str(seed)).replace(
        "CYCLES", str(cycles))
    for mark, vector in pins.items():
        bench = bench.replace(mark, ", ".join(f".y_{group}({vector}[{i}])"
                                              for i, group in enumerate(GROUPS)))
    return simulate(folder, rtl=rtl, routed=routed, bench=bench)


def simulate(folder: Path, **texts: str) -> str:
    """What the module ``bench`` prints, run by Icarus Verilog with the other texts."""
    for name, text in texts.items():
        (folder / f"{name}.v").write_text(text, encoding="utf-8")
    subprocess.run(["iverilog", "-g2005", "-o", "bench.vvp", "-s", "bench",
                    *(f"{name}.v" for name in texts)], cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, text=True,
                          check=True)
    return done.stdout
