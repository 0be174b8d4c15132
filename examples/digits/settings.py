"""The core that factorizes the digits' product vectors, and the parameters it runs with."""

from blockfactor.config import CoreConfig
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query import Query, from_probabilities_batch
from blockfactor.parameters import RunParameters

from .network import DIGITS, FACTORS

__all__ = ["ENTRIES", "JOIN_LEVEL", "WEIGHT_BITS", "codebooks", "core_config", "queries",
           "run_parameters"]

#: Entries kept of a block, and bits of their weights.
ENTRIES = 8
WEIGHT_BITS = 4

#: Activation threshold (T16: 65536ths) and blocks left out of the minimum, by network. Flat optima:
#: with ``evaluate.py``, thresholds of .001 to .01 give the same accuracy within .1 %, one block
#: more or fewer left out within .2 %.
TUNED = {"b4": (197, 0), "b8": (393, 1)}
#: Acceptance level of ``factorize``: .8 of the largest score. It runs until its limit where the
#: best score is lower.
LEVEL = 205

#: Blocks that ``join`` looks digits up in, by network. In eight short blocks the surest two are
#: both wrong more often than in four long ones: ``evaluate.py --heads 2``.
HEADS = {"b4": 2, "b8": 3}
#: Acceptance level of ``join`` and ``scan``: .85 of the largest score. With .8 a triple that is not
#: the best is accepted now and then, and nothing is faster: ``evaluate.py --level 205``.
JOIN_LEVEL = 218


def core_config(network) -> CoreConfig:
    """The smallest core for ``network``: 10 codevectors, all of which fit a list."""
    return CoreConfig(factors=FACTORS, blocks=network.blocks, block_length=network.block_length,
                      max_codevectors=DIGITS, heads=HEADS[network.name], list_size=16,
                      query_entries=ENTRIES, weight_bits=WEIGHT_BITS)


def run_parameters(network, mode: str = "factorize") -> RunParameters:
    """Run parameters for the network's outputs, in mode ``factorize``, ``join`` or ``scan``.

    A start with the whole codebook (``samples=0``) finds clear triples in one or two iterations.
    ``join`` and ``scan`` are bounded whatever the level, and so have a higher one.
    """
    threshold, trim = TUNED[network.name]
    return RunParameters(sizes=(DIGITS,) * FACTORS, mode=mode, threshold=threshold, samples=0,
                         trim=trim, heads=HEADS[network.name],
                         level=LEVEL if mode == "factorize" else JOIN_LEVEL, patience=3,
                         max_iterations=40)


def codebooks(network) -> Codebooks:
    """The network's codebooks, to be loaded into a core."""
    return Codebooks(tuple(network.codebook), network.block_length)


def queries(network, images, log: bool = False) -> list[Query]:
    """Run the network and turn its outputs into queries.

    Linear weights, ``round(15 p / peak)``, unless ``log``. Log weights change the accuracy by .2 %
    at most, either way; they lift wrong triples nearer to the acceptance level, so that the core
    more often stops at another triple than exhaustive search finds.
    """
    p = network.product_vector(images)
    index, weight = from_probabilities_batch(p, ENTRIES, WEIGHT_BITS, log)
    return [Query.from_arrays(i, w) for i, w in zip(index, weight)]
