"""rtl/verilog.py: the same text at any time and place, for any simulator."""

import os
import re
import subprocess
import sys

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.rtl import verilog
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.verilog import VerilogError, to_rtlil, to_verilog

PROGRAM = """
from blockfactor.config import CoreConfig
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.verilog import to_verilog
config = CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=4, list_size=4,
                    query_entries=2, element_bits=4)
print(to_verilog(Factorizer(config, trace=True), "core"), end="")
"""


def in_new_process(hash_seed, folder):
    """The text of PROGRAM, made elsewhere and with other hash values."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, text=True, check=True,
                         capture_output=True, env=os.environ | {"PYTHONHASHSEED": hash_seed})
    return run.stdout


@pytest.fixture(scope="module")
def text():
    config = CoreConfig(factors=2, blocks=2, block_length=8, max_codevectors=4, list_size=4,
                        query_entries=2, element_bits=4)
    return to_verilog(Factorizer(config, trace=True), "core")


def test_deterministic(text, tmp_path):
    assert in_new_process("1", tmp_path) == text
    assert in_new_process("2", tmp_path) == text


def test_no_implicit_sensitivity(text):
    """Blocks of constants under ``always @*`` never start in some simulators."""
    assert not re.search(r"always\s*@\s*\(?\s*\*", text)
    assert "always_comb" not in text
    # What is left is clocked.
    starts = re.findall(r"^\s*always\b(.*)$", text, re.MULTILINE)
    assert starts and all("@(posedge clk)" in start for start in starts)


def test_nothing_of_this_machine(text):
    assert not re.search(r"(?<![\w/*])/(?!\*)[A-Za-z_][\w.-]*/", text)
    assert ".py" not in text and "src =" not in text
    assert ".py" not in to_rtlil(Adder(), "adder")


class Adder(wiring.Component):
    """Has a stream whose ready is constant, and a memory-free body."""

    i: In(stream.Signature(4, always_ready=True))
    o: Out(5)

    def elaborate(self, platform):
        m = Module()
        odd = Signal()
        with m.If(self.i.payload[0]):
            m.d.comb += odd.eq(1)
        m.d.sync += self.o.eq(self.i.payload + odd)
        return m


def test_ports():
    """Those of the signature, and clock and reset; a constant has none."""
    text = to_verilog(Adder(), "adder")
    [header] = re.findall(r"^module adder\((.*?)\);", text, re.MULTILINE | re.DOTALL)
    assert {name.strip() for name in header.split(",")} == {
        "i__payload", "i__valid", "o", "clk", "rst"}
    assert "adder" in to_rtlil(Adder(), "adder")


def test_poison_reaches_the_memories():
    config = CoreConfig(factors=2, blocks=1, block_length=8, max_codevectors=4, list_size=4,
                        query_entries=1)
    plain, poison = (to_rtlil(Factorizer(config), "core", platform)
                     for platform in (None, "poison"))
    assert "collision" in poison and "collision" not in plain


def test_errors(monkeypatch):
    monkeypatch.setattr(verilog, "SCRIPT", "{rtlil!r}\nno_such_command\n")
    with pytest.raises(VerilogError, match=r"Yosys failed on adder: .*"):
        to_verilog(Adder(), "adder")
