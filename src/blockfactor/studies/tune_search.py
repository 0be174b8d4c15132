"""The search for a setting: races over an even design, small changes of the best, a last race.

All settings of a race run the same problems from the same seeds. Early races are short in problems
and in iterations, so that what is hopeless costs little.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from ..errors import StudyError
from ..parameters import RunParameters
from .tune_problems import BLOCK, Runs
from .tune_runs import Runner, Trial, order, paired
from .tune_space import Setting, Space, make_space

__all__ = ["COSTS", "Found", "Goal", "Visit", "iteration_limit", "search"]

#: What can be made small.
COSTS = ("cycles", "iterations")
#: Settings of the first race: where T, A and patience are to be found, and where more is.
DESIGN, SOFT_DESIGN = 192, 256
#: Stages of races: problems, and how many settings go on; less where a setting is plainly worse.
DESIGN_STAGES = ((64, 24), (128, 16))
ROUND_STAGES = ((32, 12), (64, 8), (128, 6), (256, 12))
LAST_STAGES = ((256, 6), (512, 5), (1024, 4), (2048, 3))
#: Share of the design that goes on after its first problems.
KEEP = 1 / 3
#: Standard errors of the paired difference to the best that are plainly worse.
PLAIN = 3
#: Limit of iterations of the first race as a share of the whole one; later ones have so many times
#: the iterations that the best setting so far takes for a right answer; more of soft queries, of
#: which a longer run may be right or not.
FIRST_LIMIT = 1 / 64
CAP, SOFT_CAP = 3, 6
#: Least share of right answers by which the first race can tell settings apart.
TELLING = .2
#: Octaves by which T and A are changed at most, round by round; parents and children of a round.
STEPS = (1., .7, .5, .35)
PARENTS, CHILDREN = 8, 4
#: Settings that are changed further, and of the last race.
POOL, FINALISTS = 16, 8
#: Settings of the last race of join and scan.
GRID_LAST = 6
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

    def run(self, settings: list[Setting], limit: int, problems: int, text: str) -> list[Runs]:
        """Runs of each setting on the first problems."""
        trials = [Trial(s.parameters(self.base, limit), s.entries, s.weights) for s in settings]
        runs = self.runner.run("search", trials, min(problems, self.most), text)
        self.visits += [Visit(s, limit, len(r.right), float(r.right.mean()),
                              float(r.iterations.mean()), float(r.cycles.mean()))
                        for s, r in zip(settings, runs)]
        return runs

    def __call__(self, settings: list[Setting], limit: int, problems: int, text: str,
                 short: bool = False):
        """Settings by rank, and the share of right answers of the best.

        ``short``: the limit is one of the race, not of the setting; see :func:`_rank`. ``runs``
        are then those of the settings by rank, ``effort`` the iterations that the first takes for
        a right answer.
        """
        runs = self.run(settings, limit, problems, text)
        ranks = _rank(runs, self.goal, short)
        self.runs = [runs[n] for n in ranks]
        first = self.runs[0]
        self.effort = first.iterations.sum() / max(1, first.right.sum())
        return [settings[n] for n in ranks], max(float(r.right.mean()) for r in runs)

    def stages(self, settings: list[Setting], limit: int, stages, text: str, short: bool = False):
        """The same in stages (problems, settings that go on): what is plainly worse leaves."""
        for problems, keep in stages:
            settings, best = self(settings, limit, problems, text, short)
            settings = [setting for n, setting in enumerate(settings[:keep])
                        if not any(_same(self.runs[n], other) for other in self.runs[:n])
                        and not _plainly_worse(self.runs[n], self.runs[0], self.goal.cost, short)]
        return settings, best


def _rank(runs: list[Runs], goal: Goal, short: bool) -> list[int]:
    """Numbers of the runs, best first.

    Where runs are cut short, and no accepted answer was wrong, an answer that is missing says only
    that the run took longer: the least cost of a right answer is best. Else see
    :func:`~blockfactor.studies.tune_runs.order`.
    """
    if short and not any(_mistaken(r) for r in runs):
        return sorted(range(len(runs)), key=lambda n: (
            getattr(runs[n], goal.cost).sum() / max(.5, runs[n].right.sum()), n))
    return order(runs, goal.cost, goal.tolerance)


def _mistaken(runs: Runs) -> bool:
    """Whether a wrong answer was accepted."""
    return bool((runs.accepted & ~runs.right).any())


def _plainly_worse(runs: Runs, best: Runs, cost: str, short: bool) -> bool:
    """Whether the cost of the same problems is more by :data:`PLAIN` standard errors, and not for
    more right answers, where these are not just a matter of the limit."""
    if runs.right.sum() > best.right.sum() and (not short or _mistaken(runs) or _mistaken(best)):
        return False
    mean, error = paired(getattr(runs, cost), getattr(best, cost))
    return mean > PLAIN * error


def _same(runs: Runs, other: Runs) -> bool:
    """Whether settings did the same: a threshold is rounded down to whole numbers in each step."""
    return len(runs.right) >= 64 and all(map(np.array_equal, runs, other))


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
    blocks = -(-min(race.most, ROUND_STAGES[-1][0]) // BLOCK)
    space = make_space(runner.source, mode, blocks)
    rng = np.random.default_rng([seed, 1])
    if mode == "factorize":
        _factorize(race, space, goal, rng, found)
    else:
        ranked = space.grid()
        for count in (64, 256):
            ranked, best = race(ranked, found.limit, count, f"{mode}: all settings")
            ranked = ranked[:max(GRID_LAST, math.ceil(len(ranked) * KEEP))]
        ranked, best = race(ranked[:GRID_LAST], found.limit, race.most, f"{mode}: last race")
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
    short = not space.soft
    cap = CAP if short else SOFT_CAP
    ranked = space.design(SOFT_DESIGN if space.soft else DESIGN, rng)
    limit = min(most, max(LEAST_LIMIT, int(most * FIRST_LIMIT)))
    while True:
        names = f"factorize: {len(ranked)} settings, {limit} iterations"
        ranked, best = race(ranked, limit, BLOCK, names, short)
        if best >= TELLING or limit == most:
            break
        limit = min(most, 4 * limit)
    ranked = ranked[:max(PARENTS, math.ceil(len(ranked) * KEEP))]
    limit = min(most, max(LEAST_LIMIT, limit, math.ceil(cap * race.effort)))
    ranked, best = race.stages(ranked, limit, DESIGN_STAGES, "factorize: the best of them", short)
    _check(best, "factorize")
    # Small changes of the best; most of them leave after a few problems. With the whole limit a few
    # hopeless ones would cost more than all the rest.
    limit = min(most, max(LEAST_LIMIT, math.ceil(cap * race.effort)))
    problems = ROUND_STAGES[-1][0]
    pool, _ = race(ranked, limit, problems, "factorize: the best of them", short)
    for number, step in enumerate(STEPS):
        children = dict.fromkeys(space.near(parent, step, rng)
                                 for parent in space.apart(pool, step, PARENTS)
                                 for _ in range(CHILDREN))
        new = [child for child in children if child not in pool]
        text = f"factorize: changes, round {number + 1} of {len(STEPS)}"
        ranked, _ = race.stages(pool[:1] + new, limit, ROUND_STAGES, text, short)
        pool, _ = race(list(dict.fromkeys(pool[:POOL] + ranked)), limit, problems, text, short)
    last = [stage for stage in LAST_STAGES if stage[0] < race.most] + [(race.most, FINALISTS)]
    last, best = race.stages(pool[:FINALISTS], most, last, "factorize: last race")
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
