"""What is generated for a core that decodes several products of a bundle."""

import re
from dataclasses import replace

from blockfactor.generator.driver_files import driver_files
from blockfactor.generator.header import header
from blockfactor.generator.micropython import micropython_driver
from blockfactor.generator.ports import fields_of
from blockfactor.generator.script import Script
from blockfactor.presets import preset
from blockfactor.rtl import layouts

PRESET = preset("join")
ONE = replace(PRESET.system, front_end="spi")
THREE = replace(ONE, core=ONE.core.replace(products=3))


def test_header_has_the_fields():
    text = header(THREE, "c")
    assert re.search(r"#define C_SEARCH_PRODUCTS_SHIFT\s+29", text)
    assert re.search(r"#define C_QUERIES_PRODUCTS_SHIFT\s+24", text)
    assert "PRODUCTS" not in header(ONE, "c")


def test_drivers_decode_one_product():
    """They do not know the parameter: its field stays 0, which counts as 1."""
    for system in (ONE, THREE):
        assert "products" not in micropython_driver(PRESET, system, "c")
        assert all("products" not in text.lower()
                   for name, text in driver_files(PRESET, system, "c").items()
                   if name.endswith((".c", ".h")))


def test_ports_are_described():
    """Each field of the layouts has a meaning."""
    config = THREE.core
    for port, layout in (("parameters", layouts.run_parameters(config)),
                         ("result", layouts.result(config))):
        text = " ".join(map(str, fields_of(layout, port)))
        assert "results of the run" in text or "last result" in text


def test_script_expects_the_last_result():
    """A test bench compares whole payloads, and its runs have one result each."""
    zeros = {"indices": [0] * 3, "similarities": [0] * 3}
    lines = {}
    for system in (ONE, THREE):
        script = Script(system.core)
        script.add("result", zeros)
        lines[system.core.products] = int(script.lines[0], 16) >> 4
    layout = layouts.result(THREE.core)
    assert lines[1] == 0 and lines[3] == layout.const({"last": 1}).as_bits()
