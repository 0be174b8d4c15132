"""``blockfactor tune``: what it writes is what the other commands read."""

import json

import numpy as np
import pytest

from blockfactor.cli import make_parser, simulate
from blockfactor.golden.codebook import Codebooks, product
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import from_probabilities_batch, soft_probabilities
from blockfactor.golden.query_set import QuerySet
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset
from blockfactor.studies import tune_search

pytestmark = pytest.mark.needs_modules("numba")

SIZES = (6, 7, 8)
BOOK = Codebooks.random(SIZES, 4, 128, 1)
#: A search of a second.
QUICK = ("--trials", "64", "--fresh", "64")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with codebooks and labelled queries; searches are short."""
    monkeypatch.setattr(tune_search, "DESIGN", 16)
    monkeypatch.setattr(tune_search, "SOFT_DESIGN", 32)
    monkeypatch.setattr(tune_search, "STEPS", (1.,))
    monkeypatch.chdir(tmp_path)
    BOOK.save("book.npz")
    rng = np.random.default_rng(2)
    truth = rng.integers(0, SIZES, (100, 3))
    vectors = soft_probabilities(product(BOOK, truth), 128, 4., rng)
    np.savez("vectors.npz", vectors=vectors, truth=truth)
    QuerySet(*from_probabilities_batch(vectors, 4, 4), truth).save("queries.npz")
    np.savez("bare.npz", vectors=vectors)
    np.save("bare.npy", vectors)
    return tmp_path


@pytest.mark.parametrize("engine", ["factorize", "join", "auto"])
def test_file_is_taken_by_simulate(engine, here, command):
    """From labelled queries to parameters, and on to the workload of ``simulate --params``."""
    done = command("tune", "--codebook-file", "book.npz", "--query-file", "queries.npz",
                   "--engine", engine, "-o", "run.toml", "--seed", "3", *QUICK[:2])
    assert done.status == 0
    assert "queries of queries.npz, codebooks of book.npz of 6,7,8: 50 for the search, 50 fresh " \
        "ones" in done.out
    assert "the kind of their weights cannot be chosen" in done.out
    assert "run.toml: parameters of " in done.out
    core = preset("demo").core
    parameters = RunParameters.load("run.toml").check(core)
    assert parameters.mode == engine and parameters.sizes == SIZES
    args = make_parser().parse_args(
        ["simulate", "--codebook-file", "book.npz", "--query-file", "queries.npz", "--params",
         "run.toml"])
    work = simulate._workload(args, preset("demo"))
    model = Factorizer(core, BOOK)
    right = [model.run(item.query, item.parameters).indices == item.truth for item in work.items]
    assert len(right) == 100 and np.mean(right) > .9
    comments = [line for line in (here / "run.toml").read_text().splitlines() if line[:1] == "#"]
    assert comments[0].startswith("# blockfactor tune, mode ") and "right" in comments[1]


def test_dense_vectors(here, command):
    """Entries and kind of weights are said, and written for a core with a dense front-end."""
    done = command("tune", "--codebook-file", "book.npz", "--query-file", "vectors.npz", "--fresh",
                   "30", "--json", "-o", "run.toml", *QUICK[:2])
    found = json.loads(done.out)
    assert (found["search_problems"], found["fresh_problems"]) == (64, 30)
    best = found["modes"][0]
    assert best["weights"] in ("linear", "log") and best["entries"] in (1, 2, 4, 8)
    parameters = RunParameters.load("run.toml")
    assert parameters.dense_weights == best["weights"]
    assert parameters.to_table() == best["parameters"]
    assert best["fresh"]["problems"] == 30 == best["before"]["problems"]
    assert best["fresh"]["accuracy_low"] <= best["fresh"]["accuracy"]
    plain = command("tune", "--codebook-file", "book.npz", "--query-file", "vectors.npz", "--fresh",
                    "30", *QUICK[:2]).out
    assert f"at most {best['entries']} entries a block, {best['weights']} weights" in plain


def test_random_codebooks_and_clock(here, command):
    arguments = ("tune", "--sizes", "6,6,6", "--engine", "both", "--kind", "damaged",
                 "--wrong-blocks", "1", "--clock", "30000000", *QUICK)
    done = command(*arguments)
    assert done.status == 0
    assert "queries with 1 of 4 blocks wrong, random codebooks of 6,6,6: 64 for the search, 64 " \
        "fresh ones" in done.out
    assert "factorize: 64 fresh problems, 30 MHz" in done.out
    assert "join: 64 fresh problems, 30 MHz" in done.out and "preset demo" in done.out
    found = json.loads(command(*arguments, "--json").out)
    for mode in found["modes"]:
        assert mode["fresh"]["microseconds"] == pytest.approx(mode["fresh"]["cycles"] / 30)
    assert {m["mode"] for m in found["modes"]} == {"factorize", "join"}
    trims = {m["mode"]: m["parameters"]["trim"] for m in found["modes"]}
    assert trims["factorize"] > 0


def test_store(here, command):
    arguments = ("tune", "--sizes", "6,6,6", "--engine", "join", "--store", "store.json", *QUICK)
    first = command(*arguments)
    kept = (here / "store.json").read_bytes()
    assert command(*arguments) == first
    assert (here / "store.json").read_bytes() == kept
    other = command(*arguments, "--seed", "2")
    assert other.status == 2 and "store.json: holds runs of other problems" in other.err


@pytest.mark.parametrize(("given", "message"), [
    ("--query-file bare.npz --codebook-file book.npz", "bare.npz: has no array truth"),
    ("--query-file bare.npy --codebook-file book.npz", "bare.npy: has no room for the true"),
    ("--query-file missing.npz --codebook-file book.npz", "missing.npz: cannot be read: No such"),
    ("--query-file book.npz --codebook-file book.npz", "book.npz: not a file of queries"),
    ("--query-file vectors.npz --codebook-file book.npz --fresh 91", "fresh 91 is outside 1..90"),
    ("--query-file vectors.npz --codebook-file book.npz --preset f4", "book.npz: codebooks have"),
    ("--store nowhere/s.json", "nowhere/s.json: directory nowhere does not exist"),
    ("--store book.npz", "book.npz: not a store of tune"),
])
def test_refused_and_nothing_written(given, message, here, command):
    before = sorted(path.name for path in here.iterdir())
    done = command("tune", *given.split(), "-o", "run.toml")
    assert (done.status, done.out) == (2, "")
    assert message in done.err and done.err.count("\n") == 1
    assert sorted(path.name for path in here.iterdir()) == before
