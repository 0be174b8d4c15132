"""The driver on the golden model: what it does, what it refuses, and what failures leave behind."""

import zlib

import numpy as np
import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.drivers import open_device
from blockfactor.drivers.device import IN_FLIGHT, Device
from blockfactor.drivers.golden import GoldenTransport
from blockfactor.drivers.transport import AccessRefused, DeviceError, DeviceTimeout
from blockfactor.drivers.words import IDENTITY_REGISTERS, check_identity, description
from blockfactor.errors import BlockfactorError, CodebookError, ParameterError, QueryError
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.query import Query, clean, soft
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS
from blockfactor.registers import RESULTS, register_map

CORE = CoreConfig(factors=3, blocks=5, block_length=40, max_codevectors=12, list_size=8,
                  query_entries=3, weight_bits=3, element_bits=6)
SYSTEM = SystemConfig(core=CORE, front_end="native")
BOOKS = Codebooks.random((9, 12, 7), 5, 40, seed=5)
MODEL = Factorizer(CORE, BOOKS)
PARAMETERS = RunParameters(sizes=BOOKS.sizes)
REGISTERS = register_map(SYSTEM)


class Line(GoldenTransport):
    """The golden model at the end of a line that is watched, and can be cut."""

    def __init__(self, system=SYSTEM):
        super().__init__(system)
        self.log = []
        #: Accesses until the line fails, and for how many calls; None: never.
        self.left = None
        self.failures = 1
        self.problem = DeviceError("the line is cut")
        self.words = {}  # what to read instead
        self.closed = False

    def _access(self, address, done, write, data):
        if self.left is not None:
            if self.left == 0 and self.failures:
                self.failures -= 1
                raise self.problem
            self.left = max(0, self.left - 1)
        self.log.append((register_name(address), write, data))
        word = super()._access(address, done, write, data)
        return self.words.get(register_name(address), word) if not write else word

    def written(self) -> list[str]:
        """Names of the registers that were written, in order."""
        return [name for name, write, _ in self.log if write]

    def close(self):
        self.closed = True


def register_name(address: int) -> str:
    register = REGISTERS.at(address)
    return register.name if register else f"{address:#04x}"


def query(number: int) -> Query:
    rng = np.random.default_rng(number)
    chosen = [int(rng.integers(size)) for size in BOOKS.sizes]
    return soft(encode(BOOKS, chosen), 40, 4.0, rng, entries=3, weight_bits=3)


def elements(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 64, (5, 40))


@pytest.fixture
def line():
    """The transport of ``device``."""
    return Line()


@pytest.fixture
def device(line):
    """A device with codebooks and parameters."""
    device = Device(line, SYSTEM)
    device.load_codebooks(BOOKS)
    device.parameters = PARAMETERS
    line.log.clear()
    return device


# -- opening ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_device_tells_what_it_is(name):
    core = PRESETS[name].core
    device = Device(GoldenTransport(PRESETS[name].system))
    unknown = {"histogram_bits": 12, "tag_bits": 8, "multiplier": "logic", "codebook": None}
    assert device.core == core.replace(**unknown)
    assert device.system.clock_hz == PRESETS[name].system.clock_hz
    assert Device(GoldenTransport(PRESETS[name].system), PRESETS[name].system).core == core


def test_opening_forgets_what_was_left_behind(line):
    first = Device(line, SYSTEM)
    first.load_codebooks(BOOKS)
    first.submit(query(1))
    line.write(REGISTERS["QUERY_ENTRY"].address, [1])
    line.model.access(63, True)
    second = Device(line, SYSTEM)
    assert second.errors() == () and not second.status()["busy"]
    second.parameters = PARAMETERS
    assert second.factorize(query(2)) == MODEL.run(query(2), PARAMETERS)


@pytest.mark.parametrize(("words", "system", "message"), [
    ({"ID": 0xFFFFFFFF}, None,
     "ID is 0xffffffff, expected is 0x42464331: no blockfactor core answers"),
    ({"VERSION": 0x00010002}, None,
     "the device has version 2 of the register map, this driver knows version 1"),
    ({}, SystemConfig(core=CORE.replace(blocks=6)),
     "the device's blocks is 5, the configuration's 6 (register SHAPE: blocks B of a vector)"),
    ({}, SystemConfig(core=CORE.replace(engines=("join",))),
     "the device's factorize is 1, the configuration's 0 (register ENGINES: it has the published "
     "method)"),
    ({}, SystemConfig(core=CORE.replace(element_bits=0)),
     "the device's element_bits is 6, the configuration's 0 (register QUERIES: bits of an element "
     "of a dense query; 0: it takes none)"),
    ({"SHAPE": 7}, None, "the device describes a core that cannot be: factors 7 is outside 2..4"),
])
def test_a_wrong_device_is_refused(words, system, message, line):
    line.words = words
    with pytest.raises(DeviceError) as caught:
        Device(line, system)
    assert str(caught.value) == message
    assert line.written() == []


def test_generator_and_clock_may_differ(line):
    line.words = {"VERSION": 0x09080701, "CLOCK": 48_000_000}
    device = Device(line, SYSTEM)
    assert device.system == SystemConfig(core=CORE, front_end="native", clock_hz=48_000_000)


def test_every_difference_is_noticed():
    words = {name: REGISTERS[name].reset for name in IDENTITY_REGISTERS}
    for name in IDENTITY_REGISTERS[2:-1]:
        for field in REGISTERS[name].fields:
            line = Line()
            line.words = {name: words[name] ^ 1 << field.offset}
            with pytest.raises(DeviceError, match=f"the device's {field.name} is"):
                Device(line, SYSTEM)
    assert description(words).core.blocks == 5
    words["ENGINES"] ^= 1 << 2  # which only a core has that sweeps
    assert description(words).core.draws == "sweep"
    line = Line()
    line.words = words
    with pytest.raises(DeviceError, match="the device's draws are 'sweep', the configuration's"):
        Device(line, SYSTEM)


def test_largest_codebooks_are_described():
    """Their number takes more bits than in the map of other cores."""
    system = SystemConfig(core=CORE.replace(max_codevectors=16384), front_end="native")
    words = {r.name: r.reset for r in register_map(system)}
    assert description(words).core.max_codevectors == 16384
    check_identity(words, system)


# -- codebooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify", ["crc", "read", None])
@pytest.mark.parametrize("name", ["demo", "odd", "paper"])
def test_codebooks_are_stored(verify, name):
    core = PRESETS[name].core
    books = Codebooks.random((core.max_codevectors,) * core.factors, core.blocks,
                             core.block_length, seed=1)
    line = GoldenTransport(PRESETS[name].system)
    device = Device(line, PRESETS[name].system)
    device.load_codebooks(books, verify)
    assert device.codebooks is books
    rows = line.model._core.rows
    assert all(rows[f, m] == tuple(row) for f, book in enumerate(books.indices)
               for m, row in enumerate(book.tolist()))


def test_damage_on_the_way_is_found(line):
    device = Device(line, SYSTEM)
    write = line.write

    def damaged(address, words, stay=False):
        if stay and len(words) == 2 * 12:
            words = [*words[:6], words[6] ^ 0x100, *words[7:]]
        write(address, words, stay)

    line.write = damaged
    with pytest.raises(DeviceError, match="CODEBOOK_CRC is 0x.{8} after writing codebooks, "
                                          "expected is 0x.{8}"):
        device.load_codebooks(BOOKS)
    assert device.codebooks is None
    wrong = int(BOOKS.indices[1][3][1])
    with pytest.raises(DeviceError) as caught:
        device.load_codebooks(BOOKS, verify="read")
    assert str(caught.value) == (f"codebook 1, codevector 3, block 1: the device holds "
                                 f"{wrong ^ 1}, expected is {wrong}")
    device.load_codebooks(BOOKS, verify=None)


def test_the_crc_is_that_of_a_file_of_the_words(line):
    device = Device(line, SYSTEM)
    device.load_codebooks(BOOKS)
    words = [data for name, write, data in line.log if name == "CODEBOOK_DATA" and write]
    assert line.read(REGISTERS["CODEBOOK_CRC"].address) == [
        zlib.crc32(b"".join(word.to_bytes(4, "little") for word in words))]


# -- parameters ------------------------------------------------------------------------------------


def test_only_what_changes_is_written(device, line):
    device.parameters = PARAMETERS
    assert line.log == []
    device.parameters = PARAMETERS.replace(seed=3)
    assert line.written() == ["SEED"]
    device.parameters = PARAMETERS.replace(seed=3, mode="scan", threshold=9, max_iterations=8,
                                           level=511)
    assert line.written() == ["SEED", "SEARCH", "ACTIVATION", "MAX_ITERATIONS"]


@pytest.mark.parametrize("changes", [
    {"mode": "factorize", "threshold": 300, "samples": 4, "rule": "sum", "patience": 2},
    {"mode": "factorize", "threshold": 200, "samples": 60000, "trim": 2, "level": 180},
    {"mode": "join", "heads": 2}, {"mode": "scan", "max_tuples": 50, "level": 511},
    {"mode": "scan", "heads": 3}, {"known": (-1, 11, -1)}, {"known": (8, -1, 0), "seed": 0},
    {"sizes": (1, 2, 3)}, {"mode": "factorize", "max_iterations": 0}])
def test_parameters_reach_the_core(changes, device):
    for number in range(3):
        parameters = PARAMETERS.replace(**changes)
        assert device.factorize(query(number), parameters) == MODEL.run(query(number), parameters)
        assert device.parameters == parameters
    assert device.errors() == ()


def test_parameters_wait_for_the_runs_before(device):
    device.submit(query(1))
    device.parameters = PARAMETERS.replace(mode="scan")
    device.submit(query(1))
    assert device.result() == MODEL.run(query(1), PARAMETERS)
    assert device.result() == MODEL.run(query(1), PARAMETERS.replace(mode="scan"))


def test_default_parameters_are_for_the_codebooks(line):
    device = Device(line, SYSTEM)
    assert device.parameters is None
    with pytest.raises(DeviceError, match="no run parameters are set and no codebooks loaded"):
        device.submit(query(1))
    device.load_codebooks(BOOKS)
    assert device.factorize(query(1)) == MODEL.run(query(1), PARAMETERS)
    assert device.parameters == PARAMETERS


# -- queries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset(name):
    chosen = PRESETS[name]
    core, rng = chosen.core, np.random.default_rng(1)
    books = Codebooks.random(chosen.clean.sizes, core.blocks, core.block_length, seed=1)
    model = Factorizer(core, books)
    with open_device("golden", chosen.system) as device:
        device.load_codebooks(books)
        for parameters in (chosen.clean, chosen.soft):
            made = clean(encode(books, [int(rng.integers(s)) for s in parameters.sizes]))
            assert device.factorize(made, parameters) == model.run(made, parameters)


@pytest.mark.parametrize("dense", [{}, {"dense_threshold": 50},
                                   {"dense_threshold": 999, "dense_weights": "log",
                                    "dense_shift": 3}])
def test_dense_queries(dense, device):
    parameters = PARAMETERS.replace(**dense)
    device.parameters = parameters
    for tag, result in device.stream(elements(n) for n in range(5)):
        want = MODEL.run(front_end(elements(tag), CORE, **parameters.dense), parameters)
        assert result == want
    assert tag == 4 and device.errors() == ()


def test_wide_dense_queries():
    core = CORE.replace(element_bits=12, block_length=300, tag_bits=8)
    books = Codebooks.random((4, 4, 4), 5, 300, seed=1)
    device = Device(GoldenTransport(SystemConfig(core=core)))
    device.load_codebooks(books)
    dense = np.random.default_rng(1).integers(0, 4096, (5, 300))
    assert device.factorize(dense) == Factorizer(core, books).run(
        front_end(dense, core), RunParameters(sizes=(4, 4, 4)))


def test_a_stream_keeps_two_queries_in_flight(device):
    most, made = [], []

    def queries():
        for number in range(300):
            most.append(device.in_flight)
            yield query(number % 20)

    for tag, result in device.stream(queries()):
        assert tag == len(made) % 256
        assert result == MODEL.run(query(len(made) % 20), PARAMETERS)
        made.append(result)
    assert len(made) == 300 and device.in_flight == 0
    assert most == [0] + [IN_FLIGHT - 1] * 299


def test_queries_of_both_kinds_in_turn(device):
    mixed = [query(1), elements(1), elements(2), query(2), query(3), elements(3)]
    wants = [MODEL.run(q if isinstance(q, Query) else front_end(q, CORE), PARAMETERS)
             for q in mixed]
    assert [result for _, result in device.stream(mixed)] == wants


def test_sixteen_results_can_wait(device):
    for number in range(RESULTS):
        assert device.submit(query(number)) == number
    with pytest.raises(DeviceError, match="16 results have not been read, no more can wait"):
        device.submit(query(1))
    for number in range(RESULTS):
        assert device.result() == MODEL.run(query(number), PARAMETERS)
    with pytest.raises(DeviceError, match="no run is in flight: submit a query first"):
        device.result()


def test_a_stream_left_early_leaves_nothing_behind(device):
    for _ in device.stream(query(n) for n in range(10)):
        break
    assert device.in_flight == 0
    assert device.factorize(query(3)) == MODEL.run(query(3), PARAMETERS)


def test_a_bad_query_ends_a_stream_and_leaves_nothing_behind(device, line):
    found = []
    with pytest.raises(QueryError, match="query has 1 blocks, the core has 5"):
        for _, result in device.stream([query(1), query(2), clean([1])]):
            found.append(result)
    assert found == [MODEL.run(query(1), PARAMETERS)]
    assert device.in_flight == 0 and not device.status()["busy"]
    assert "CONTROL" in line.written()


def test_abort(device, line):
    device.submit(query(1))
    line.model.take()
    while not device.status()["running"]:
        line.model.take()
    device.abort()
    assert device.result().stop == "aborted"
    device.abort()  # nothing goes on
    assert device.factorize(query(1)) == MODEL.run(query(1), PARAMETERS)


def test_reset(device):
    device.parameters = PARAMETERS.replace(mode="scan")
    device.submit(query(1))
    device.reset()
    assert device.in_flight == 0
    assert device.submit(query(2)) == 0
    assert device.result() == MODEL.run(query(2), PARAMETERS.replace(mode="scan"))


def test_errors(device, line):
    assert device.errors() == ()
    line.model.access(63, True)
    assert device.errors() == ("bad_access",)
    device.clear_errors()
    assert device.errors() == ()


# -- what is refused -------------------------------------------------------------------------------

WRONG = Query((((1, 1),), ((1, 1), (1, 2)), (), (), ()))


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda d: d.load_codebooks(Codebooks.random((9, 9), 5, 40, 1)), CodebookError,
     "codebooks have factors 2, the core has 3"),
    (lambda d: d.load_codebooks(Codebooks.random((9, 13, 9), 5, 40, 1)), CodebookError,
     "codebook 1 has 13 codevectors, the core holds 12"),
    (lambda d: d.load_codebooks(BOOKS, verify="sum"), DeviceError,
     "verify 'sum' is not one of crc, read, None"),
    (lambda d: setattr(d, "parameters", {"mode": "join"}), ParameterError,
     "parameters {'mode': 'join'} are not RunParameters"),
    (lambda d: setattr(d, "parameters", PARAMETERS.replace(trim=5)), ParameterError,
     "trim 5 is outside 0..4"),
    (lambda d: setattr(d, "parameters", PARAMETERS.replace(sizes=(9, 12, 8))), CodebookError,
     "codebook 2 has 7 codevectors, sizes[2] 8 asks for more"),
    (lambda d: d.submit(clean([1, 2, 3, 4, 40])), QueryError,
     "query, block 4: index 40 is outside 0..39"),
    (lambda d: d.submit(WRONG), QueryError,
     "query, block 1: index 1 occurs twice, allowed is once"),
    (lambda d: d.submit(Query(((),) * 5)), QueryError, "query is empty: no block has an entry"),
    (lambda d: d.submit(np.zeros((5, 40), dtype=int)), QueryError,
     "query is empty: no block has an entry"),
    (lambda d: d.submit(np.full((5, 40), 64)), QueryError,
     "query, block 0, index 0: element 64 is outside 0..63"),
    (lambda d: d.submit([1, 2]), QueryError,
     "elements of shape (2,) and type int64 are not integers [5, 40]"),
    (lambda d: d.wait(), DeviceError, "no run is in flight: submit a query first"),
    (lambda d: (d.submit(query(1)), d.wait(-1)), DeviceError,
     "timeout -1 is outside 0..1000000000.0"),
    (lambda d: (d.submit(query(1)), d.factorize(query(1))), DeviceError,
     "factorize: results of 1 runs have not been read, must be 0"),
    (lambda d: (d.submit(query(1)), next(d.stream([]))), DeviceError,
     "stream: results of 1 runs have not been read, must be 0"),
])
def test_what_is_refused(call, error, message, device, line):
    with pytest.raises(error) as caught:
        call(device)
    assert str(caught.value) == message
    assert isinstance(caught.value, BlockfactorError)
    assert set(line.written()) <= {"QUERY_ENTRY"}, "something was written"
    while device.in_flight:
        device.result()
    assert device.factorize(query(5)) == MODEL.run(query(5), PARAMETERS)


def test_dense_queries_need_a_front_end():
    core = CORE.replace(element_bits=0)
    device = Device(GoldenTransport(SystemConfig(core=core)))
    device.parameters = RunParameters(sizes=(1, 1, 1))
    with pytest.raises(BlockfactorError, match="element_bits 0 leaves the dense front-end out"):
        device.submit(elements(1))


def test_a_device_that_takes_too_long(line):
    line.wait = lambda seconds: None
    device = Device(line, SYSTEM, timeout=.01)
    device.load_codebooks(BOOKS)
    device.submit(query(1))
    with pytest.raises(DeviceTimeout, match=r"the result of run 0: not there after 0 s \(status: "
                                            r"busy 1, running 0, loaded 0, .* space 2\d\d\)"):
        device.wait(0)
    with pytest.raises(DeviceTimeout, match="not there after 0.01 s"):
        device.result()
    with pytest.raises(DeviceTimeout, match="the end of all runs: not there"):
        device.parameters = PARAMETERS.replace(seed=8)
    del line.wait
    assert device.result() == MODEL.run(query(1), PARAMETERS), "it can still come"


def test_a_refused_access_is_explained(device, line):
    line.model.access(63, True)
    device.clear_errors()
    with pytest.raises(DeviceError) as caught:
        device._write("SIZES0", [1 << 31])
    assert str(caught.value) == ("the device refused to write SIZES0; errors noted: bad_value")
    with pytest.raises(DeviceError, match="refused to write KNOWN0 after 2 words; errors noted: "
                                          "bad_value"):
        device._write("SIZES0", [0x0001_0001, 1, 1 << 14])


def test_another_program_at_the_device(device, line):
    device.submit(query(1))
    line.model.settle()
    line.write(REGISTERS["CONTROL"].address, [0b101])
    with pytest.raises(DeviceError, match="the result of run 1 came, expected is run 0: another "
                                          "program uses the device"):
        device.result()
    assert device.factorize(query(2)) == MODEL.run(query(2), PARAMETERS)


# -- failures of the line --------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [DeviceError("the line is cut"), KeyboardInterrupt(),
                                     AccessRefused(0x70, 1)], ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("failures", [1, 2, 3])
@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])
def test_no_half_of_a_query_is_left_behind(problem, failures, dense, device, line):
    """Whichever access fails, and however many of those after it."""
    made = (elements if dense else query)(4)
    want = MODEL.run(front_end(made, CORE) if dense else made, PARAMETERS)
    refused = set()
    for place in range(0, 500):
        line.left, line.failures, line.problem = place, failures, problem
        try:
            found = device.factorize(made)
        except (BlockfactorError, KeyboardInterrupt) as caught:
            refused.add(type(caught))
        else:
            assert line.failures == failures, "a failure went unnoticed"
            break
        line.left = None
        while device.in_flight:  # the failure came before or after the writing of a query
            assert device.result() == want
        assert device.factorize(made) == want, f"after a failure of access {place}"
        assert device.parameters == PARAMETERS and device.errors() == ()
    assert place > (90 if dense else 15)
    assert refused and found == want


def test_a_device_out_of_reach_is_reset_before_its_next_use(device, line):
    device.submit(query(1))
    line.left, line.failures = 4, 5
    with pytest.raises(DeviceError, match="the line is cut"):
        device.submit(query(2))
    line.left = None
    line.log.clear()
    assert device.submit(query(3)) == 0
    assert line.written()[0] == "CONTROL"
    assert device.result() == MODEL.run(query(3), PARAMETERS)


# -- ports -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("port", "options", "message"), [
    ("golden", {}, "port golden: a configuration is needed, it has none of its own"),
    ("sim", {}, "port sim: a configuration is needed, it has none of its own"),
    ("golden", {"system": SYSTEM, "timeout": -1}, "timeout -1 is outside 0..1000000000.0"),
    ("/dev/null/x", {"baud": 3}, "baud 3 is outside 300..10000000"),
])
def test_ports_that_cannot_be_opened(port, options, message):
    with pytest.raises(DeviceError) as caught:
        open_device(port, **options)
    assert str(caught.value) == message


def test_a_device_is_closed(line):
    with Device(line, SYSTEM):
        assert not line.closed
    assert line.closed
