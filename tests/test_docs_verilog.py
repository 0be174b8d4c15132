"""docs/verilog.md: its command runs, and its example finds what a product vector is made of."""

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

from blockfactor import cli
from blockfactor.config import FRONT_ENDS
from blockfactor.golden.codebook import Codebooks, encode

PAGE = (Path(__file__).parents[1] / "docs" / "verilog.md").read_text(encoding="utf-8")
SEED = 6

BENCH = """\
module bench;
  reg clk = 0, rst = 1;
  reg [34:0] codebook = 0;
  reg [27:0] vector = 0;
  reg codebook_valid = 0, vector_valid = 0;
  wire codebook_ready, vector_ready, found, done;
  wire [4:0] label0, label1, label2;
  reg [34:0] codebooks [0:65];
  reg [27:0] vectors [0:{last}];
  integer n;
  unit dut (.*);
  always #5 clk = !clk;
  initial begin
    $readmemh("codebooks.hex", codebooks);
    $readmemh("vectors.hex", vectors);
    repeat (3) @(negedge clk);
    rst = 0;
    for (n = 0; n < 66; n = n + 1) begin
      codebook = codebooks[n];
      codebook_valid = 1;
      #1 while (!codebook_ready) @(negedge clk);
      @(negedge clk) codebook_valid = 0;
    end
    for (n = 0; n <= {last}; n = n + 1) begin
      vector = vectors[n];
      vector_valid = 1;
      #1 while (!vector_ready) @(negedge clk);
      @(negedge clk) vector_valid = 0;
      while (!done) @(negedge clk);
      $display("%0d %0d %0d %0d", found, label0, label1, label2);
    end
    $finish;
  end
  initial #2000000 $display("time-out");
  initial #2000001 $finish;
endmodule
"""


def test_files(tmp_path, monkeypatch, capsys):
    """The table names the files that its command writes, and two that an option makes."""
    monkeypatch.chdir(tmp_path)
    [line] = re.findall(r"^```sh\n(.*)\n```$", PAGE, re.M)
    assert cli.main(shlex.split(line)[1:]) == 0
    named = set(re.findall(r"`(decoder[\w.]*)`", PAGE.split("## Check it")[0])) - {"decoder__"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == named - {"decoder_codebook.hex"}
    capsys.readouterr()


def test_files_behind_a_bus(tmp_path, monkeypatch, capsys):
    """The second table names what ``--bus`` adds, and takes away."""
    monkeypatch.chdir(tmp_path)
    section = PAGE.split("## Behind a bus")[1].split("## Use it")[0]
    [line] = re.findall(r"^```text\n(.*)\n```$", section, re.M)
    assert cli.main(shlex.split(line)[1:]) == 0
    _, err = capsys.readouterr()
    assert err == ""
    table = section.split("these files:")[1].split("PeakRDL is")[0]
    named = {"decoder.v", "decoder.f", "decoder_ports.md", "decoder.json",
             *re.findall(r"`(decoder[_.][\w.]+)/?`", table)}
    assert {p.name for p in (tmp_path / "out").iterdir()} == named
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == set(FRONT_ENDS) - {"none"}


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
def test_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    [line] = re.findall(r"^```sh\n(.*)\n```$", PAGE, re.M)
    assert cli.main(shlex.split(line)[1:]) == 0
    capsys.readouterr()
    [example] = re.findall(r"^```verilog\n(.*?)^```$", PAGE, re.M | re.S)
    books = Codebooks.random((22, 22, 22), 4, 128, seed=SEED)
    rng = np.random.default_rng(SEED)
    tuples = [tuple(int(m) for m in rng.integers(0, 22, 3)) for _ in range(6)]

    def word(indices) -> int:
        return sum(int(x) << 7 * b for b, x in enumerate(indices))

    Path("unit.v").write_text(example)
    Path("bench.v").write_text(BENCH.format(last=len(tuples) - 1))
    Path("vectors.hex").write_text("\n".join(f"{word(encode(books, t)):x}" for t in tuples))
    Path("codebooks.hex").write_text("\n".join(
        f"{word(row) << 7 | m << 2 | f:x}"
        for f, book in enumerate(books.indices) for m, row in enumerate(book)))
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", "unit.v",
                    "out/decoder.v"], check=True, timeout=60)
    done = subprocess.run(["vvp", "bench.vvp"], check=True, capture_output=True, text=True,
                          timeout=120)
    assert done.stdout.splitlines() == [f"1 {a} {b} {c}" for a, b, c in tuples], f"seed {SEED}"
