# amaranth: UnusedElaboratable=no
"""rtl/factorize.py against golden/factorize.py: every trace word, every cycle of a run."""

import random
from functools import partial

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal

from blockfactor.config import CoreConfig
from blockfactor.golden import cycles
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import Query
from blockfactor.golden.trace import DRAW, SCORE, STEP
from blockfactor.golden.verifier import accept_level
from blockfactor.parameters import UNKNOWN, RunParameters
from blockfactor.presets import PRESETS
from blockfactor.rtl.codebook import CodebookMemory
from blockfactor.rtl.factorize import FactorizeEngine
from blockfactor.rtl.histogram import Histogram
from blockfactor.rtl.layouts import parameter_values
from blockfactor.rtl.memory import POISON, Memory
from blockfactor.rtl.similarity import SimilarityEngine
from blockfactor.rtl.tuples import TupleEngine
from blockfactor.rtl.verifier import Verifier
from blockfactor.sim.pysim import simulate

#: Run parameters for the engine.
iterate = partial(RunParameters, mode="factorize")

CONFIGS = {
    "two": CoreConfig(factors=2, blocks=2, block_length=16, max_codevectors=9, list_size=6,
                      query_entries=2, weight_bits=3, histogram_bits=6, tag_bits=3),
    "three": CoreConfig(factors=3, blocks=3, block_length=11, max_codevectors=6, list_size=4,
                        query_entries=2, weight_bits=4, histogram_bits=9, tag_bits=3),
    "four": CoreConfig(factors=4, blocks=2, block_length=8, max_codevectors=4, list_size=3,
                       query_entries=1, weight_bits=2, histogram_bits=8, tag_bits=3),
    # Draws that examine more values than a step has cycles.
    "walks": CoreConfig(factors=2, blocks=2, block_length=32, max_codevectors=17, list_size=16,
                        query_entries=1, weight_bits=2, histogram_bits=6, tag_bits=4),
    # Scores that come later, for the join engine's sake.
    "lanes": CoreConfig(factors=2, blocks=3, block_length=8, max_codevectors=8, list_size=5,
                        query_entries=2, weight_bits=3, histogram_bits=7, tag_bits=3, lanes=4),
    "no join": CoreConfig(factors=3, blocks=2, block_length=8, max_codevectors=5, list_size=4,
                          query_entries=2, weight_bits=3, histogram_bits=7, tag_bits=3,
                          engines=("factorize",)),
    # Without a stage to weigh, and with neither that nor one to accumulate.
    "flags": CoreConfig(factors=3, blocks=4, block_length=9, max_codevectors=6, list_size=5,
                        query_entries=3, weight_bits=1, histogram_bits=9, tag_bits=3),
    "hard": CoreConfig(factors=3, blocks=4, block_length=16, max_codevectors=9, list_size=8,
                       query_entries=1, weight_bits=1, histogram_bits=9, tag_bits=3),
    "one block": CoreConfig(factors=3, blocks=1, block_length=5, max_codevectors=3, list_size=1,
                            query_entries=3, weight_bits=6, histogram_bits=24, tag_bits=4),
}


@pytest.mark.parametrize("config", [*(preset.core for preset in PRESETS.values()),
                                    *CONFIGS.values()])
def test_cycle_model(config):
    """The figures of golden/cycles.py are the pipelines' depths."""
    engine = FactorizeEngine(config)
    assert engine.tuple_drain == cycles.TUPLE_DRAIN
    assert engine.load_cycles == cycles.LOAD
    assert engine.lookup_drain == cycles.lookup_drain(config)
    assert engine.step_overhead == cycles.timing(config).step
    assert engine.verify_cycles == cycles.timing(config).verify
    # From the complete product to the first comparison: drain, pipeline, less what the
    # multiplier needs to be started and read.
    window = (engine.tuple_drain + 1 + SimilarityEngine.latency_of(config) - 1
              - TupleEngine.product_latency - 1)
    assert window == cycles.lookup_drain(config)


@pytest.mark.parametrize("config", [
    *(preset.core for preset in PRESETS.values()), *CONFIGS.values(),
    CoreConfig(factors=4, list_size=1024, max_codevectors=1024, blocks=1, block_length=8),
    CoreConfig(factors=2, list_size=1, max_codevectors=1, blocks=1, block_length=889, tag_bits=7),
])
def test_times_that_run_beside_others(config):
    """What has no cycles of its own is done when it must be."""
    assert cycles.multiply_cycles(config) <= cycles.lookup_drain(config)
    # The histogram's next version begins before the next step's first addition reads.
    histogram = Histogram(config)
    first_read = (cycles.lookup_drain(config) - FactorizeEngine.retire_tick
                  + TupleEngine.latency + Memory.latency)
    assert histogram.retire_cycles < first_read
    # After a run that ended anywhere: the last addition is written, and scrubbing ends in time.
    assert (FactorizeEngine.flush_retire_tick
            >= TupleEngine.latency + Histogram.add_latency - 1)
    assert (FactorizeEngine.flush_retire_tick + histogram.retire_cycles
            <= FactorizeEngine.flush_cycles)


class Harness(Elaboratable):
    """Engine, codebook and verifier; the query is a behavioural model."""

    def __init__(self, config, codebooks):
        self.engine = FactorizeEngine(config)
        self.codebook = CodebookMemory(config, config.factors, codebooks)
        self.verifier = Verifier(config)
        self.clear = Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine, m.submodules.codebook = engine, codebook = self.engine, self.codebook
        m.submodules.verifier = verifier = self.verifier
        last = codebook.ports - 1
        for slot in range(last):
            m.d.comb += [codebook.address[slot].eq(engine.codevector_address[slot]),
                         engine.codevector_indices[slot].eq(codebook.indices[slot])]
        m.d.comb += [
            codebook.address[last].eq(verifier.address[0]),
            verifier.indices[0].eq(codebook.indices[last]),
            verifier.valid.eq(engine.verify),
            verifier.reference.eq(engine.reference),
            verifier.clear.eq(engine.start),
            engine.scored.eq(verifier.scored != 0),
            engine.improved.eq(verifier.improved),
        ]
        return m


class Bench:
    """Runs the engine as the core does, and records its trace."""

    def __init__(self, name, seed, draws="random"):
        self.config = config = CONFIGS[name].replace(draws=draws)
        self.rng = random.Random(f"{name} {seed}")
        self.where = f"{name}, seed {seed}"
        books = Codebooks.random((config.max_codevectors,) * config.factors, config.blocks,
                                 config.block_length, seed)
        self.golden = Factorizer(config, books)
        self.harness = Harness(config, books)
        self.query = None

    def new_query(self):
        """The product of a random tuple, with other entries beside it, or just anything."""
        config, rng = self.config, self.rng
        truth = [rng.randrange(config.max_codevectors) for _ in range(config.factors)]
        product = encode(self.golden.codebooks, truth).tolist()
        blocks = []
        for b in range(config.blocks):
            count = rng.randint(1, config.query_entries)
            inside = rng.sample(range(config.block_length), count)
            if rng.random() < .9:
                inside = [product[b], *(x for x in inside if x != product[b])][:count]
            weights = sorted((rng.randint(1, config.max_weight) for _ in inside), reverse=True)
            blocks.append(tuple(zip(inside, weights)))
        self.load(Query(tuple(blocks)))

    def load(self, query):
        """What the query memory holds."""
        self.query = query
        self.index, self.weight = query.arrays(self.config.query_entries)
        self.table = query.dense(self.config.block_length)

    def new_parameters(self):
        """Everything a run can be asked for."""
        config, rng = self.config, self.rng
        sizes = tuple(rng.choice([config.max_codevectors, rng.randint(1, config.max_codevectors)])
                      for _ in range(config.factors))
        known = tuple(rng.randrange(size) if rng.random() < .15 else UNKNOWN for size in sizes)
        return RunParameters(
            mode="factorize", sizes=sizes, known=known,
            threshold=rng.choice([0, 300, 3000, 30000, 65535]),
            samples=rng.choice([0, 1, 2, 3, 200, config.list_size]),
            rule=rng.choice(["min", "min", "sum"]),
            trim=rng.randrange(config.blocks), level=rng.choice([511, 511, 256, 205, 0]),
            max_iterations=rng.choice([0, 1, 2, 6, 6, 12]), patience=rng.choice([0, 1, 3, 5, 9]),
            seed=rng.choice([0, rng.getrandbits(32)]))

    async def memories(self, ctx):
        """The query memory."""
        engine, verifier, blocks = self.harness.engine, self.harness.verifier, self.config.blocks
        assert Memory.latency == 1
        async for _, _, entry, bound in ctx.tick().sample(engine.entry, verifier.bound[0]):
            if self.query is not None:
                entry %= self.config.query_entries
                ctx.set(engine.query_index, self.index[:, entry].tolist())
                ctx.set(engine.query_weight, self.weight[:, entry].tolist())
                ctx.set(verifier.bound_weight[0], [int(self.table[b, bound[b]])
                                                   for b in range(blocks)])

    async def reset(self, ctx):
        """The pass that clears the histogram."""
        ctx.set(self.harness.engine.clear, 1)
        for row in range(self.config.block_length):
            ctx.set(self.harness.engine.clear_row, row)
            await ctx.tick()
        ctx.set(self.harness.engine.clear, 0)

    async def begin(self, ctx, parameters):
        """Start a run."""
        engine, query = self.harness.engine, self.query
        for _ in range(engine.flush_cycles + 1):
            if ctx.get(engine.ready):
                break
            await ctx.tick()
        assert ctx.get(engine.ready) == 1, self.where
        ctx.set(engine.parameters, parameter_values(self.config, parameters))
        ctx.set(engine.q, query.q)
        ctx.set(engine.depth, query.depth)
        ctx.set(self.harness.verifier.accept, accept_level(parameters.level, query.smax))
        ctx.set(engine.start, 1)
        await ctx.tick()
        ctx.set(engine.start, 0)

    async def check_run(self, ctx, parameters):
        """One run, word by word and to the cycle."""
        engine, verifier = self.harness.engine, self.harness.verifier
        result, words = self.golden.run(self.query, parameters, trace=True)
        where = f"{self.where}, {parameters}, {self.query}"
        await self.begin(ctx, parameters)
        have, iterations, cycle = [], 0, 2
        while True:
            assert ctx.get(engine.ready) == 0
            if ctx.get(verifier.scored):
                assert not ctx.get(engine.trace_valid), where
                have.append((SCORE, ctx.get(verifier.word)))
            elif ctx.get(engine.trace_valid):
                have.append((ctx.get(engine.trace.kind).value, ctx.get(engine.trace.word)))
            iterations += ctx.get(engine.iterate)
            if ctx.get(verifier.accepted) or ctx.get(engine.done):
                break
            await ctx.tick()
            cycle += 1
            assert cycle <= result.cycles, where
        assert cycle == result.cycles, where
        stop = "accepted" if ctx.get(verifier.accepted) else ctx.get(engine.stop).name.lower()
        ctx.set(engine.halt, stop == "accepted")
        await ctx.tick()
        ctx.set(engine.halt, 0)
        words = [(int(kind), int(word)) for kind, word in words]
        # Words of a step that an accepted score ends are never written.
        assert have == words, where
        assert (stop, iterations) == (result.stop, result.iterations), where
        assert [ctx.get(engine.similarities[f]) for f in range(self.config.factors)] == list(
            result.similarities), where
        return result, words


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_runs(name, seed):
    bench = Bench(name, seed)
    stops, factors = set(), set()
    drawn = 0

    async def run(ctx):
        nonlocal drawn
        await bench.reset(ctx)
        # Whatever the seed brings: a run of draws, one that is accepted, and one that is accepted
        # when the shortest step there is has begun after it.
        sizes = [bench.config.max_codevectors] * bench.config.factors
        kinds = [iterate(sizes=sizes, threshold=65535, level=511, max_iterations=4,
                               samples=2),
                 iterate(sizes=sizes[:-1] + [2], level=0, seed=seed),
                 iterate(sizes=[1] * len(sizes), level=0),
                 # Few tuples, and a draw that examines many values.
                 iterate(sizes=[1] * (len(sizes) - 1) + sizes[-1:], threshold=65535,
                               samples=bench.config.list_size, level=511, max_iterations=3)]
        kinds += [bench.new_parameters() for _ in range(5)]
        for parameters in kinds:
            bench.new_query()
            result, words = await bench.check_run(ctx, parameters)
            stops.add(result.stop)
            first = [word for (kind, word), (before, _) in zip(words[1:], words)
                     if kind == STEP != before]
            factors.update(word & 3 for word in first)
            drawn += sum(word >> 2 & 1 for word in first)

    simulate(bench.harness, run, platform=POISON, processes=[bench.memories])
    assert {"accepted", "limit"} <= stops and drawn
    assert factors == set(range(bench.config.factors))


def sampled_factors(words):
    """Whether each factor's list was drawn, per iteration of a run with two factors."""
    flags = [word >> 2 & 1 for (kind, word), (before, _) in zip(words[1:], words)
             if kind == STEP != before]
    return list(zip(flags[::2], flags[1::2]))


def test_stall():
    """Without draws or progress for ``patience`` iterations all lists are drawn anew, no sooner."""
    bench = Bench("two", 5)
    chosen = {patience: [] for patience in (1, 2, 3, 8, 15)} | {"late draws": []}
    for seed in range(1, 400):
        bench.new_query()
        patience = (1, 2, 3, 8, 15)[seed % 5]
        parameters = iterate(sizes=(9, 9), threshold=bench.rng.choice([0, 2000, 8000]),
                                   samples=bench.rng.randint(1, 4), level=511,
                                   patience=patience, max_iterations=patience + 8, seed=seed)
        _, words = bench.golden.run(bench.query, parameters, trace=True)
        words = [(int(kind), int(word)) for kind, word in words]
        flags = sampled_factors(words)
        # Draws that follow a score are those of a stall; a step's follow the step.
        if any(a == SCORE and b == DRAW for (a, _), (b, _) in zip(words, words[1:])):
            chosen[patience].append((bench.query, parameters))
        # A draw for the last factor only, and then none, delays it as any other draw.
        if ((0, 1), (0, 0), (0, 0)) in zip(flags, flags[1:], flags[2:]):
            chosen["late draws"].append((bench.query, parameters))
        if all(len(runs) >= 2 for runs in chosen.values()):
            break
    assert all(len(runs) >= 2 for runs in chosen.values())

    async def run(ctx):
        await bench.reset(ctx)
        for query, parameters in [run for runs in chosen.values() for run in runs[:2]]:
            bench.load(query)
            await bench.check_run(ctx, parameters)

    simulate(bench.harness, run, platform=POISON, processes=[bench.memories])


def swept(words):
    """What a run with draws that sweep has met, by its trace."""
    steps = [word for (kind, word), (before, _) in zip(words[1:], words) if kind == STEP != before]
    met = {f"ended at {step & 3}" for step in steps if step & 4}
    # Pairs of words, one a draw; those between two scores or steps are one turn of the odometer.
    turns, run = [], 0
    for kind, _ in words:
        if kind != DRAW and run:
            turns.append(run // 2)
        run = run + 1 if kind == DRAW else 0
    met |= {f"{turn} lists drawn" for turn in turns[1:]}
    return met


@pytest.mark.parametrize("name", ["two", "three", "four"])
def test_sweep(name):
    """Draws that sweep: passes that end at any factor, and every wheel of the odometer."""
    bench = Bench(name, 3, "sweep")
    factors = bench.config.factors
    want = {f"ended at {f}" for f in range(factors)} | {
        f"{lists} lists drawn" for lists in range(1, factors)} | {"accepted", "limit", "complete"}
    chosen = []
    for seed in range(4000):
        bench.new_query()
        parameters = bench.new_parameters().replace(seed=seed)
        if seed % 2:
            parameters = parameters.replace(max_iterations=12, known=(), level=511, samples=2)
        result, words = bench.golden.run(bench.query, parameters, trace=True)
        words = [(int(kind), int(word)) for kind, word in words]
        met = (swept(words) | {result.stop}) & want
        if met and result.cycles < 1200:
            want -= met
            chosen.append((bench.query, parameters))
        if not want:
            break
    assert not want

    async def run(ctx):
        await bench.reset(ctx)
        for query, parameters in chosen:
            bench.load(query)
            await bench.check_run(ctx, parameters)

    simulate(bench.harness, run, platform=POISON, processes=[bench.memories])


@pytest.mark.parametrize("name", ["two", "four"])
def test_halt_anywhere(name):
    """Wherever a run is ended, the next one is as after reset."""
    bench = Bench(name, 9)
    engine = bench.harness.engine

    async def run(ctx):
        await bench.reset(ctx)
        bench.new_query()
        sizes = (bench.config.max_codevectors,) * bench.config.factors
        ended = iterate(sizes=sizes, threshold=300, samples=2, level=511, max_iterations=50)
        short = ended.replace(max_iterations=2)
        for _ in range(9):
            await bench.begin(ctx, ended)
            for _ in range(bench.rng.randrange(120)):
                await ctx.tick()
            ctx.set(engine.halt, 1)
            await ctx.tick()
            ctx.set(engine.halt, 0)
            for cycle in range(engine.flush_cycles):
                assert ctx.get(engine.ready) == 0, cycle
                assert ctx.get(engine.trace_valid) == ctx.get(engine.verify) == 0, cycle
                await ctx.tick()
            assert ctx.get(engine.ready) == 1
            await bench.check_run(ctx, short)

    simulate(bench.harness, run, platform=POISON, processes=[bench.memories])


def test_codes_differ():
    """The random codebooks the runs use are worth using."""
    for name in CONFIGS:
        assert len(np.unique(Bench(name, 1).golden.code)) > 3
