"""Golden model of one core: codebooks, run parameters and a query in, a result out."""

from dataclasses import replace

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.errors import CodebookError, ParameterError, QueryError, check_int
from blockfactor.parameters import MODES, RunParameters

from ._jit import jit
from .codebook import Codebooks, encode
from .cycles import explain_time, timing
from .explain import residual
from .factorize import factorize
from .join import join
from .query import Query
from .result import CYCLES, ITERATIONS, SIMILARITY, STOP, STOPS, Result
from .sampler import next_seed
from .trace import CRC, WORDS, finish, start
from .verifier import BEST, RUNNER_UP, TUPLE, accept_level

__all__ = ["Factorizer"]

#: Codes of modes.
FACTORIZE, SCAN = MODES.index("factorize"), MODES.index("scan")


@jit
def run(code, sizes, known, index, weight, table, mode, numbers, heads, max_tuples, times, trace,
        state, best):
    """One run in the mode of that code, with a finished CRC."""
    state[:] = 0
    best[:] = 0
    start(state)
    if mode == FACTORIZE:
        factorize(code, sizes, known, index, weight, table, numbers, times, trace, state, best)
    else:
        join(code, sizes, known, index, weight, table, numbers, heads, mode == SCAN, max_tuples,
             times, trace, state, best)
    finish(state)


class Factorizer:
    """Golden model of one core.

    Parameters
    ----------
    config : CoreConfig
    codebooks : Codebooks
        As many factors and blocks and the same block length as ``config``, at most
        ``max_codevectors`` codevectors each.
    """

    def __init__(self, config: CoreConfig, codebooks: Codebooks):
        self.config = config
        self.timing = timing(config)
        self.load(codebooks)

    def load(self, codebooks: Codebooks) -> None:
        """Replace the codebooks; CodebookError where they do not fit the core."""
        config = self.config
        codebooks.check()
        for name, have, want in (("factors", codebooks.factors, config.factors),
                                 ("blocks", codebooks.blocks, config.blocks),
                                 ("block_length", codebooks.block_length, config.block_length)):
            if have != want:
                raise CodebookError(f"codebook has {name} {have}, the core has {want}")
        for f, size in enumerate(codebooks.sizes):
            check_int(f"codebook {f}, size", size, 1, config.max_codevectors, CodebookError)
        self.codebooks = codebooks
        self.code = np.zeros((config.factors, max(codebooks.sizes), config.blocks), dtype=np.int64)
        for f, indices in enumerate(codebooks.indices):
            self.code[f, :len(indices)] = indices

    def numbers(self, parameters: RunParameters, q: int, smax: int, depth: int) -> tuple:
        """The kernel's integer arguments for a query of those sums and depth."""
        config = self.config
        use_sum = parameters.rule == "sum"
        scaled = parameters.threshold * q * (config.blocks if use_sum else 1)
        return (config.codevector_bits, config.list_size, config.max_histogram,
                config.similarity_bits, depth, scaled, parameters.samples, parameters.trim,
                use_sum, accept_level(parameters.level, smax), parameters.patience,
                parameters.max_iterations, next_seed(parameters.seed), 2 * config.codevector_bits,
                config.draws == "sweep")

    def check(self, parameters: RunParameters) -> None:
        """Raise ParameterError or CodebookError where the parameters cannot run."""
        parameters.check(self.config)
        for f, (want, have) in enumerate(zip(parameters.sizes, self.codebooks.sizes)):
            if want > have:
                raise CodebookError(f"codebook {f} has {have} codevectors, "
                                    f"sizes[{f}] {want} asks for more")

    def explain(self, query: Query, parameters: RunParameters, trace: bool = False) -> list:
        """Decode the products bundled in one query; see golden/explain.py.

        Returns
        -------
        list of what :meth:`run` returns
            As many as ``parameters.products``. Where nothing is left of the query there is nothing
            to be found: stop reason ``complete``, and ``smax`` is 0.

        Raises
        ------
        QueryError, ParameterError, CodebookError
        """
        self.check(parameters)
        single = parameters.replace(products=1)
        found, taken = [], 0
        for _ in range(parameters.products):
            if not found or query.smax:
                result, words = self.run(query, single, trace=True)
            else:
                zeros = (0,) * self.config.factors
                result = Result(zeros, 0, 0, 0, zeros, 0, 1, next_seed(parameters.seed),
                                "complete", 0)
                words = np.zeros((0, 2), dtype=np.int64)
            result = replace(result, cycles=result.cycles + taken)
            found.append((result, words) if trace else result)
            entries = sum(map(len, query.entries))
            taken = explain_time(self.config, entries) if entries else 0
            query = residual(query, encode(self.codebooks, result.indices))
        return found

    def run(self, query: Query, parameters: RunParameters, trace: bool = False):
        """Factorize one query; its parameters ask for one product.

        Returns
        -------
        Result, or (Result, int array [n, 2] of trace words and their kinds) with ``trace``.

        Raises
        ------
        QueryError, ParameterError, CodebookError
        """
        config = self.config
        self.check(parameters)
        check_int("products", parameters.products, 1, 1, ParameterError)
        query.check(config.blocks, config.block_length, config.query_entries, config.weight_bits)
        if not query.smax:
            raise QueryError("query is empty: no block has an entry")
        index, weight = query.arrays(config.query_entries)
        arguments = (self.code, np.array(parameters.sizes), np.array(parameters.known),
                     index.astype(np.int64), weight.astype(np.int64),
                     query.dense(config.block_length).astype(np.int64),
                     MODES.index(parameters.resolve(config)),
                     self.numbers(parameters, query.q, query.smax, query.depth),
                     parameters.heads, parameters.max_tuples, self.timing)
        state = np.zeros(SIMILARITY + config.factors, dtype=np.int64)
        best = np.zeros(TUPLE + config.factors, dtype=np.int64)
        words = np.zeros((4096 if trace else 0, 2), dtype=np.int64)
        run(*arguments, words, state, best)
        if trace and state[WORDS] > len(words):
            words = np.zeros((state[WORDS], 2), dtype=np.int64)
            run(*arguments, words, state, best)
        result = Result(
            indices=tuple(int(m) for m in best[TUPLE:]), score=int(best[BEST]), smax=query.smax,
            runner_up=int(best[RUNNER_UP]),
            similarities=tuple(int(s) for s in state[SIMILARITY:]),
            iterations=int(state[ITERATIONS]), cycles=int(state[CYCLES]),
            seed=next_seed(parameters.seed), stop=STOPS[state[STOP]], crc=int(state[CRC]))
        return (result, words[:state[WORDS]]) if trace else result
