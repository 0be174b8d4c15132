"""An AXI4-Lite manager."""

import contextlib
import random

import cocotb
from cocotb.triggers import RisingEdge

from blockfactor.config import SystemConfig
from blockfactor.rtl.access import LATENCY
from blockfactor.rtl.bus.axi4lite import OKAY, SLVERR, Axi4LiteTarget, axi4lite_port

from . import Refused
from .native import word_addresses

__all__ = ["LIMIT", "Bus"]

#: Most cycles from the first with all that a transfer needs to the one with its response, if the
#: response before it was taken at once: an access of the other kind may have to end before.
LIMIT = 2 * (LATENCY + Axi4LiteTarget.answer_overhead)


class Bus:
    """Makes transfers, each channel with random gaps, and checks the subordinate's answers.

    A call makes one transfer at a time, so that after an error the words that follow in it are not
    touched. Address and data of a write come in any order. A read and a write may go on at once, in
    calls of two tasks; two of a kind may not.

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
        Probability of a cycle before an address, the data, and READY for a response, and of one
        more after that.
    prefix : str
        What the names of the pins begin with.

    Attributes
    ----------
    both : int
        Transfers during which one of the other kind went on.
    """

    def __init__(self, dut, config: SystemConfig | None, clock_period_ns: float,
                 rng: random.Random, gap: float = .25, prefix: str = "axi__"):
        self.rng = rng
        self.gap = gap
        self.both = 0
        self.edge = RisingEdge(dut.clk)
        self.active: set[str] = set()
        self.pins = {name: getattr(dut, prefix + name) for name in axi4lite_port().members}

    async def begin(self) -> None:
        """Drive the pins; the bench does so before the reset ends."""
        for channel in ("aw", "w", "ar"):
            self._show(channel, None)
        self.pins["bready"].value = 0
        self.pins["rready"].value = 0

    async def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Read ``count`` words from a byte address on, or all from it if ``stay``.

        Raises
        ------
        Refused
            A transfer was answered with an error.
        AssertionError
            The subordinate broke the bus's rules.
        """
        places = word_addresses(address, count, stay, len(self.pins["araddr"]) - 2)
        return [await self._transfer("r", 4 * place, done) for done, place in enumerate(places)]

    async def write(self, address: int, words, stay: bool = False, strobes: int = 15) -> None:
        """Write words from a byte address on, or all to it if ``stay``; raises as :meth:`read`."""
        words = list(words)
        places = word_addresses(address, len(words), stay, len(self.pins["awaddr"]) - 2)
        for done, (place, word) in enumerate(zip(places, words)):
            await self._transfer("b", 4 * place, done, word, strobes)

    async def disturb(self) -> None:
        """A transfer that cannot be made, of part of a word or between two, or two transfers."""
        rng = self.rng
        address, word = 4 * rng.randrange(64), rng.getrandbits(32)
        kind = rng.randrange(3)
        if kind == 2:
            # A read beside a write of part of a word.
            other = cocotb.start_soon(self._refused("b", address, 0, word, rng.randrange(15)))
            with contextlib.suppress(Refused):
                await self.read(0)
            await other
        elif kind:
            await self._refused("b", address, 0, word, rng.randrange(15))
        else:
            await self._refused(rng.choice("br"), address + rng.randint(1, 3), 0, word)

    async def _refused(self, *transfer) -> None:
        """A transfer that must be refused."""
        with contextlib.suppress(Refused):
            await self._transfer(*transfer)
            raise AssertionError(f"not refused: {transfer}")

    def _show(self, channel: str, item: tuple[int, int] | None) -> None:
        """Drive a channel; without an item its pins mean nothing."""
        pins, bits = self.pins, self.rng.getrandbits
        pins[f"{channel}valid"].value = int(item is not None)
        names = ("wdata", "wstrb") if channel == "w" else (f"{channel}addr", f"{channel}prot")
        for n, name in enumerate(names):
            pins[name].value = item[n] if item else bits(len(pins[name]))

    def _delay(self) -> int:
        """Cycles of a random gap."""
        cycles = 0
        while self.rng.random() < self.gap:
            cycles += 1
        return cycles

    async def _transfer(self, response: str, address: int, done: int, word: int = 0,
                        strobes: int = 15) -> int:
        """A write (``b``) or read (``r``), channel by channel; returns the word read, or 0."""
        pins, edge, delay = self.pins, self.edge, self._delay
        assert response not in self.active, "two transfers of a kind at once"
        items = {"ar" if response == "r" else "aw": (address, self.rng.getrandbits(3))}
        if response == "b":
            items["w"] = (word, strobes)
        # Cycle in which each is shown, until it has been taken.
        start = {channel: delay() for channel in items}
        take, limit = delay(), max(start.values()) + LIMIT
        self.active.add(response)
        self.both += len(self.active) > 1
        valid, ready, resp = (pins[response + name] for name in ("valid", "ready", "resp"))
        held, cycle = None, 0
        while held is None or cycle <= take:
            for channel, when in start.items():
                if when == cycle:
                    self._show(channel, items[channel])
            if cycle == take:
                ready.value = 1
            await edge
            if valid.value:
                assert not start, f"a response before {', '.join(start)} of its request"
                now = int(resp.value), int(pins["rdata"].value) if response == "r" else 0
                assert held in (None, now), f"the response was {held}, and is {now}"
                held = now
            else:
                assert held is None, "a response was taken back"
                assert cycle < limit, f"no answer within {LIMIT} cycles"
            for channel in [c for c, when in start.items() if when <= cycle]:
                if pins[f"{channel}ready"].value:
                    self._show(channel, None)
                    del start[channel]
            cycle += 1
        ready.value = 0
        self.active.remove(response)
        code, data = held
        assert code in (OKAY, SLVERR), f"response {code}"
        if code == SLVERR:
            assert data == 0, f"read data {data:#010x} of a refused access"
            raise Refused(address, done)
        return data
