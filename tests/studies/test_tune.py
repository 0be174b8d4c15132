"""The search finds what is known to be good, and the same whatever interrupts it."""

import numpy as np
import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.errors import ParameterError, StudyError
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset
from blockfactor.studies import tune_search
from blockfactor.studies.tune import Goal, fastest, tune
from blockfactor.studies.tune_problems import Source

pytestmark = pytest.mark.needs_modules("numba")

#: Small enough for a search in a second.
CORE = CoreConfig(factors=2, blocks=4, block_length=32, max_codevectors=16, list_size=16,
                  query_entries=4)
SYSTEM = SystemConfig(core=CORE)
SIZES = (12, 16)
BEFORE = RunParameters(SIZES, mode="factorize", level=205, max_iterations=100)


@pytest.fixture
def short(monkeypatch):
    """Fewer settings and rounds."""
    monkeypatch.setattr(tune_search, "DESIGN", 24)
    monkeypatch.setattr(tune_search, "SOFT_DESIGN", 48)
    monkeypatch.setattr(tune_search, "STEPS", (1., .5))


def small(kind: str, **options) -> Source:
    return Source(CORE, SIZES, 3, kind, **options)


def test_as_good_as_published():
    """M=22, from a cold start, on fresh problems: iterations of the published parameters, or fewer.

    ``python bench/tune.py`` shows it for larger ones.
    """
    samples, threshold = published_parameters(512, 3, 4, 22)
    system = preset("demo").system
    published = RunParameters((22,) * 3, mode="factorize", samples=samples,
                              threshold=round(65536 * threshold), max_iterations=161)
    found = tune(system, Source(system.core, (22,) * 3, 1), published, "factorize",
                 Goal(512, "iterations", limit=161), 2048).best
    assert found.figures.iterations <= found.before.iterations < 3.5
    assert found.figures.accuracy >= .997
    assert found.parameters.level == 256 and found.parameters.trim == 0


def test_blocks_left_out_where_they_are_wrong(short):
    """Nobody says that blocks are wrong, or how many: r and level are found."""
    chosen = preset("demo")
    source = Source(chosen.core, (22,) * 3, 2, "damaged")
    found = tune(chosen.system, source, chosen.clean.replace(max_iterations=100), "factorize",
                 Goal(128), 512).best
    assert found.parameters.trim > 0
    assert found.parameters.level == 192
    assert found.figures.accuracy > .95
    # The parameters for clean queries leave none out.
    assert found.before.accuracy < .5


def test_look_up_blocks_where_they_are_wrong():
    """One of four blocks is wrong: join must look into two, and take three for the truth."""
    found = tune(SYSTEM, small("damaged"), BEFORE, "join", Goal(256), 256).best
    assert found.parameters.heads == 2 and found.parameters.level == 192
    assert found.parameters.mode == "join"
    clean = tune(SYSTEM, small("clean"), BEFORE, "auto", Goal(256), 256).best
    assert clean.parameters.level == 256 and clean.parameters.mode == "auto"
    assert clean.figures.accuracy > .98
    assert clean.figures.cycles < found.figures.cycles


def test_entries_and_weights(short):
    """Of soft queries entries and kind of weights are found too; the front-end is told the kind."""
    system = SystemConfig(core=CORE.replace(element_bits=8))
    source = Source(system.core, SIZES, 3, "soft", margin=2.5)
    found = tune(system, source, BEFORE, "join", Goal(256), 512).best
    tried = {(v.setting.entries, v.setting.weights) for v in found.found.visits}
    assert tried == {(1, "linear"), (2, "linear"), (2, "log"), (4, "linear"), (4, "log")}
    assert (found.entries, found.weights) in tried
    assert found.parameters.dense_weights == found.weights
    assert found.parameters.dense_shift == (4 if found.weights == "log" else 0)
    # One entry a block is not enough; a race that has seen as many problems shows it.
    one = [v.accuracy for v in found.found.visits if v.setting.entries == 1 and v.problems == 64]
    assert found.entries > 1 and found.found.last.accuracy > max(one)


def test_both_engines_and_the_first_is_the_fastest(short):
    tuning = tune(SYSTEM, small("clean"), BEFORE, "both", Goal(128), 256)
    assert {each.mode for each in tuning.modes} == {"factorize", "join"}
    assert tuning.best.found.last.cycles <= tuning.modes[1].found.last.cycles
    # What is less right comes later, however fast.
    assert fastest(tuning.modes[::-1], Goal())[0] is tuning.best
    assert tuning.fresh_problems == 256 and tuning.search_problems == 128


class Stop(Exception):
    """What an interrupt raises."""


def interrupted(tasks: int):
    def progress(done, wanted, text):
        nonlocal tasks
        tasks -= 1
        if tasks < 0:
            raise Stop
    return progress


@pytest.mark.parametrize(("engine", "kind"), [("factorize", "damaged"), ("join", "soft")])
def test_resumed_equals_uninterrupted(engine, kind, short, tmp_path):
    arguments = (SYSTEM, small(kind), BEFORE, engine, Goal(128), 128)
    whole = tune(*arguments)
    store = tmp_path / "store.json"
    runs = []
    for tasks in (10, 30):
        with pytest.raises(Stop):
            tune(*arguments, store=store, progress=interrupted(tasks))
        runs.append(store.stat().st_size)
    assert 0 < runs[0] < runs[1]
    rest = tune(*arguments, store=store)
    assert rest.best.to_table() == whole.best.to_table()
    assert 0 < rest.runs < whole.runs
    assert tune(*arguments, store=store).runs == 0


@pytest.mark.needs_modules("joblib")
def test_any_number_of_jobs(short):
    arguments = (SYSTEM, small("damaged"), BEFORE, "join", Goal(128), 128)
    assert tune(*arguments, jobs=2).best.to_table() == tune(*arguments).best.to_table()


def test_other_seed_other_problems(short):
    one, other = (tune(SYSTEM, Source(CORE, SIZES, seed), BEFORE, "join", Goal(64), 64).best
                  for seed in (1, 2))
    assert one.figures.cycles != other.figures.cycles


def test_limit(short):
    """A limit that is given is kept; one that is found costs no more than the tolerance."""
    given = tune(SYSTEM, small("damaged"), BEFORE, "factorize", Goal(128, limit=30), 64).best
    assert given.parameters.max_iterations == 30
    found = tune(SYSTEM, small("damaged"), BEFORE, "factorize", Goal(128), 64).best
    assert found.parameters.max_iterations < 200
    last = [v for v in found.found.visits if v.limit == 200 and v.problems == 128]
    same = [v for v in last if v.setting == found.found.setting]
    assert found.found.last.accuracy >= min(max(v.accuracy for v in last) - .005,
                                            same[0].accuracy)
    assert found.found.last.cycles <= same[0].cycles


def test_refusals(tmp_path):
    source = small("clean")
    with pytest.raises(StudyError, match="engine 'magic' is not one of auto, factorize, join, "):
        tune(SYSTEM, source, BEFORE, "magic")
    alone = SystemConfig(core=CORE.replace(engines="join"))
    with pytest.raises(StudyError, match="engine 'factorize' is not one of join, scan"):
        tune(alone, Source(alone.core, SIZES, 1), BEFORE.replace(mode="join"), "both")
    with pytest.raises(StudyError, match="trials 0 is outside 1..1000000"):
        tune(SYSTEM, source, BEFORE, goal=Goal(0))
    with pytest.raises(StudyError, match="tolerance 2 is outside 0..1"):
        tune(SYSTEM, source, BEFORE, goal=Goal(tolerance=2))
    with pytest.raises(ParameterError, match=r"sizes\[1\] 17 is outside 1..16"):
        Source(CORE, (12, 17), 1)
    with pytest.raises(ParameterError, match="trim 4 is outside 0..3"):
        tune(SYSTEM, source, BEFORE.replace(trim=4))
    store = tmp_path / "store.json"
    tune(SYSTEM, source, BEFORE, "join", Goal(64), 64, store=store)
    kept = store.read_bytes()
    with pytest.raises(StudyError, match="store.json: holds runs of other problems"):
        tune(SYSTEM, small("damaged"), BEFORE, "join", Goal(64), 64, store=store)
    assert store.read_bytes() == kept
    for text in ("[]", "{}", "no", kept.decode().replace('"runs": {', '"runs": {"x": [1], ', 1)):
        store.write_text(text)
        with pytest.raises(StudyError, match="store.json: not a store of tune"):
            tune(SYSTEM, source, BEFORE, "join", Goal(64), 64, store=store)


def test_labels_of_others():
    """No setting finds what is not there."""
    rng = np.random.default_rng(1)
    books = rng.integers(0, 32, (2, 16, 4)).astype(np.uint16)
    index = rng.integers(0, 32, (64, 4, 1)).astype(np.uint16)
    source = Source(CORE, SIZES, 1, "entries", books, index=index, weight=np.ones_like(index),
                    truth=np.zeros((64, 2), dtype=np.uint16), fresh=32)
    with pytest.raises(StudyError, match="mode join: no setting found a true tuple"):
        tune(SYSTEM, source, BEFORE, "join", Goal(64), 64)
