"""Serves requests to a simulated system: accesses through its bus, and the passing of time.

``BLOCKFACTOR_FOLDER`` has ``job.pkl``, a pickled table of ``system``, ``seed`` and ``options`` (of
the bus's model), and ``socket``, to which the bench connects; see sim/server.py. While it waits for
a request the simulator stands still.

Requests have ``number``, ``do`` and arguments; answers ``number``, ``seconds`` (the simulated time)
and what the request is about:

- ``read`` (address, count, stay): ``words``; ``write`` (address, words, stay); both: ``refused``
  (address, done) if an access was, ``wrong`` if the request makes no sense
- ``wait`` (seconds): until then or the interrupt line is high, which ``irq`` tells
- with a serial front-end, instead of accesses: ``send`` (data, in hexadecimal), ``receive`` (count,
  seconds): ``data``, and ``line``: counters of it
"""

import json
import os
import pickle
import random
import socket
from importlib import import_module
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import First, RisingEdge, Timer
from cocotb.utils import get_sim_time

from blockfactor.sim.bus import Refused

#: Seconds between looks whether the process that asked for the simulation is still there: its
#: socket may have been inherited by others.
LOOK = 5.0


class Desk:
    """Does what requests say.

    Parameters
    ----------
    dut
        Handle of the top.
    job : dict
    """

    def __init__(self, dut, job):
        self.dut = dut
        system = job["system"]
        self.period_ps = 2 * round(5e11 / system.clock_hz)
        module = import_module(f"blockfactor.sim.bus.{system.front_end}")
        self.bus = module.Bus(dut, system, self.period_ps / 1000, random.Random(job["seed"]),
                              **job["options"])

    async def begin(self) -> None:
        """Start the clock, and reset."""
        dut = self.dut
        dut.rst.value = 1
        await self.bus.begin()
        cocotb.start_soon(Clock(dut.clk, self.period_ps, unit="ps").start())
        for _ in range(4):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        await RisingEdge(dut.clk)

    async def read(self, address, count, stay):
        """Read words."""
        return {"words": await self.bus.read(address, count, stay)}

    async def write(self, address, words, stay):
        """Write words."""
        await self.bus.write(address, words, stay)
        return {}

    async def wait(self, seconds):
        """Let time pass."""
        if not self.dut.irq.value:
            await First(RisingEdge(self.dut.irq), Timer(max(1, round(seconds * 1e12)), "ps"))
        return {"irq": int(self.dut.irq.value)}

    async def send(self, data):
        """Send bytes, as a noisy line delivers them."""
        await self.bus.send(self.bus.noisy(bytes.fromhex(data)))
        return {}

    async def receive(self, count, seconds):
        """Bytes that have come, or come within that time."""
        return {"data": (await self.bus.receive(count, seconds)).hex()}

    async def line(self):
        """Counters of the line."""
        bus = self.bus
        return {name: getattr(bus, name) for name in ("carried", "harmed", "framing_errors")}


def lines(connection: socket.socket):
    """Lines that come, until there is nobody who could send one."""
    parent, received = os.getppid(), b""
    connection.settimeout(LOOK)
    while True:
        line, found, rest = received.partition(b"\n")
        if found:
            received = rest
            yield line
            continue
        try:
            more = connection.recv(1 << 16)
        except TimeoutError:
            if os.getppid() != parent:
                return
            continue
        except OSError:
            return
        if not more:
            return
        received += more


@cocotb.test()
async def serve(dut):
    """Serve until the connection is closed."""
    folder = Path(os.environ["BLOCKFACTOR_FOLDER"])
    with open(folder / "job.pkl", "rb") as stream:
        desk = Desk(dut, pickle.load(stream))
    await desk.begin()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "socket"))
        for line in lines(connection):
            request = json.loads(line)
            number, do = request.pop("number"), request.pop("do")
            failure = None
            try:
                answer = await getattr(desk, do)(**request)
            except Refused as problem:
                answer = {"refused": [problem.address, problem.done]}
            except (ValueError, OverflowError) as problem:
                answer = {"wrong": str(problem)}
            except Exception as problem:
                answer, failure = {"failed": str(problem) or repr(problem)}, problem
            answer |= {"number": number, "seconds": get_sim_time("ps") / 1e12}
            try:
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except OSError:  # nobody waits for it any more
                break
            if failure:
                raise failure
