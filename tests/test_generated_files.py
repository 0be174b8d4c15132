"""Every file that ``generate`` writes for each bus goes through a tool that understands it.

A file for which there is no such check fails. What the files say, and that they work, is tested
where each is made: tests/generator, tests/drivers and test_generate_system.py.
"""

import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cmsis_svd
import pytest
from cmsis_svd.parser import SVDParser
from lxml import etree
from systemrdl import RDLCompiler

from blockfactor.codebook_files import from_hex
from blockfactor.config import FRONT_ENDS
from blockfactor.generate import write_files
from blockfactor.generate_system import generate_system
from blockfactor.golden.codebook import Codebooks
from blockfactor.presets import PRESETS
from blockfactor.registers import register_map

PRESET = PRESETS["join"]
BOOKS = Codebooks.random((9, 6, 4), PRESET.core.blocks, PRESET.core.block_length, seed=2)
SCHEMA = Path(cmsis_svd.__file__).parent / "schemas" / "CMSIS-SVD_1_3_1.xsd"
IPXACT = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
NAMES = {register.name for register in register_map(PRESET.system)}


def verilog(path: Path) -> None:
    """By itself, or the example with what it is an example of."""
    sources = [path.name, *["core.v"] * path.name.endswith("_example.v")]
    done = subprocess.run(["iverilog", "-g2005", "-Wall", "-t", "null", *sources], cwd=path.parent,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def c(path: Path) -> None:
    # PeakRDL's structures have anonymous unions.
    standard = "-std=gnu11" if path.name == "core_structs.h" else "-std=c99"
    subprocess.run(["g++", "-x", "c", standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                    path.name], cwd=path.parent, check=True, timeout=120)


def svd(path: Path) -> None:
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.parse(path))
    [peripheral] = SVDParser.for_xml_file(str(path)).get_device().peripherals
    assert {register.name for register in peripheral.registers} == NAMES


def rdl(path: Path) -> None:
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    assert {register.inst_name for register in compiler.elaborate().top.registers()} == NAMES


def ipxact(path: Path) -> None:
    root = etree.parse(path).getroot()
    assert root.tag == f"{IPXACT}component"
    assert {register.findtext(f"{IPXACT}name") for register in root.iter(f"{IPXACT}register")} \
        == NAMES


def python(path: Path) -> None:
    """Run by MicroPython in tests/drivers/test_micropython.py."""
    compile(path.read_text(encoding="utf-8"), path.name, "exec")


def table(path: Path) -> None:
    """Rows of every table have as many cells as its head."""
    widths: list[int] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            widths = []
            continue
        widths.append(len(re.findall(r"(?<!\\)\|", line)))
        assert widths[-1] == widths[0], line


def description(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["name"] == "core" and content["ports"]


def file_list(path: Path) -> None:
    assert all((path.parent / name).is_file() for name in path.read_text().split())


def memory(path: Path) -> None:
    read = from_hex(path.read_text())
    assert read.sizes == BOOKS.sizes
    assert all((a == b).all() for a, b in zip(read.indices, BOOKS.indices))


def page(path: Path) -> None:
    """Elements are closed in order, and files that are named exist."""
    open_elements: list[str] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "link", "img", "br", "hr", "input", "path"):
                open_elements.append(tag)
            for key, value in attributes:
                if key in ("src", "href") and value and not re.match(r"[a-z]+:|#|\?", value):
                    assert (path.parent / re.split("[?#]", value)[0]).exists(), value

        def handle_endtag(self, tag):
            if tag in open_elements:
                assert open_elements.pop() == tag

    Page().feed(path.read_text(encoding="utf-8"))
    assert open_elements == []


#: By pattern of the path; the first that matches counts.
CHECKS = {
    r"core_registers_html/.*\.html": page,
    r"core_registers_html/.*\.json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    # PeakRDL's own, the same for everyone: scripts, fonts, pictures, what starts a browser.
    r"core_registers_html/(css|js|fonts|search|data)/.*": lambda path: None,
    r"core_registers_html/(favicon\.png|launcher-.*\.bat|\.launcher_data/.*)": lambda path: None,
    r".*\.v": verilog, r".*\.[ch]": c, r".*\.svd": svd, r".*\.rdl": rdl,
    r"core_ipxact\.xml": ipxact, r".*\.py": python, r".*\.md": table, r".*\.json": description,
    r".*\.f": file_list, r".*_codebook\.hex": memory,
}


@pytest.mark.needs("iverilog", "g++")
@pytest.mark.parametrize("bus", FRONT_ENDS[1:])
def test_every_file(bus, tmp_path):
    system = replace(PRESET.system, front_end=bus, clock_hz=4_000_000, baud=1_000_000)
    # A bus that has them in its memory, and one that has not, see the same files else.
    books = BOOKS if bus in ("spi", "apb") else None
    files, left_out = generate_system(PRESET, system, "core", codebooks=books)
    assert left_out == []
    write_files(tmp_path, files)
    for name in files:
        check = next((check for pattern, check in CHECKS.items() if re.fullmatch(pattern, name)),
                     None)
        assert check, f"{name}: nothing checks such a file"
        try:
            check(tmp_path / name)
        except Exception as problem:
            raise AssertionError(f"{name}: {problem}") from problem
