# amaranth: UnusedElaboratable=no
"""generator/bus_example.py: simulators take the examples, which pass just on what is right."""

import re
import subprocess
from dataclasses import replace

import pytest
from timed_build import timed_build

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.generator.bus_example import bus_example
from blockfactor.generator.bus_tasks import bus_tasks
from blockfactor.generator.example import make_example
from blockfactor.generator.verilog import core_verilog
from blockfactor.golden.codebook import Codebooks
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS
from blockfactor.rtl.system import System
from blockfactor.rtl.verilog import to_verilog

BUSES = ("native", "wishbone", "apb", "axi4lite", "spi", "uart")
#: Two words a codevector, gaps between the registers of parameters and of results.
SMALL = CoreConfig(factors=2, blocks=5, block_length=10, max_codevectors=5, list_size=4,
                   query_entries=2, engines=("join",))
PARAMETERS = RunParameters(sizes=(5, 5))


def system_of(bus: str, core: CoreConfig = SMALL) -> SystemConfig:
    """A system with a quick serial line."""
    return SystemConfig(core=core, front_end=bus, clock_hz=4_000_000, baud=1_000_000)


def simulate(folder, standard: str = "-g2012") -> list[str]:
    """What the example prints, after a compilation in silence."""
    for command in (["iverilog", standard, "-Wall", "-o", "t.vvp", "core.v", "core_example.v"],
                    ["vvp", "t.vvp"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300,
                              check=False)
        assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def example():
    """Codebooks, query and golden result for SMALL."""
    return make_example(SMALL, PARAMETERS)


@pytest.fixture(scope="module", params=BUSES)
def folder(request, example, tmp_path_factory):
    """Folder with system and example of a bus."""
    path = tmp_path_factory.mktemp(request.param)
    system = system_of(request.param)
    (path / "core.v").write_text(to_verilog(System(system), "core"))
    (path / "core_example.v").write_text(bus_example(system, "core", example))
    return path


def test_example_is_decoded(example):
    assert example.result.stop == "accepted"
    assert example.result.score == example.result.smax == 5
    assert make_example(SMALL, PARAMETERS) == example
    assert make_example(SMALL, PARAMETERS, seed=2) != example
    books = Codebooks.random((5, 3), 5, 10, seed=3)
    given = make_example(SMALL, PARAMETERS, books)
    assert given.codebooks is books and given.parameters.sizes == (5, 3)


def test_ports_are_those_of_the_system(folder):
    """By the Verilog that the system becomes."""
    text = (folder / "core.v").read_text()
    body = re.search(r"^module core\(.*?^endmodule", text, re.M | re.S)[0]
    found = {(name, int(top or 0) + 1, direction == "input") for direction, top, name in
             re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.M)}
    [bus] = [bus for bus in BUSES if folder.name.startswith(bus)]
    assert found == {("clk", 1, True), ("rst", 1, True), ("irq", 1, False)} | {
        port[:3] for port in bus_tasks(system_of(bus)).ports}


@pytest.mark.parametrize("bus", BUSES)
def test_text(bus, example):
    text = bus_example(system_of(bus), "core", example)
    assert text == bus_example(system_of(bus), "core", example)
    assert text.isascii() and not re.search(r"\{\w*\}|\{\{|\}\}", text)
    assert max(map(len, text.splitlines())) <= 100
    assert "8'h7c" in text  # CODEBOOK_DATA
    assert "8'h7c" not in bus_example(system_of(bus), "core", example, write_codebooks=False)


def test_wrong_systems(example):
    with pytest.raises(ConfigError, match="^front_end 'none' has no registers$"):
        bus_example(SystemConfig(core=SMALL), "core", example)
    with pytest.raises(ConfigError, match="^name 'module' is a reserved word"):
        bus_example(system_of("spi"), "module", example)
    with pytest.raises(ConfigError, match="^baud 3000000 "):
        bus_example(replace(system_of("uart"), baud=3_000_000), "core", example)


def stub(bus: str) -> str:
    """A module with a system's pins that never answers."""
    pins = [("clk", 1, True), ("rst", 1, True), ("irq", 1, False),
            *(port[:3] for port in bus_tasks(system_of(bus)).ports)]
    return "\n".join([
        f"module core({', '.join(name for name, *_ in pins)});",
        *(f"  {'input' if driven else 'output'} [{width - 1}:0] {name};"
          for name, width, driven in pins),
        *(f"  assign {name} = 0;" for name, _, driven in pins if not driven), "endmodule", ""])


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("standard", ["-g2005", "-g2012"])
@pytest.mark.parametrize("bus", BUSES)
def test_what_never_answers_fails(bus, standard, example, tmp_path):
    (tmp_path / "core.v").write_text(stub(bus))
    (tmp_path / "core_example.v").write_text(bus_example(system_of(bus), "core", example))
    lines = simulate(tmp_path, standard)
    assert lines[-1] == "FAIL" and "PASS" not in lines
    assert lines[-2].startswith("time-out after ")


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("standard", ["-g2005", "-g2012"])
def test_passes(folder, standard, example):
    result = example.result
    assert simulate(folder, standard) == [
        f"found {', '.join(map(str, result.indices))}: score {result.score} of {result.smax} "
        f"after {result.cycles} cycles", "PASS"]


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("folder", ["native"], indirect=True)
def test_any_wrong_number_fails(folder):
    """Each expected value, and a write that is refused."""
    path = folder / "core_example.v"
    text = path.read_text()
    checks = re.findall(r'check\("(\w+)", [^;]*, 32\'[hd]\w+\);', text)
    assert len(checks) > 12
    try:
        # All at once: each is reported.
        path.write_text(re.sub(r"(check\(\"\w+\", [^;]*, 32'[hd])(\w+)\);",
                               lambda m: f"{m[1]}{int(m[2], 16) ^ 1:x});", text))
        lines = simulate(folder)
        assert lines[-1] == "FAIL" and "PASS" not in lines
        assert [line.split()[0] for line in lines if "expected" in line] == checks
        # Bits where there is no field: the access is refused.
        path.write_text(text.replace("put(8'h20, 32'h00000008)", "put(8'h20, 32'h80000008)"))
        lines = simulate(folder)
        assert lines[-1] == "FAIL" and lines[-2] == "refused is 00000001, expected 00000000"
    finally:
        path.write_text(text)


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("name", ["demo", "f4"])
def test_presets_pass(name, tmp_path):
    """With factorize, and with a codebook that the core has from the start."""
    preset = PRESETS[name]
    system = replace(preset.system, front_end="wishbone")
    books = None
    if name == "f4":
        books = Codebooks.random((16,) * 4, system.core.blocks, system.core.block_length, seed=5)
    made = make_example(system.core, preset.clean, books)
    (tmp_path / "core.v").write_text(to_verilog(System(system, books), "core"))
    (tmp_path / "core_example.v").write_text(
        bus_example(system, "core", made, write_codebooks=books is None))
    assert simulate(tmp_path)[-1] == "PASS"


@pytest.mark.cocotb
@pytest.mark.needs("verilator", "g++", "make", "perl")
def test_verilator(example, tmp_path):
    system = system_of("uart")
    (tmp_path / "core.v").write_text(core_verilog(System(system), "core"))
    (tmp_path / "core_example.v").write_text(bus_example(system, "core", example))
    program = timed_build(tmp_path, "core_example", "core.v", "core_example.v")
    done = subprocess.run([program], cwd=tmp_path, capture_output=True, text=True, timeout=400,
                          check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "PASS" in done.stdout.splitlines()
