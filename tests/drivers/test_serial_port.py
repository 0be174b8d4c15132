"""The driver at a serial port: a pseudo-terminal with the golden model behind it."""

import os
import sys
import threading
from zlib import crc32

import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.drivers import open_device, serial_port
from blockfactor.drivers.serial_port import SerialTransport
from blockfactor.drivers.transport import AccessRefused, DeviceError
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import clean
from blockfactor.golden.registers import RegisterModel
from blockfactor.parameters import RunParameters

pytest.importorskip("serial", reason="pyserial is not installed")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no pseudo-terminals")

SYSTEM = SystemConfig(core=CoreConfig(engines="join", max_codevectors=8, list_size=8))
BOOKS = Codebooks.random((8, 8, 8), 4, 128, seed=1)


class Board(threading.Thread):
    """A device as docs/uart.md describes it, at the far end of a pseudo-terminal."""

    def __init__(self):
        super().__init__(daemon=True)
        import tty
        self.end, far = os.openpty()
        tty.setraw(far)
        self.port = os.ttyname(far)
        self.far = far  # kept open, so that closing the port is no end of the terminal
        self.model = RegisterModel(SYSTEM)
        self.last = None
        self.lose = 0  # replies to lose
        self.start()

    def take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += os.read(self.end, count - len(data))
        return data

    def run(self):
        try:
            while True:
                if self.take(1) == b"\xB5":
                    self.answer()
        except OSError:  # the far end is closed
            pass
        finally:
            # By nobody else: the next terminal would get the number, and this thread, if it came
            # late, would answer there.
            os.close(self.end)

    def answer(self):
        head = self.take(3)
        sequence, op, address = head
        write, stay, count = op >> 7, op >> 6 & 1, op & 63
        body = self.take(4 * count * write)
        if self.take(4) != crc32(head + body).to_bytes(4, "little"):
            return
        if sequence == 0 or self.last is None or self.last[0] != sequence:
            self.last = sequence, self.execute(write, stay, count, address, body)
        if self.lose:
            self.lose -= 1
            return
        reply = bytes([sequence]) + self.last[1]
        os.write(self.end, b"\x5B" + reply + crc32(reply).to_bytes(4, "little"))

    def execute(self, write, stay, count, address, body) -> bytes:
        words, refused = b"", 0
        for done in range(count):
            data = int.from_bytes(body[4 * done:4 * done + 4], "little")
            word, refused = self.model.access(address + done * (not stay), bool(write), data)
            if refused:
                break
            words += b"" if write else word.to_bytes(4, "little")
        else:
            done = count
        self.model.settle()
        return bytes([refused << 5 | self.model.front_end_status, done]) + words


@pytest.fixture
def board():
    """A board, which ends with the test."""
    board = Board()
    yield board
    os.close(board.far)
    board.join(10)
    assert not board.is_alive(), "a port is still open"


def test_queries_over_a_port(board):
    model, parameters = Factorizer(SYSTEM.core, BOOKS), RunParameters(sizes=(8, 8, 8))
    queries = [clean(encode(BOOKS, (n, 7 - n, n // 2))) for n in range(8)]
    # First of all, because the model may have to be compiled, which the board has no time for.
    wants = [model.run(query, parameters) for query in queries]
    with open_device(board.port, SYSTEM) as device:
        device.load_codebooks(BOOKS, verify="read")
        board.lose = 1
        found = [result for _, result in device.stream(queries)]
        assert device.transport.link.retries >= 1
    assert found == wants
    with open_device(board.port) as device:  # once more, whatever it is
        assert device.core.blocks == 4


def test_a_refused_access(board):
    transport = SerialTransport(board.port, 115_200)
    with pytest.raises(AccessRefused) as caught:
        transport.write(0x34, [7, 0, 0])
    assert (caught.value.address, caught.value.done) == (0x3C, 2)
    transport.close()
    with pytest.raises(DeviceError, match=f"port {board.port}: "):
        transport.read(0)


def test_nothing_answers(board):
    board.lose = 1000
    with pytest.raises(DeviceError, match=f"port {board.port}: read of 1 words at 0x00: no answer "
                                          "to 2 requests"):
        SerialTransport(board.port, 1_000_000, attempts=2, latency_s=.01)


@pytest.mark.parametrize(("port", "reason"), [
    ("/dev/nosuchport", "No such file"), ("/", "[Ii]s a directory|Could not configure")])
def test_a_port_that_is_none(port, reason):
    with pytest.raises(DeviceError, match=rf"port {port}: cannot be opened: .*{reason}.* "
                                          r"\(ports are golden, sim, or a serial port such as "
                                          r"/dev/ttyUSB0 or COM3\)"):
        open_device(port)


def test_without_pyserial(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(DeviceError) as caught:
        serial_port.SerialTransport("COM3", 115_200)
    assert str(caught.value) == ("Python package pyserial is not installed: "
                                 "pip install 'blockfactor[serial]'")
