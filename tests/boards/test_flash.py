"""Loading a board: every check before the program runs, and what is made of the program's end."""

import dataclasses
import os
import time

import pytest
from flash_world import make_host, stand_in, write_bitstream

from blockfactor.boards import usb
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.flash import FlashError, flash, plan
from blockfactor.boards.programmers import LOADERS, ProgrammerError
from blockfactor.boards.usb import AccessError, DeviceError, udev_rule

BOARD = BOARDS["ulx3s-85f"]
USB = "0403:6015"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts a stand-in in openFPGALoader's place; returns where it records."""
    def prepare(status=0, output=""):
        path, record = stand_in(tmp_path / "programs", "openFPGALoader", status, output)
        monkeypatch.setenv("OPENFPGALOADER", str(path))
        return record
    return prepare


@pytest.fixture
def todo(program, tmp_path):
    """A function that makes a plan for the board, with a stand-in."""
    def prepare(status=0, output="", board=BOARD, **options):
        record = program(status, output)
        return record, plan(board, write_bitstream(board, tmp_path / "files"), **options)
    return prepare


def refusal(error, *arguments, **options):
    """Message with which a board is refused to be loaded."""
    with pytest.raises(error) as caught:
        flash(*arguments, **options)
    return str(caught.value)


# The program

def test_the_program_is_needed_unless_dry(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENFPGALOADER", "nonsense")
    path = write_bitstream(BOARD, tmp_path)
    with pytest.raises(ProgrammerError):
        plan(BOARD, path)
    assert plan(BOARD, path, dry=True).command == (
        "openFPGALoader", "-b", "ulx3s", "-f", str(path))


def test_a_program_that_cannot_be_run(todo, tmp_path):
    _, wanted = todo()
    wanted = dataclasses.replace(wanted, command=(str(tmp_path / "gone"), "x"))
    message = refusal(ProgrammerError, wanted, host=make_host(tmp_path, USB))
    assert message == f"{tmp_path / 'gone'}: cannot be run: No such file or directory"


def test_a_library_that_is_missed_when_it_starts(todo, tmp_path):
    _, wanted = todo(127, "openFPGALoader: error while loading shared libraries: libftdi1.so.2: "
                          "cannot open shared object file: No such file or directory\n")
    assert refusal(ProgrammerError, wanted, host=make_host(tmp_path, USB)) == (
        "openFPGALoader lacks the shared library libftdi1.so.2: apt-get install libftdi1-2")


# The device

@pytest.mark.parametrize("name", BOARDS)
def test_not_plugged_in(name, todo, tmp_path, monkeypatch):
    board = BOARDS[name]
    path, record = stand_in(tmp_path / "programs", "any")
    for loaders in LOADERS.values():
        for one in loaders:
            monkeypatch.setenv(one.program.variable, str(path))
    way = LOADERS[name][0]
    wanted = plan(board, write_bitstream(board, tmp_path / "files"))
    hint = way.plug or "plug it in, with a cable that has wires for data"
    message = refusal(DeviceError, wanted, host=make_host(tmp_path, "1d6b:0002"))
    assert message == f"{board.title} is not plugged in: no USB device {way.usb}; {hint}"
    assert not record.exists()
    assert DeviceError("x").status == 4


def test_another_revision_is_plugged_in(todo, tmp_path):
    _, wanted = todo(board=BOARDS["ecpix5-85f"])
    assert refusal(DeviceError, wanted, host=make_host(tmp_path, "0403:6011")) == (
        f"{BOARDS['ecpix5-85f'].title} is not plugged in as USB device 0403:6010, but 0403:6011 "
        "is: say --programmer openFPGALoader-r03")


def test_two_that_could_be_it(todo, tmp_path):
    record, wanted = todo()
    assert refusal(DeviceError, wanted, host=make_host(tmp_path, USB, "1d6b:0002", USB)) == (
        "2 USB devices 0403:6015 are plugged in (bus and number 003/007, 003/009) and any could "
        f"be the {BOARD.title}: unplug the others")
    assert not record.exists()


# The right to use it

def test_no_right(todo, tmp_path):
    """The answer of the system is played, as root may use everything."""
    record, wanted = todo()
    asked = []

    def access(path, mode):
        asked.append((path, mode))
        return False

    host = make_host(tmp_path, USB, access=access)
    node = host.dev_root / "bus" / "usb" / "003" / "007"
    message = refusal(AccessError, wanted, host=host)
    assert message == (
        f"{node}: no right to read and write it, which the {BOARD.title} needs; write the line "
        'SUBSYSTEM=="usb", ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6015", MODE="0660", '
        'GROUP="plugdev", TAG+="uaccess" to /etc/udev/rules.d/60-blockfactor.rules, run '
        "'sudo udevadm control --reload' and plug the board in again; over ssh you must be root "
        "or in the group plugdev")
    assert asked == [(node, os.R_OK | os.W_OK)]
    assert AccessError("x").status == 5
    assert not record.exists()


def test_no_right_to_the_other_node_of_a_debug_probe(todo, tmp_path):
    record, wanted = todo(board=BOARDS["colorlight-i5"])
    host = make_host(tmp_path, "0d28:0204", hidraw=True,
                     access=lambda path, mode: "hidraw" not in path.name)
    message = refusal(AccessError, wanted, host=host)
    assert message.startswith(f"{host.dev_root / 'hidraw2'}: no right")
    assert udev_rule("0d28:0204", hidraw=True) in message
    assert 'SUBSYSTEM=="usb|hidraw"' in message
    assert not record.exists()


def test_no_node(todo, tmp_path):
    _, wanted = todo()
    host = make_host(tmp_path, USB)
    node = host.dev_root / "bus" / "usb" / "003" / "007"
    node.unlink()
    assert refusal(AccessError, wanted, host=host) == (
        f"{node}: missing, though USB device 0403:6015 of the {BOARD.title} is plugged in; in a "
        "container, hand on /dev/bus/usb")


@pytest.mark.parametrize("change", [{"platform": "darwin"}, {"sys_root": "nowhere"}])
def test_where_devices_cannot_be_looked_up(change, todo, tmp_path):
    record, wanted = todo()
    change = {k: tmp_path / v if k == "sys_root" else v for k, v in change.items()}
    host = dataclasses.replace(make_host(tmp_path), **change)
    shown = []
    flash(wanted, shown.append, host)
    assert shown == ["not checked: whether the board is plugged in and may be used (no "
                     f"{host.devices} here)\n"]
    assert record.exists()


def test_the_machine_it_runs_on():
    assert str(usb.HOST.devices) == "/sys/bus/usb/devices"
    assert usb.HOST.access is os.access


# What comes of it

@pytest.mark.parametrize("volatile", [False, True])
def test_loaded(volatile, todo, tmp_path):
    record, wanted = todo(0, "Load: [===] 50%\r\x1b[32mDone\x1b[0m \u2713\n", volatile=volatile)
    shown = []
    flash(wanted, shown.append, make_host(tmp_path, USB))
    assert record.read_text().splitlines() == [
        "-b", "ulx3s", "-m" if volatile else "-f", str(wanted.bitstream)]
    assert "".join(shown) == "Load: [===] 50%\r\x1b[32mDone\x1b[0m \u2713\n"


def test_notes_come_first(todo, tmp_path):
    _, wanted = todo(0, "Done\n", board=BOARDS["hx8k-breakout"])
    shown = []
    flash(wanted, shown.append, make_host(tmp_path, "0403:6010"))
    assert "".join(shown) == ("Jumpers J6 and J7 choose between flash and FPGA: set them as the "
                              "board's guide says.\nDone\n")


@pytest.mark.parametrize(("status", "output", "said"), [
    (1, "one\ntwo\n\nthree\rfour\n", "two | three | four"),
    (1, "\x1b[31mJTAG init failed\x1b[0m\n", "JTAG init failed"),
    (3, "", "it said nothing"),
    # It leaves with 0 although the FPGA did not start.
    (0, "Load SRAM\nWait for CDONE \x1b[91mFAIL\x1b[0m\n", "Load SRAM | Wait for CDONE FAIL"),
])
def test_failed(status, output, said, todo, tmp_path):
    _, wanted = todo(status, output)
    with pytest.raises(FlashError) as caught:
        flash(wanted, host=make_host(tmp_path, USB))
    assert str(caught.value) == f"openFPGALoader failed (exit status {status}): {said}"
    assert caught.value.status == 6


def test_fail_within_a_word_is_none(todo, tmp_path):
    _, wanted = todo(0, "CFG_FAILED_N is high, FAILSAFE\n")
    flash(wanted, host=make_host(tmp_path, USB))


def test_output_of_a_long_run(todo, tmp_path):
    _, wanted = todo(1, "x" * 70000 + "\nlast\n")
    shown = []
    message = refusal(FlashError, wanted, shown.append, make_host(tmp_path, USB))
    assert len("".join(shown)) == 70006
    assert message.endswith("x | last") and len(message) < 5000


def test_an_interrupt_ends_the_program(todo, tmp_path):
    _, wanted = todo()
    script = tmp_path / "programs" / "openFPGALoader"
    script.write_text("#!/bin/sh\necho $$\nexec sleep 60\n")
    shown = []

    def interrupt(text):
        shown.append(text)
        raise KeyboardInterrupt

    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        flash(wanted, interrupt, make_host(tmp_path, USB))
    assert time.monotonic() - before < 50
    with pytest.raises(ProcessLookupError):
        os.kill(int(shown[0]), 0)
