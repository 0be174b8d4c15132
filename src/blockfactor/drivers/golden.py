"""The golden model in the place of a device."""

from ..config import SystemConfig
from ..golden.codebook import Codebooks
from ..golden.registers import RegisterModel
from .transport import AccessRefused

__all__ = ["GoldenTransport"]


class GoldenTransport:
    """Registers of the golden model; see :class:`~.transport.Transport`.

    Time passes only in :meth:`wait`, and then everything that is outstanding happens: a driver sees
    the model busy as it would see a device.

    Parameters
    ----------
    system : SystemConfig
    codebooks : Codebooks or None
        Initial content of the codebook memory.
    """

    def __init__(self, system: SystemConfig, codebooks: Codebooks | None = None):
        self.model = RegisterModel(system, codebooks)

    def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Words from an address on, or all from it."""
        return [self._access(address + 4 * n * (not stay), n, False, 0) for n in range(count)]

    def write(self, address: int, words, stay: bool = False) -> None:
        """Write words from an address on, or all to it."""
        for n, word in enumerate(words):
            self._access(address + 4 * n * (not stay), n, True, word)

    def wait(self, seconds: float) -> None:
        """Let all happen that is outstanding."""
        self.model.settle()

    def close(self) -> None:
        """Nothing is open."""

    def _access(self, address: int, done: int, write: bool, data: int) -> int:
        word, error = self.model.access(address // 4, write, data)
        if error:
            raise AccessRefused(address, done)
        return word
