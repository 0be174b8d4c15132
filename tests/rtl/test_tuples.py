"""rtl/tuples.py against golden/tuples.py: every tuple, its weight, its indices, the product."""

import itertools
import random

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module

from blockfactor.config import LIST_WEIGHT_SHIFT, CoreConfig
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.tuples import list_weight, unbind_tuples
from blockfactor.rtl.codebook import CodebookMemory
from blockfactor.rtl.lists import ListMemory
from blockfactor.rtl.memory import POISON
from blockfactor.rtl.tuples import TupleEngine
from blockfactor.sim.pysim import simulate


class Harness(Elaboratable):
    """The engine between the memories it reads."""

    def __init__(self, config, codebooks):
        slots = config.factors - 1
        self.lists = ListMemory(config, slots)
        self.codebook = CodebookMemory(config, slots, codebooks)
        self.tuples = TupleEngine(config)

    def elaborate(self, platform):
        m = Module()
        m.submodules.lists, m.submodules.codebook = self.lists, self.codebook
        m.submodules.tuples = tuples = self.tuples
        for slot in range(self.lists.ports):
            m.d.comb += [
                self.lists.factor[slot].eq(tuples.list_factor[slot]),
                self.lists.slot[slot].eq(tuples.list_slot[slot]),
                tuples.list_entry[slot].eq(self.lists.entry[slot]),
                self.codebook.address[slot].eq(tuples.codevector_address[slot]),
                tuples.codevector_indices[slot].eq(self.codebook.indices[slot]),
            ]
        return m


def random_list(config, size, rng):
    """A list as the similarity engine or the sampler makes it: state, and (codevector, position).

    Positions lie up to five below the best, so that some entries are dropped.
    """
    length = rng.choice([1, 2, rng.randint(1, config.list_size), config.list_size])
    best = rng.randint(5, 12)
    entries = [(rng.randrange(size), best - rng.randint(0, 5)) for _ in range(length)]
    return {"last": length - 1, "drawn": rng.random() < .3, "best": best}, entries


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("factors, block_length, list_size", [(2, 8, 7), (3, 11, 4), (4, 16, 3)])
def test_tuples(factors, block_length, list_size, seed):
    rng = random.Random(seed)
    config = CoreConfig(factors=factors, blocks=2, block_length=block_length, max_codevectors=7,
                        list_size=list_size, query_entries=2, histogram_bits=16)
    sizes = tuple(rng.randint(2, 7) for _ in range(factors))
    books = Codebooks.random(sizes, 2, block_length, seed)
    code = np.zeros((factors, 7, 2), dtype=np.int64)
    for f, indices in enumerate(books.indices):
        code[f, :sizes[f]] = indices
    dut = Harness(config, books)
    tuples = dut.tuples
    dropped = 0

    async def bench(ctx):
        nonlocal dropped
        for _ in range(6):
            states, lists = zip(*(random_list(config, size, rng) for size in sizes))
            ctx.set(tuples.lists, list(states))
            ctx.set(dut.lists.write_enable, 1)
            for f, entries in enumerate(lists):
                for slot, (codevector, position) in enumerate(entries):
                    ctx.set(dut.lists.write_factor, f)
                    ctx.set(dut.lists.write_slot, slot)
                    ctx.set(dut.lists.write_entry, {"codevector": codevector,
                                                    "position": position})
                    await ctx.tick()
            ctx.set(dut.lists.write_enable, 0)
            ctx.set(tuples.clear, 1)
            await ctx.tick()
            ctx.set(tuples.clear, 0)

            for factor in rng.sample(range(factors), 2):
                ctx.set(tuples.factor, factor)
                weights = [[list_weight(position, state["best"], state["drawn"])
                            for _, position in entries] for state, entries in zip(states, lists)]
                # What each tuple must be: other factors ascending, the last one fastest.
                others = [f for f in range(factors) if f != factor]
                expected = []
                for chosen in itertools.product(*(range(len(lists[f])) for f in others)):
                    weight = 1
                    indices = np.zeros(2, dtype=np.int64)
                    for f, slot in zip(others, chosen):
                        weight *= weights[f][slot]
                        indices += code[f, lists[f][slot][0]]
                    expected.append((weight, list(indices % block_length)))
                dropped += sum(weight == 0 for weight, _ in expected)

                ctx.set(tuples.run, 1)
                outputs = []

                async def tick(entered, outputs=outputs):
                    outputs.append((ctx.get(tuples.valid), ctx.get(tuples.shift),
                                    [ctx.get(tuples.indices[b]) for b in range(2)]))
                    assert ctx.get(tuples.last) == (entered == len(expected) - 1)  # noqa: B023
                    await ctx.tick()

                for n in range(len(expected)):
                    await tick(n)
                ctx.set(tuples.run, 0)
                for _ in range(max(tuples.latency, tuples.product_latency - 1)):
                    await tick(None)
                for n, (weight, indices) in enumerate(expected):
                    valid, shift, bound = outputs[n + tuples.latency]
                    assert valid == (weight != 0), (seed, factor, n)
                    if weight:
                        assert (1 << shift, bound) == (weight, indices), (seed, factor, n)
                assert not any(valid for valid, _, _ in outputs[:tuples.latency])

                # All together they are the golden model's histogram and product.
                members = np.zeros((factors, list_size), dtype=np.int64)
                grid = np.zeros((factors, list_size), dtype=np.int64)
                for f, entries in enumerate(lists):
                    members[f, :len(entries)] = [codevector for codevector, _ in entries]
                    grid[f, :len(entries)] = weights[f]
                golden = np.zeros((2, block_length), dtype=np.int64)
                count, product = unbind_tuples(
                    code, factor, members, grid, np.array([len(entries) for entries in lists]),
                    config.max_histogram, golden)
                histogram = np.zeros_like(golden)
                for valid, shift, bound in outputs:
                    for b in range(2 * valid):
                        histogram[b, bound[b]] += 1 << shift
                assert (histogram == golden).all()
                assert count == len(expected)
                assert ctx.get(tuples.product) == product
                ctx.set(tuples.clear, 1)
                await ctx.tick()
                ctx.set(tuples.clear, 0)
                assert ctx.get(tuples.product) == 0

    simulate(dut, bench, platform=POISON)
    assert dropped


def test_product_latency():
    """The product is complete exactly ``product_latency`` cycles after the last tuple entered."""
    config = CoreConfig(factors=2, blocks=1, block_length=4, max_codevectors=4, list_size=4,
                        query_entries=1)
    dut = Harness(config, Codebooks.random((4, 4), 1, 4, 1))
    tuples = dut.tuples

    async def bench(ctx):
        ctx.set(tuples.lists, [{"last": 2, "drawn": 1, "best": 0}] * 2)
        ctx.set(tuples.run, 1)
        for _ in range(3):
            await ctx.tick()
        ctx.set(tuples.run, 0)
        products = []
        for _ in range(tuples.product_latency):
            products.append(ctx.get(tuples.product))
            await ctx.tick()
        assert products[-2] != 3 and products[-1] == 3

    simulate(dut, bench)
    # The largest weight fits the histogram's shift.
    assert (1 << config.tuple_shift_bits) > LIST_WEIGHT_SHIFT * (config.factors - 1)
