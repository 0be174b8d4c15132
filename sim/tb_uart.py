# amaranth: UnusedElaboratable=no
"""The UART front-end before a few registers, and both ends of its line by others.

The test needs the package cocotbext-uart. Frames are made and read by the driver's link; their bits
are sent and received by that package.
"""

import random

import cocotb
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect
from cocotb.triggers import Timer

from blockfactor.drivers.uart_link import FRAME_WORDS, Reply, find_reply, request_frame
from blockfactor.rtl.access import LATENCY
from blockfactor.rtl.bus.uart import UartTarget

from .tb_wishbone import PERIOD_NS, WINDOW, Model, Registers, check_count, reset

__all__ = ["STATUS", "Top"]

#: Status bits that the registers show.
STATUS = 0b01101
#: Frames that the test sends.
FRAMES = 60


class Top(wiring.Component):
    """Registers behind a UART with ``cycles`` cycles a bit."""

    def __init__(self, cycles: int):
        self.cycles = cycles
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "count": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = registers = Registers()
        m.submodules.target = target = UartTarget(1000 * self.cycles, 1000)
        connect(m, target.access, registers.access)
        m.d.comb += [target.rx.eq(self.rx), self.tx.eq(target.tx), target.status.eq(STATUS),
                     self.count.eq(registers.count)]
        return m


def expected(model: Model, start: int, words: list[int | None], stay: bool) -> tuple[list, bool]:
    """What the words of a request give until one is refused, and whether one is."""
    got: list[int] = []
    for n, word in enumerate(words):
        answer = model.access((start + n * (not stay)) % 64, word)
        if answer is None:
            return got, True
        got.append(answer)
    return got, False


async def other(dut, cycles: int) -> None:
    """Requests of all kinds, at random; every reply comes, as it should be, and nothing else."""
    from cocotbext.uart import UartSink, UartSource

    rng = random.Random(cocotb.RANDOM_SEED)
    bit_ns = cycles * PERIOD_NS
    target = UartTarget(1000 * cycles, 1000)
    dut.rx.value = 1
    await reset(dut)
    source = UartSource(dut.rx, baud=10**9 // bit_ns)
    sink = UartSink(dut.tx, baud=10**9 // bit_ns)
    model, sequence, kinds = Model(), 0, set()
    for number in range(FRAMES):
        write, stay = number == 0 or rng.random() < .5, number and rng.random() < .3
        count = FRAME_WORDS if number in (1, 2) else rng.choice([1, 2, rng.randint(1, 12)])
        start = 1 if number == 0 else rng.choice([0, 1, WINDOW - 2, WINDOW, rng.randrange(64)])
        words = [rng.getrandbits(32) if write else None for _ in range(count)]
        # The slowest registers, and the first byte of the reply.
        limit_ns = PERIOD_NS * (count * (target.word_cycles + LATENCY) + target.header_cycles)
        limit_ns += 12 * bit_ns
        sequence = sequence % 255 + 1
        frame = request_frame(sequence, 4 * start, count, words if write else None, stay)
        got, refused = expected(model, start, words, stay)
        want = Reply(STATUS, refused, len(got), () if write else tuple(got))
        kinds.add((write, refused))
        # Sent again, it is answered again and not executed.
        for _ in range(rng.choice([1, 1, 2])):
            about = f"frame {number}: {'write' if write else 'read'} {count} at {start}, {stay}"
            await source.write(frame)
            await source.wait()
            reply, data = None, bytearray()
            while reply is None:
                await sink.wait(limit_ns)
                assert not sink.empty(), f"{about}: no reply"
                data += await sink.read()
                reply = find_reply(data, sequence, count, write)[0]
            assert reply == want, about
            await Timer(rng.randint(15, 60) * bit_ns, "ns")
            assert sink.empty() and len(data) == 8 + 4 * len(reply.words), about
    assert kinds == {(False, False), (False, True), (True, False), (True, True)}
    await check_count(dut, model)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def shortest(dut):
    """Bits of four cycles."""
    await other(dut, 4)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def longer(dut):
    """Bits of an odd number of cycles."""
    await other(dut, 13)
