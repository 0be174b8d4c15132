"""A query for examples, with its codebooks and what a run of it gives."""

from dataclasses import dataclass

import numpy as np

from ..config import CoreConfig
from ..golden import query as queries
from ..golden.codebook import Codebooks, encode
from ..golden.factorizer import Factorizer
from ..golden.query import Query
from ..golden.result import Result
from ..parameters import RunParameters

__all__ = ["Example", "make_example"]

#: Codevectors of a codebook that the example writes, and queries tried for a short run.
SIZE, TRIES = 8, 12


@dataclass(frozen=True)
class Example:
    """Codebooks, a query, and what a run with ``parameters`` gives."""

    codebooks: Codebooks
    query: Query
    parameters: RunParameters
    result: Result


def make_example(config: CoreConfig, parameters: RunParameters,
                 codebooks: Codebooks | None = None, seed: int = 1) -> Example:
    """A clean query that is decoded right, in few cycles.

    Parameters
    ----------
    parameters : RunParameters
        For clean queries; sizes follow the codebooks.
    codebooks : Codebooks or None
        Those the core has from the start; small random ones if not given.
    """
    rng = np.random.default_rng(seed)
    if codebooks is None:
        sizes = tuple(min(SIZE, config.max_codevectors) for _ in range(config.factors))
        codebooks = Codebooks.random(sizes, config.blocks, config.block_length, rng)
    parameters = parameters.replace(sizes=codebooks.sizes, known=())
    model = Factorizer(config, codebooks)
    tries = []
    for _ in range(TRIES):
        truth = tuple(int(rng.integers(size)) for size in codebooks.sizes)
        query = queries.clean(encode(codebooks, truth))
        result = model.run(query, parameters)
        right = result.stop == "accepted" and result.indices == truth
        tries.append((not right, result.cycles, len(tries),
                      Example(codebooks, query, parameters, result)))
    return min(tries)[-1]
