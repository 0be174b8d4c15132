"""The list of memories against those that elaboration makes, and what synthesis made of them."""

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Fragment, Shape

from blockfactor.boards.mapping import map_memory, resources
from blockfactor.boards.memories import MemoryShape, memories
from blockfactor.boards.parts import PARTS, part
from blockfactor.config import FRONT_ENDS, CoreConfig, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.presets import PRESETS
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.memory import Memory
from blockfactor.rtl.system import System

#: What synthesis says of many designs; bench/estimate.py makes it.
RECORDS = json.loads((Path(__file__).parents[2] / "bench" / "data" / "estimate.json").read_text())


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
                histogram_bits=rng.randint(4, 20), tag_bits=rng.randint(6, 8),
                draws=rng.choice(("random", "sweep")))
        except ConfigError:
            continue


@pytest.mark.parametrize("front_end", ("none", "uart"))
@pytest.mark.parametrize("name", PRESETS)
def test_presets(name, front_end, monkeypatch):
    system = replace(PRESETS[name].system, front_end=front_end)
    assert listed(system) == elaborated(system, monkeypatch)


@pytest.mark.parametrize("seed", range(15))
def test_random_configurations(seed, monkeypatch):
    rng = random.Random(seed)
    system = SystemConfig(core=random_core(rng), front_end=rng.choice(FRONT_ENDS))
    assert listed(system) == elaborated(system, monkeypatch)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['part']}-{r['name']}")
def test_synthesis_makes_as_many(record):
    system = SystemConfig(core=CoreConfig.from_table(record["core"]),
                          front_end=record["front_end"])
    made = resources(part(record["part"]), memories(system))
    assert made.blocks == record["memories"]
    assert abs(made.lut_rams - record["lut_memories"]) <= .1 * record["lut_memories"]


@pytest.mark.parametrize("target, width, depth, blocks", (
    ("up5k", 16, 256, 1), ("up5k", 17, 256, 2), ("up5k", 8, 512, 1), ("up5k", 8, 513, 2),
    ("up5k", 2, 2048, 1), ("up5k", 1, 8, 0),
    ("ecp5-25f", 36, 512, 1), ("ecp5-25f", 37, 512, 2), ("ecp5-25f", 18, 1024, 1),
    ("ecp5-25f", 9, 2048, 1), ("ecp5-25f", 4, 64, 0), ("gw1n-9c", 36, 512, 1),
    ("lifcl-40", 36, 512, 1),
    ("ccgm1a1", 40, 512, 1), ("ccgm1a1", 80, 512, 1), ("ccgm1a1", 20, 1024, 1),
))
def test_shapes(target, width, depth, blocks):
    made = map_memory(part(target), MemoryShape("", width, depth, 1))
    assert (made.units if made.ram and made.ram.block else 0) == blocks


@pytest.mark.parametrize("target", PARTS.values(), ids=lambda p: p.name)
def test_block_is_never_of_look_up_tables(target):
    assert map_memory(target, MemoryShape("", 4, 2, 1, block=True)).ram.block
    assert map_memory(target, MemoryShape("", 4, 2, 1)).ram is None
    no_look_ups = replace(target, synthesis="-nolutram")
    made = map_memory(no_look_ups, MemoryShape("", 4, 128, 1)).ram
    assert made is None or made.block
