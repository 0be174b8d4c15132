"""Problems that variants of the published method are compared on."""

from typing import NamedTuple

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.golden.query import clean_batch, damaged_batch, soft_batch
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

__all__ = ["CHUNK", "POINTS", "Point", "chunks"]

#: Trials at a time, which bounds the memory used; what a trial is does not depend on their number.
CHUNK = 50


class Point(NamedTuple):
    """A kind of query, a core and the parameters that the golden model has there now.

    ``margin`` is that of soft queries, ``wrong`` the number of wrong blocks.
    """

    name: str
    core: CoreConfig
    parameters: RunParameters
    margin: float = 0
    wrong: int = 0


def _clean(name: str, factors: int, size: int, core: str) -> Point:
    samples, threshold = published_parameters(512, factors, 4, size)
    return Point(name, preset(core).core, RunParameters(
        sizes=(size,) * factors, mode="factorize", threshold=round(threshold * 65536),
        samples=samples, max_iterations=size ** (factors - 1) // factors))


def _soft(name: str, core: str, margin: float, wrong: int = 0, **changes) -> Point:
    chosen = preset(core)
    return Point(name, chosen.core, chosen.soft.replace(sizes=(22,) * 3, **changes), margin, wrong)


#: Of B=8, M=22: the preset's own are for M=32 (bench/join.py).
_EIGHT = {"samples": 6, "threshold": round(.009 * 65536), "trim": 2}

POINTS = {point.name: point for point in (
    _clean("clean-22", 3, 22, "demo"),
    _clean("clean-49", 3, 49, "tiny"),
    _clean("clean-110", 3, 110, "paper"),
    _clean("clean-2x562", 2, 562, "f2"),
    _clean("clean-2x1155", 2, 1155, "f2"),
    Point("clean-4x16", preset("f4").core, preset("f4").clean),
    _soft("soft-22", "demo", 4.0),
    _soft("soft-22-b8", "robust", 3.0, **_EIGHT, level=205),
    _soft("wrong-1-of-4", "demo", 0, 1, level=192),
    _soft("wrong-2-of-8", "robust", 0, 2, **_EIGHT, level=192),
)}


def chunks(point: Point, trials: int, seed: int):
    """Yield ``trials`` problems, at most CHUNK at a time.

    Each time codebooks [n, F, M, B], true tuples [n, F], queries (index, weight) and seeds [n].
    """
    core, size = point.core, point.parameters.sizes[0]
    for first in range(0, trials, CHUNK):
        rng = np.random.default_rng([seed, first, *map(ord, point.name)])
        codes = rng.integers(0, core.block_length, (CHUNK, core.factors, size, core.blocks))
        truth = rng.integers(0, size, (CHUNK, core.factors))
        chosen = codes[np.arange(CHUNK)[:, None], np.arange(core.factors), truth]
        product = chosen.sum(axis=1) % core.block_length
        if point.margin:
            query = soft_batch(product, core.block_length, point.margin, rng, core.query_entries,
                               core.weight_bits)
        else:
            query = clean_batch(damaged_batch(product, core.block_length, point.wrong, rng))
        seeds = rng.integers(1, 2**32, CHUNK)
        count = min(CHUNK, trials - first)
        yield codes[:count], truth[:count], tuple(part[:count] for part in query), seeds[:count]
