"""What can be chosen for a run, and how a search moves through it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..parameters import RunParameters
from .tune_problems import Source

__all__ = ["PATIENCE", "QUANTILES", "Setting", "Space", "make_space"]

#: Range of thresholds T16 that are tried: .00006 to .125. Published ones are .0001 to .065.
THRESHOLDS = (4, 8192)
#: Patiences that are tried.
PATIENCE = (3, 5, 9, 15)
#: Levels are what this share of true tuples do not reach.
QUANTILES = (.005, .03, .1, .25, .5, .8)
#: Share of the designs that start with the whole codebook.
WHOLE = .1
#: Largest change of a level when a setting is changed a little.
LEVEL_STEP = 8


class Setting(NamedTuple):
    """One choice of everything that is searched; fields as in RunParameters.

    ``entries`` and ``weights`` are of the queries: most entries s of a block, and kind.
    """

    mode: str
    threshold: int = 0
    samples: int = 0
    trim: int = 0
    heads: int = 1
    level: int = 256
    patience: int = 5
    entries: int = 1
    weights: str = "linear"

    def parameters(self, base: RunParameters, limit: int) -> RunParameters:
        """Run parameters with the rest of ``base``, at most ``limit`` iterations."""
        return base.replace(mode=self.mode, threshold=self.threshold, samples=self.samples,
                            rule="min", trim=self.trim, heads=self.heads, level=self.level,
                            patience=self.patience, max_iterations=limit)


@dataclass(frozen=True)
class Space:
    """Choices for one mode.

    Parameters
    ----------
    mode : str
        ``factorize``, ``join`` or ``scan``.
    samples : int
        Largest A: more than a list holds are never drawn.
    trims, heads : int
        Largest r, most look-up blocks.
    levels : dict of (entries, weights) -> tuple of int
        Levels worth a try for each kind of queries.
    """

    mode: str
    samples: int
    trims: int
    heads: int
    levels: dict[tuple[int, str], tuple[int, ...]]

    @property
    def soft(self) -> bool:
        """Whether more than T, A and patience is to be chosen."""
        return self.trims > 0 or len(self.levels) > 1 or \
            any(len(levels) > 1 for levels in self.levels.values())

    def grid(self) -> list[Setting]:
        """All settings of join or scan."""
        return [Setting(self.mode, heads=heads, level=level, entries=entries, weights=weights)
                for (entries, weights), levels in self.levels.items()
                for heads in range(1, self.heads + 1) for level in levels]

    def design(self, count: int, rng: np.random.Generator) -> list[Setting]:
        """``count`` settings of factorize, evenly spread: an additive recurrence, shifted."""
        dimensions = 6
        # The root of x**(d + 1) = x + 1 gives the sequence of lowest discrepancy known of its kind.
        root = 1.5
        for _ in range(60):
            root = (1 + root) ** (1 / (dimensions + 1))
        shift = rng.random(dimensions)
        points = (shift + np.outer(np.arange(1, count + 1), root ** -np.arange(1., 7))) % 1
        return list(dict.fromkeys(self._setting(point) for point in points))

    def _setting(self, point) -> Setting:
        low, high = THRESHOLDS
        queries = list(self.levels)
        entries, weights = _pick(queries, point[3])
        whole = point[1] < WHOLE
        return Setting(
            self.mode, threshold=round(low * (high / low) ** float(point[0])),
            samples=0 if whole else
            round(self.samples ** float((point[1] - WHOLE) / (1 - WHOLE))),
            trim=_pick(range(self.trims + 1), point[2]),
            level=_pick(self.levels[entries, weights], point[4]),
            patience=_pick(PATIENCE, point[5]), entries=entries, weights=weights)

    def apart(self, ranked: list[Setting], step: float, count: int) -> list[Setting]:
        """The best ``count`` of a ranking of which no two are within ``step`` octaves of T and A,
        nor alike in the rest but patience: there is more than one valley."""
        chosen = []
        for setting in ranked:
            if len(chosen) < count and all(self._far(setting, other, step) for other in chosen):
                chosen.append(setting)
        return chosen

    def _far(self, one: Setting, other: Setting, step: float) -> bool:
        if (one.trim, one.entries, one.weights) != (other.trim, other.entries, other.weights) or \
                abs(one.level - other.level) > LEVEL_STEP:
            return True
        pairs = ((max(one.threshold, 1), max(other.threshold, 1)),
                 (one.samples or self.samples, other.samples or self.samples))
        return any(abs(np.log2(a / b)) > step for a, b in pairs)

    def near(self, setting: Setting, step: float, rng: np.random.Generator) -> Setting:
        """A setting nearby: T and A within ``step`` octaves, at times one other choice changed."""
        threshold, samples = setting.threshold, setting.samples
        turn = rng.random() * 2 * np.pi
        size = step * (.4 + .6 * rng.random())
        threshold = round(max(threshold, 1) * 2 ** (size * np.sin(turn)))
        if samples:
            moved = round(samples * 2 ** (size * np.cos(turn)))
            if moved == samples:  # small numbers have no neighbour within a small step
                moved += 1 if np.cos(turn) > 0 else -1
            samples = min(max(moved, 1), self.samples)
        elif rng.random() < .25:
            samples = max(1, self.samples // 2)
        new = setting._replace(threshold=min(max(threshold, 0), 0xFFFF), samples=samples)
        kind = int(rng.integers(0, 8))
        way = int(rng.choice((-1, 1)))
        if kind == 0:
            at = PATIENCE.index(setting.patience) + way
            new = new._replace(patience=PATIENCE[min(max(at, 0), len(PATIENCE) - 1)])
        elif not self.soft:
            pass
        elif kind in (2, 3):
            new = new._replace(trim=min(max(setting.trim + way, 0), self.trims))
        elif kind in (4, 5):
            level = setting.level + int(rng.integers(-LEVEL_STEP, LEVEL_STEP + 1))
            new = new._replace(level=min(max(level, 1), 256))
        elif kind == 6:
            queries = list(self.levels)
            entries, weights = queries[int(rng.integers(len(queries)))]
            # The same place among the levels: numbers of different queries do not compare.
            place = sum(level < setting.level for level in
                        self.levels[setting.entries, setting.weights])
            levels = self.levels[entries, weights]
            new = new._replace(entries=entries, weights=weights,
                               level=levels[min(place, len(levels) - 1)])
        return new


def _pick(choices, share):
    return choices[min(int(share * len(choices)), len(choices) - 1)]


def _levels(shares: np.ndarray) -> tuple[int, ...]:
    """Levels that the wanted shares of true tuples reach; [n, 2] of score and largest score."""
    reached = np.sort(256 * shares[:, 0] // np.maximum(shares[:, 1], 1))
    picked = {int(reached[int(q * len(reached))]) for q in QUANTILES}
    return tuple(sorted({max(level, 1) for level in picked}))


def make_space(source: Source, mode: str, blocks: int) -> Space:
    """Choices for the problems of ``source``, seen through the first ``blocks`` search blocks.

    Where every true tuple scores all there is, nothing but an exact match need be accepted and no
    block need be left out.
    """
    core = source.core
    entries = [s for s in (1, 2, 4, 8, 16) if s < source.depth] + [source.depth]
    levels = {}
    for s in entries:
        for weights in source.weights:
            if s == 1 and weights != source.weights[0]:
                continue  # a single entry has the largest weight of either kind
            shares = np.concatenate([source.block("search", n).shares(s, weights)
                                     for n in range(blocks)])
            levels[s, weights] = _levels(shares)
    exact = all(found == (256,) for found in levels.values())
    return Space(mode, samples=min(core.list_size, max(source.sizes)),
                 trims=0 if exact or mode != "factorize" else max(1, core.blocks // 2)
                 if core.blocks > 1 else 0,
                 heads=min(core.heads, core.blocks) if mode == "join" else 1, levels=levels)
