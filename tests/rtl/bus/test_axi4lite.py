# amaranth: UnusedElaboratable=no
"""rtl/bus/axi4lite.py: every transfer one access and one response, by the rules of AXI."""

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
from blockfactor.rtl.bus.axi4lite import OKAY, SLVERR, Axi4LiteTarget, axi4lite_port
from blockfactor.sim.pysim import simulate

PAGE = (DOCS / "axi4lite.md").read_text(encoding="utf-8")
OUTPUTS = ("awready", "wready", "bvalid", "bresp", "arready", "rvalid", "rdata", "rresp")
INPUTS = tuple(name for name in axi4lite_port().members if name not in OUTPUTS)
ANSWER, TRANSFER = Axi4LiteTarget.answer_overhead, Axi4LiteTarget.transfer_overhead
READY = {"write": "bready", "read": "rready"}


class Resettable(wiring.Component):
    """The target with a reset that a bench can raise."""

    def __init__(self, address_bits: int):
        self.address_bits = address_bits
        super().__init__({"axi": In(axi4lite_port(address_bits)), "access": Out(access_port()),
                          "reset": In(1)})

    def elaborate(self, platform):
        m = Module()
        target = Axi4LiteTarget(self.address_bits)
        m.submodules.target = ResetInserter(self.reset)(target)
        connect(m, target.axi, flipped(self.axi))
        connect(m, target.access, flipped(self.access))
        return m


class World:
    """The target, a model of what is behind its access port, a manager, and a checker of all.

    Attributes
    ----------
    done : list
        (kind, cycle of the response) of each access, in order.
    longest : dict
        By kind: most accesses of the other kind that one waited for which could have begun.
    distances : set
        Cycles by which the data of writes were later than their addresses.
    """

    def __init__(self, seed: int, address_bits: int = 8, latency: int = 0, errors: float = .2,
                 requests=None, **pace):
        self.seed = seed
        self.rng = random.Random(seed)
        self.address_bits = address_bits
        self.dut = Resettable(address_bits)
        self.pins = {name: getattr(self.dut.axi, name) for name in INPUTS + OUTPUTS}
        self.model = AccessModel(self.dut.access, self.rng, latency, errors)
        self.requests = requests
        # Probabilities, per cycle: of nothing new on a channel, of READY low, of a reset.
        self.gap, self.stall, self.disaster = (
            pace.get(name, 0.) for name in ("gap", "stall", "disaster"))
        self.done, self.distances = [], set()
        self.longest = {"read": 0, "write": 0}
        self.responses = {OKAY: 0, SLVERR: 0}
        self.running = True

    def run(self, reads: int, writes: int) -> None:
        """Simulate until so many transfers have ended."""

        async def manage(ctx):
            await self.manager(ctx, reads, writes)
            self.running = False

        async def model(ctx):
            await self.model.run(ctx, self.dut.reset, lambda: self.running)

        try:
            simulate(self.dut, manage, model, limit=1_000_000)
        except AssertionError as problem:
            problem.add_note(f"seed {self.seed}")
            raise

    def address(self) -> int:
        """A random address, often one that no register can have."""
        if self.requests:
            return self.rng.choice(self.requests)
        bits = self.rng.getrandbits
        return 4 * bits(6) if self.rng.random() < .8 else bits(self.address_bits)

    async def manager(self, ctx, reads: int, writes: int) -> None:
        """Each channel goes its own way: none waits for another, but for the end."""
        rng, pins, bits = self.rng, self.pins, self.rng.getrandbits
        left = {"aw": writes, "w": writes, "ar": reads, "b": writes, "r": reads}
        shown = dict.fromkeys(("aw", "w", "ar"))
        checker = Checker(self)
        while left["b"] or left["r"]:
            for channel, item in shown.items():
                if item is None and left[channel] and rng.random() >= self.gap:
                    left[channel] -= 1
                    item = shown[channel] = (
                        (bits(32), 15 if rng.random() < .8 else bits(4)) if channel == "w"
                        else (self.address(), bits(3)))
                ctx.set(pins[f"{channel}valid"], item is not None)
                names = (("wdata", "wstrb") if channel == "w"
                         else (f"{channel}addr", f"{channel}prot"))
                # Without VALID they mean nothing.
                for name, value in zip(names, item or (bits(32), bits(32))):
                    ctx.set(pins[name], value & (1 << len(pins[name])) - 1)
            ctx.set(pins["bready"], rng.random() >= self.stall)
            ctx.set(pins["rready"], rng.random() >= self.stall)
            reset = rng.random() < self.disaster
            ctx.set(self.dut.reset, reset)
            _, _, busy, *values = await ctx.tick().sample(self.model.port["request"],
                                                          *pins.values())
            now = dict(zip(pins, values))
            checker.cycle(now, shown, busy, reset)
            if reset:
                # The manager is reset as well; what had not been answered never is.
                left["aw"] = left["w"] = left["b"] = max(0, left["b"] - (shown["aw"] is not None))
                left["ar"] = left["r"] = max(0, left["r"] - (shown["ar"] is not None))
                shown = dict.fromkeys(shown)
                continue
            for channel in shown:
                if now[f"{channel}valid"] and now[f"{channel}ready"]:
                    shown[channel] = None
            for channel in ("b", "r"):
                left[channel] -= now[f"{channel}valid"] and now[f"{channel}ready"]
        ctx.set(self.dut.reset, 0)


class Checker:
    """Looks at every cycle: rules of AXI, what the page says, and each access."""

    def __init__(self, world: World):
        self.world = world
        self.number = 0
        self.checked = 0  # accesses
        self.before = None
        self.due = {}  # kind -> its access, whose response comes next
        self.last = "read"
        self.since = {}  # kind -> cycle since which nothing is in its way
        self.waiting = {"read": None, "write": None}  # accesses of the other kind since
        self.first = {"aw": None, "w": None}

    def cycle(self, now: dict, shown: dict, busy: bool, reset: bool) -> None:
        """One cycle's pins; ``busy``: in it an access goes on."""
        model = self.world.model
        self.number += 1
        at = f"cycle {self.number}"
        before = self.before
        for valid, ready, *payload in (("bvalid", "bready", "bresp"),
                                       ("rvalid", "rready", "rresp", "rdata")):
            if before and before[valid] and not before[ready]:
                assert now[valid], f"{at}: {valid} falls"
                assert all(now[p] == before[p] for p in payload), f"{at}: {payload} changes"
        assert now["awready"] == now["wready"], at
        assert not now["awready"] or (shown["aw"] and shown["w"]), at
        assert not now["arready"] or shown["ar"], at
        # A response comes after what it answers has been taken, and here in the next cycle.
        for kind, valid in (("write", "bvalid"), ("read", "rvalid")):
            new = now[valid] and not (before and before[valid] and not before[READY[kind]])
            assert bool(new) == (kind in self.due), f"{at}: {valid} is {now[valid]}"
            if kind in self.due:
                self._response(kind, self.due.pop(kind), now, at)
        for channel in self.first:
            if shown[channel] is not None and self.first[channel] is None:
                self.first[channel] = self.number
        for kind, taken in (("write", now["awready"]), ("read", now["arready"])):
            if taken:
                self._access(kind, now, shown, at)
        assert self.checked == len(model.made) or busy, f"{at}: not taken"
        if reset:
            # What was being made is lost; what was made is not answered.
            self.checked = len(model.made)
            self.before, self.since, self.due, self.last = None, {}, {}, "read"
            self.waiting = dict.fromkeys(self.waiting)
            self.first = dict.fromkeys(self.first)
            return
        can = {"read": shown["ar"] and (now["rready"] or not now["rvalid"]),
               "write": shown["aw"] and shown["w"] and (now["bready"] or not now["bvalid"])}
        for kind in can:
            if not can[kind]:
                self.waiting[kind] = None
            elif self.waiting[kind] is None:
                self.waiting[kind] = 0
        if not busy:
            # The next access is one of these, and begins in the next cycle.
            self.since = {kind: self.number for kind in can if can[kind]}
        self.before = now

    def _access(self, kind: str, now: dict, shown: dict, at: str) -> None:
        """The access just made is that of the transfer that is taken."""
        world, made = self.world, self.world.model.made
        assert len(made) == self.checked + 1, f"{at}: {len(made) - self.checked} accesses"
        access = made[-1]
        self.checked += 1
        address = shown["aw" if kind == "write" else "ar"][0]
        bad = address % 4 or address >= 256 or (kind == "write" and shown["w"][1] != 15)
        expected = (1, REFUSED_ADDRESS) if bad else (kind == "write", address // 4)
        assert access[:2] == expected, f"{at}: {kind} {shown}, {access}"
        if kind == "write" and not bad:
            assert access.data == shown["w"][0], f"{at}: {access}"
        # Of a read and a write that are there at once one comes first.
        other = "read" if kind == "write" else "write"
        assert kind in self.since and (self.last == other or other not in self.since), at
        assert self.number == self.since[kind] + access.latency, f"{at}: late"
        self.last, self.waiting[kind] = kind, None
        self.due[kind] = (access, self.since[kind], bad)
        if self.waiting[other] is not None:
            self.waiting[other] += 1
            world.longest[other] = max(world.longest[other], self.waiting[other])
        if kind == "write":
            world.distances.add(self.first["w"] - self.first["aw"])
            self.first = dict.fromkeys(self.first)

    def _response(self, kind: str, due: tuple, now: dict, at: str) -> None:
        """The response that has just come is that of the access."""
        access, since, bad = due
        response = now["bresp" if kind == "write" else "rresp"]
        assert response == (SLVERR if access.error else OKAY), f"{at}: {access}"
        assert response == SLVERR or not bad, f"{at}: {access}"
        if kind == "read":
            assert now["rdata"] == access.answer, f"{at}: {access}"
        assert self.number == since + access.latency + ANSWER, f"{at}: late"
        self.world.responses[response] += 1
        self.world.done.append((kind, self.number))


@pytest.mark.parametrize(("address_bits", "gap", "stall"),
                         [(8, 0, 0), (12, .5, 0), (8, .3, .6), (12, 0, .5)])
def test_transfers(address_bits, gap, stall):
    """Every transfer is one access and one response; reads and writes in turns."""
    world = World(seed=address_bits + int(10 * (gap + stall)), address_bits=address_bits, gap=gap,
                  stall=stall)
    world.run(150, 150)
    assert len(world.done) == len(world.model.made) == 300
    assert min(world.responses.values()) > 60
    assert {made.latency for made in world.model.made} == set(range(1, LATENCY + 1))
    assert world.longest == {"read": 1, "write": 1}
    if gap:
        assert set(range(-2, 3)) < world.distances


@pytest.mark.parametrize("seed", range(2))
def test_reset(seed):
    """Nothing is answered that was asked before a reset, nor waited for after it."""
    world = World(seed=30 + seed, gap=.2, stall=.3, disaster=.04)
    world.run(150, 150)
    assert 100 < len(world.done) < 290


@pytest.mark.parametrize("latency", [1, 3, LATENCY])
@pytest.mark.parametrize(("reads", "writes"),
                         [(20, 0), (0, 20), (20, 20)])
def test_throughput(latency, reads, writes):
    """Words one after the other, where nobody makes them wait."""
    world = World(seed=latency, latency=latency)
    world.run(reads, writes)
    cycles = [cycle for _, cycle in world.done]
    assert {b - a for a, b in zip(cycles, cycles[1:])} == {latency + TRANSFER}
    assert len(cycles) == reads + writes


@pytest.mark.parametrize("held", ["b", "r"])
def test_back_pressure(held):
    """A response that nobody takes holds up its own kind alone."""
    world = World(seed=7)
    pins = world.pins

    async def manage(ctx):
        for name in ("awvalid", "wvalid", "arvalid", "bready", "rready"):
            ctx.set(pins[name], name != f"{held}ready")
        ctx.set(pins["wstrb"], 15)
        counts = {"b": 0, "r": 0}
        for _ in range(200):
            _, _, *taken = await ctx.tick().sample(pins["awready"], pins["arready"])
            counts = {name: counts[name] + n for name, n in zip(counts, taken)}
        # The next of its kind waits.
        assert counts.pop(held) == 1
        assert min(counts.values()) > 200 // (LATENCY + TRANSFER)
        world.running = False

    async def model(ctx):
        await world.model.run(ctx, world.dut.reset, lambda: world.running)

    simulate(world.dut, manage, model)


def test_refused():
    """Each bit of the address beyond the map, or within the word, is enough."""
    requests = [0x21, 0x22, *(0x20 + (1 << bit) for bit in range(8, 32))]
    world = World(seed=1, address_bits=32, errors=0, requests=requests)
    world.run(100, 0)
    assert world.responses == {OKAY: 0, SLVERR: 100}
    world = World(seed=1, address_bits=32, errors=0, requests=[0x20])
    world.run(40, 100)
    # One write in five is of other bytes, unless these are all four by chance.
    assert 10 < world.responses[SLVERR] < 40


@pytest.mark.parametrize("bits", [7, 33, "8"])
def test_address_bits(bits):
    with pytest.raises(ConfigError, match=r"address_bits .* 8\.\.32"):
        Axi4LiteTarget(bits)


WAVES = waves_of(PAGE)


@pytest.mark.parametrize("number", range(4))
def test_waveforms(number):
    """The page's waveforms, cycle by cycle; what it leaves open is random, channels not there 0."""
    dut, wave = Axi4LiteTarget(), WAVES[number]
    assert {"awvalid", "awready", "bvalid"} <= set(wave) or {
        "arvalid", "arready", "rvalid", "rready"} <= set(wave)
    check_wave(dut, wave, {name: getattr(dut.axi, name) for name in INPUTS},
               {name: getattr(dut.axi, name) for name in OUTPUTS}
               | {"request": dut.access.request}, number, absent_low="valid")


def test_page():
    """All waveforms are tested, the ports and the times are those of the component."""
    assert len(WAVES) == 4
    ports = re.findall(r"^\| `axi__(\w+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert {name: int(width) for name, width in ports} == {
        name: member.shape for name, member in axi4lite_port().members.items()}
    text = " ".join(PAGE.split())
    assert f"registers n cycles, at most {LATENCY}," in text
    assert f"n + {ANSWER} cycles after" in text
    assert f"n + {TRANSFER} cycles, and at most {LATENCY + TRANSFER}," in text
