"""Whole runs of the factorize engine against a second model made of the oracle's steps.

The second model is written from docs/design.md, section 3, on top of golden/oracle.py and a random
generator that goes bit by bit; it predicts every word of the trace and every field of the result.
"""

from collections import Counter
from functools import partial
from math import prod

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden import oracle, query
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.cycles import timing
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.sampler import TAPS
from blockfactor.golden.trace import DRAW, ENTRY, SCORE, STEP
from blockfactor.parameters import RunParameters

#: Run parameters for the engine.
iterate = partial(RunParameters, mode="factorize")

#: What the runs of a test must have met, or they would not show much.
EVENTS = {"drawn", "whole codebook", "skipped", "cut list", "no weight", "saturated", "stalled",
          "tie", "accepted", "limit", "complete", "runner-up", "one word", "two words", "repeated"}
SWEEP_EVENTS = {"gone on", "last of a walk", "pass ended", "replaced"}


class Generator:
    """The random generator, one bit after the other."""

    def __init__(self, seed: int):
        self.state = seed or 1

    def advance(self, count: int) -> None:
        """Forget ``count`` bits."""
        for _ in range(count):
            new = sum(self.state >> (tap - 1) for tap in TAPS) & 1
            self.state = (self.state << 1 | new) & 0xFFFFFFFF


class Replay:
    """A run predicted: ``words`` (pairs of kind and value), ``fields`` of the result, ``events``.

    Factors' lists are (numbers, weights); ``scores`` holds the verified (tuple, score), in order.
    """

    def __init__(self, core: CoreConfig, books: Codebooks, made, parameters: RunParameters):
        self.core, self.parameters = core, parameters
        self.books = [book.astype(int) for book in books.indices]
        self.query = made.dense(core.block_length).astype(object)
        self.depth = made.depth
        self.times = timing(core)
        self.generator = Generator(parameters.seed)
        self.words, self.scores, self.events = [], [], Counter()
        self.similarities = [0] * core.factors
        self.iterations = 0
        self.accept = -(-parameters.level * made.smax // 256)
        self.unknown = [f for f, k in enumerate(parameters.known) if k < 0]
        self.lists = [([k], [1]) if k >= 0 else None for k in parameters.known]
        self.candidate = [max(k, 0) for k in parameters.known]
        self.sweep = core.draws == "sweep"
        self.walks = {}  # per factor: the walk's values from the next one on, codevectors left
        self.drawn = {}  # per factor: the list drawn last
        stop, cycles = self.run()
        best = max(self.scores, key=lambda entry: entry[1])  # max() takes the first of equals
        others = [score for candidate, score in self.scores if candidate != best[0]]
        self.events["runner-up"] += any(others)
        self.events["tie"] += best[1] in others
        self.events[stop] += 1
        self.events["two words" if core.similarity_bits > 16 else "one word"] += 1
        self.fields = {"indices": best[0], "score": best[1], "runner_up": max(others, default=0),
                       "similarities": tuple(self.similarities), "iterations": self.iterations,
                       "cycles": cycles, "stop": stop, "seed": parameters.seed or 1}

    def draw(self, factor: int, count: int, whole: bool = False) -> int:
        """Draw a list of ``count`` codevectors; return how many values the walk examined."""
        size, bits = self.parameters.sizes[factor], self.core.codevector_bits
        span = 1
        while span < size:
            span *= 2
        offset = self.generator.state % (1 << bits) % span
        stride = self.generator.state // (1 << bits) % span | 1
        if whole:
            offset, stride = 0, 1
        walk, left = self.walks.get(factor, ([], 0))
        if left:
            offset, stride = walk[0], (walk[1 % span] - walk[0]) % span | (span == 1)
            self.events["gone on"] += 1
        visited = [(offset + i * stride) % span for i in range(span)]
        assert sorted(visited) == list(range(span))
        drawn = [m for m in visited if m < size][:count]
        self.lists[factor] = (drawn, [1] * count)
        self.words += [(DRAW, offset), (DRAW, stride)]
        examined = visited.index(drawn[-1]) + 1
        if self.sweep:
            left = 0 if whole else max(0, (left or size) - count)
            self.walks[factor] = (visited[examined:] + visited[:examined], left)
            self.drawn[factor] = self.lists[factor]
            self.events["last of a walk"] += left == 0
        self.events["skipped"] += examined > count
        self.events["whole codebook"] += whole
        return examined

    def samples(self, factor: int) -> int:
        """Length of a list drawn again."""
        size, wanted = self.parameters.sizes[factor], self.parameters.samples
        return min(self.core.list_size, wanted if 0 < wanted < size else -(-size // 2))

    def verify(self) -> bool:
        """Score the candidate; return whether it is better than all before."""
        vectors = [self.books[f][m] for f, m in enumerate(self.candidate)]
        value = oracle.score(self.query, vectors)
        better = all(value > score for _, score in self.scores)
        self.events["repeated"] += any(self.candidate == list(c) for c, _ in self.scores)
        self.scores.append((tuple(self.candidate), value))
        self.words.append((SCORE, value))
        return better

    def step(self, factor: int) -> tuple[int, bool]:
        """Update a factor; return the cycles and whether its list was drawn."""
        core, parameters = self.core, self.parameters
        use_sum = parameters.rule == "sum"
        size = parameters.sizes[factor]
        book = self.books[factor][:size]
        others = [(self.books[g][members], weights)
                  for g, (members, weights) in enumerate(self.lists_or_none(factor)) if members]
        exact = oracle.histogram(others, core.block_length, 1 << 60)
        bound = np.minimum(exact, core.max_histogram)
        self.events["saturated"] += bool((exact != bound).any())
        values = oracle.similarities(self.query, bound, book, parameters.trim, use_sum)
        above = oracle.activation(values, others, self.query, parameters.threshold, use_sum)
        self.events["cut list"] += len(above) > core.list_size
        above = above[:core.list_size]
        best = max(values)
        self.similarities[factor] = best
        self.candidate[factor] = values.index(best)
        for m in above:
            position = len(bin(values[m])) - 3
            self.words.append((ENTRY, m ^ position << 11))
        cycles = (prod(len(weights) for _, weights in others) + size * self.depth
                  + self.times.step)
        drawn = not above
        count = self.samples(factor) if drawn and not self.sweep else len(above)
        self.words += [(STEP, factor + 4 * drawn + 8 * count), (STEP, values.index(best)),
                       (STEP, best % 65536)]
        if core.similarity_bits > 16:
            self.words.append((STEP, best // 65536 % 65536))
        if drawn and self.sweep:
            self.events["pass ended"] += 1
        elif drawn:
            walk = self.times.walk + self.draw(factor, count)
            self.events["drawn"] += 1
            self.events["walk longer than step"] += walk > cycles
            cycles = max(cycles, walk)
        else:
            self.lists[factor] = (above, oracle.list_weights(values, above))
            self.events["no weight"] += 0 in self.lists[factor][1]
        self.generator.advance(2 * core.codevector_bits)
        return cycles, drawn

    def lists_or_none(self, factor: int) -> list:
        """The lists, the factor's own left empty."""
        return [([], []) if f == factor else entry for f, entry in enumerate(self.lists)]

    def run(self) -> tuple[str, int]:
        """Return why the run ends, and after how many cycles."""
        parameters, times = self.parameters, self.times
        loads = self.core.factors * times.load
        end = times.verify + times.finish
        if not self.unknown or not parameters.max_iterations:
            self.verify()
            stop = "limit" if self.unknown else "complete"
            return (stop if self.scores[0][1] < self.accept else "accepted",
                    times.start + max(times.multiply, loads) + end)
        for f in self.unknown[1:]:
            size, wanted = parameters.sizes[f], parameters.samples
            whole = not 0 < wanted < size
            loads += self.draw(f, min(self.core.list_size, size if whole else wanted), whole)
            self.generator.advance(2 * self.core.codevector_bits)
        cycles = times.start + max(times.multiply, loads)
        progress, quiet, complete = [], 0, False
        while True:
            self.iterations += 1
            # The last step's score counts in the iteration after it.
            active = any(progress[-1:])
            progress = []
            for f in self.unknown:
                active |= any(progress)
                spent, drawn = self.step(f)
                cycles += spent
                active |= drawn
                complete |= f == self.unknown[-1]
                ended = self.sweep and drawn
                if complete or (ended and self.iterations == parameters.max_iterations):
                    progress.append(self.verify())
                    if self.scores[-1][1] >= self.accept:
                        return "accepted", cycles + end
                if ended:
                    break
            if len(self.unknown) == 1:
                return "complete", cycles + end
            if self.iterations == parameters.max_iterations:
                return "limit", cycles + end
            quiet = 0 if active else quiet + 1
            stalled = quiet and quiet == parameters.patience
            self.events["stalled"] += stalled
            if stalled or ended:
                quiet = 0
                cycles += times.verify + times.stall + self.core.factors * times.load
                turn = True
                for f in self.unknown[1:]:
                    if not turn:
                        self.events["replaced"] += self.lists[f] != self.drawn[f]
                        self.lists[f] = self.drawn[f]
                        continue
                    # The next wheel turns as well where this one begins anew.
                    turn = not self.sweep or self.walks[f][1] == 0
                    cycles += self.draw(f, self.samples(f))
                    self.generator.advance(2 * self.core.codevector_bits)


def problem(factors: int, seed: int):
    """A random small core, codebooks, query and parameters."""
    rng = np.random.default_rng((factors, seed))
    largest = int(rng.choice([1, 2, 5, 6, 8, 11, 20], p=[.03, .07, .15, .2, .25, .15, .15]))
    largest = min(largest, (20, 11, 6)[factors - 2])
    length = int(rng.integers(2, 24))
    core = CoreConfig(
        factors=factors, blocks=int(rng.integers(1, 6)), block_length=length,
        max_codevectors=largest,
        list_size=int(rng.integers(1, (1 << max(1, (largest - 1).bit_length())) + 1)),
        query_entries=int(rng.integers(1, min(4, length) + 1)),
        weight_bits=int(rng.integers(1, 6)), histogram_bits=int(rng.choice([4, 6, 12])))
    sizes = tuple(int(s) for s in rng.integers((largest + 1) // 2, largest + 1, factors))
    books = Codebooks.random(sizes, core.blocks, length, rng)
    known = tuple(int(rng.integers(size)) if rng.random() < .15 else -1 for size in sizes)
    truth = encode(books, [int(rng.integers(size)) for size in sizes])
    if seed % 2:
        made = query.clean(truth)
    else:
        made = query.soft(truth, length, 2.5, rng, core.query_entries, core.weight_bits)
    return core, books, made, RunParameters(
        mode="factorize", sizes=sizes, known=known,
        threshold=int(rng.choice([0, 50, 400, 2000, 9000])),
        samples=int(rng.integers(0, largest + 2)), rule=str(rng.choice(["min", "min", "sum"])),
        trim=int(rng.integers(core.blocks)) if rng.random() < .4 else 0,
        level=int(rng.choice([180, 256, 511])), max_iterations=int(rng.choice([0, 1, 4, 16, 16])),
        patience=int(rng.choice([0, 1, 2, 3, 5])),
        seed=int(rng.integers(2**32)))


def compare(problem_, label: str) -> Counter:
    """One run against its prediction; returns what the run met."""
    core, books, made, parameters = problem_
    result, words = Factorizer(core, books).run(made, parameters, trace=True)
    replay = Replay(core, books, made, parameters)
    got = [(int(kind), int(value)) for kind, value in words]
    for n, (have, want) in enumerate(zip(got, replay.words)):
        assert have == want, f"{label}, word {n}: {problem_}"
    assert len(got) == len(replay.words), f"{label}: {problem_}"
    have = {name: getattr(result, name) for name in replay.fields}
    assert have == replay.fields, f"{label}: {problem_}"
    return replay.events


@pytest.mark.parametrize("draws", ["random", "sweep"])
@pytest.mark.parametrize("factors", [2, 3, 4])
def test_whole_runs(factors, draws):
    """Traces and results of 150 random runs are as predicted, and they meet every event."""
    events = Counter()
    for seed in range(150):
        core, *rest = problem(factors, seed)
        events += compare((core.replace(draws=draws), *rest), f"factors {factors}, seed {seed}")
    missing = EVENTS - set(events)
    if draws == "sweep":
        missing = (missing | SWEEP_EVENTS) - {"drawn"} - set(events)
        missing -= {"replaced"} if factors == 2 else set()  # its only drawn list always goes on
    assert not missing


def test_a_problem_of_usual_size():
    """The size of the preset demo, clean and soft, one with a trimmed rule and one with the sum."""
    core = CoreConfig()
    books = Codebooks.random((22, 22, 22), 4, 128, seed=3)
    product = encode(books, (3, 14, 15))
    plain = iterate(sizes=(22, 22, 22), threshold=223, samples=15, max_iterations=4)
    soft = query.soft(product, 128, 4.0, np.random.default_rng(4))
    for made, parameters in ((query.clean(product), plain),
                             (soft, plain.replace(level=205, samples=8)),
                             (soft, plain.replace(level=205, trim=1)),
                             (soft, plain.replace(level=205, rule="sum", threshold=700))):
        compare((core, books, made, parameters), "demo")


def test_a_walk_can_be_longer_than_its_step():
    """M=17 makes walks skip up to 15 values of 32; the other list is short."""
    core = CoreConfig(factors=2, blocks=2, block_length=32, max_codevectors=17, list_size=16,
                      query_entries=1, weight_bits=2, histogram_bits=6)
    books = Codebooks.random((17, 2), 2, 32, seed=8)
    events = Counter()
    for seed in range(1, 11):
        parameters = iterate(sizes=(17, 2), threshold=65535, samples=16, level=511,
                                   max_iterations=10, seed=seed)
        made = query.clean(encode(books, (seed, 1)))
        events += compare((core, books, made, parameters), f"seed {seed}")
    assert 0 < events["walk longer than step"] < events["drawn"]


def test_the_first_of_equal_codevectors_is_best():
    """A codebook that has each codevector twice: the candidate is never a second one."""
    rng = np.random.default_rng(6)
    half = rng.integers(0, 16, (3, 4, 4))
    books = Codebooks([np.concatenate([book, book]) for book in half], 16)
    core = CoreConfig(max_codevectors=8, list_size=8, block_length=16, query_entries=1)
    for seed in range(1, 21):
        made = query.clean(encode(books, rng.integers(4, 8, 3)))
        parameters = iterate(sizes=(8, 8, 8), threshold=300, samples=4, seed=seed)
        result, words = Factorizer(core, books).run(made, parameters, trace=True)
        updates = [n for n in range(len(words)) if words[n, 0] == STEP
                   and (n == 0 or words[n - 1, 0] != STEP)]
        assert result.stop == "accepted" and max(result.indices) < 4, f"seed {seed}"
        assert all(words[n + 1, 1] < 4 for n in updates), f"seed {seed}"
