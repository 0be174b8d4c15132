"""A device at a serial port, such as that of a board's USB adapter."""

import os
import time
from collections.abc import Callable

from ..errors import BlockfactorError, check_int
from .transport import AccessRefused, DeviceError
from .uart_link import AccessError, LinkError, UartLink

__all__ = ["SerialTransport"]


def _pyserial():
    try:
        import serial
        return serial, serial.Serial
    except (ImportError, AttributeError):
        raise DeviceError("Python package pyserial is not installed: "
                          "pip install 'blockfactor[serial]'") from None


class _Line:
    """The port as :class:`~.uart_link.UartLink` wants it."""

    def __init__(self, port):
        self.port = port

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.port.write(data)

    def read(self, count: int, timeout_s: float) -> bytes:
        """Receive bytes; fewer if they have not come within ``timeout_s``."""
        if self.port.timeout != timeout_s:  # setting it takes some system calls
            self.port.timeout = timeout_s
        return self.port.read(count)


class SerialTransport:
    """Registers over a serial port; see :class:`~.transport.Transport`.

    Parameters
    ----------
    port : str
        Name of the port.
    baud : int, 300..10000000
    settings
        Of :class:`~.uart_link.UartLink`.

    Raises
    ------
    DeviceError
        pyserial is missing, the port cannot be opened, or nothing answers there.
    """

    def __init__(self, port: str, baud: int, **settings):
        check_int("baud", baud, 300, 10_000_000, DeviceError)
        serial, Serial = _pyserial()
        self.name = port
        # Another program's bytes in between would be the end of both; Windows always refuses.
        alone = {"exclusive": True} if os.name == "posix" else {}
        try:
            self.port = Serial(port, baud, **alone)
        except (serial.SerialException, OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem)
            raise DeviceError(f"port {port}: cannot be opened: {reason} (ports are golden, sim, or "
                              "a serial port such as /dev/ttyUSB0 or COM3)") from None
        self.link = UartLink(_Line(self.port), baud, **settings)
        try:
            self._call(self.link.open)
        except BaseException:
            self.close()
            raise

    def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Words from an address on, or all from it."""
        return self._call(lambda: self.link.read(address, count, stay))

    def write(self, address: int, words, stay: bool = False) -> None:
        """Write words from an address on, or all to it."""
        self._call(lambda: self.link.write(address, words, stay))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the port."""
        self.port.close()

    def _call(self, function: Callable):
        """Do something with the link; its errors and the port's become this package's."""
        try:
            return function()
        except AccessError as problem:
            raise AccessRefused(problem.address, problem.done) from None
        except LinkError as problem:
            raise DeviceError(f"port {self.name}: {problem}") from None
        except BlockfactorError:
            raise
        except OSError as problem:  # serial.SerialException is one
            raise DeviceError(f"port {self.name}: {problem}") from None
