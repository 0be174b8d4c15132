"""generator/rdl.py and peakrdl.py: SystemRDL means what the register map says."""

import subprocess
import xml.etree.ElementTree as ET

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import AddrmapNode, FieldNode
from systemrdl.rdltypes import OnReadType, OnWriteType, PrecedenceType

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.generator import peakrdl
from blockfactor.generator.peakrdl import PeakrdlError, missing, peakrdl_files
from blockfactor.generator.rdl import ACCESS_PROPERTY, RESERVED, rdl, root_name
from blockfactor.presets import PRESETS
from blockfactor.registers import ACCESSES, Field, Register, register_map

SMALLEST = SystemConfig(core=CoreConfig(factors=2, blocks=1, block_length=2, max_codevectors=1,
                                        engines=("join",), query_entries=1, weight_bits=1))
SYSTEMS = {"demo": PRESETS["demo"].system, "f4": PRESETS["f4"].system,
           "odd": PRESETS["odd"].system, "smallest": SMALLEST}


def elaborate(text: str, folder) -> AddrmapNode:
    """What SystemRDL's own compiler makes of a text."""
    path = folder / "registers.rdl"
    path.write_text(text)
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    return compiler.elaborate().top


@pytest.fixture(params=SYSTEMS)
def tree(request, tmp_path):
    """Register map and elaborated SystemRDL of a system."""
    system = SYSTEMS[request.param]
    return register_map(system), elaborate(rdl(system, request.param), tmp_path)


def test_registers(tree):
    registers, top = tree
    assert isinstance(top, AddrmapNode)
    assert [(r.inst_name, r.absolute_address, r.size) for r in top.registers()] == \
        [(r.name, r.address, 4) for r in registers]
    for node, register in zip(top.registers(), registers):
        assert node.get_property("desc").startswith(register.about)
        assert node.external == register.window
        assert node.has_sw_readable == (register.readable
                                        and any(f.readable for f in register.fields))
        assert node.has_sw_writable == bool(register.write_mask)


def pairs(registers, top):
    """All fields: register, field, and its node."""
    for node, register in zip(top.registers(), registers, strict=True):
        by_place = sorted(register.fields, key=lambda f: f.offset)
        for inner, field in zip(node.fields(), by_place, strict=True):
            yield register, field, inner


def test_fields(tree):
    registers, top = tree
    kinds = set()
    for register, field, node in pairs(registers, top):
        assert (node.inst_name, node.low, node.width) == (field.name, field.offset, field.width)
        assert node.get_property("desc").startswith(field.about)
        assert node.get_property(ACCESS_PROPERTY) == field.access
        assert (node.is_sw_readable, node.is_sw_writable) == (
            register.readable and field.readable, register.writable and field.writable)
        codes = node.get_property("encode")
        assert tuple(m.name for m in codes or ()) == field.values
        assert [m.value for m in codes or ()] == list(range(len(field.values)))
        check_kind(register, field, node)
        kinds.add(field.access)
    assert kinds == set(ACCESSES)


def check_kind(register: Register, field: Field, node: FieldNode) -> None:
    """What SystemRDL says a field of a kind does."""
    where = f"{register.name}.{field.name}"
    kind = field.access
    known = kind not in ("read", "window")
    assert node.get_property("reset") == (field.reset if known else None), where
    assert node.get_property("singlepulse") == (kind == "write"), where
    assert node.get_property("hwset") == (kind == "clear"), where
    moving = register.name == "CODEBOOK_ADDRESS"
    assert node.is_volatile == (kind in ("read", "write", "clear") or moving
                                or kind == "window" and register.readable), where
    onwrite, onread = node.get_property("onwrite"), node.get_property("onread")
    if kind == "window":
        assert onwrite == (OnWriteType.wuser if register.writable else None), where
        assert onread == (OnReadType.ruser if register.readable else None), where
    else:
        assert onwrite == (OnWriteType.woclr if kind == "clear" else None), where
        assert onread is None, where
    if kind == "clear":
        assert node.get_property("precedence") == PrecedenceType.hw, where
    assert node.is_hw_writable == (kind == "read" or moving
                                   or kind == "window" and register.readable), where
    assert node.implements_storage == (
        kind in ("write", "parameter", "read-write", "clear")
        or kind == "window" and register.writable), where


def test_the_same_twice_and_plain():
    text = rdl(PRESETS["demo"].system, "demo")
    assert text == rdl(PRESETS["demo"].system, "demo")
    assert text.isascii() and text.endswith("};\n")
    with pytest.raises(ConfigError, match="^name 'a b' is not"):
        rdl(PRESETS["demo"].system, "a b")


def test_reserved_words_are_escaped(tmp_path):
    """Every word that a register or field could be called, not only those that are used."""
    from blockfactor.registers import RegisterMap
    fields = tuple(Field(word, n % 32, 1, "read", f'"{word}" \\') for n, word in
                   enumerate(sorted(RESERVED)))
    registers = RegisterMap(tuple(
        Register(f"R{n}", 4 * n, "it", fields[32 * n:32 * n + 32])
        for n in range(-(-len(fields) // 32))))
    top = elaborate(rdl(SMALLEST, "x", registers), tmp_path)
    assert {f.inst_name for r in top.registers() for f in r.fields()} == set(RESERVED)
    assert {f.get_property("desc") for r in top.registers() for f in r.fields()} == {
        f'"{word}" \\' for word in RESERVED}


# -- PeakRDL --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made():
    """PeakRDL's files of the preset odd."""
    return peakrdl_files(rdl(PRESETS["odd"].system, "odd"), "odd")


@pytest.mark.needs("g++")
def test_structures_compile_and_are_in_place(made, tmp_path):
    (tmp_path / "odd_structs.h").write_text(made["odd_structs.h"])
    registers = register_map(PRESETS["odd"].system)
    (tmp_path / "test.c").write_text("\n".join([
        "#include <stddef.h>", '#include "odd_structs.h"',
        *(f"typedef char at_{r.name}[offsetof({root_name('odd')}_t, {r.name}) == {r.address} "
          "? 1 : -1];" for r in registers), "int x;", ""]))
    subprocess.run(["g++", "-x", "c", "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                    tmp_path / "test.c"], check=True)


def test_ipxact(made):
    space = {"x": "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"}
    root = ET.fromstring(made["odd_ipxact.xml"])
    found = {}
    for register in root.iterfind(".//x:register", space):
        name = register.findtext("x:name", None, space)
        found[name] = (int(register.findtext("x:addressOffset", None, space)[2:], 16), {
            (f.findtext("x:name", None, space), int(f.findtext("x:bitOffset", None, space)),
             int(f.findtext("x:bitWidth", None, space)))
            for f in register.iterfind("x:field", space)})
    assert found == {r.name: (r.address, {(f.name, f.offset, f.width) for f in r.fields})
                     for r in register_map(PRESETS["odd"].system)}


def test_missing(monkeypatch):
    assert missing() is None
    monkeypatch.setattr(peakrdl, "find_spec", lambda name: None if "ipxact" in name else object())
    assert missing() == "peakrdl_ipxact is not installed: pip install 'blockfactor[registers]'"
    with pytest.raises(PeakrdlError, match="^peakrdl_ipxact is not installed: "):
        peakrdl_files("addrmap x {};", "x")
    monkeypatch.setattr(peakrdl, "find_spec", lambda name: None)
    assert missing() == ("peakrdl, peakrdl_cheader, peakrdl_html, peakrdl_ipxact are not "
                         "installed: pip install 'blockfactor[registers]'")


def test_a_failure_tells_what_peakrdl_said():
    with pytest.raises(PeakrdlError, match=r"(?s)^peakrdl c-header failed with status \d+: .*rdl"):
        peakrdl_files("addrmap x {", "x")
