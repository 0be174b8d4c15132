"""Run parameters: ranges, known factors, what a core can run, files."""

import dataclasses
import os
import random
import re

import pytest

from blockfactor.config import CoreConfig
from blockfactor.errors import ParameterError
from blockfactor.parameters import MODES, RULES, UNKNOWN, WEIGHTS, RunParameters
from blockfactor.presets import PRESETS

SIZES = (22, 22, 22)


def random_parameters(rng: random.Random) -> RunParameters:
    """Random valid parameters."""
    sizes = tuple(rng.randint(1, 16384) for _ in range(rng.randint(2, 4)))
    numbers = {name: rng.randint(low, high) for name, (low, high) in RunParameters.RANGES.items()}
    known = rng.choice(((), tuple(rng.randint(-1, size - 1) for size in sizes)))
    return RunParameters(sizes=sizes, known=known, mode=rng.choice(MODES), rule=rng.choice(RULES),
                         dense_weights=rng.choice(WEIGHTS), **numbers)


@pytest.mark.parametrize("name", RunParameters.RANGES)
def test_ends_of_ranges(name):
    low, high = RunParameters.RANGES[name]
    for value in (low, high):
        assert getattr(RunParameters(SIZES, **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ParameterError, match=rf"^{name} {value} is outside {low}\.\.{high}$"):
            RunParameters(SIZES, **{name: value})


def test_documented_ranges():
    found = dict(re.findall(r"^    (\w+) : int, (\d+\.\.(?:\d+|B-1))", RunParameters.__doc__,
                            re.MULTILINE))
    want = {name: f"{low}..{high}" for name, (low, high) in RunParameters.RANGES.items()}
    assert found == want | {"trim": "0..B-1"}


def test_frozen_and_hashable():
    parameters = RunParameters(SIZES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        parameters.level = 1
    assert {parameters: 1}[RunParameters(list(SIZES))] == 1


def test_known_defaults_to_none_known():
    assert RunParameters((3, 4)).known == (UNKNOWN, UNKNOWN)
    assert RunParameters((3, 4), known=[2, UNKNOWN]).known == (2, UNKNOWN)
    assert RunParameters((3, 4), known=(2, 3)).known == (2, 3)


def test_check_returns_parameters_a_core_can_run():
    core = CoreConfig(max_codevectors=22, blocks=2, list_size=16)
    fits = RunParameters(SIZES, mode="factorize", trim=1)
    assert fits.check(core) is fits
    for change in ({"trim": 2}, {"sizes": (22, 22, 23)}, {"sizes": (22, 22)}):
        with pytest.raises(ParameterError):
            fits.replace(known=(), **change).check(core)
    with pytest.raises(ParameterError, match="^mode 'factorize' is not one of join, scan$"):
        fits.check(core.replace(engines=("join",)))


def test_dense_weights():
    assert RunParameters(SIZES).dense == {"threshold": 0, "weights": "linear", "shift": 0}
    given = RunParameters(SIZES, dense_threshold=7, dense_weights="log", dense_shift=15)
    assert given.dense == {"threshold": 7, "weights": "log", "shift": 15}
    with pytest.raises(ParameterError, match="^dense_weights 'ln' is not one of linear, log$"):
        RunParameters(SIZES, dense_weights="ln")


def test_replace_validates():
    with pytest.raises(ParameterError, match="^level 512 is outside"):
        RunParameters(SIZES).replace(level=512)


@pytest.mark.parametrize("seed", range(20))
def test_file_round_trip(seed, tmp_path):
    parameters = random_parameters(random.Random(seed))
    path = tmp_path / "run.toml"
    parameters.save(path)
    assert RunParameters.load(path) == parameters
    assert os.listdir(tmp_path) == ["run.toml"]


def test_a_file_need_not_name_every_field(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("sizes = [5, 6]\nsamples = 3\n")
    assert RunParameters.load(path) == RunParameters((5, 6), samples=3)


def test_errors_name_the_file_once(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("sizes = [5, 6]\nlevel = 1000\n")
    with pytest.raises(ParameterError) as raised:
        RunParameters.load(path)
    assert str(raised.value) == f"{path}: level 1000 is outside 0..511"
    with pytest.raises(ParameterError) as raised:
        RunParameters.load(tmp_path / "none.toml")
    assert str(raised.value).count("none.toml") == 1


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("kind", ["clean", "soft", "damaged"])
def test_presets_round_trip(name, kind, tmp_path):
    parameters = PRESETS[name].parameters(kind)
    parameters.save(tmp_path / "run.toml")
    assert RunParameters.load(tmp_path / "run.toml") == parameters
