"""The cycle model: its constants, and lengths of whole runs by hand from its fields."""

import pytest

from blockfactor.config import LANES, CoreConfig
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.cycles import (
    TUPLE_DRAIN,
    merge_cycles,
    multiply_cycles,
    multiply_digit,
    timing,
)
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import Query, clean
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS


def small(factors: int, **changes) -> CoreConfig:
    """A core with codebooks of up to 8."""
    return CoreConfig(**{"factors": factors, "max_codevectors": 8, "list_size": 8,
                         "block_length": 16, "query_entries": 2} | changes)


def made(factors: int, size: int = 8):
    """Codebooks, and the clean query of the tuple (1, 1, ..)."""
    books = Codebooks.random((size,) * factors, 4, 16, seed=factors)
    return books, clean(encode(books, (1,) * factors))


@pytest.mark.parametrize("entries, weight_bits, step", [(8, 4, 13), (2, 2, 13), (1, 4, 12),
                                                        (8, 1, 12), (1, 1, 11)])
def test_step(entries, weight_bits, step):
    """A query of one entry a block or of one-bit weights leaves a pipeline stage out."""
    core = small(3, query_entries=entries, weight_bits=weight_bits)
    assert timing(core).step == step


@pytest.mark.parametrize("factors", [2, 3, 4])
def test_latencies_of_a_core(factors):
    """The verifier refers to a codevector of each factor, one a cycle; the rest is fixed."""
    times = timing(small(factors))
    assert times.verify == 5 + factors - 1
    assert times[1:5] == (3, 2, 13, 8) and times[6:] == (1, 2, 6, 6, 1)


@pytest.mark.parametrize("factors", [2, 3, 4])
@pytest.mark.parametrize("lanes, merge", list(zip(LANES, (0, 2, 3, 4))))
def test_lanes_delay_scores(factors, lanes, merge):
    """A pair's comparison a cycle and one for weights, of candidates; the rest is as before."""
    core = small(factors, lanes=lanes)
    one, times = timing(small(factors)), timing(core)
    assert merge_cycles(core) == merge
    assert times == one._replace(lanes=lanes, candidate=one.candidate + merge)


@pytest.mark.parametrize("factors", [2, 3, 4])
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("mode", ["join", "scan"])
def test_one_row(factors, lanes, mode):
    """All but the last factor are known: a cycle and a draw each, a row, the first of its lane."""
    core = small(factors, lanes=lanes)
    books, query = made(factors)
    known = [1] * (factors - 1) + [-1]
    result = Factorizer(core, books).run(query, RunParameters(sizes=books.sizes, known=known,
                                                              mode=mode, level=511))
    times = timing(core)
    outer, row = factors - 2, 1
    fetch = 2  # after the row has entered, before its first candidate's cycle
    chain = 8
    if mode == "join":
        chain = sum(vector[0] == books.indices[-1][1][0] for vector in books.indices[-1])
    assert (result.iterations, result.stop) == (chain, "complete")
    assert result.cycles == (times.join + 2 * (factors - 1) + outer + row + fetch + chain
                             + times.candidate)


@pytest.mark.parametrize("factors", [2, 3, 4])
@pytest.mark.parametrize("lanes", LANES)
def test_scan_takes_a_cycle_a_candidate_of_each_lane(factors, lanes):
    """The rows of the other factors come meanwhile; sizes are powers of two, drawn at once."""
    core = small(factors, lanes=lanes)
    books, query = made(factors)
    result = Factorizer(core, books).run(query, RunParameters(sizes=books.sizes, mode="scan",
                                                              level=511))
    times = timing(core)
    assert (result.iterations, result.stop) == (8**factors, "complete")
    assert result.cycles == (times.join + 2 * (factors - 1) + factors - 2 + 3
                             + 8**factors // lanes + times.candidate)


@pytest.mark.parametrize("core", [
    *(chosen.core for chosen in PRESETS.values()),
    *(small(factors, list_size=k, query_entries=e, weight_bits=w)
      for factors in (2, 3, 4) for k in (1, 8) for e in (1, 2) for w in (1, 4)),
    CoreConfig(factors=4, max_codevectors=1024, list_size=512),
    CoreConfig(factors=4, max_codevectors=1024, list_size=1024, query_entries=1, weight_bits=1),
])
def test_multiplier_is_in_time(core):
    """It takes the whole factor within a step's window, by the smallest digit that does."""
    window = timing(core).step - TUPLE_DRAIN
    bits = max(16, core.product_bits)
    digit, cycles = multiply_digit(core), multiply_cycles(core)
    assert cycles == timing(core).multiply <= window
    assert digit * cycles >= bits > digit * (cycles - 1)
    assert (digit - 1) * window < bits


@pytest.mark.parametrize("factors", [2, 3, 4])
@pytest.mark.parametrize("changes", [{"known": True}, {"max_iterations": 0}])
def test_verified_once(factors, changes):
    """Neither tuples nor look-ups: start, lists or multiplication, score."""
    books, query = made(factors)
    times = timing(small(factors))
    if "known" in changes:
        changes = {"known": (1,) * factors}
    result = Factorizer(small(factors), books).run(query, RunParameters(
        sizes=books.sizes, mode="factorize", **changes))
    assert result.cycles == (times.start + max(times.multiply, factors * times.load)
                             + times.verify + times.finish)


@pytest.mark.parametrize("factors", [2, 3, 4])
@pytest.mark.parametrize("entries, weight_bits", [(1, 1), (2, 1), (2, 4)])
@pytest.mark.parametrize("factor", [0, -1])
def test_one_unknown(factors, entries, weight_bits, factor):
    """One step of one tuple and the codebook's look-ups."""
    core = small(factors, query_entries=entries, weight_bits=weight_bits)
    books, query = made(factors)
    if entries == 2:  # an entry beside the true one in one block makes all blocks as deep
        (index, _), = query.entries[2]
        query = Query((*query.entries[:2], ((index, 1), ((index + 1) % 16, 1)), query.entries[3]))
    known = [1] * factors
    known[factor] = -1
    result = Factorizer(core, books).run(query, RunParameters(sizes=books.sizes, known=known,
                                                              mode="factorize"))
    times = timing(core)
    tuples, lookups = 1, 8 * query.depth
    assert query.depth == entries and result.indices == (1,) * factors
    assert result.cycles == (times.start + max(times.multiply, factors * times.load) + tuples
                             + lookups + times.step + times.verify + times.finish)


@pytest.mark.parametrize("factors", [2, 3, 4])
def test_first_iteration(factors):
    """A = 0 begins with whole codebooks, in order; the threshold keeps just the true codevector.

    So the first factor's tuples are those of all other codebooks, and each later factor has a
    one-entry list for those before it.
    """
    core = small(factors, blocks=8, block_length=512, tag_bits=8)
    books = Codebooks.random((8,) * factors, 8, 512, seed=factors)
    query = clean(encode(books, (1,) * factors))
    result, words = Factorizer(core, books).run(
        query, RunParameters(sizes=books.sizes, mode="factorize"), trace=True)
    times = timing(core)
    assert (result.iterations, result.stop, result.indices) == (1, "accepted", (1,) * factors)
    assert sum(words[:, 0] == 0) == factors  # entries
    loads = factors * times.load + 8 * (factors - 1)
    tuples = sum(8 ** (factors - 1 - f) for f in range(factors))
    assert result.cycles == (times.start + max(times.multiply, loads) + tuples
                             + factors * (8 + times.step) + times.verify + times.finish)


def test_a_step_lasts_as_long_as_its_walk():
    """A codebook of 17: the walk over 0..31 skips up to 15 values before it has 12."""
    core = small(2, blocks=1, block_length=2, max_codevectors=17, list_size=16)
    books = Codebooks([[[0]] * 17, [[0], [1]]], 2)
    times = timing(core)
    longer = 0
    for seed in range(1, 21):
        # Factor 1 is known and wrong: no codevector of factor 0 fits, so it is drawn.
        result = Factorizer(core, books).run(clean([0]), RunParameters(
            sizes=(17, 2), known=(-1, 1), mode="factorize", samples=12, seed=seed * 0x9E3779))
        state = result.seed
        visited = [(state + i * (state >> 5 | 1)) % 32 for i in range(32)]
        examined = [n for n, m in enumerate(visited) if m < 17][11] + 1
        step, walk = 1 + 17 + times.step, times.walk + examined
        longer += walk > step
        assert result.similarities == (0, 0) and result.stop == "complete"
        assert result.cycles == (times.start + max(times.multiply, 2 * times.load)
                                 + max(step, walk) + times.verify + times.finish), f"seed {seed}"
    assert 0 < longer < 20
