# amaranth: UnusedElaboratable=no
"""rtl/bus/wishbone.py: every transfer one access and one answer, whatever the controller does."""

import random
import re
from collections import namedtuple

import pytest
from amaranth.hdl import Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from bus_waves import DOCS, check_wave, waves_of

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.registers import register_map
from blockfactor.rtl.access import LATENCY, REFUSED_ADDRESS, access_port
from blockfactor.rtl.bus.wishbone import WishboneTarget, wishbone_port
from blockfactor.sim.pysim import simulate

PAGE = (DOCS / "wishbone.md").read_text(encoding="utf-8")
PINS = ("cyc", "stb", "we", "adr", "sel", "dat_w", "dat_r", "ack", "err", "stall")
#: A request the target took; ``bad`` if no register can take it, ``cycle`` is when.
Taken = namedtuple("Taken", "write address data bad cycle")
#: An access at the access port, its answer, and how many cycles it took.
Made = namedtuple("Made", "write address data answer error latency")


class Resettable(wiring.Component):
    """The target with a reset that a bench can raise."""

    def __init__(self, address_bits: int):
        self.address_bits = address_bits
        super().__init__({"wb": In(wishbone_port(address_bits)), "access": Out(access_port()),
                          "reset": In(1)})

    def elaborate(self, platform):
        m = Module()
        target = WishboneTarget(self.address_bits)
        m.submodules.target = ResetInserter(self.reset)(target)
        connect(m, target.wb, flipped(self.wb))
        connect(m, target.access, flipped(self.access))
        return m


class World:
    """The target, a model of what is behind its access port, and a checker of both its sides.

    ``taken`` and ``made`` list what went in and what came out, ``answers`` the answers, each with
    the number of its request; ``swallowed`` counts the requests without one.
    """

    def __init__(self, seed: int, address_bits: int = 6, latency: int = 0, errors: float = .2):
        self.seed = seed
        self.rng = random.Random(seed)
        self.dut = Resettable(address_bits)
        self.address_bits = address_bits
        self.latency = latency
        self.errors = errors
        self.taken, self.made, self.answers = [], [], []
        self.swallowed = self.cycle = 0
        self.running = True
        # Looking a member of an interface up takes longer than simulating a cycle.
        self.pins = {name: getattr(self.dut.wb, name) for name in PINS}
        self.port = {name: getattr(self.dut.access, name)
                     for name in self.dut.access.signature.members}

    def run(self, *controllers, limit: int = 1_000_000) -> None:
        """Simulate until the controllers, one after the other, have ended."""

        async def control(ctx):
            for controller in controllers:
                await controller(ctx, self)
            self.show(ctx, None, cyc=0)
            await ctx.tick().repeat(LATENCY + 3)
            self.running = False

        try:
            simulate(self.dut, control, self.model, self.check, limit=limit)
        except AssertionError as problem:
            problem.add_note(f"seed {self.seed}")
            raise
        assert len(self.made) == len(self.taken) == len(self.answers) + self.swallowed

    def show(self, ctx, request, cyc: int = 1) -> None:
        """Drive a request ``(write, address, sel, data)``; without one the pins mean nothing."""
        bits = self.rng.getrandbits
        write, address, sel, data = request or (bits(1), bits(self.address_bits), bits(4), bits(32))
        # stb without cyc means nothing either.
        stb = int(request is not None) if cyc else bits(1)
        for name, value in (("cyc", cyc), ("stb", stb), ("we", write), ("adr", address),
                            ("sel", sel), ("dat_w", data)):
            ctx.set(self.pins[name], value)

    async def model(self, ctx) -> None:
        """Answer accesses after random times with random words and errors."""
        rng, port = self.rng, self.port
        access, age = None, 0
        async for _, _, reset in ctx.tick().sample(self.dut.reset):
            if not self.running:
                break
            ctx.set(port["done"], 0)
            if not ctx.get(port["request"]):
                assert access is None or reset, f"cycle {self.cycle}: request taken back"
                access = None
                continue
            # Answers are valid with done only.
            ctx.set(port["read_data"], rng.getrandbits(32))
            ctx.set(port["error"], rng.getrandbits(1))
            now = tuple(ctx.get(port[name]) for name in ("write", "address", "write_data"))
            if access is None:
                access, age = now, 0
                latency = self.latency or rng.choice((1, 2, 3, rng.randint(1, LATENCY)))
            assert access == now, f"cycle {self.cycle}: request changed"
            age += 1
            if age == latency:
                error = rng.random() < self.errors
                answer = 0 if error else rng.getrandbits(32)
                ctx.set(port["done"], 1)
                ctx.set(port["read_data"], answer)
                ctx.set(port["error"], error)
                self.made.append(Made(*access, answer, error, latency))
                access = None

    async def check(self, ctx) -> None:
        """Check the bus, cycle by cycle, and every access against its request."""
        waiting, free_again = None, None
        stalled = 0
        async for _, _, *values in ctx.tick().sample(self.dut.reset, *self.pins.values()):
            if not self.running:
                break
            self.cycle += 1
            reset, cyc, stb, we, adr, sel, dat_w, dat_r, ack, err, stall = values
            at = f"cycle {self.cycle}"
            stalled = stalled + 1 if stall else 0
            assert stalled <= LATENCY + 1, at
            assert not (ack and err), at
            if free_again == self.cycle:
                assert not stall, f"{at}: not free after an answer"
            if waiting is not None:
                assert stall, f"{at}: another request taken before the answer"
            if waiting is not None and len(self.made) > waiting:
                made = self.made[waiting]
                if cyc and self.cycle == self.taken[waiting].cycle + made.latency + 1:
                    assert ack or err, f"{at}: no answer"
            if ack or err:
                assert cyc and waiting is not None, f"{at}: nobody waits for this answer"
                assert len(self.made) > waiting, f"{at}: answered before it was done"
                taken, made = self.taken[waiting], self.made[waiting]
                assert self.cycle == taken.cycle + made.latency + 1, f"{at}: late"
                assert bool(err) == bool(taken.bad or made.error), at
                assert dat_r == (0 if err or taken.write else made.answer), at
                self.answers.append((waiting, "err" if err else "ack", dat_r))
                waiting, free_again = None, self.cycle + 1
            if waiting is not None and not cyc:
                self.swallowed += 1
                waiting = None
            if reset:
                # What was not made yet is lost, and what waits is never answered.
                lost = len(self.taken) > len(self.made)
                if lost:
                    self.taken.pop()
                if waiting is not None:
                    self.swallowed += not lost
                elif lost:
                    self.swallowed -= 1
                waiting = free_again = None
            elif cyc and stb and not stall:
                waiting = len(self.taken)
                bad = adr >= 64 or (we and sel != 15)
                self.taken.append(Taken(we, adr, dat_w, bad, self.cycle))
            self.compare()

    def compare(self) -> None:
        """The last access is that of its request."""
        if self.made and len(self.made) == len(self.taken):
            taken, made = self.taken[-1], self.made[-1]
            expected = (1, REFUSED_ADDRESS) if taken.bad else (taken.write, taken.address)
            assert made[:2] == expected, (taken, made)
            if taken.write and not taken.bad:
                assert made.data == taken.data, (taken, made)

    def request(self):
        """A random request, often one that cannot be taken."""
        rng = self.rng
        address = rng.getrandbits(6 if rng.random() < .8 else self.address_bits)
        return (rng.getrandbits(1), address, rng.choice((15, 15, 15, rng.getrandbits(4))),
                rng.getrandbits(32))


async def abandon(ctx, world: World) -> None:
    """Let ``cyc`` fall; at least a cycle."""
    world.show(ctx, None, cyc=0)
    await ctx.tick().repeat(world.rng.randint(1, 3))


async def reset(ctx, world: World) -> None:
    """Reset for a cycle; the controller is reset as well."""
    ctx.set(world.dut.reset, 1)
    await ctx.tick()
    ctx.set(world.dut.reset, 0)
    world.show(ctx, None, cyc=0)


def classic(count: int, gap: float = .4, trouble: float = 0, disaster: float = 0):
    """A controller that holds each request through its answer.

    After it, the next one follows at once, or after a gap with ``cyc`` high or low. ``trouble`` and
    ``disaster`` are probabilities, per cycle, that it gives up or is reset.
    """
    async def controller(ctx, world):
        rng, pins = world.rng, world.pins
        for _ in range(count):
            while rng.random() < gap:
                world.show(ctx, None, cyc=rng.getrandbits(1))
                await ctx.tick()
            world.show(ctx, world.request())
            while True:
                _, _, ack, err = await ctx.tick().sample(pins["ack"], pins["err"])
                if ack or err:
                    break
                fate = rng.random()
                if fate < trouble + disaster:
                    await (abandon if fate < trouble else reset)(ctx, world)
                    break
    return controller


def pipelined(count: int, gap: float = .3, trouble: float = 0, disaster: float = 0):
    """A controller that heeds ``stall``, and shows requests before the others are answered."""
    async def controller(ctx, world):
        rng, pins = world.rng, world.pins
        left, outstanding, shown = count, 0, None
        while left or shown or outstanding:
            if shown is None and left and rng.random() >= gap:
                shown, left = world.request(), left - 1
            # cyc falls at times when everything is answered.
            world.show(ctx, shown, cyc=1 if shown or outstanding else rng.getrandbits(1))
            _, _, ack, err, stall = await ctx.tick().sample(
                pins["ack"], pins["err"], pins["stall"])
            outstanding -= ack | err
            if shown and not stall:
                shown, outstanding = None, outstanding + 1
            fate = rng.random()
            if fate < trouble + disaster:
                await (abandon if fate < trouble else reset)(ctx, world)
                shown, outstanding = None, 0
    return controller


@pytest.mark.parametrize("controller", [classic, pipelined])
@pytest.mark.parametrize("gap", [0, .4])
@pytest.mark.parametrize("address_bits", [6, 10])
def test_transfers(controller, gap, address_bits):
    """Every request is one access and one answer, in order; held requests are not taken twice."""
    world = World(seed=address_bits + int(10 * gap), address_bits=address_bits)
    world.run(controller(300, gap))
    assert len(world.taken) == len(world.answers) == 300
    assert world.swallowed == 0
    kinds = {(t.write, kind) for t, (_, kind, _) in zip(world.taken, world.answers)}
    assert kinds == {(0, "ack"), (0, "err"), (1, "ack"), (1, "err")}
    assert {made.latency for made in world.made} == set(range(1, LATENCY + 1))


@pytest.mark.parametrize("seed", range(2))
def test_abandoned(seed):
    """cyc falls at any time, the access is made, its answer swallowed; both kinds in turn."""
    world = World(seed=20 + seed, address_bits=8)
    world.run(*(controller(70, .2, trouble=.1) for controller in (classic, pipelined) * 5))
    assert world.swallowed > 100
    assert len(world.answers) > 200


@pytest.mark.parametrize("seed", range(2))
def test_reset(seed):
    """Nor is anything answered that was asked before a reset."""
    world = World(seed=30 + seed)
    world.run(*(controller(70, .2, trouble=.02, disaster=.08)
                for controller in (classic, pipelined) * 5))
    assert len(world.answers) > 200


@pytest.mark.parametrize("controller", [classic, pipelined])
@pytest.mark.parametrize("latency", [1, 2, LATENCY])
def test_throughput(controller, latency):
    """A word in n + 2 cycles, block cycles and bursts without gaps."""
    world = World(seed=latency, latency=latency)
    world.run(controller(40, 0))
    cycles = [taken.cycle for taken in world.taken]
    assert {b - a for a, b in zip(cycles, cycles[1:])} == {latency + 2}


def test_nothing_without_cyc():
    """stb without cyc is nothing."""
    world = World(seed=5)

    async def other(ctx, world):
        for _ in range(50):
            world.show(ctx, None, cyc=0)
            await ctx.tick()

    world.run(other, classic(1, 0), other)
    assert len(world.taken) == 1


def test_refused_address():
    """The register that refused requests are sent to can never be written."""
    for front_end in ("native", "apb", "axi4lite", "wishbone"):
        system = SystemConfig(core=CoreConfig(), front_end=front_end)
        assert register_map(system).at(4 * REFUSED_ADDRESS).write_mask == 0


@pytest.mark.parametrize("bits", [5, 31, "8"])
def test_address_bits(bits):
    with pytest.raises(ConfigError, match=r"address_bits .* 6\.\.30"):
        WishboneTarget(bits)


WAVES = waves_of(PAGE)


@pytest.mark.parametrize("number", range(4))
def test_waveforms(number):
    """The page's waveforms, cycle by cycle; what it leaves open is random."""
    dut = WishboneTarget()
    assert {"cyc", "stb", "ack", "err", "stall"} <= set(WAVES[number])
    check_wave(dut, WAVES[number], {name: getattr(dut.wb, name) for name in PINS[:6]},
               {name: getattr(dut.wb, name) for name in PINS[6:]}, number)


def test_page():
    """All waveforms are tested, the ports and the longest times are those of the component."""
    assert len(WAVES) == 4
    ports = re.findall(r"^\| `wb__(\w+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert {name: int(width) for name, width in ports} == {
        name: member.shape for name, member in wishbone_port().members.items()}
    text = " ".join(PAGE.split())
    assert f"registers n cycles, at most {LATENCY}," in text
    assert f"n + 2 cycles, in bursts as well, and at most {LATENCY + 2}." in text
