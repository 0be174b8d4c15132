"""The C driver's transports: the bytes of docs/spi.md, and accesses to memory."""

import ctypes
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from c_driver import READ, SELECT, TRANSFER, Driver, Library, SpiBus, Transport
from spi_device import SpiDevice

from blockfactor.drivers.transport import DeviceError
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.query import clean, soft
from blockfactor.golden.result import STOPS
from blockfactor.presets import PRESETS
from blockfactor.registers import register_map

pytestmark = pytest.mark.needs("g++")

PRESET = PRESETS["demo"]
SYSTEM = replace(PRESET.system, front_end="spi")
REGISTERS = register_map(SYSTEM)
BURST = 16
BOOKS = Codebooks.random((22, 22, 22), 4, 128, seed=1)


def word_address(name: str) -> int:
    return REGISTERS[name].address // 4


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Library(tmp_path_factory.mktemp("spi"), PRESET, SYSTEM, "demo")


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    return Library(tmp_path_factory.mktemp("mmio"), PRESET, replace(SYSTEM, front_end="native"),
                   "demo")


def test_frames(library):
    """A whole factorization, byte by byte."""
    spi = SpiDevice(SYSTEM)
    driver = Driver(library, spi)
    assert driver.open() == "OK"
    driver.load(BOOKS)
    parameters = PRESET.soft
    assert driver.set(parameters) == "OK"
    model, rng = Factorizer(PRESET.core, BOOKS), np.random.default_rng(7)
    made = soft(encode(BOOKS, (3, 11, 21)), 128, 2.0, rng, entries=8, weight_bits=4)
    dense = rng.integers(0, 256, (4, 128))
    assert driver.query(made) == "OK"
    assert driver.wait() == "OK"
    status, result = driver.result()
    want = model.run(made, parameters)
    assert (status, tuple(result.indices), result.crc, STOPS[result.stop]) == (
        "OK", want.indices, want.crc, want.stop)
    assert driver.dense(dense) == "OK" and driver.wait() == "OK"
    assert driver.result()[1].crc == model.run(front_end(dense, PRESET.core), parameters).crc
    for factor, indices in enumerate(BOOKS.indices):
        assert driver.codebook("verify", factor, indices) == "OK"

    # Frames one after another, CS high between them.
    assert driver.selected == [True, False] * len(spi.frames)
    for sent, _ in spi.frames:
        reads = sent[0] & ~8 == 3
        if sent == bytes(2):  # a look at the status
            continue
        assert sent[0] in (0x02, 0x03, 0x0A, 0x0B) and sent[1] < 64
        words, rest = divmod(len(sent) - 2, 5 if reads else 4)
        assert rest == 0 and 1 <= words <= BURST
        assert not reads or not any(sent[2:])
        window = sent[1] in map(word_address, ("QUERY_ENTRY", "QUERY_DENSE", "CODEBOOK_DATA"))
        assert bool(sent[0] & 8) == window, sent.hex(" ")
    # Read at first: what tells the core; in one frame.
    assert spi.frames[0][0] == bytes([0x03, 0]) + bytes(5 * 7)
    # 22 codevectors of a word each: 16 and 6.
    book = b"".join(bytes(row.tolist()) for row in BOOKS.indices[0])
    data = [sent for sent, _ in spi.frames if sent[:2] == bytes([0x0A, word_address(
        "CODEBOOK_DATA")])]
    assert data[0] + data[1][2:] == data[0][:2] + book
    assert [len(sent) for sent in data] == [2 + 4 * 16, 2 + 4 * 6] * 3
    entries = [REGISTERS["QUERY_ENTRY"].pack(block=b, index=i, weight=w).to_bytes(4, "little")
               for b, block in enumerate(made.entries) for i, w in block]
    entries[-1] = entries[-1][:3] + bytes([entries[-1][3] | 0x80])
    sent = [sent[2:] for sent, _ in spi.frames if sent[:2] == bytes([0x0A, word_address(
        "QUERY_ENTRY")])]
    assert b"".join(sent) == b"".join(entries) and len(entries) > BURST


@pytest.mark.parametrize("count", [1, 15, 16, 17, 32, 33])
@pytest.mark.parametrize("stay", [False, True])
def test_bursts_are_split(count, stay, library):
    """Into frames of 16 words at most, each of which begins where the one before ended."""
    frames, transport = [], Transport()

    def transfer(context, sent, received, length):
        out = bytes(sent[:length])
        frames.append(out)
        for n in range(length):
            received[n] = 0xA2 if n < 2 or not out[0] & 1 or n % 5 == 2 else (7 * n + out[1]) % 256
        return True

    bus = SpiBus(TRANSFER(transfer), SELECT(lambda context, selected: None))
    assert library.call("spi")(ctypes.byref(transport), ctypes.byref(bus)) == 0
    words = [0x01020304 * n & 0xFFFFFFFF for n in range(count)]
    array = (ctypes.c_uint32 * count)(*words)
    assert transport.write(transport.context, 0x40, array, count, stay) == 0
    parts = [words[n:n + 16] for n in range(0, count, 16)]
    assert frames == [bytes([0x0A if stay else 0x02, 16 if stay else 16 + 16 * n])
                      + b"".join(word.to_bytes(4, "little") for word in part)
                      for n, part in enumerate(parts)]
    frames.clear()
    assert transport.read(transport.context, 0x40, array, count, stay) == 0
    assert frames == [bytes([0x0B if stay else 0x03, 16 if stay else 16 + 16 * n])
                      + bytes(5 * len(part)) for n, part in enumerate(parts)]
    assert list(array) == [
        int.from_bytes(bytes((7 * (5 * n + at) + (16 if stay else 16 + 16 * p)) % 256
                             for at in range(3, 7)), "little")
        for p, part in enumerate(parts) for n in range(len(part))]


def test_another_burst(tmp_path):
    library = Library(tmp_path, PRESET, SYSTEM, "demo", ("-DDEMO_SPI_BURST=3",))
    spi = SpiDevice(SYSTEM)
    driver = Driver(library, spi)
    assert driver.open() == "OK"
    driver.load(BOOKS)
    assert max(len(sent) for sent, _ in spi.frames) == 2 + 5 * 3


@pytest.mark.parametrize("byte", [0, 1])
@pytest.mark.parametrize("value", [0x00, 0xFF, 0x42, 0xC2])
def test_no_status_byte(byte, value, library):
    """No device, or a wire that is wrong."""
    spi = SpiDevice(SYSTEM)
    driver = Driver(library, spi)
    answer = spi.exchange

    def exchange(sent):
        received = bytearray(answer(sent))
        received[byte] = value
        return received

    spi.exchange = exchange
    assert driver.open() == "ERROR_TRANSPORT"
    spi.exchange = answer
    assert driver.open() == "OK"
    spi.exchange = exchange
    assert driver.call("reset") == "ERROR_TRANSPORT"


@pytest.mark.parametrize(("name", "byte"), [
    ("ERRORS", 2), ("RESULT", 2), ("RESULT", 7), ("RESULT", 42), ("QUERY_ENTRY", 2),
    ("QUERY_ENTRY", 5), ("QUERY_ENTRY", 17)])
def test_no_status_byte_later_in_a_frame(name, byte, library):
    spi = SpiDevice(SYSTEM)
    driver = Driver(library, spi)
    assert driver.open() == "OK"
    driver.load(BOOKS)
    assert driver.set(PRESET.clean) == "OK"
    answer = spi.exchange

    def exchange(sent):
        received = bytearray(answer(sent))
        if sent[1] == word_address(name) and sent[0]:
            received[byte] ^= 0x40
        return received

    spi.exchange = exchange
    if name == "ERRORS":
        assert driver.errors()[0] == "ERROR_TRANSPORT"
        return
    made = clean(encode(BOOKS, (3, 11, 21)))
    statuses = [driver.query(made), driver.wait(), driver.result()[0]]
    assert statuses[2 if name == "RESULT" else 0] == "ERROR_TRANSPORT"
    spi.exchange = answer
    assert driver.query(made) == driver.wait() == driver.result()[0] == "OK"


@pytest.fixture
def ready(library):
    """An open device with codebooks and parameters; no frames yet."""
    driver = Driver(library, SpiDevice(SYSTEM))
    assert driver.open(0) == "OK"
    driver.load(BOOKS)
    assert driver.set(PRESET.clean) == "OK"
    return driver


def test_bytes_of_a_query(ready):
    """Query, interrupt, result: no look that an earlier one makes needless."""
    assert ready.call("irq_enable", ctypes.c_uint32(1)) == "OK"
    product = encode(BOOKS, (3, 11, 21)).tolist()
    for brief, last in (("", 2 + 5 * 12), ("_brief", 2 + 5 * 5)):
        ready.way.frames.clear()
        assert ready.clean(product) == "OK"
        ready.way.settle()
        assert ready.acknowledge() == ("OK", 3) and ready.result(brief)[0] == "OK"
        assert [len(sent) for sent, _ in ready.way.frames] == [2 + 4 * 4, 2, 7, 6, 2, last, 6]


def test_results_that_wait_are_counted(ready):
    """One look at two results; none at the queue's places."""
    product = encode(BOOKS, (3, 11, 21)).tolist()
    assert ready.clean(product) == ready.clean(product) == "OK"
    ready.way.settle()
    ready.way.frames.clear()
    assert ready.wait() == ready.wait() == ready.result()[0] == "OK"
    assert ready.wait() == ready.result()[0] == "OK"
    assert [sent[:2] for sent, _ in ready.way.frames if len(sent) == 2] == [bytes(2)] * 2
    assert ready.result()[0] == "ERROR_EMPTY"


def test_a_full_queue(ready):
    """Places are counted down, and asked for where they are too few: nothing overflows."""
    made = [(b, i, 1) for b in range(4) for i in range(8)]
    queued = 0
    while (status := ready.query(made)) == "OK":
        queued += 1
    assert status == "ERROR_TIMEOUT" and queued == SYSTEM.queue_items // 32
    assert ready.errors() == ("OK", 0)
    ready.way.settle()
    assert ready.query(made) == "OK" and ready.in_flight == queued + 1
    dense = np.random.default_rng(1).integers(0, 256, (4, 128))
    assert ready.dense(dense) == "ERROR_TIMEOUT"
    ready.way.settle()
    assert ready.dense(dense) == "OK" and ready.query(made) == "ERROR_TIMEOUT"
    ready.way.settle()
    assert ready.query(made) == "OK"
    ready.way.settle()
    for _ in range(queued + 3):
        assert ready.wait() == ready.result()[0] == "OK"
    assert ready.errors() == ("OK", 0)


def test_refused_queries_and_pops(ready):
    """A query's refusal is told by the call itself, a pop's by the next one."""
    model, product = ready.way.model.access, encode(BOOKS, (3, 11, 21)).tolist()

    def refuse(name):
        ready.way.model.access = lambda address, write, word=0: model(
            63 if write and address == word_address(name) else address, write, word)

    refuse("QUERY_ENTRY")
    assert ready.clean(product) == "ERROR_REFUSED"
    ready.way.model.access = model
    for then in (lambda: ready.clean(product), ready.wait):
        assert ready.clean(product) == ready.clean(product) == "OK"
        ready.way.settle()
        assert ready.wait() == "OK"
        refuse("CONTROL")
        assert ready.result()[0] == "OK"
        ready.way.model.access = model
        assert then() == "ERROR_REFUSED"
    assert ready.clean(product) == "OK"  # after a reset
    ready.way.settle()
    assert ready.result()[0] == "OK" and ready.errors() == ("OK", 0)


def test_errors_of_others_are_no_refusals(ready):
    """ERRORS is looked at, and what is in it concerns a codebook."""
    ready.way.model.access(word_address("CODEBOOK_ADDRESS"), True, 63)
    ready.way.model.access(word_address("CODEBOOK_DATA"), True, 0)
    ready.way.settle()
    assert ready.errors()[1] == 2
    assert ready.clean(encode(BOOKS, (3, 11, 21)).tolist()) == "OK"
    ready.way.settle()
    assert ready.wait() == ready.result()[0] == "OK"


@pytest.mark.parametrize("byte", [0, 1])
def test_peeks_at_nothing(byte, ready):
    answer = ready.way.exchange

    def exchange(sent):
        received = bytearray(answer(sent))
        if len(sent) == 2:
            received[byte] = 0xFF
        return received

    ready.way.exchange = exchange
    assert ready.clean(encode(BOOKS, (3, 11, 21)).tolist()) == "ERROR_TRANSPORT"


def test_a_burst_of_nothing(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        Library(tmp_path, PRESET, SYSTEM, "demo", ("-DDEMO_SPI_BURST=0",))


def test_a_controller_that_fails(library):
    spi = SpiDevice(SYSTEM)
    driver = Driver(library, spi)

    def exchange(sent):
        raise DeviceError("no")

    spi.exchange = exchange
    assert driver.open() == "ERROR_TRANSPORT"
    assert driver.selected == [True, False]


def test_refused_over_spi(library):
    """ERRORS tells; here of a codebook written while the core is busy."""
    spi = SpiDevice(SYSTEM)
    driver = Driver(library, spi)
    assert driver.open() == "OK"
    model = spi.model.access
    data = word_address("CODEBOOK_DATA")
    spi.model.access = lambda address, write, word=0: (
        model(63, write, word) if address == data else model(address, write, word))
    assert driver.codebook("load", 0, BOOKS.indices[0]) == "ERROR_REFUSED"
    spi.model.access = model
    assert driver.codebook("load", 0, BOOKS.indices[0]) == "OK"


def test_null_pointers(library, mapped):
    transport, bus = Transport(), SpiBus()
    argument = library.statuses.index("ERROR_ARGUMENT")
    for call in ((None, ctypes.byref(bus)), (ctypes.byref(transport), None),
                 (ctypes.byref(transport), ctypes.byref(bus))):
        assert library.call("spi")(*call) == argument
    bus.transfer = TRANSFER(lambda context, sent, received, count: True)
    assert library.call("spi")(ctypes.byref(transport), ctypes.byref(bus)) == argument
    for call in ((None, (ctypes.c_uint32 * 64)()), (ctypes.byref(transport), None)):
        assert mapped.call("mmio")(*call) == argument


def test_memory(mapped):
    """Words go to their addresses, or all to one."""
    memory, transport = (ctypes.c_uint32 * 64)(*range(64)), Transport()
    assert mapped.call("mmio")(ctypes.byref(transport), memory) == 0
    assert not transport.pause and not transport.peek and isinstance(transport.read, READ)
    words = (ctypes.c_uint32 * 4)(9, 8, 7, 6)
    assert transport.write(transport.context, 0x40, words, 4, False) == 0
    assert transport.write(transport.context, 0x70, words, 4, True) == 0
    assert list(memory) == [*range(16), 9, 8, 7, 6, *range(20, 28), 6, *range(29, 64)]
    assert transport.read(transport.context, 0x04, words, 4, False) == 0
    assert list(words) == [1, 2, 3, 4]
    assert transport.read(transport.context, 0x70, words, 3, True) == 0
    assert list(words) == [6, 6, 6, 4]
