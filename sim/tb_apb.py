"""Bus-functional models against a few registers: our APB requester, and two by others.

All run on ``Top("apb")`` of tb_wishbone.py; ``other_axi`` needs the package cocotbext-axi, which
has a requester for APB as well, ``other_apb`` cocotbext-apb.
"""

import random

import cocotb
from cocotb.triggers import RisingEdge

from blockfactor.sim.bus import Refused, apb

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
async def on_apb(dut):
    """Our requester."""
    rng = random.Random(cocotb.RANDOM_SEED)
    bus = apb.Bus(dut, None, PERIOD_NS, rng)
    await random_calls(dut, bus, rng, 1 << ADDRESS_BITS)
    before = int(dut.count.value)
    for strobes in range(15):
        try:
            await bus.write(8, [~strobes & 0xFFFF_FFFF], strobes=strobes)
            raise AssertionError(f"strobes {strobes} not refused")
        except Refused as problem:
            assert (problem.address, problem.done) == (8, 0)
    for _ in range(20):
        await bus.disturb()
    await RisingEdge(dut.clk)
    assert int(dut.count.value) - before == 35
    await bus.write(8, [7])
    assert await bus.read(8) == [7]


def transfers(rng: random.Random, count: int):
    """Random (place, word or None for a read, number of the byte it begins at, its bytes)."""
    for _ in range(count):
        place = rng.choice([0, WINDOW, rng.randrange(WINDOW), rng.randrange(WINDOW),
                            rng.randrange(1 << ADDRESS_BITS)])
        word = rng.getrandbits(32) if rng.random() < .5 else None
        # Part of a word now and then, and one that begins within another.
        first = rng.choice([0] * 9 + [1, 2, 3])
        size = 4 - first if rng.random() < .9 else rng.randint(1, 4 - first)
        yield place, word, first, size


def expected(model: Model, place: int, word: int | None, first: int, size: int) -> int | None:
    """What the registers do: the word read, 0 of a write; None if refused."""
    if first:  # an address between two words is one that is not there
        return model.access(WINDOW + 1, word)
    return model.access(place, word, (1 << size) - 1)


def check_kinds(kinds: set, refused: int, count: int) -> None:
    """All that can happen did; a fifth was refused."""
    assert kinds == {(write, bad) for write in (False, True) for bad in (False, True)}
    assert refused >= count / 5, refused


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def other_axi(dut, count: int = 400):
    """The requester of cocotbext-axi."""
    from cocotbext.axi import ApbBus, ApbMaster, AxiResp

    rng = random.Random(cocotb.RANDOM_SEED)
    model, kinds, refused = Model(), set(), 0
    for name in ("psel", "penable", "paddr", "pwrite", "pwdata", "pstrb", "pprot"):
        getattr(dut, f"apb__{name}").value = 0
    await reset(dut)
    # Not earlier: what it sets as time begins, Icarus Verilog shows but does not propagate.
    master = ApbMaster(ApbBus.from_prefix(dut, "apb_"), dut.clk)
    master.log.setLevel("WARNING")
    master.set_pause_generator(rng.random() < .3 for _ in iter(int, 1))
    for place in range(1, WINDOW + 1):
        word = rng.getrandbits(32)
        await master.write(4 * place, word.to_bytes(4, "little"))
        model.access(place, word)
    for number, (place, word, first, size) in enumerate(transfers(rng, count)):
        want = expected(model, place, word, first, size)
        address = 4 * place + first
        if word is None:
            got = await master.read(address, size)
            if want is not None:
                assert got.data == want.to_bytes(4, "little")[:size], f"transfer {number}"
        else:
            got = await master.write(address, word.to_bytes(4, "little")[:size])
        assert got.resp == (AxiResp.SLVERR if want is None else AxiResp.OKAY), f"transfer {number}"
        kinds.add((word is None, want is None))
        refused += want is None
    check_kinds(kinds, refused, count)
    await check_count(dut, model)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def other_apb(dut, count: int = 400):
    """The requester of cocotbext-apb."""
    from cocotbext.apb import Apb4Bus, ApbHost

    rng = random.Random(cocotb.RANDOM_SEED)
    model, kinds, refused = Model(), set(), 0
    for name in ("psel", "penable", "paddr", "pwrite", "pwdata", "pstrb", "pprot"):
        getattr(dut, f"apb__{name}").value = 0
    await reset(dut)
    host = ApbHost(Apb4Bus.from_prefix(dut, "apb_"), dut.clk, seednum=cocotb.RANDOM_SEED)
    host.log.setLevel("WARNING")
    for place in range(1, WINDOW + 1):
        await host.write(4 * place, word := rng.getrandbits(32))
        model.access(place, word)
    for number, (place, word, first, size) in enumerate(transfers(rng, count)):
        want = expected(model, place, word, first, size)
        # Another answer than is expected ends the test.
        if word is None:
            got = await host.read(4 * place + first, error_expected=want is None)
            if want is not None:
                assert int.from_bytes(got, "little") == want, f"transfer {number}"
        else:
            await host.write(4 * place + first, word, strb=(1 << size) - 1,
                             error_expected=want is None)
        host.intra_delay = rng.choice([0, 0, 1, 3])
        kinds.add((word is None, want is None))
        refused += want is None
    check_kinds(kinds, refused, count)
    await check_count(dut, model)
