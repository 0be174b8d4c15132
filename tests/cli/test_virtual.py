"""``blockfactor virtual``: the port it offers, and how it ends."""

import json
import os
import signal
import subprocess
import sys

import pytest

from blockfactor.drivers import open_device
from blockfactor.presets import preset

#: A clock that makes the simulated line as fast as it can be; the model is that of every test here.
LINE = ("icebreaker", "--set", "max_codevectors=16", "--clock", "12000000", "--baud", "3000000")
COMMAND = (sys.executable, "-c", "import sys; from blockfactor.cli import main; sys.exit(main())",
           "virtual")

simulated = pytest.mark.needs("verilator", "g++", "make", "perl", "amaranth-boards")


@pytest.mark.cocotb
@simulated
def test_for_some_seconds(command, tmp_path):
    link = tmp_path / "board.tty"
    os.symlink("/dev/pts/99999", link)  # as a run that was killed left it
    done = command("virtual", *LINE, "--seconds", 1, "--link", link)
    assert (done.status, done.err.strip()) == (0, "")
    assert done.out.startswith("1BitSquared iCEBreaker, 12 MHz, 3,000,000 baud: simulated at ")
    assert (f"\npseudo-terminal {link}: blockfactor selftest --port {link} --board icebreaker "
            "--set max_codevectors=16 --baud ") in done.out
    assert "\nlights: idle\n" in done.out and done.out.endswith(" cycles simulated\n")
    assert not os.path.lexists(link)


@pytest.mark.cocotb
@simulated
@pytest.mark.needs_modules("serial")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_until_a_signal(number, tmp_path):
    link = tmp_path / "board.tty"
    with subprocess.Popen([*COMMAND, *LINE, "--json", "--link", str(link)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        told = json.loads(process.stdout.readline())
        assert os.path.realpath(link) == told["port"]
        assert (told["board"], told["link"]) == ("icebreaker", str(link))
        assert (told["baud"], told["clock_hz"], told["divisor"]) == (3_000_000, 12_000_000, 4)
        assert told["command"][-1] == str(told["host_baud"])
        core = preset("join").core.replace(max_codevectors=16)
        with open_device(told["port"], None, told["host_baud"]) as device:
            assert device.core.max_codevectors == core.max_codevectors
            assert device.system.clock_hz == 12_000_000
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (0, "", "")
    assert not os.path.lexists(link) and not os.path.exists(f"/proc/{told['pid']}")


@pytest.mark.cocotb
@simulated
def test_a_link_that_is_in_the_way(command, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = command("virtual", *LINE, "--seconds", 1, "--link", tmp_path / "file")
    assert (done.status, done.out) == (2, "")
    assert f"--link {tmp_path / 'file'}: is there already, must be free" in done.err
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.cocotb
@simulated
def test_a_simulation_that_dies(tmp_path):
    with subprocess.Popen([*COMMAND, *LINE, "--json"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        os.kill(json.loads(process.stdout.readline())["pid"], signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "blockfactor: error: the virtual board has ended: see " in err


@pytest.mark.parametrize(("line", "message"), [
    ("", "the following arguments are required: BOARD"),
    ("nosuch", "no board 'nosuch'; boards are icebreaker, "),
    ("icebreaker --preset nosuch", "no preset 'nosuch'; presets are demo, "),
    ("icebreaker --bus spi", "argument --bus: 'spi' is not one of uart"),
    ("icebreaker --set factors=9", "factors 9 is outside 2..4"),
    ("icebreaker --baud 9000000", "baud 9000000 is outside 1..7500000"),
    ("icebreaker --clock 10", "argument --clock: 10 is outside 1000..1000000000"),
    ("icebreaker --seconds x", "argument --seconds: 'x' is not a number in 0..1e+09"),
    ("icebreaker --codebook nosuch.npz", "nosuch.npz: "),
])
def test_wrong_arguments(line, message, command, tmp_path, monkeypatch):
    if line:
        pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed")
    monkeypatch.chdir(tmp_path)
    done = command("virtual", *line.split())
    assert (done.status, done.out) == (2, "")
    assert done.err.strip().startswith("blockfactor: error: ") and message in done.err
