"""The driver on simulated hardware: every front-end, a bad line, and simulators that fail."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.drivers import open_device
from blockfactor.drivers.device import Device
from blockfactor.drivers.sim import SimTransport
from blockfactor.drivers.transport import AccessRefused, DeviceError
from blockfactor.errors import ConfigError
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.query import Query, soft
from blockfactor.parameters import RunParameters
from blockfactor.registers import register_map
from blockfactor.sim import runner, server
from blockfactor.tools import Finding

pytestmark = pytest.mark.cocotb

#: Everything odd: lengths that are no powers of two, two words for a codevector and an element.
SMALL = CoreConfig(factors=3, blocks=5, block_length=12, max_codevectors=6, list_size=4,
                   query_entries=2, weight_bits=3, element_bits=6, histogram_bits=8, tag_bits=3)
BOOKS = Codebooks.random((6, 5, 4), 5, 12, seed=1)
PARAMETERS = RunParameters(sizes=BOOKS.sizes)
MODEL = Factorizer(SMALL, BOOKS)
#: Probability that a byte of the bad line is harmed, and queries that are sent through it.
HARM, QUERIES = .01, 200


def system(bus: str) -> SystemConfig:
    """With the shortest bit of the UART."""
    return SystemConfig(core=SMALL, front_end=bus, clock_hz=12_000_000, baud=3_000_000)


REGISTERS = register_map(system("native"))


def queries(count: int) -> list[Query]:
    """Soft queries for random tuples."""
    rng = np.random.default_rng(1)
    return [soft(encode(BOOKS, [int(rng.integers(size)) for size in BOOKS.sizes]), 12, 4.0, rng,
                 entries=2, weight_bits=3) for _ in range(count)]


icarus = pytest.mark.needs("cocotb", "iverilog")
verilator = pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")


def folder_of(transport: SimTransport) -> Path:
    return transport._server.log.parent


@pytest.fixture
def native():
    """The registers' own port, in the simulator that starts sooner."""
    transport = SimTransport(system("native"), "icarus")
    yield transport
    transport.close()
    shutil.rmtree(folder_of(transport), ignore_errors=True)  # it stays where a simulation failed


# -- devices ---------------------------------------------------------------------------------------


@icarus
@pytest.mark.parametrize("bus", ["native", "spi", "wishbone", "apb", "axi4lite"])
def test_every_bus(bus):
    """Queries of both kinds, what is refused, and the interrupt line."""
    transport = SimTransport(system(bus), "icarus")
    with Device(transport, system(bus), timeout=600) as device:
        device.load_codebooks(BOOKS)
        device.parameters = PARAMETERS
        dense = np.random.default_rng(2).integers(0, 64, (5, 12))
        made = [*queries(2), dense, *queries(4)[2:]]
        wants = [MODEL.run(q if isinstance(q, Query) else front_end(q, SMALL), PARAMETERS)
                 for q in made]
        assert list(device.stream(made)) == list(enumerate(wants))
        assert device.errors() == ()

        with pytest.raises(DeviceError, match=r"^port sim: .*0x2 is not a multiple of 4$"):
            transport.read(2)
        entry = REGISTERS["QUERY_ENTRY"].address
        # More than the simulator is asked for at a time; and of SPI nobody can tell which it was.
        legal, done = (3, None) if bus == "spi" else (65, 65)
        with pytest.raises(AccessRefused) as caught:
            transport.write(entry, [1 << 16] * legal + [1 << 30, 1 << 16], stay=True)
        assert (caught.value.address, caught.value.done) == (entry, done)
        assert device.errors() == ("bad_value",)
        device.reset()
        assert device.factorize(made[0]) == wants[0]

        before = transport.seconds
        transport.wait(3e-5)
        assert transport.seconds == pytest.approx(before + 3e-5, abs=1e-9)
        transport.write(REGISTERS["INT_ENABLE"].address, [4])
        transport.write(REGISTERS["INT_TEST"].address, [4])
        before = transport.seconds
        transport.wait(100.0)
        assert transport.seconds < before + 1e-6
        assert folder_of(transport).is_dir()
    assert transport._server._process.returncode == 0
    assert not folder_of(transport).exists()
    transport.close()
    with pytest.raises(DeviceError, match="^port sim: the simulation has been closed$"):
        transport.read(0)


@verilator
def test_a_bad_line():
    """One byte in a hundred harmed, both ways: no query lost, none run twice, no wrong answer."""
    transport = SimTransport(system("uart"), "verilator", seed=1, harm=HARM, attempts=100)
    with Device(transport, system("uart"), timeout=600) as device:
        device.load_codebooks(BOOKS)
        device.parameters = PARAMETERS
        made = queries(QUERIES)
        for number, (tag, result) in enumerate(device.stream(made)):
            assert tag == number, f"seed 1, query {number}"
            assert result == MODEL.run(made[number], PARAMETERS), f"seed 1, query {number}"
        assert number == QUERIES - 1
        assert device.errors() == ()
        status = device.status()
        assert (status["results"], status["busy"]) == (0, 0)
        # The device has queued as many runs as there were queries.
        assert transport.read(REGISTERS["TAG"].address) == [QUERIES]
        with pytest.raises(AccessRefused) as caught:
            transport.write(REGISTERS["DENSE"].address, [5, 1])
        assert (caught.value.address, caught.value.done) == (REGISTERS["DENSE"].address + 4, 1)
        line = transport.line()
    assert .8 * HARM < line["harmed"] / line["carried"] < 1.2 * HARM
    assert line["framing_errors"] == 0  # bytes are harmed, not bits
    # Of 200 exchanges of 70 bytes and more each, half have one that is harmed.
    assert transport.link.retries > QUERIES / 2 and transport.link.corrupted > QUERIES / 4
    assert not folder_of(transport).exists()


# -- failures --------------------------------------------------------------------------------------


@icarus
def test_a_simulator_that_crashes(native):
    device = Device(native, system("native"))
    os.killpg(native._server._process.pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(DeviceError) as caught:
            device.status()
        log = folder_of(native) / "simulation.log"
        assert str(caught.value) == f"port sim: the simulation has ended: see {log}"
    assert log.exists()
    assert native._server._process.returncode == -signal.SIGKILL
    native.close()


@icarus
def test_a_simulator_that_hangs(native):
    process = native._server._process
    native._server._socket.settimeout(.3)
    os.killpg(process.pid, signal.SIGSTOP)
    with pytest.raises(DeviceError, match="^port sim: no answer from the simulator within 0.3 s: "
                                          "see .*simulation.log$"):
        native.read(0)
    assert process.returncode == -signal.SIGKILL


@icarus
def test_a_bench_that_fails(native):
    with pytest.raises(DeviceError, match="^port sim: the simulation failed: .*unexpected.*: see "):
        native._call("wait", unexpected=1)
    assert native._server._process.returncode == 1
    assert "unexpected" in (folder_of(native) / "simulation.log").read_text()


@icarus
def test_an_interrupted_call_leaves_nothing_behind(native):
    """Its answer is not taken for the next one's."""
    def interrupt(*_):
        raise KeyboardInterrupt

    line = native._server._line
    native._server._line = interrupt
    with pytest.raises(KeyboardInterrupt):
        native.read(4 * 2)
    native._server._line = line
    assert native.read(0) == [0x42464331]


#: A program that leaves without closing its device.
PROGRAM = """
import pickle, sys, os
from blockfactor.drivers.sim import SimTransport
transport = SimTransport(pickle.loads(bytes.fromhex(sys.argv[1])), "icarus")
print(transport._server.log.parent, flush=True)
{}
"""


@icarus
@pytest.mark.parametrize("end", ["raise SystemExit(3)", "os.kill(os.getpid(), 9)"])
def test_programs_that_do_not_close(end):
    """The simulator ends when they do."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(end),
                           pickle.dumps(system("native")).hex()],
                          capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (-9 if "kill" in end else 3, "")
    folder = Path(done.stdout.strip())
    if "kill" not in end:
        assert not folder.exists()
        return
    limit = time.monotonic() + 30
    while not (folder / "results.xml").exists():
        assert time.monotonic() < limit, "the simulator still runs"
        time.sleep(.1)
    shutil.rmtree(folder)


def test_no_simulator(monkeypatch):
    monkeypatch.setattr(runner, "find", lambda name: Finding(problem="missing"))
    with pytest.raises(DeviceError) as caught:
        open_device("sim", system("spi"))
    assert str(caught.value) == ("port sim: verilator cannot run: cocotb is missing: "
                                 "pip install 'blockfactor[sim]'")
    monkeypatch.setattr(runner, "find", lambda name: Finding(
        problem="missing" if name == "verilator" else ""))
    assert server.choose_simulator() == "icarus"


@icarus
@pytest.mark.parametrize(("changes", "message"), [
    ({"front_end": "uart", "baud": 7_000_000}, "baud 7000000 is outside 1..3000000"),
    ({"front_end": "uart", "baud": 2_700_000}, "baud 2700000 cannot be made from clock_hz"),
])
def test_systems_that_cannot_be(changes, message):
    with pytest.raises(ConfigError, match=message):
        open_device("sim", replace(system("native"), **changes))


def test_a_simulator_there_is_none_of():
    with pytest.raises(DeviceError, match="^port sim: simulator 'other' is not one of"):
        SimTransport(system("native"), "other")
    with pytest.raises(DeviceError, match="^port sim: a configuration is needed"):
        open_device("sim")
