"""The trace's CRC is zlib's, and its words read back as steps."""

import zlib

import numpy as np

from blockfactor.golden import query
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.trace import STEP, steps
from blockfactor.presets import preset


def run(name: str, kind: str, seed: int, **changes):
    """A run with its trace."""
    chosen = preset(name)
    core = chosen.core
    parameters = chosen.parameters(kind).replace(**{"max_iterations": 20} | changes)
    books = Codebooks.random(parameters.sizes, core.blocks, core.block_length, seed)
    rng = np.random.default_rng(seed)
    truth = tuple(int(rng.integers(size)) for size in parameters.sizes)
    made = query.clean(encode(books, truth))
    result, words = Factorizer(core, books).run(made, parameters.replace(seed=seed + 1), trace=True)
    return core, parameters, result, words


def test_crc_is_that_of_zlib():
    for seed in range(5):
        _, _, result, words = run("demo", "clean", seed)
        assert result.crc == zlib.crc32(words[:, 1].astype("<u2").tobytes())


def test_steps_read_back():
    core, parameters, result, words = run("demo", "clean", 3)
    read = steps(words, core.similarity_bits > 16)
    updates = [step for step in read if "factor" in step]
    assert len(updates) == sum(words[:, 0] == STEP) // 4
    assert [step["factor"] for step in updates[:4]] == [0, 1, 2, 0]
    assert all("score" in step for step in updates[2:])
    assert "score" not in updates[0] and "draw" in read[0]
    assert updates[-1]["score"] == result.score == result.smax
    for step in updates:
        assert step["sampled"] == (not step["entries"])
        if not step["sampled"]:
            assert len(step["entries"]) == step["length"]
            assert step["best"] in dict(step["entries"])
    assert result.iterations == -(-len(updates) // 3)


def test_long_traces_are_whole():
    _, _, result, words = run("demo", "clean", 1, level=511, max_iterations=500)
    assert len(words) > 4096
    assert result.crc == zlib.crc32(words[:, 1].astype("<u2").tobytes())
