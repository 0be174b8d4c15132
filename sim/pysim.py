"""Helpers for benches in Amaranth's own simulator: run one, and streams with gaps."""

import random
from collections.abc import Iterable

from amaranth.hdl import Fragment
from amaranth.sim import Simulator

__all__ = ["simulate", "stream_get", "stream_put"]

#: Clock period in seconds; only waves would show it.
PERIOD = 1e-6


def simulate(dut, *testbenches, platform=None, processes: Iterable = (), limit: int = 100_000):
    """Run testbenches to their end.

    Parameters
    ----------
    dut : Elaboratable
    *testbenches : async functions of a simulation context
        The run ends with the last of them.
    platform
        What ``dut`` is elaborated for, such as :data:`~blockfactor.rtl.memory.POISON`.
    processes : iterable of async functions
        Behavioural models; what they set changes like a register, at the edge they awaited.
    limit : int
        Cycles after which a bench has hung.

    Raises
    ------
    AssertionError
        The benches did not end within ``limit`` cycles.
    """
    simulator = Simulator(Fragment.get(dut, platform))
    simulator.add_clock(PERIOD)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    for process in processes:
        simulator.add_process(process)

    async def watchdog(ctx):
        await ctx.delay(limit * PERIOD)
        raise AssertionError(f"bench still runs after {limit} cycles")

    simulator.add_testbench(watchdog, background=True)
    simulator.run()


def _gap(rng: random.Random | None, stall: float) -> bool:
    return rng is not None and rng.random() < stall


async def stream_put(ctx, stream, items: Iterable, rng: random.Random | None = None,
                     stall: float = .5) -> None:
    """Send payloads; with ``rng`` each waits before it with probability ``stall`` a cycle."""
    for item in items:
        while _gap(rng, stall):
            await ctx.tick()
        ctx.set(stream.valid, 1)
        ctx.set(stream.payload, item)
        await ctx.tick().until(stream.ready)
        ctx.set(stream.valid, 0)


async def stream_get(ctx, stream, count: int, rng: random.Random | None = None,
                     stall: float = .5) -> list:
    """Receive payloads; with ``rng`` each is made to wait with probability ``stall`` a cycle."""
    items = []
    for _ in range(count):
        while _gap(rng, stall):
            await ctx.tick()
        ctx.set(stream.ready, 1)
        payload, = await ctx.tick().sample(stream.payload).until(stream.valid)
        items.append(payload)
        ctx.set(stream.ready, 0)
    return items
