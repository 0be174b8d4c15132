"""generate.py: the files' texts, and that simulators read them and agree with the golden model."""

import json
import os
import re
import subprocess
import sys

import pytest
from timed_build import timed_build

from blockfactor.codebook_files import from_hex
from blockfactor.config import CoreConfig
from blockfactor.errors import BlockfactorError, CodebookError, ConfigError
from blockfactor.generate import generate, run_parameters, write_files
from blockfactor.generator.names import module_names
from blockfactor.golden.codebook import Codebooks
from blockfactor.presets import PRESETS
from blockfactor.sim.runner import environment

SMALL = CoreConfig(factors=2, blocks=2, block_length=10, max_codevectors=5, list_size=4,
                   query_entries=2, element_bits=4)
BOOKS = Codebooks.random((5, 3), 2, 10, seed=8)

PROGRAM = """
import sys
from blockfactor.generate import generate, write_files
from blockfactor.presets import PRESETS
from blockfactor.golden.codebook import Codebooks
from blockfactor.config import CoreConfig
config = CoreConfig(factors=2, blocks=2, block_length=10, max_codevectors=5, list_size=4,
                    query_entries=2, element_bits=4)
books = Codebooks.random((5, 3), 2, 10, seed=8)
write_files(sys.argv[1], generate(PRESETS["demo"], config, "core", codebooks=books, trace=True))
"""


@pytest.fixture(scope="module")
def baked():
    """Files of a small core with a codebook and a trace."""
    return generate(PRESETS["demo"], SMALL, "core", codebooks=BOOKS, trace=True)


@pytest.fixture(scope="module")
def other():
    """Files of the same core without both, under another name."""
    return generate(PRESETS["demo"], SMALL, "other")


def run(folder, *command, limit=120, **environment) -> str:
    """Output of a program that must not fail."""
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True,
                          text=True, timeout=limit, check=False, env=os.environ | environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


def icarus(folder, name) -> list[str]:
    """Lines that a test bench prints under Icarus Verilog, after a compilation in silence."""
    assert run(folder, "iverilog", "-g2012", "-Wall", "-o", "tb.vvp", f"{name}.v",
               f"{name}_tb.v") == ""
    return run(folder, "vvp", "tb.vvp").splitlines()


def verilator(folder, *arguments, limit=300) -> str:
    """Run Verilator as the regression does."""
    return run(folder, "verilator", *arguments, limit=limit, **environment("verilator"))


def test_files(baked, other):
    assert list(baked) == ["core.v", "core.f", "core_codebook.hex", "core_ports.md", "core.json",
                           "core_tb.v", "core_vectors.hex"]
    assert set(other) == {"other.v", "other.f", "other_ports.md", "other.json", "other_tb.v",
                          "other_vectors.hex"}
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in baked.values())


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_anywhere(baked, hash_seed, tmp_path):
    subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "out"], cwd=tmp_path, check=True,
                   env=os.environ | {"PYTHONHASHSEED": hash_seed})
    assert {p.name: p.read_text() for p in (tmp_path / "out").iterdir()} == baked


def test_nothing_of_this_machine(baked):
    for name, text in baked.items():
        text = text.replace("obj_dir/V", "")
        assert not re.search(r"(?<![\w/*])/(?![/*])[A-Za-z_][\w.-]*/", text), name
        assert str(os.getcwd()) not in text and ".py" not in text, name


def test_modules_of_two_cores_never_clash(baked, other):
    one, two = module_names(baked["core.v"]), module_names(other["other.v"])
    assert len(one) > 10 and len(set(one)) == len(one)
    assert not set(one) & set(two)
    for name, modules in (("core", one), ("other", two)):
        assert all(m == name or m.startswith(f"{name}__") for m in modules)
    assert not re.search(r"^(module|  )\s*\\core\.", baked["core.v"], re.M)


def test_codebook_is_read_from_its_file(baked, other):
    assert from_hex(baked["core_codebook.hex"]) == BOOKS
    reads = re.findall(r"^  initial \$readmemh\((.*?), array, 0, 15\);$", baked["core.v"], re.M)
    copies = [m for m in module_names(baked["core.v"]) if m.startswith("core__codebook__copy")]
    assert reads == ["`core_CODEBOOK"] * len(copies) and copies
    assert '`define core_CODEBOOK "core_codebook.hex"' in baked["core.v"]
    assert "readmem" not in other["other.v"]


def test_description(baked, other):
    table = json.loads(baked["core.json"])
    assert CoreConfig.from_table(table["config"]) == SMALL.replace(codebook="core_codebook.hex")
    assert table["codebook_sizes"] == [5, 3] and table["trace"] is True
    ports = {port["name"]: port for port in table["ports"]}
    assert ports["result__payload"]["fields"][0] == {
        "name": "indices[0]", "offset": 0, "width": 3,
        "meaning": "codevector found for factor 0"}
    table = json.loads(other["other.json"])
    assert "codebook" not in table["config"] and table["codebook_sizes"] is None
    assert "trace__valid" in ports and "trace__valid" not in {p["name"] for p in table["ports"]}


def test_run_parameters_follow_the_core():
    preset = PRESETS["robust"]
    clean, soft = run_parameters(preset, preset.core)
    assert (clean, soft) == (preset.clean, preset.soft)
    core = preset.core.replace(factors=4, blocks=2, max_codevectors=7, list_size=8,
                               engines=("join",))
    for parameters in run_parameters(preset, core):
        assert parameters.check(core).sizes == (7, 7, 7, 7)
        assert parameters.resolve(core) == "join"


def test_wrong_arguments():
    with pytest.raises(ConfigError, match="name 'a b' is not a Verilog identifier"):
        generate(PRESETS["demo"], SMALL, "a b")
    with pytest.raises(BlockfactorError, match=r"^vectors 0 is outside 1..10000$"):
        generate(PRESETS["demo"], SMALL, "core", vectors=0)
    with pytest.raises(CodebookError, match="^codebooks have blocks 2, the core has 4$"):
        generate(PRESETS["f2"], PRESETS["f2"].core, "core", codebooks=Codebooks(BOOKS.indices, 128))


def test_write_files(tmp_path):
    folder = tmp_path / "a" / "b"
    assert [row["file"] for row in write_files(folder, {"x.v": "one\n", "y.v": "two\n"})] == [
        "x.v", "y.v"]
    [row] = write_files(folder, {"x.v": "Hallo\n"})
    assert row["bytes"] == 6 and len(row["sha256"]) == 64
    assert {p.name: p.read_text() for p in folder.iterdir()} == {"x.v": "Hallo\n", "y.v": "two\n"}
    with pytest.raises(BlockfactorError, match="x.v: is a file, must be a directory"):
        write_files(folder / "x.v", {"x.v": ""})
    [row] = write_files(folder, {"pages/one/x.bin": b"\xff\n"})
    assert row["file"] == "pages/one/x.bin" and row["bytes"] == 2
    assert (folder / "pages" / "one" / "x.bin").read_bytes() == b"\xff\n"
    with pytest.raises(BlockfactorError, match="x.v: is a file, must be a directory"):
        write_files(folder, {"y.v": "not written\n", "x.v/page": ""})
    (folder / "z.v").mkdir()
    with pytest.raises(BlockfactorError, match="z.v: is a directory, must be a file"):
        write_files(folder, {"x.v": "not written\n", "z.v": ""})
    assert (folder / "x.v").read_text() == "Hallo\n" and (folder / "y.v").read_text() == "two\n"


# -- in simulators --------------------------------------------------------------------------------


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("name", ["demo", "odd", "f2"])
def test_presets_pass(name, tmp_path):
    preset = PRESETS[name]
    write_files(tmp_path, generate(preset, preset.core, name, trace=name == "odd"))
    assert icarus(tmp_path, name)[-1] == "PASS"


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
def test_baked_codebook_passes(baked, tmp_path):
    write_files(tmp_path, baked)
    assert icarus(tmp_path, "core") == ["PASS"]
    # From elsewhere, with the macros.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(elsewhere, "iverilog", "-g2012", "-o", "tb.vvp",
        '-Dcore_CODEBOOK="../core_codebook.hex"', '-Dcore_VECTORS="../core_vectors.hex"',
        "../core.v", "../core_tb.v")
    assert run(elsewhere, "vvp", "tb.vvp").splitlines() == ["PASS"]


def changed(text: str, kind: str, change) -> str:
    """The script with the operand of its last command of a kind changed."""
    code = {"result": 6, "query": 2, "stop": 7, "errors": 8}[kind]
    lines = text.splitlines()
    [*_, last] = [n for n, line in enumerate(lines)
                  if not line.startswith("//") and int(line, 16) & 15 == code]
    word = int(lines[last], 16)
    lines[last] = f"{change(word >> 4) << 4 | code:x}"
    return "\n".join([*lines, ""])


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
def test_what_is_wrong_fails(baked, tmp_path):
    """Any bit of an expected result, a codebook of other codevectors, missing or cut files."""
    write_files(tmp_path, baked)
    assert icarus(tmp_path, "core") == ["PASS"]
    vectors, book = tmp_path / "core_vectors.hex", tmp_path / "core_codebook.hex"
    fields = {f["name"]: f for port in json.loads(baked["core.json"])["ports"]
              if port["name"] == "result__payload" for f in port["fields"]}

    def outcome() -> list[str]:
        return run(tmp_path, "vvp", "tb.vvp").splitlines()

    # The lowest bit of every field of one result: each is reported.
    every = sum(1 << field["offset"] for field in fields.values())
    vectors.write_text(changed(baked["core_vectors.hex"], "result", lambda word: word ^ every))
    lines = outcome()
    assert lines[-1] == "FAIL" and "PASS" not in lines
    for name in fields:
        assert any(re.match(rf"run 9: {re.escape(name)} is \d+, expected \d+", line)
                   for line in lines), (name, lines)
    vectors.write_text(changed(baked["core_vectors.hex"], "errors", lambda word: word ^ 1))
    assert outcome()[-1] == "FAIL"
    vectors.write_text(changed(baked["core_vectors.hex"], "stop", lambda word: word ^ 1))
    assert outcome()[-1] == "FAIL"
    # Half of the commands, or none at all.
    vectors.write_text(baked["core_vectors.hex"][:len(baked["core_vectors.hex"]) // 2])
    assert outcome()[-1] == "FAIL"
    vectors.unlink()
    assert outcome()[-1] == "FAIL"
    vectors.write_text(baked["core_vectors.hex"])
    book.write_text(re.sub(r"^([0-9a-f]*)([0-9a-f])$", lambda m: m[1] + f"{int(m[2], 16) ^ 1:x}",
                           baked["core_codebook.hex"], flags=re.M))
    assert outcome()[-1] == "FAIL"


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
def test_a_core_that_hangs_is_noticed(baked, tmp_path):
    write_files(tmp_path, baked)
    text, count = re.subn(r"while \(result__valid !== 1\)", "while (1)", baked["core_tb.v"])
    assert count == 1
    (tmp_path / "core_tb.v").write_text(text)
    lines = icarus(tmp_path, "core")
    assert lines[-1] == "FAIL" and "time-out" in lines[-2]


PAIR = """\
module pair(input clk, input rst);
  core a (.clk(clk), .rst(rst));
  other b (.clk(clk), .rst(rst));
endmodule
"""


@pytest.mark.cocotb
@pytest.mark.needs("iverilog", "verilator", "perl")
def test_two_cores_in_one_design(baked, other, tmp_path):
    write_files(tmp_path, baked | other | {"pair.v": PAIR})
    sources = ["core.v", "other.v", "pair.v"]
    run(tmp_path, "iverilog", "-g2012", "-s", "pair", "-o", "pair.vvp", *sources)
    verilator(tmp_path, "--lint-only", "-Wno-PINMISSING", "--top-module", "pair", *sources)
    for name in ("core", "other"):
        run(tmp_path, "iverilog", "-g2012", "-s", f"{name}_tb", "-o", "tb.vvp", *sources[:2],
            f"{name}_tb.v")
        assert run(tmp_path, "vvp", "tb.vvp").splitlines()[-1] == "PASS"


@pytest.mark.cocotb
@pytest.mark.needs("verilator", "g++", "make", "perl")
def test_verilator(baked, tmp_path):
    write_files(tmp_path, baked)
    program = timed_build(tmp_path, "core_tb", "core.v", "core_tb.v")
    assert "PASS" in run(tmp_path, program).splitlines()
    vectors = tmp_path / "core_vectors.hex"
    vectors.write_text(changed(vectors.read_text(), "result", lambda word: word ^ 1))
    lines = run(tmp_path, program).splitlines()
    assert "FAIL" in lines and "PASS" not in lines
