"""Bus-functional models against a few registers: our AXI4-Lite manager, and one by others.

All run on ``Top("axi4lite")`` of tb_wishbone.py; ``other`` needs the package cocotbext-axi.
"""

import random

import cocotb

from blockfactor.sim.bus import Refused, axi4lite

from .tb_apb import check_kinds, expected, transfers
from .tb_wishbone import (
    ADDRESS_BITS,
    PERIOD_NS,
    WINDOW,
    Model,
    check_count,
    random_calls,
    reset,
)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def on_axi4lite(dut):
    """Our manager, one transfer at a time."""
    rng = random.Random(cocotb.RANDOM_SEED)
    bus = axi4lite.Bus(dut, None, PERIOD_NS, rng)
    await random_calls(dut, bus, rng, 1 << ADDRESS_BITS)
    assert bus.both == 0
    before = int(dut.count.value)
    for strobes in range(15):
        try:
            await bus.write(8, [~strobes & 0xFFFF_FFFF], strobes=strobes)
            raise AssertionError(f"strobes {strobes} not refused")
        except Refused as problem:
            assert (problem.address, problem.done) == (8, 0)
    for _ in range(20):
        await bus.disturb()
    assert int(dut.count.value) - before == 35 + bus.both
    await bus.write(8, [7])
    assert await bus.read(8) == [7]


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def both_at_once(dut):
    """Our manager's reads and writes, of other words, in two tasks."""
    rng = random.Random(cocotb.RANDOM_SEED)
    bus = axi4lite.Bus(dut, None, PERIOD_NS, rng)
    await bus.begin()
    await reset(dut)
    model, kinds, refused = Model(), set(), 0
    await bus.write(4, words := [rng.getrandbits(32) for _ in range(WINDOW)])
    for place, word in enumerate(words, 1):
        model.access(place, word)
    done = [0, 0]

    async def work(parity: int, count: int = 200) -> None:
        """Writes of even places, or reads of odd ones; refused ones at both."""
        nonlocal refused
        for _ in range(count):
            place = rng.choice([0, 2 * rng.randrange(WINDOW // 2) + parity, rng.randrange(256)])
            if place <= WINDOW and place % 2 != parity:
                continue
            word = None if parity else rng.getrandbits(32)
            want = model.access(place, word)
            try:
                if parity:
                    assert await bus.read(4 * place) == [want]
                else:
                    await bus.write(4 * place, [word])
                assert want is not None, f"place {place} not refused"
            except Refused as problem:
                assert want is None, f"place {place}: {problem}"
                refused += 1
            kinds.add((parity, want is None))
            done[parity] += 1

    tasks = [cocotb.start_soon(work(parity)) for parity in (0, 1)]
    for task in tasks:
        await task
    check_kinds(kinds, refused, sum(done))
    assert bus.both > min(done)
    assert await bus.read(4, WINDOW) == [model.access(n, None) for n in range(1, WINDOW + 1)]
    await check_count(dut, model)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def other(dut, count: int = 300):
    """The manager of cocotbext-axi: some transfers outstanding, of both kinds, all with pauses."""
    from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

    rng = random.Random(cocotb.RANDOM_SEED)
    model, kinds, refused = Model(), set(), 0
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
        getattr(dut, f"axi__{name}").value = 0
    await reset(dut)
    # Not earlier: what it sets as time begins, Icarus Verilog shows but does not propagate.
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "axi_"), dut.clk)
    for half, channels in ((master.write_if, "aw w b"), (master.read_if, "ar r")):
        half.log.setLevel("WARNING")
        for name in channels.split():
            channel = getattr(half, f"{name}_channel")
            channel.set_pause_generator(rng.random() < .4 for _ in iter(int, 1))
    for place in range(1, WINDOW + 1):
        word = rng.getrandbits(32)
        await master.write(4 * place, word.to_bytes(4, "little"))
        model.access(place, word)

    async def work(write: bool) -> None:
        """Writes of even places or reads of odd ones, a few at a time; refused ones at both."""
        nonlocal refused
        started = []
        for place, word, first, size in transfers(rng, count):
            if write != (word is not None) or (place <= WINDOW and not first
                                               and place % 2 == write):
                continue
            want = expected(model, place, word, first, size)
            address = 4 * place + first
            started.append((want, size, master.init_write(
                address, word.to_bytes(4, "little")[:size]) if write
                else master.init_read(address, size)))
            while len(started) > rng.randrange(4):
                want, size, event = started.pop(0)
                await event.wait()
                response = AxiResp.SLVERR if want is None else AxiResp.OKAY
                assert event.data.resp == response, f"{event.data}: {want}"
                if not write and want is not None:
                    assert event.data.data == want.to_bytes(4, "little")[:size]
                kinds.add((write, want is None))
                refused += want is None
        for _, _, event in started:
            await event.wait()

    tasks = [cocotb.start_soon(work(write)) for write in (False, True)]
    for task in tasks:
        await task
    check_kinds(kinds, refused, count)
    got = await master.read(4, 4 * WINDOW)
    assert got.data == b"".join(model.access(n, None).to_bytes(4, "little")
                                for n in range(1, WINDOW + 1))
    await check_count(dut, model)
