"""blockfactor boards."""

import json

import pytest

from blockfactor.boards.catalogue import BOARDS


def test_table(command):
    done = command("boards")
    assert done.status == 0
    for name, board in BOARDS.items():
        line = next(line for line in done.out.splitlines() if f" {name} " in line)
        assert board.part.about in line and f" {board.preset} " in line
    assert "No board has been tried with hardware" in done.out


def test_json(command):
    rows = json.loads(command("boards", "--json").out)
    assert [row["name"] for row in rows] == list(BOARDS)
    assert rows[0]["programmer"] == "openFPGALoader" and rows[0]["clock_hz"] == 30_000_000


@pytest.mark.parametrize("name", BOARDS)
def test_pins(command, name):
    row = json.loads(command("boards", name, "--json").out)
    assert row["pins"].keys() == BOARDS[name].pins.keys()
    text = command("boards", name).out
    for signal, pin in BOARDS[name].pins.items():
        assert any(line.split("│")[1:3] == [f" {signal} ".ljust(len(line.split("│")[1])),
                                            f" {pin.name} ".ljust(len(line.split("│")[2]))]
                   for line in text.splitlines() if "│" in line), signal


def test_unknown(command):
    done = command("boards", "arty")
    assert done.status == 2 and "no board 'arty'; boards are icebreaker, " in done.err
