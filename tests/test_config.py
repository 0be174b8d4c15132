"""Core and system configurations: ranges, widths, tables."""

import dataclasses
import random
import re

import pytest

from blockfactor.config import ENGINES, MULTIPLIERS, CoreConfig, SystemConfig
from blockfactor.errors import BlockfactorError, ConfigError
from blockfactor.presets import PRESETS
from blockfactor.tables import read_toml, write_toml

#: Values of other fields with which both ends of a field's range can be built.
ROOM = {
    "query_entries": {"block_length": 128},
    "block_length": {"query_entries": 1, "tag_bits": 8},
    "max_codevectors": {"list_size": 1},
    "list_size": {"max_codevectors": 1024},
    "tag_bits": {"block_length": 16},
}


def random_core(rng: random.Random) -> CoreConfig:
    """A random valid configuration."""
    length = rng.randint(2, 1024)
    codevectors = rng.randint(1, 16384)
    tag_bits = next(t for t in range(3, 9)
                    if -(-length // ((1 << t) - 1)) <= CoreConfig.SCRUB_ROWS)
    factors = rng.randint(2, 4)
    return CoreConfig(
        factors=factors, blocks=rng.randint(1, 16), block_length=length,
        max_codevectors=codevectors, engines=tuple(rng.sample(ENGINES, rng.randint(1, 2))),
        list_size=rng.randint(1, min(1024 if factors < 4 else 256, codevectors)),
        query_entries=rng.randint(1, min(16, length)), weight_bits=rng.randint(1, 6),
        element_bits=rng.choice((0, 4, 16)), histogram_bits=rng.randint(4, 24),
        tag_bits=rng.randint(tag_bits, 8), multiplier=rng.choice(MULTIPLIERS),
        codebook=rng.choice((None, "book.npz")))


@pytest.mark.parametrize("name", CoreConfig.RANGES)
def test_ends_of_ranges(name):
    low, high = CoreConfig.RANGES[name]
    for value in (low, high):
        assert getattr(CoreConfig(**{name: value} | ROOM.get(name, {})), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ConfigError, match=rf"^{name} {value} is outside {low}\.\.{high}$"):
            CoreConfig(**{name: value} | ROOM.get(name, {}))


@pytest.mark.parametrize("cls", [CoreConfig, SystemConfig])
def test_documented_ranges(cls):
    documented = re.findall(r"^    (\w+(?:, \w+)*) : int, (?:0 or )?([\d_]+)\.\.([\d_]+)",
                            cls.__doc__, re.MULTILINE)
    found = {name: (int(low), int(high)) for names, low, high in documented
             for name in names.split(", ")}
    found.pop("element_bits", None)  # 0 or 4..16: not one range
    others = ("element_bits", "lanes")
    assert found == {n: r for n, r in cls.RANGES.items() if n not in others}


@pytest.mark.parametrize("cls", [CoreConfig, SystemConfig])
def test_every_field_is_documented(cls):
    for field in dataclasses.fields(cls):
        assert re.search(rf"^    (\w+, )*{field.name}\b.* ?(:|$)", cls.__doc__, re.MULTILINE)


def test_frozen_and_hashable():
    core = CoreConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        core.factors = 2
    assert {core: 1}[CoreConfig()] == 1
    assert SystemConfig() == SystemConfig(core=CoreConfig())


def test_numpy_integers_become_python_integers():
    numpy = pytest.importorskip("numpy")
    core = CoreConfig(factors=numpy.int16(2))
    assert type(core.factors) is int


def test_engines_are_put_in_order():
    assert CoreConfig(engines=reversed(ENGINES)).engines == ENGINES
    assert CoreConfig(engines="join").engines == ("join",)


def test_modes_follow_the_engines():
    assert CoreConfig().modes == ("factorize", "join", "scan")
    assert CoreConfig(engines="factorize").modes == ("factorize",)
    assert CoreConfig(engines="join").modes == ("join", "scan")


@pytest.mark.parametrize("lanes, codevectors, message", [
    (3, 32, "lanes 3 is not one of 1, 2, 4, 8"),
    (0, 32, "lanes 0 is outside 1..8"),
    (8, 7, r"lanes 8 is outside 1..7 \(max_codevectors\)"),
])
def test_wrong_lanes(lanes, codevectors, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        CoreConfig(lanes=lanes, max_codevectors=codevectors, list_size=4)


def test_lanes_without_join():
    with pytest.raises(ConfigError, match="^lanes 2 is not 1, which is all that a core without"):
        CoreConfig(lanes=2, engines=("factorize",))


def test_wrong_draws():
    with pytest.raises(ConfigError, match="^draws 'shuffle' is not one of random, sweep$"):
        CoreConfig(draws="shuffle")
    with pytest.raises(ConfigError, match="^draws 'sweep' is not 'random', which is all that a "):
        CoreConfig(draws="sweep", engines=("join",))


def holds(bits: int, largest: int) -> bool:
    """Whether ``bits`` bits hold ``largest``, and one bit fewer (if any) would not."""
    return largest < 2**bits and (bits == 1 or largest >= 2**(bits - 1))


@pytest.mark.parametrize("seed", range(20))
def test_widths_hold_the_largest_values(seed):
    c = random_core(random.Random(seed))
    weight = sum(1 << n for n in range(c.weight_bits))
    histogram = sum(1 << n for n in range(c.histogram_bits))
    assert c.max_weight == weight
    assert c.max_histogram == histogram
    assert c.dimension == sum(c.block_length for _ in range(c.blocks))
    for name, largest in {
        "factor_bits": c.factors - 1,
        "element_index_bits": c.block_length - 1,
        "codevector_bits": c.max_codevectors - 1,
        "size_bits": c.max_codevectors,
        "block_sum_bits": weight * c.query_entries,
        "score_bits": weight * c.blocks,
        "block_similarity_bits": histogram * weight * c.query_entries,
        "similarity_bits": histogram * weight * c.query_entries * c.blocks,
        "position_bits": c.similarity_bits - 1,
        "tuple_shift_bits": 3 * (c.factors - 1),
        "product_bits": (8 * c.list_size) ** (c.factors - 1),
    }.items():
        assert holds(getattr(c, name), largest), (name, largest, c)
    # The threshold T16 is below 2**16; its product needs no more than this.
    assert 0xFFFF * weight * c.query_entries * c.blocks < 2**c.scaled_threshold_bits


@pytest.mark.parametrize("seed", range(20))
def test_every_row_is_scrubbed_before_its_tag_comes_round(seed):
    c = random_core(random.Random(seed))
    steps = 2**c.tag_bits - 1
    assert c.scrub_rows * steps >= c.block_length
    assert (c.scrub_rows - 1) * steps < c.block_length


@pytest.mark.parametrize("seed", range(20))
def test_table_round_trip(seed, tmp_path):
    rng = random.Random(seed)
    system = SystemConfig(core=random_core(rng), clock_hz=rng.randint(1000, 10**9),
                          baud=rng.randint(300, 10**7), board=rng.choice((None, "icebreaker")))
    path = tmp_path / "system.toml"
    write_toml(path, system.to_table())
    assert SystemConfig.from_table(read_toml(path, ConfigError)) == system
    assert CoreConfig.from_table(system.core.to_table()) == system.core


def test_missing_fields_keep_their_defaults():
    assert CoreConfig.from_table({"blocks": 8}) == CoreConfig(blocks=8)
    assert SystemConfig.from_table({}) == SystemConfig()


def test_replace():
    assert CoreConfig().replace(blocks=8).blocks == 8
    with pytest.raises(ConfigError, match="^blocks 0 is outside"):
        CoreConfig().replace(blocks=0)


def test_errors_are_value_errors_of_one_family():
    assert issubclass(ConfigError, BlockfactorError) and issubclass(BlockfactorError, ValueError)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_round_trip(name):
    system = PRESETS[name].system
    assert SystemConfig.from_table(system.to_table()) == system
