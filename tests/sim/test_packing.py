"""sim/packing.py against Amaranth's own constants."""

import random

import pytest
from amaranth.lib.data import ArrayLayout, StructLayout

from blockfactor.presets import PRESETS
from blockfactor.rtl.index import head_entry
from blockfactor.rtl.layouts import codebook_write, dense_elements, query_entry
from blockfactor.sim.packing import packer, unpacker

CORE = PRESETS["odd"].core
SEED = 5
LAYOUTS = {"codebook": codebook_write(CORE), "query": query_entry(CORE),
           "dense": dense_elements(CORE), "head": head_entry(CORE),
           "nested": ArrayLayout(StructLayout({"a": 3, "b": ArrayLayout(2, 3)}), 2)}


@pytest.mark.parametrize("name", LAYOUTS)
def test_same_bits(name):
    """Both ways, and whatever the values."""
    layout, rng = LAYOUTS[name], random.Random(f"{SEED} {name}")

    def values(layout, const):
        if not hasattr(layout, "from_bits"):
            return const
        keys = [key for key, _ in layout]
        found = {key: values(layout[key].shape, const[key]) for key in keys}
        return list(found.values()) if isinstance(layout, ArrayLayout) else found

    def flat(values, path=()):
        items = enumerate(values) if isinstance(values, list) else values.items()
        for key, value in items:
            if isinstance(value, int):
                yield ".".join(map(str, (*path, key))), value
            else:
                yield from flat(value, (*path, key))

    for _ in range(30):
        word = rng.getrandbits(layout.size)
        nested = values(layout, layout.from_bits(word))
        assert packer(layout)(nested) == word, f"seed {SEED}"
        assert unpacker(layout)(word) == dict(flat(nested)), f"seed {SEED}"


def test_too_large():
    with pytest.raises(AssertionError, match="'b', 0"):
        packer(StructLayout({"b": ArrayLayout(2, 1)}))({"b": [4]})
