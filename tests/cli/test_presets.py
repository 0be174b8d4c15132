"""``blockfactor presets``: table, JSON, TOML files that load again."""

import json
import tomllib

import pytest

from blockfactor.config import SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS
from blockfactor.tables import read_toml


@pytest.mark.parametrize("kind", ["clean", "soft", "damaged"])
def test_json_holds_everything(kind, command):
    done = command("presets", "--json", "--kind", kind)
    rows = json.loads(done.out)
    assert [row["name"] for row in rows] == list(PRESETS)
    for row in rows:
        preset = PRESETS[row["name"]]
        assert SystemConfig.from_table(row["system"]) == preset.system
        assert RunParameters.from_table(row["parameters"]) == preset.parameters(kind)
        assert row["dimension"] == row["system"]["core"]["blocks"] * \
            row["system"]["core"]["block_length"]


def test_table_shows_every_preset(command):
    lines = command("presets").out.splitlines()
    row = next(line for line in lines if line.startswith("│ paper"))
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["paper", "3", "4", "128", "512", "128", "32", "1", "1", "-",
                     ",".join(PRESETS["paper"].core.engines), "110", "0.0066", "10", "min", "256",
                     "5", "4033"]
    for name, preset in PRESETS.items():
        assert any(line == f"{name:8} {preset.about}" for line in lines)


def test_table_of_soft_queries_shows_the_trim(command):
    row = next(line for line in command("presets", "--kind", "soft").out.splitlines()
               if line.startswith("│ robust"))
    assert f"min r={PRESETS['robust'].soft.trim}" in row


@pytest.mark.parametrize("arguments", [
    ("presets", "show", "odd", "--kind", "soft"), ("presets", "--kind", "soft", "show", "odd")])
def test_show_prints_toml(arguments, command):
    tables = tomllib.loads(command(*arguments).out)
    assert SystemConfig.from_table(tables["system"]) == PRESETS["odd"].system
    assert RunParameters.from_table(tables["parameters"]) == PRESETS["odd"].soft


def test_show_prints_json(command):
    row = json.loads(command("presets", "show", "odd", "--json").out)
    assert SystemConfig.from_table(row["system"]) == PRESETS["odd"].system


@pytest.mark.parametrize("name", PRESETS)
def test_show_writes_files(name, tmp_path, command):
    folder = tmp_path / "new" / "core"
    done = command("presets", "show", name, "-o", folder)
    assert done.status == 0
    assert done.out.split() == [str(folder / f"{n}.toml") for n in ("system", "clean", "soft")]
    preset = PRESETS[name]
    assert SystemConfig.from_table(read_toml(folder / "system.toml", ConfigError)) == preset.system
    assert RunParameters.load(folder / "clean.toml") == preset.clean
    assert RunParameters.load(folder / "soft.toml") == preset.soft
