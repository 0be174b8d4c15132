"""generator/ports.py: the table agrees with the Verilog and covers every bit once."""

import re

import pytest

from blockfactor.config import CoreConfig
from blockfactor.generator.ports import markdown, ports_of
from blockfactor.generator.verilog import core_verilog
from blockfactor.rtl import layouts
from blockfactor.rtl.factorizer import Factorizer

CONFIGS = [
    (CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=4, list_size=4,
                query_entries=2, element_bits=4), True),
    (CoreConfig(factors=3, blocks=1, block_length=10, max_codevectors=3, list_size=2,
                query_entries=1, engines=("factorize",)), False),
]


@pytest.fixture(params=CONFIGS, ids=["dense", "sparse"], scope="module")
def core(request):
    """Configuration, ports and Verilog of a core."""
    config, trace = request.param
    component = Factorizer(config, trace=trace)
    return config, ports_of(component), core_verilog(component, "core")


def test_ports_are_those_of_the_verilog(core):
    _, ports, verilog = core
    body = re.search(r"^module core\(.*?^endmodule", verilog, re.M | re.S)[0]
    found = {(name, direction, int(top or 0) + 1) for direction, top, name in
             re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.M)}
    assert found == {(p.name, p.direction, p.width) for p in ports}
    assert len(found) == len(ports)


def test_fields_cover_every_bit_once(core):
    _, ports, _ = core
    structured = [p for p in ports if p.fields]
    assert {p.name for p in structured} >= {"query__payload", "codebook__payload", "parameters",
                                            "result__payload", "errors"}
    for port in structured:
        bits = [bit for f in port.fields for bit in range(f.offset, f.offset + f.width)]
        assert bits == list(range(port.width)), port.name
        assert all(f.meaning and "{" not in f.meaning for f in port.fields)
    assert all(p.meaning for p in ports)


def test_fields_are_where_the_layout_puts_values(core):
    """Each field, set alone to all ones, gives just the bits that the table names."""
    config, ports, _ = core
    [port] = [p for p in ports if p.name == "result__payload"]
    layout = layouts.result(config)
    by_name = {f.name: f for f in port.fields}
    for name, value in (("score", 1), ("cycles", 5), ("crc", 9), ("seed", 3)):
        assert layout.const({name: value}).as_bits() == value << by_name[name].offset
    indices = [0] * config.factors
    indices[-1] = 1
    assert layout.const({"indices": indices}).as_bits() == \
        1 << by_name[f"indices[{config.factors - 1}]"].offset


def test_page(core):
    config, ports, _ = core
    page = markdown("core", ports)
    for port in ports:
        assert f"| `{port.name}` | {port.direction} | {port.width} |" in page
    top = config.size_bits - 1
    assert f"| {top}:0 | `sizes[0]` | codevectors in use of codebook 0 |" in page
