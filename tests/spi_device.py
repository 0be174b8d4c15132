"""The golden model of the registers at the end of SPI frames, as docs/spi.md has them."""

from blockfactor.config import SystemConfig
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.registers import RegisterModel

__all__ = ["SpiDevice"]


class SpiDevice:
    """Answers frames; time passes only in :meth:`settle`.

    Parameters
    ----------
    system : SystemConfig
    codebooks : Codebooks or None
        Initial content of the codebook memory.

    Attributes
    ----------
    frames : list of (bytes, bytes)
        What went out and came in, a frame each.
    """

    def __init__(self, system: SystemConfig, codebooks: Codebooks | None = None):
        self.model = RegisterModel(system, codebooks)
        self.frames: list[tuple[bytes, bytes]] = []

    def exchange(self, sent: bytes) -> bytes:
        """One frame, from CS falling to CS rising."""
        received = bytes(self._answer(bytes(sent)))
        self.frames.append((bytes(sent), received))
        return received

    def settle(self) -> None:
        """Let everything happen that is outstanding."""
        self.model.settle()

    def _answer(self, sent: bytes) -> list[int]:
        received = [self._status()] * min(2, len(sent))
        if len(sent) < 2 or sent[0] & ~8 not in (2, 3) or sent[1] > 63:
            return received + [self._status()] * (len(sent) - 2)
        reads, stay, position = sent[0] & ~8 == 3, sent[0] & 8, sent[1]
        rest, word = sent[2:], 5 if reads else 4
        for start in range(0, len(rest) // word * word, word):
            # Sampled before the word has done anything.
            status = self._status()
            data = int.from_bytes(rest[start:start + 4], "little")
            read, _ = self.model.access(position, not reads, data)
            received += [status, *read.to_bytes(4, "little")] if reads else [status] * 4
            position = position if stay else (position + 1) % 64
        return received + [self._status()] * (len(sent) - len(received))

    def _status(self) -> int:
        return 0b1010_0000 | self.model.front_end_status
