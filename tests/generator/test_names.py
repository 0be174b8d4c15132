"""generator/names.py: which names a core can have, and those of its modules."""

import re

import pytest

from blockfactor.errors import ConfigError
from blockfactor.generator.names import check_name, module_names, rename_modules

TEXT = """\
module top(clk, o);
  wire \\top.a  ;
  \\top.a  a (
    .clk(clk)
  );
  \\top.b$1  \\b$1  (
    .clk(clk)
  );
  \\top.b_1  b_1 (
    .clk(clk)
  );
  assign o = \\top.a  ;
endmodule

module \\top.a (clk);
  \\top.a.c  c (
    .clk(clk)
  );
endmodule

module \\top.b$1 (clk);
endmodule

module \\top.b_1 (clk);
endmodule

module \\top.a.c (clk);
endmodule
"""


@pytest.mark.parametrize("name", ["a", "core_2", "_x", "A" * 64, "modules"])
def test_good_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize(("name", "message"), [
    ("", "name '' is not a Verilog identifier: letters, digits and _, no digit first"),
    ("2core", "name '2core' is not a Verilog identifier"),
    ("a-b", "name 'a-b' is not a Verilog identifier"),
    ("a/b", "name 'a/b' is not a Verilog identifier"),
    ("a\n", "name 'a\\n' is not a Verilog identifier"),
    ("kérnel", "name 'kérnel' is not a Verilog identifier"),
    ("module", "name 'module' is a reserved word of SystemVerilog"),
    ("logic", "name 'logic' is a reserved word of SystemVerilog"),
    ("a__b", "name 'a__b' has two underscores in a row"),
    ("A" * 65, f"name '{'A' * 65}': length 65 is outside 1..64"),
])
def test_bad_names(name, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        check_name(name)


def test_rename():
    text = rename_modules(TEXT, "top")
    assert module_names(text) == ["top", "top__a", "top__b_1", "top__b_1_", "top__a__c"]
    # Instances follow, each its own module; a wire of the same name does not.
    assert re.findall(r"^  (\w+)  (\S+)  ?\($", text, re.M) == [
        ("top__a", "a"), ("top__b_1", "\\b$1"), ("top__b_1_", "b_1"), ("top__a__c", "c")]
    assert "wire \\top.a  ;" in text and "assign o = \\top.a  ;" in text
