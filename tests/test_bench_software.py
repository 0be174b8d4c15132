"""bench/software.py: its searches find the best tuple, and the script gives its figures."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blockfactor.golden._jit import COMPILED
from blockfactor.golden.query import clean_batch, soft_batch

BENCH = Path(__file__).parents[1] / "bench"
SEEDS = range(4)
#: The hash function wraps as machine integers do, which plain Python warns of.
pytestmark = pytest.mark.skipif(not COMPILED, reason="bench/software.py needs compiled code")


@pytest.fixture(scope="module")
def searches():
    """The module bench/_searches.py, under the name that compiled code is kept for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module("_searches")


def _problem(seed, factors, size, blocks=4, length=128, margin=0.0, count=40):
    """Codes, true tuples and queries; the first and the last tuple are among them."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, length, (factors, size, blocks))
    truth = rng.integers(0, size, (count, factors))
    truth[0], truth[1] = 0, size - 1
    product = codes[np.arange(factors), truth].sum(axis=1) % length
    queries = soft_batch(product, length, margin, rng) if margin else clean_batch(product)
    return codes, truth, *(values.astype(np.int64) for values in queries)


def _search(searches, way, codes, length, index, weight, level, heads):
    build, search = searches.WAYS[way]
    return search(*build(codes, length), index, weight, level, heads)


def _scores(codes, length, index, weight):
    """Scores of all tuples, [n, M**F], by the definition."""
    bound = codes[0]
    for book in codes[1:]:
        bound = (bound[:, None] + book).reshape(-1, codes.shape[2]) % length
    table = np.zeros((len(index), codes.shape[2], length), dtype=np.int64)
    n, b = np.indices(index.shape[:2])
    for e in range(index.shape[2]):
        table[n, b, index[:, :, e]] += weight[:, :, e]
    return table[:, np.arange(codes.shape[2]), bound].sum(axis=2)


def _number(found, size):
    return np.ravel_multi_index(found.T, (size,) * found.shape[1])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", ["table", "middle", "scan", "join"])
@pytest.mark.parametrize("factors, size, blocks, length",
                         [(2, 1, 4, 128), (2, 60, 4, 128), (3, 13, 8, 64), (4, 5, 3, 256)])
def test_clean_queries_are_answered(searches, way, factors, size, blocks, length, seed):
    """Every tuple binds to its query, the first and the last one too."""
    codes, truth, index, weight = _problem(seed, factors, size, blocks, length)
    found = _search(searches, way, codes, length, index, weight, 256, 1)
    bound = codes[np.arange(factors), found].sum(axis=1) % length
    assert (bound == index[:, :, 0]).all(), f"seed {seed}"
    assert (found == truth).all(axis=1).mean() > .9, f"seed {seed}"


@pytest.mark.parametrize("way", ["table", "middle"])
def test_a_product_that_is_not_there_is_not_found(searches, way):
    """Middle says -1; table goes on with join, whose answer does not bind to the query."""
    codes, _, index, weight = _problem(7, 3, 9)
    for n in range(len(index)):
        while (_scores(codes, 128, index[n:n + 1], weight[n:n + 1]) == 4).any():
            index[n] = (index[n] + [[1], [5], [9], [2]]) % 128
    found = _search(searches, way, codes, 128, index, weight, 256, 1)
    if way == "middle":
        assert (found == -1).all()
    else:
        assert (found == _search(searches, "join", codes, 128, index, weight, 256, 1)).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factors, size, blocks, margin", [(2, 40, 4, 4.0), (3, 11, 8, 3.0)])
def test_scan_is_exhaustive(searches, factors, size, blocks, margin, seed):
    """The best score where nothing is accepted, the first accepted tuple otherwise."""
    length = 512 // blocks
    codes, _, index, weight = _problem(seed, factors, size, blocks, length, margin)
    scores = _scores(codes, length, index, weight)
    every = np.arange(len(index))
    number = _number(_search(searches, "scan", codes, length, index, weight, 511, 2), size)
    assert (number == scores.argmax(axis=1)).all(), f"seed {seed}"
    accepted = 256 * scores >= 205 * weight.max(axis=2).sum(axis=1)[:, None]
    number = _number(_search(searches, "scan", codes, length, index, weight, 205, 2), size)
    some = accepted.any(axis=1)
    assert some.any(), f"seed {seed}"
    assert (number[some] == accepted.argmax(axis=1)[some]).all(), f"seed {seed}"
    assert (scores[every, number][~some] == scores.max(axis=1)[~some]).all(), f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_join_looks_up_in_the_sharpest_blocks(searches, seed):
    """The best tuple among those that have a peak in one of the two blocks."""
    codes, _, index, weight = _problem(seed, 3, 11, 8, 64, 2.5)
    lead = weight[:, :, 0] - weight[:, :, 1]
    order = np.sort(lead, axis=1)
    plain = order[:, -2] > order[:, -3]  # which two blocks is not a matter of taste
    assert plain.any(), f"seed {seed}"
    chosen = np.argsort(-lead, axis=1)[:, :2]
    bound = (codes[0][:, None, None] + codes[1][:, None] + codes[2]).reshape(-1, 8) % 64
    scores = _scores(codes, 64, index, weight)
    number = _number(_search(searches, "join", codes, 64, index, weight, 511, 2), 11)
    for n in np.flatnonzero(plain):
        hit = (bound[:, chosen[n]] == index[n, chosen[n], 0]).any(axis=1)
        if hit.any():
            assert hit[number[n]] and scores[n, number[n]] == scores[n, hit].max(), \
                f"seed {seed}, query {n}"


@pytest.mark.parametrize("seed", SEEDS)
def test_table_probes_by_score(searches, seed):
    """Of the accepted tuples the best one, though the peaks are no product; else join's."""
    codes, _, index, weight = _problem(seed, 3, 20, 4, 128, 4.0, 150)
    assert (np.diff(weight, axis=2) <= 0).all(), f"entries are not by weight, seed {seed}"
    scores = _scores(codes, 128, index, weight)
    # A tuple that misses an entry in some block scores nothing there, and is no product to probe.
    bound = (codes[0][:, None, None] + codes[1][:, None] + codes[2]).reshape(-1, 4) % 128
    whole = ((bound[None, :, :, None] == index[:, None]) & (weight[:, None] > 0)).any(axis=3)
    scores = np.where(whole.all(axis=2), scores, -1)
    smax = weight[:, :, 0].sum(axis=1)
    build, search = searches.WAYS["table"]
    built = build(codes, 128)
    number = _number(search(*built, index, weight, 205, 2), 20)
    some = (256 * scores >= 205 * smax[:, None]).any(axis=1)
    assert (scores[some].max(axis=1) < smax[some]).any(), f"seed {seed}"
    best = scores.max(axis=1)
    # Without members in its index, join finds nothing: what is found now is found by probing.
    empty = [np.zeros_like(part) if part is built[5] else part for part in built]
    probed = _number(search(*empty, index, weight, 205, 2), 20)
    for found in (number, probed):
        assert (scores[np.arange(150), found][some] == best[some]).all(), f"seed {seed}"
    join = _number(_search(searches, "join", codes, 128, index, weight, 205, 2), 20)
    assert (number[~some] == join[~some]).all(), f"seed {seed}"


def _run(*arguments):
    return subprocess.run([sys.executable, BENCH / "software.py", *map(str, arguments)],
                          capture_output=True, text=True)


def test_figures(tmp_path):
    """Every case, every way; the core's times are its cycles divided by the clock."""
    done = _run("--queries", 3, "--sets", 2, "--mhz", 25, 100, "--json", tmp_path / "rows.json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["problem"] for row in rows[::4]] == ["clean, F=3 M=10 B=4", "clean, F=2 M=1155 B=4"]
    assert len(rows) == 8
    for row in rows:
        assert row["problem"] in done.stdout
        for way in row["ways"].values():
            assert 0 < way["range"][0] <= way["us"] <= way["range"][1], row["problem"]
            assert 0 <= way["right"] <= 1, row["problem"]
        for core in row["core"].values():
            assert core["us"]["25"] == pytest.approx(core["cycles"] / 25), row["problem"]
            assert core["us"]["100"] == pytest.approx(core["cycles"] / 100), row["problem"]
        best = row["ways"][row["best"]]["us"]
        assert row["ratio"]["25"] == pytest.approx(row["core"]["join"]["us"]["25"] / best)
    assert [row["wrong"] for row in rows] == [[]] * 8


@pytest.mark.parametrize("arguments, message", [
    (("--queries", 0), "0 is not at least 1"),
    (("--sets", "many"), "'many' is not an integer"),
    (("--mhz", 30, -80), "-80 is not at least 1"),
    (("--mhz",), "expected at least one argument"),
    (("--lanes", 3), "invalid choice: 3"),
    (("--seed", -1), "-1 is not at least 0"),
    (("--json", "no/such/folder/rows.json"), "does not exist"),
])
def test_wrong_arguments_are_refused(arguments, message):
    """Before any work, in one line."""
    done = _run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
