"""``blockfactor generate``: arguments, what is written and what is said."""

import hashlib
import json

import pytest

from blockfactor.cli.generate import BUSES
from blockfactor.config import FRONT_ENDS, CoreConfig, SystemConfig
from blockfactor.generator import peakrdl
from blockfactor.golden.codebook import Codebooks

#: Makes a core small, so that it is quick to generate.
SMALL = [word for change in ("factors=2", "blocks=2", "block_length=8", "max_codevectors=4",
                             "list_size=4", "query_entries=2")
         for word in ("--set", change)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_writes_and_tells(here, command):
    done = command("generate", "--preset", "tiny", *SMALL, "-o", "out/deep", "--json", "files.json")
    assert (done.status, done.err) == (0, "")
    table = json.loads((here / "files.json").read_text())
    assert (table["name"], table["preset"]) == ("blockfactor_tiny", "tiny")
    files = {p.name: p.read_bytes() for p in (here / "out" / "deep").iterdir()}
    assert {row["file"] for row in table["files"]} == set(files)
    for row in table["files"]:
        assert row["file"] in done.out and f"{row['bytes']:,}" in done.out
        assert len(files[row["file"]]) == row["bytes"]
        assert hashlib.sha256(files[row["file"]]).hexdigest() == row["sha256"]
    # Once more: the same, over what is there; nothing of another name is touched.
    (here / "out" / "deep" / "mine.txt").write_text("keep")
    assert command("generate", "--preset", "tiny", *SMALL, "-o", "out/deep").status == 0
    assert {p.name: p.read_bytes() for p in (here / "out" / "deep").iterdir()} == \
        files | {"mine.txt": b"keep"}


def test_all_options(here, command):
    Codebooks.random((4, 3), 2, 8, seed=5).save("book.npz")
    done = command("generate", "--preset", "tiny", *SMALL, "--name", "decoder", "--codebook",
                   "book.npz", "--trace", "--vectors", "3", "--seed", "7", "-o", "out",
                   "--set", 'engines=["join", "factorize"]', "--set", "weight_bits=0x2")
    assert (done.status, done.err) == (0, "")
    table = json.loads((here / "out" / "decoder.json").read_text())
    assert table["codebook_sizes"] == [4, 3] and table["trace"]
    config = CoreConfig.from_table(table["config"])
    assert config.engines == ("factorize", "join") and config.weight_bits == 2
    script = (here / "out" / "decoder_vectors.hex").read_text()
    assert "// run 2" in script and "// run 3" not in script
    # By the field it comes to the same.
    again = command("generate", "--preset", "tiny", *SMALL, "--name", "decoder", "--trace",
                    "--vectors", "3", "--seed", "7", "-o", "again",
                    "--set", "engines=join,factorize", "--set", 'codebook="book.npz"',
                    "--set", "weight_bits=2")
    assert again.status == 0
    for path in (here / "out").iterdir():
        assert path.read_bytes() == (here / "again" / path.name).read_bytes()


def test_bus(here, command):
    """All files are listed in JSON; pages to browse are one row of the table."""
    done = command("generate", "--preset", "tiny", *SMALL, "--bus", "uart", "--clock", "8000000",
                   "--baud", "100000", "--name", "t", "-o", "out", "--json", "files.json")
    assert (done.status, done.err) == (0, "")
    table = json.loads((here / "files.json").read_text())
    assert (table["name"], table["bus"], table["left_out"]) == ("t", "uart", [])
    out = here / "out"
    files = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert {row["file"]: row["sha256"] for row in table["files"]} == {
        path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    assert {"t.v", "t.f", "t_ports.md", "t.json", "t_example.v", "t_registers.h",
            "t_registers.rdl", "t_registers.svd", "t_registers.md", "t_structs.h", "t_ipxact.xml",
            "t_registers_html/index.html", "t_driver.h", "t_driver.c"} <= set(files)
    assert all(path in done.out for path in files if "/" not in path)
    assert "t_registers_html/" in done.out and "index.html" not in done.out
    system = SystemConfig.from_table(json.loads(files["t.json"])["system"])
    assert (system.front_end, system.clock_hz, system.baud) == ("uart", 8_000_000, 100_000)
    assert "localparam BIT = 800;" in files["t_example.v"].decode()


def test_bus_without_peakrdl(here, command, monkeypatch):
    monkeypatch.setattr(peakrdl, "find_spec", lambda module: None)
    done = command("generate", "--preset", "tiny", *SMALL, "--bus", "native", "--name", "t",
                   "-o", "out", "--json", "files.json")
    assert done.status == 0
    note = ("t_structs.h, t_ipxact.xml and t_registers_html were left out: peakrdl, "
            "peakrdl_cheader, peakrdl_html, peakrdl_ipxact are not installed: "
            "pip install 'blockfactor[registers]'")
    assert done.err == f"blockfactor: note: {note}\n"
    assert json.loads((here / "files.json").read_text())["left_out"] == [note]
    assert (here / "out" / "t_registers.h").exists()


def test_help(command):
    done = command("generate", "--help")
    assert done.status == 0
    assert [word for word in BUSES if f"--bus {word}" in done.out] == [
        "spi", "uart", "wishbone", "apb", "axi4lite"]
    assert BUSES == FRONT_ENDS


@pytest.mark.parametrize(("arguments", "message"), [
    (["--preset", "tiny", "--bus", "i2c"],
     "argument --bus: 'i2c' is not one of none, native, spi, uart, wishbone, apb, "
     "axi4lite"),
    (["--preset", "tiny", "--bus", "spi", "--trace"],
     "argument --trace: does not go with --bus spi"),
    (["--preset", "tiny", "--bus", "uart", "--vectors", "3"],
     "argument --vectors: does not go with --bus uart"),
    (["--preset", "tiny", "--bus", "spi", "--baud", "9600"],
     "argument --baud: does not go with --bus spi"),
    (["--preset", "tiny", "--clock", "48000000"],
     "argument --clock: needs --bus: without one the core has no such rate"),
    (["--preset", "tiny", "--baud", "9600"],
     "argument --baud: needs --bus: without one the core has no such rate"),
    (["--preset", "tiny", "--bus", "uart", "--baud", "4000000"],
     "baud 4000000 is outside 1..3000000"),
    (["--preset", "tiny", "--bus", "uart", "--baud", "2500000"],
     "baud 2500000 cannot be made from clock_hz 12000000: 5 cycles a bit give 2400000, which is "
     "outside 2450000..2550000"),
    (["--preset", "tiny", "--bus", "spi", "--name", "_core"],
     "name '_core' begins with an underscore"),
    (["--preset", "huge"],
      "no preset 'huge'; presets are demo, tiny, paper, join, fast, both, full, f2, f4, robust, "
      "odd"),
    (["--preset", "tiny", "--set", "factor=2"], "no field 'factor' in CoreConfig; fields are "),
    (["--preset", "tiny", "--set", "factors=9"], "factors 9 is outside 2..4"),
    (["--preset", "tiny", "--set", "factors=two"], "factors 'two' is not an integer in 2..4"),
    (["--preset", "tiny", "--set", "factors"], "'factors' is not FIELD=VALUE"),
    (["--preset", "tiny", "--set", 'engines=["magic"]'],
     "engines 'magic' is not one of factorize, join"),
    (["--preset", "tiny", "--set", 'engines=["join"'],
     "engines '[\"join\"' is not one of factorize, join"),
    (["--preset", "tiny", "--name", "module"],
     "name 'module' is a reserved word of SystemVerilog"),
    (["--preset", "tiny", "--name", ""], "name '' is not a Verilog identifier"),
    (["--preset", "tiny", "--vectors", "0"], "argument --vectors: 0 is outside 1..10000"),
    (["--preset", "tiny", "--codebook", "none.npz"], "none.npz: "),
    (["--preset", "tiny", "--codebook", "small.npz"],
     "small.npz: codebooks have factors 2, the core has 3"),
    (["--preset", "tiny", "--codebook", "small.npz", "--set", "codebook=small.npz"],
     "codebook is given twice: by --codebook and by --set"),
    (["--preset", "tiny", "--json", "no/such.json"], "no/such.json: directory no does not exist"),
    (["--preset", "tiny", "-o", "small.npz", *SMALL], "small.npz: is a file, must be a directory"),
    ([], "the following arguments are required: --preset"),
])
def test_refused(arguments, message, here, command):
    Codebooks.random((4, 3), 2, 8, seed=5).save("small.npz")
    done = command("generate", "-o", "out", *arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"blockfactor: error: {message}") and done.err.count("\n") == 1
    assert [p.name for p in here.iterdir()] == ["small.npz"]
