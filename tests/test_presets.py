"""Presets: what the project promises of each, and that each can run its own parameters."""

import pytest

from blockfactor.errors import ConfigError
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.presets import PRESETS, preset

#: Factors, blocks, block length, codevectors that must fit, per preset.
PROMISED = {
    "demo": (3, 4, 128, 22),
    "tiny": (3, 4, 128, 64),
    "paper": (3, 4, 128, 128),
    "f2": (2, 4, 128, 1155),
    "f4": (4, 4, 256, 16),
    "robust": (3, 8, 64, 32),
}


@pytest.mark.parametrize("name", PROMISED)
def test_promised_shapes(name):
    core = preset(name).core
    factors, blocks, length, codevectors = PROMISED[name]
    assert (core.factors, core.blocks, core.block_length) == (factors, blocks, length)
    assert core.max_codevectors >= codevectors


def test_lists_of_f2():
    assert preset("f2").core.list_size == 256


def test_published_parameters():
    """T and A of the published code; those of f4 are of design.md."""
    want = {name: published_parameters(core.dimension, core.factors, core.blocks, clean.sizes[0])
            for name in ("demo", "tiny", "paper", "f2")
            for core, clean in [(preset(name).core, preset(name).clean)]}
    assert want["paper"] == (10, .0066)
    for name, (samples, threshold) in (want | {"f4": (6, .004)}).items():
        clean = preset(name).clean
        assert clean.threshold / 65536 == pytest.approx(threshold, abs=1 / 65536)
        assert clean.samples == samples


def test_one_block_length_is_no_power_of_two():
    assert any(p.core.block_length & (p.core.block_length - 1) for p in PRESETS.values())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_run_its_parameters(name):
    chosen = preset(name)
    assert chosen.name == name and chosen.about
    for kind in ("clean", "soft", "damaged"):
        chosen.parameters(kind).check(chosen.core)
    assert chosen.clean.level == 256
    assert chosen.soft.level < 256
    assert chosen.soft.sizes == chosen.clean.sizes


def test_unknown_preset_names_those_there_are():
    with pytest.raises(ConfigError) as raised:
        preset("huge")
    assert str(raised.value) == f"no preset 'huge'; presets are {', '.join(PRESETS)}"
