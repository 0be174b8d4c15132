"""What the last layer of a classifier costs: fully connected, factorizer, tensor train.

``I`` are the layer's inputs, ``C`` the classes, ``D = B * L`` the dimension of a product vector.

- **Fully connected**: ``I * C`` weights and ``C`` biases; ``I * C`` multiply-accumulates.
- **Factorizer** with a trained projection: ``I * D`` weights and ``D`` biases; ``I * D``
  multiply-accumulates; then the core searches, which takes cycles instead. Without a projection the
  D = I inputs are the product vector themselves: no weights and no multiplications. The codebooks
  are ``sum(M_f) * B * ceil(log2 L)`` bits in either case, and not trained.
- **Tensor train** (Novikov et al., arXiv 1509.06569): the matrix as cores [r, m, n, s] with
  ``C = prod(m)``, ``I = prod(n)``; ``sum(r * m * n * s)`` weights and ``C`` biases. A rank is
  never above what makes the train exact: ``min(prod(m * n))`` of the cores on either side.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from blockfactor.config import CoreConfig, SystemConfig

__all__ = ["BoardTime", "Head", "board_times", "codebook_bits", "connected", "factorizer",
           "tensor_train", "tensor_train_ranks"]


class Head(NamedTuple):
    """A last layer's trained parameters, multiply-accumulates an input, and bits of codebooks."""

    parameters: int
    operations: int
    codebook_bits: int = 0


class BoardTime(NamedTuple):
    """A board's clock and the time that cycles take there; ``holds``: its own core can run them."""

    board: str
    preset: str
    clock_hz: int
    microseconds: float
    holds: bool


def codebook_bits(sizes: Iterable[int], blocks: int, block_length: int) -> int:
    """Bits of codebooks with ``sizes`` codevectors, one index below L a block."""
    return sum(sizes) * blocks * (block_length - 1).bit_length()


def connected(inputs: int, classes: int) -> Head:
    """A fully connected layer with biases."""
    return Head(inputs * classes + classes, inputs * classes)


def factorizer(inputs: int, sizes: Sequence[int], blocks: int, block_length: int,
               projection: bool = True) -> Head:
    """A layer whose output is a product vector.

    Raises
    ------
    ValueError
        Without a projection, where ``inputs`` is not ``blocks * block_length``.
    """
    dimension = blocks * block_length
    bits = codebook_bits(sizes, blocks, block_length)
    if projection:
        return Head(inputs * dimension + dimension, inputs * dimension, bits)
    if inputs != dimension:
        raise ValueError(f"inputs {inputs} is not {dimension}, the dimension of the product vector")
    return Head(0, 0, bits)


def _capped(inputs: Sequence[int], outputs: Sequence[int], rank: int) -> tuple[int, ...]:
    """Inner ranks of a train, ``rank`` or what makes it exact."""
    modes = [n * m for n, m in zip(inputs, outputs)]
    return tuple(min(rank, math.prod(modes[:k]), math.prod(modes[k:]))
                 for k in range(1, len(modes)))


def _weights(inputs: Sequence[int], outputs: Sequence[int], ranks: Sequence[int]) -> int:
    ends = (1, *ranks, 1)
    return sum(r * m * n * s for r, m, n, s in zip(ends, outputs, inputs, ends[1:]))


def tensor_train_ranks(inputs: Sequence[int], outputs: Sequence[int],
                       weights: int) -> tuple[int, ...]:
    """Inner ranks of the largest train with no more than ``weights`` weights.

    All ranks are the same, but for those that are exact already.

    Raises
    ------
    ValueError
        Not even ranks of 1 fit.
    """
    rank, ranks = 0, None
    while True:
        rank += 1
        longer = _capped(inputs, outputs, rank)
        if longer == ranks or _weights(inputs, outputs, longer) > weights:
            break
        ranks = longer
    if ranks is None:
        raise ValueError(f"{weights} weights are too few for a tensor train, of rank 1 it has "
                         f"{_weights(inputs, outputs, longer)}")
    return ranks


def _in_order(inputs: Sequence[int], outputs: Sequence[int], ranks: Sequence[int]) -> int:
    """Multiply-accumulates from the first core to the last."""
    ends = (1, *ranks, 1)
    return sum(math.prod(outputs[:k + 1]) * ends[k] * math.prod(inputs[k:]) * ends[k + 1]
               for k in range(len(inputs)))


def tensor_train(inputs: Sequence[int], outputs: Sequence[int], ranks: Sequence[int]) -> Head:
    """A layer whose matrix is a tensor train, with biases.

    Operations are those of the cheapest way that keeps the train: core by core from either end, or
    in two halves, each with its cores multiplied out beforehand. All of them multiplied out is the
    fully connected layer.
    """
    ways = [_in_order(inputs, outputs, ranks), _in_order(inputs[::-1], outputs[::-1], ranks[::-1])]
    for k, rank in enumerate(ranks, 1):
        halves = [tuple(math.prod(part) for part in (modes[:k], modes[k:]))
                  for modes in (inputs, outputs)]
        ways += [_in_order(*halves, (rank,)),
                 _in_order(*(half[::-1] for half in halves), (rank,))]
    return Head(_weights(inputs, outputs, ranks) + math.prod(outputs), min(ways))


def _holds(have: CoreConfig, want: CoreConfig) -> bool:
    """Whether a core can run what another was made for, in mode join and with as many cycles."""
    same = all(getattr(have, name) == getattr(want, name)
               for name in ("factors", "blocks", "block_length", "lanes"))
    return same and "join" in have.engines and all(
        getattr(have, name) >= getattr(want, name)
        for name in ("max_codevectors", "heads", "query_entries", "weight_bits"))


def board_times(boards: Iterable[dict], core: CoreConfig, cycles: float) -> list[BoardTime]:
    """What cycles take at each board's clock.

    Parameters
    ----------
    boards : iterable of dict
        As in docs/boards.json: ``board``, ``preset`` and ``system`` of each.
    core : CoreConfig
        The core that takes the cycles.
    cycles : float
    """
    result = []
    for board in boards:
        system = SystemConfig.from_table(board["system"])
        result.append(BoardTime(board["board"], board["preset"], system.clock_hz,
                                1e6 * cycles / system.clock_hz, _holds(system.core, core)))
    return result
