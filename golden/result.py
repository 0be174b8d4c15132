"""What a run returns, and the fields in which compiled code keeps it."""

from dataclasses import asdict, dataclass

__all__ = ["CYCLES", "ITERATIONS", "SIMILARITY", "STOP", "STOPS", "STOP_ABORTED", "STOP_ACCEPTED",
           "STOP_COMPLETE", "STOP_ERROR", "STOP_LIMIT", "Result"]

#: Why a run ended, by code.
STOPS = ("none", "accepted", "limit", "complete", "aborted", "error")
STOP_ACCEPTED, STOP_LIMIT, STOP_COMPLETE, STOP_ABORTED, STOP_ERROR = range(1, 6)

#: Fields of a run's state after those of golden/trace.py; F similarities follow the last.
ITERATIONS, CYCLES, STOP, SIMILARITY = range(2, 6)


@dataclass(frozen=True)
class Result:
    """What a run returns; the same fields as the RTL's result stream.

    ``iterations`` counts passes over the factors (factorize) or tuples (join, scan);
    ``similarities`` are each factor's best at its last update, 0 where there was none; ``seed`` is
    the one used; ``stop`` is one of :data:`STOPS`.
    """

    indices: tuple[int, ...]
    score: int
    smax: int
    runner_up: int
    similarities: tuple[int, ...]
    iterations: int
    cycles: int
    seed: int
    stop: str
    crc: int

    @property
    def margin(self) -> int:
        """Score less that of the runner-up, the best other tuple met: how sure the answer is.

        A run that ended as soon as a score was accepted has met a part of the tuples only; at level
        511 join and scan meet all.
        """
        return self.score - self.runner_up

    def to_table(self) -> dict:
        """Plain table for JSON."""
        return asdict(self)
