"""The list of memories against those that elaboration makes."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from amaranth.hdl import Fragment, Shape

from blockfactor.boards.memories import memories
from blockfactor.config import FRONT_ENDS, CoreConfig, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.presets import PRESETS
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.system import System


def elaborated(system: SystemConfig, monkeypatch) -> Counter:
    """Width, depth and ``block`` of every memory that elaboration meets."""
    found = Counter()
    elaborate = Memory.elaborate

    def counted(self, platform):
        found[Shape.cast(self.shape).width, self.depth, self.block] += 1
        return elaborate(self, platform)

    with monkeypatch.context() as patch:
        patch.setattr(Memory, "elaborate", counted)
        top = Factorizer(system.core) if system.front_end == "none" else System(system)
        Fragment.get(top, None).prepare(ports=())
    return found


def listed(system: SystemConfig) -> Counter:
    """The same of what the list says."""
    found = Counter()
    for m in memories(system):
        found[m.width, m.depth, m.block] += m.count
    return found


def random_core(rng: random.Random) -> CoreConfig:
    """A valid configuration of any kind, small enough to be elaborated quickly."""
    while True:
        lanes = rng.choice((1, 1, 2, 4, 8))
        length = rng.randint(2, 300)
        try:
            return CoreConfig(
                factors=rng.randint(2, 4), blocks=rng.randint(1, 9), block_length=length,
                max_codevectors=rng.randint(1, 300), lanes=lanes, heads=rng.randint(1, 3),
                engines=rng.choice((("join",), ("factorize",), ("factorize", "join"))),
                list_size=rng.randint(1, 64), query_entries=rng.randint(1, min(16, length)),
                weight_bits=rng.randint(1, 6), element_bits=rng.choice((0, 4, 9)),
                histogram_bits=rng.randint(4, 20), tag_bits=rng.randint(6, 8))
        except ConfigError:
            continue


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_presets(name, front_end, monkeypatch):
    system = replace(PRESETS[name].system, front_end=front_end)
    assert listed(system) == elaborated(system, monkeypatch)


@pytest.mark.parametrize("seed", range(40))
def test_random_configurations(seed, monkeypatch):
    rng = random.Random(seed)
    system = SystemConfig(core=random_core(rng), front_end=rng.choice(FRONT_ENDS))
    assert listed(system) == elaborated(system, monkeypatch)
