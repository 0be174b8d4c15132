"""A Wishbone B4 controller, classic or pipelined."""

import contextlib
import random

from cocotb.triggers import RisingEdge

from blockfactor.config import SystemConfig
from blockfactor.rtl.access import LATENCY

from . import Refused
from .native import word_addresses

__all__ = ["LIMIT", "Bus"]

#: Most cycles from one with a request on the bus to its answer, both included: the answer before
#: has its own, then the request is taken, its access made, and answered.
LIMIT = 2 * (LATENCY + 2)


class Bus:
    """Makes transfers, with random gaps, and checks the target's answers.

    A call is one bus cycle or several: in a gap with all requests answered ``cyc`` falls at random.
    After an error the cycle ends at once: as the target here takes one request at a time, the words
    that follow in the call are not touched.

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
    pipelined : bool
        Whether requests follow ``stall`` and do not wait for answers, or wait for them and ignore
        ``stall``.
    prefix : str
        What the names of the pins begin with.

    Attributes
    ----------
    most_outstanding : int
        Most requests that were on the bus or not answered at a time.
    """

    def __init__(self, dut, config: SystemConfig | None, clock_period_ns: float,
                 rng: random.Random, gap: float = .25, pipelined: bool = False,
                 prefix: str = "wb__"):
        self.dut = dut
        self.rng = rng
        self.gap = gap
        self.pipelined = pipelined
        self.most_outstanding = 0
        for name in ("cyc", "stb", "we", "adr", "sel", "dat_w", "dat_r", "ack", "err", "stall"):
            setattr(self, name, getattr(dut, prefix + name))

    async def begin(self) -> None:
        """Drive the pins; the bench does so before the reset ends."""
        self._show(None)
        self.cyc.value = 0

    async def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Read ``count`` words from a byte address on, or all from it if ``stay``.

        Raises
        ------
        Refused
            An access was answered with an error.
        AssertionError
            The target broke the bus's rules.
        """
        places = word_addresses(address, count, stay, len(self.adr))
        # sel means nothing for reads.
        return await self._cycle([(place, None, self.rng.getrandbits(4)) for place in places])

    async def write(self, address: int, words, stay: bool = False, sel: int = 15) -> None:
        """Write words from a byte address on, or all to it if ``stay``; raises as :meth:`read`."""
        words = list(words)
        places = word_addresses(address, len(words), stay, len(self.adr))
        await self._cycle([(place, word, sel) for place, word in zip(places, words)])

    async def disturb(self) -> None:
        """A cycle given up before its answer, or a write of parts of a word."""
        rng = self.rng
        if rng.random() < .5:
            with contextlib.suppress(Refused):
                await self.write(4 * rng.randrange(64), [rng.getrandbits(32)],
                                 sel=rng.randrange(15))
            return
        self._show((rng.randrange(64), rng.choice([None, rng.getrandbits(32)]), 15))
        self.cyc.value = 1
        for _ in range(rng.randint(1, LIMIT)):
            await RisingEdge(self.dut.clk)
            if self.ack.value or self.err.value:
                break
        self._show(None)
        self.cyc.value = 0
        await RisingEdge(self.dut.clk)

    def _show(self, request: tuple[int, int | None, int] | None) -> None:
        """Drive a request, or none: then the other pins mean nothing."""
        bits = self.rng.getrandbits
        place, word, sel = request or (bits(len(self.adr)), bits(32) if bits(1) else None, bits(4))
        self.stb.value = int(request is not None)
        self.adr.value = place
        self.we.value = int(word is not None)
        self.sel.value = sel
        self.dat_w.value = bits(32) if word is None else word

    def _answer(self, expected: bool) -> str | None:
        """The target's answer at this edge, if there is one."""
        ack, err = bool(self.ack.value), bool(self.err.value)
        assert not (ack and err), "ack and err at once"
        assert expected or not (ack or err), "an answer without a request"
        return "ack" if ack else "err" if err else None

    async def _cycle(self, requests) -> list[int]:
        """One call's requests, in order; returns the words read, one for each request."""
        edge = RisingEdge(self.dut.clk)
        words: list[int] = []
        shown = taken = waited = 0
        try:
            while len(words) < len(requests):
                # A request on the bus stays until it is taken, or answered if classic.
                free = shown == (taken if self.pipelined else len(words))
                if free:
                    more = shown < len(requests) and self.rng.random() >= self.gap
                    self._show(requests[shown] if more else None)
                    shown += more
                    between = shown == len(words)
                    self.cyc.value = int(not between or self.rng.random() < .5)
                outstanding = shown - len(words)
                self.most_outstanding = max(self.most_outstanding, outstanding)
                await edge
                # Classic: the target may answer whatever is shown, in the same cycle even.
                answer = self._answer(len(words) < (taken if self.pipelined else shown))
                if self.pipelined and shown > taken and not self.stall.value:
                    taken += 1
                waited = waited + 1 if outstanding and not answer else 0
                assert waited < LIMIT, f"no answer within {LIMIT} cycles"
                if answer == "err":
                    self._show(None)
                    self.cyc.value = 0
                    await edge
                    self._answer(False)
                    raise Refused(4 * requests[len(words)][0], len(words))
                if answer:
                    words.append(int(self.dat_r.value))
        finally:
            self._show(None)
            self.cyc.value = 0
        return words
