"""An SPI controller of modes 0 and 3, asynchronous to the core clock."""

import random

from cocotb.triggers import Timer

from blockfactor.config import SystemConfig
from blockfactor.rtl.access import ADDRESS_BITS, LATENCY
from blockfactor.rtl.bus.spi import READ, STATUS_MARK, STAY, WRITE, SpiTarget

from . import Refused
from .native import word_addresses

__all__ = ["ERROR", "Bus"]

#: Bit of the status byte: ERRORS is not 0.
ERROR = 1 << 4


class Bus:
    """Makes accesses in frames (docs/spi.md): each frame of either mode and of another period.

    Parameters
    ----------
    dut
        Handle of the top.
    config : SystemConfig or None
        Not used; all front-ends' models are made alike.
    clock_period_ns : float
        Of the core clock.
    rng : random.Random
        Modes, periods, duty cycles and gaps.
    gap : float
        Probability that SCK pauses after a bit.
    prefix : str
        What the names of the pins begin with.
    period : float or None
        SCK's, in core clock periods; None: another for each frame, from the shortest on.
    """

    def __init__(self, dut, config: SystemConfig | None, clock_period_ns: float,
                 rng: random.Random, gap: float = .03, prefix: str = "",
                 period: float | None = None):
        self.clock_period_ns = clock_period_ns
        self.rng = rng
        self.gap = gap
        self.period = period
        self.sck, self.cs_n, self.copi, self.cipo, self.cipo_oe = (
            getattr(dut, prefix + name) for name in ("sck", "cs_n", "copi", "cipo", "cipo_oe"))

    async def begin(self) -> None:
        """Drive the pins; the bench does so before the reset ends."""
        self.sck.value = self.rng.getrandbits(1)
        self.cs_n.value = 1
        self.copi.value = self.rng.getrandbits(1)

    async def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Read ``count`` words from a byte address on, or all from it if ``stay``, in one frame.

        Raises
        ------
        Refused
            The error bit was 0 before and is 1 after the frame; ``done`` is None.
        AssertionError
            A byte that is no read data was not a status byte.
        """
        places = word_addresses(address, count, stay, ADDRESS_BITS)
        if not places:
            return []
        answer = await self.frame(bytes([READ | STAY * stay, places[0]])
                                  + self.rng.randbytes(5 * count))
        self._check([*answer[:2], *answer[2::5]])
        await self._check_error(address, answer[0])
        return [int.from_bytes(answer[n:n + 4], "little") for n in range(3, len(answer), 5)]

    async def write(self, address: int, words, stay: bool = False) -> None:
        """Write words from a byte address on, or all to it if ``stay``; raises as :meth:`read`."""
        words = list(words)
        places = word_addresses(address, len(words), stay, ADDRESS_BITS)
        if not places:
            return
        answer = await self.frame(bytes([WRITE | STAY * stay, places[0]])
                                  + b"".join(word.to_bytes(4, "little") for word in words))
        self._check(answer)
        await self._check_error(address, answer[0])

    async def status(self) -> int:
        """The status byte, of a frame that does nothing else."""
        answer = await self.frame(bytes([0]))
        self._check(answer)
        return answer[0]

    async def frame(self, data: bytes, bits: int | None = None) -> bytes:
        """Send a frame, or its first ``bits`` bits; return what came in, the last byte filled up.

        CS is high before it, for as long as need be.
        """
        rng = self.rng
        mode = rng.choice([0, 3])
        period = self.period or SpiTarget.clock_divisor * rng.choice([1, 1 + rng.random() / 4, 3])
        high = period * rng.uniform(.4, .6)
        low = period - high
        # A bit takes two triggers, most of what a frame costs: they are made once.
        while_high, while_low = self._timer(high), self._timer(low)
        send = [byte >> 7 - n & 1 for byte in data for n in range(8)][:bits]
        seen = []

        self.sck.value = int(mode == 3)
        await self._wait(SpiTarget.clock_divisor + rng.random() * rng.choice([1, 20]))
        self.cs_n.value = 0
        self.copi.value = send[0] if send and mode == 0 else rng.getrandbits(1)
        await self._wait(rng.uniform(1.1, 3) + (low if mode == 0 else 0))
        for n, bit in enumerate(send):
            # From the falling edge, or in mode 0 CS's, to the rising one.
            if mode == 3 or n:
                self.sck.value = 0
                self.copi.value = bit
                await while_low
            assert self.cipo_oe.value, "CIPO is not driven"
            seen.append(int(self.cipo.value))
            self.sck.value = 1
            if rng.random() < self.gap:
                await self._wait(high + rng.uniform(0, 30))
            else:
                await while_high
        if mode == 0 and send:
            self.sck.value = 0
            await while_low
        self.cs_n.value = 1
        self.copi.value = rng.getrandbits(1)
        seen += [0] * (-len(seen) % 8)
        return bytes(int("".join(map(str, seen[n:n + 8])), 2) for n in range(0, len(seen), 8))

    async def disturb(self) -> None:
        """A frame that no software should send: of random bytes, or cut off anywhere."""
        rng = self.rng
        data = bytes([rng.choice([WRITE, READ, rng.randrange(256)]) | rng.choice([0, STAY]),
                      rng.randrange(256)]) + rng.randbytes(rng.randrange(12))
        await self.frame(data, rng.randint(0, 8 * len(data)))
        await self._wait(LATENCY + 4)

    def _timer(self, cycles: float) -> Timer:
        # Never less: at the limit the rounding would else go beyond it.
        return Timer(int(cycles * self.clock_period_ns * 1000) + 1, "ps")

    async def _wait(self, cycles: float) -> None:
        await self._timer(cycles)

    def _check(self, statuses) -> None:
        for n, status in enumerate(statuses):
            assert status >> 5 == STATUS_MARK, f"status byte {n} is {status:#04x}"

    async def _check_error(self, address: int, before: int) -> None:
        """Raise Refused if the error bit has risen since a status byte."""
        await self._wait(LATENCY + 4)  # a write may just have begun
        if await self.status() & ERROR & ~before:
            raise Refused(address, None)
