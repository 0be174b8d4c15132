"""Tasks are all done, whatever does them, and their results are those of their numbers."""

import pytest

from blockfactor.errors import StudyError
from blockfactor.studies.pool import run_tasks

TASKS = [3, -1, 0, 4, 10, 7]


def square(value):
    """In a module, so that other processes find it."""
    return value * value


@pytest.mark.parametrize("jobs", [1, 2])
def test_jobs(jobs):
    found = dict(run_tasks(abs, TASKS, jobs))
    assert found == {n: abs(task) for n, task in enumerate(TASKS)}


def test_no_task():
    assert list(run_tasks(abs, [], 2)) == []


@pytest.mark.needs_modules("distributed")
def test_cluster():
    from distributed import LocalCluster
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, protocol="tcp://",
                      dashboard_address=None) as cluster:
        found = dict(run_tasks(square, TASKS, scheduler=cluster.scheduler_address))
    assert found == {n: task * task for n, task in enumerate(TASKS)}


@pytest.mark.needs_modules("distributed")
def test_no_scheduler(monkeypatch):
    monkeypatch.setattr("blockfactor.studies.pool.TIMEOUT", .5)
    with pytest.raises(StudyError, match="'tcp://127.0.0.1:9' cannot be reached"):
        list(run_tasks(square, TASKS, scheduler="tcp://127.0.0.1:9"))


@pytest.mark.parametrize("address", ["nonsense:", "xx", "host:8786", "tcp://host"])
def test_address_that_is_none(address):
    with pytest.raises(StudyError, match=f"'{address}' is not an address such as tcp://host:8786"):
        list(run_tasks(square, TASKS, scheduler=address))
