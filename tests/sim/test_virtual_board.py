"""Virtual boards: the harness bit by bit with a board of its own, then a board of each family."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from echo_board import ECHO, Terminal, echo, gone

from blockfactor.boards.catalogue import board
from blockfactor.drivers import open_device
from blockfactor.errors import ConfigError
from blockfactor.presets import preset
from blockfactor.selftest import selftest
from blockfactor.sim.runner import SimulationError
from blockfactor.sim.virtual_board import VirtualBoard, virtual_board
from blockfactor.sim.virtual_ports import ports_header, ports_of

simulated = [pytest.mark.cocotb, pytest.mark.needs("verilator", "g++", "make", "perl")]

@pytest.fixture(scope="module")
def quick():
    """An echo for tests that do not care about the divisor."""
    with echo(16) as virtual:
        yield virtual


class TestHarness:
    """With the echo."""

    pytestmark = simulated

    @pytest.mark.parametrize("divisor", [4, 16, 104])
    def test_every_bit(self, divisor):
        data = bytes(range(256)).replace(b"\xee", b"") * (2 if divisor > 16 else 8)
        with echo(divisor) as virtual, Terminal(virtual.port) as terminal:
            assert virtual.divisor == divisor
            before = virtual.cycles
            assert terminal.exchange(data) == data
            # Back to back: no cycle is lost between two bytes, but at the terminal.
            assert 10 * divisor * len(data) <= virtual.cycles - before
            status = virtual.status()
            assert status["framing_errors"] == 0 and not status["leds"]["error"]
            for value in (0x00, 0xFF, 0x55, 0x80):
                assert terminal.exchange(bytes([value])) == bytes([value])
            assert not virtual.leds()["error"]

    def test_bytes_follow_each_other_without_a_pause(self, quick):
        """The board's own clock: with a pause before each byte they would take twice as long."""
        with Terminal(quick.port) as terminal:
            before = quick.cycles
            assert terminal.exchange(bytes(2000)) == bytes(2000)
            # The terminal is looked at every 256 cycles, commands every 4096; a program that is
            # kept waiting by others costs cycles, too.
            assert 2000 * 160 <= quick.cycles - before < 4000 * 160

    def test_a_byte_without_stop_bit_is_dropped(self, quick):
        with Terminal(quick.port) as terminal:
            before = quick.status()["framing_errors"]
            # The line has to go up before the next start bit can be seen.
            assert terminal.exchange(b"\x01\xee", 1) == b"\x01"
            while quick.status()["framing_errors"] == before:
                time.sleep(.01)
            assert terminal.exchange(b"\x02") == b"\x02"
            assert quick.status()["framing_errors"] == before + 1

    def test_programs_come_and_go(self, quick):
        for number in range(5):
            with Terminal(quick.port) as terminal:
                assert terminal.exchange(bytes([number] * 10)) == bytes([number] * 10)

    def test_lights_and_button(self):
        reports = []
        with echo(4, told=reports.append) as virtual:
            assert set(virtual.leds()) == {"idle", "accepted", "error"}
            assert virtual.leds() == {"idle": True, "accepted": False, "error": False}
            with Terminal(virtual.port) as terminal:
                terminal.exchange(b"\x01")
                assert virtual.leds()["accepted"]
                terminal.exchange(b"\x02")
                assert not virtual.leds()["accepted"]
                terminal.exchange(b"\x03")
                time.sleep(.5)
            told = [report for report in reports if report["number"] < 0]
            assert told[-1]["leds"]["accepted"] and len(told) < 20
            before = virtual.cycles
            virtual.press(5000)
            assert virtual.cycles - before >= 5000 + virtual.reset_cycles
            assert not virtual.leds()["accepted"]

    def test_it_rests_while_nothing_goes_on(self, quick):
        def busy() -> float:
            with open(f"/proc/{quick.process.pid}/stat") as stat:
                words = stat.read().rpartition(")")[2].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

        time.sleep(.2)
        cycles, before = quick.cycles, busy()
        time.sleep(1)
        assert busy() - before < .5
        assert quick.cycles > cycles  # slowly, but it goes on

    def test_close_ends_the_process(self):
        with echo(4) as virtual:
            process, port, folder = virtual.process.pid, virtual.port, virtual.log.parent
            assert virtual.running and os.path.exists(port)
        assert virtual.process.returncode == 0 and gone(process)
        assert not os.path.exists(port) and not folder.exists()
        with pytest.raises(SimulationError, match="the virtual board has been closed"):
            virtual.leds()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_an_end_from_outside(self, number):
        with echo(4) as virtual:
            os.kill(virtual.process.pid, number)
            assert gone(virtual.process.pid)
            with pytest.raises(SimulationError, match="the virtual board has ended: see .*log"):
                virtual.leds()
            assert not virtual.running
            assert virtual.log.exists()

    def test_it_ends_with_this_program_however_that_goes(self):
        program = (
            "import os, echo_board\n"
            "v = echo_board.echo(4)\n"
            "print(v.process.pid, flush=True)\n"
            "os._exit(0)\n")
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                              cwd=Path(__file__).parents[1], timeout=120, check=True)
        assert gone(int(done.stdout))

    def test_verilog_that_is_none(self):
        verilog = ECHO.replace("DIVISOR", "4").replace("reg busy", "rag busy")
        with pytest.raises(SimulationError, match=r"could not build board: see .*build\.log"):
            VirtualBoard(verilog, clock_hz=4_000_000, baud=1_000_000)


@pytest.mark.cocotb
@pytest.mark.needs("verilator", "g++", "make", "perl", "amaranth-boards")
@pytest.mark.needs_modules("serial")
@pytest.mark.parametrize(("name", "baud", "count"), [
    ("icebreaker", None, 40), ("ulx3s-25f", 3_000_000, 40), ("tang-nano-9k", 3_000_000, 200)])
def test_selftest_of_a_board(name, baud, count):
    """Also after the button has been pressed, and with what a program left behind."""
    target = board(name)
    system = target.system(baud=baud, front_end="uart")
    with virtual_board(target, system) as virtual:
        assert virtual.leds() == {"idle": True, "running": False, "accepted": False,
                                  "error": False}
        with open_device(virtual.port, system, virtual.host_baud) as device:
            # The beginning of a query, which the button is to make the board forget.
            device.transport.write(device.registers["QUERY_ENTRY"].address, [0, 0], stay=True)
            assert device.errors() == ()
        virtual.press()
        with open_device(virtual.port, None, virtual.host_baud) as device:
            rows = list(selftest(device, system, preset(target.preset), count,
                                 baud=virtual.host_baud))
            assert device.transport.link.retries == device.transport.link.corrupted == 0
        assert [row.detail for row in rows if not row.passed] == []
        assert len(rows) == 9
        assert "aborted after" in next(row.detail for row in rows if row.step == "abort")
        assert virtual.status()["framing_errors"] == 0
        lights = virtual.leds()
        assert lights["idle"] and lights["running"] and not lights["error"]


def test_ports():
    assert ports_of(ECHO) == {
        "clk": "input", "rx": "input", "tx": "output", "button": "input", "cs_n": "input",
        "sck": "input", "irq": "output", "led_idle": "output", "led_accepted": "output",
        "led_error": "output"}
    text = ports_header(ECHO, {"accepted": True, "error": False, "running": False}, True)
    assert 'LED_NAMES[] = {"accepted", "error"}' in text
    assert "uint32_t(!model.led_accepted) << 0 | uint32_t(model.led_error) << 1" in text
    assert "model.cs_n = 1; model.sck = 0;" in text and "model.button = !pressed;" in text
    plain = "module board(input wire clk, input rx, output reg [0:0] tx);\nendmodule"
    assert ports_of(plain) == {"clk": "input", "rx": "input", "tx": "output"}
    text = ports_header(plain, {"idle": False}, False)
    assert "LEDS = 0" in text and "button(Vboard& model, bool pressed) {  }" in text


@pytest.mark.parametrize(("verilog", "message"), [
    ("module bored(); endmodule", "no module board in the Verilog to be simulated"),
    ("module board(input clk, output tx);\nendmodule",
     "module board has no input 'rx'; its ports are clk, tx"),
    ("module board(input clk, input rx, input tx);\nendmodule",
     "module board has no output 'tx'; its ports are clk, rx, tx"),
])
def test_wrong_verilog_is_refused(verilog, message):
    with pytest.raises(SimulationError) as caught:
        VirtualBoard(verilog, clock_hz=12_000_000, baud=1_000_000)
    assert str(caught.value) == message


def test_a_rate_that_cannot_be_made():
    with pytest.raises(ConfigError, match="baud 4000000 is outside 1..3000000"):
        VirtualBoard(ECHO, clock_hz=12_000_000, baud=4_000_000)


@pytest.mark.needs("amaranth-boards")
def test_a_front_end_without_serial_line():
    target = board("icebreaker")
    with pytest.raises(ConfigError, match="front_end 'spi': a virtual board has a serial line"):
        virtual_board(target, target.system(front_end="spi"))
