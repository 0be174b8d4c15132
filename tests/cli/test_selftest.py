"""``blockfactor selftest``: what it prints, its files, its exit statuses."""

import json

import pytest

from blockfactor.drivers.golden import GoldenTransport
from blockfactor.drivers.transport import DeviceError

STEPS = ["identity", "registers", "refused accesses", "interrupts", "memories", "factorizations",
         "refused query", "abort", "throughput"]


def test_all_steps(command, tmp_path):
    done = command("selftest", "--port", "golden", "--preset", "join", "--count", 20, "--json",
                   tmp_path / "out.json")
    assert (done.status, done.err.strip()) == (0, "")
    assert all(f" {step} " in done.out for step in STEPS)
    assert done.out.count(" passed ") == 9 and done.out.endswith("all 9 steps passed\n")
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["passed"] is True and content["preset"] == "join" and content["board"] is None
    assert [step["step"] for step in content["steps"]] == STEPS
    assert content["steps"][-1]["figures"]["queries_per_second"] > 0


@pytest.mark.needs("amaranth-boards")
def test_a_board_gives_its_preset(command, tmp_path):
    done = command("selftest", "--port", "golden", "--board", "icebreaker", "--count", 5, "--json",
                   tmp_path / "out.json")
    assert (done.status, done.err.strip()) == (0, "")
    content = json.loads((tmp_path / "out.json").read_text())
    assert (content["board"], content["preset"]) == ("icebreaker", "join")
    assert "; 30 MHz; " in content["steps"][0]["detail"]
    done = command("selftest", "--port", "golden", "--board", "icebreaker", "--preset", "tiny",
                   "--set", "max_codevectors=32", "--count", 5)
    assert done.status == 0 and "up to 32 codevectors, factorize;" in done.out


def test_a_failing_step(command, tmp_path, monkeypatch):
    read = GoldenTransport.read

    def wrong(self, address, count=1, stay=False):
        words = read(self, address, count, stay)
        return [words[0] ^ 1, *words[1:]] if address == 0x60 else words

    monkeypatch.setattr(GoldenTransport, "read", wrong)
    done = command("selftest", "--port", "golden", "--preset", "join", "--count", 5, "--json",
                   tmp_path / "out.json")
    assert done.status == 1
    assert "SEED after reset is 0x2545f490, expected is 0x2545f491" in done.out
    assert done.out.count(" FAILED ") >= 1 and " of 9 steps failed: registers" in done.out
    assert json.loads((tmp_path / "out.json").read_text())["passed"] is False


def test_steps_that_cannot_be_tried(command, monkeypatch):
    def cut(self, address, count=1, stay=False):
        if address == 0x40:
            self.write = broken
            raise DeviceError("the line is cut")
        return read(self, address, count, stay)

    def broken(*arguments, **options):
        raise DeviceError("the line is cut")

    read = GoldenTransport.read
    monkeypatch.setattr(GoldenTransport, "read", cut)
    done = command("selftest", "--port", "golden", "--preset", "join", "--count", 5)
    assert done.status == 1 and done.out.count(" not tried ") == 7
    assert "the device could not be reset: the line is cut" in done.out


@pytest.mark.parametrize(("line", "message"), [
    ("", "the following arguments are required: --port"),
    ("--port golden", "port golden: a configuration is needed, it has none of its own"),
    ("--port golden --preset nosuch", "no preset 'nosuch'; presets are demo, "),
    ("--port golden --board nosuch", "no board 'nosuch'; boards are icebreaker, "),
    ("--port golden --set lanes=2", "--set lanes=2 needs --preset or --board: it changes one"),
    ("--port golden --preset join --set lanes=3", "lanes 3 is not one of 1, 2, 4, 8"),
    ("--port golden --preset join --count 0", "argument --count: 0 is outside 1..1000000"),
    ("--port golden --preset join --baud 1", "argument --baud: 1 is outside 300..10000000"),
    ("--port sim --preset join --baud 9600", "--baud 9600 does not go with --port sim: "),
    ("--port golden --preset join --json nosuch/out.json",
     "nosuch/out.json: directory nosuch does not exist"),
])
def test_wrong_arguments(line, message, command, tmp_path, monkeypatch):
    if "--board" in line:
        pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed")
    monkeypatch.chdir(tmp_path)
    done = command("selftest", *line.split())
    assert (done.status, done.out) == (2, "")
    assert done.err.strip().startswith("blockfactor: error: ") and message in done.err


def test_a_serial_port_that_is_not_there(command):
    pytest.importorskip("serial", reason="pyserial is not installed")
    done = command("selftest", "--port", "/dev/nosuchport")
    assert (done.status, done.out) == (2, "")
    assert "blockfactor: error: port /dev/nosuchport: cannot be opened: " in done.err
