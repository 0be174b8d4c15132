"""What a driver needs to reach a device's registers, and what can go wrong."""

from typing import Protocol

from ..errors import BlockfactorError

__all__ = ["AccessRefused", "DeviceError", "DeviceTimeout", "Transport"]


class DeviceError(BlockfactorError):
    """A device that is not there, not the one expected, or does not do as it should."""


class DeviceTimeout(DeviceError):
    """A device that takes too long."""


class AccessRefused(DeviceError):
    """The device answered an access with an error; those after it in the call were not made.

    Parameters
    ----------
    address : int
        Byte address of the refused access.
    done : int or None
        Words of the call that were done before it, where that is known.
    """

    def __init__(self, address: int, done: int | None = None):
        after = "" if done is None else f" after {done} words"
        super().__init__(f"access to address {address:#04x} was refused{after}")
        self.address = address
        self.done = done


class Transport(Protocol):
    """A way to a device's registers. Addresses are in bytes, words have 32 bits.

    All methods raise DeviceError where the device cannot be reached, and AccessRefused where it
    refuses.
    """

    def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Words from an address on, or with ``stay`` all from that address; any number."""

    def write(self, address: int, words, stay: bool = False) -> None:
        """Write words from an address on, or with ``stay`` all to that address; any number."""

    def wait(self, seconds: float) -> None:
        """Let about that much time of the device pass."""

    def close(self) -> None:
        """End; nothing else is called after it."""
