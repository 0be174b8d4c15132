"""golden/sweep.py: every combination of lists comes once before any comes again."""

from itertools import product

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden import query
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.trace import DRAW, STEP
from blockfactor.parameters import RunParameters


def members(offset: int, stride: int, size: int, count: int) -> list[int]:
    """The list that a draw of those words makes."""
    span = 1 << (size - 1).bit_length()
    return [m for m in ((offset + i * stride) % span for i in range(span)) if m < size][:count]


def cells(words, factors: int, size: int, count: int) -> list[list[list[int]]]:
    """Lists of all factors but the first, for each pass of a run in which every step ends one."""
    found, lists, turned = [], [[]] * (factors - 1), 0
    position = 0
    while position < len(words):
        kind, word = words[position]
        if kind == DRAW:
            lists[turned] = members(word, words[position + 1][1], size, count)
            turned += 1
            position += 2
            continue
        if kind == STEP:
            found.append([list(entry) for entry in lists])
            turned = 0
            while position < len(words) and words[position][0] == STEP:
                position += 1
            continue
        position += 1
    return found


@pytest.mark.parametrize("factors, size, samples", [(2, 12, 4), (3, 12, 3), (3, 9, 3), (4, 6, 3)])
def test_every_combination_once(factors, size, samples):
    """With a threshold that nothing exceeds, and A a divisor of M."""
    core = CoreConfig(factors=factors, blocks=2, block_length=16, max_codevectors=size,
                      list_size=size, query_entries=1, draws="sweep")
    books = Codebooks.random((size,) * factors, 2, 16, seed=1)
    wheels = factors - 1
    number = (size // samples) ** wheels
    for seed in range(1, 6):
        parameters = RunParameters(mode="factorize", sizes=(size,) * factors, threshold=65535,
                                   samples=samples, level=511, max_iterations=2 * number, seed=seed)
        made = query.clean(encode(books, (1,) * factors))
        _, words = Factorizer(core, books).run(made, parameters, trace=True)
        words = [(int(kind), int(word)) for kind, word in words]
        found = cells(words, factors, size, samples)
        assert len(found) == 2 * number
        for half in (found[:number], found[number:]):
            met = np.zeros((size,) * wheels, dtype=int)
            for lists in half:
                for combination in product(*lists):
                    met[combination] += 1
            assert (met == 1).all(), f"seed {seed}"
        assert found[:number] != found[number:], "walks begin anew each time round"
