"""generator/register_words.py: fields hold what they should, in the order of the windows."""

import numpy as np
import pytest

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.errors import BlockfactorError
from blockfactor.generator.register_words import (
    codebook_words,
    parameter_words,
    query_words,
    result_words,
)
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query import Query
from blockfactor.golden.result import Result
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS
from blockfactor.registers import register_map


def test_codebook_words():
    """Lanes of 8 and of 16 bits; the last word of a codevector may be partly empty."""
    books = Codebooks((np.arange(12).reshape(2, 6), np.full((1, 6), 255)), 256)
    system = SystemConfig(core=CoreConfig(blocks=6, block_length=256))
    assert codebook_words(system, books) == [
        [0x03020100, 0x0504, 0x09080706, 0x0B0A], [0xFFFFFFFF, 0xFFFF]]
    system = SystemConfig(core=CoreConfig(blocks=3, block_length=1000, tag_bits=8))
    books = Codebooks((np.array([[1, 999, 3]]),), 1000)
    assert codebook_words(system, books) == [[999 << 16 | 1, 3]]
    assert all(len(codebook_words(s, Codebooks.random((4,), s.core.blocks, s.core.block_length, 1))
                   [0]) == 4 * s.codevector_words for s in (p.system for p in PRESETS.values()))


def test_query_words():
    registers = register_map(PRESETS["demo"].system)
    words = query_words(registers, Query((((5, 9), (1, 2)), (), ((127, 15),), ((0, 1),))))
    assert [registers["QUERY_ENTRY"].unpack(word) for word in words] == [
        {"index": 5, "weight": 9, "block": 0, "last": 0},
        {"index": 1, "weight": 2, "block": 0, "last": 0},
        {"index": 127, "weight": 15, "block": 2, "last": 0},
        {"index": 0, "weight": 1, "block": 3, "last": 1}]


def test_parameter_words():
    """Every parameter is found again, in the register and field of its name."""
    system = PRESETS["demo"].system
    registers = register_map(system)
    parameters = RunParameters(
        sizes=(3, 32, 5), mode="scan", threshold=77, samples=40000, rule="sum", trim=2, heads=2,
        level=300, patience=9, max_iterations=1234, max_tuples=67890, seed=0xDEADBEEF,
        known=(-1, 31, -1), dense_threshold=9000, dense_weights="log", dense_shift=7)
    words = parameter_words(system, parameters)
    assert [name for name, _ in words] == [
        "SIZES0", "SIZES1", "KNOWN0", "KNOWN1", "SEARCH", "ACTIVATION", "MAX_ITERATIONS",
        "MAX_TUPLES", "SEED", "DENSE"]
    assert {name: registers[name].unpack(word) for name, word in words} == {
        "SIZES0": {"size0": 3, "size1": 32}, "SIZES1": {"size2": 5},
        "KNOWN0": {"index0": 0, "known0": 0, "index1": 31, "known1": 1},
        "KNOWN1": {"index2": 0, "known2": 0},
        "SEARCH": {"mode": 3, "heads": 2, "trim": 2, "use_sum": 1, "patience": 9, "level": 300},
        "ACTIVATION": {"threshold": 77, "samples": 32},
        "MAX_ITERATIONS": {"iterations": 1234}, "MAX_TUPLES": {"tuples": 67890},
        "SEED": {"seed": 0xDEADBEEF}, "DENSE": {"threshold": 255, "log": 1, "shift": 7}}
    with pytest.raises(BlockfactorError, match="^sizes"):
        parameter_words(system, parameters.replace(sizes=(3, 33, 5)))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_words(name):
    system = PRESETS[name].system
    for parameters in (PRESETS[name].clean, PRESETS[name].soft):
        names = [n for n, _ in parameter_words(system, parameters)]
        assert names == [r.name for r in register_map(system)
                         if any(f.access == "parameter" for f in r.fields)
                         and r.name not in ("CONFIG", "CODEBOOK_ADDRESS")]


def test_result_words():
    registers = register_map(PRESETS["demo"].system)
    result = Result((1, 31, 2), 50, 60, 7, (100, 0, 300), 12, 3456, 0x89ABCDEF, "limit", 0x1234)
    words = result_words(registers, result, tag=255, errors=0b10010)
    assert {name: registers[name].unpack(word) for name, word in words} == {
        "RESULT": {"tag": 255, "stop": 2, "errors": 0b10010},
        "RESULT_INDICES0": {"index0": 1, "index1": 31}, "RESULT_INDICES1": {"index2": 2},
        "RESULT_SCORE": {"score": 50, "smax": 60}, "RESULT_RUNNER_UP": {"runner_up": 7},
        "RESULT_ITERATIONS": {"iterations": 12}, "RESULT_CYCLES": {"cycles": 3456},
        "RESULT_SEED": {"seed": 0x89ABCDEF}, "RESULT_CRC": {"crc": 0x1234},
        "RESULT_SIMILARITY0": {"similarity": 100}, "RESULT_SIMILARITY1": {"similarity": 0},
        "RESULT_SIMILARITY2": {"similarity": 300}}
