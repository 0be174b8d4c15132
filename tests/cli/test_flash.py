"""``blockfactor flash``: arguments, files, output, exit statuses."""

import json

import pytest
from flash_world import make_host, stand_in, write_bitstream

from blockfactor.boards import usb
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.programmers import LOADERS


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A desk with an icebreaker on it, built and plugged in; returns what the program records."""
    monkeypatch.chdir(tmp_path)
    write_bitstream(BOARDS["icebreaker"], tmp_path / "build" / "icebreaker")
    program, record = stand_in(tmp_path / "programs", "openFPGALoader", output="progress\n")
    monkeypatch.setenv("OPENFPGALOADER", str(program))
    monkeypatch.setattr(usb, "HOST", make_host(tmp_path, "0403:6010"))
    return record


FILE = "build/icebreaker/icebreaker.bin"


def test_what_was_built_is_loaded(desk, command, tmp_path):
    done = command("flash", "icebreaker")
    assert done.status == 0
    assert done.out == (f"{BOARDS['icebreaker'].title} has {FILE}, and starts with it from now "
                        "on\n")
    program = tmp_path / "programs" / "openFPGALoader"
    assert done.err == f"{program} -b ice40_generic -f {FILE}\nprogress\n"
    assert desk.read_text().split() == ["-b", "ice40_generic", "-f", FILE]


def test_volatile(desk, command, tmp_path, monkeypatch):
    monkeypatch.setattr(usb, "HOST", make_host(tmp_path / "other", "0403:6015"))
    write_bitstream(BOARDS["ulx3s-25f"], tmp_path / "build" / "ulx3s-25f")
    done = command("flash", "ulx3s-25f", "--volatile")
    assert (done.status, done.out) == (
        0, f"{BOARDS['ulx3s-25f'].title} has build/ulx3s-25f/ulx3s-25f.bit, until power is off\n")
    assert desk.read_text().split()[2] == "-m"


def test_another_file_and_program(desk, command, tmp_path, monkeypatch):
    program, record = stand_in(tmp_path / "programs", "mine")
    monkeypatch.setenv("ICEPROG", str(program))
    file = tmp_path / "my file.bin"
    (tmp_path / FILE).rename(file)
    done = command("flash", "icebreaker", "--programmer", "iceprog", "--bitstream", file)
    assert done.status == 0
    assert record.read_text().splitlines() == ["-d", "i:0x0403:0x6010", str(file)]
    assert not desk.exists()


def test_json(desk, command, tmp_path):
    done = command("flash", "icebreaker", "--json")
    assert done.status == 0
    assert json.loads(done.out) == {
        "board": "icebreaker", "bitstream": FILE, "volatile": False,
        "programmer": "openFPGALoader",
        "command": [str(tmp_path / "programs" / "openFPGALoader"), "-b", "ice40_generic", "-f",
                    FILE],
        "done": True}


@pytest.mark.parametrize("board", BOARDS)
def test_dry_run_needs_neither_board_nor_program(board, desk, command, tmp_path, monkeypatch):
    monkeypatch.setattr(usb, "HOST", make_host(tmp_path / "empty"))
    way = LOADERS[board][0]
    monkeypatch.setenv(way.program.variable, "nonsense")
    file = write_bitstream(BOARDS[board], tmp_path / "build" / board).relative_to(tmp_path)
    done = command("flash", board, "--dry-run")
    assert (done.status, done.err) == (0, "")
    assert done.out == f"{' '.join((way.program.name, *way.permanent, str(file)))}\n"
    done = command("flash", board, "--dry-run", "--json")
    assert json.loads(done.out)["done"] is False
    assert not desk.exists()


def test_dry_run_checks_the_file(desk, command, tmp_path):
    (tmp_path / FILE).write_bytes(b"")
    assert command("flash", "icebreaker", "--dry-run") == (
        2, "", f"blockfactor: error: {FILE}: is empty\n")


@pytest.mark.parametrize(("arguments", "message"), [
    (("breadboard",), "no board 'breadboard'; boards are icebreaker, pico-ice, "),
    (("icebreaker", "--programmer", "hammer"),
     "programmer 'hammer': board icebreaker has openFPGALoader, iceprog\n"),
    (("icebreaker", "--volatile"),
     "board icebreaker: openFPGALoader cannot load its FPGA alone: the adapter is wired to the "
     "flash, not to the FPGA; load it permanently instead\n"),
    (("icebreaker", "--bitstream", "a.bin"),
     "a.bin: no such file; 'blockfactor build icebreaker' makes one\n"),
    (("pico-ice",),
     "build/pico-ice/report.json: there is no bitstream: run 'blockfactor build pico-ice' first, "
     "or name a file with --bitstream\n"),
    (("pico-ice", "--bitstream", FILE),
     f"{FILE}: was built for board icebreaker, not pico-ice\n"),
])
def test_wrong_arguments_and_files(arguments, message, desk, command):
    done = command("flash", *arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"blockfactor: error: {message}")
    assert not desk.exists()


def test_exit_statuses(desk, command, tmp_path, monkeypatch):
    """Each of a failure's kinds has its own, and all but the last come before the program."""
    monkeypatch.setattr(usb, "HOST", make_host(tmp_path / "a", "0403:6014"))
    done = command("flash", "icebreaker")
    assert done.status == 4 and "is not plugged in: no USB device 0403:6010" in done.err
    monkeypatch.setattr(usb, "HOST", make_host(tmp_path / "b", "0403:6010",
                                               access=lambda path, mode: False))
    done = command("flash", "icebreaker")
    assert done.status == 5 and usb.udev_rule("0403:6010") in done.err
    assert not desk.exists()
    monkeypatch.setattr(usb, "HOST", make_host(tmp_path / "c", "0403:6010"))
    stand_in(tmp_path / "programs", "openFPGALoader", 1, "first\nno flash\n")
    done = command("flash", "icebreaker")
    assert (done.status, done.out) == (6, "")
    assert done.err.endswith("first\nno flash\nblockfactor: error: openFPGALoader failed (exit "
                             "status 1): first | no flash\n")
    assert desk.exists()
    monkeypatch.setenv("OPENFPGALOADER", "nonsense")
    done = command("flash", "icebreaker")
    assert done.status == 3
    assert done.err == ("blockfactor: error: openFPGALoader: the variable OPENFPGALOADER names "
                        "nonsense, which is no program\n")
