"""Cycle model: how long the core takes, from the accepted start to the valid result.

The data path is a pipeline without stalls, so a run's length follows from what it did: tuples,
look-ups, draws and verifications. The constants below are the depths of the RTL's pipelines; tests
compare each with the RTL's own, and every run of the regression with the model.
"""

import math
from typing import NamedTuple

from blockfactor.config import CoreConfig
from blockfactor.errors import ParameterError
from blockfactor.parameters import RunParameters

from .join import DRAWS, FETCH

__all__ = ["TUPLE_DRAIN", "Timing", "build_time", "explain_time", "lookup_drain", "merge_cycles",
           "multiply_cycles", "multiply_digit", "timing", "worst_case"]

#: Empty cycles between the last tuple and the first look-up of a step.
TUPLE_DRAIN = 4
#: Cycles from the start of a step to its draw: the trace of the step before has used the state.
DRAW_DELAY = 6
#: Cycles in which a factor's list is loaded, besides its draw.
LOAD = 3
#: Cycles from a join's start to its draws, and from a draw to its rows in the queue.
JOIN = 6
#: Cycles from a tuple's last codevector reference to its score.
VERIFY = 5


class Timing(NamedTuple):
    """Latencies of one core, in cycles."""

    #: Serial multiplication of threshold and query, beside the loading of lists.
    multiply: int
    #: Loading a factor's list, besides the values its draw examines.
    load: int
    #: Start, and the decision to begin the first step.
    start: int
    #: A step, besides its tuples and look-ups.
    step: int
    #: From a step's start to the next one, besides the values its draw examines.
    walk: int
    #: From a step's end to the score of its candidate.
    verify: int
    #: From the score that ends a run to the result.
    finish: int
    #: A stall, besides the verification it waits for and the lists it loads.
    stall: int
    #: From a candidate of the join engine to the result.
    candidate: int
    #: From a join's start to the first row in the queue, besides the first codevectors: a cycle
    #: each and its draws.
    join: int
    #: Rows that the join engine looks up in a cycle.
    lanes: int


def lookup_drain(config: CoreConfig) -> int:
    """Empty cycles between the last look-up of a step and the next step.

    The depth of the similarity engine's pipeline, which has a stage to weigh where weights have
    more than one bit, and a stage to accumulate where blocks have more than one entry. It is also
    the number of cycles from the complete weight product of a step to the first comparison with
    its threshold.
    """
    return 7 + (config.weight_bits > 1) + (config.query_entries > 1)


def merge_cycles(config: CoreConfig) -> int:
    """Cycles that a score takes longer with several lanes.

    The best of theirs is found pair by pair; and since cores with lanes are for fast FPGAs, weights
    are registered as they come out of the memory.
    """
    return config.lanes.bit_length() if config.lanes > 1 else 0


def build_time(config: CoreConfig, size: int) -> int:
    """Cycles in which the inverted index of a codebook of ``size`` codevectors is built.

    A row a cycle is cleared, then each codevector takes two cycles, and two in each block. A run of
    the join engine that starts before waits; its cycle count does not.
    """
    return (config.blocks << config.element_index_bits) + size * (2 + 2 * config.blocks) + 2


def explain_time(config: CoreConfig, entries: int):
    """Cycles in which a product is taken off a query of so many ``entries`` (int or array).

    A block takes a cycle for each codevector that is bound and five, an entry two. They are part of
    the next result's cycles.
    """
    return 4 + config.blocks * (config.factors + 5) + 2 * entries


def multiply_digit(config: CoreConfig) -> int:
    """Bits the serial multiplier takes a cycle: as many as make the threshold in time."""
    return -(-max(config.product_bits, 16) // lookup_drain(config))


def multiply_cycles(config: CoreConfig) -> int:
    """Cycles of the serial multiplier."""
    return -(-max(config.product_bits, 16) // multiply_digit(config))


def timing(config: CoreConfig) -> Timing:
    """Latencies of the core that ``config`` generates."""
    return Timing(
        multiply=multiply_cycles(config),
        load=LOAD,
        start=2,
        step=TUPLE_DRAIN + lookup_drain(config),
        walk=DRAW_DELAY + 2,
        verify=config.factors - 1 + VERIFY,
        finish=1,
        stall=2,
        candidate=VERIFY + merge_cycles(config) + 1,
        join=JOIN,
        lanes=config.lanes,
    )


def worst_case(config: CoreConfig, parameters: RunParameters, chain: int | None = None) -> int:
    """Most cycles of a run in mode join or scan, whatever the query.

    A lane has a row in each group at most, and a row has so many candidates at most: ``per_row``.
    A group enters while the ones before are verified, and lanes are not held back unless one has
    so many rows that it stays busy. So the last candidate is due when the first group has come and
    all groups have been verified one after the other; or, where rows are verified faster than they
    come, when those of the last pass have. Besides, a cycle in which nothing enters has a
    candidate, but for the last row's way through the queue: that bounds what ``max_tuples`` allows.

    Parameters
    ----------
    config : CoreConfig
    parameters : RunParameters
    chain : int, 1..M
        Most codevectors of the last factor that have the same index in a block, where it is known;
        all of them unless given.

    Raises
    ------
    ParameterError
        The core cannot run the parameters, or they are for factorize, which has no such bound.
    """
    mode = parameters.check(config).resolve(config)
    if mode == "factorize":
        raise ParameterError("mode 'factorize' has no worst case, join and scan have")
    sizes = [1 if known >= 0 else size
             for size, known in zip(parameters.sizes, parameters.known)]
    *outer, inner, last = sizes
    passes, groups = math.prod(outer), -(-inner // config.lanes)
    per_row = last
    if mode == "join" and parameters.known[-1] < 0:
        per_row = parameters.heads * min(last if chain is None else chain, last)
    slots = len(outer) + groups  # of a pass
    searched = len(outer) + FETCH + max(passes * groups * per_row,
                                        (passes - 1) * slots + groups * per_row)
    limited = passes * slots + FETCH - 1 + max(parameters.max_tuples, 1)
    draws = sum(1 + (DRAWS if size & (size - 1) else 1) for size in sizes[:-1])
    times = timing(config)
    return times.join + draws + min(searched, limited) + times.candidate
