"""The core that factorizes the scenes' product vectors, and the parameters it runs with."""

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query import Query, from_probabilities_batch
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

from .network import BLOCK_LENGTH
from .render import SIZES

__all__ = ["CORE", "codebooks", "queries", "run_parameters", "weights"]

#: Four factors, four blocks of 256, 8 entries of 4 bits a block, codebooks of up to 16.
CORE: CoreConfig = preset("f4").core

#: Activation threshold of ``factorize`` in 65536ths, .004 as in the preset.
THRESHOLD = 262
#: Acceptance levels: .8 and .85 of the largest score, as for the digits.
LEVEL, JOIN_LEVEL = 205, 218
#: Blocks that ``join`` looks colours up in.
LOOK_UPS = 2


def run_parameters(mode: str = "join") -> RunParameters:
    """Run parameters for the network's outputs, in mode ``factorize``, ``join`` or ``scan``."""
    return RunParameters(sizes=SIZES, mode=mode, threshold=THRESHOLD, samples=0, trim=0,
                         heads=LOOK_UPS, level=LEVEL if mode == "factorize" else JOIN_LEVEL,
                         patience=3, max_iterations=40)


def codebooks(network) -> Codebooks:
    """The network's codebooks, to be loaded into a core."""
    return Codebooks(network.codebook, BLOCK_LENGTH)


def queries(products) -> list[Query]:
    """Queries of product vectors [n, B, L]: the 8 largest of a block, ``round(15 p / peak)``."""
    index, weight = from_probabilities_batch(products, CORE.query_entries, CORE.weight_bits)
    return [Query.from_arrays(i, w) for i, w in zip(index, weight)]


def weights(products) -> np.ndarray:
    """The same as weights of every index, int [n, B, L]."""
    index, weight = from_probabilities_batch(products, CORE.query_entries, CORE.weight_bits)
    result = np.zeros(np.shape(products), dtype=np.int64)
    # Unused entries have index 0 and weight 0: adding, not storing, keeps index 0's weight.
    for entry in range(index.shape[2]):
        place = index[:, :, entry:entry + 1].astype(np.int64)
        value = np.take_along_axis(result, place, 2) + weight[:, :, entry:entry + 1]
        np.put_along_axis(result, place, value, 2)
    return result
