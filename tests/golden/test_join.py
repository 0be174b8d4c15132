"""Join and scan: whole runs against a second model, what they must find, how long they may take.

The second model is written from docs/design.md, section 4, and the contract at the head of
golden/join.py with lists and dictionaries. Its cycles come from a simulation of the hardware, cycle
by cycle: a pipeline of groups of rows, a queue a lane, and in each lane a candidate a cycle.
"""

import itertools
import zlib
from collections import Counter, defaultdict, deque

import numpy as np
import pytest

from blockfactor.config import ENGINES, LANES, CoreConfig
from blockfactor.errors import ParameterError
from blockfactor.golden import oracle, query
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.cycles import timing, worst_case
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.join import DRAWS, FETCH, QUEUE
from blockfactor.golden.query import Query
from blockfactor.golden.sampler import TAPS
from blockfactor.golden.trace import DRAW, SCORE
from blockfactor.parameters import RunParameters

UNLIMITED = 2**32 - 1

#: What the random runs for a number of factors must have met, or they would not show much.
EVENTS = {"accepted", "limit", "complete", "no candidate", "row without candidates", "long chain",
          "duplicate", "duplicate is the last", "queue full", "full before outer slot or empty row",
          "longest queue", "queue full, 2 lanes", "queue full, 4 lanes", "queue full, 8 lanes",
          "1 lanes", "2 lanes", "4 lanes", "8 lanes", "mode auto", "mode join", "mode scan",
          "several scores in a cycle", "duplicates of all lanes", "lane without work",
          "tie in a cycle", "two accepted in a cycle", "limit passed", "incomplete group",
          "starts within a group", "wait for a row", "known inner", "known outer", "known last",
          "several known", "scan of known last", "accepted scan", "limited scan", "complete scan",
          "draw repeated", "wrapped", "empty block", "equal confidence", "equal peaks",
          "fewer blocks than heads", "1 heads", "2 heads", "3 heads", "equal codevectors",
          "larger codebook", "limit of none", "accepted at the limit", "tie", "runner-up",
          "seed of none", "all known", "none known", "only last known", "only last unknown",
          "size 1", "odd length"}


def longest_chain(books: Codebooks, size: int) -> int:
    """Most of the last factor's first ``size`` codevectors with the same index in a block."""
    return max(max(Counter(column).values()) for column in books.indices[-1][:size].T.tolist())


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

    ``slots`` is the work of the row pipeline in order: groups of rows, each a dictionary from lane
    to its row's candidates, a list of (tuple, whether it is new). Outer codevectors have no rows.
    """

    def __init__(self, core: CoreConfig, books: Codebooks, made: Query,
                 parameters: RunParameters):
        self.core, self.parameters, self.made = core, parameters, made
        self.scans = parameters.mode == "scan"
        self.books = [book.astype(int).tolist()[:size]
                      for book, size in zip(books.indices, parameters.sizes)]
        self.weights = [dict(block) for block in made.entries]
        self.events, self.words, self.scores = Counter(), [], []
        self.look_up = self.look_up_blocks()
        self.index = [defaultdict(list) for _ in self.look_up]
        for m, vector in enumerate(self.books[-1]):
            for chains, (b, _) in zip(self.index, self.look_up):
                chains[vector[b]].append(m)
        self.draws = 0
        self.starts = self.draw()
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
                       "iterations": len(self.scores), "cycles": cycle + timing(core).candidate,
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

    def draw(self) -> list[int]:
        """Where the codevectors of each factor but the last start."""
        generator = Generator(self.parameters.seed)
        starts = []
        for size, known in list(zip(self.parameters.sizes, self.parameters.known))[:-1]:
            self.draws += 1
            if known >= 0:
                starts.append(known)
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
            starts.append(value)
        return starts

    def slots(self):
        """Every slot of the pipeline."""
        lanes = self.core.lanes
        orders = [[start] if known >= 0 else [*range(start, size), *range(start)]
                  for start, size, known in zip(self.starts, self.parameters.sizes,
                                                self.parameters.known)]
        *outer, inner = orders
        # Codevectors that are looked up together have the same quotient.
        together = defaultdict(list)
        for m in sorted(inner):
            together[m // lanes].append(m)
        numbers = sorted(together)
        middle = numbers.index(inner[0] // lanes)
        for prefix in itertools.product(*outer):
            yield from [{}] * len(prefix)
            for number in numbers[middle:] + numbers[:middle]:
                yield {m % lanes: list(self.candidates((*prefix, m))) for m in together[number]}

    def candidates(self, row: tuple):
        """The candidates of a row, each with whether it is new."""
        known = self.parameters.known[-1]
        if known >= 0 or self.scans:
            for m in [known] if known >= 0 else range(self.parameters.sizes[-1]):
                yield (*row, m), True
            return
        seen = set()
        for chains, (b, peak) in zip(self.index, self.look_up):
            chain = chains.get((peak - self.bound(row, b)) % self.core.block_length, [])
            self.events["long chain"] += len(chain) > 1
            for m in chain:
                self.events["duplicate"] += m in seen
                yield (*row, m), m not in seen
                seen.add(m)

    def take(self, queues: list[deque], cycle: int) -> list[tuple]:
        """A candidate of each lane, lowest first, whose row has been in its queue long enough."""
        taken = []
        for lane, queue in enumerate(queues):
            if queue and queue[0][0] + FETCH <= cycle:
                candidate, new = queue[0][1].popleft()
                taken.append((lane, candidate, new))
                if not queue[0][1]:
                    queue.popleft()
        return taken

    def simulate(self) -> tuple[str, int]:
        """Return why the run ends, and the cycle of its last slot or candidate."""
        left = max(self.parameters.max_tuples, 1)
        self.events["limit of none"] += not self.parameters.max_tuples
        # A factor's size is read in a cycle, then it is drawn.
        before = timing(self.core).join + self.core.factors - 1 + self.draws
        queues = [deque() for _ in range(self.core.lanes)]
        longest = []  # rows of the fullest queue after each cycle
        slots = self.slots()
        slot = next(slots, None)
        cycle = 0
        while slot is not None or any(queues):
            taken = self.take(queues, cycle)
            left -= len(taken)
            scores = [(lane, candidate, self.score(candidate))
                      for lane, candidate, new in taken if new]
            self.scores += [entry[1:] for entry in scores]
            if scores:
                word = 0
                for lane, _, value in scores:  # a rotation by multiplication
                    word ^= (value << 16 * lane // self.core.lanes) % 0xFFFF
                self.words.append((SCORE, word))
            self.note(taken, scores, queues)
            if any(value >= self.accept for _, _, value in scores):
                self.events["accepted at the limit"] += left <= 0
                return "accepted", before + cycle + 1
            if left <= 0:
                self.events["duplicate is the last"] += not taken[-1][2]
                self.events["limit passed"] += left < 0
                return "limit", before + cycle + 1
            # Whether there is room is known three cycles later.
            if cycle >= 3 and longest[cycle - 3] >= QUEUE:
                self.events["queue full"] += slot is not None
                self.events[f"queue full, {len(queues)} lanes"] += slot is not None
                self.events["full before outer slot or empty row"] += \
                    slot is not None and not any(slot.values())
            elif slot is not None:
                for lane, candidates in slot.items():
                    if candidates:
                        queues[lane].append((cycle, deque(candidates)))
                    self.events["row without candidates"] += not candidates
                slot = next(slots, None)
            longest.append(max(map(len, queues)))
            self.events["longest queue"] += longest[-1] == QUEUE + 2
            assert longest[-1] <= QUEUE + 2
            cycle += 1
        self.events["no candidate"] += not self.scores
        return "complete", before + cycle

    def note(self, taken: list[tuple], scores: list[tuple], queues: list[deque]) -> None:
        """Events of a cycle."""
        values = [value for _, _, value in scores]
        self.events["several scores in a cycle"] += len(values) > 1
        self.events["tie in a cycle"] += len(set(values)) < len(values)
        self.events["two accepted in a cycle"] += sum(v >= self.accept for v in values) > 1
        self.events["duplicates of all lanes"] += len(taken) > 1 and not scores
        self.events["lane without work"] += 0 < len(taken) < len(queues)
        self.events["wait for a row"] += not taken and any(queues)


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
    sizes = [int(s) for s in rng.integers(1, (13, 13, 7)[factors - 2], factors)]
    if rng.random() < .3:  # fills queues of several lanes
        sizes[-2] = int(rng.integers(20, (600, 81, 81)[factors - 2]))
    length = int(rng.integers(2, rng.choice([5, 24])))
    most = max(sizes) + int(rng.choice([0, 0, 1, 3]))
    core = CoreConfig(
        factors=factors, blocks=int(rng.integers(1, 6)), block_length=length,
        max_codevectors=most, list_size=1, lanes=int(rng.choice([n for n in LANES if n <= most])),
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
        sizes=sizes, known=known, mode=str(rng.choice(["auto", "join", "scan"])),
        heads=int(rng.integers(1, core.heads + 1)), level=int(rng.choice([511, 511, 256, 180])),
        max_tuples=int(rng.choice([0, 1, *rng.integers(2, 50, 4)] + [UNLIMITED] * 6)),
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
    chain = longest_chain(books, parameters.sizes[-1])
    assert result.cycles <= worst_case(core, parameters, chain), f"{label}: {problem_}"
    assert worst_case(core, parameters, chain) <= worst_case(core, parameters)
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
    events["known inner"] += not unknown[-2] and any(unknown)
    events["known outer"] += len(unknown) > 2 and not unknown[0] and any(unknown)
    events["known last"] += not unknown[-1] and any(unknown)
    events["several known"] += unknown.count(False) > 1
    events[f"{model.core.lanes} lanes"] += 1
    events[f"mode {parameters.mode}"] += 1
    if parameters.mode == "scan":
        events["scan of known last"] += not unknown[-1]
        for stop, name in (("accepted", "accepted scan"), ("limit", "limited scan"),
                           ("complete", "complete scan")):
            events[name] += model.fields["stop"] == stop
    if unknown[-2]:
        events["incomplete group"] += parameters.sizes[-2] % model.core.lanes > 0
        events["starts within a group"] += model.starts[-1] % model.core.lanes > 0
    events["size 1"] += 1 in parameters.sizes
    events["larger codebook"] += len(books.indices[-1]) > parameters.sizes[-1]
    events["odd length"] += books.block_length.bit_count() > 1
    events["equal codevectors"] += any(len(set(map(tuple, book))) < len(book)
                                       for book in model.books)
    return +events


@pytest.mark.parametrize("factors", [2, 3, 4])
def test_whole_runs(factors):
    """Traces and results of 1000 random runs are as predicted, and they meet every event."""
    events = Counter()
    for seed in range(1000):
        drawn = problem(factors, seed)
        events += note(compare(drawn, f"factors {factors}, seed {seed}"), drawn[1])
    missing = EVENTS - set(events)
    assert missing == ({"known outer"} if factors == 2 else set())


@pytest.mark.parametrize("lanes", LANES)
def test_problems_of_usual_size(lanes):
    """The size of the preset demo: clean, soft, damaged; found and not found."""
    core = CoreConfig(heads=3, lanes=lanes)
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


@pytest.mark.parametrize("mode", ["join", "scan"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_a_batch_gives_the_same(mode, lanes):
    """The compiled loop over runs, soft queries and three look-up blocks."""
    core = CoreConfig(blocks=5, block_length=19, max_codevectors=9, list_size=4, heads=3,
                      query_entries=4, lanes=lanes)
    rng = np.random.default_rng(7)
    books = Codebooks.random((9, 7, 8), 5, 19, rng)
    products = np.array([encode(books, (n % 9, n % 7, n % 8)) for n in range(60)])
    index, weight = query.soft_batch(products, 19, 3.0, rng, 4, 4)
    parameters = RunParameters(sizes=(9, 7, 8), mode=mode, heads=3, level=220)
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


def brute_force(books: Codebooks, made: Query, parameters: RunParameters) -> dict:
    """Scores of all tuples by dense vectors."""
    dense = made.dense(books.block_length).astype(object)
    return {t: oracle.score(dense, [book[m] for book, m in zip(books.indices, t)])
            for t in itertools.product(*([k] if k >= 0 else range(size) for size, k in zip(
                parameters.sizes, parameters.known)))}


@pytest.mark.parametrize("factors", [2, 3, 4])
@pytest.mark.parametrize("lanes", LANES)
def test_scan_is_brute_force(factors, lanes):
    """Best score and runner-up of all tuples, wherever rows start; a level stops it earlier."""
    core = CoreConfig(factors=factors, blocks=3, block_length=7, max_codevectors=9, list_size=1,
                      query_entries=4, lanes=lanes)
    for seed in range(12):
        rng = np.random.default_rng((factors, lanes, seed))
        sizes = tuple(int(s) for s in rng.integers(1, (10, 8, 5)[factors - 2], factors))
        known = tuple(int(rng.integers(s)) if rng.random() < .15 else -1 for s in sizes)
        books = Codebooks.random(sizes, 3, 7, rng)
        made = query.soft(rng.integers(0, 7, 3), 7, 1.5, rng, 4)
        plain = RunParameters(sizes=sizes, mode="scan", level=511, known=known)
        scores = brute_force(books, made, plain)
        ranked = sorted(scores.values(), reverse=True)
        factorizer = Factorizer(core, books)
        for start in rng.integers(0, 2**32, 5).tolist():
            result = factorizer.run(made, plain.replace(seed=start))
            assert (result.score, result.runner_up) == (ranked[0], [*ranked, 0][1]), f"seed {seed}"
            assert scores[result.indices] == ranked[0], f"seed {seed}"
            assert (result.iterations, result.stop) == (len(scores), "complete"), f"seed {seed}"
            level = int(rng.integers(100, 257))
            result = factorizer.run(made, plain.replace(seed=start, level=level))
            found = 256 * ranked[0] >= level * made.smax
            assert result.stop == ("accepted" if found else "complete"), f"seed {seed}"
            assert scores[result.indices] == result.score, f"seed {seed}"
            assert (256 * result.score >= level * made.smax) == found, f"seed {seed}"


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_best_of_all_tuples_right_in_a_look_up_block(lanes):
    """Level 511: the best score is that of brute force over the tuples join can see.

    Where a look-up block of the best tuple of all is right, that is what scan finds.
    """
    same = blind = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        factors = int(rng.integers(2, 5))
        sizes = tuple(int(s) for s in rng.integers(1, 7, factors))
        core = CoreConfig(factors=factors, blocks=4, block_length=11, max_codevectors=6,
                          list_size=1, query_entries=4, heads=3, lanes=lanes)
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


@pytest.mark.parametrize("factors", [2, 3, 4])
def test_true_tuple_with_right_look_up_blocks(factors):
    """Join finds no less than it; and what scan finds, where no other tuple scores as much."""
    core = CoreConfig(factors=factors, blocks=5, block_length=31, max_codevectors=9, list_size=1,
                      query_entries=6, heads=2, lanes=2)
    alike = 0
    for seed in range(60):
        rng = np.random.default_rng((factors, seed))
        sizes = tuple(int(s) for s in rng.integers(3, 10, factors))
        books = Codebooks.random(sizes, 5, 31, rng)
        truth = tuple(int(rng.integers(s)) for s in sizes)
        made = query.soft(encode(books, truth), 31, 3.0, rng, 6)
        joins = RunParameters(sizes=sizes, mode="join", level=511, heads=2, seed=seed)
        factorizer = Factorizer(core, books)
        joined, scanned = (factorizer.run(made, joins.replace(mode=m)) for m in ("join", "scan"))
        model = Model(core, books, made, joins)
        right = [model.bound(truth, b) == peak for b, peak in model.look_up]
        assert joined.score <= scanned.score, f"seed {seed}"
        if any(right):
            assert joined.score >= model.score(truth), f"seed {seed}"
            if scanned.indices == truth:
                alike += 1
                assert joined.score == scanned.score, f"seed {seed}"
                if scanned.runner_up < scanned.score:
                    assert joined.indices == truth, f"seed {seed}"
    assert alike > 40


def test_first_of_equal_tuples_stays():
    """Codevectors 1 and 6 of the middle codebook are the same; the one that comes first wins."""
    indices = np.random.default_rng(1).integers(0, 16, (3, 8, 4))
    indices[1, 6] = indices[1, 1]
    books = Codebooks(indices, 16)
    made = query.clean(encode(books, (5, 6, 7)))
    for lanes in LANES:
        factorizer = Factorizer(CoreConfig(max_codevectors=8, list_size=8, block_length=16,
                                           query_entries=2, lanes=lanes), books)
        found = Counter()
        for mode in ("join", "scan"):
            for seed in range(1, 40):
                result, words = factorizer.run(made, RunParameters(
                    sizes=(8, 8, 8), mode=mode, level=511, seed=seed), trace=True)
                assert (result.score, result.runner_up) == (4, 4)
                start = words[1, 1] // lanes
                # Rows come from ``start`` on, those of a group at once, the lowest lane first.
                first = min((1, 6), key=lambda m: ((m // lanes - start) % (8 // lanes), m))
                assert result.indices == (5, first, 7), f"{lanes} lanes, {mode}, seed {seed}"
                found[first] += 1
        assert set(found) == ({1} if lanes == 8 else {1, 6})


@pytest.mark.parametrize("mode", ["join", "scan"])
@pytest.mark.parametrize("lanes", LANES)
def test_limit_counts_candidates_of_all_lanes(mode, lanes):
    """The candidates of the cycle in which it is reached are all verified."""
    core = CoreConfig(max_codevectors=8, list_size=8, block_length=2, query_entries=2,
                      lanes=lanes)
    books = Codebooks(np.zeros((3, 8, 4), dtype=int), 2)  # every tuple is a candidate
    factorizer = Factorizer(core, books)
    made = query.clean([0] * 4)
    plain = RunParameters(sizes=(8, 8, 8), mode=mode, level=511, seed=5)
    whole, trace = factorizer.run(made, plain, trace=True)
    assert (whole.iterations, whole.stop) == (512, "complete")
    for limit in (0, 1, 2, 3, 7, 8, 9, 100, 503, 504, 511, 512, 513):
        result, words = factorizer.run(made, plain.replace(max_tuples=limit), trace=True)
        done = -(-max(limit, 1) // lanes) * lanes
        assert result.iterations == min(done, 512), f"limit {limit}"
        assert result.stop == ("complete" if limit > 512 else "limit"), f"limit {limit}"
        assert words.tolist() == trace[:2 + min(done, 512) // lanes].tolist(), f"limit {limit}"
        assert whole.cycles - result.cycles == max(512 - done, 0) // lanes, f"limit {limit}"


@pytest.mark.parametrize("factors", [2, 3, 4])
@pytest.mark.parametrize("lanes", LANES)
def test_longest_run(factors, lanes):
    """The worst case is that of a scan to the end, and of a join if all codevectors are the same.

    But for draws, of which there may be fewer.
    """
    for seed in range(40):
        rng = np.random.default_rng((factors, lanes, seed))
        sizes = tuple(int(s) for s in rng.integers(1, (100, 17, 9)[factors - 2], factors))
        if seed % 3 == 0:
            sizes = (*sizes[:-1], int(rng.integers(1, 4)))
        core = CoreConfig(factors=factors, max_codevectors=100, blocks=4, block_length=16,
                          lanes=lanes)
        known = tuple(int(rng.integers(s)) if rng.random() < .1 else -1 for s in sizes)
        same = Codebooks([np.tile(rng.integers(0, 16, 4), (size, 1)) for size in sizes], 16)
        plain = RunParameters(sizes=sizes, known=known, level=511, seed=seed,
                              heads=int(rng.integers(1, 3)))
        made = query.clean(encode(same, (0,) * factors))
        for mode in ("join", "scan"):
            parameters = plain.replace(mode=mode)
            result, words = Factorizer(core, same).run(made, parameters, trace=True)
            model = Model(core, same, made, parameters)
            drawn = [1 if k >= 0 or not s & (s - 1) else DRAWS for s, k in zip(sizes, known)][:-1]
            assert result.stop == "complete", f"seed {seed}"
            assert worst_case(core, parameters) - result.cycles == \
                sum(drawn) - model.draws, f"seed {seed}, {mode}"


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("limit", [0, 1, 2, 20, 40])
def test_longest_run_of_so_many_candidates(lanes, limit):
    """All rows but the last one are without candidates, and it has as many as are allowed."""
    core = CoreConfig(factors=2, max_codevectors=64, blocks=1, block_length=8, lanes=lanes)
    parameters = RunParameters(sizes=(64, 40), mode="join", level=511, max_tuples=limit)
    for seed in range(1, 9):
        start = Generator(seed).bits(6)
        inner = np.zeros((64, 1), dtype=int)
        # Of the last group to come, its first codevector.
        inner[(start // lanes - 1) % (64 // lanes) * lanes] = 1
        books = Codebooks((inner, np.zeros((40, 1), dtype=int)), 8)
        chosen = parameters.replace(seed=seed)
        result = Factorizer(core, books).run(query.clean([1]), chosen)
        assert (result.stop, result.iterations) == ("limit", max(limit, 1)), f"seed {seed}"
        assert result.cycles == worst_case(core, chosen), f"seed {seed}"
        assert longest_chain(books, 40) == 40


@pytest.mark.parametrize("factors, size", [(2, 60), (3, 22), (4, 9)])
@pytest.mark.parametrize("heads", [1, 2])
def test_average_load(factors, size, heads):
    """Of random codebooks: near M / L candidates a row and look-up block, as documented.

    A cycle in which no slot advances has a candidate, so that their numbers bound the cycles.
    Slots are rows, and before each pass of the innermost a cycle for every outer factor.
    """
    core = CoreConfig(factors=factors, max_codevectors=64, blocks=4, block_length=16)
    rows = size ** (factors - 1)
    times = timing(core)
    for seed in range(1, 6):
        books = Codebooks.random((size,) * factors, 4, 16, seed)
        made = query.soft(encode(books, (1,) * factors), 16, 3.0, np.random.default_rng(seed))
        parameters = RunParameters(sizes=(size,) * factors, mode="join", heads=heads, level=511,
                                   seed=seed)
        result = Factorizer(core, books).run(made, parameters)
        slots = list(Model(core, books, made, parameters).slots())
        candidates = sum(len(row) for slot in slots for row in slot.values())
        assert result.stop == "complete"
        assert len(slots) == rows + (factors - 2) * size ** (factors - 2)
        assert .8 < candidates / (heads * rows * size / 16) < 1.3, f"seed {seed}"
        fixed = times.join + times.candidate
        bound = fixed + (1 + DRAWS) * (factors - 1) + len(slots) + candidates + FETCH - 1
        least = fixed + 2 * (factors - 1) + max(len(slots), candidates)
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


@pytest.mark.parametrize("engines, mode", [
    (ENGINES, "join"), (("join",), "join"), (("factorize",), "factorize")])
def test_auto_runs_what_the_core_has(engines, mode):
    """Join where there is one."""
    core = CoreConfig(engines=engines)
    auto = RunParameters(sizes=(9, 9, 9), mode="auto", threshold=300, samples=4)
    assert auto.resolve(core) == mode
    books = Codebooks.random((9, 9, 9), 4, 128, seed=1)
    made = query.clean(encode(books, (1, 2, 3)))
    runs = [Factorizer(core, books).run(made, auto.replace(mode=m)) for m in ("auto", mode)]
    assert runs[0] == runs[1] and runs[0].indices == (1, 2, 3)


@pytest.mark.parametrize("engines, modes", [
    (("factorize",), {"factorize"}), (("join",), {"join", "scan"}),
    (ENGINES, {"factorize", "join", "scan"})])
def test_modes_of_a_core(engines, modes):
    """The join engine scans; a mode that is not in ``modes`` is refused."""
    core = CoreConfig(engines=engines)
    assert set(core.modes) == modes
    books = Codebooks.random((9, 9, 9), 4, 128, seed=1)
    made = query.clean(encode(books, (1, 2, 3)))
    for mode in ("factorize", "join", "scan"):
        parameters = RunParameters(sizes=(9, 9, 9), mode=mode, threshold=300, samples=4)
        assert parameters.resolve(core) == mode
        if mode in modes:
            assert Factorizer(core, books).run(made, parameters).indices == (1, 2, 3)
        else:
            with pytest.raises(ParameterError, match=f"mode '{mode}' is not one of"):
                Factorizer(core, books).run(made, parameters)


@pytest.mark.parametrize("changes, parameters, message", [
    ({"heads": 1}, {"mode": "join", "heads": 2}, "heads 2 is outside 1..1"),
    ({"heads": 2}, {"mode": "auto", "heads": 3}, "heads 3 is outside 1..2"),
    ({"engines": ("factorize",)}, {"mode": "join"},
     "mode 'join' is not one of factorize"),
    ({"engines": ("factorize",)}, {"mode": "scan"}, "mode 'scan' is not one of factorize"),
    ({"engines": ("join",)}, {"mode": "factorize"},
     "mode 'factorize' is not one of join, scan")])
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
    books = Codebooks.random((9, 9, 9), 4, 128, seed=1)
    made = query.clean(encode(books, (1, 2, 3)))
    for mode in ("factorize", "scan"):
        parameters = RunParameters(sizes=(9, 9, 9), mode=mode, threshold=300, samples=4)
        runs = [Factorizer(core, books).run(made, parameters.replace(heads=h)) for h in (1, 3)]
        assert runs[0] == runs[1] and runs[0].indices == (1, 2, 3)
