"""Tables and TOML files: whole or not at all."""

import os
import stat
from dataclasses import dataclass

import pytest

from blockfactor.errors import ConfigError
from blockfactor.tables import from_table, read_toml, to_table, write_text, write_toml


@dataclass
class Inner:
    numbers: tuple[int, ...] = ()


@dataclass
class Outer:
    inner: Inner
    name: str | None = None


def test_to_table_nests_and_leaves_none_out():
    assert to_table(Outer(Inner((1, 2)))) == {"inner": {"numbers": [1, 2]}}
    assert to_table(Outer(Inner(), "x")) == {"inner": {"numbers": []}, "name": "x"}


def test_from_table_makes_lists_tuples():
    assert from_table(Inner, {"numbers": [1, 2]}, ConfigError) == Inner((1, 2))


@pytest.mark.parametrize(("table", "message"), [
    ({"nmae": 1}, "no field 'nmae' in Outer; fields are inner, name"),
    (3, "Outer: 3 is not a table"),
])
def test_from_table_refuses(table, message):
    with pytest.raises(ConfigError) as raised:
        from_table(Outer, table, ConfigError)
    assert str(raised.value) == message


def test_toml_round_trip(tmp_path):
    table = {"a": 1, "text": 'quotes " and \\ and ä', "sub": {"list": [1, 2], "x": 0.5}}
    write_toml(tmp_path / "t.toml", table)
    assert read_toml(tmp_path / "t.toml", ConfigError) == table


def test_write_text_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["t.txt"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.txt"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = ", b"a = 1\na = 2"])
def test_read_toml_names_the_file(content, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="bad.toml: cannot be read as TOML: "):
        read_toml(path, ConfigError)


def test_read_toml_of_a_folder(tmp_path):
    with pytest.raises(ConfigError) as raised:
        read_toml(tmp_path, ConfigError)
    assert str(raised.value) == f"{tmp_path}: cannot be read as TOML: Is a directory"
