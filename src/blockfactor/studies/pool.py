"""Tasks spread over the cores of this machine, or over a Dask cluster."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..errors import StudyError

__all__ = ["run_tasks"]

#: Seconds until a scheduler that does not answer is given up.
TIMEOUT = 10


def _numbered(function: Callable, number: int, task: Any) -> tuple[int, Any]:
    return number, function(task)


def _local(function: Callable, tasks: Sequence, jobs: int) -> Iterator[tuple[int, Any]]:
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from pool(delayed(_numbered)(function, n, task) for n, task in enumerate(tasks))


def _cluster(function: Callable, tasks: Sequence, address: str) -> Iterator[tuple[int, Any]]:
    if not re.fullmatch(r"[a-z]+://[^\s:]+:\d+", address):
        raise StudyError(f"scheduler {address!r} is not an address such as tcp://host:8786")
    from distributed import CancelledError, Client, as_completed
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        client = Client(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as problem:
        raise StudyError(f"scheduler {address!r} cannot be reached: "
                         f"{(str(problem) or 'no answer').splitlines()[0]}") from None
    with client:
        # Not pure: a task is run although an equal one was, in whatever session.
        futures = [client.submit(_numbered, function, n, task, pure=False)
                   for n, task in enumerate(tasks)]
        try:
            for _, result in as_completed(futures, loop=client.loop, with_results=True):
                yield result
        except (KilledWorker, CancelledError, CommClosedError) as problem:
            raise StudyError(f"scheduler {address!r}: a worker or the scheduler was lost: "
                             f"{str(problem).splitlines()[0]}") from None


def run_tasks(function: Callable[[Any], Any], tasks: Sequence, jobs: int = 1,
              scheduler: str | None = None) -> Iterator[tuple[int, Any]]:
    """Call ``function`` with every task; yields (number of the task, result) as they are done.

    Parameters
    ----------
    function : callable
        Of a module, so that other processes find it; takes a task, returns a result, both of which
        can be pickled. It must not depend on the order of the tasks.
    tasks : sequence
        Begun in this order.
    jobs : int
        Processes on this machine; 1: none but this one, -1: one for each core.
    scheduler : str or None
        Address of a Dask scheduler, ``tcp://host:8786``, whose workers have this package; ``jobs``
        does not count then.

    Raises
    ------
    StudyError
        The scheduler's address is none, or it cannot be reached, or is lost.
    ModuleNotFoundError
        joblib, for more than one job, or distributed is not installed.
    """
    if scheduler:
        yield from _cluster(function, tasks, scheduler)
    elif jobs == 1 or len(tasks) < 2:
        for n, task in enumerate(tasks):
            yield n, function(task)
    else:
        yield from _local(function, tasks, jobs)
