"""generator/register_page.py and documents.py: the page is complete, docs/ is not stale."""

import itertools
import re
from pathlib import Path

import pytest

from blockfactor.config import SystemConfig
from blockfactor.generator import peakrdl
from blockfactor.generator.documents import docs_files, main, register_files
from blockfactor.generator.register_page import NEEDS, WHOLE, conditions, page, width_causes
from blockfactor.presets import PRESETS
from blockfactor.registers import ACCESSES, register_map

DOCS = Path(__file__).parents[2] / "docs"


def fields(core) -> set[tuple[str, str]]:
    """Names of all registers and fields of a core."""
    return {(r.name, f.name) for r in register_map(SystemConfig(core=core)) for f in r.fields}


@pytest.mark.parametrize("name", PRESETS)
def test_every_bit_is_on_the_page(name):
    registers = register_map(PRESETS[name].system)
    text = page(PRESETS[name].system, "core")
    sections = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^##)", text, re.M | re.S))
    assert list(sections) == [r.name for r in registers]
    for register in registers:
        section = sections[register.name]
        assert section.startswith(f"0x{register.address:02X}: {register.about}")
        assert f"| 0x{register.address:02X} | [`{register.name}`](#{register.name.lower()}) |" \
            in text
        rows = [[cell.strip() for cell in row.split("|")[1:6]]
                for row in section.splitlines() if row.startswith("| ")][1:]
        assert len(rows) == len(register.fields)
        for field in register.fields:
            top = field.offset + field.width - 1
            bits = str(top) if field.width == 1 else f"{top}:{field.offset}"
            [row] = [row for row in rows if row[1] == f"`{field.name}`"]
            assert row[:1] == [bits] and row[2] == field.access
            assert row[4].startswith(field.about)
            if field.access not in ("read", "window"):
                assert int(row[3], 0) == field.reset
            for code, meaning in enumerate(field.values):
                assert f"{code} {meaning}" in row[4]


def test_names_in_the_text_exist():
    """Registers and fields that the rules speak of; errors in the order in which they count."""
    registers = register_map(PRESETS["demo"].system)
    text = page(PRESETS["demo"].system, "demo").partition("## What depends")[0]
    for register, field in re.findall(r"`([A-Z][A-Z_0-9]+)\.(\w+)`", text):
        assert registers[register].field(field)
    for register in re.findall(r"`([A-Z][A-Z_0-9]+)`", text):
        assert register in registers
    errors = [f.name for f in registers["ERRORS"].fields]
    assert re.findall(r"^\| `(\w+)` \| ", text.partition("## In which")[0], re.M)[-4:] == \
        errors[-4:]
    assert all(f"| {kind} | {about} |" in text for kind, about in ACCESSES.items())


def test_what_depends_on_the_configuration():
    """A field is there just where all that the table says it needs is: all combinations."""
    needs: dict[tuple[str, str], set[str]] = {}
    for need, (whole, parts) in conditions().items():
        for key in fields(WHOLE):
            if key[0] in whole or key in parts:
                needs.setdefault(key, set()).add(need)
    changes = dict(NEEDS)
    assert set(conditions()) == set(changes)
    orders = [["at least 3 factors", "4 factors"],
              ["at least 2 blocks", "at least 3 blocks", "at least 4 blocks"]]
    for lost in itertools.product((False, True), repeat=len(NEEDS)):
        gone = [need for need, yes in zip(changes, lost) if yes]
        change = {key: value for need in reversed(gone) for key, value in changes[need].items()}
        if {"the engine `join`", "the engine `factorize`"} <= set(gone):
            continue  # no core
        absent = set(gone)
        for order in orders:  # fewer than three is fewer than four, too
            for n, need in enumerate(order):
                if need in gone:
                    absent |= set(order[n:])
        if "`element_bits` above 0" in gone:
            change["element_bits"] = 0
        expected = {key for key in fields(WHOLE) if not needs.get(key, set()) & absent}
        assert fields(WHOLE.replace(**change)) == expected, gone


def test_width_causes_are_those_of_the_presets():
    """Fields that differ between two presets are listed, with a setting that differs."""
    causes = width_causes()
    for one, two in itertools.combinations(PRESETS.values(), 2):
        maps = [register_map(p.system) for p in (one, two)]
        for register in maps[0]:
            if register.name not in maps[1]:
                continue
            others = {f.name: f for f in maps[1][register.name].fields}
            for field in register.fields:
                other = others.get(field.name, field)
                if (field.offset, field.width) != (other.offset, other.width):
                    settings = causes[register.name, field.name]
                    assert any(getattr(one.core, s) != getattr(two.core, s) for s in settings)


def test_docs_are_not_stale():
    files, left_out = docs_files()
    assert left_out == []
    for name, text in files.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, \
            f"docs/{name} is stale: run make docs"
    assert {f"registers/{path.name}" for path in (DOCS / "registers").iterdir()} == \
        set(files) - {"registers.md"}
    links = re.findall(r"\]\((registers/[^)]*)\)", files["registers.md"])
    assert set(links) == set(files) - {"registers.md"}


def test_main_writes_them(tmp_path, capsys, monkeypatch):
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: ")
    assert main([str(tmp_path / "docs"), str(tmp_path / "html")]) == 0
    made = {p.relative_to(tmp_path / "docs").as_posix(): p.read_text(encoding="utf-8")
            for p in (tmp_path / "docs").rglob("*") if p.is_file()}
    assert made == docs_files()[0]
    assert "CODEBOOK_CRC" in "".join(
        p.read_text(encoding="utf-8") for p in (tmp_path / "html").rglob("*.js*"))
    assert (tmp_path / "html" / "index.html").is_file()


def test_without_peakrdl(monkeypatch):
    monkeypatch.setattr(peakrdl, "find_spec", lambda name: None)
    files, left_out = register_files(PRESETS["tiny"].system, "core")
    assert set(files) == {"core_registers.h", "core_registers.rdl", "core_registers.svd",
                          "core_registers.md"}
    [line] = left_out
    assert line.startswith("core_structs.h and core_ipxact.xml were left out: peakrdl, ")
    assert line.endswith("pip install 'blockfactor[registers]'")
