"""Mean cycles at the benchmark points, measured with the golden model."""

from dataclasses import replace

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.errors import BlockfactorError
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.parameters import RunParameters

from .estimate import Estimate

__all__ = ["mean_cycles", "with_latency"]


def mean_cycles(core: CoreConfig, engine: str, size: int, trials: int) -> float | None:
    """Mean cycles of clean queries, each with codebooks of its own.

    Parameters
    ----------
    core : CoreConfig
    engine : str
        With factorize, samples and threshold are the published ones.
    size : int
        Codevectors in each codebook.
    trials : int

    Returns
    -------
    float or None
        None where the core is too small, or there are no published parameters.
    """
    if core.max_codevectors < size:
        return None
    factors, blocks = core.factors, core.blocks
    parameters = RunParameters(sizes=(size,) * factors, mode=engine, heads=1)
    if engine == "factorize":
        try:
            samples, threshold = published_parameters(core.dimension, factors, blocks, size)
        except BlockfactorError:
            return None
        parameters = parameters.replace(
            samples=samples, threshold=round(threshold * 65536),
            max_iterations=max(1, size ** (factors - 1) // factors))
    rng = np.random.default_rng([1, size])
    codes = rng.integers(0, core.block_length, (trials, factors, size, blocks))
    truth = rng.integers(0, size, (trials, factors))
    chosen = codes[np.arange(trials)[:, None], np.arange(factors), truth]
    index = (chosen.sum(axis=1) % core.block_length)[:, :, None]
    found = factorize_many(core, codes, index, np.ones_like(index), parameters,
                           rng.integers(1, 2**32, trials))
    return round(float(found.cycles.mean()), 1)


def with_latency(estimate: Estimate, trials: int = 200) -> Estimate:
    """An estimate whose missing latencies have been measured."""
    core = CoreConfig.from_table(estimate.system["core"])
    latency = {engine: {} for engine in estimate.latency}
    for engine, by_size in estimate.latency.items():
        for size, mean in by_size.items():
            if mean is None:
                cycles = mean_cycles(core, engine, int(size), trials)
                mean = None if cycles is None else round(cycles / estimate.clock, 2)
            latency[engine][size] = mean
    return replace(estimate, latency=latency)
