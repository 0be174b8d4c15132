"""generator/svd.py: the schema accepts it, and cmsis-svd reads what the register map says."""

from pathlib import Path

import cmsis_svd
import pytest
from cmsis_svd.parser import SVDParser
from lxml import etree

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.generator.svd import svd
from blockfactor.presets import PRESETS
from blockfactor.registers import register_map

SMALLEST = SystemConfig(core=CoreConfig(factors=2, blocks=1, block_length=2, max_codevectors=1,
                                        engines=("join",), query_entries=1, weight_bits=1))
SYSTEMS = {"demo": PRESETS["demo"].system, "f4": PRESETS["f4"].system,
           "odd": PRESETS["odd"].system, "smallest": SMALLEST}
SCHEMAS = Path(cmsis_svd.__file__).parent / "schemas"


@pytest.fixture(params=SYSTEMS)
def both(request, tmp_path):
    """Register map, and what cmsis-svd reads."""
    system = SYSTEMS[request.param]
    path = tmp_path / "registers.svd"
    path.write_text(svd(system, request.param), encoding="utf-8")
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "CMSIS-SVD_1_3_1.xsd"))
    schema.assertValid(etree.parse(path))
    [peripheral] = SVDParser.for_xml_file(str(path)).get_device().peripherals
    assert peripheral.name == request.param.upper()
    assert peripheral.base_address == 0
    return register_map(system), peripheral


def test_registers(both):
    registers, peripheral = both
    [block] = peripheral.address_blocks
    assert (block.offset, block.size) == (0, 0x100)
    assert [(r.name, r.address_offset, r.size, r.description) for r in peripheral.registers] == [
        (r.name, r.address, 32, r.about) for r in registers]
    for found, register in zip(peripheral.registers, registers):
        # Hardware decides what the others are.
        known = 0xFFFF_FFFF - sum(f.mask for f in register.fields
                                  if f.access in ("read", "window"))
        assert (found.reset_value, found.reset_mask) == (register.reset, known), register.name
        readable = register.readable and any(f.readable for f in register.fields)
        writable = bool(register.write_mask)
        assert found.access.value == {(1, 1): "read-write", (1, 0): "read-only",
                                      (0, 1): "write-only"}[readable, writable], register.name


def test_fields(both):
    registers, peripheral = both
    for found, register in zip(peripheral.registers, registers):
        assert len(found.fields) == len(register.fields)
        for f, field in zip(found.fields, register.fields):
            where = f"{register.name}.{field.name}"
            assert (f.name, f.bit_offset, f.bit_width) == (field.name, field.offset, field.width)
            assert f.description.startswith(field.about), where
            readable = register.readable and field.readable
            writable = register.writable and field.writable
            assert f.access.value == {(1, 1): "read-write", (1, 0): "read-only",
                                      (0, 1): "write-only"}[readable, writable], where
            write = {"clear": "oneToClear", "window": "modify" if writable else None}
            assert value(f.modified_write_values) == write.get(field.access), where
            assert value(f.read_action) == (
                "modify" if field.access == "window" and readable else None), where
            codes = f.enumerated_values[0].enumerated_values if f.enumerated_values else []
            assert tuple((c.name, c.value) for c in codes) == tuple(
                (name, n) for n, name in enumerate(field.values)), where


def value(kind):
    """Text of one of the parser's enumerations."""
    return None if kind is None else kind.value


def test_the_same_twice_and_names():
    text = svd(PRESETS["demo"].system, "demo")
    assert text == svd(PRESETS["demo"].system, "demo") and text.endswith("</device>\n")
    with pytest.raises(ConfigError, match="^name 'a b' is not"):
        svd(PRESETS["demo"].system, "a b")
