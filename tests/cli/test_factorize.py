"""``blockfactor factorize``: queries on a device, here the golden model in its place."""

import json

import numpy as np
import pytest

from blockfactor.drivers.device import Device
from blockfactor.golden.codebook import Codebooks, product
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import clean_batch
from blockfactor.golden.query_set import QuerySet
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

BOOK = Codebooks.random((22, 22, 22), 4, 128, 1)
TRUTH = np.random.default_rng(3).integers(0, 22, (5, 3))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with codebooks and queries."""
    monkeypatch.chdir(tmp_path)
    BOOK.save("book.npz")
    queries = clean_batch(product(BOOK, TRUTH))
    QuerySet(*queries, TRUTH).save("queries.npz")
    QuerySet(*queries).save("unknown.npz")
    return tmp_path


def runs(name="out.json") -> list[dict]:
    with open(name, encoding="utf-8") as stream:
        return json.load(stream)["runs"]


def test_queries_of_a_file(here, command):
    done = command("factorize", "--port", "golden", "--codebook", "book.npz", "--queries",
                   "queries.npz", "--json", "out.json", "--verify", "read")
    assert (done.status, done.err.strip()) == (0, "")
    assert "5 queries on the device 'demo' at golden" in done.out
    assert "5 of 5 true tuples found" in done.out
    model = Factorizer(preset("demo").core, BOOK)
    parameters = preset("demo").clean
    rows = runs()
    assert [row["number"] for row in rows] == [row["tag"] for row in rows] == list(range(5))
    for row, query, truth in zip(rows, QuerySet.load("queries.npz"), TRUTH.tolist()):
        want = json.loads(json.dumps(model.run(query, parameters).to_table()))
        assert {name: row[name] for name in want} == want
        assert row["truth"] == row["indices"] == truth
        assert row["difference"] is None


def test_parameters_count_and_unknown_truth(here, command):
    parameters = RunParameters(sizes=(22, 22, 20), mode="factorize", threshold=200, samples=9)
    parameters.save("run.toml")
    done = command("factorize", "--port", "golden", "--codebook", "book.npz", "--queries",
                   "unknown.npz", "--count", 3, "--params", "run.toml", "--mode", "scan",
                   "--json", "out.json", "--no-check", "--verify", "none")
    assert done.status == 0
    assert "true tuples found" not in done.out and "equal" not in done.out
    model = Factorizer(preset("demo").core, BOOK)
    for row, query in zip(runs(), list(QuerySet.load("unknown.npz"))[:3], strict=True):
        assert row["crc"] == model.run(query, parameters.replace(mode="scan")).crc
    with open("out.json", encoding="utf-8") as stream:
        content = json.load(stream)
    assert content["checked"] is False
    assert RunParameters.from_table(content["parameters"]) == parameters.replace(mode="scan")


@pytest.mark.parametrize("kind", ["clean", "soft", "damaged"])
@pytest.mark.parametrize("name", ["demo", "odd", "join"])
def test_queries_made(kind, name, here, command):
    line = ["factorize", "--port", "golden", "--preset", name, "--kind", kind, "--count", 25,
            "--seed", 7]
    done = command(*line, "--json", "out.json")
    assert (done.status, done.err.strip()) == (0, "")
    rows = runs()
    right = sum(row["truth"] == row["indices"] for row in rows)
    assert f"{right} of 25 true tuples found" in done.out
    assert "and 5 more (--json writes them to a file)" in done.out
    assert right == 25 or kind != "clean"
    assert command(*line, "--json", "again.json") == done
    assert runs("again.json") == rows
    assert {row["kind"] for row in rows} == {kind}


def test_several_products(here, command):
    """Each query has a row for every product; one that is found at all counts once."""
    RunParameters(sizes=(22,) * 3, mode="join", products=2).save("two.toml")
    done = command("factorize", "--port", "golden", "--set", "products=2", "--params", "two.toml",
                   "--count", 9, "--json", "out.json")
    assert done.status == 0 and "9 of 9 true tuples found" in done.out
    rows = runs()
    assert [(row["number"], row["product"]) for row in rows] == [
        (number, product) for number in range(9) for product in range(2)]
    assert all(row["truth"] == row["indices"] for row in rows[::2])
    # A clean query of one product leaves nothing.
    assert {(row["stop"], row["smax"]) for row in rows[1::2]} == {("complete", 0)}
    assert "8.1" in done.out


def test_a_changed_core(here, command):
    done = command("factorize", "--port", "golden", "--set", "query_entries=1", "--set",
                   "weight_bits=1", "--count", 3)
    assert done.status == 0 and "3 of 3 true tuples found" in done.out


def test_differences_are_a_finding(here, command, monkeypatch):
    result = Device.result

    def wrong(self, timeout=None):
        found = result(self, timeout)
        object.__setattr__(found, "crc", found.crc ^ (self._next_tag == 4))
        return found

    monkeypatch.setattr(Device, "result", wrong)
    line = ["factorize", "--port", "golden", "--count", 5, "--json", "out.json"]
    done = command(*line)
    assert done.status == 1
    assert "query 2 differs from the golden model: crc is " in done.out
    assert [row["difference"] is not None for row in runs()] == [False, False, True, False, False]
    assert command(*line, "--no-check").status == 0


@pytest.mark.parametrize(("line", "message"), [
    ("--port golden --preset nosuch", "no preset 'nosuch'; presets are demo, "),
    ("--port golden --queries queries.npz",
     "--queries needs --codebook: queries mean nothing without one"),
    ("--port golden --preset odd --codebook book.npz",
     "book.npz: codebooks have blocks 4, the core has 5 (preset odd)"),
    ("--port golden --preset paper --queries soft.npz --codebook book.npz",
     "soft.npz, query 1: query, block 0: 2 entries are outside 0..1"),
    ("--port golden --queries empty.npz --codebook book.npz",
     "empty.npz, query 0: query is empty: no block has an entry"),
    ("--port golden --params nosuch.toml", "nosuch.toml: "),
    ("--port golden --preset tiny --mode join", "mode 'join' is not one of factorize"),
    ("--port golden --params large.toml", "sizes[0] 33 is outside 1..32"),
    ("--port golden --params large.toml --set max_codevectors=64 --codebook book.npz",
     "codebook 0 has 22 codevectors, sizes[0] 33 asks for more"),
    ("--port golden --set factors=9", "factors 9 is outside 2..4"),
    ("--port golden --json nosuch/out.json", "nosuch/out.json: directory nosuch does not exist"),
    ("--port golden --kind wrong", "argument --kind: 'wrong' is not one of clean, soft, damaged"),
    ("--port golden --verify sum", "argument --verify: 'sum' is not one of crc, read, none"),
    ("--port golden --count 0", "argument --count: 0 is outside 1..1000000"),
    ("--port golden --baud 1", "argument --baud: 1 is outside 300..10000000"),
    ("--port golden --timeout x", "argument --timeout: 'x' is not a number in 0..1e+06"),
    ("--port golden --wrong-blocks 5 --kind damaged", "wrong_blocks 5 is outside 0..4"),
    ("--port golden --bus spi", "--bus spi does not go with --port golden: only simulated "),
    ("--port sim --baud 9600", "--baud 9600 does not go with --bus native: only uart has such "),
    ("--port sim --bus i2c",
     "argument --bus: 'i2c' is not one of native, spi, uart, wishbone, apb, axi4lite"),
    ("--port sim --bus uart --baud 7000000", "baud 7000000 is outside 1..3000000"),
    ("", "the following arguments are required: --port"),
])
def test_wrong_arguments(line, message, here, command):
    queries = QuerySet.load("queries.npz")
    QuerySet(np.stack([queries.index[:2, :, 0], queries.index[:2, :, 0] ^ 1], 2),
             np.array([[[1, 0]] * 4, [[1, 1]] * 4])).save("soft.npz")
    QuerySet(queries.index, queries.weight * 0).save("empty.npz")
    RunParameters(sizes=(33, 22, 22)).save("large.toml")
    done = command("factorize", *line.split())
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("blockfactor: error: ") and done.err.count("\n") == 1
    assert message in done.err


def test_a_serial_port_that_is_not_there(here, command):
    pytest.importorskip("serial", reason="pyserial is not installed")
    done = command("factorize", "--port", "/dev/nosuchport")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("blockfactor: error: port /dev/nosuchport: cannot be opened: ")


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
def test_simulated_hardware(here, command):
    line = ["factorize", "--port", "sim", "--preset", "demo", "--count", 20]
    done = command(*line, "--json", "sim.json")
    assert (done.status, done.err.strip()) == (0, "")
    assert "20 of 20 true tuples found" in done.out and done.out.count(" equal ") == 20
    assert " ms of the device's time at 12 MHz, from opening to the last result\n" in done.out
    assert command(*line, "--json", "again.json") == done
    line[2] = "golden"
    assert command(*line, "--json", "golden.json").status == 0
    assert runs("sim.json") == runs("again.json") == runs("golden.json")
