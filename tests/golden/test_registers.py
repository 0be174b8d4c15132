"""Golden model of the registers: every rule by itself, then random accesses against a history."""

import random
import zlib

import numpy as np
import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.query import Query, clean
from blockfactor.golden.registers import EventError, RegisterModel
from blockfactor.golden.result import STOPS
from blockfactor.parameters import RunParameters
from blockfactor.registers import RESULTS, register_map


class Small(SystemConfig):
    """A system whose query queue is soon full."""

    queue_items = 6


CORE = CoreConfig(factors=2, blocks=3, block_length=5, max_codevectors=6, list_size=8,
                  query_entries=2, weight_bits=2, element_bits=4, heads=1)
SYSTEM = Small(core=CORE, front_end="native")
BOOKS = Codebooks.random((6, 6), 3, 5, seed=3)
WINDOWS = {"QUERY_ENTRY", "QUERY_DENSE", "CODEBOOK_ADDRESS", "CODEBOOK_DATA", "CODEBOOK_CRC"}


class Bench:
    """A model with accesses by name."""

    def __init__(self, system=SYSTEM, codebooks=BOOKS, **options):
        self.model = RegisterModel(system, codebooks, **options)
        self.map = register_map(system)

    def try_read(self, name) -> tuple[int, bool]:
        return self.model.access(self.map[name].address // 4, False)

    def try_write(self, name, word=0, **fields) -> bool:
        word |= self.map[name].pack(**fields) if fields else 0
        data, error = self.model.access(self.map[name].address // 4, True, word)
        assert data == 0
        return error

    def read(self, name, field=None) -> int:
        word, error = self.try_read(name)
        assert not error, f"{name} was refused: {self.errors()}"
        return word if field is None else self.map[name].unpack(word)[field]

    def write(self, name, word=0, **fields) -> None:
        assert not self.try_write(name, word, **fields), f"{name} was refused: {self.errors()}"

    def refused(self, error: str, name: str, word=0, **fields) -> None:
        """A write is refused because of that one error, and nothing else changes."""
        self.write("ERRORS", 0x1FF)
        before = self.state()
        assert self.try_write(name, word, **fields), f"{name} was not refused"
        assert self.errors() == {error}
        self.write("ERRORS", 0x1FF)
        assert self.state() == before

    def read_refused(self, error: str, name: str) -> None:
        self.write("ERRORS", 0x1FF)
        assert self.try_read(name) == (0, True)
        assert self.errors() == {error}

    def errors(self) -> set[str]:
        word, _ = self.model.access(self.map["ERRORS"].address // 4, False)
        return {name for name, value in self.map["ERRORS"].unpack(word).items() if value}

    def state(self) -> dict[str, int]:
        """All that reading shows without side effects."""
        names = [r.name for r in self.map if r.readable and not r.name.startswith("RESULT")
                 and r.name not in ("CODEBOOK_DATA", "ERRORS", "INT_STATE")]
        seen = {name: self.read(name) for name in names if name != "CODEBOOK_CRC"}
        seen |= {"irq": self.model.irq, "status": self.model.front_end_status & 15}
        seen["CODEBOOK_CRC"] = self.try_read("CODEBOOK_CRC")  # refused after a run
        if seen["CODEBOOK_CRC"][1]:
            self.write("ERRORS", bad_access=1)
        return seen

    def query(self, query: Query) -> None:
        entries = [(b, i, w) for b, block in enumerate(query.entries) for i, w in block]
        for n, (block, index, weight) in enumerate(entries):
            self.write("QUERY_ENTRY", block=block, index=index, weight=weight,
                       last=int(n == len(entries) - 1))

    def dense(self, elements) -> None:
        for column in np.asarray(elements).T:
            self.write("QUERY_DENSE", sum(int(e) << 8 * b for b, e in enumerate(column)))

    def result(self) -> dict[str, int]:
        values = {}
        for register in self.map:
            if register.name.startswith("RESULT"):
                values |= register.unpack(self.read(register.name))
        return values


@pytest.fixture
def bench():
    """A small system with codebooks."""
    return Bench()


PRODUCT = clean(encode(BOOKS, (1, 4)))

# -- reads and writes ------------------------------------------------------------------------------


@pytest.mark.parametrize("system", [
    SYSTEM, SystemConfig(), SystemConfig(core=CoreConfig(engines="join", element_bits=12)),
    SystemConfig(core=CoreConfig(factors=4, blocks=5, block_length=300, engines="factorize"))],
    ids=["small", "default", "join", "odd"])
def test_every_address_after_reset(system):
    bench = Bench(system, None)
    for address in range(64):
        register = bench.map.at(4 * address)
        word, error = bench.model.access(address, False)
        missing = register is None or not register.readable or register.name.startswith("RESULT")
        name = "" if missing else register.name
        if name == "CODEBOOK_DATA":  # of a codevector never written
            assert not error and bench.model.certain == 0
        elif name == "STATUS":
            assert (word, error) == (register.pack(space=system.queue_items), False)
        else:
            assert (word, error) == ((0, True) if missing else (register.reset, False)), name
        assert bench.errors() == ({"bad_access"} if missing else set()), f"{4 * address:#x}"
        bench.write("ERRORS", 0x1FF)


@pytest.mark.parametrize("register", tuple(register_map(SYSTEM)), ids=lambda r: r.name)
def test_every_bit_that_is_no_field_is_refused(register, bench):
    for bit in range(32):
        if register.write_mask >> bit & 1:
            continue
        bench.refused("bad_value" if register.write_mask else "bad_access", register.name, 1 << bit)


@pytest.mark.parametrize("register", [
    r for r in register_map(SYSTEM) if r.name not in WINDOWS
    and any(f.access in ("parameter", "read-write") for f in r.fields)], ids=lambda r: r.name)
def test_registers_keep_what_is_written(register, bench):
    rng = random.Random(1)
    for word in (0, 0xFFFF_FFFF, *(rng.getrandbits(32) for _ in range(5))):
        bench.write(register.name, word & register.write_mask)
        assert bench.read(register.name) == word & register.write_mask
    bench.query(PRODUCT)
    word = bench.read(register.name)
    if register.name == "INT_ENABLE":
        bench.write(register.name, word ^ 1)
    else:
        bench.refused("busy_access", register.name, word ^ 1)
    bench.model.settle()
    bench.write(register.name, word)


@pytest.mark.parametrize("address", [a for a in range(64) if not register_map(SYSTEM).at(4 * a)])
def test_writes_to_no_register(address, bench):
    assert bench.model.access(address, True, 0) == (0, True)
    assert bench.errors() == {"bad_access"}


def test_the_order_of_checks(bench):
    bench.refused("bad_access", "ID", 0xFFFF_FFFF)
    bench.refused("bad_value", "CONTROL", 1 << 31 | 1 << 2)  # and there is no result to pop
    bench.write("CODEBOOK_ADDRESS", codevector=7)
    bench.query(PRODUCT)
    bench.refused("bad_value", "CONFIG", 2)
    bench.refused("bad_value", "CODEBOOK_DATA", 1 << 31)
    bench.refused("busy_access", "CODEBOOK_DATA", 0)
    bench.read_refused("busy_access", "CODEBOOK_DATA")
    for _ in range(3):
        bench.write("CONTROL", start=1)
    bench.refused("bad_access", "CONTROL", start=1, pop=1)
    bench.refused("overflow", "CONTROL", start=1)
    bench.refused("bad_value", "QUERY_ENTRY", 1 << 31 | 1 << 15)


def test_commands_read_as_0(bench):
    assert bench.read("CONTROL") == bench.read("INT_TEST") == 0


# -- queries ---------------------------------------------------------------------------------------


def run_of(query, parameters=None):
    return Factorizer(CORE, BOOKS).run(query, parameters or RunParameters(sizes=(6, 6)))


def check(bench, golden, tag, errors=0) -> None:
    found = bench.result()
    assert bench.model.certain == 0xFFFF_FFFF
    assert found == {
        "tag": tag, "stop": STOPS.index(golden.stop), "errors": errors, "index0": golden.indices[0],
        "index1": golden.indices[1], "score": golden.score, "smax": golden.smax,
        "runner_up": golden.runner_up, "iterations": golden.iterations, "cycles": golden.cycles,
        "seed": golden.seed, "crc": golden.crc, "similarity": golden.similarities[-1]}


def test_a_sparse_query_event_by_event(bench):
    for n, ((index, weight),) in enumerate(PRODUCT.entries):
        assert bench.read("TAG") == 0
        bench.write("QUERY_ENTRY", block=n, index=index, weight=weight, last=int(n == 2))
        status = bench.map["STATUS"].unpack(bench.read("STATUS"))
        assert (status["busy"], status["space"], status["running"]) == (1, 5 - n, 0)
    assert bench.read("TAG") == 1
    bench.model.take()
    bench.model.take()
    assert not bench.read("STATUS", "loaded") and not bench.read("STATUS", "running")
    bench.model.take()  # the last entry, and the run with it
    status = bench.map["STATUS"].unpack(bench.read("STATUS"))
    assert status == {"busy": 1, "running": 1, "loaded": 1, "error": 0, "results": 0, "space": 6}
    assert bench.read("INT_STATE") == 0
    bench.model.finish()
    status = bench.map["STATUS"].unpack(bench.read("STATUS"))
    assert status == {"busy": 0, "running": 0, "loaded": 1, "error": 0, "results": 1, "space": 6}
    assert bench.read("INT_STATE") == 0b011
    check(bench, run_of(PRODUCT), 0)


def test_parameters_reach_the_run(bench):
    bench.write("SIZES0", size0=5, size1=6)
    bench.write("KNOWN0", known1=1, index1=4)
    bench.write("SEARCH", mode=1, trim=1, use_sum=1, patience=2, level=300)
    bench.write("ACTIVATION", threshold=700, samples=2)
    bench.write("MAX_ITERATIONS", iterations=7)
    bench.write("SEED", seed=99)
    bench.query(PRODUCT)
    bench.model.settle()
    check(bench, run_of(PRODUCT, RunParameters(
        sizes=(5, 6), known=(-1, 4), mode="factorize", trim=1, rule="sum", patience=2, level=300,
        threshold=700, samples=2, max_iterations=7, seed=99)), 0)
    bench.write("SEARCH", mode=3, level=511)
    bench.write("MAX_TUPLES", tuples=9)
    bench.write("CONTROL", start=1, pop=1)
    bench.model.settle()
    check(bench, run_of(PRODUCT, RunParameters(
        sizes=(5, 6), known=(-1, 4), mode="scan", level=511, max_tuples=9, seed=99)), 1)


def test_busy_falls_within_an_incomplete_query(bench):
    bench.write("QUERY_ENTRY", block=0, index=1, weight=1)
    assert bench.read("STATUS", "busy")
    bench.model.take()
    assert not bench.read("STATUS", "busy")
    assert bench.read("INT_STATE") == 0, "no run has ended"
    bench.write("SEED", 5)
    bench.refused("busy_access", "QUERY_DENSE", 0)


def test_without_auto_start_runs_are_queued_by_hand(bench):
    bench.write("CONFIG", 0)
    bench.query(PRODUCT)
    bench.model.settle()
    assert bench.read("STATUS", "loaded") and not bench.read("STATUS", "results")
    assert bench.read("TAG") == 0
    bench.write("CONTROL", start=1)
    bench.write("CONTROL", start=1)
    assert bench.read("TAG") == 2 and bench.read("STATUS", "space") == 4
    bench.model.settle()
    check(bench, run_of(PRODUCT), 0)
    bench.write("CONTROL", pop=1)
    check(bench, run_of(PRODUCT), 1)


def test_a_full_queue_refuses_entries_and_spoils_their_query(bench):
    for _ in range(6):
        bench.write("CONTROL", start=1)
    bench.refused("overflow", "CONTROL", start=1)
    bench.refused("overflow", "CONTROL", start=1, abort=1)
    bench.refused("busy_access", "CONTROL", start=1, clear_crc=1)
    bench.refused("overflow", "QUERY_ENTRY", block=0, index=0, weight=1)
    bench.model.settle()
    for _ in range(6):
        bench.write("CONTROL", pop=1)
    bench.refused("busy_access", "QUERY_DENSE", 0)  # until the spoiled query has ended
    bench.write("ERRORS", 0x1FF)
    bench.query(PRODUCT)
    bench.model.settle()
    assert bench.errors() == {"bad_query", "no_query"}
    assert bench.read("RESULT", "stop") == STOPS.index("error")
    bench.write("CONTROL", pop=1)
    bench.write("ERRORS", 0x1FF)
    bench.query(PRODUCT)
    bench.model.settle()
    check(bench, run_of(PRODUCT), 7)


def test_the_last_entry_itself_is_refused(bench):
    bench.write("QUERY_ENTRY", block=0, index=1, weight=1)
    for _ in range(5):
        bench.write("CONTROL", start=1)
    assert bench.try_write("QUERY_ENTRY", block=1, index=1, weight=1, last=1)
    assert bench.read("TAG") == 5
    bench.model.settle()
    bench.write("ERRORS", 0x1FF)
    bench.write("QUERY_ENTRY", block=2, index=1, weight=1, last=1)
    bench.model.settle()
    assert bench.errors() == {"bad_query", "no_query"}


def test_an_entry_with_a_bad_value_spoils_its_query(bench):
    bench.write("QUERY_ENTRY", block=0, index=1, weight=1)
    bench.refused("bad_value", "QUERY_ENTRY", 1 << 15)
    bench.write("QUERY_ENTRY", block=1, index=1, weight=1, last=1)
    bench.model.settle()
    assert bench.errors() == {"bad_query", "no_query"}


@pytest.mark.parametrize("entries", [
    [(0, 5, 1)], [(0, 7, 1)], [(3, 0, 1)], [(0, 0, 0)], [(1, 0, 1), (0, 0, 1)],
    [(0, 0, 1), (0, 0, 2)], [(0, 0, 1), (0, 1, 1), (0, 2, 1)], [(0, 1, 1), (2, 4, 1), (2, 4, 1)]])
def test_queries_that_the_core_refuses(entries, bench):
    for n, (block, index, weight) in enumerate(entries):
        bench.write("QUERY_ENTRY", block=block, index=index, weight=weight,
                    last=int(n == len(entries) - 1))
    bench.model.settle()
    assert bench.errors() == {"bad_query", "no_query"}
    assert not bench.read("STATUS", "loaded")
    word = bench.read("RESULT")
    assert bench.map["RESULT"].unpack(word) == {
        "tag": 0, "stop": STOPS.index("error"), "errors": 0b01001}
    assert bench.model.certain == 0xFFFF_FFFF
    assert bench.read("RESULT_SCORE", "score") == 0
    assert bench.model.certain == 0xFFFF_FFFF & ~bench.map["RESULT_SCORE"].field("smax").mask


def test_blocks_may_be_left_out(bench):
    bench.write("QUERY_ENTRY", block=2, index=1, weight=3)
    bench.write("QUERY_ENTRY", block=2, index=0, weight=1, last=1)
    bench.model.settle()
    check(bench, run_of(Query(((), (), ((1, 3), (0, 1))))), 0)


ELEMENTS = np.random.default_rng(4).integers(0, 16, (3, 5))


def test_a_dense_query_event_by_event(bench):
    bench.query(PRODUCT)
    bench.model.settle()
    bench.write("CONTROL", pop=1)
    for n, column in enumerate(ELEMENTS.T):
        assert bench.read("STATUS", "loaded") == (n == 0)
        assert not bench.read("STATUS", "busy")
        # The fourth lane is no block's.
        bench.refused("bad_value", "QUERY_DENSE", 1 << 24)
        bench.write("QUERY_DENSE", sum(int(e) << 8 * b for b, e in enumerate(column)))
        if n < 4:
            bench.refused("busy_access", "QUERY_ENTRY", block=0, index=0, weight=1)
    assert bench.read("STATUS", "busy") and bench.read("TAG") == 2
    bench.refused("busy_access", "QUERY_DENSE", 0)
    bench.refused("busy_access", "DENSE", 0)
    with pytest.raises(EventError, match="a run starts while its query is converted"):
        bench.model.take()
    bench.model.dense_settled()
    assert bench.read("STATUS", "loaded")
    bench.refused("busy_access", "QUERY_DENSE", 0)
    bench.model.take()
    bench.dense(ELEMENTS[::-1])  # while the run goes on
    bench.refused("busy_access", "QUERY_DENSE", 0)
    bench.model.finish()
    check(bench, run_of(front_end(ELEMENTS, CORE)), 1)
    bench.write("CONTROL", pop=1)
    bench.model.settle()
    check(bench, run_of(front_end(ELEMENTS[::-1], CORE)), 2)


def test_dense_parameters(bench):
    bench.write("DENSE", threshold=9, log=1, shift=2)
    bench.dense(ELEMENTS)
    bench.model.settle()
    check(bench, run_of(front_end(ELEMENTS, CORE, 9, "log", 2)), 0)


def test_a_dense_query_of_zeros_is_refused(bench):
    bench.dense(np.zeros((3, 5), dtype=int))
    bench.model.settle()
    assert bench.errors() == {"bad_query", "no_query"}
    assert bench.read("RESULT", "stop") == STOPS.index("error")
    bench.dense(ELEMENTS)


def test_dense_waits_for_whatever_is_in_the_queue(bench):
    bench.write("CONTROL", start=1)
    bench.refused("busy_access", "QUERY_DENSE", 0)
    bench.model.settle()
    bench.write("QUERY_DENSE", 0)
    bench.write("CONTROL", start=1)
    bench.refused("busy_access", "QUERY_DENSE", 0)


def test_a_refused_entry_in_a_dense_query_spoils_nothing(bench):
    bench.write("QUERY_DENSE", 0)
    bench.refused("bad_value", "QUERY_ENTRY", 1 << 15)
    for _ in range(4):
        bench.write("QUERY_DENSE", 0x010203)
    bench.model.settle()
    bench.write("CONTROL", pop=1)
    bench.write("ERRORS", 0x1FF)
    bench.query(PRODUCT)
    bench.model.settle()
    check(bench, run_of(PRODUCT), 1)


def test_an_entry_refused_while_a_dense_query_is_converted_spoils_its_query(bench):
    bench.dense(ELEMENTS)
    bench.refused("busy_access", "QUERY_ENTRY", block=0, index=0, weight=1)
    bench.model.settle()
    bench.refused("busy_access", "QUERY_DENSE", 0)
    bench.write("CONTROL", pop=1)
    bench.write("ERRORS", 0x1FF)
    bench.query(PRODUCT)
    bench.model.settle()
    assert bench.errors() == {"bad_query", "no_query"}
    bench.dense(ELEMENTS)


def test_words_of_wide_vectors():
    core = CoreConfig(factors=2, blocks=5, block_length=300, max_codevectors=4, list_size=4,
                      element_bits=12, tag_bits=8)
    rng = np.random.default_rng(2)
    books = Codebooks.random((4, 4), 5, 300, seed=2)
    bench = Bench(SystemConfig(core=core), None)
    words = []
    for factor, book in enumerate(books.indices):
        bench.write("CODEBOOK_ADDRESS", factor=factor)
        for row in book.tolist():
            # The lane beyond block 4 is ignored.
            words += [row[0] | row[1] << 16, row[2] | row[3] << 16, row[4] | 511 << 16]
            for word in words[-3:]:
                bench.write("CODEBOOK_DATA", word)
    assert bench.read("CODEBOOK_CRC") == zlib.crc32(np.array(words, dtype="<u4").tobytes())
    elements = rng.integers(0, 4096, (5, 300))
    for column in elements.T.tolist():
        for low, high in ((0, 1), (2, 3), (4, None)):
            bench.write("QUERY_DENSE", column[low] | (column[high] if high else 77) << 16)
    bench.model.settle()
    golden = Factorizer(core, books).run(front_end(elements, core), RunParameters(sizes=(4, 4)))
    assert bench.read("RESULT_CRC") == golden.crc
    bench.write("CODEBOOK_ADDRESS", factor=1, codevector=2)
    row = books.indices[1][2].tolist()
    assert [bench.read("CODEBOOK_DATA") for _ in range(3)] == [
        row[0] | row[1] << 16, row[2] | row[3] << 16, row[4]]


# -- runs and results ------------------------------------------------------------------------------


@pytest.mark.parametrize(("register", "fields"), [
    ("SIZES0", {"size0": 0, "size1": 6}), ("SIZES0", {"size0": 7, "size1": 6}),
    ("KNOWN0", {"known0": 1, "index0": 6}), ("SEARCH", {"trim": 3}),
    ("SEARCH", {"heads": 0}), ("SEARCH", {"heads": 2}), ("SEARCH", {"heads": 2, "mode": 2})])
def test_parameters_that_no_core_runs(register, fields, bench):
    word = bench.map[register].pack(**fields)
    bench.write(register, word)
    bench.query(PRODUCT)
    bench.model.settle()
    assert bench.errors() == {"bad_parameter"}
    assert bench.map["RESULT"].unpack(bench.read("RESULT")) == {
        "tag": 0, "stop": STOPS.index("error"), "errors": 0b00100}
    assert bench.read("RESULT_SCORE", "smax") == 3
    assert bench.read("RESULT_CYCLES") == 1
    assert bench.read("RESULT_SEED") == 0x2545F491


@pytest.mark.parametrize(("mode", "heads"), [(1, 0), (3, 0), (1, 3), (3, 3)])
def test_heads_count_only_where_blocks_are_looked_up(mode, heads, bench):
    bench.write("SEARCH", mode=mode, heads=heads)
    bench.query(PRODUCT)
    bench.model.settle()
    assert bench.errors() == set()


@pytest.mark.parametrize(("engines", "modes"), [("join", (0, 2, 3)), ("factorize", (0, 1))])
def test_modes_of_cores_with_one_engine(engines, modes):
    core = CORE.replace(engines=(engines,))
    for mode in range(4):
        bench = Bench(SystemConfig(core=core))
        bench.write("SEARCH", mode=mode)
        bench.query(PRODUCT)
        bench.model.settle()
        assert bench.errors() == (set() if mode in modes else {"bad_parameter"}), mode


def test_a_run_without_a_query(bench):
    bench.write("CONTROL", start=1)
    bench.model.settle()
    assert bench.errors() == {"no_query"}
    assert bench.read("RESULT", "stop") == STOPS.index("error")


def test_results_wait_and_are_dropped_in_order(bench):
    bench.write("CONFIG", 0)
    bench.query(PRODUCT)
    bench.model.settle()
    bench.refused("bad_access", "CONTROL", pop=1)
    bench.refused("bad_access", "CONTROL", pop=1, start=1)
    bench.read_refused("bad_access", "RESULT")
    for n in range(RESULTS + 3):
        bench.write("CONTROL", start=1)
        bench.model.settle()
        assert bench.read("STATUS", "results") == min(n + 1, RESULTS)
    assert bench.read("STATUS", "running") and bench.read("STATUS", "space") == 4
    with pytest.raises(EventError, match="a result is stored though 16 wait"):
        bench.model.finish()
    bench.write("CONTROL", abort=1)  # the run has ended, only its result is held
    for n in range(RESULTS + 3):
        assert bench.read("RESULT", "tag") == n
        assert bench.read("RESULT", "stop") == STOPS.index("accepted")
        bench.write("CONTROL", pop=1)
        bench.model.settle()
    assert not bench.read("STATUS", "results") and not bench.read("STATUS", "busy")


def test_tags_count_to_255(bench):
    bench.write("CONFIG", 0)
    for n in range(258):
        assert bench.read("TAG") == n % 256
        bench.write("CONTROL", start=1)
        bench.model.settle()
        assert bench.read("RESULT", "tag") == n % 256
        bench.write("CONTROL", pop=1)


def test_abort(bench):
    bench.write("CONTROL", abort=1)  # nothing goes on
    bench.query(PRODUCT)
    for _ in range(3):
        bench.model.take()
    bench.write("CONTROL", abort=1)
    bench.model.finish()
    assert bench.map["RESULT"].unpack(bench.read("RESULT")) == {
        "tag": 0, "stop": STOPS.index("aborted"), "errors": 0}
    assert bench.model.certain == 0xFFFF_FFFF
    assert bench.read("RESULT_SCORE", "smax") == 3
    assert bench.model.certain == 0xFFFF_FFFF & ~bench.map["RESULT_SCORE"].field("score").mask
    assert bench.read("RESULT_CRC") is not None and bench.model.certain == 0
    bench.write("CONTROL", start=1, pop=1)
    bench.model.settle()
    check(bench, run_of(PRODUCT), 1)


def test_an_abort_can_come_too_late(bench):
    bench.query(PRODUCT)
    for _ in range(3):
        bench.model.take()
    bench.write("CONTROL", abort=1)
    bench.model.finish(aborted=False)
    check(bench, run_of(PRODUCT), 0)


def test_soft_reset_forgets_all_but_codebooks(bench):
    fresh = bench.state()
    bench.write("SEED", 5)
    bench.write("INT_ENABLE", 7)
    bench.write("CODEBOOK_ADDRESS", factor=1, codevector=3)
    bench.write("CODEBOOK_DATA", 0)
    bench.query(PRODUCT)
    bench.model.settle()
    bench.try_write("QUERY_ENTRY", 1 << 15)
    bench.query(PRODUCT)
    bench.model.take()
    bench.write("CONTROL", soft_reset=1, start=1)
    bench.model.take()  # in the cycle of the reset
    bench.model.finish()
    assert bench.state() == fresh
    assert bench.errors() == set() and bench.read("INT_STATE") == 0
    bench.read_refused("bad_access", "RESULT")
    bench.write("CODEBOOK_ADDRESS", factor=1, codevector=3)
    assert bench.read("CODEBOOK_DATA") == 0, "the codevector that was written"
    bench.dense(ELEMENTS)


def test_runs_with_codevectors_never_written_are_uncertain():
    bench = Bench(codebooks=Codebooks([BOOKS.indices[0][:5], BOOKS.indices[1]], 5))
    bench.query(PRODUCT)
    bench.model.settle()
    assert bench.read("RESULT", "tag") == 0
    assert bench.model.certain == 0xFFFF_FFFF & ~bench.map["RESULT"].field("stop").mask
    bench.write("CONTROL", pop=1)
    bench.write("SIZES0", size0=5, size1=6)
    bench.write("CONTROL", start=1)
    bench.model.settle()
    check(bench, run_of(PRODUCT, RunParameters(sizes=(5, 6))), 1)


def test_loaded_is_uncertain_while_an_entry_is_next(bench):
    loaded = bench.map["STATUS"].field("loaded").mask
    bench.write("QUERY_ENTRY", block=0, index=1, weight=1)
    bench.read("STATUS")
    assert bench.model.certain == 0xFFFF_FFFF & ~loaded
    bench.model.take()
    bench.read("STATUS")
    assert bench.model.certain == 0xFFFF_FFFF


def test_events_that_cannot_be(bench):
    bench.read("STATUS")
    for event, message in ((bench.model.take, "empty queue"),
                           (bench.model.finish, "without a run"),
                           (bench.model.dense_settled, "was not written")):
        with pytest.raises(EventError, match=message):
            event()
    bench.write("CONTROL", start=1)
    bench.model.take()
    bench.write("CONTROL", start=1)
    with pytest.raises(EventError, match="while a run goes on"):
        bench.model.take()


def test_logged_errors():
    bench = Bench(logged=True)
    for _ in range(2):
        bench.write("QUERY_ENTRY", block=0, index=0, weight=1)
    bench.write("QUERY_ENTRY", block=1, index=0, weight=1, last=1)
    bench.model.take()
    with pytest.raises(EventError, match="notes no_query, expected is none"):
        bench.model.core_errors(0b01000)
    bench.model.take()
    # The core has looked at the last entry; it stays in the queue until the run begins.
    bench.model.core_errors(0b00001)
    assert bench.errors() == {"bad_query"} and bench.read("STATUS", "space") == 5
    bench.write("ERRORS", 0x1FF)
    bench.model.take()
    assert bench.errors() == set()
    with pytest.raises(EventError, match="no_query was not noted"):
        bench.model.finish()
    bench.model.core_errors(0b01000)
    bench.model.finish()
    assert bench.read("RESULT", "errors") == 0b01000


# -- errors and interrupts -------------------------------------------------------------------------


def test_errors_are_cleared_one_by_one(bench):
    bench.try_write("ID")
    bench.try_write("CONFIG", 2)
    assert bench.errors() == {"bad_access", "bad_value"}
    assert bench.read("STATUS", "error") and bench.model.front_end_status >> 4
    bench.write("ERRORS", bad_access=1)
    assert bench.errors() == {"bad_value"}
    bench.write("ERRORS", bad_value=1)
    assert not bench.read("STATUS", "error") and not bench.model.front_end_status >> 4


def test_interrupts(bench):
    for n, name in enumerate(("result", "idle", "error")):
        bench.write("INT_TEST", 1 << n)
        assert bench.map["INT_STATE"].unpack(bench.read("INT_STATE"))[name]
        assert not bench.model.irq
        bench.write("INT_ENABLE", 1 << n)
        assert bench.model.irq and bench.model.front_end_status & 1
        bench.write("INT_STATE", 7 ^ 1 << n)
        assert bench.model.irq
        bench.write("INT_STATE", 1 << n)
        assert not bench.model.irq and not bench.model.front_end_status & 1
        bench.write("INT_ENABLE", 0)
    bench.try_write("ID")
    assert bench.read("INT_STATE") == 0b100
    bench.write("INT_STATE", 7)
    bench.try_write("ID")  # the error is set already, and noted again
    assert bench.read("INT_STATE") == 0b100


def test_idle_comes_with_the_last_of_the_runs_queued(bench):
    bench.write("CONTROL", start=1)
    bench.write("CONTROL", start=1)
    for last in (False, True):
        bench.model.take()
        bench.model.finish()
        assert bench.map["INT_STATE"].unpack(bench.read("INT_STATE"))["idle"] == last


def test_idle_comes_when_what_followed_the_run_is_loaded(bench):
    bench.write("CONTROL", start=1)
    bench.model.take()
    bench.write("QUERY_ENTRY", block=0, index=1, weight=1)
    bench.model.finish()
    assert not bench.read("INT_STATE") & 2
    bench.model.take()
    assert bench.read("INT_STATE") & 2


def test_front_end_status():
    system = SystemConfig(core=CORE)
    bench = Bench(system)
    assert bench.model.front_end_status == 0b00010
    bench.write("CONFIG", 0)
    whole = CORE.blocks * CORE.query_entries + 1
    for n in range(system.queue_items):
        room = system.queue_items - n >= whole
        assert bench.model.front_end_status == (bool(n) << 3 | room << 1), n
        bench.write("CONTROL", start=1)
    bench.model.settle()
    assert bench.model.front_end_status & 0b100


# -- codebooks -------------------------------------------------------------------------------------


def packed(row) -> int:
    return sum(int(i) << 8 * b for b, i in enumerate(row))


def test_codebooks_are_written_and_read(bench):
    words = []
    for factor, book in enumerate(BOOKS.indices):
        bench.write("CODEBOOK_ADDRESS", factor=factor, codevector=0)
        for m, row in enumerate(book[::-1]):
            assert bench.read("CODEBOOK_ADDRESS") == bench.map["CODEBOOK_ADDRESS"].pack(
                factor=factor, codevector=m)
            words.append(packed(row))
            bench.write("CODEBOOK_DATA", words[-1])
            bench.refused("bad_value", "CODEBOOK_DATA", 8)
    assert bench.read("CODEBOOK_CRC") == zlib.crc32(np.array(words, dtype="<u4").tobytes())
    bench.write("CONTROL", clear_crc=1)
    assert bench.read("CODEBOOK_CRC") == 0
    bench.write("CODEBOOK_ADDRESS", factor=1, codevector=0)
    assert [bench.read("CODEBOOK_DATA") for _ in range(6)] == words[6:]
    assert bench.read("CODEBOOK_CRC") == 0, "reading does not count"
    bench.write("CODEBOOK_ADDRESS", factor=1, codevector=0)
    bench.write("CODEBOOK_DATA", words[6])
    assert bench.read("CODEBOOK_CRC") == zlib.crc32(words[6].to_bytes(4, "little"))
    bench.query(PRODUCT)
    bench.model.settle()
    turned = Codebooks([book[::-1] for book in BOOKS.indices], 5)
    golden = Factorizer(CORE, turned).run(PRODUCT, RunParameters(sizes=(6, 6)))
    assert bench.read("RESULT_CRC") == golden.crc


def test_codevectors_out_of_range(bench):
    crc = bench.read("CODEBOOK_CRC")
    bench.write("CODEBOOK_ADDRESS", factor=0, codevector=5)
    assert bench.try_write("CODEBOOK_DATA", 5 << 16)  # index 5 of block 2: L is 5
    assert bench.errors() == {"bad_codebook"}
    assert bench.read("CODEBOOK_ADDRESS", "codevector") == 6, "the position goes on"
    bench.read_refused("bad_access", "CODEBOOK_DATA")
    assert bench.read("CODEBOOK_ADDRESS", "codevector") == 6
    bench.write("ERRORS", 0x1FF)
    assert bench.try_write("CODEBOOK_DATA", 0)
    assert bench.errors() == {"bad_codebook"}
    assert bench.read("CODEBOOK_ADDRESS", "codevector") == 6, "it stays beyond the last one"
    assert bench.read("CODEBOOK_CRC") == crc
    bench.write("CODEBOOK_ADDRESS", factor=0, codevector=5)
    assert bench.read("CODEBOOK_DATA") == packed(BOOKS.indices[0][5])


def test_a_factor_out_of_range():
    core = CORE.replace(factors=3)
    bench = Bench(SystemConfig(core=core), None)
    bench.write("CODEBOOK_ADDRESS", factor=3)
    assert bench.try_write("CODEBOOK_DATA", 0)
    assert bench.errors() == {"bad_codebook"}
    bench.read_refused("bad_access", "CODEBOOK_DATA")


def test_the_position_begins_anew_with_an_address():
    core = CORE.replace(blocks=5)
    bench = Bench(SystemConfig(core=core), None)
    bench.write("CODEBOOK_DATA", 0x04040404)
    bench.write("CODEBOOK_ADDRESS", codevector=1)
    bench.write("CODEBOOK_DATA", 0x01020304)
    assert bench.read("CODEBOOK_ADDRESS") == 1
    bench.write("CODEBOOK_DATA", 0x00000002)
    assert bench.read("CODEBOOK_ADDRESS") == 2
    bench.write("CODEBOOK_ADDRESS", codevector=1)
    assert [bench.read("CODEBOOK_DATA") for _ in range(2)] == [0x01020304, 2]
    # A bad index in the first word is refused with the last.
    bench.write("CODEBOOK_DATA", 0x05000000)
    assert bench.try_write("CODEBOOK_DATA", 0)


def test_a_run_loses_the_crc(bench):
    bench.write("CODEBOOK_DATA", 0)
    before = bench.read("CODEBOOK_CRC")
    bench.write("CONTROL", start=1)
    bench.refused("busy_access", "CONTROL", clear_crc=1)
    assert bench.read("CODEBOOK_CRC") == before != 0
    bench.model.take()
    bench.read_refused("bad_access", "CODEBOOK_CRC")
    bench.model.settle()
    bench.write("CODEBOOK_DATA", 0)
    bench.read_refused("bad_access", "CODEBOOK_CRC")
    bench.write("CONTROL", clear_crc=1)
    assert bench.read("CODEBOOK_CRC") == 0
    bench.write("CONTROL", start=1)
    bench.model.settle()
    bench.write("CONTROL", soft_reset=1)
    assert bench.read("CODEBOOK_CRC") == 0


def test_codebooks_are_out_of_reach_while_busy(bench):
    bench.query(PRODUCT)
    bench.refused("busy_access", "CODEBOOK_DATA", 0)
    bench.refused("busy_access", "CODEBOOK_ADDRESS", 1)
    bench.read_refused("busy_access", "CODEBOOK_DATA")
    assert bench.read("CODEBOOK_ADDRESS") == 0
    assert bench.read("CODEBOOK_CRC") == 0


# -- random accesses -------------------------------------------------------------------------------


class History:
    """Another model of the rules: keeps what happened and counts anew at every question."""

    def __init__(self):
        #: Kinds of events, some with a value.
        self.log = []

    def add(self, kind, value=None):
        self.log.append((kind, value))

    def count(self, kind) -> int:
        return sum(k == kind for k, _ in self.log)

    def since(self, kind) -> list:
        places = [n for n, (k, _) in enumerate(self.log) if k == kind]
        return self.log[places[-1] + 1:] if places else self.log

    def queued(self) -> int:
        return self.count("item") - self.count("taken")

    def runs(self) -> int:
        return self.count("run")

    def dense_words(self) -> int:
        return self.count("dense")

    def converting(self) -> bool:
        return self.dense_words() // 5 > self.count("settled")

    def dense_begun(self) -> bool:
        return self.dense_words() % 5 > 0

    def running(self) -> bool:
        return self.count("begun") > self.count("finish")

    def busy(self) -> bool:
        return self.queued() > 0 or self.converting() or self.running()

    def incomplete(self) -> bool:
        """The core has the beginning of a sparse query."""
        ends = [v for k, v in self.log if k == "taken" and v is not None]
        return bool(ends) and not ends[-1]

    def results(self) -> int:
        return self.count("finish") - self.count("pop")

    def sparse_begun(self) -> bool:
        return any(k in ("entry", "entry-refused") for k, _ in self.since("last"))

    def errors(self) -> set:
        held = set()
        for kind, value in self.log:
            held = held | {value} if kind == "error" else held - set(value) if kind == "clear" \
                else held
        return held

    def position(self) -> int:
        after = self.since("address")
        start = next((v for k, v in reversed(self.log) if k == "address"), 0)
        words = sum(kind in ("word", "word-refused", "read") for kind, _ in after)
        return max(start, min(6, start + words))

    def crc(self) -> int | None:
        if any(k == "begun" for k, _ in self.since("clear_crc")):
            return None
        return zlib.crc32(b"".join(v for k, v in self.since("clear_crc") if k == "word"))


@pytest.mark.parametrize("seed", range(12))
def test_random_accesses_agree_with_a_history(seed):
    rng = random.Random(seed)
    bench, history = Bench(), History()
    # Parameters that are refused at once, so that runs take no time here.
    bench.write("SIZES0", 0)
    books = {m: packed(row) for m, row in enumerate(BOOKS.indices[0])}
    items = []  # of the queue: whether it ends a query (None: no entry), whether it starts a run
    auto = True

    def expect(error, name, word=0, **fields):
        got = bench.try_write(name, word, **fields)
        assert got == (error is not None), f"seed {seed}: {name} {fields}, {error}"
        if error:
            history.add("error", error)
        return error is None

    for step in range(1500):
        action = rng.choices(
            ["entry", "bad entry", "dense", "start", "pop", "take", "settled", "finish", "clear",
             "config", "data", "read data", "address", "crc", "reset"],
            [12, 1, 12, 2, 3, 9, 4, 4, 1, 1, 2, 2, 1, 1, .3])[0]
        where = f"seed {seed}, step {step}, {action}"
        full, busy = history.queued() == 6, history.busy()
        blocked = history.dense_begun() or history.converting()
        if action == "entry":
            last = rng.random() < .4
            error = "busy_access" if blocked else "overflow" if full else None
            if expect(error, "QUERY_ENTRY", block=0, index=0, weight=1, last=int(last)):
                history.add("entry")
                history.add("item")
                items.append((last, last and auto))
                if last:
                    history.add("last")
                    if auto:
                        history.add("run")
            elif not history.dense_begun():
                history.add("entry-refused")
        elif action == "bad entry":
            expect("bad_value", "QUERY_ENTRY", 1 << 30)
            if not history.dense_begun():
                history.add("entry-refused")
        elif action == "dense":
            wrong = history.queued() or history.sparse_begun() or history.converting()
            if expect("busy_access" if wrong else None, "QUERY_DENSE", 0x010101):
                history.add("dense")
                if history.dense_words() % 5 == 0 and auto:
                    history.add("item")
                    history.add("run")
                    items.append((None, True))
        elif action == "start":
            if expect("overflow" if full else None, "CONTROL", start=1):
                history.add("item")
                history.add("run")
                items.append((None, True))
        elif action == "pop":
            if expect(None if history.results() else "bad_access", "CONTROL", pop=1):
                history.add("pop")
        elif action == "take":
            last, runs = items[0] if items else (None, False)
            early = history.running() and (runs or not history.incomplete())
            if not items or early or runs and history.converting():
                with pytest.raises(EventError):
                    bench.model.take()
            else:
                before = bench.errors()
                bench.model.take()
                items.pop(0)
                history.add("taken", last)
                # What the core finds wrong is for the test below.
                for error in bench.errors() - before:
                    history.add("error", error)
                if runs:
                    history.add("begun")
                    assert "bad_parameter" in bench.errors(), where
        elif action == "settled":
            if history.converting() and not history.running():
                bench.model.dense_settled()
                history.add("settled")
            else:
                with pytest.raises(EventError):
                    bench.model.dense_settled()
        elif action == "finish":
            if history.running() and history.results() < RESULTS:
                bench.model.finish()
                history.add("finish")
            else:
                with pytest.raises(EventError):
                    bench.model.finish()
        elif action == "clear":
            bits = rng.getrandbits(9)
            bench.write("ERRORS", bits)
            names = [f.name for f in bench.map["ERRORS"].fields]
            history.add("clear", [n for b, n in enumerate(names) if bits >> b & 1])
        elif action == "config":
            if expect("busy_access" if busy else None, "CONFIG", int(not auto)):
                auto = not auto
        elif action == "data":
            word = packed(rng.choices(range(6), [9, 9, 9, 9, 9, 1], k=3))
            place = history.position()
            good = place < 6 and max(word.to_bytes(3, "little")) < 5
            error = "busy_access" if busy else None if good else "bad_codebook"
            if expect(error, "CODEBOOK_DATA", word):
                books[place] = word
                history.add("word", word.to_bytes(4, "little"))
            elif error == "bad_codebook":
                history.add("word-refused")
        elif action == "read data":
            place = history.position()
            data, error = bench.try_read("CODEBOOK_DATA")
            if place >= 6 or busy:
                assert (data, error) == (0, True), where
                history.add("error", "busy_access" if busy else "bad_access")
            else:
                assert (data, error) == (books[place], False), where
                history.add("read")
        elif action == "address":
            place = rng.randrange(8)
            if expect("busy_access" if busy else None, "CODEBOOK_ADDRESS", codevector=place):
                history.add("address", place)
        elif action == "crc":
            if expect("busy_access" if busy else None, "CONTROL", clear_crc=1):
                history.add("clear_crc")
        elif action == "reset":
            bench.write("CONTROL", soft_reset=1)
            history, items, auto = History(), [], True
            bench.write("SIZES0", 0)
        status = bench.map["STATUS"].unpack(bench.read("STATUS"))
        assert bench.errors() == history.errors(), where
        assert (status["busy"], status["running"], status["results"], status["space"]) == (
            history.busy(), history.running(), history.results(), 6 - history.queued()), where
        assert status["error"] == bool(history.errors()), where
        assert bench.read("TAG") == history.runs() % 256, where
        assert bench.read("CODEBOOK_ADDRESS") == history.position(), where
        crc = history.crc()
        assert bench.try_read("CODEBOOK_CRC") == (crc or 0, crc is None), where
        if crc is None:
            history.add("error", "bad_access")
        if history.results():
            assert bench.read("RESULT", "tag") == history.count("pop") % 256, where


@pytest.mark.parametrize("seed", range(4))
def test_random_sparse_queries_are_spoiled_exactly_by_what_was_refused(seed):
    """Whole queries, some entries of which are refused; each is loaded or refused whole."""
    rng = random.Random(seed)
    bench = Bench()
    bench.write("CONFIG", 0)
    for number in range(100):
        spoiled, open_ = False, True
        block = 0
        while open_:
            last = block == 2
            kind = rng.random()
            if kind < .1:
                assert bench.try_write("QUERY_ENTRY", 1 << 30 | last << 31)
                spoiled = True
                continue
            if kind < .2:
                while not bench.try_write("CONTROL", start=1):
                    pass
                assert bench.try_write("QUERY_ENTRY", block=block, weight=1, last=int(last))
                spoiled = True
                bench.model.settle()
                while not bench.try_write("CONTROL", pop=1):
                    bench.model.settle()
                continue
            bench.write("QUERY_ENTRY", block=block, index=rng.randrange(5), weight=1,
                        last=int(last))
            bench.model.settle()
            block += 1
            open_ = not last
        assert bench.read("STATUS", "loaded") == (not spoiled), f"seed {seed}, query {number}"
        assert ("bad_query" in bench.errors()) == spoiled, f"seed {seed}, query {number}"
        bench.write("ERRORS", 0x1FF)
