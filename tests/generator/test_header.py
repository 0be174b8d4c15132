"""generator/header.py: a compiler finds in it just what the register map says."""

import re
import subprocess

import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.generator.header import c_prefix, header, system_constants
from blockfactor.presets import PRESETS
from blockfactor.registers import Field, Register, RegisterMap, register_map

SMALLEST = SystemConfig(core=CoreConfig(factors=2, blocks=1, block_length=2, max_codevectors=1,
                                        engines=("join",), query_entries=1, weight_bits=1))
SYSTEMS = {"demo": PRESETS["demo"].system, "f4": PRESETS["f4"].system, "smallest": SMALLEST}


def expected(system: SystemConfig, prefix: str) -> dict[str, int]:
    """Every macro that has a value, from the map."""
    found = {f"{prefix}_{name}": value for name, value in system_constants(system).items()}
    for r in register_map(system):
        found |= {f"{prefix}_{r.name}_ADDRESS": r.address, f"{prefix}_{r.name}_RESET": r.reset,
                  f"{prefix}_{r.name}_WRITE_MASK": r.write_mask}
        for f in r.fields:
            name = f"{prefix}_{r.name}_{f.name.upper()}"
            found |= {f"{name}_SHIFT": f.offset, f"{name}_WIDTH": f.width, f"{name}_MASK": f.mask}
            found |= {f"{name}_{v.upper()}": n for n, v in enumerate(f.values)}
    return found


@pytest.mark.parametrize("name", SYSTEMS)
def test_macros_are_those_of_the_map(name):
    text = header(SYSTEMS[name], name)
    macros = re.findall(r"^#define (\w+) ", text, re.M)
    assert len(macros) == len(set(macros))
    assert set(macros) == set(expected(SYSTEMS[name], name.upper()))
    assert text.isascii() and text == header(SYSTEMS[name], name)


@pytest.mark.needs("g++")
@pytest.mark.parametrize("name", SYSTEMS)
def test_values_as_a_compiler_sees_them(name, tmp_path):
    """In a preprocessor's condition as well: a driver chooses by them."""
    system, prefix = SYSTEMS[name], name.upper()
    (tmp_path / f"{name}_registers.h").write_text(header(system, name))
    values = expected(system, prefix)
    (tmp_path / "test.c").write_text("\n".join([
        f'#include "{name}_registers.h"', f'#include "{name}_registers.h"', "#include <stdio.h>",
        *(f"#if {macro} != {value}u\n#error {macro}\n#endif" for macro, value in values.items()),
        "int main(void) {",
        *(f'  printf("{macro} %lu\\n", (unsigned long){macro});' for macro in values),
        f'  printf("get %u\\n", (unsigned){prefix}_GET(0xabcd1fff, {prefix}_STATUS_RESULTS));',
        f'  printf("put %u\\n", (unsigned){prefix}_PUT(0x25, {prefix}_STATUS_RESULTS));',
        "  return 0;", "}", ""]))
    for language in (("-x", "c", "-std=c99"), ("-x", "c++", "-std=c++11")):
        program = tmp_path / "test"
        subprocess.run(["g++", *language, "-pedantic", "-Wall", "-Wextra", "-Werror", "-o",
                        program, tmp_path / "test.c"], check=True)
        lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        assert {macro: int(value) for macro, value in map(str.split, lines.splitlines())} == \
            values | {"get": 0x1F, "put": 0x500}


def test_names():
    assert c_prefix("decoder_2a") == "DECODER_2A"
    with pytest.raises(ConfigError, match="^name '_x' begins with an underscore"):
        header(SMALLEST, "_x")
    with pytest.raises(ConfigError, match="^name 'a-b' is not a Verilog identifier"):
        header(SMALLEST, "a-b")


def test_two_macros_of_one_name_are_noticed():
    field = Field("c", 0, 1, "read", "it")
    registers = RegisterMap((Register("A", 0, "one", (Field("b_c", 0, 1, "read", "it"),)),
                             Register("A_B", 4, "two", (field,))))
    with pytest.raises(ConfigError, match="^two macros would be called X_A_B_C_SHIFT$"):
        header(SMALLEST, "x", registers)


def test_comments_stay_comments():
    registers = RegisterMap((Register("A", 0, "a */ b /* c", (Field("d", 0, 1, "read", "*/"),)),))
    for line in header(SMALLEST, "x", registers).splitlines():
        assert line.count("*/") <= 1 and line.count("/*") <= 1, line
