"""Golden model of the codebook window: codevectors written and read word by word, and their CRC."""

import zlib

from blockfactor.config import SystemConfig

from .core_model import CoreModel

__all__ = ["CodebookWindow", "Refused"]


class Refused(Exception):
    """An access is refused; the argument names the bit of ERRORS."""


class CodebookWindow:
    """Registers CODEBOOK_ADDRESS, CODEBOOK_DATA and CODEBOOK_CRC.

    Attributes
    ----------
    factor, codevector : int
        Position, which goes up by a codevector after its last word, unless it is out of range.
    crc : int or None
        CRC-32 of the words written; None after a run has begun.
    """

    def __init__(self, config: SystemConfig, core: CoreModel):
        self.config = config
        self.core = core
        # Words of a codevector that is not complete; memory, which no reset clears.
        self._held: list[int | None] = [None] * config.codevector_words
        self.reset()

    def reset(self) -> None:
        """Position and CRC as after reset."""
        self.move_to(0, 0)
        self.clear_crc()

    def move_to(self, codevector: int, factor: int) -> None:
        """Go to the first word of a codevector."""
        self.codevector, self.factor, self._word = codevector, factor, 0

    def clear_crc(self) -> None:
        """Begin the CRC anew."""
        self.crc = 0

    def lose_crc(self) -> None:
        """A run begins: its trace's CRC is made by the same circuit."""
        self.crc = None

    @property
    def inside(self) -> bool:
        """The position is that of a codevector."""
        core = self.config.core
        return self.factor < core.factors and self.codevector < core.max_codevectors

    def read(self) -> int | None:
        """The next word of a codevector, None if it was never written; ``inside`` only."""
        lane = self.config.index_lane
        first = self._word * 32 // lane
        row = self.core.rows.get((self.factor, self.codevector))
        word = None
        if row is not None:
            word = sum(index << lane * n for n, index in enumerate(row[first:first + 32 // lane]))
        self._next()
        return word

    def write(self, word: int) -> None:
        """The next word of a codevector, which is stored with its last; Refused if it is wrong."""
        self._held[self._word] = word
        if self._word < len(self._held) - 1:
            self._count(word)
            self._next()
            return
        core, lane = self.config.core, self.config.index_lane
        row = tuple((self._held[b * lane // 32] or 0) >> b * lane % 32 & (1 << lane) - 1
                    for b in range(core.blocks))
        place, inside = (self.factor, self.codevector), self.inside
        self._next()
        if not inside or max(row) >= core.block_length:
            raise Refused("bad_codebook")
        self._count(word)
        # Where words were read in place of being written, the row can hold anything.
        self.core.store(*place, None if None in self._held else row)

    def _count(self, word: int) -> None:
        if self.crc is not None:
            self.crc = zlib.crc32(word.to_bytes(4, "little"), self.crc)

    def _next(self) -> None:
        self._word += 1
        if self._word == self.config.codevector_words:
            # Beyond the last codevector it stays: it must not come round to one in use.
            self.move_to(self.codevector + self.inside, self.factor)
