"""The access port itself as a bus: pins of rtl/access.py."""

import random

from cocotb.triggers import RisingEdge

from blockfactor.config import SystemConfig
from blockfactor.rtl.access import ADDRESS_BITS, LATENCY, access_port

from . import Refused

__all__ = ["Bus", "word_addresses"]


def word_addresses(address: int, count: int, stay: bool, bits: int) -> list[int]:
    """Word addresses of ``count`` words from a byte address on.

    Raises
    ------
    ValueError
        The byte address is not a word's, or an address takes more than ``bits`` bits.
    """
    if address % 4:
        raise ValueError(f"byte address {address:#x} is not a multiple of 4")
    first = address // 4
    words = [first] * count if stay else list(range(first, first + count))
    if words and not 0 <= words[0] <= words[-1] < 1 << bits:
        raise ValueError(f"word addresses {words[0]}..{words[-1]} are outside 0..{(1 << bits) - 1}")
    return words


class Bus:
    """Makes accesses, with random gaps in between, and checks that each is answered in time.

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
        Probability of a cycle without a request before each word, and of one more after that.
    prefix : str
        What the names of the pins begin with.
    """

    def __init__(self, dut, config: SystemConfig | None, clock_period_ns: float,
                 rng: random.Random, gap: float = .25, prefix: str = "native__"):
        self.dut = dut
        self.rng = rng
        self.gap = gap
        self.pins = {name: getattr(dut, prefix + name) for name in access_port().members}

    async def begin(self) -> None:
        """Drive the pins; the bench does so before the reset ends."""
        self._idle()

    async def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Read ``count`` words from a byte address on, or all from it if ``stay``.

        Raises
        ------
        Refused
            An access was answered with an error.
        AssertionError
            The port broke its rules.
        """
        return [await self._access(word, done, None)
                for done, word in enumerate(word_addresses(address, count, stay, ADDRESS_BITS))]

    async def write(self, address: int, words, stay: bool = False) -> None:
        """Write words from a byte address on, or all to it if ``stay``; raises as :meth:`read`."""
        words = list(words)
        places = word_addresses(address, len(words), stay, ADDRESS_BITS)
        for done, (place, word) in enumerate(zip(places, words)):
            await self._access(place, done, word)

    def _idle(self) -> None:
        """No request; the other pins mean nothing."""
        self.pins["request"].value = 0
        self.pins["address"].value = self.rng.getrandbits(ADDRESS_BITS)
        self.pins["write"].value = self.rng.getrandbits(1)
        self.pins["write_data"].value = self.rng.getrandbits(32)

    async def _access(self, place: int, done: int, word: int | None) -> int:
        edge = RisingEdge(self.dut.clk)
        while self.rng.random() < self.gap:
            await edge
            assert not self.pins["done"].value, "done without a request"
        self.pins["request"].value = 1
        self.pins["address"].value = place
        self.pins["write"].value = int(word is not None)
        self.pins["write_data"].value = self.rng.getrandbits(32) if word is None else word
        for _ in range(LATENCY):
            await edge
            if self.pins["done"].value:
                break
        else:
            raise AssertionError(f"no answer within {LATENCY} cycles at {4 * place:#04x}")
        data, error = int(self.pins["read_data"].value), bool(self.pins["error"].value)
        # Without a gap the next word's request follows at once, in this same cycle.
        self._idle()
        if error:
            assert data == 0, f"read data {data:#010x} of a refused access"
            raise Refused(4 * place, done)
        return data
