"""Bus-functional models against a few registers: ours, and a Wishbone controller by others.

The test ``on_native`` runs on ``Top("native")``, the others on ``Top("wishbone")``; ``other_*``
need the packages cocotbext-wishbone and cocotb-bus. tb_apb.py and tb_axi4lite.py use ``Top`` too.
"""

import random

import cocotb
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from blockfactor.rtl.access import LATENCY, access_port
from blockfactor.rtl.bus.apb import ApbTarget
from blockfactor.rtl.bus.axi4lite import Axi4LiteTarget
from blockfactor.rtl.bus.native import NativeTarget
from blockfactor.rtl.bus.wishbone import WishboneTarget
from blockfactor.sim.bus import Refused, native, wishbone

__all__ = ["ADDRESS_BITS", "WINDOW", "Model", "Registers", "Top", "check_count", "random_calls",
           "reset"]

#: Word 0 is constant, words before WINDOW are memory; reading WINDOW gives the value written to it,
#: then 1 more each time; later words are not there.
IDENTITY, WINDOW = 0x4246_4331, 47
#: Of a word address.
ADDRESS_BITS = 8
PERIOD_NS = 10


class Registers(wiring.Component):
    """Registers behind an access port that takes 1 to LATENCY cycles, at random.

    Members
    -------
    access : In(access_port())
    count : Out(32)
        Accesses since reset, refused ones among them.
    """

    def __init__(self):
        super().__init__({"access": In(access_port()), "count": Out(32)})

    def elaborate(self, platform):
        m = Module()
        port = self.access
        m.submodules.words = words = memory.Memory(shape=32, depth=64, init=[])
        read, write = words.read_port(domain="comb"), words.write_port()
        window = Signal(32)
        wait = Signal(range(LATENCY))
        noise = Signal(9, init=1)
        there = port.address <= WINDOW
        wrong = Signal()
        m.d.sync += noise.eq(Cat(noise[8] ^ noise[4], noise[:8]))
        m.d.comb += [
            wrong.eq(~there | (port.write & (port.address == 0))),
            port.done.eq(port.request & (wait == 0)),
            port.error.eq(port.done & wrong),
            read.addr.eq(port.address),
            write.addr.eq(port.address),
            write.data.eq(port.write_data),
        ]
        with m.If(port.done):
            m.d.sync += [self.count.eq(self.count + 1), wait.eq(noise % LATENCY)]
            m.d.comb += write.en.eq(port.write & ~wrong)
            with m.Switch(port.address):
                with m.Case(0):
                    m.d.comb += port.read_data.eq(IDENTITY)
                with m.Case(WINDOW):
                    m.d.comb += port.read_data.eq(window)
                    m.d.sync += window.eq(window + 1)
                    with m.If(port.write):
                        m.d.sync += window.eq(port.write_data)
                with m.Default():
                    m.d.comb += port.read_data.eq(read.data)
            with m.If(wrong):
                m.d.comb += port.read_data.eq(0)
        with m.Elif(port.request):
            m.d.sync += wait.eq(wait - 1)
        return m


class Top(wiring.Component):
    """Registers behind a front-end: ``native`` are its pins, ``wb``, ``apb`` or ``axi``."""

    def __init__(self, front_end: str):
        if front_end == "native":
            self.target = NativeTarget()
        elif front_end == "wishbone":
            self.target = WishboneTarget(ADDRESS_BITS)
        else:
            make = ApbTarget if front_end == "apb" else Axi4LiteTarget
            self.target = make(ADDRESS_BITS + 2)
        [self.pins] = set(self.target.signature.members) - {"access"}
        super().__init__({self.pins: self.target.signature.members[self.pins],
                          "count": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = registers = Registers()
        m.submodules.target = self.target
        m.d.comb += self.count.eq(registers.count)
        connect(m, self.target.access, registers.access)
        connect(m, getattr(self.target, self.pins), flipped(getattr(self, self.pins)))
        return m


class Model:
    """What the registers do."""

    def __init__(self):
        self.words = [0] * (WINDOW + 1)
        self.words[0] = IDENTITY
        self.count = 0

    def access(self, place: int, word: int | None, sel: int = 15) -> int | None:
        """Word read, 0 of a write; None if refused."""
        self.count += 1
        if place > WINDOW or (word is not None and (sel != 15 or place == 0)):
            return None
        if word is None:
            word = self.words[place]
            if place == WINDOW:
                self.words[place] = word + 1 & 0xFFFF_FFFF
            return word
        self.words[place] = word
        return 0


async def reset(dut) -> None:
    """Clock and reset."""
    dut.rst.value = 1
    cocotb.start_soon(Clock(dut.clk, PERIOD_NS, unit="ns").start())
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0


async def check_count(dut, model) -> None:
    """Every access was made once."""
    for _ in range(2):
        await RisingEdge(dut.clk)
    assert int(dut.count.value) == model.count


async def random_calls(dut, bus, rng, places: int, calls: int = 400) -> None:
    """Random calls of a bus-functional model give what the registers' model does."""
    model = Model()
    await bus.begin()
    await reset(dut)
    await bus.write(4, words := [rng.getrandbits(32) for _ in range(WINDOW)])
    for place, word in enumerate(words, 1):
        model.access(place, word)
    refused = 0
    for number in range(calls):
        start = rng.choice([0, 1, 2, WINDOW - 2, WINDOW, rng.randrange(WINDOW),
                            rng.randrange(places)])
        stay = rng.random() < .3
        length = rng.randint(1, 12 if stay else min(12, places - start))
        write = rng.random() < .5
        words = [rng.getrandbits(32) if write else None for _ in range(length)]
        expected = []
        for n, word in enumerate(words):
            expected.append(model.access(start + (0 if stay else n), word))
            if expected[-1] is None:
                break
        about = f"call {number}: {'write' if write else 'read'} {length} at {start}, stay {stay}"
        try:
            got = await (bus.write(4 * start, words, stay) if write
                         else bus.read(4 * start, length, stay))
            assert expected[-1] is not None, f"{about}: not refused"
            assert got == (None if write else expected), about
        except Refused as problem:
            done = len(expected) - 1
            assert expected[-1] is None, f"{about}: {problem}"
            assert problem.done == done, f"{about}: {problem}"
            assert problem.address == 4 * (start + (0 if stay else done)), f"{about}: {problem}"
            refused += 1
    assert calls / 10 < refused < calls * 2 / 3, refused
    assert await bus.read(4, WINDOW) == [model.access(n, None) for n in range(1, WINDOW + 1)]
    await check_count(dut, model)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def on_native(dut):
    """The access port's pins."""
    rng = random.Random(cocotb.RANDOM_SEED)
    await random_calls(dut, native.Bus(dut, None, PERIOD_NS, rng), rng, 64)


async def on_wishbone(dut, pipelined: bool) -> None:
    """Our Wishbone controller."""
    rng = random.Random(cocotb.RANDOM_SEED)
    bus = wishbone.Bus(dut, None, PERIOD_NS, rng, pipelined=pipelined)
    await random_calls(dut, bus, rng, 1 << ADDRESS_BITS)
    # Only a pipelined one shows a request before the last is answered.
    assert bus.most_outstanding == 1 + pipelined
    before = int(dut.count.value)
    for sel in range(15):
        try:
            await bus.write(8, [~sel & 0xFFFF_FFFF], sel=sel)
            raise AssertionError(f"sel {sel} not refused")
        except Refused as problem:
            assert (problem.address, problem.done) == (8, 0)
    assert int(dut.count.value) - before == 15
    await bus.write(8, [7])
    assert await bus.read(8) == [7]


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def on_classic(dut):
    """Our classic controller."""
    await on_wishbone(dut, False)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def on_pipelined(dut):
    """Our pipelined controller."""
    await on_wishbone(dut, True)


async def other(dut, pipelined: bool, cycles: int = 200) -> None:
    """The controller of cocotbext-wishbone: random bus cycles of several transfers."""
    from cocotbext.wishbone.driver import WBOp, WishboneMaster

    class Controller(WishboneMaster):
        """It is pipelined if it knows of ``stall``."""

        _optional_signals = ["sel", "err", *(["stall"] if pipelined else [])]

    rng = random.Random(cocotb.RANDOM_SEED)
    names = {"cyc": "cyc", "stb": "stb", "we": "we", "adr": "adr", "datwr": "dat_w",
             "datrd": "dat_r", "ack": "ack"}
    model = Model()
    for name in ("cyc", "stb", "we", "adr", "dat_w"):
        getattr(dut, f"wb__{name}").value = 0
    await reset(dut)
    # Not earlier: what it sets as time begins, Icarus Verilog shows but does not propagate.
    controller = Controller(dut, "wb_", dut.clk, timeout=200, signals_dict=names)
    answers = set()
    for number in range(cycles):
        operations = []
        for _ in range(rng.randint(1, 8)):
            write = number == 0 or rng.random() < .5
            place = rng.choice([0, WINDOW, rng.randrange(WINDOW), rng.randrange(256)])
            operations.append((place, rng.getrandbits(32) if write else None,
                               rng.choice([15, 15, 15, rng.getrandbits(4)])))
        got = await controller.send_cycle([
            WBOp(place, word, idle=rng.choice([0, 0, 1, 3]), sel=sel)
            for place, word, sel in operations])
        expected = [model.access(*operation) for operation in operations]
        have = [(answer.ack, int(answer.datrd)) for answer in got]
        want = [(2, 0) if word is None else (1, word) for word in expected]
        assert have == want, f"bus cycle {number}: {operations}"
        answers |= {(ack, word is None) for (ack, _), (_, word, _) in zip(have, operations)}
    assert answers == {(1, False), (1, True), (2, False), (2, True)}
    await check_count(dut, model)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def other_classic(dut):
    """Without ``stall``."""
    await other(dut, False)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def other_pipelined(dut):
    """With ``stall``."""
    await other(dut, True)
