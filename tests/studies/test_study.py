"""Studies: the same numbers whatever runs them, resumed, in any order; checks notice changes."""

import copy
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_study import STUDY

from blockfactor.errors import StudyError
from blockfactor.studies import store, study
from blockfactor.studies.problems import Problem
from blockfactor.studies.study import Record, Results, Row, check, make_up, run, select


def make(seed=5, rows=STUDY.rows, trials=None, order=None, **options) -> Results:
    """Results of the small study, its chunks in the order that ``order(list)`` puts them."""
    results = Results("small", seed)
    missing = make_up(results, rows, trials)
    if order:
        order(missing)
    run(results, missing, **options)
    return results


@pytest.fixture(scope="module")
def whole():
    """The study's results, made in order in this process."""
    return make()


def test_chunks(whole):
    for row in STUDY.rows:
        chunks = whole.records[row.name].chunks
        assert {n: sums["trials"] for n, sums in chunks.items()} == {0: 10, 1: 10, 2: 5}
        assert whole.records[row.name].make_figures()["trials"] == 25


def test_another_seed_gives_other_numbers(whole):
    other = make(6, STUDY.rows[:1])
    name = STUDY.rows[0].name
    assert other.records[name].chunks[0]["digest"] != whole.records[name].chunks[0]["digest"]


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order(whole, seed):
    again = make(order=random.Random(seed).shuffle)
    assert store.text(again) == store.text(whole)


def test_jobs(whole):
    assert store.text(make(jobs=2)) == store.text(whole)


@pytest.mark.needs_modules("distributed")
def test_cluster(whole):
    from distributed import LocalCluster
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://",
                      dashboard_address=None) as cluster:
        again = make(scheduler=cluster.scheduler_address)
    assert store.text(again) == store.text(whole)


def test_rows_do_not_depend_on_each_other(whole):
    rows = select(STUDY.rows, ["*/join"])
    assert [row.way.name for row in rows] == ["join", "join"]
    some = make(rows=rows)
    for name, record in some.records.items():
        assert record.chunks == whole.records[name].chunks


def test_more_trials_later(whole, tmp_path):
    path = tmp_path / "study.json"
    store.write(path, make(trials=12))
    results = store.read(path)
    missing = make_up(results, STUDY.rows)
    # The second chunk had two trials; its ten are drawn anew.
    assert [part[1:] for part in missing[:2]] == [(1, 10), (2, 5)]
    run(results, missing)
    assert store.text(results) == store.text(whole)
    # Fewer are asked for: nothing is run, nothing is thrown away.
    assert make_up(results, STUDY.rows, 12) == []
    assert store.text(results) == store.text(whole)


def test_interrupt(whole, tmp_path):
    """What is done by then is kept, and the rest is done afterwards."""
    path, results = tmp_path / "study.json", Results("small", 5)
    done = []

    def advance(row, trials):
        done.append(row.name)
        if len(done) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(results, make_up(results, STUDY.rows), advance=advance,
            save=lambda: store.write(path, results))
    resumed = store.read(path)
    missing = make_up(resumed, STUDY.rows)
    assert len(missing) == 3 * len(STUDY.rows) - 5
    run(resumed, missing)
    assert store.text(resumed) == store.text(whole)


KILLED = """
import os, signal, sys
from small_study import STUDY
from blockfactor.studies import store, study
study.SAVE_SECONDS = 0
results, count = study.Results("small", 5), 0
def advance(row, trials):
    global count
    count += 1
    if count == 7:
        os.kill(os.getpid(), signal.SIGKILL)
study.run(results, study.make_up(results, STUDY.rows), advance=advance,
          save=lambda: store.write(sys.argv[1], results))
"""


def test_kill(whole, tmp_path):
    """At once, in mid-study: the file is whole, and short of one chunk at most."""
    path = tmp_path / "study.json"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(
        [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", KILLED, path], env=environment, timeout=300)
    assert done.returncode == -signal.SIGKILL
    resumed = store.read(path)
    assert sum(len(record.chunks) for record in resumed.records.values()) == 6
    run(resumed, make_up(resumed, STUDY.rows))
    assert store.text(resumed) == store.text(whole)


def test_saves_now_and_then(monkeypatch):
    monkeypatch.setattr(study, "run_chunk", lambda task: {"trials": task["trials"]})
    saved, clock = [], iter(range(100))
    monkeypatch.setattr(study.time, "monotonic", lambda: next(clock))
    results = Results("small", 5)
    run(results, make_up(results, STUDY.rows[:2]), save=lambda: saved.append(1))
    assert len(saved) == 3  # every third of six chunks, and the end


def test_select():
    assert select(STUDY.rows, []) == list(STUDY.rows)
    assert len(select(STUDY.rows, ["D48-*"])) == 3
    assert len(select(STUDY.rows, ["D48-F2-B3-M6/join", "*margin3/published"])) == 2
    with pytest.raises(StudyError, match="no point matches 'D49-\\*'; points are such as "
                                         "D48-F2-B3-M6 and D64-F3-B4-M5-margin3/join"):
        select(STUDY.rows, ["D48-*", "D49-*"])


def test_names_tell_all_that_differs():
    names = {Row(Problem(3, 6, kind="soft", **changes), STUDY.rows[0].way, 1, 1).name
             for changes in ({}, {"margin": 3.5}, {"entries": 4}, {"weight_bits": 3},
                             {"log": True})}
    names |= {Row(Problem(3, 6, kind="damaged", wrong=w), STUDY.rows[0].way, 1, 1).name
              for w in (0, 1)}
    assert len(names) == 7


def test_other_settings_are_refused(whole):
    results = copy.deepcopy(whole)
    row = STUDY.rows[2]
    changed = Row(row.problem, type(row.way)(row.way.name, row.way.core,
                                             row.way.parameters.replace(level=200)), 25, 10)
    with pytest.raises(StudyError, match=f"row {row.name} has other settings than"):
        make_up(results, [changed])


@pytest.fixture
def of_file(whole, tmp_path):
    """The results, as read from their file."""
    store.write(tmp_path / "study.json", whole)
    return store.read(tmp_path / "study.json")


def test_check(of_file):
    told = []
    assert check(of_file, advance=lambda row, trials: told.append(trials)) == (18, [])
    assert sum(told) == 25 * len(STUDY.rows)
    assert check(of_file, sample=4, seed=3) == (4, [])


@pytest.mark.parametrize("key", ["right", "match", "iterations", "cycles", "digest", "bins"])
def test_check_notices_a_changed_number(of_file, key):
    name = STUDY.rows[4].name
    record = of_file.records[name]
    sums = record.chunks[1]
    sums[key] = {"digest": "00000000", "bins": sums["bins"][:-1]}.get(key) or sums[key] - 1
    # So that only running it again tells.
    record.figures = record.make_figures()
    of_file.records = {name: record}
    count, found = check(of_file)
    assert count == 3
    assert len(found) == 1 and found[0].startswith(f"{name}, chunk 1: {key} is "), found


def test_check_notices_changed_figures_and_a_changed_seed(of_file):
    name = STUDY.rows[0].name
    of_file.records = {name: of_file.records[name]}
    of_file.records[name].figures["accuracy"] = .5
    count, found = check(of_file, sample=1)
    assert (count, len(found)) == (1, 1) and f"{name}: accuracy is 0.5, its chunks say" in found[0]
    of_file.seed += 1
    assert len(check(of_file, sample=1)[1]) > 1


def test_plan_of_a_record():
    record = Record(STUDY.rows[0])
    assert record.plan(1) == [(0, 1)]
    assert record.plan(20) == [(0, 10), (1, 10)]
    record.chunks = {0: {"trials": 10}, 1: {"trials": 3}}
    assert record.plan(13) == []
    assert record.plan(14) == [(1, 4)]
