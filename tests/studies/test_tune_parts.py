"""Problems, choices, ranks and figures of a search, each by itself."""

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.errors import QueryError, StudyError
from blockfactor.golden.codebook import Codebooks, product
from blockfactor.golden.query import (
    Query,
    clean_batch,
    from_probabilities_batch,
    soft_probabilities,
)
from blockfactor.golden.query_set import QuerySet
from blockfactor.parameters import RunParameters
from blockfactor.studies.tune_problems import BLOCK, Runs, Source
from blockfactor.studies.tune_runs import Runner, figures, order, paired, wilson
from blockfactor.studies.tune_search import Goal, _plainly_worse, _Race, _rank
from blockfactor.studies.tune_space import PATIENCE, Setting, make_space

CORE = CoreConfig(factors=2, blocks=4, block_length=32, max_codevectors=16, list_size=8,
                  query_entries=4)
SIZES = (12, 16)
BOOKS = Codebooks.random(SIZES, 4, 32, 5)


def labelled(count: int, seed: int = 1):
    """Tuples and dense vectors of them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, SIZES, (count, 2))
    return truth, soft_probabilities(product(BOOKS, truth), 32, 3., rng)


@pytest.mark.parametrize("kind", ["clean", "soft", "damaged"])
def test_made_problems(kind):
    """Each is what its name says: the true tuple's product is in it, but for wrong blocks."""
    source = Source(CORE, SIZES, 7, kind, wrong_blocks=2)
    block = source.block("search", 1)
    assert (block.truth < SIZES).all() and len(block.truth) == BLOCK
    index, _ = block.queries(source.depth, source.weights[0])
    for n in range(BLOCK):
        bound = sum(block.codes[n, f, m].astype(int) for f, m in enumerate(block.truth[n])) % 32
        assert (bound == block.product[n]).all()
        same = (index[n, :, 0] == bound).sum()
        assert same == {"clean": 4, "damaged": 2}.get(kind, same)
    assert source.exact == (kind == "clean")
    again = Source(CORE, SIZES, 7, kind, wrong_blocks=2)
    assert again == source and hash(again) == hash(source)
    assert Source(CORE, SIZES, 8, kind, wrong_blocks=2) != source
    other = source.block("fresh", 1)
    assert (other.codes != block.codes).any() and (other.seeds != block.seeds).all()


def test_shares_are_scores():
    source = Source(CORE, SIZES, 7, "soft", margin=2.)
    block = source.block("search", 0)
    for entries, weights in ((4, "linear"), (2, "log")):
        shares = block.shares(entries, weights)
        for n, (index, weight) in enumerate(zip(*block.queries(entries, weights))):
            query = Query.from_arrays(index, weight)
            table = query.dense(32)
            assert shares[n].tolist() == [table[range(4), block.product[n]].sum(), query.smax]


def test_queries_of_a_file():
    truth, vectors = labelled(150)
    index, weight = from_probabilities_batch(vectors, 3, 4)
    source = Source(CORE, SIZES, 1).with_codebooks(BOOKS).with_queries(
        "q.npz", QuerySet(index, weight, truth), 50)
    assert (source.limit("search"), source.limit("fresh")) == (100, 50)
    assert source.weights == ("given",) and source.depth == 3 and source.of_file
    rows = {(i.tobytes(), t.tobytes()) for i, t in zip(index, truth)}
    seen = []
    for part, count in (("search", 100), ("fresh", 50)):
        got = 0
        for number in range(-(-count // BLOCK)):
            block = source.block(part, number)
            found, _ = block.queries(3, "given")
            seen += [(i.tobytes(), t.tobytes()) for i, t in zip(found, block.truth)]
            got += len(block.truth)
        assert got == count
    # All of them, each once, whichever part: those of the search are not among the fresh ones.
    assert len(seen) == 150 and set(seen) == rows


def test_entries_are_dropped_by_weight():
    """A file's entries may come in any order, and leave room that none uses."""
    index = np.tile([[3, 9, 4, 0]], (20, 4, 1))
    weight = np.tile([[2, 15, 7, 0]], (20, 4, 1))
    queries = QuerySet(index, weight, np.zeros((20, 2), dtype=int))
    source = Source(CORE, SIZES, 1).with_codebooks(BOOKS).with_queries("q.npz", queries, None)
    assert source.depth == 3 and source.limit("fresh") == 10
    index, weight = source.block("fresh", 0).queries(2, "given")
    assert index[0].tolist() == [[9, 4]] * 4 and weight[0].tolist() == [[15, 7]] * 4


def test_vectors_of_a_file():
    truth, vectors = labelled(40)
    source = Source(CORE, SIZES, 1).with_codebooks(BOOKS).with_vectors("v.npz", vectors, truth, 20)
    assert source.weights == ("linear", "log") and source.depth == 4
    block = source.block("fresh", 0)
    index, weight = block.queries(2, "log")
    want = {(i.tobytes(), w.tobytes()) for i, w in
            zip(*from_probabilities_batch(vectors, 2, 4, True))}
    assert {(i.tobytes(), w.tobytes()) for i, w in zip(index, weight)} < want


def test_refused_files():
    truth, vectors = labelled(30)
    source = Source(CORE, SIZES, 1).with_codebooks(BOOKS)
    index, weight = from_probabilities_batch(vectors, 4, 4)

    def refuse(message, *arguments, error=QueryError, method="with_queries", given=source):
        with pytest.raises(error, match=message):
            getattr(given, method)("q.npz", *arguments, None)

    refuse("q.npz: has no array truth", QuerySet(index, weight))
    refuse("q.npz, query 0: query, block 0, index .*: weight .* is outside 1..15",
           QuerySet(index, np.where(weight, weight + 30, 0), truth))
    empty = weight.copy()
    empty[7] = 0
    refuse("q.npz, query 7: query is empty", QuerySet(index, empty, truth))
    refuse("q.npz: truth of shape \\(30, 1\\) .* is not integers \\[n, 2\\]",
           QuerySet(index, weight, truth[:, :1]))
    far = truth.copy()
    far[4, 0] = 12
    refuse("q.npz, query 4, factor 0: true codevector 12 is outside 0..11",
           QuerySet(index, weight, far))
    refuse("q.npz: needs codebooks", QuerySet(index, weight, truth),
           given=Source(CORE, SIZES, 1))
    refuse("q.npz: 19 queries are too few, must be at least 20",
           QuerySet(index[:19], weight[:19], truth[:19]), error=StudyError)
    with pytest.raises(StudyError, match="fresh 21 is outside 1..20: q.npz holds 30 queries"):
        source.with_queries("q.npz", QuerySet(index, weight, truth), 21)
    refuse("q.npz: vectors have 4 blocks of 31, must have 4 of 32", vectors[:, :, 1:], truth,
           method="with_vectors")
    refuse("q.npz: truth has 29 rows for 30 queries", vectors, truth[1:], method="with_vectors")
    refuse("q.npz: truth of shape .* float64 is not integers", vectors, truth * 1.,
           method="with_vectors")
    refuse("q.npz: query 3, block 0, index 0: probability -1 is not", np.concatenate(
        [vectors[:3], vectors[3:4] * 0 - 1, vectors[4:]]), truth, method="with_vectors")
    refuse("q.npz: query 5 is empty", np.concatenate(
        [vectors[:5], vectors[5:6] * 0, vectors[6:]]), truth, method="with_vectors")


def test_space_of_clean_queries():
    """Exact matches only, no block left out, and no more samples than a list holds."""
    space = make_space(Source(CORE, SIZES, 1), "factorize", 1)
    assert space.trims == 0 and space.levels == {(1, "given"): (256,)} and not space.soft
    settings = space.design(200, np.random.default_rng(1))
    assert len(set(settings)) == len(settings) > 150
    assert {s.patience for s in settings} == set(PATIENCE)
    assert {s.samples for s in settings} == set(range(9))
    thresholds = np.log2([s.threshold for s in settings])
    # Even: no quarter of the range has fewer than a fifth of them.
    assert np.histogram(thresholds, 4, (2, 13))[0].min() >= len(settings) // 5


def test_space_of_damaged_queries():
    space = make_space(Source(CORE, SIZES, 1, "damaged"), "factorize", 1)
    assert space.levels == {(1, "given"): (192,)} and space.trims == 2 and space.soft
    assert {s.trim for s in space.design(30, np.random.default_rng(1))} == {0, 1, 2}
    grid = make_space(Source(CORE, SIZES, 1, "damaged"), "join", 1).grid()
    assert {(s.heads, s.level) for s in grid} == {(1, 192), (2, 192)}


def test_neighbours_stay_in_range():
    seed = 4
    rng = np.random.default_rng(seed)
    space = make_space(Source(CORE, SIZES, 1, "soft"), "factorize", 2)
    settings = space.design(40, rng)
    for _ in range(400):
        setting = settings[int(rng.integers(len(settings)))]
        new = space.near(setting, .5, rng)
        assert 0 <= new.trim <= space.trims and 0 <= new.samples <= 8, seed
        assert 1 <= new.level <= 256 and new.patience in PATIENCE, seed
        assert (new.entries, new.weights) in space.levels, seed
        assert .7 * setting.threshold - 1 <= new.threshold <= 1.5 * setting.threshold + 1, seed
        settings.append(new)


def test_parents_are_apart():
    """The best of each valley, not all of the best one."""
    space = make_space(Source(CORE, SIZES, 1, "damaged"), "factorize", 1)
    first = Setting("factorize", 400, 8, level=192)
    ranked = [first, first._replace(threshold=500), first._replace(samples=5, patience=9),
              first._replace(threshold=1000), first._replace(samples=3),
              first._replace(samples=0), first._replace(trim=1), first._replace(level=150)]
    assert space.apart(ranked, 1., 9) == [ranked[n] for n in (0, 3, 4, 6, 7)]
    assert space.apart(ranked, .3, 9) == [ranked[n] for n in (0, 1, 2, 3, 4, 6, 7)]
    assert space.apart(ranked, 1., 2) == [ranked[0], ranked[3]]


def runs(right, cycles) -> Runs:
    right = np.array(right, dtype=bool)
    return Runs(right, np.full(len(right), cycles), np.full(len(right), cycles), right)


def test_order():
    """The fastest of those that are as right as the best; the others by accuracy."""
    count = 1000
    best, close, worse, worst = (np.arange(count) >= n for n in (10, 14, 100, 300))
    ranks = order([runs(worst, 1), runs(worse, 2), runs(best, 9), runs(close, 5)], "cycles", .005)
    assert ranks == [3, 2, 1, 0]
    assert order([runs(close, 5), runs(best, 9)], "cycles", 0) == [1, 0]
    assert order([runs(best, 9), runs(best, 5)], "iterations", 0) == [1, 0]


def test_rank_of_short_runs():
    """A run that is cut short is no wrong answer, unless a wrong one was accepted."""
    count = 100
    right = np.arange(count) >= 20
    slow = Runs(np.ones(count, bool), np.full(count, 50), np.full(count, 50), np.ones(count, bool))
    cut = Runs(right, np.full(count, 10), np.full(count, 10), right)
    goal = Goal()
    assert _rank([slow, cut], goal, True) == [1, 0]
    assert _rank([slow, cut], goal, False) == [0, 1]
    assert _rank([slow, cut._replace(accepted=np.ones(count, bool))], goal, True) == [0, 1]


def test_plainly_worse():
    """Dearer, and not for more right answers, unless these only wait for a longer run."""
    count = 100
    yes = np.ones(count, bool)
    cost = 10 + np.arange(count) % 3
    best = Runs(np.arange(count) >= 20, cost, cost, np.arange(count) >= 20)
    dearer = best._replace(cycles=cost + 1)
    assert _plainly_worse(dearer, best, "cycles", True)
    assert _plainly_worse(dearer, best, "cycles", False)
    assert not _plainly_worse(dearer, best, "iterations", False)
    more = dearer._replace(right=yes, accepted=yes)
    assert _plainly_worse(more, best, "cycles", True)
    assert not _plainly_worse(more, best, "cycles", False)
    assert not _plainly_worse(more, best._replace(accepted=yes), "cycles", True)
    noisy = best._replace(cycles=cost + np.arange(count) % 50 - 22)
    assert not _plainly_worse(noisy, best, "cycles", True)


def test_paired():
    # Pairs differ by 1, 2, 3: mean 2, standard error 1 / sqrt(3).
    assert paired([11, 52, 3], [10, 50, 0]) == pytest.approx((2, 3 ** -.5))
    assert paired([3], [1]) == (2, float("inf"))


@pytest.mark.needs_modules("numba")
def test_stages():
    """What is plainly worse leaves after the first problems; of settings that do the same the first
    goes on; others stay as long as they are among the best."""
    visits = []
    race = _Race(Runner(Source(CORE, SIZES, 1)), RunParameters(SIZES, mode="factorize"), Goal(256),
                 visits)
    # A threshold that nothing passes leaves random codevectors only.
    good, same, worse = (Setting("factorize", threshold, 8) for threshold in (0, 4, 60_000))
    stages = ((64, 3), (128, 3), (256, 3))
    ranked, best = race.stages([worse, good, same], 50, stages, "", True)
    assert ranked == [good] and best > .95
    assert [v.problems for v in visits if v.setting == worse] == [64]
    assert [v.problems for v in visits if v.setting == same] == [64]
    assert [v.problems for v in visits if v.setting == good] == [64, 128, 256]
    few = race.stages([good, Setting("factorize", 0, 7), Setting("factorize", 0, 6)], 50,
                      ((64, 2),), "")[0]
    assert len(few) <= 2


def test_wilson_and_figures():
    # Two textbook intervals.
    assert wilson(9, 10) == pytest.approx((.5958, .9821), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0, .1611), abs=1e-4)
    assert wilson(20, 20)[1] == 1
    found = figures(runs([1] * 90 + [0] * 10, 600), 12_000_000)
    assert (found.accuracy, found.accepted, found.cycles, found.cycles_p99) == (.9, .9, 600, 600)
    assert found.microseconds == pytest.approx(50)
    assert found.accuracy_low < .9 < found.accuracy_high


def test_one_hot_queries_have_one_kind_of_weight():
    truth, _ = labelled(20)
    source = Source(CORE, SIZES, 1).with_codebooks(BOOKS).with_queries(
        "q.npz", QuerySet(*clean_batch(product(BOOKS, truth)), truth), None)
    assert source.exact and make_space(source, "join", 1).levels == {(1, "given"): (256,)}
