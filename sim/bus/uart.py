"""UART as software sees it: the host's side of the frame protocol over a line of its own bits."""

import random
from bisect import bisect_right
from collections.abc import Generator
from itertools import groupby

from cocotb import start_soon
from cocotb.triggers import Event, FallingEdge, First, Timer, ValueChange
from cocotb.utils import get_sim_time

from blockfactor.config import SystemConfig
from blockfactor.drivers.uart_link import REQUEST, AccessError, LinkSteps, Send
from blockfactor.rtl.bus.uart import divisor

from . import Refused

__all__ = ["Bus"]

#: Of each byte the levels on the line, from start to stop bit, and for how many bits each stays.
RUNS = [[(level, len(list(bits))) for level, bits in
         groupby((0, *(byte >> n & 1 for n in range(8)), 1))] for byte in range(256)]


class Bus:
    """Reads and writes registers through frames, with random pauses between bytes.

    The first access opens the link, so the bench's reset has to be over by then.

    Parameters
    ----------
    dut
        Handle of the top.
    config : SystemConfig
        Its ``clock_hz`` and ``baud`` tell how many clock cycles a bit takes.
    clock_period_ns : float
    rng : random.Random
        Pauses and harm.
    rate : float
        Length of the host's bits, sent and received, in those of the device.
    harm : float
        Probability that a byte, sent or received, is changed, lost or followed by one that nobody
        sent. The link's retries hide it.
    pause : float
        Probability of a pause, of up to five bits, before each byte.
    attempts, frame_words : int
        As for :class:`~blockfactor.drivers.uart_link.LinkSteps`.
    prefix : str
        What the names of the pins begin with.

    Attributes
    ----------
    link : LinkSteps
        With the counters ``retries`` and ``corrupted``, and the ``status`` of the last reply.
    carried, harmed : int
        Bytes that passed the line either way, and those of them that were harmed.
    framing_errors : int
        Bytes of the device without a stop bit.
    """

    def __init__(self, dut, config: SystemConfig, clock_period_ns: float, rng: random.Random,
                 rate: float = 1.0, harm: float = 0.0, pause: float = 0.25, attempts: int = 100,
                 frame_words: int = 63, prefix: str = ""):
        self.rx = getattr(dut, prefix + "rx")
        self.tx = getattr(dut, prefix + "tx")
        self.rng = rng
        self.harm = harm
        self.pause = pause
        self.bit_ns = divisor(config.clock_hz, config.baud) * clock_period_ns * rate
        self.link = LinkSteps(max(1, round(1e9 / self.bit_ns)), attempts, frame_words, 0.0)
        self.carried = self.harmed = 0
        self.framing_errors = 0
        self._received = bytearray()
        self._changes: list[int] = []
        self._wanted = 0
        self._arrived = Event()
        self._open = False

    async def begin(self) -> None:
        """Drive the line and listen; the bench does so before the reset ends."""
        self.rx.value = 1
        start_soon(self._watch())
        start_soon(self._listen())

    async def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Read ``count`` words from a byte address on, or all from it if ``stay``.

        Raises
        ------
        Refused
            The device refused an access.
        blockfactor.drivers.uart_link.LinkError
            No answer.
        """
        return await self._access(self.link.read_steps(address, count, stay))

    async def write(self, address: int, words, stay: bool = False) -> None:
        """Write words from a byte address on, or all to it if ``stay``; raises as :meth:`read`."""
        await self._access(self.link.write_steps(address, words, stay))

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        wait = 0.0  # how long the line stays as it is
        for byte in data:
            if self.rng.random() < self.pause:
                wait += 5 * self.rng.random()
            for level, bits in RUNS[byte]:
                if wait:
                    await self._bits(wait)
                self.rx.value = level
                wait = bits
        if wait:
            await self._bits(wait)

    async def disturb(self) -> None:
        """What is no frame: random bytes, the beginning of a frame, a line that is held low."""
        rng = self.rng
        data = rng.randbytes(rng.randint(1, 12))
        await self.send(data if rng.random() < .5 else bytes([REQUEST]) + data)
        if rng.random() < .2:
            self.rx.value = 0
            await self._bits(rng.uniform(5, 40))
            self.rx.value = 1
            await self._bits(12)

    async def receive(self, count: int, timeout_s: float) -> bytes:
        """Bytes received, ``count`` or what has come of them within ``timeout_s``."""
        self._wanted = count
        if len(self._received) < count:
            self._arrived.clear()
            timeout = Timer(max(1, round(timeout_s * 1e12)), "ps")
            await First(self._arrived.wait(), timeout)
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    async def _access(self, steps: Generator) -> list[int]:
        if not self._open:
            await self._run(self.link.open_steps())
            self._open = True
        try:
            return await self._run(steps)
        except AccessError as error:
            raise Refused(error.address, error.done) from None

    async def _run(self, steps: Generator):
        answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                return end.value
            if isinstance(step, Send):
                await self.send(self.noisy(step.data))
                answer = None
            else:
                answer = await self.receive(step.count, step.timeout_s)

    def noisy(self, data: bytes) -> bytes:
        """Bytes as the line delivers them: with ``harm``."""
        self.carried += len(data)
        if not self.harm:
            return data
        rng, out = self.rng, bytearray()
        for byte in data:
            kind = rng.randrange(4) if rng.random() < self.harm else None
            self.harmed += kind is not None
            if kind is None or kind == 1:
                out.append(byte)
            if kind == 1:
                out.append(rng.randrange(256))
            elif kind in (2, 3):
                out.append(byte ^ rng.randrange(1, 256))
        return bytes(out)

    async def _bits(self, count: float) -> None:
        await Timer(max(1, round(count * self.bit_ns * 1000)), "ps")

    async def _watch(self) -> None:
        """Note when the device's line changes."""
        change = ValueChange(self.tx)
        while True:
            await change
            self._changes.append(get_sim_time("step"))

    async def _listen(self) -> None:
        """Sample the device's bits in their middle.

        Afterwards, by when the line changed: waiting for each sample takes a simulator longer than
        simulating it.
        """
        fall = FallingEdge(self.tx)
        while True:
            await fall
            begun = get_sim_time("step")
            self._changes.clear()
            await self._bits(9.5)
            # High where the line has changed an odd number of times since the edge, which may be
            # among the changes or not.
            bit = (get_sim_time("step") - begun) / 9.5
            first, byte = bisect_right(self._changes, begun), 0
            for n in range(8):
                changed = bisect_right(self._changes, begun + (n + 1.5) * bit) - first
                byte |= (changed & 1) << n
            if self.tx.value:
                self._received += self.noisy(bytes([byte]))
                if len(self._received) >= self._wanted:
                    self._arrived.set()
            else:
                self.framing_errors += 1
