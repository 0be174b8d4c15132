"""An APB4 requester."""

import contextlib
import random

from cocotb.triggers import RisingEdge

from blockfactor.config import SystemConfig
from blockfactor.rtl.access import LATENCY
from blockfactor.rtl.bus.apb import ApbTarget, apb_port

from . import Refused
from .native import word_addresses

__all__ = ["LIMIT", "Bus"]

#: Most cycles of a transfer.
LIMIT = LATENCY + ApbTarget.transfer_overhead


class Bus:
    """Makes transfers, with random gaps, and checks the completer's answers.

    Parameters
    ----------
    dut
        Handle of the top.
    config : SystemConfig or None
        Not used; all front-ends' models are made alike.
    clock_period_ns : float
        Not used; everything happens at edges of ``dut.clk``.
    rng : random.Random
        Gaps, and what unused pins show.
    gap : float
        Probability of a cycle without a transfer before each word, and of one more after that.
    prefix : str
        What the names of the pins begin with.
    """

    def __init__(self, dut, config: SystemConfig | None, clock_period_ns: float,
                 rng: random.Random, gap: float = .25, prefix: str = "apb__"):
        self.rng = rng
        self.gap = gap
        self.edge = RisingEdge(dut.clk)
        for name in apb_port().members:
            setattr(self, name, getattr(dut, prefix + name))

    async def begin(self) -> None:
        """Drive the pins; the bench does so before the reset ends."""
        self._idle()

    async def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Read ``count`` words from a byte address on, or all from it if ``stay``.

        Raises
        ------
        Refused
            A transfer was answered with an error.
        AssertionError
            The completer broke the bus's rules.
        """
        places = word_addresses(address, count, stay, len(self.paddr) - 2)
        # PSTRB means nothing for reads.
        return [await self._transfer(4 * place, done, None, self.rng.getrandbits(4))
                for done, place in enumerate(places)]

    async def write(self, address: int, words, stay: bool = False, strobes: int = 15) -> None:
        """Write words from a byte address on, or all to it if ``stay``; raises as :meth:`read`."""
        words = list(words)
        places = word_addresses(address, len(words), stay, len(self.paddr) - 2)
        for done, (place, word) in enumerate(zip(places, words)):
            await self._transfer(4 * place, done, word, strobes)

    async def disturb(self) -> None:
        """A transfer that cannot be made: of part of a word, or between two words."""
        rng = self.rng
        address, word, strobes = 4 * rng.randrange(64), rng.getrandbits(32), rng.randrange(15)
        if rng.random() < .5:
            address += rng.randint(1, 3)
            word, strobes = rng.choice([(word, 15), (None, strobes)])
        with contextlib.suppress(Refused):
            await self._transfer(address, 0, word, strobes)
            raise AssertionError(f"not refused: {address:#04x}, {word}, {strobes}")

    def _idle(self) -> None:
        """No transfer; the other pins mean nothing."""
        bits = self.rng.getrandbits
        self.psel.value = 0
        self._show(bits(len(self.paddr)), bits(32) if bits(1) else None, bits(4), bits(1))

    def _show(self, address: int, word: int | None, strobes: int, penable: int) -> None:
        self.penable.value = penable
        self.paddr.value = address
        self.pwrite.value = int(word is not None)
        self.pwdata.value = self.rng.getrandbits(32) if word is None else word
        self.pstrb.value = strobes
        self.pprot.value = self.rng.getrandbits(3)

    async def _transfer(self, address: int, done: int, word: int | None, strobes: int) -> int:
        edge = self.edge
        while self.rng.random() < self.gap:
            await edge
            assert not self.pready.value, "pready without a transfer"
        self.psel.value = 1
        self._show(address, word, strobes, 0)
        await edge
        assert not self.pready.value, "pready in the setup phase"
        self.penable.value = 1
        for _ in range(LIMIT - 1):
            await edge
            if self.pready.value:
                break
            assert not self.pslverr.value, "pslverr without pready"
        else:
            raise AssertionError(f"no answer within {LIMIT} cycles at {address:#04x}")
        data, error = int(self.prdata.value), bool(self.pslverr.value)
        # Without a gap the next word's setup phase follows at once, in this same cycle.
        self._idle()
        if error:
            assert data == 0, f"read data {data:#010x} of a refused access"
            raise Refused(address, done)
        return data
