"""The C driver on the golden model: every call, whole runs, what it refuses, and faulty devices."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from c_driver import Driver, Entry, Library

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.drivers.golden import GoldenTransport
from blockfactor.drivers.transport import DeviceError
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.query import Query, clean, soft
from blockfactor.golden.result import STOPS
from blockfactor.parameters import MODES, RunParameters
from blockfactor.presets import PRESETS
from blockfactor.registers import RESULTS, register_map

pytestmark = pytest.mark.needs("g++")

#: Several words a codevector and a dense query, and codebooks of different sizes.
CORE = CoreConfig(factors=3, blocks=5, block_length=40, max_codevectors=12, list_size=8,
                  query_entries=3, weight_bits=3, element_bits=6)
SYSTEM = SystemConfig(core=CORE, front_end="native")
BOOKS = Codebooks.random((9, 12, 7), 5, 40, seed=5)
MODEL = Factorizer(CORE, BOOKS)
PARAMETERS = RunParameters(sizes=BOOKS.sizes)
REGISTERS = register_map(SYSTEM)
#: The presets, and what they have not: wide lanes with two words a codevector, one block.
SYSTEMS = {name: PRESETS[name].system for name in ("demo", "tiny", "both", "f2", "f4", "odd",
                                                    "join")} | {
    "wide": SystemConfig(core=CORE.replace(factors=4, block_length=300, element_bits=12,
                                           tag_bits=8)),
    "least": SystemConfig(core=CoreConfig(factors=2, blocks=1, block_length=2, max_codevectors=1,
                                          engines=("join",), query_entries=1, weight_bits=1))}


class Line(GoldenTransport):
    """The golden model at the end of a line that is watched, and can be cut."""

    def __init__(self, system=SYSTEM):
        super().__init__(system)
        self.registers = register_map(system)
        self.written: list[str] = []
        self.words: dict[str, int] = {}  # what is read instead
        self.hangs = False  # time stands still
        self.left: int | None = None  # accesses until the line is cut
        self.ignored = ""  # a register whose writes are lost
        self.after_read: dict[str, tuple[int, int]] = {}  # what is written once it has been read

    def _access(self, address, done, write, data):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise DeviceError("the line is cut")
        name = self.registers.at(address).name
        if write:
            self.written.append(name)
        if write and name == self.ignored:
            return 0
        word = super()._access(address, done, write, data)
        if not write and name in self.after_read:
            self.model.access(*self.after_read.pop(name))
        return word if write else self.words.get(name, word)

    def wait(self, seconds):
        if not self.hangs:
            super().wait(seconds)


def query(number: int) -> Query:
    rng = np.random.default_rng(number)
    chosen = [int(rng.integers(size)) for size in BOOKS.sizes]
    return soft(encode(BOOKS, chosen), 40, 4.0, rng, entries=3, weight_bits=3)


def elements(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 64, (5, 40))


def same(driver, tag: int, want) -> None:
    """The oldest result is that of the golden model, field by field."""
    assert driver.wait() == "OK"
    status, result = driver.result()
    assert status == "OK"
    found = {n: getattr(result, n) for n in ("score", "smax", "runner_up", "iterations", "cycles",
                                             "seed", "crc")}
    assert found == {n: getattr(want, n) for n in found}
    assert tuple(result.indices) == want.indices
    assert (result.tag, STOPS[result.stop], result.errors) == (tag % 256, want.stop, 0)
    if hasattr(result, "similarities"):
        assert tuple(result.similarities) == want.similarities


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The driver of ``CORE``."""
    return Library(tmp_path_factory.mktemp("core"), PRESETS["demo"], SYSTEM, "core")


@pytest.fixture
def line():
    """The transport of ``driver``."""
    return Line()


@pytest.fixture
def driver(library, line):
    """An open device with codebooks and parameters."""
    made = Driver(library, line)
    assert made.open() == "OK"
    made.load(BOOKS)
    assert made.set(PARAMETERS) == "OK"
    line.written.clear()
    return made


# -- runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_shape(name, tmp_path):
    """Clean, soft and dense queries, with the parameters that a preset's initialisers hold."""
    system = replace(SYSTEMS[name], front_end="native")
    preset, core = PRESETS.get(name, PRESETS["demo"]), system.core
    extra = tmp_path / "macros.c"
    extra.write_text('#include "c0_driver.h"\n' + "\n".join(
        f"const c0_parameters c0_{kind}_parameters = C0_PARAMETERS_{kind.upper()};"
        for kind in ("clean", "soft")) + "\n")
    library = Library(tmp_path, preset, system, "c0", more=("macros.c",))
    driver = Driver(library, Line(system))
    assert driver.open() == "OK"
    macros = {kind: library.Parameters.in_dll(library.c, f"c0_{kind}_parameters")
              for kind in ("clean", "soft")}
    sizes = tuple(macros["clean"].sizes)
    books = Codebooks.random(sizes, core.blocks, core.block_length, seed=1)
    model, rng = Factorizer(core, books), np.random.default_rng(2)
    driver.load(books)
    for factor, indices in enumerate(books.indices):
        assert driver.codebook("verify", factor, indices) == "OK"
    for tag, (kind, macro) in enumerate(macros.items()):
        parameters = RunParameters(
            sizes, MODES[macro.mode], macro.threshold, macro.samples,
            ("min", "sum")[macro.use_sum], macro.trim, macro.heads, macro.level, macro.patience,
            macro.max_iterations, macro.max_tuples, macro.seed)
        if name in PRESETS:
            assert parameters == getattr(preset, kind)
        truth = encode(books, [int(rng.integers(size)) for size in sizes])
        made = clean(truth) if kind == "clean" else soft(
            truth, core.block_length, 4.0, rng, entries=core.query_entries,
            weight_bits=core.weight_bits)
        assert driver.set(macro) == "OK"
        assert driver.query(made) == "OK"
        same(driver, tag, model.run(made, parameters))
    if core.element_bits:
        dense = rng.integers(0, 1 << core.element_bits, (core.blocks, core.block_length))
        assert driver.dense(dense) == "OK"
        same(driver, 2, model.run(front_end(dense, core, **parameters.dense), parameters))
    assert driver.errors() == ("OK", 0)


@pytest.mark.parametrize("changes", [
    {"mode": "factorize", "threshold": 300, "samples": 4, "rule": "sum", "patience": 2},
    {"mode": "factorize", "threshold": 200, "samples": 60000, "trim": 2, "level": 180},
    {"mode": "join", "heads": 2}, {"mode": "scan", "max_tuples": 50, "level": 511},
    {"mode": "scan", "heads": 3}, {"known": (-1, 11, -1)}, {"known": (8, -1, 0), "seed": 0},
    {"sizes": (1, 2, 3)}, {"mode": "factorize", "max_iterations": 0}])
def test_parameters_reach_the_core(changes, driver):
    for number in range(3):
        parameters = PARAMETERS.replace(**changes)
        assert driver.set(parameters) == "OK"
        assert driver.query(query(number)) == "OK"
        same(driver, number, MODEL.run(query(number), parameters))
    assert driver.errors() == ("OK", 0)


@pytest.mark.parametrize("changes", [
    {}, {"dense_threshold": 50},
    {"dense_threshold": 999, "dense_weights": "log", "dense_shift": 3}])
def test_queries_of_both_kinds_in_turn(changes, driver):
    parameters = PARAMETERS.replace(**changes)
    assert driver.set(parameters) == "OK"
    mixed = [query(1), elements(1), elements(2), query(2), query(3), elements(3)]
    for made in mixed:
        if isinstance(made, Query):
            assert driver.query(made) == "OK"
        else:
            assert driver.dense(made) == "OK"
    for number, made in enumerate(mixed):
        made = made if isinstance(made, Query) else front_end(made, CORE, **parameters.dense)
        same(driver, number, MODEL.run(made, parameters))


def test_two_in_flight_and_tags_beyond_255(driver):
    wants = [MODEL.run(query(n), PARAMETERS) for n in range(5)]
    assert driver.query(query(0)) == "OK"
    for number in range(1, 270):
        assert driver.query(query(number % 5)) == "OK"
        assert driver.in_flight == 2
        same(driver, number - 1, wants[(number - 1) % 5])


def test_as_many_results_as_can_wait(driver):
    for number in range(RESULTS):
        assert driver.query(query(number)) == "OK"
    assert driver.query(query(1)) == driver.call("start") == "ERROR_FULL"
    for number in range(RESULTS):
        same(driver, number, MODEL.run(query(number), PARAMETERS))
    assert driver.wait() == driver.result()[0] == driver.call("result_ready") == "ERROR_EMPTY"


def test_start_runs_the_query_again(driver):
    assert driver.call("start") == "ERROR_NO_QUERY"
    assert driver.query(query(4)) == "OK"
    assert driver.set(PARAMETERS.replace(seed=7)) == "OK"
    assert driver.call("start") == "OK"
    same(driver, 0, MODEL.run(query(4), PARAMETERS))
    same(driver, 1, MODEL.run(query(4), PARAMETERS.replace(seed=7)))
    assert driver.call("reset") == "OK" and driver.call("start") == "ERROR_NO_QUERY"


def test_polling(driver):
    assert driver.query(query(2)) == "OK"
    assert driver.call("result_ready") == driver.result()[0] == "NOT_READY"
    driver.way.model.settle()
    assert driver.call("result_ready") == "OK"
    same(driver, 0, MODEL.run(query(2), PARAMETERS))


def test_interrupts(driver, line):
    """They are acknowledged one by one, and survive a reset."""
    assert driver.call("irq_enable", ctypes.c_uint32(5)) == "OK"
    assert driver.call("irq_enable", ctypes.c_uint32(8)) == "ERROR_ARGUMENT"
    assert driver.query(query(2)) == "OK" and not line.model.irq
    line.model.settle()
    assert line.model.irq
    assert driver.acknowledge() == ("OK", 3)  # result and idle, which is not enabled
    assert not line.model.irq and driver.acknowledge() == ("OK", 0)
    same(driver, 0, MODEL.run(query(2), PARAMETERS))
    assert driver.call("reset") == "OK"
    assert line.model.values["INT_ENABLE"] == 5
    assert driver.call("irq_enable", ctypes.c_uint32(0)) == "OK"
    assert line.model.values["INT_ENABLE"] == 0


def test_a_product_vector(driver):
    product = encode(BOOKS, (3, 11, 2))
    assert driver.clean(product.tolist()) == "OK"
    made = [(b, int(i), 7) for b, i in enumerate(product)]
    assert driver.query(made) == "OK"
    results = []
    for _ in range(2):
        assert driver.wait() == "OK"
        results.append(driver.result()[1])
    assert [tuple(r.indices) for r in results] == [(3, 11, 2)] * 2
    assert results[0].score == results[0].smax == 35 and results[0].crc == results[1].crc
    assert driver.clean([40, *product[1:].tolist()]) == "ERROR_QUERY"


def test_brief_results(driver):
    """What is read is the same, the rest 0; the result is dropped."""
    want = MODEL.run(query(1), PARAMETERS)
    assert driver.result("_brief")[0] == "ERROR_EMPTY"
    assert driver.query(query(1)) == driver.query(query(2)) == "OK"
    assert driver.result("_brief")[0] == "NOT_READY"
    assert driver.wait() == "OK"
    status, result = driver.result("_brief")
    assert (status, tuple(result.indices), result.tag, STOPS[result.stop]) == (
        "OK", want.indices, 0, want.stop)
    assert (result.score, result.smax, result.runner_up) == (want.score, want.smax, want.runner_up)
    assert result.iterations == result.cycles == result.seed == result.crc == 0
    assert tuple(result.similarities) == (0, 0, 0)
    same(driver, 1, MODEL.run(query(2), PARAMETERS))


def test_factorize(driver, line):
    """Query to result in one; none may be in flight."""
    made = [(b, i, w) for b, block in enumerate(query(3).entries) for i, w in block]
    entries = (Entry * len(made))(*(Entry(b, w, i) for b, i, w in made))

    def factorize(limit=5):
        result = driver.library.Result()
        return driver.call("factorize", entries, ctypes.c_size_t(len(made)), ctypes.byref(result),
                           ctypes.c_uint32(limit)), result

    want = MODEL.run(query(3), PARAMETERS)
    for tag in range(2):
        status, result = factorize()
        assert (status, result.crc, result.tag) == ("OK", want.crc, tag)
    line.hangs = True
    assert factorize(3)[0] == "ERROR_TIMEOUT" and factorize()[0] == "ERROR_FULL"
    line.hangs = False
    same(driver, 2, want)
    assert factorize()[0] == "OK"


@pytest.mark.parametrize("event", [1, 2, 4])
def test_an_event_between_look_and_clearing(event, driver, line):
    """It is told of, and the line falls: there would be no edge for it."""
    assert driver.call("irq_enable", ctypes.c_uint32(7)) == "OK"
    test = REGISTERS["INT_TEST"].address // 4
    line.model.access(test, True, 7 & ~event)
    assert line.model.irq
    line.after_read["INT_STATE"] = test, True, event
    assert driver.acknowledge() == ("OK", 7)
    assert not line.after_read and not line.model.irq


def test_interrupts_without_end(driver, line):
    line.words = {"INT_STATE": 2}
    assert driver.acknowledge() == ("ERROR_TIMEOUT", 2)


def test_what_was_cleared_is_told_whatever_comes_then(driver, line):
    line.model.access(REGISTERS["INT_TEST"].address // 4, True, 5)
    line.left = 2
    assert driver.acknowledge() == ("ERROR_TRANSPORT", 5)
    line.left = None
    assert driver.query(query(2)) == "OK" and line.written[-1] != "INT_STATE"
    assert "CONTROL" in line.written  # a reset


@pytest.mark.parametrize("name", ["SIZES0", "SEARCH", "SEED"])
def test_parameters_that_do_not_arrive(name, driver, line):
    parameters = PARAMETERS.replace(sizes=(8, 12, 7), mode="scan", seed=9)
    line.ignored = name
    assert driver.set(parameters) == "ERROR_READ_BACK"
    line.ignored = ""
    assert driver.query(query(1)) == "OK"  # after a reset, with the parameters before
    same(driver, 0, MODEL.run(query(1), PARAMETERS))
    assert driver.set(parameters) == driver.query(query(1)) == "OK"
    same(driver, 1, MODEL.run(query(1), parameters))
    line.ignored = name
    assert driver.call("reset") == "ERROR_READ_BACK"
    line.ignored = ""
    assert driver.query(query(1)) == "OK"
    same(driver, 0, MODEL.run(query(1), parameters))


def test_interrupts_that_are_not_enabled(driver, line):
    line.ignored = "INT_ENABLE"
    assert driver.call("irq_enable", ctypes.c_uint32(1)) == "ERROR_READ_BACK"
    line.ignored = ""
    assert driver.call("irq_enable", ctypes.c_uint32(1)) == "OK"
    line.ignored = "INT_ENABLE"
    assert driver.call("reset") == "ERROR_READ_BACK"


def test_abort(driver):
    model = driver.way.model
    assert driver.query(query(2)) == "OK"
    model.take()
    while not model.access(REGISTERS["STATUS"].address // 4, False)[0] & 2:
        model.take()
    assert driver.query(query(3)) == "OK"
    assert driver.call("abort") == "OK"
    assert driver.wait() == "OK"
    assert STOPS[driver.result()[1].stop] == "aborted"
    same(driver, 1, MODEL.run(query(3), PARAMETERS))


def test_only_parameters_that_change_are_written(driver, line):
    assert driver.set(PARAMETERS) == "OK" and line.written == []
    assert driver.set(PARAMETERS.replace(seed=3, mode="scan", max_iterations=8)) == "OK"
    assert line.written == ["SEARCH", "MAX_ITERATIONS", "SEED"]


def test_reset_writes_parameters_anew(driver, line):
    parameters = PARAMETERS.replace(seed=3)
    assert driver.set(parameters) == "OK" and driver.query(query(1)) == "OK"
    assert driver.call("reset") == "OK" and driver.in_flight == 0
    assert driver.query(query(1)) == "OK"
    same(driver, 0, MODEL.run(query(1), parameters))


def test_error_texts(library):
    texts = [library.error_text(n).decode() for n in range(len(library.statuses) + 1)]
    assert len(set(texts)) == len(texts) and all(texts) and texts[-1] == "no such status"
    assert len(library.statuses) == 19


# -- what is refused before anything is written ----------------------------------------------------


@pytest.mark.parametrize(("factor", "change"), [
    (3, lambda rows: rows), (0, lambda rows: rows[:0]), (0, lambda rows: [rows[0]] * 13),
    (1, lambda rows: [*rows[:2], [*rows[2][:4], 40]]), (1, lambda rows: [[255, *rows[0][1:]]])])
def test_codebooks_refused(factor, change, driver, line):
    rows = change(BOOKS.indices[0].tolist())
    for function in ("load", "verify"):
        assert driver.codebook(function, factor, rows) == "ERROR_ARGUMENT"
    assert line.written == []


@pytest.mark.parametrize("changes", [
    {"mode": 4}, {"heads": 0}, {"heads": 3}, {"heads": 4, "mode": 3}, {"trim": 5}, {"use_sum": 2},
    {"patience": 16}, {"level": 512}, {"dense_log": 2}, {"dense_shift": 16}, {"sizes": (9, 0, 7)},
    {"sizes": (9, 13, 7)}, {"known": (-2, 0, 0)}, {"known": (9, 0, 0)}])
def test_parameters_refused(changes, driver, line):
    made = driver.library.parameters(PARAMETERS)
    for name, value in changes.items():
        field = getattr(made, name)
        setattr(made, name, type(field)(*value) if isinstance(value, tuple) else value)
    assert driver.set(made) == "ERROR_PARAMETERS"
    assert line.written == []


@pytest.mark.parametrize(("mode", "engine"), [(1, "join"), (2, "factorize"), (3, "factorize")])
def test_modes_without_an_engine_refused(mode, engine, tmp_path):
    system = replace(SYSTEM, core=CORE.replace(engines=(engine,)))
    driver = Driver(Library(tmp_path, PRESETS["demo"], system, "core"), Line(system))
    assert driver.open() == "OK"
    made = driver.library.parameters(PARAMETERS)
    made.mode = mode
    assert driver.set(made) == "ERROR_PARAMETERS"
    made.mode = 0
    assert driver.set(made) == "OK"


def test_more_than_the_codebooks_hold_refused(driver, line):
    assert driver.set(PARAMETERS.replace(sizes=(9, 12, 8))) == "ERROR_CODEBOOK"
    assert driver.codebook("load", 0, BOOKS.indices[0][:5]) == "OK"
    line.written.clear()
    assert driver.query(query(1)) == "ERROR_CODEBOOK"
    assert line.written == []


@pytest.mark.parametrize(("entries", "status"), [
    ([], "ERROR_ARGUMENT"), ([(b, i, 1) for b in range(5) for i in range(4)], "ERROR_ARGUMENT"),
    ([(5, 0, 1)], "ERROR_QUERY"), ([(0, 40, 1)], "ERROR_QUERY"), ([(0, 0, 0)], "ERROR_QUERY"),
    ([(0, 0, 8)], "ERROR_QUERY"), ([(1, 0, 1), (0, 0, 1)], "ERROR_QUERY"),
    ([(0, i, 1) for i in range(4)], "ERROR_QUERY"),
    ([(0, 1, 1), (1, 2, 1), (1, 3, 1), (1, 2, 1)], "ERROR_QUERY")])
def test_queries_refused(entries, status, driver, line):
    assert driver.query(entries) == status
    assert line.written == [] and driver.in_flight == 0


def test_dense_queries_refused(driver, line):
    for wrong in (np.zeros((5, 40), dtype=int), elements(1) + 1 * (elements(1) == 63)):
        assert driver.dense(wrong) == "ERROR_QUERY"
    assert line.written == []


def test_nothing_set(library):
    line = Line()
    driver = Driver(library, line)
    assert driver.open() == "OK"
    driver.load(BOOKS)
    line.written.clear()
    assert driver.query(query(1)) == driver.dense(elements(1)) == "ERROR_NO_PARAMETERS"
    assert line.written == []


def test_null_pointers_refused(driver, library, line):
    device, size = driver.device, ctypes.c_size_t(1)
    calls = {"codebook_load": (device, ctypes.c_uint(0), None, size),
             "codebook_verify": (device, ctypes.c_uint(0), None, size),
             "parameters_set": (device, None), "query": (device, None, size),
             "query_dense": (device, None), "result_read": (device, None),
             "query_clean": (device, None), "result_read_brief": (device, None),
             "factorize": (device, (ctypes.c_uint32 * 300)(1), size, None, ctypes.c_uint32(1)),
             "irq_acknowledge": (device, None), "errors_read": (device, None)}
    argument = library.statuses.index("ERROR_ARGUMENT")
    entry = (ctypes.c_uint32 * 300)(1)
    # A call of a device that is not there, or that was never opened.
    closed = Driver(library, line)
    assert Driver.call(closed, "open", None, ctypes.c_uint32(1)) == "ERROR_ARGUMENT"
    for other in (None, closed.device):
        calls |= {(name, other is None): (other, *arguments) for name, arguments in {
            "reset": (), "codebook_load": (ctypes.c_uint(0), entry, size),
            "codebook_verify": (ctypes.c_uint(0), entry, size), "parameters_set": (entry,),
            "query": (entry, size), "query_dense": (entry,), "start": (),
            "query_clean": (entry,), "result_read_brief": (entry,),
            "factorize": (entry, size, entry, ctypes.c_uint32(1)),
            "wait": (ctypes.c_uint32(1),), "result_ready": (), "result_read": (entry,),
            "abort": (), "irq_enable": (ctypes.c_uint32(1),), "irq_acknowledge": (entry,),
            "errors_read": (entry,), "errors_clear": ()}.items()}
    for name, arguments in calls.items():
        function = name if isinstance(name, str) else name[0]
        assert library.call(function)(*arguments) == argument, name
    assert library.call("in_flight")(None) == 0
    assert library.call("open")(None, ctypes.byref(driver.transport), 1) == argument
    for part in ("read", "write"):
        half = type(driver.transport)()
        setattr(half, part, getattr(driver.transport, part))
        assert library.call("open")(closed.device, ctypes.byref(half), 1) == argument
    assert line.written == []


# -- faulty devices --------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "status"), [
    ({"ID": 0xFFFFFFFF}, "ERROR_ID"), ({"ID": 0}, "ERROR_ID"),
    ({"VERSION": 0x00010002}, "ERROR_VERSION"), *(
        ({name: REGISTERS[name].reset ^ 1 << field.offset}, "ERROR_OTHER_CORE")
        for name in ("SHAPE", "CAPACITY", "ENGINES", "QUERIES", "DEPTHS")
        for field in REGISTERS[name].fields)])
def test_wrong_devices(words, status, library, line):
    line.words = words
    driver = Driver(library, line)
    assert driver.open() == status
    assert line.written == []
    assert driver.call("reset") == "ERROR_ARGUMENT"  # it is not open


def test_generator_and_clock_may_differ(library, line):
    line.words = {"VERSION": 0x09080701, "CLOCK": 48_000_000}
    assert Driver(library, line).open() == "OK"


def test_hanging_device(driver, line):
    """Each call waits as often as it may; nothing is left half-written."""
    line.hangs = True
    assert driver.query(query(1)) == "OK"
    driver.pauses = 0
    assert driver.wait(7) == "ERROR_TIMEOUT" and driver.pauses == 7
    driver.pauses = 0
    assert driver.set(PARAMETERS.replace(seed=4)) == "ERROR_TIMEOUT" and driver.pauses == 5
    assert driver.dense(elements(1)) == "ERROR_TIMEOUT"
    assert driver.codebook("load", 0, BOOKS.indices[0]) == "ERROR_TIMEOUT"
    assert driver.in_flight == 1
    line.hangs = False
    same(driver, 0, MODEL.run(query(1), PARAMETERS))
    assert driver.query(query(2)) == "OK"
    same(driver, 1, MODEL.run(query(2), PARAMETERS))


@pytest.mark.parametrize("tells", [True, False])
def test_refused_accesses(tells, library):
    """Whether or not the transport says so: someone else keeps the device busy."""
    line = Line()
    driver = Driver(library, line, tells)
    assert driver.open() == "OK"
    driver.load(BOOKS)
    assert driver.set(PARAMETERS) == "OK"
    line.words = {"STATUS": 0x01000000}  # as if it were idle
    line.model.access(REGISTERS["QUERY_ENTRY"].address // 4, True, 1 << 16 | 1 << 31)
    assert driver.set(PARAMETERS.replace(seed=4)) == "ERROR_REFUSED"
    busy = 1 << [f.name for f in REGISTERS["ERRORS"].fields].index("busy_access")
    assert driver.errors() == ("OK", busy)
    line.words = {}
    assert driver.query(query(2)) == "OK"  # after a reset
    same(driver, 0, MODEL.run(query(2), PARAMETERS))
    assert driver.errors() == ("OK", 0)


def test_errors_are_cleared(driver, line):
    line.model.access(63, True)
    assert driver.errors()[1] == 1 << 5
    assert driver.call("errors_clear") == "OK" and driver.errors() == ("OK", 0)


def test_damaged_codebooks(driver, line):
    """What is stored is not what was sent."""
    write = line.write
    line.write = lambda address, words, stay=False: write(
        address, [words[0] ^ 1, *words[1:]] if stay else words, stay)
    assert driver.codebook("load", 1, BOOKS.indices[1]) == "ERROR_CRC"
    line.write = write
    assert driver.codebook("verify", 1, BOOKS.indices[1]) == "ERROR_READ_BACK"
    assert driver.query(query(1)) == "ERROR_CODEBOOK"
    assert driver.codebook("load", 1, BOOKS.indices[1]) == "OK"
    assert driver.codebook("verify", 1, BOOKS.indices[1]) == "OK"
    other = BOOKS.indices[1].copy()
    other[11, 4] ^= 1
    assert driver.codebook("verify", 1, other) == "ERROR_READ_BACK"


@pytest.mark.parametrize("after", range(12))
def test_a_codebook_whose_loading_failed_is_not_used(after, driver, line):
    """Wherever it failed; until it is loaded, or the device opened anew."""
    assert driver.query(query(1)) == driver.wait() == driver.result()[0] == "OK"
    line.left = after
    status = driver.codebook("load", 1, BOOKS.indices[1])
    line.left = None
    assert status == "ERROR_TRANSPORT"
    begun = after > 0  # the first access only looks whether the device is idle
    for call in (lambda: driver.query(query(1)), lambda: driver.dense(elements(1)),
                 lambda: driver.query(query(1))):
        if begun:
            assert call() == "ERROR_CODEBOOK" and driver.in_flight == 0
    assert driver.codebook("load", 0, BOOKS.indices[0]) == "OK"  # another one
    assert driver.query(query(1)) == ("ERROR_CODEBOOK" if begun else "OK")
    assert driver.codebook("load", 1, BOOKS.indices[1]) == "OK"
    assert driver.query(query(1)) == "OK"
    same(driver, 0, MODEL.run(query(1), PARAMETERS))  # after a reset
    assert driver.call("start") == "OK"


def test_someone_elses_result(driver, line):
    line.model.access(REGISTERS["QUERY_ENTRY"].address // 4, True, 1 << 16 | 1 << 31)
    assert driver.query(query(2)) == "OK"
    assert driver.wait() == "OK" and driver.result()[0] == "OK"  # not known by its tag, 0
    assert driver.query(query(2)) == "OK"
    line.words = {"RESULT": 0x155}
    assert driver.wait() == "OK" and driver.result()[0] == "ERROR_TAG"
    line.words = {}
    assert driver.query(query(3)) == "OK"
    same(driver, 0, MODEL.run(query(3), PARAMETERS))


def test_cut_anywhere(library):
    """Wherever the line is cut, the same calls work when it is there again."""
    want, cuts = MODEL.run(query(3), PARAMETERS), []

    def steps(driver):
        yield driver.codebook("load", 1, BOOKS.indices[1])
        yield driver.codebook("verify", 1, BOOKS.indices[1])
        yield driver.set(PARAMETERS.replace(seed=5, mode="scan"))
        yield driver.set(PARAMETERS)
        yield driver.call("irq_enable", ctypes.c_uint32(1))
        yield driver.query(query(3))
        yield driver.wait()
        yield driver.result()[0]
        yield driver.dense(elements(3))
        yield driver.call("abort")
        yield driver.call("reset")

    for left in range(0, 1000, 3):
        line = Line()
        driver = Driver(library, line)
        assert driver.open() == "OK"
        driver.load(BOOKS)
        assert driver.set(PARAMETERS) == "OK"
        line.left = left
        status = next((status for status in steps(driver) if status != "OK"), "OK")
        if status == "OK":
            break
        assert status == "ERROR_TRANSPORT", left
        cuts.append(left)
        line.left = None
        # Of what was half done, parameters and queries are made good; a codebook has to be written.
        driver.load(BOOKS)
        assert driver.set(PARAMETERS) == "OK"
        assert driver.query(query(3)) == "OK"
        same(driver, 0, want)
        assert driver.errors() == ("OK", 0)
    assert len(cuts) > 40
