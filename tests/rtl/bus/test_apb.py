# amaranth: UnusedElaboratable=no
"""rtl/bus/apb.py: every transfer one access and one answer."""

import random
import re

import pytest
from access_model import AccessModel
from amaranth.hdl import Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from bus_waves import DOCS, check_wave, waves_of

from blockfactor.errors import ConfigError
from blockfactor.rtl.access import LATENCY, REFUSED_ADDRESS, access_port
from blockfactor.rtl.bus.apb import ApbTarget, apb_port
from blockfactor.sim.pysim import simulate

PAGE = (DOCS / "apb.md").read_text(encoding="utf-8")
INPUTS = ("paddr", "pprot", "psel", "penable", "pwrite", "pwdata", "pstrb")
OUTPUTS = ("pready", "prdata", "pslverr")
OVERHEAD = ApbTarget.transfer_overhead


class Resettable(wiring.Component):
    """The target with a reset that a bench can raise."""

    def __init__(self, address_bits: int):
        self.address_bits = address_bits
        super().__init__({"apb": In(apb_port(address_bits)), "access": Out(access_port()),
                          "reset": In(1)})

    def elaborate(self, platform):
        m = Module()
        target = ApbTarget(self.address_bits)
        m.submodules.target = ResetInserter(self.reset)(target)
        connect(m, target.apb, flipped(self.apb))
        connect(m, target.access, flipped(self.access))
        return m


class World:
    """The target, a model of what is behind its access port, and a requester.

    ``done`` lists the transfers: (write, address, strobes, data), cycles, ``pslverr``.
    """

    def __init__(self, seed: int, address_bits: int = 8, latency: int = 0, errors: float = .2):
        self.seed = seed
        self.rng = random.Random(seed)
        self.address_bits = address_bits
        self.dut = Resettable(address_bits)
        self.pins = {name: getattr(self.dut.apb, name) for name in INPUTS + OUTPUTS}
        self.model = AccessModel(self.dut.access, self.rng, latency, errors)
        self.done = []
        self.running = True

    def run(self, *requesters) -> None:
        """Simulate until the requesters, one after the other, have ended."""

        async def control(ctx):
            for requester in requesters:
                await requester(ctx, self)
            for _ in range(LATENCY + 2):
                await self.idle(ctx)
            self.running = False

        async def model(ctx):
            await self.model.run(ctx, self.dut.reset, lambda: self.running)

        try:
            simulate(self.dut, control, model, limit=1_000_000)
        except AssertionError as problem:
            problem.add_note(f"seed {self.seed}")
            raise

    def show(self, ctx, request=None, psel: int = 0, penable: int = 0) -> None:
        """Drive the pins; without a request all but PSEL means nothing."""
        bits = self.rng.getrandbits
        write, address, strobes, data = request or (
            bits(1), bits(self.address_bits), bits(4), bits(32))
        # PENABLE may be another completer's.
        enable = penable if psel else bits(1)
        for name, value in (("psel", psel), ("penable", enable), ("pwrite", write),
                            ("paddr", address), ("pstrb", strobes), ("pwdata", data)):
            ctx.set(self.pins[name], value)

    async def edge(self, ctx) -> tuple[int, int, int]:
        """A clock edge; PPROT changes at any time, for nobody looks at it."""
        ctx.set(self.pins["pprot"], self.rng.getrandbits(3))
        _, _, *values = await ctx.tick().sample(*(self.pins[name] for name in OUTPUTS))
        assert values[0] or not values[2], "pslverr without pready"
        return tuple(values)

    async def idle(self, ctx) -> None:
        """A cycle without a transfer."""
        self.show(ctx)
        pready, *_ = await self.edge(ctx)
        assert not pready, "pready without a transfer"

    def request(self):
        """A random transfer, often one that cannot be made."""
        rng = self.rng
        address = 4 * rng.getrandbits(6)
        if rng.random() < .2:
            address = rng.getrandbits(self.address_bits)
        return (rng.getrandbits(1), address, rng.choice((15, 15, 15, rng.getrandbits(4))),
                rng.getrandbits(32))

    async def transfer(self, ctx, request, disaster: float = 0) -> bool:
        """Setup and access phase; whether no reset came in between, of all or the target alone."""
        rng, model = self.rng, self.model
        before = len(model.made)
        self.show(ctx, request, 1, 0)
        cycles = 1
        pready, *_ = await self.edge(ctx)
        assert not pready, "pready in the setup phase"
        self.show(ctx, request, 1, 1)
        again = False
        while True:
            if rng.random() < disaster:
                again = rng.random() < .5
                ctx.set(self.dut.reset, 1)
                await self.edge(ctx)
                ctx.set(self.dut.reset, 0)
                if not again:
                    self.show(ctx)
                    return False
                # The requester goes on, and has it made anew.
                before = len(model.made)
                cycles = 0
            cycles += 1
            pready, prdata, pslverr = await self.edge(ctx)
            if pready:
                break
            assert cycles < LATENCY + OVERHEAD + 1, "no pready"
        write, address, strobes, data = request
        assert len(model.made) == before + 1, "not one access"
        made = model.made[-1]
        bad = address % 4 or address >= 256 or (write and strobes != 15)
        expected = (1, REFUSED_ADDRESS) if bad else (write, address // 4)
        assert made[:2] == expected, (request, made)
        assert bool(pslverr) == bool(made.error) and (pslverr or not bad), (request, made)
        if write and not bad:
            assert made.data == data, (request, made)
        if pslverr or not write:
            assert prdata == made.answer, (request, made)
        assert cycles == made.latency + OVERHEAD, (request, made)
        self.done.append((request, cycles, pslverr))
        self.show(ctx)
        return True


def requester(count: int, gap: float = .4, disaster: float = 0):
    """Makes transfers, with gaps at random; ``disaster`` is the probability of a reset."""
    async def make(ctx, world):
        for _ in range(count):
            while world.rng.random() < gap:
                await world.idle(ctx)
            await world.transfer(ctx, world.request(), disaster)
    return make


@pytest.mark.parametrize("gap", [0, .4])
@pytest.mark.parametrize("address_bits", [8, 12])
def test_transfers(gap, address_bits):
    """Every transfer is one access and one answer, in as many cycles as documented."""
    world = World(seed=address_bits + int(10 * gap), address_bits=address_bits)
    world.run(requester(250, gap))
    assert len(world.done) == len(world.model.made) == 250
    assert {(r[0], error) for r, _, error in world.done} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert {cycles for _, cycles, _ in world.done} == set(range(1 + OVERHEAD,
                                                                LATENCY + OVERHEAD + 1))


@pytest.mark.parametrize("seed", range(2))
def test_reset(seed):
    """A reset in mid-transfer, of the requester too or not: the next transfers are as any."""
    world = World(seed=30 + seed)
    world.run(requester(250, .2, disaster=.05))
    assert 120 < len(world.done) < 245


def test_refused():
    """Each way of being refused, alone."""
    world = World(seed=1, address_bits=32, errors=0)
    bad = [(1, 0x20, strobes, 5) for strobes in range(15)]
    bad += [(write, address, 15, 5) for write in (0, 1)
            for address in (0x21, 0x22, *(0x20 + (1 << bit) for bit in range(8, 32)))]
    good = [(0, 0x20, strobes, 5) for strobes in range(16)] + [(1, 0x20, 15, 5)]

    async def make(ctx, world):
        for request in bad + good:
            await world.transfer(ctx, request)

    world.run(make)
    assert [error for *_, error in world.done] == [1] * len(bad) + [0] * len(good)


@pytest.mark.parametrize("bits", [7, 33, "8"])
def test_address_bits(bits):
    with pytest.raises(ConfigError, match=r"address_bits .* 8\.\.32"):
        ApbTarget(bits)


WAVES = waves_of(PAGE)


@pytest.mark.parametrize("number", range(3))
def test_waveforms(number):
    """The page's waveforms, cycle by cycle; what it leaves open is random."""
    dut = ApbTarget()
    assert {"psel", "penable", "pready", "pslverr"} <= set(WAVES[number])
    check_wave(dut, WAVES[number], {name: getattr(dut.apb, name) for name in INPUTS},
               {name: getattr(dut.apb, name) for name in OUTPUTS}
               | {"request": dut.access.request}, number)


def test_page():
    """All waveforms are tested, the ports and the longest times are those of the component."""
    assert len(WAVES) == 3
    ports = re.findall(r"^\| `apb__(\w+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert {name: int(width) for name, width in ports} == {
        name: member.shape for name, member in apb_port().members.items()}
    text = " ".join(PAGE.split())
    assert f"registers n cycles, at most {LATENCY}," in text
    assert f"n + {OVERHEAD} cycles, and at most {LATENCY + OVERHEAD}." in text
