"""Many runs in one compiled loop, for studies."""

from typing import NamedTuple

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.parameters import RunParameters

from ._jit import jit
from .cycles import timing
from .factorizer import run
from .result import CYCLES, ITERATIONS, SIMILARITY, STOP
from .sampler import next_seed
from .trace import CRC
from .verifier import BEST, RUNNER_UP, TUPLE, accept_level

__all__ = ["Batch", "factorize_many"]


class Batch(NamedTuple):
    """Results of n runs, arrays of n; ``indices`` is [n, F], ``stop`` a code of result.STOPS."""

    indices: np.ndarray
    score: np.ndarray
    runner_up: np.ndarray
    iterations: np.ndarray
    cycles: np.ndarray
    stop: np.ndarray
    crc: np.ndarray


@jit
def _run_all(codes, sizes, known, index, weight, scan, numbers, level, use_sum, t16, seeds,
             max_tuples, times, block_length, states, bests):
    (bits, list_size, limit, similarity_bits, samples, trim, max_iterations, draw_width) = numbers
    blocks, entries = index.shape[1:]
    trace = np.zeros((0, 2), dtype=np.int64)
    table = np.zeros((blocks, block_length), dtype=np.int64)
    for n in range(index.shape[0]):
        table[:] = 0
        q, smax, depth = 0, 0, 0
        for b in range(blocks):
            total, peak = 0, 0
            for e in range(entries):
                if weight[n, b, e]:
                    table[b, index[n, b, e]] = weight[n, b, e]
                    total += weight[n, b, e]
                    peak = max(peak, weight[n, b, e])
                    depth = max(depth, e + 1)
            q = max(q, total)
            smax += peak
        scaled = t16 * q * (blocks if use_sum else 1)
        run(codes[n % codes.shape[0]], sizes, known, index[n], weight[n], table, scan,
            (bits, list_size, limit, similarity_bits, depth, scaled, samples, trim, use_sum,
             accept_level(level, smax), max_iterations, seeds[n], draw_width),
            max_tuples, times, trace, states[n], bests[n])


def factorize_many(config: CoreConfig, codes: np.ndarray, index: np.ndarray, weight: np.ndarray,
                   parameters: RunParameters, seeds: np.ndarray) -> Batch:
    """Run n queries, the same as Factorizer.run for each.

    Parameters
    ----------
    codes : int array [n or 1, F, M, B]
        Codebooks of each run; one for all is repeated.
    index, weight : int array [n, B, s]
        Queries, padded with weight 0 at the end of a block.
    seeds : int array [n]
        Take the place of ``parameters.seed``.

    Raises
    ------
    ParameterError
        Parameters that the core cannot run. Queries and codebooks are taken on trust.
    """
    parameters.check(config)
    count = len(index)
    seeds = np.array([next_seed(int(seed)) for seed in seeds], dtype=np.int64)
    states = np.zeros((count, SIMILARITY + config.factors), dtype=np.int64)
    bests = np.zeros((count, TUPLE + config.factors), dtype=np.int64)
    numbers = (config.codevector_bits, config.list_size, config.max_histogram,
               config.similarity_bits, parameters.samples, parameters.trim,
               parameters.max_iterations, 2 * config.codevector_bits)
    _run_all(np.ascontiguousarray(codes, dtype=np.int64), np.array(parameters.sizes),
             np.array(parameters.known), np.ascontiguousarray(index, dtype=np.int64),
             np.ascontiguousarray(weight, dtype=np.int64), parameters.mode == "scan", numbers,
             parameters.level, parameters.rule == "sum", parameters.threshold, seeds,
             parameters.max_tuples, timing(config), config.block_length, states, bests)
    return Batch(bests[:, TUPLE:], bests[:, BEST], bests[:, RUNNER_UP], states[:, ITERATIONS],
                 states[:, CYCLES], states[:, STOP], states[:, CRC])
