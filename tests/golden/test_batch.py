"""Many runs in one loop give what single runs give; arrays that do not fit are refused."""

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.errors import CodebookError, ParameterError, QueryError
from blockfactor.golden import query
from blockfactor.golden.batch import Batch, factorize_many
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.result import STOPS
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS

SMALL = CoreConfig(max_codevectors=8, list_size=8, block_length=16, query_entries=2)
PLAIN = RunParameters(sizes=(8, 7, 6), mode="factorize", threshold=400, samples=4,
                      max_iterations=40)


def padded(books: Codebooks, size: int) -> np.ndarray:
    """Codebooks as [F, size, B]; what is past a factor's size is not to be read."""
    code = np.full((books.factors, size, books.blocks), books.block_length - 1)
    for f, indices in enumerate(books.indices):
        code[f, :len(indices)] = indices
    return code


def compare(core, parameters, kind, count=4, seed=1, margin=4.0, shared=False) -> set:
    """The same runs one by one and as a batch; returns why they stopped."""
    rng = np.random.default_rng(seed)
    books = [Codebooks.random(parameters.sizes, core.blocks, core.block_length, rng)
             for _ in range(1 if shared else count)]
    made = []
    for n in range(count):
        product = encode(books[n % len(books)], [int(rng.integers(s)) for s in parameters.sizes])
        made.append(query.clean(product) if kind == "clean" else query.soft(
            product, core.block_length, margin, rng, core.query_entries, core.weight_bits))
    arrays = [one.arrays(core.query_entries) for one in made]
    seeds = rng.integers(0, 2**32, count)
    seeds[0] = 0
    batch = factorize_many(core, np.array([padded(book, max(parameters.sizes)) for book in books]),
                           np.array([index for index, _ in arrays]),
                           np.array([weight for _, weight in arrays]), parameters, seeds)
    for n in range(count):
        result = Factorizer(core, books[n % len(books)]).run(
            made[n], parameters.replace(seed=int(seeds[n])))
        got = {name: getattr(batch, name)[n].tolist() for name in Batch._fields}
        want = {name: getattr(result, name) for name in Batch._fields}
        want |= {"indices": list(want["indices"]), "similarities": list(want["similarities"]),
                 "stop": STOPS.index(result.stop)}
        assert got == want, f"seed {seed}, run {n}"
    return {STOPS[code] for code in batch.stop}


@pytest.mark.parametrize("kind", ["clean", "soft"])
@pytest.mark.parametrize("name", PRESETS)
def test_presets(name, kind):
    preset = PRESETS[name]
    compare(preset.core, preset.parameters(kind), kind, margin=preset.margin)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("changes", [
    {}, {"rule": "sum"}, {"trim": 2, "level": 128}, {"known": (-1, 2, -1)}, {"samples": 0},
    {"max_iterations": 0}, {"level": 511, "max_iterations": 7}, {"level": 200},
    {"mode": "scan"}, {"mode": "scan", "max_tuples": 100, "level": 511},
    {"mode": "scan", "known": (3, -1, -1)}, {"mode": "join"}, {"mode": "auto", "heads": 2},
    {"mode": "join", "heads": 2, "level": 511, "max_tuples": 9},
    {"mode": "join", "known": (-1, 2, 5)},
])
def test_parameters(changes, shared):
    for kind in ("clean", "soft"):
        compare(SMALL, PLAIN.replace(**changes), kind, count=12, shared=shared, margin=3.0)


@pytest.mark.parametrize("mode", ["factorize", "join", "scan"])
@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_lanes(mode, lanes):
    """Of runs that end with the first match and of runs that go on."""
    for level in (200, 511):
        compare(SMALL.replace(lanes=lanes), PLAIN.replace(mode=mode, heads=2, level=level), "soft",
                count=12, margin=3.0)


def test_runs_of_a_batch_stop_for_reasons_of_their_own():
    """And one after another leave each other alone."""
    assert compare(SMALL, PLAIN.replace(max_iterations=2), "soft", count=30) == \
        {"accepted", "limit"}


def arguments() -> dict:
    """Arguments that are accepted, for 3 queries."""
    rng = np.random.default_rng(4)
    index = rng.permuted(np.tile(np.arange(16), (3, 4, 1)), axis=2)[:, :, :2]
    return {"config": SMALL, "codes": rng.integers(0, 16, (3, 3, 8, 4)), "index": index,
            "weight": np.ones_like(index), "parameters": PLAIN, "seeds": np.arange(3)}


def changed(name, place, value):
    """One element of an argument changed."""
    array = arguments()[name].copy()
    array[place] = value
    return {name: array}


REFUSED = {
    "parameters": (ParameterError, "sizes [8, 7] has 2 entries, the core has 3 factors",
                   lambda: {"parameters": PLAIN.replace(sizes=(8, 7), known=())}),
    "trim": (ParameterError, "trim 4 is outside 0..3",
             lambda: {"parameters": PLAIN.replace(trim=4)}),
    "index axes": (QueryError, "index has shape (3, 4), weight (3, 4), must both be [n, 4, s]",
                   lambda: {n: arguments()[n][:, :, 0] for n in ("index", "weight")}),
    "weight shape": (QueryError,
                     "index has shape (3, 4, 2), weight (3, 4, 1), must both be [n, 4, s]",
                     lambda: {"weight": arguments()["weight"][:, :, :1]}),
    "blocks": (QueryError, "index has shape (3, 3, 2), weight (3, 3, 2), must both be [n, 4, s]",
               lambda: {n: arguments()[n][:, :3] for n in ("index", "weight")}),
    "entries": (QueryError, "queries have 3 entries a block, the core takes 1..2",
                lambda: {n: arguments()[n][:, :, [0, 1, 0]] for n in ("index", "weight")}),
    "codes axes": (CodebookError, "codes have shape (3, 8, 4), must be [3 or 1, 3, M, 4]",
                   lambda: {"codes": arguments()["codes"][0]}),
    "codes count": (CodebookError, "codes have shape (2, 3, 8, 4), must be [3 or 1, 3, M, 4]",
                    lambda: {"codes": arguments()["codes"][:2]}),
    "codes factors": (CodebookError, "codes have shape (3, 2, 8, 4), must be [3 or 1, 3, M, 4]",
                      lambda: {"codes": arguments()["codes"][:, :2]}),
    "codes blocks": (CodebookError, "codes have shape (3, 3, 8, 3), must be [3 or 1, 3, M, 4]",
                     lambda: {"codes": arguments()["codes"][:, :, :, :3]}),
    "codes size": (CodebookError,
                   "codes have 7 codevectors a factor, sizes [8, 7, 6] ask for more",
                   lambda: {"codes": arguments()["codes"][:, :, :7]}),
    "seeds count": (ParameterError, "4 seeds for 3 queries", lambda: {"seeds": np.arange(4)}),
    "codes high": (CodebookError, "codes: 16 is outside 0..15",
                   lambda: changed("codes", (2, 1, 5, 3), 16)),
    "codes low": (CodebookError, "codes: -1 is outside 0..15",
                  lambda: changed("codes", (0, 2, 7, 0), -1)),
    "index high": (QueryError, "index: 16 is outside 0..15",
                   lambda: changed("index", (1, 2, 1), 16)),
    "index low": (QueryError, "index: -2 is outside 0..15",
                  lambda: changed("index", (1, 2, 1), -2)),
    "weight high": (QueryError, "weight: 16 is outside 0..15",
                    lambda: changed("weight", (2, 3, 1), 16)),
    "weight low": (QueryError, "weight: -1 is outside 0..15",
                   lambda: changed("weight", (2, 3, 1), -1)),
    "seed high": (ParameterError, "seeds: 4294967296 is outside 0..4294967295",
                  lambda: changed("seeds", 1, 2**32)),
    "seed low": (ParameterError, "seeds: -1 is outside 0..4294967295",
                 lambda: changed("seeds", 1, -1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    error, message, changes = REFUSED[name]
    with pytest.raises(error) as caught:
        factorize_many(**arguments() | changes())
    assert str(caught.value) == message


@pytest.mark.parametrize("changes", [
    lambda: {}, lambda: changed("codes", (2, 1, 5, 3), 15), lambda: changed("seeds", 1, 2**32 - 1),
    lambda: changed("weight", (2, 3, 1), 15), lambda: {"codes": arguments()["codes"][:1]},
    lambda: {n: arguments()[n][:, :, :1] for n in ("index", "weight")},
])
def test_what_fits_just_so_is_not(changes):
    assert len(factorize_many(**arguments() | changes()).score) == 3


def test_no_runs():
    empty = {name: arguments()[name][:0] for name in ("codes", "index", "weight", "seeds")}
    batch = factorize_many(**arguments() | empty)
    assert batch.indices.shape == batch.similarities.shape == (0, 3) and batch.crc.shape == (0,)


def test_narrow_integers_are_taken():
    """Types of other packages' arrays do not matter."""
    plain = factorize_many(**arguments())
    narrow = {name: arguments()[name].astype(np.uint8) for name in ("codes", "index", "weight")}
    for a, b in zip(plain, factorize_many(**arguments() | narrow)):
        assert a.tolist() == b.tolist()
