"""Many runs in one compiled loop, for studies."""

from typing import NamedTuple

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.errors import CodebookError, ParameterError, QueryError, check_int
from blockfactor.parameters import MODES, RunParameters

from ._jit import jit
from .cycles import explain_time, timing
from .explain import residual_batch
from .factorizer import run
from .result import CYCLES, ITERATIONS, SIMILARITY, STOP, STOP_COMPLETE
from .sampler import next_seed
from .trace import CRC
from .verifier import BEST, RUNNER_UP, TUPLE, accept_level

__all__ = ["Batch", "explain_many", "factorize_many"]


class Batch(NamedTuple):
    """Results of n runs, arrays of n; ``stop`` is a code of result.STOPS.

    ``indices`` and ``similarities`` are [n, F].
    """

    indices: np.ndarray
    score: np.ndarray
    runner_up: np.ndarray
    iterations: np.ndarray
    cycles: np.ndarray
    stop: np.ndarray
    crc: np.ndarray
    similarities: np.ndarray


@jit
def _run_all(codes, sizes, known, index, weight, mode, numbers, level, use_sum, t16, seeds,
             heads, max_tuples, times, block_length, states, bests):
    (bits, list_size, limit, similarity_bits, samples, trim, patience, max_iterations,
     draw_width, sweep) = numbers
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
        run(codes[n % codes.shape[0]], sizes, known, index[n], weight[n], table, mode,
            (bits, list_size, limit, similarity_bits, depth, scaled, samples, trim, use_sum,
             accept_level(level, smax), patience, max_iterations, seeds[n], draw_width,
             sweep),
            heads, max_tuples, times, trace, states[n], bests[n])


def _check(config, codes, index, weight, parameters, seeds) -> None:
    """Refuse what compiled code, which checks no bounds, would read or write out of place."""
    parameters.check(config)
    check_int("products", parameters.products, 1, 1, ParameterError)
    if index.ndim != 3 or index.shape != weight.shape or index.shape[1] != config.blocks:
        raise QueryError(f"index has shape {index.shape}, weight {weight.shape}, must both be "
                         f"[n, {config.blocks}, s]")
    if index.shape[2] > config.query_entries:
        raise QueryError(f"queries have {index.shape[2]} entries a block, the core takes "
                         f"1..{config.query_entries}")
    if codes.ndim != 4 or codes.shape[0] not in (1, len(index)) or \
            codes.shape[1::2] != (config.factors, config.blocks):
        raise CodebookError(f"codes have shape {codes.shape}, must be [{len(index)} or 1, "
                            f"{config.factors}, M, {config.blocks}]")
    if codes.shape[2] < max(parameters.sizes):
        raise CodebookError(f"codes have {codes.shape[2]} codevectors a factor, sizes "
                            f"{list(parameters.sizes)} ask for more")
    if len(seeds) != len(index):
        raise ParameterError(f"{len(seeds)} seeds for {len(index)} queries")
    for name, values, high, error in (
            ("codes", codes, config.block_length - 1, CodebookError),
            ("index", index, config.block_length - 1, QueryError),
            ("weight", weight, config.max_weight, QueryError),
            ("seeds", seeds, 2**32 - 1, ParameterError)):
        if values.dtype.kind not in "iu":
            raise error(f"{name}: {values.dtype} values are not integers")
        for value in (values.min(initial=0), values.max(initial=0)):
            if not 0 <= value <= high:
                raise error(f"{name}: {value} is outside 0..{high}")


def factorize_many(config: CoreConfig, codes: np.ndarray, index: np.ndarray, weight: np.ndarray,
                   parameters: RunParameters, seeds: np.ndarray) -> Batch:
    """Run n queries, the same as Factorizer.run for each.

    Parameters
    ----------
    codes : int array [n or 1, F, M, B]
        Codebooks of each run, or one for all; rows from a factor's size on are not used, but
        must be valid as well.
    index, weight : int array [n, B, s]
        Queries: a block's entries, padded with weight 0 at its end; no index twice in a block.
    seeds : int array [n]
        Take the place of ``parameters.seed``.

    Raises
    ------
    ParameterError, CodebookError, QueryError
        Shapes or values the core cannot take. An index that occurs twice in a block, and a query
        without entries, are not noticed.
    """
    codes, index, weight, seeds = map(np.asarray, (codes, index, weight, seeds))
    _check(config, codes, index, weight, parameters, seeds)
    codes, index, weight = (np.ascontiguousarray(values, dtype=np.int64)
                            for values in (codes, index, weight))
    count = len(index)
    seeds = np.array([next_seed(int(seed)) for seed in seeds], dtype=np.int64)
    states = np.zeros((count, SIMILARITY + config.factors), dtype=np.int64)
    bests = np.zeros((count, TUPLE + config.factors), dtype=np.int64)
    numbers = (config.codevector_bits, config.list_size, config.max_histogram,
               config.similarity_bits, parameters.samples, parameters.trim,
               parameters.patience, parameters.max_iterations, 2 * config.codevector_bits,
               config.draws == "sweep")
    _run_all(codes, np.array(parameters.sizes), np.array(parameters.known), index, weight,
             MODES.index(parameters.resolve(config)), numbers, parameters.level,
             parameters.rule == "sum", parameters.threshold, seeds, parameters.heads,
             parameters.max_tuples, timing(config),
             config.block_length, states, bests)
    return Batch(bests[:, TUPLE:], bests[:, BEST], bests[:, RUNNER_UP], states[:, ITERATIONS],
                 states[:, CYCLES], states[:, STOP], states[:, CRC], states[:, SIMILARITY:])


def explain_many(config: CoreConfig, codes: np.ndarray, index: np.ndarray, weight: np.ndarray,
                 parameters: RunParameters, seeds: np.ndarray) -> list[Batch]:
    """Run n bundles, the same as Factorizer.explain for each.

    Takes what :func:`factorize_many` takes.

    Returns
    -------
    list of Batch
        One for each of ``parameters.products``, in order.
    """
    parameters.check(config)
    single = parameters.replace(products=1)
    found, over = [], np.zeros(len(index), dtype=bool)
    cycles = np.zeros(len(index), dtype=np.int64)
    for _ in range(parameters.products):
        batch = factorize_many(config, codes, index, weight, single, seeds)
        empty = ~weight.any((1, 2))
        if empty.any():
            batch = Batch(*(np.where(empty[:, None] if values.ndim == 2 else empty, 0, values)
                            for values in batch))
            batch = batch._replace(stop=np.where(empty, STOP_COMPLETE, batch.stop),
                                   cycles=np.where(empty, 1, batch.cycles))
        batch = batch._replace(cycles=batch.cycles + np.where(over, 0, cycles))
        found.append(batch)
        over |= empty
        cycles = explain_time(config, (weight > 0).sum((1, 2)))
        rows = np.arange(len(index))[:, None] % len(codes)
        products = codes[rows, np.arange(config.factors), batch.indices].sum(1)
        index, weight = residual_batch(index, weight, products % config.block_length)
    return found
