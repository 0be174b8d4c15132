"""Join: whole runs against a second model, what it must find, and how long it may take.

The second model is written from docs/design.md, section 4, and the contract at the head of
golden/join.py with lists and dictionaries. Its cycles come from a simulation of the hardware, cycle
by cycle: a pipeline of rows, a queue, a walker that takes a candidate a cycle.
"""

import itertools
import zlib
from collections import Counter, defaultdict, deque

import numpy as np
import pytest

from blockfactor.config import ENGINES, CoreConfig
from blockfactor.errors import ParameterError
from blockfactor.golden import query
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.cycles import timing
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.join import DRAWS, QUEUE
from blockfactor.golden.query import Query
from blockfactor.golden.sampler import TAPS
from blockfactor.golden.trace import DRAW, SCORE
from blockfactor.parameters import RunParameters

UNLIMITED = 2**32 - 1

#: What the random runs for a number of factors must have met, or they would not show much.
EVENTS = {"accepted", "limit", "complete", "no candidate", "row without candidates", "long chain",
          "duplicate", "duplicate is the last", "queue full", "full before outer slot or empty row",
          "draw repeated", "wrapped", "empty block", "equal confidence", "equal peaks",
          "fewer blocks than heads", "1 heads", "2 heads", "3 heads", "equal codevectors",
          "larger codebook", "limit of none", "accepted at the limit", "tie", "runner-up",
          "seed of none", "all known", "none known", "only last known", "only last unknown",
          "size 1", "odd length"}


class Generator:
    """The random generator, one bit after the other."""

    def __init__(self, seed: int):
        self.state = int(f"{seed or 1:032b}"[::-1], 2)

    def bits(self, count: int) -> int:
        """The last ``count`` bits, which are then forgotten."""
        value = self.state >> (32 - count)
        for _ in range(count):
            new = sum(self.state >> (tap - 1) for tap in TAPS) & 1
            self.state = (self.state << 1 | new) & 0xFFFFFFFF
        return value


class Model:
    """A run predicted: ``words`` (kind, value), ``fields`` of the result, ``events``.

    ``slots`` is the work of the row pipeline in order, each a list of (tuple, whether it is new);
    outer codevectors and rows without candidates have none.
    """

    def __init__(self, core: CoreConfig, books: Codebooks, made: Query,
                 parameters: RunParameters):
        self.core, self.parameters, self.made = core, parameters, made
        self.books = [book.astype(int).tolist()[:size]
                      for book, size in zip(books.indices, parameters.sizes)]
        self.weights = [dict(block) for block in made.entries]
        self.events, self.words, self.scores = Counter(), [], []
        self.look_up = self.look_up_blocks()
        self.draws = 0
        self.slots = self.all_slots()
        self.accept = -(-parameters.level * made.smax // 256)
        stop, cycle = self.simulate()
        best = max(self.scores, key=lambda entry: entry[1],  # max() takes the first of equals
                   default=((0,) * core.factors, 0))
        others = [score for candidate, score in self.scores if candidate != best[0]]
        self.events[stop] += 1
        self.events["tie"] += best[1] in others
        self.events["runner-up"] += any(others)
        self.fields = {"indices": best[0], "score": best[1], "runner_up": max(others, default=0),
                       "smax": made.smax, "similarities": (0,) * core.factors,
                       "iterations": len(self.scores), "cycles": cycle + timing(core).scan,
                       "stop": stop, "seed": parameters.seed or 1}

    def bound(self, candidate: tuple, block: int) -> int:
        """Index of the codevectors bound in a block."""
        return sum(book[m][block] for book, m in zip(self.books, candidate)) % \
            self.core.block_length

    def score(self, candidate: tuple) -> int:
        """Sum of the query's weights at the tuple's indices."""
        return sum(weights.get(self.bound(candidate, b), 0)
                   for b, weights in enumerate(self.weights))

    def look_up_blocks(self) -> list[tuple[int, int]]:
        """Block and peak, most confident first."""
        found = []
        for b, weights in enumerate(self.weights):
            if not weights:
                self.events["empty block"] += 1
                continue
            first, second = sorted([*weights.values(), 0], reverse=True)[:2]
            tops = [index for index, weight in weights.items() if weight == first]
            self.events["equal peaks"] += len(tops) > 1
            found.append((second - first, b, min(tops)))
        heads = self.parameters.heads
        self.events[f"{heads} heads"] += 1
        self.events["fewer blocks than heads"] += len(found) < heads
        self.events["equal confidence"] += len({entry[0] for entry in found}) < len(found)
        return [(b, peak) for _, b, peak in sorted(found)[:heads]]

    def orders(self) -> list[list[int]]:
        """Order of the codevectors of each factor but the last; draws where they start."""
        generator = Generator(self.parameters.seed)
        orders = []
        for size, known in list(zip(self.parameters.sizes, self.parameters.known))[:-1]:
            self.draws += 1
            if known >= 0:
                orders.append([known])
                continue
            width = (size - 1).bit_length()
            value = generator.bits(self.core.codevector_bits) % (1 << width)
            tries = 1
            while value >= size:
                tries += 1
                width -= tries == DRAWS
                value = generator.bits(self.core.codevector_bits) % (1 << width)
            assert tries <= DRAWS
            self.draws += tries - 1
            self.events["draw repeated"] += tries > 1
            self.events["last draw"] += tries == DRAWS
            self.events["wrapped"] += value > 0
            self.words.append((DRAW, value))
            orders.append([*range(value, size), *range(value)])
        return orders

    def all_slots(self) -> list[list[tuple[tuple, bool]]]:
        """Every slot of the pipeline."""
        index = [defaultdict(list) for _ in self.look_up]
        for m, vector in enumerate(self.books[-1]):
            for chains, (b, _) in zip(index, self.look_up):
                chains[vector[b]].append(m)
        *outer, inner = self.orders()
        slots = []
        for prefix in itertools.product(*outer):
            slots += [[]] * len(prefix)
            for m in inner:
                row = (*prefix, m)
                slots.append(list(self.candidates(row, index)))
                self.events["row without candidates"] += not slots[-1]
        return slots

    def candidates(self, row: tuple, index: list):
        """The candidates of a row, each with whether it is new."""
        if self.parameters.known[-1] >= 0:
            yield (*row, self.parameters.known[-1]), True
            return
        seen = set()
        for chains, (b, peak) in zip(index, self.look_up):
            chain = chains.get((peak - self.bound(row, b)) % self.core.block_length, [])
            self.events["long chain"] += len(chain) > 1
            for m in chain:
                self.events["duplicate"] += m in seen
                yield (*row, m), m not in seen
                seen.add(m)

    def simulate(self) -> tuple[str, int]:
        """Return why the run ends, and the cycle of its last slot or candidate."""
        left = max(self.parameters.max_tuples, 1)
        self.events["limit of none"] += not self.parameters.max_tuples
        todo, queue = deque(self.slots), deque()
        # A factor's size is read in a cycle, then it is drawn.
        cycle = timing(self.core).join + self.core.factors - 1 + self.draws
        while todo or queue:
            cycle += 1
            full = len(queue) == QUEUE
            if queue:  # as it was at the end of the last cycle
                candidate, new = queue[0].popleft()
                if not queue[0]:
                    queue.popleft()
                left -= 1
                if new:
                    value = self.score(candidate)
                    self.scores.append((candidate, value))
                    self.words.append((SCORE, value))
                    if value >= self.accept:
                        self.events["accepted at the limit"] += not left
                        return "accepted", cycle
                if not left:
                    self.events["duplicate is the last"] += not new
                    return "limit", cycle
            if full:
                self.events["queue full"] += 1
                self.events["full before outer slot or empty row"] += bool(todo) and not todo[0]
            elif todo:
                slot = todo.popleft()
                if slot:
                    queue.append(deque(slot))
        self.events["no candidate"] += not self.scores
        return "complete", cycle


def damage(made: Query, core: CoreConfig, rng) -> Query:
    """Empty some blocks, and make largest weights of others equal."""
    blocks = [list(block) for block in made.entries]
    for block in blocks:
        if len(block) > 1 and rng.random() < .3:
            block[1] = (block[1][0], block[0][1])
        if rng.random() < .2 and sum(map(bool, blocks)) > 1:
            block.clear()
    return Query(tuple(map(tuple, blocks)))


def problem(factors: int, seed: int):
    """A random small core, codebooks, query and parameters."""
    rng = np.random.default_rng((factors, seed))
    sizes = tuple(int(s) for s in rng.integers(1, (13, 13, 7)[factors - 2], factors))
    length = int(rng.integers(2, 24))
    core = CoreConfig(
        factors=factors, blocks=int(rng.integers(1, 6)), block_length=length,
        max_codevectors=max(sizes) + int(rng.choice([0, 0, 1, 3])), list_size=1,
        query_entries=min(4, length), weight_bits=int(rng.integers(2, 6)),
        heads=int(rng.integers(1, 4)), engines=("join",) if seed % 3 else ENGINES)
    indices = [rng.integers(0, length, (min(size + int(rng.integers(3)), core.max_codevectors),
                                        core.blocks)) for size in sizes]
    if rng.random() < .25:
        for book in indices:
            book[:] = book[rng.integers(0, len(book), len(book))]
    books = Codebooks(indices, length)
    truth = [int(rng.integers(size)) for size in sizes]
    bound = encode(books, truth)
    kind = seed % 4
    if kind < 2:
        made = query.clean(bound)
    else:
        made = query.soft(bound, length, 2.5, rng, core.query_entries, core.weight_bits,
                          log=bool(rng.integers(2)))
    if kind in (1, 3):
        made = query.damaged(made, length, int(rng.integers(0, core.blocks)), rng)
    if rng.random() < .4:
        made = damage(made, core, rng)
    free = [True] * factors
    pattern = rng.random()
    if pattern < .05:
        free = [False] * factors
    elif pattern < .15:
        free = [False] * (factors - 1) + [True]
    elif pattern < .25:
        free = [True] * (factors - 1) + [False]
    elif pattern < .5:
        free = [bool(rng.integers(2)) for _ in sizes]
    known = tuple(-1 if f else int(rng.integers(size)) for f, size in zip(free, sizes))
    return core, books, made, RunParameters(
        sizes=sizes, known=known, mode="auto" if seed % 3 else "join",
        heads=int(rng.integers(1, core.heads + 1)), level=int(rng.choice([511, 511, 256, 180])),
        max_tuples=int(rng.choice([0, 1, 2, 5, 12, 40] + [UNLIMITED] * 6)),
        seed=int(rng.integers(2**32)) if rng.random() < .9 else 0)


def compare(problem_, label: str) -> Model:
    """One run against its prediction."""
    core, books, made, parameters = problem_
    result, words = Factorizer(core, books).run(made, parameters, trace=True)
    model = Model(core, books, made, parameters)
    assert words.tolist() == [list(word) for word in model.words], f"{label}: {problem_}"
    have = {name: getattr(result, name) for name in model.fields}
    assert have == model.fields, f"{label}: {problem_}"
    raw = b"".join(value.to_bytes(2, "little") for _, value in model.words)
    assert result.crc == zlib.crc32(raw), f"{label}: {problem_}"
    listed = [candidate for candidate, _ in model.scores]
    assert len(set(listed)) == len(listed), f"{label}, a tuple scored twice: {problem_}"
    return model


def note(model: Model, books: Codebooks) -> Counter:
    """Events of a problem, besides those of its run."""
    parameters, events = model.parameters, model.events
    unknown = [k < 0 for k in parameters.known]
    events["none known"] += all(unknown)
    events["all known"] += not any(unknown)
    events["only last known"] += unknown == [True] * (len(unknown) - 1) + [False]
    events["only last unknown"] += unknown == [False] * (len(unknown) - 1) + [True]
    events["seed of none"] += parameters.seed == 0
    events["size 1"] += 1 in parameters.sizes
    events["larger codebook"] += len(books.indices[-1]) > parameters.sizes[-1]
    events["odd length"] += books.block_length.bit_count() > 1
    events["equal codevectors"] += any(len(set(map(tuple, book))) < len(book)
                                       for book in model.books)
    return +events


@pytest.mark.parametrize("factors", [2, 3, 4])
def test_whole_runs(factors):
    """Traces and results of 800 random runs are as predicted, and they meet every event."""
    events = Counter()
    for seed in range(800):
        drawn = problem(factors, seed)
        events += note(compare(drawn, f"factors {factors}, seed {seed}"), drawn[1])
    assert not EVENTS - set(events)


def test_problems_of_usual_size():
    """The size of the preset demo: clean, soft, damaged; found and not found."""
    core = CoreConfig(heads=3)
    books = Codebooks.random((22, 22, 22), 4, 128, seed=3)
    rng = np.random.default_rng(4)
    plain = RunParameters(sizes=(22, 22, 22), mode="join", seed=99)
    right = 0
    for n in range(6):
        truth = tuple(int(m) for m in rng.integers(0, 22, 3))
        product = encode(books, truth)
        for made, parameters in (
                (query.clean(product), plain),
                (query.soft(product, 128, 4.0, rng), plain.replace(heads=2, level=205)),
                (query.damaged(product, 128, 1, rng), plain.replace(heads=3, level=192))):
            model = compare((core, books, made, parameters), f"run {n}")
            right += model.fields["indices"] == truth
    assert right >= 17


def test_the_last_draw_cannot_be_too_large():
    """Seeds whose first seven draws of 33 of 64 fail: the eighth has a bit less."""
    core = CoreConfig(factors=2, max_codevectors=33, list_size=1)
    books = Codebooks.random((33, 5), 4, 128, seed=5)
    parameters = RunParameters(sizes=(33, 5), mode="join", level=511)
    made = query.clean(encode(books, (32, 4)))
    found = 0
    for seed in np.random.default_rng(6).integers(1, 2**32, 3000).tolist():
        generator = Generator(seed)
        if all(generator.bits(6) > 32 for _ in range(DRAWS - 1)):
            model = compare((core, books, made, parameters.replace(seed=seed)), f"seed {seed}")
            assert model.events["last draw"] == 1 and model.draws == DRAWS
            assert model.words[0][1] < 32, f"seed {seed}"
            found += 1
    assert found >= 3


def test_a_batch_gives_the_same():
    """The compiled loop over runs, soft queries and three look-up blocks."""
    core = CoreConfig(blocks=5, block_length=19, max_codevectors=9, list_size=4, heads=3,
                      query_entries=4)
    rng = np.random.default_rng(7)
    books = Codebooks.random((9, 7, 8), 5, 19, rng)
    products = np.array([encode(books, (n % 9, n % 7, n % 8)) for n in range(60)])
    index, weight = query.soft_batch(products, 19, 3.0, rng, 4, 4)
    parameters = RunParameters(sizes=(9, 7, 8), mode="join", heads=3, level=220)
    codes = np.zeros((1, 3, 9, 5), dtype=int)
    for f, book in enumerate(books.indices):
        codes[0, f, :len(book)] = book
    seeds = np.arange(60) * 977
    found = factorize_many(core, codes, index, weight, parameters, seeds)
    for n in range(60):
        alone = Factorizer(core, books).run(Query.from_arrays(index[n], weight[n]),
                                            parameters.replace(seed=int(seeds[n])))
        assert tuple(found.indices[n]) == alone.indices, f"run {n}"
        assert (found.score[n], found.runner_up[n], found.iterations[n], found.cycles[n],
                found.crc[n]) == (alone.score, alone.runner_up, alone.iterations, alone.cycles,
                                  alone.crc), f"run {n}"


def test_best_of_all_tuples_right_in_a_look_up_block():
    """Level 511: the best score is that of brute force over the tuples join can see.

    Where a look-up block of the best tuple of all is right, that is what scan finds.
    """
    same = blind = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        factors = int(rng.integers(2, 5))
        sizes = tuple(int(s) for s in rng.integers(1, 7, factors))
        core = CoreConfig(factors=factors, blocks=4, block_length=11, max_codevectors=6,
                          list_size=1, query_entries=4, heads=3)
        books = Codebooks.random(sizes, 4, 11, rng)
        made = query.soft(rng.integers(0, 11, 4), 11, 1.5, rng, 4)
        joins = RunParameters(sizes=sizes, mode="join", level=511, heads=int(rng.integers(1, 4)),
                              seed=seed)
        factorizer = Factorizer(core, books)
        joined = factorizer.run(made, joins)
        scanned = factorizer.run(made, joins.replace(mode="scan"))
        model = Model(core, books, made, joins)

        def seen(candidate, model=model):
            return any(model.bound(candidate, b) == peak for b, peak in model.look_up)

        listed = [t for t in itertools.product(*map(range, sizes)) if seen(t)]
        assert joined.iterations == len(listed), f"seed {seed}"
        assert joined.score == max(map(model.score, listed), default=0), f"seed {seed}"
        if seen(scanned.indices):
            assert joined.score == scanned.score, f"seed {seed}"
            same += 1
        blind += joined.score < scanned.score
    assert same > 50 and blind > 5


@pytest.mark.parametrize("factors, size", [(2, 60), (3, 22), (4, 9)])
@pytest.mark.parametrize("heads", [1, 2])
def test_longest_run(factors, size, heads):
    """A cycle in which no slot advances has a candidate, so that their numbers bound the cycles.

    Slots are rows, and before each pass of the innermost a cycle for every outer factor.
    """
    core = CoreConfig(factors=factors, max_codevectors=64, blocks=4, block_length=16)
    rows = size ** (factors - 1)
    slots = rows + (factors - 2) * size ** (factors - 2)
    times = timing(core)
    for seed in range(1, 6):
        books = Codebooks.random((size,) * factors, 4, 16, seed)
        made = query.soft(encode(books, (1,) * factors), 16, 3.0, np.random.default_rng(seed))
        parameters = RunParameters(sizes=(size,) * factors, mode="join", heads=heads, level=511,
                                   seed=seed)
        result = Factorizer(core, books).run(made, parameters)
        model = Model(core, books, made, parameters)
        candidates = sum(map(len, model.slots))
        assert result.stop == "complete" and len(model.slots) == slots
        # Near M / L a row and look-up block; as many as that is what the documents promise.
        assert .8 < candidates / (heads * rows * size / 16) < 1.3, f"seed {seed}"
        fixed = times.join + times.scan
        bound = fixed + (1 + DRAWS) * (factors - 1) + slots + candidates
        least = fixed + 2 * (factors - 1) + max(slots, candidates)
        assert least <= result.cycles <= bound, f"seed {seed}"


@pytest.mark.parametrize("truth", [(0, 0), (15, 16), (21, 21)])
def test_half_of_the_rows_on_average(truth):
    """Wherever the tuple is in the codebooks; a known last factor makes rows countable."""
    core = CoreConfig(heads=1)
    books = Codebooks.random((22, 22, 22), 4, 128, seed=8)
    factorizer = Factorizer(core, books)
    made = query.clean(encode(books, (*truth, 7)))
    parameters = RunParameters(sizes=(22, 22, 22), mode="join", known=(-1, -1, 7))
    seeds = np.random.default_rng(9).integers(1, 2**32, 300)
    runs = [factorizer.run(made, parameters.replace(seed=int(seed))) for seed in seeds]
    assert all(run.indices == (*truth, 7) and run.stop == "accepted" for run in runs)
    rows = np.array([run.iterations for run in runs])
    assert rows.mean() == pytest.approx((22**2 + 1) / 2, rel=.1)
    assert rows.max() > .97 * 22**2


@pytest.mark.parametrize("engines, engine", [
    (ENGINES, "join"), (("join",), "join"), (("factorize", "join"), "join"),
    (("join", "scan"), "join"), (("factorize", "scan"), "factorize"), (("factorize",), "factorize"),
    (("scan",), "scan")])
def test_auto_runs_what_the_core_has(engines, engine):
    """Join where there is one."""
    core = CoreConfig(engines=engines)
    auto = RunParameters(sizes=(9, 9, 9), mode="auto", threshold=300, samples=4)
    assert auto.engine(core) == engine
    books = Codebooks.random((9, 9, 9), 4, 128, seed=1)
    made = query.clean(encode(books, (1, 2, 3)))
    runs = [Factorizer(core, books).run(made, auto.replace(mode=mode)) for mode in ("auto", engine)]
    assert runs[0] == runs[1] and runs[0].indices == (1, 2, 3)


@pytest.mark.parametrize("changes, parameters, message", [
    ({"heads": 1}, {"mode": "join", "heads": 2}, "heads 2 is outside 1..1"),
    ({"heads": 2}, {"mode": "auto", "heads": 3}, "heads 3 is outside 1..2"),
    ({"engines": ("factorize",)}, {"mode": "join"},
     "mode 'join' is not one of factorize"),
    ({"engines": ("factorize", "scan")}, {"mode": "join"},
     "mode 'join' is not one of factorize, scan"),
    ({"engines": ("join",)}, {"mode": "factorize"}, "mode 'factorize' is not one of join")])
def test_refused(changes, parameters, message):
    """Look-up blocks or engines that the core does not have."""
    core = CoreConfig(**changes)
    books = Codebooks.random((9, 9, 9), 4, 128, seed=1)
    made = query.clean(encode(books, (1, 2, 3)))
    with pytest.raises(ParameterError) as raised:
        Factorizer(core, books).run(made, RunParameters(sizes=(9, 9, 9), **parameters))
    assert str(raised.value) == message


def test_look_up_blocks_that_only_another_engine_ignores():
    """More of them than the core has do not stop a run that looks nothing up."""
    core = CoreConfig(heads=1)
    RunParameters(sizes=(9, 9, 9), mode="factorize", heads=3).check(core)
    RunParameters(sizes=(9, 9, 9), mode="scan", heads=3).check(core)
