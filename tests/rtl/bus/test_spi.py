"""The SPI target against its protocol, at the limit of its clock.

Times are in core cycles; the controller's edges have any phase to the core clock and jitter.
"""

import random
from dataclasses import dataclass, field

import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from blockfactor.rtl.access import LATENCY
from blockfactor.rtl.bus.spi import SpiTarget
from blockfactor.sim.pysim import PERIOD

WORDS = 64
LIMIT = SpiTarget.clock_divisor
SLOWEST = SpiTarget.slowest_access
#: Displacement of every edge from its place, in core cycles, either way.
JITTER = .1


def refused(access: int, address: int, seed: int) -> bool:
    """Whether an access, numbered from 0, is refused: known to target and model."""
    return address >= 60 or random.Random(f"{seed} {access}").random() < .15


@dataclass
class Memory:
    """What lies behind the access port: 64 words, some accesses to which are refused."""

    seed: int
    words: list[int] = field(default_factory=list)
    log: list[tuple] = field(default_factory=list)

    def __post_init__(self):
        rng = random.Random(f"words {self.seed}")
        self.words = [rng.getrandbits(32) for _ in range(WORDS)]

    def access(self, write: int, address: int, data: int) -> tuple[int, bool]:
        """Data read and whether it was refused."""
        error = refused(len(self.log), address, self.seed)
        self.log.append((write, address, data if write else None))
        if error:
            return 0, True
        if write:
            self.words[address] = data
            return 0, False
        return self.words[address], False


async def serve(ctx, port, memory: Memory, rng: random.Random, latency: int | None = None):
    """Access port target; checks that a request stays as it is until it is done."""
    while True:
        if not ctx.get(port.request):
            await ctx.posedge(port.request)
        held = [ctx.get(value) for value in (port.write, port.address, port.write_data)]
        for _ in range(latency or rng.choice([1, 2, SLOWEST, rng.randint(1, SLOWEST)]), 1, -1):
            await ctx.tick()
            assert ctx.get(port.request), "request was withdrawn"
            assert held == [ctx.get(value)
                            for value in (port.write, port.address, port.write_data)]
        data, error = memory.access(*held)
        ctx.set(port.done, 1)
        ctx.set(port.read_data, data)
        ctx.set(port.error, error)
        await ctx.tick()
        ctx.set(port.done, 0)
        ctx.set(port.read_data, rng.getrandbits(32))


class Protocol:
    """The written protocol, bit by bit: CIPO of a frame, and its accesses in a memory."""

    def __init__(self, memory: Memory):
        self.memory = memory

    def frame(self, copi: list[int], statuses: list[int]) -> list[int]:
        """Bits on CIPO; ``statuses`` are the status bits at the beginning of every byte."""
        sent = []
        command = address = None
        word, turn, data = [], False, []
        for start in range(0, len(copi), 8):
            bits = copi[start:start + 8]
            whole = len(bits) == 8
            byte = int("".join(map(str, bits)), 2)
            number = start // 8
            status = 0b101 << 5 | statuses[number]
            if number < 2:
                answer = status
                if whole and number == 0 and byte in (0x02, 0x03, 0x0A, 0x0B):
                    command = byte
                if whole and number == 1 and command is not None and byte < WORDS:
                    address, turn = byte, True
            elif address is None:
                answer = status
            elif not command & 1:  # write
                answer = status
                if whole:
                    word.append(byte)
                if len(word) == 4:
                    self.memory.access(1, address, int.from_bytes(word, "little"))
                    word = []
                    address = (address + (not command & 8)) % WORDS
            elif turn:
                answer, turn = status, False
                value, _ = self.memory.access(0, address, 0)
                data = list(value.to_bytes(4, "little"))
                address = (address + (not command & 8)) % WORDS
            else:
                answer = data.pop(0)
                turn = not data
            sent += [answer >> 7 - n & 1 for n in range(8)][:len(bits)]
        return sent


class Controller:
    """SPI controller; every edge at its own time."""

    def __init__(self, ctx, dut, rng: random.Random, period: float = LIMIT, jitter: float = JITTER):
        self.ctx, self.dut, self.rng = ctx, dut, rng
        self.period, self.jitter = period, jitter
        self.now = 0.0
        self.rises = []

    async def until(self, time: float) -> None:
        """Wait until a time in cycles since the controller was made."""
        assert time >= self.now
        await self.ctx.delay((time - self.now) * PERIOD)
        self.now = time

    def around(self, time: float) -> float:
        """A time with jitter."""
        return max(self.now, time + self.rng.uniform(-self.jitter, self.jitter))

    async def frame(self, copi: list[int], statuses: list[int], mode: int = 0, duty: float = .5,
                    gap: float = LIMIT, lead: float = 2.0, reset: Signal | None = None,
                    after: int = 0) -> list[int]:
        """Send bits; return those seen at the rising edges.

        CS is high for ``gap`` before. With ``reset`` that rises for a cycle after so many bits.
        """
        ctx, dut, period = self.ctx, self.dut, self.period
        ctx.set(dut.sck, mode == 3)
        ctx.set(dut.status, statuses[0])
        await self.until(self.now + gap)
        ctx.set(dut.cs_n, 0)
        seen = []
        # Where the next rising edge belongs; jitter does not add up.
        rise = self.now + lead + (period * (1 - duty) if mode == 3 else 0)
        for n, bit in enumerate(copi):
            if mode == 3:
                await self.until(self.around(rise - period * (1 - duty)))
                ctx.set(dut.sck, 0)
            edge = self.around(rise)
            # COPI is right no longer than it must be.
            await self.until(max(self.now, edge - .02))
            ctx.set(dut.copi, bit)
            await self.until(edge)
            seen.append(ctx.get(dut.cipo))
            assert ctx.get(dut.cipo_oe)
            ctx.set(dut.sck, 1)
            self.rises.append(edge)
            if n % 8 == 3 and n // 8 + 1 < len(statuses):
                ctx.set(dut.status, statuses[n // 8 + 1])
            await self.until(edge + 1.02)
            ctx.set(dut.copi, self.rng.getrandbits(1))
            if reset is not None and n + 1 == after:
                await self.until(rise + 5)  # the access that this bit may begin is over
                ctx.set(reset, 1)
                await self.until(rise + 6)
                ctx.set(reset, 0)
            if mode == 0:
                await self.until(self.around(rise + period * duty))
                ctx.set(dut.sck, 0)
            rise += period
        await self.until(self.now + max(1.0, period * (duty if mode == 3 else 1 - duty)))
        ctx.set(dut.cs_n, 1)
        return seen


def bits_of(data) -> list[int]:
    """Bits of bytes, highest first."""
    return [byte >> 7 - n & 1 for byte in data for n in range(8)]


def random_frame(rng: random.Random) -> list[int]:
    """Bits of a frame: most are reads and writes, some wrong, many cut off."""
    command = rng.choice([0x02, 0x03, 0x0A, 0x0B] * 4
                         + [rng.getrandbits(8), 0x02 ^ 1 << rng.randrange(8)])
    address = rng.choice([rng.randrange(WORDS)] * 8 + [62, 63, 64 + rng.randrange(192)])
    data = rng.randbytes(rng.choice([0, 1, 4, 5, 8, 10, rng.randrange(24)]))
    bits = bits_of([command, address, *data])
    return bits[:rng.randrange(len(bits) + 1)] if rng.random() < .3 else bits


def statuses_for(bits, rng) -> list[int]:
    return [rng.getrandbits(5) for _ in range(len(bits) // 8 + 1)]


def run(bench, seed: int, latency: int | None = None, reset: Signal | None = None,
        changes: list | None = None) -> Memory:
    """Run ``bench(ctx, dut)``, with a memory behind the target; return that.

    The times at which CIPO changed are appended to ``changes``.
    """
    dut = SpiTarget()
    memory = Memory(seed)
    rng = random.Random(f"target {seed}")

    async def testbench(ctx):
        ctx.set(dut.cs_n, 1)
        await bench(ctx, dut)
        await ctx.delay((SLOWEST + 5) * PERIOD)

    async def target(ctx):
        await serve(ctx, dut.access, memory, rng, latency)

    async def watch(ctx):
        time, before = .5, 0  # the first edge comes after half a period
        async for *_, cipo in ctx.tick().sample(dut.cipo):
            # Sampled is what was there before the edge.
            if cipo != before:
                changes.append(time - 1)
            time, before = time + 1, cipo

    simulator = Simulator(dut if reset is None else ResetInserter(reset)(dut))
    simulator.add_clock(PERIOD)
    simulator.add_testbench(testbench)
    simulator.add_testbench(target, background=True)
    if changes is not None:
        simulator.add_testbench(watch, background=True)
    simulator.run()
    return memory


def check(memory: Memory, frames) -> None:
    """Frames, each (bits, statuses, bits seen), and the accesses are what the protocol says."""
    model = Protocol(Memory(memory.seed))
    for number, (bits, statuses, seen) in enumerate(frames):
        expected = model.frame(bits, statuses)
        assert seen == expected, (memory.seed, number, bits)
    assert memory.log == model.memory.log, memory.seed
    assert memory.words == model.memory.words, memory.seed


def test_access_port_is_fast_enough():
    assert LATENCY <= SLOWEST


@pytest.mark.parametrize("seed", range(6))
def test_random_frames(seed):
    """Both modes, mostly at the limit, frame upon frame; accesses of any latency."""
    rng = random.Random(seed)
    frames = []

    async def bench(ctx, dut):
        controller = Controller(ctx, dut, rng)
        for _ in range(20):
            bits = random_frame(rng)
            statuses = statuses_for(bits, rng)
            controller.period = rng.choice([LIMIT, LIMIT, LIMIT + rng.random(), rng.uniform(5, 9)])
            controller.jitter = rng.choice([0, JITTER])
            seen = await controller.frame(
                bits, statuses, mode=rng.choice([0, 3]),
                duty=rng.choice([.4, .5, .6] if controller.jitter else [.3, .7]),
                gap=LIMIT + rng.choice([0, rng.random(), rng.uniform(1, 40)]),
                lead=1 + rng.choice([0, rng.random(), rng.uniform(1, 9)]))
            frames.append((bits, statuses, seen))

    memory = run(bench, seed)
    check(memory, frames)
    assert len(memory.log) >= 5, seed


@pytest.mark.parametrize("command", [0x02, 0x03])
def test_cut_off_at_every_bit(command):
    """Words that are not whole do nothing; accesses that have begun end, whatever comes next."""
    rng = random.Random(command)
    frames = []
    whole = bits_of([command, 5, *rng.randbytes(5 if command & 1 else 8)])

    async def bench(ctx, dut):
        controller = Controller(ctx, dut, rng)
        for length in range(len(whole) + 1):
            bits = whole[:length]
            statuses = statuses_for(bits, rng)
            seen = await controller.frame(bits, statuses, mode=length % 2 * 3)
            frames.append((bits, statuses, seen))

    memory = run(bench, 100 + command, SLOWEST)
    check(memory, frames)


def test_commands():
    """Four commands do anything; those that differ in a bit, and others, get status bytes."""
    rng = random.Random(0)
    valid = {0x02, 0x03, 0x0A, 0x0B}
    commands = valid | {c ^ 1 << n for c in valid for n in range(8)} | {0x00, 0x9F, 0xFF, 0xF4}
    frames = []

    async def bench(ctx, dut):
        controller = Controller(ctx, dut, rng)
        for command in sorted(commands):
            bits = bits_of([command, rng.randrange(60), *rng.randbytes(5)])
            statuses = statuses_for(bits, rng)
            frames.append((bits, statuses, await controller.frame(bits, statuses)))

    memory = run(bench, 200)
    check(memory, frames)
    assert len(memory.log) == 4


def slack(rises, changes) -> tuple[float, float]:
    """Least setup and hold of CIPO at rising edges, in cycles."""
    rises, changes = sorted(rises), sorted(changes)
    setup = hold = float("inf")
    for rise in rises:
        setup = min([setup, *(rise - t for t in changes if rise - 8 < t <= rise)])
        hold = min([hold, *(t - rise for t in changes if rise <= t < rise + 8)])
    return setup, hold


async def long_frames(ctx, dut, controller, rng, mode, duty, phases):
    """Reads and writes at phases of the core clock; gives frames for ``check``."""
    frames = []
    for n in range(phases):
        for command in (0x02, 0x03):
            bits = bits_of([command, n % 56, *rng.randbytes(9)])
            statuses = statuses_for(bits, rng)
            ctx.set(dut.sck, mode == 3)
            begin = controller.now // 1 + 30 + n / phases
            await controller.until(begin)
            frames.append((bits, statuses, await controller.frame(bits, statuses, mode, duty,
                                                                  lead=1.0 + controller.jitter)))
    return frames


@pytest.mark.parametrize("mode", [0, 3])
@pytest.mark.parametrize("duty", [.4, .6])
def test_at_the_limit(mode, duty):
    """SCK at the limit, any phase, with jitter, the slowest accesses: data, setup and hold."""
    rng = random.Random(f"{mode} {duty}")
    result = []

    async def bench(ctx, dut):
        controller = Controller(ctx, dut, rng, LIMIT)
        result.append(await long_frames(ctx, dut, controller, rng, mode, duty, 8))
        result.append(controller.rises)

    changes = []
    memory = run(bench, 300, SLOWEST, changes=changes)
    frames, rises = result
    check(memory, frames)
    setup, hold = slack(rises, changes)
    # What SpiTarget says of its delays; two edges may come nearer to each other by both jitters.
    assert LIMIT - 3 - 2 * JITTER <= setup < LIMIT - 2.9 + 2 * JITTER
    assert 2 <= hold < 2.1


def test_limit_is_one():
    """At three cycles a period nothing is left for setup: the test above can fail."""
    rng = random.Random(1)
    rises = []

    async def bench(ctx, dut):
        controller = Controller(ctx, dut, rng, LIMIT - 1, 0)
        await long_frames(ctx, dut, controller, rng, 0, .5, 8)
        rises.extend(controller.rises)

    changes = []
    run(bench, 300, 1, changes=changes)
    setup, _ = slack(rises, changes)
    assert setup < .1


@pytest.mark.parametrize("command", [0x02, 0x03])
def test_reset_in_a_frame(command):
    """What is left of a frame after a reset is ignored, and the next frame is not."""
    rng = random.Random(command)
    reset = Signal()
    model = Protocol(Memory(400))
    whole = bits_of([command, 7, *rng.randbytes(6)])
    answers = []

    async def bench(ctx, dut):
        controller = Controller(ctx, dut, rng, 10, 0)
        for length in range(1, len(whole) + 1, 4):
            statuses = [0] * 12
            await controller.frame(whole, statuses, reset=reset, after=length)
            model.frame(whole[:length], statuses)
            bits = bits_of([0x03, 20, 0, 0])
            answers.append((await controller.frame(bits, statuses), model.frame(bits, statuses)))

    memory = run(bench, 400, 1, reset)
    assert all(seen == expected for seen, expected in answers)
    assert memory.log == model.memory.log


@pytest.mark.parametrize("selected", [0, 1])
def test_power_up(selected):
    """A frame under way at power-up is ignored."""
    rng = random.Random(selected)
    bits = bits_of([0x03, 9, *rng.randbytes(5)])
    statuses = [3] * 8
    frames = []

    async def bench(ctx, dut):
        ctx.set(dut.cs_n, 1 - selected)
        controller = Controller(ctx, dut, rng)
        await controller.until(.1)
        if selected:
            await controller.frame(bits, statuses, gap=0)
        else:
            frames.append((bits, statuses, await controller.frame(bits, statuses)))
        frames.append((bits, statuses, await controller.frame(bits, statuses)))

    memory = run(bench, 500)
    check(memory, frames)


def test_others_on_the_lines():
    """SCK and COPI of frames to other targets do nothing; CIPO is not driven meanwhile."""
    rng = random.Random(7)
    frames = []

    async def bench(ctx, dut):
        controller = Controller(ctx, dut, rng)
        for _ in range(4):
            for bit in bits_of([0x02, 3, *rng.randbytes(4)]):
                ctx.set(dut.copi, bit)
                await controller.until(controller.now + 2)
                ctx.set(dut.sck, 1)
                assert not ctx.get(dut.cipo_oe)
                await controller.until(controller.now + 2)
                ctx.set(dut.sck, 0)
            bits = bits_of([0x03, 3, *rng.randbytes(5)])
            statuses = statuses_for(bits, rng)
            frames.append((bits, statuses, await controller.frame(bits, statuses)))

    memory = run(bench, 600)
    check(memory, frames)
    assert [write for write, *_ in memory.log] == [0] * 4
