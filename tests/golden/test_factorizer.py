"""The golden model of one core: how runs end, what they return, what is refused.

Whole runs are compared with a second model in test_factorize.py.
"""

import json
import os
import subprocess
import sys
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.errors import CodebookError, ParameterError, QueryError
from blockfactor.golden import query
from blockfactor.golden._jit import COMPILED
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import Query
from blockfactor.golden.trace import DRAW, SCORE, STEP, steps
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS

SMALL = CoreConfig(max_codevectors=8, list_size=8, block_length=16, query_entries=2)
BOOKS = Codebooks.random((8, 8, 8), 4, 16, seed=1)
PLAIN = RunParameters(sizes=(8, 8, 8), mode="factorize", threshold=400, samples=4)

#: Runs of each preset, clean, in test_sums_of_many_runs: iterations, cycles, right tuples.
#: A tripwire: they change only along with a deliberate change of the model.
SUMS = {
    "demo": (610, 241478, 200),
    "tiny": (3088, 1375727, 200),
    "paper": (24830, 16208485, 200),
    "join": (94355, 255764, 200),
    "fast": (1036137, 322785, 200),
    "both": (623, 243158, 200),
    "full": (3088, 1375727, 200),
    "f2": (3657, 9118307, 198),
    "f4": (2755, 1324892, 200),
    "robust": (1690, 866296, 200),
    "odd": (908, 193559, 200),
}


def run(parameters, truth=(2, 3, 4)):
    """Result of a clean query over SMALL, and the trace's kinds and values."""
    result, words = Factorizer(SMALL, BOOKS).run(query.clean(encode(BOOKS, truth)), parameters,
                                                 trace=True)
    return result, words[:, 0].tolist(), words[:, 1].tolist()


@pytest.mark.parametrize("mode", ["factorize", "join", "scan"])
def test_clean_queries_are_factorized(mode):
    for seed in range(20):
        truth = tuple(np.random.default_rng(seed).integers(0, 8, 3).tolist())
        result, _, _ = run(PLAIN.replace(mode=mode, seed=seed), truth)
        assert (result.indices, result.stop) == (truth, "accepted"), f"seed {seed}"
        assert result.score == result.smax == 4 and result.runner_up < 4


@pytest.mark.parametrize("truth, stop", [((0, 0, 0), "accepted"), ((0, 0, 1), "limit")])
def test_a_limit_of_none_verifies_once(truth, stop):
    result, kinds, values = run(PLAIN.replace(max_iterations=0), truth)
    assert kinds == [SCORE] and values == [result.score]
    assert (result.indices, result.stop, result.iterations) == ((0, 0, 0), stop, 0)
    assert (result.score == result.smax) == (stop == "accepted")
    assert result.similarities == (0, 0, 0) and result.runner_up == 0


@pytest.mark.parametrize("known, stop", [((2, 3, 4), "accepted"), ((2, 3, 5), "complete")])
def test_all_factors_known(known, stop):
    result, kinds, _ = run(PLAIN.replace(known=known))
    assert kinds == [SCORE]
    assert (result.indices, result.stop, result.iterations) == (known, stop, 0)


@pytest.mark.parametrize("factor", [0, 1, 2])
def test_one_unknown_factor_takes_one_step(factor):
    known = [2, 3, 4]
    known[factor] = -1
    for level, stop in ((256, "accepted"), (511, "complete")):
        result, kinds, _ = run(PLAIN.replace(known=known, level=level))
        assert (result.indices, result.stop, result.iterations) == ((2, 3, 4), stop, 1)
        assert kinds.count(STEP) == (4 if SMALL.similarity_bits > 16 else 3)
        assert kinds.count(SCORE) == 1 and kinds.count(DRAW) == 0
        # One tuple of weight 1 a histogram: the similarity is that of the query itself.
        assert [s > 0 for s in result.similarities] == [f == factor for f in range(3)]


@pytest.mark.parametrize("known", [(2, -1, -1), (-1, 3, -1), (-1, -1, 4), (7, -1, -1)])
def test_known_factors_stay_as_given(known):
    for seed in range(10):
        result, _, _ = run(PLAIN.replace(known=known, seed=seed, max_iterations=20))
        held = [(k, got) for k, got in zip(known, result.indices) if k >= 0]
        assert all(k == got for k, got in held)
        assert (result.stop == "accepted") == (7 not in known), f"seed {seed}"
        assert all((k < 0) or s == 0 for k, s in zip(known, result.similarities))


@pytest.mark.parametrize("limit", [1, 2, 3, 17, 400])
def test_limit_is_exact(limit):
    result, kinds, _ = run(PLAIN.replace(level=511, max_iterations=limit))
    assert (result.stop, result.iterations) == ("limit", limit)
    assert kinds.count(SCORE) == 3 * limit - 2
    if limit == 400:
        assert (result.indices, result.score) == ((2, 3, 4), 4)


def test_stalls_resample():
    """Without a better score for ``patience`` iterations all factors but the first are drawn.

    With the sum rule and a threshold of 0 something is always above, so nothing else is drawn.
    """
    stalls = 0
    for seed in range(10):
        result, kinds, values = run(PLAIN.replace(
            threshold=0, rule="sum", level=511, max_iterations=60, seed=seed,
            patience=seed % 4 + 1))
        read = steps(zip(kinds, values), SMALL.similarity_bits > 16)
        updates = [step for step in read if "factor" in step]
        assert result.iterations == 60 and len(updates) == 180
        assert not any(step["sampled"] for step in updates)
        drawn = [sum("factor" in before for before in read[:n])
                 for n, step in enumerate(read) if "factor" not in step]
        scores = [step.get("score", -1) for step in updates]
        # A step's score counts for the step after it.
        better = [n > 0 and scores[n - 1] > max(scores[:n - 1], default=-1)
                  for n in range(len(updates))]
        expected, quiet = [0], 0
        for n in range(0, 177, 3):  # the limit ends the run before a stall would
            quiet = 0 if any(better[n:n + 3]) else quiet + 1
            if quiet == seed % 4 + 1:
                expected.append(n + 3)
                quiet = 0
        assert drawn == [n for n in expected for _ in range(2)], f"seed {seed}"
        assert kinds.count(DRAW) == 2 * len(drawn)
        stalls += len(expected) - 1
    assert stalls > 100


def test_seed_0_is_seed_1():
    plain = PLAIN.replace(level=511, max_iterations=9)
    assert run(plain.replace(seed=0)) == run(plain.replace(seed=1))
    assert run(plain.replace(seed=0))[0].seed == 1
    assert run(plain.replace(seed=2))[0].crc != run(plain.replace(seed=1))[0].crc


def test_a_seed_repeats_its_run():
    """Nothing is left over from one run to the next of the same model."""
    model = Factorizer(SMALL, BOOKS)
    made = query.clean(encode(BOOKS, (2, 3, 4)))
    first = model.run(made, PLAIN)
    model.run(query.clean(encode(BOOKS, (7, 7, 7))), PLAIN.replace(seed=9))
    assert model.run(made, PLAIN) == first


def test_other_codebooks_can_be_loaded():
    other = Codebooks.random((5, 8, 3), 4, 16, seed=2)
    model = Factorizer(SMALL, BOOKS)
    model.load(other)
    parameters = PLAIN.replace(sizes=(5, 8, 3))
    made = query.clean(encode(other, (4, 7, 2)))
    assert model.run(made, parameters) == Factorizer(SMALL, other).run(made, parameters)
    assert model.run(made, parameters).indices == (4, 7, 2)


@pytest.mark.parametrize("mode", ["factorize", "join", "scan"])
def test_the_smallest_core(mode):
    core = CoreConfig(factors=2, blocks=1, block_length=2, max_codevectors=1, list_size=1,
                      query_entries=1, weight_bits=1, histogram_bits=4)
    books = Codebooks([[[1]], [[0]]], 2)
    for index, stop in ((1, "accepted"), (0, "limit" if mode == "factorize" else "complete")):
        result = Factorizer(core, books).run(
            query.clean([index]), RunParameters(sizes=(1, 1), mode=mode, max_iterations=5))
        assert (result.indices, result.stop) == ((0, 0), stop)
        assert (result.score, result.smax, result.runner_up) == (index, 1, 0)
        # Join has no candidate for a query that the only tuple does not fit.
        assert result.iterations == (5 if stop == "limit" else mode == "scan" or index)


def test_trace_belongs_to_the_crc():
    model = Factorizer(SMALL, BOOKS)
    made = query.clean(encode(BOOKS, (2, 3, 4)))
    for parameters in (PLAIN, PLAIN.replace(mode="scan"), PLAIN.replace(mode="join"),
                       PLAIN.replace(max_iterations=0)):
        result, words = model.run(made, parameters, trace=True)
        assert result == model.run(made, parameters)
        assert result.crc == zlib.crc32(words[:, 1].astype("<u2").tobytes())


@pytest.mark.parametrize("books, error, message", [
    (Codebooks.random((8, 8), 4, 16, seed=1), CodebookError,
     "codebook has factors 2, the core has 3"),
    (Codebooks.random((8, 8, 8), 5, 16, seed=1), CodebookError,
     "codebook has blocks 5, the core has 4"),
    (Codebooks.random((8, 8, 8), 4, 15, seed=1), CodebookError,
     "codebook has block_length 15, the core has 16"),
    (Codebooks.random((8, 9, 8), 4, 16, seed=1), CodebookError,
     "codebook 1, size 9 is outside 1..8"),
])
def test_codebooks_that_are_refused(books, error, message):
    model = Factorizer(SMALL, BOOKS)
    for refuse in (lambda: Factorizer(SMALL, books), lambda: model.load(books)):
        with pytest.raises(error) as caught:
            refuse()
        assert str(caught.value) == message
    assert model.codebooks is BOOKS


@pytest.mark.parametrize("changes, error, message", [
    ({"sizes": (6, 8, 8)}, CodebookError,
     "codebook 0 has 5 codevectors, sizes[0] 6 asks for more"),
    ({"sizes": (5, 9, 8)}, ParameterError, "sizes[1] 9 is outside 1..8"),
    ({"sizes": (5, 8), "known": ()}, ParameterError,
     "sizes [5, 8] has 2 entries, the core has 3 factors"),
    ({"sizes": (5, 8, 8), "trim": 4}, ParameterError, "trim 4 is outside 0..3"),
    ({"sizes": (5, 8, 8), "mode": "scan"}, ParameterError, "mode 'scan' is not one of factorize"),
])
def test_parameters_that_are_refused(changes, error, message):
    books = Codebooks.random((5, 8, 8), 4, 16, seed=1)
    model = Factorizer(SMALL.replace(engines=("factorize",)), books)
    parameters = PLAIN.replace(**changes)
    for refuse in (lambda: model.check(parameters),
                   lambda: model.run(query.clean([0] * 4), parameters)):
        with pytest.raises(error) as caught:
            refuse()
        assert str(caught.value) == message


ENTRY = ((1, 1),)


@pytest.mark.parametrize("entries, message", [
    (((), (), (), ()), "query is empty: no block has an entry"),
    ((ENTRY,) * 3, "query has 3 blocks, the core has 4"),
    ((ENTRY, ENTRY, ((1, 1), (2, 1), (3, 1)), ENTRY),
     "query, block 2: 3 entries are outside 0..2"),
    ((ENTRY, ((16, 1),), ENTRY, ENTRY), "query, block 1: index 16 is outside 0..15"),
    ((ENTRY, ((3, 16),), ENTRY, ENTRY), "query, block 1, index 3: weight 16 is outside 1..15"),
    ((ENTRY, ((3, 0),), ENTRY, ENTRY), "query, block 1, index 3: weight 0 is outside 1..15"),
    ((((3, 1), (3, 2)), ENTRY, ENTRY, ENTRY),
     "query, block 0: index 3 occurs twice, allowed is once"),
])
def test_queries_that_are_refused(entries, message):
    with pytest.raises(QueryError) as caught:
        Factorizer(SMALL, BOOKS).run(Query(entries), PLAIN)
    assert str(caught.value) == message


def test_an_empty_block_is_allowed():
    made = Query((*query.clean(encode(BOOKS, (2, 3, 4))).entries[:3], ()))
    result = Factorizer(SMALL, BOOKS).run(made, PLAIN.replace(trim=1, max_iterations=50))
    assert result.smax == 3 and (result.indices, result.stop) == ((2, 3, 4), "accepted")


@pytest.mark.parametrize("name", PRESETS)
def test_sums_of_many_runs(name):
    """200 clean runs of every preset, a codebook for each; see SUMS."""
    core, parameters = PRESETS[name].core, PRESETS[name].clean
    rng = np.random.default_rng(5)
    codes = rng.integers(0, core.block_length,
                         (200, core.factors, max(parameters.sizes), core.blocks))
    truth = np.stack([rng.integers(0, size, 200) for size in parameters.sizes], axis=1)
    chosen = codes[np.arange(200)[:, None], np.arange(core.factors), truth]
    index = (chosen.sum(axis=1) % core.block_length)[:, :, None]
    seeds = rng.integers(1, 2**32, 200)
    batch = factorize_many(core, codes, index, np.ones_like(index), parameters, seeds)
    iterations, cycles, right = SUMS[name]
    assert batch.iterations.sum() == iterations
    assert (batch.indices == truth).all(axis=1).sum() == right
    assert batch.cycles.sum() == cycles


def varied_runs() -> list[dict]:
    """Results of a few short runs of both engines."""
    results = []
    soft = query.soft(encode(BOOKS, (5, 6, 7)), 16, 3.0, np.random.default_rng(2), 2)
    for made, changes in ((query.clean(encode(BOOKS, (2, 3, 4))), {}),
                          (soft, {"level": 511, "max_iterations": 20, "trim": 1}),
                          (soft, {"level": 511, "max_iterations": 20, "threshold": 3000}),
                          (soft, {"rule": "sum", "known": (-1, 6, -1)}),
                          (soft, {"samples": 0, "level": 511, "max_iterations": 20}),
                          (soft, {"mode": "scan"}), (soft, {"mode": "join"}),
                          (soft, {"mode": "scan", "level": 180, "known": (5, -1, -1)})):
        results.append(asdict(Factorizer(SMALL, BOOKS).run(made, PLAIN.replace(**changes))))
    for lanes in (2, 8):
        model = Factorizer(SMALL.replace(lanes=lanes), BOOKS)
        for changes in ({"mode": "scan", "max_tuples": 99}, {"mode": "join", "heads": 2}):
            results.append(asdict(model.run(soft, PLAIN.replace(level=511, **changes))))
    return results


def test_results_are_plain_integers():
    for result in varied_runs():
        values = [*result["indices"], *result["similarities"],
                  *(result[n] for n in ("score", "runner_up", "iterations", "cycles", "crc"))]
        assert all(type(value) is int for value in values)


@pytest.mark.skipif(not COMPILED, reason="numba is missing or disabled: nothing is compiled")
def test_plain_python_gives_the_same():
    """The fallback of golden/_jit.py against compiled code, both engines."""
    code = ("import json, sys; sys.path.insert(0, sys.argv[1]); import test_factorizer as t; "
            "print(json.dumps([t.COMPILED, t.varied_runs()]))")
    done = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent)],
                          env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    compiled, plain = json.loads(done.stdout)
    assert compiled is False
    assert plain == json.loads(json.dumps(varied_runs()))
    assert len({result["crc"] for result in plain}) == len(plain)
