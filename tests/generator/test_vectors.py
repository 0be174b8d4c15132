"""generator/vectors.py and script.py: runs of every kind, short ones, and their file."""

import pytest

from blockfactor.config import CoreConfig
from blockfactor.generate import run_parameters
from blockfactor.generator.script import COMMANDS, write_script
from blockfactor.generator.vectors import SHORT, case_kinds, make_cases
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.presets import PRESETS

SEED = 4


def made(preset, count=10, **changes):
    """Configuration, codebooks and cases of a preset with some fields changed."""
    config = preset.core.replace(**changes)
    clean, soft = run_parameters(preset, config)
    books = Codebooks.random(clean.sizes, config.blocks, config.block_length, SEED)
    return config, books, make_cases(config, books, clean, soft, preset.margin, count, SEED)


def test_kinds():
    everything = CoreConfig(element_bits=8)
    assert sorted(case_kinds(everything)) == sorted(
        ["clean", "soft", "dense", "known", "limit", "join", "scan", "damaged", "sum",
         "given"])
    assert case_kinds(CoreConfig(engines=("join",), query_entries=1, blocks=1)) == [
        "clean", "known", "limit", "scan", "given"]
    assert "scan" not in case_kinds(CoreConfig(engines=("factorize",)))


@pytest.mark.parametrize("name", PRESETS)
def test_every_kind_runs_and_is_short(name):
    config, books, cases = made(PRESETS[name])
    assert {case.kind for case in cases} == set(case_kinds(config))
    model = Factorizer(config, books)
    for case in cases:
        assert case.result == model.run(case.query, case.parameters), f"seed {SEED}"
        assert case.result.cycles <= 2 * SHORT // config.blocks, case.kind
        if case.elements is not None:
            assert case.query == front_end(case.elements, config, **case.parameters.dense)
    by_kind = {case.kind: case for case in cases}
    assert by_kind["limit"].result.stop == "limit"
    assert by_kind["clean"].result.stop == by_kind["given"].result.stop == "accepted"
    # The last codevector of every codebook has its turn.
    assert by_kind["given"].result.indices == tuple(m - 1 for m in config_sizes(books))
    assert sum(k >= 0 for k in by_kind["known"].parameters.known) == 1
    if "factorize" in config.engines:
        assert by_kind["sum"].parameters.rule == "sum"
        assert by_kind["limit"].parameters.sizes == books.sizes
    if "join" in by_kind:
        assert by_kind["join"].parameters.resolve(config) == "join"


def test_both_kinds_of_dense_weights():
    kinds = len(case_kinds(PRESETS["demo"].core))
    config, _, cases = made(PRESETS["demo"], 2 * kinds)
    dense = [case for case in cases if case.kind == "dense"]
    assert [case.parameters.dense_weights for case in dense] == ["linear", "log"]
    for case in dense:
        assert case.query == front_end(case.elements, config, **case.parameters.dense)
        # Not only the peaks.
        assert len({weight for block in case.query.entries for _, weight in block}) > 2


def config_sizes(books):
    """Sizes as plain integers."""
    return tuple(int(size) for size in books.sizes)


def test_a_run_that_takes_long_is_cut():
    config, _, cases = made(PRESETS["tiny"], 20, block_length=5, query_entries=5,
                            histogram_bits=4)
    assert all(case.result.cycles <= 2 * SHORT // config.blocks for case in cases)


@pytest.mark.parametrize("changes", [
    {"factors": 2}, {"factors": 4}, {"blocks": 1}, {"engines": ("join",)}, {"lanes": 4},
    {"max_codevectors": 1, "list_size": 2}, {"query_entries": 1, "weight_bits": 1}], ids=str)
def test_changed_cores(changes):
    config, _, cases = made(PRESETS["demo"], 12, **changes)
    assert {case.kind for case in cases} == set(case_kinds(config))


def test_script():
    config, books, cases = made(PRESETS["odd"], 3)
    script = write_script(config, books, cases, write_codebooks=True)
    commands = [int(line, 16) for line in script.lines if not line.startswith("//")]
    names = {code: name for name, code in COMMANDS.items()}
    kinds = [names[word & 15] for word in commands]
    assert len(commands) == script.count
    assert max(commands).bit_length() <= script.width
    assert kinds.count("codebook") == sum(books.sizes)
    assert kinds.count("dense") == config.block_length
    assert kinds.count("result") == len(cases)
    assert kinds[-1] == "end"
    [first] = [n for n, kind in enumerate(kinds) if kind == "result"][:1]
    bits = commands[first] >> 4
    layout = script.layouts["result"]
    assert layout.from_bits(bits).cycles == cases[0].result.cycles
    assert script.cycles > sum(case.result.cycles for case in cases)
    without = write_script(config, books, cases, write_codebooks=False)
    assert without.count == script.count - sum(books.sizes)
