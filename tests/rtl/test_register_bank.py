"""rtl/register_bank.py: answers, order of errors and fields, against the register map."""

import random
from dataclasses import replace

import pytest

from blockfactor.presets import preset
from blockfactor.registers import ACCESS_ERRORS, Register, register_map
from blockfactor.rtl.register_bank import RegisterBank
from blockfactor.rtl.system import HANDLERS
from blockfactor.sim.pysim import simulate

MAP = register_map(replace(preset("demo").system, front_end="native"))
#: What is where no register is.
EMPTY = Register("EMPTY", 0, "", (), readable=False)
FLAGS = ("busy", "overflow", "refused", "noted")
ERRORS = [name for name, _ in ACCESS_ERRORS]
#: Who answers for a register, if not the bank.
HANDLER = {register: name for name, names in HANDLERS.items() for register in names}


class World:
    """A bank, its handlers' answers, and the values that its fields should have."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.dut = dut = RegisterBank(MAP, HANDLERS)
        self.access_port = {n: getattr(dut.access, n) for n in dut.access.signature.members}
        self.ports = {name: {n: getattr(port, n) for n in port.signature.members}
                      for name, port in ((name, getattr(dut, name)) for name in HANDLERS)}
        self.fields = {(r.name, f.name): f for r in dut.plain for f in r.fields
                       if f.access != "constant"}
        self.members = {(r, f): getattr(dut, f"{r.lower()}__{f}") for r, f in self.fields}
        self.values = {key: f.reset for key, f in self.fields.items()}

    async def access(self, ctx, address, data=None, wait=0, hold=False, event=None):
        """Make an access; returns data, error, cycles, pulses and what the handlers saw.

        ``event`` is high in the cycle in which the access takes effect.
        """
        port, seen, pulses = self.access_port, [], {}
        for name, value in (("request", 1), ("write", data is not None), ("address", address),
                            ("write_data", self.rng.getrandbits(32) if data is None else data)):
            ctx.set(port[name], value)
        commands = {k: m for k, m in self.members.items() if self.fields[k].access == "write"}
        for cycle in range(20):
            for name, handler in self.ports.items():
                ctx.set(handler["done"], cycle > wait)
                seen += [(name, kind, cycle) for kind in ("read", "write", "bad_value")
                         if ctx.get(handler[kind])]
            pulses |= {k: ctx.get(m) for k, m in commands.items() if ctx.get(m)}
            if event is not None:
                ctx.set(event, ctx.get(self.dut.answered))
            if ctx.get(self.dut.answered):
                self.failed = ctx.get(self.dut.failed)
                said = ctx.get(self.dut.answer_data), ctx.get(self.dut.answer_error), cycle + 1
            done = ctx.get(port["done"])
            answer = ctx.get(port["read_data"]), ctx.get(port["error"]), cycle
            ctx.set(port["request"], hold or not done)
            await ctx.tick()
            if done:
                assert said == answer
                return *answer, pulses, seen
        raise AssertionError(f"no answer at {address}")


def test_map():
    """Every register reads and writes as the map says; an access in three cycles."""
    world = World(1)

    async def bench(ctx):
        for word in range(64):
            register = MAP.at(4 * word) or EMPTY
            if register.name in HANDLER:
                continue
            reset = register.reset
            if register is MAP["ERRORS"]:  # of the writes above to what is constant
                reset = register.pack(bad_access=1, bad_value=1)
            answer = await world.access(ctx, word, hold=True)
            assert answer == (reset, register is EMPTY, 2, {}, []), register
            data = register.write_mask
            _, error, cycles, pulses, _ = await world.access(ctx, word, data, hold=True)
            assert (error, cycles) == (not data, 2), register
            assert pulses == {(register.name, f.name): f.mask >> f.offset for f in register.fields
                              if f.access == "write"}
            stays = sum(f.mask for f in register.fields
                        if f.access in ("parameter", "read-write"))
            read = (await world.access(ctx, word, hold=True))[0]
            assert read == (stays if data else register.reset), register
            for bit in range(32 if data else 0):
                if not data >> bit & 1:
                    assert (await world.access(ctx, word, 1 << bit))[1:4] == (1, 2, {}), register

    simulate(world.dut, bench)


@pytest.mark.parametrize("seed", range(2))
def test_random(seed):
    """Random accesses, busy and answers of handlers: the first error counts, none writes."""
    world = World(seed)
    rng, met = world.rng, set()

    async def bench(ctx):
        for _ in range(500):
            register = MAP.at(4 * (address := rng.randrange(64))) or EMPTY
            who, mask = HANDLER.get(register.name), register.write_mask
            data = rng.choice((None, rng.getrandbits(32) & mask, rng.getrandbits(32) & mask,
                               rng.getrandbits(32)))
            busy, wait = rng.getrandbits(1), rng.choice((0, 0, 1, 5))
            ctx.set(world.dut.busy, busy)
            for key, f in world.fields.items():
                if f.access == "read":
                    world.values[key] = rng.getrandbits(f.width)
                    ctx.set(world.members[key], world.values[key])
            flags = {flag: int(rng.random() < .2) for flag in FLAGS}
            word = rng.getrandbits(32)
            for port in world.ports.values():
                for name, value in (flags | {"read_data": word}).items():
                    ctx.set(port[name], value)
            read, error, cycles, pulses, seen = await world.access(ctx, address, data, wait)

            bad = not (register.readable if data is None else mask)
            value = data is not None and bool(data & ~mask)
            asked = flags if who and not bad and not value else dict.fromkeys(FLAGS, 0)
            locked = (busy and not who and data is not None
                      and any(f.access == "parameter" for f in register.fields))
            problems = (bad or asked["refused"], value, locked or asked["busy"], asked["overflow"])
            first = next((name for name, p in zip(ERRORS, problems) if p), None)
            met.add(first)
            assert world.failed == (first is not None)
            at = f"seed {seed}, {register.name}, {data}, {flags}, busy {busy}"
            assert error == bool(first or asked["noted"]), at
            waited = wait if who and not bad and not value else 0
            assert cycles == 2 + waited, at
            kind = "bad_value" if value else "read" if data is None else "write"
            assert seen == ([(who, kind, 1 + n) for n in range(waited + 1)]
                            if who and not bad else []), at
            expected, commands = word if who else 0, {}
            for f in () if who or error else register.fields:
                key, new = (register.name, f.name), ((data or 0) & f.mask) >> f.offset
                held = world.values.get(key, f.reset)
                if f.access == "write" and new:
                    commands[key] = new
                if f.access != "write":
                    expected |= held << f.offset
                if data is not None and f.writable:
                    world.values[key] = held & ~new if f.access == "clear" else new
            assert pulses == commands, at
            assert read == (0 if error or data is not None else expected), at
            if first:
                world.values["ERRORS", first] = 1
            for key, f in world.fields.items():
                if f.access != "write":
                    assert ctx.get(world.members[key]) == world.values[key], (at, key)

    simulate(world.dut, bench)
    assert met == {None, *ERRORS}


def test_set_wins_over_clear():
    """An interrupt that comes as it is cleared stays; without one, only a 1 clears it."""
    world = World(3)
    dut = world.dut

    async def bench(ctx):
        address = MAP["INT_STATE"].address // 4
        event, state = dut.set_int_state__result, dut.int_state__result
        for clear in (None, 7, 7):
            await world.access(ctx, address, clear, event=event)
            assert ctx.get(state) == 1
        await world.access(ctx, address, 6)
        assert ctx.get(state)
        await world.access(ctx, address, 1)
        assert not ctx.get(state)

    simulate(dut, bench)
