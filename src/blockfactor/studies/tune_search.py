"""The search for a setting: races over an even design, small changes of the best, a last race.

All settings of a race run the same problems from the same seeds. Early races are short in problems
and in iterations, so that what is hopeless costs little.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from ..errors import StudyError
from ..parameters import RunParameters
from .tune_problems import BLOCK
from .tune_runs import Runner, Trial, order
from .tune_space import Setting, Space, make_space

__all__ = ["COSTS", "Found", "Goal", "Visit", "iteration_limit", "search"]

#: What can be made small.
COSTS = ("cycles", "iterations")
#: Settings of the first race: where T, A and patience are to be found, and where more is.
DESIGN, SOFT_DESIGN = 96, 256
#: Blocks of problems of the races of the design; of each the share that goes on.
RACES = (1, 2, 4)
KEEP = 1 / 3
#: Limit of iterations of the first race as a share of the whole one; later ones have so many times
#: the iterations that the best setting so far takes for a right answer.
FIRST_LIMIT = 1 / 64
CAPS = 4, 6
#: Least share of right answers by which the first race can tell settings apart.
TELLING = .2
#: Octaves by which T and A are changed at most, round by round; parents and children of a round.
STEPS = (1., .7, .5, .35, .25)
PARENTS, CHILDREN = 4, 3
#: Blocks of problems of those rounds.
ROUND_BLOCKS = 4
#: Settings of the last race.
FINALISTS = 6
#: Least iterations of a race, and of the limit.
LEAST_LIMIT = 8
LEAST_BUDGET = 200


@dataclass(frozen=True)
class Goal:
    """What is wanted.

    Parameters
    ----------
    trials : int
        Problems of the last race; earlier ones have fewer.
    cost : str
        One of :data:`COSTS`, its mean is made small.
    tolerance : float
        Share of right answers that may be given up for that.
    limit : int or None
        Iterations after which a run of factorize gives up; None: found as well.
    """

    trials: int = 1024
    cost: str = "cycles"
    tolerance: float = .005
    limit: int | None = None


@dataclass(frozen=True)
class Visit:
    """A setting that was tried: limit, problems, and what came of it."""

    setting: Setting
    limit: int
    problems: int
    accuracy: float
    iterations: float
    cycles: float


@dataclass
class Found:
    """Result of a search: the setting, its limit of iterations, and all that was tried.

    ``last`` is what came of that on the problems of the last race.
    """

    setting: Setting
    limit: int
    visits: list[Visit] = field(default_factory=list)
    last: Visit | None = None


def iteration_limit(sizes: tuple[int, ...]) -> int:
    """Most iterations worth an attempt: as in the published code as many as compare with all tuples
    as often as exhaustive search does, but no less than 200."""
    budget = math.prod(sizes) // max(sizes) // len(sizes)
    return min(max(budget, LEAST_BUDGET), 0xFFFF)


class _Race:
    """What the phases of a search share."""

    def __init__(self, runner: Runner, base: RunParameters, goal: Goal, visits: list[Visit]):
        self.runner, self.base, self.goal, self.visits = runner, base, goal, visits
        there = runner.source.limit("search")
        self.most = goal.trials if there is None else min(goal.trials, there)

    def __call__(self, settings: list[Setting], limit: int, problems: int, text: str):
        """Settings by rank, and the share of right answers of the best.

        ``effort`` is then the iterations that the first takes for a right answer.
        """
        problems = min(problems, self.most)
        trials = [Trial(s.parameters(self.base, limit), s.entries, s.weights) for s in settings]
        runs = self.runner.run("search", trials, problems, text)
        self.visits += [Visit(s, limit, problems, float(r.right.mean()),
                              float(r.iterations.mean()), float(r.cycles.mean()))
                        for s, r in zip(settings, runs)]
        ranks = order(runs, self.goal.cost, self.goal.tolerance)
        first = runs[ranks[0]]
        self.effort = first.iterations.sum() / max(1, first.right.sum())
        return [settings[n] for n in ranks], max(float(r.right.mean()) for r in runs)


def search(runner: Runner, mode: str, base: RunParameters, goal: Goal, seed: int) -> Found:
    """Find a setting for a mode.

    Parameters
    ----------
    runner : Runner
        With the problems; only the part ``search`` of them is touched.
    mode : str
        ``factorize``, ``join`` or ``scan``.
    base : RunParameters
        Where what is not searched comes from: sizes, seed, limit of candidates.
    goal : Goal
    seed : int
        Of the design and the changes; the same gives the same result, whatever the jobs.

    Raises
    ------
    StudyError
        No setting ever gave a right answer.
    """
    found = Found(Setting(mode), base.max_iterations)
    race = _Race(runner, base, goal, found.visits)
    blocks = -(-min(race.most, ROUND_BLOCKS * BLOCK) // BLOCK)
    space = make_space(runner.source, mode, blocks)
    rng = np.random.default_rng([seed, 1])
    if mode == "factorize":
        _factorize(race, space, goal, rng, found)
    else:
        ranked = space.grid()
        for count in (1, 4):
            ranked, best = race(ranked, found.limit, count * BLOCK, f"{mode}: all settings")
            ranked = ranked[:max(FINALISTS, math.ceil(len(ranked) * KEEP))]
        ranked, best = race(ranked[:FINALISTS], found.limit, race.most, f"{mode}: last race")
        found.setting = ranked[0]
        _check(best, mode)
    race([found.setting], found.limit, race.most, f"{mode}: the one found")
    found.last = found.visits.pop() if found.visits[-1] in found.visits[:-1] else found.visits[-1]
    return found


def _check(best: float, mode: str) -> None:
    if not best:
        raise StudyError(f"mode {mode}: no setting found a true tuple: are the queries products "
                         "of these codebooks, and the labels theirs?")


def _factorize(race: _Race, space: Space, goal: Goal, rng, found: Found) -> None:
    most = goal.limit or iteration_limit(race.runner.source.sizes)
    ranked = space.design(SOFT_DESIGN if space.soft else DESIGN, rng)
    limit = min(most, max(LEAST_LIMIT, int(most * FIRST_LIMIT)))
    for number, blocks in enumerate(RACES):
        while True:
            names = f"factorize: {len(ranked)} settings, {limit} iterations"
            ranked, best = race(ranked, limit, blocks * BLOCK, names)
            if number or best >= TELLING or limit == most:
                break
            limit = min(most, 4 * limit)
        ranked = ranked[:max(2 * PARENTS, math.ceil(len(ranked) * KEEP))]
        limit = min(most, max(limit, math.ceil(CAPS[0] * race.effort)))
    _check(best, "factorize")
    # Small changes of the best; about half of them leave after a few problems.
    limit = min(most, max(LEAST_LIMIT, math.ceil(CAPS[1] * race.effort)))
    problems = ROUND_BLOCKS * BLOCK
    pool, _ = race(ranked, limit, problems, "factorize: the best of them")
    for number, step in enumerate(STEPS):
        children = dict.fromkeys(space.near(parent, step, rng) for parent in pool[:PARENTS]
                                 for _ in range(CHILDREN))
        new = [child for child in children if child not in pool]
        text = f"factorize: changes, round {number + 1} of {len(STEPS)}"
        ranked, _ = race(pool[:PARENTS] + new, limit, BLOCK, text)
        new = [child for child in ranked if child in new][:PARENTS + CHILDREN]
        pool, _ = race(pool[:2 * FINALISTS] + new, limit, problems, text)
    last, best = race(pool[:FINALISTS], most, race.most, "factorize: last race")
    found.setting, found.limit = last[0], most
    if goal.limit is None:
        found.limit = _shorten(race, found.setting, most, best)


def _shorten(race: _Race, setting: Setting, most: int, best: float) -> int:
    """The smallest limit whose share of right answers is the best less the tolerance, or more."""
    limits = [most]
    while limits[-1] > LEAST_LIMIT:
        limits.append(max(LEAST_LIMIT, int(limits[-1] * .7)))
    trials = [Trial(setting.parameters(race.base, limit), setting.entries, setting.weights)
              for limit in limits]
    runs = race.runner.run("search", trials, race.most, "factorize: limits")
    # Where the setting has used the tolerance up, its runs stay as long as they are.
    wanted = min(best - race.goal.tolerance, runs[0].right.mean())
    return min(limit for limit, each in zip(limits, runs) if each.right.mean() >= wanted)
