"""generate_system.py: the files for every bus, and that simulators run the examples."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from c_driver import WARNINGS, write_driver

from blockfactor.codebook_files import from_hex
from blockfactor.config import FRONT_ENDS, CoreConfig, SystemConfig
from blockfactor.errors import CodebookError, ConfigError
from blockfactor.generate import write_files
from blockfactor.generate_system import generate_system
from blockfactor.generator import peakrdl
from blockfactor.generator.names import module_names
from blockfactor.generator.ports import HEADS, MEANINGS
from blockfactor.golden.codebook import Codebooks
from blockfactor.presets import PRESETS
from blockfactor.registers import register_map

BUSES = FRONT_ENDS[1:]
SMALL = CoreConfig(factors=2, blocks=2, block_length=10, max_codevectors=5, list_size=4,
                   query_entries=2, engines=("join",))
BOOKS = Codebooks.random((5, 3), 2, 10, seed=8)

PROGRAM = """
import sys
from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.generate import write_files
from blockfactor.generate_system import generate_system
from blockfactor.golden.codebook import Codebooks
from blockfactor.presets import PRESETS
core = CoreConfig(factors=2, blocks=2, block_length=10, max_codevectors=5, list_size=4,
                  query_entries=2, engines=("join",))
system = SystemConfig(core=core, front_end="spi")
files, _ = generate_system(PRESETS["join"], system, "core", seed=3,
                           codebooks=Codebooks.random((5, 3), 2, 10, seed=8))
write_files(sys.argv[1], files)
"""


def system_of(bus: str) -> SystemConfig:
    """A small system with a quick serial line."""
    return SystemConfig(core=SMALL, front_end=bus, clock_hz=4_000_000, baud=1_000_000)


def simulate(folder, name) -> list[str]:
    """What the example prints, after a compilation in silence."""
    for command in (["iverilog", "-g2005", "-Wall", "-o", "t.vvp", f"{name}.v",
                     f"{name}_example.v"], ["vvp", "t.vvp"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300,
                              check=False)
        assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module", params=BUSES)
def tiny(request):
    """Bus, files and what was left out of preset tiny, without PeakRDL; of two with codebooks."""
    preset = PRESETS["tiny"]
    system = replace(preset.system, front_end=request.param, clock_hz=4_000_000, baud=1_000_000)
    books = None
    if request.param in ("wishbone", "uart", "axi4lite"):
        books = Codebooks.random((9, 6, 4), 4, 128, seed=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peakrdl, "find_spec", lambda module: None)
        return request.param, *generate_system(preset, system, "tiny", codebooks=books)


@pytest.fixture(scope="module")
def baked():
    """Files of a small SPI system with a codebook, and what was left out."""
    system = SystemConfig(core=SMALL, front_end="spi")
    return generate_system(PRESETS["join"], system, "core", codebooks=BOOKS, seed=3)


def test_files(baked):
    files, left_out = baked
    plain = [path for path in files if "/" not in path]
    always = ["core.v", "core.f", "core_codebook.hex", "core_ports.md", "core.json",
              "core_example.v", "core_registers.h", "core_registers.rdl", "core_registers.svd",
              "core_registers.md", "core_structs.h", "core_ipxact.xml"]
    assert plain[:len(always)] == always
    assert all(text.endswith("\n") and not text.endswith("\n\n")
               for path, text in files.items() if "/" not in path)
    assert left_out == []
    assert plain[len(always):] == ["core_driver.h", "core_driver.c", "core_spi.h", "core_spi.c",
                                   "core.py"]
    assert b"<html" in files["core_registers_html/index.html"]


@pytest.mark.parametrize("tiny", ["native"], indirect=True)
def test_without_peakrdl(tiny):
    _, files, left_out = tiny
    assert set(files) == {"tiny.v", "tiny.f", "tiny_ports.md", "tiny.json", "tiny_example.v",
                          "tiny_registers.h", "tiny_registers.rdl", "tiny_registers.svd",
                          "tiny_registers.md", "tiny_driver.h", "tiny_driver.c", "tiny_mmio.h",
                          "tiny_mmio.c"}
    assert left_out == [
        "tiny_structs.h, tiny_ipxact.xml and tiny_registers_html were left out: peakrdl, "
        "peakrdl_cheader, peakrdl_html, peakrdl_ipxact are not installed: "
        "pip install 'blockfactor[registers]'"]


def test_the_same_anywhere(baked, tmp_path):
    """PeakRDL's pages hold the time of their making, if nothing is done about it."""
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-c", PROGRAM, out], cwd=tmp_path, check=True,
                   env=os.environ | {"PYTHONHASHSEED": "1"})
    found = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    wanted = {path: text.encode() if isinstance(text, str) else text
              for path, text in baked[0].items()}
    assert list(filter(lambda path: found.get(path) != wanted[path], wanted)) == []
    assert set(found) == set(wanted)


def test_nothing_of_this_machine(baked):
    for path, text in baked[0].items():
        text = text.decode(errors="replace") if isinstance(text, bytes) else text
        assert str(os.getcwd()) not in text and "/tmp/" not in text, path


def test_modules_and_codebook(baked):
    text = baked[0]["core.v"]
    modules = module_names(text)
    assert all(m == "core" or m.startswith("core__") for m in modules)
    assert from_hex(baked[0]["core_codebook.hex"]) == BOOKS
    copies = [m for m in modules if m.startswith("core__core__codebook__copy")]
    reads = re.findall(r"^  initial \$readmemh\((.*?), array, 0, 15\);$", text, re.M)
    assert reads == ["`core_CODEBOOK"] * len(copies) and copies
    assert '`define core_CODEBOOK "core_codebook.hex"' in text


def test_description(baked):
    table = json.loads(baked[0]["core.json"])
    system = SystemConfig.from_table(table["system"])
    assert system == SystemConfig(core=SMALL.replace(codebook="core_codebook.hex"),
                                  front_end="spi")
    assert (table["name"], table["preset"], table["codebook_sizes"]) == ("core", "join", [5, 3])
    assert [p["name"] for p in table["ports"]] == [
        "clk", "rst", "irq", "sck", "cs_n", "copi", "cipo", "cipo_oe"]


def test_port_table_is_that_of_the_verilog(tiny):
    _, files, _ = tiny
    body = re.search(r"^module tiny\(.*?^endmodule", files["tiny.v"], re.M | re.S)[0]
    found = {(name, direction, int(top or 0) + 1) for direction, top, name in
             re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.M)}
    page = files["tiny_ports.md"]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+) \| (.*) \|$", page, re.M)
    assert {(name, direction, int(bits)) for name, direction, bits, _ in rows} == found
    assert [meaning for *_, meaning in rows] == [MEANINGS[name] for name, *_ in rows]
    assert "stream" not in page and "tiny_registers.md" in page
    assert not re.search(r"\{\w+\}", page)


def test_every_bus_has_a_head():
    assert tuple(HEADS) == FRONT_ENDS


def test_registers_are_the_systems(baked):
    page = baked[0]["core_registers.md"]
    for register in register_map(SystemConfig(core=SMALL, front_end="spi")):
        assert f"| 0x{register.address:02X} | [`{register.name}`]" in page


def test_wrong_arguments():
    preset = PRESETS["join"]
    with pytest.raises(ConfigError, match="^front_end 'none' has no registers$"):
        generate_system(preset, preset.system, "core")
    with pytest.raises(ConfigError, match="^name '_core' begins with an underscore"):
        generate_system(preset, system_of("spi"), "_core")
    with pytest.raises(ConfigError, match=r"^baud 3000000 is outside 1..1000000$"):
        generate_system(preset, replace(system_of("uart"), baud=3_000_000), "core")
    with pytest.raises(CodebookError, match="^codebooks have factors 2, the core has 3$"):
        generate_system(preset, replace(preset.system, front_end="spi"), "core", codebooks=BOOKS)


# -- drivers --------------------------------------------------------------------------------------


@pytest.mark.needs("g++")
def test_c_compiles(tiny, tmp_path):
    """All C files of a bus; those of PeakRDL are in test_peakrdl."""
    bus, files, _ = tiny
    write_files(tmp_path, files)
    sources = [path for path in files if path.endswith((".c", ".h"))]
    way = {"spi": {"spi"}, "uart": set()}.get(bus, {"mmio"})
    assert {path[5:-2] for path in sources} == {"registers", "driver"} | way
    for path in sources:
        languages = [("-x", "c", "-std=c99")] + [("-x", "c++", "-std=c++11")] * path.endswith(".h")
        for language in languages:
            subprocess.run(["g++", *language, *WARNINGS, "-fsyntax-only", path], cwd=tmp_path,
                           check=True, timeout=120)
    assert ("tiny.py" in files) == (bus == "spi")
    if bus == "spi":  # run by tests/drivers/test_micropython.py
        compile(files["tiny.py"], "tiny.py", "exec")


@pytest.mark.needs("g++")
def test_drivers_of_two_cores_in_a_program(tmp_path):
    """No name is in both, in whatever language they are called from."""
    presets = {"one": PRESETS["demo"], "Two": PRESETS["f4"]}
    for name, preset in presets.items():
        for bus in ("native", "spi"):
            system = replace(preset.system, front_end=bus)
            write_driver(tmp_path, preset, system, name)
    (tmp_path / "main.cpp").write_text(
        "".join(f'#include "{name}_{way}.h"\n' for name in presets for way in ("mmio", "spi"))
        + """int main() {
    one_device one;
    Two_device two;
    one_parameters clean = ONE_PARAMETERS_CLEAN;
    Two_parameters soft = TWO_PARAMETERS_SOFT;
    one_transport first;
    Two_spi_bus bus = {0, 0, 0};
    Two_transport second;
    return one_mmio(&first, 0) != ONE_ERROR_ARGUMENT || Two_spi(&second, &bus) == TWO_OK
        || one_open(&one, 0, 1) == ONE_OK || Two_open(&two, 0, 1) == TWO_OK
        || clean.sizes[2] != 22 || soft.sizes[3] != 16;
}
""")
    objects = []
    for source in sorted(tmp_path.glob("*.c")):
        subprocess.run(["g++", "-x", "c", "-std=c99", *WARNINGS, "-c", source.name], cwd=tmp_path,
                       check=True, timeout=120)
        objects.append(f"{source.stem}.o")
    subprocess.run(["g++", *WARNINGS, "-o", "main", "main.cpp", *objects], cwd=tmp_path,
                   check=True, timeout=120)
    subprocess.run(["./main"], cwd=tmp_path, check=True, timeout=60)


# -- in simulators --------------------------------------------------------------------------------


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
def test_tiny_passes(tiny, tmp_path):
    """Also with codebooks that the core has from the start."""
    bus, files, _ = tiny
    write_files(tmp_path, files)
    assert ("tiny_codebook.hex" in files) == (bus in ("wishbone", "uart", "axi4lite"))
    lines = simulate(tmp_path, "tiny")
    assert lines[-1] == "PASS" and lines[-2].startswith("found ")


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
def test_wrong_codebook_fails(baked, tmp_path):
    """The example's codebooks are those of the file, which is read."""
    write_files(tmp_path, baked[0])
    assert simulate(tmp_path, "core")[-1] == "PASS"
    book = tmp_path / "core_codebook.hex"
    book.write_text(re.sub(r"^[0-9a-f]+$", lambda m: "0" * len(m[0]), book.read_text(),
                           flags=re.M))
    assert simulate(tmp_path, "core")[-1] == "FAIL"
