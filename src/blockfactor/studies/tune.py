"""Tuning: the setting of a run that suits codebooks and queries, with figures on fresh data."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from ..config import SystemConfig
from ..errors import StudyError, check_choice, check_int, check_number
from ..parameters import MODES, RunParameters
from .tune_problems import GIVEN, Source
from .tune_runs import Figures, Runner, Trial, figures, paired
from .tune_search import COSTS, Found, Goal, search
from .tune_space import Setting
from .tune_store import Store

__all__ = ["ENGINES", "Goal", "Tuned", "Tuning", "fastest", "tune"]

#: What can be tuned: a mode, or both engines.
ENGINES = (*MODES, "both")


@dataclass(frozen=True)
class Tuned:
    """What was found for a mode.

    ``parameters`` are to be run with; ``entries`` (s) and ``weights`` say which queries with.
    ``figures`` are of fresh problems; ``before`` of the parameters that were there before, on the
    same ones; ``difference`` is what iterations and cycles are more than before: mean and its
    standard error, paired.
    """

    mode: str
    parameters: RunParameters
    entries: int
    weights: str
    figures: Figures
    before: Figures
    before_parameters: RunParameters
    found: Found
    difference: dict[str, tuple[float, float]]

    def to_table(self) -> dict:
        """Plain table for JSON."""
        return {"mode": self.mode, "parameters": self.parameters.to_table(),
                "entries": self.entries, "weights": self.weights,
                "fresh": self.figures._asdict(), "before": self.before._asdict(),
                "difference": self.difference,
                "before_parameters": self.before_parameters.to_table(),
                "tried": [{**asdict(visit), "setting": visit.setting._asdict()}
                          for visit in self.found.visits]}


@dataclass(frozen=True)
class Tuning:
    """Result of :func:`tune`: what was found for each mode, the one to be used first."""

    modes: list[Tuned]
    search_problems: int
    fresh_problems: int
    runs: int

    @property
    def best(self) -> Tuned:
        """The one to be used."""
        return self.modes[0]


def _modes(engine: str, core) -> list[str]:
    check_choice("engine", engine, ENGINES, StudyError)
    if engine == "both":
        for name in ("factorize", "join"):
            check_choice("engine", name, core.modes, StudyError)
        return ["factorize", "join"]
    mode = RunParameters((1, 1), mode=engine).resolve(core)
    return [check_choice("engine", mode, core.modes, StudyError)]


def tune(system: SystemConfig, source: Source, before: RunParameters, engine: str = "auto",
         goal: Goal | None = None, fresh: int = 2048, jobs: int = 1, scheduler: str | None = None,
         store=None, progress: Callable = lambda *_: None) -> Tuning:
    """Find settings, and measure them on fresh problems.

    Parameters
    ----------
    system : SystemConfig
        Core and clock.
    source : Source
        Problems for that core.
    before : RunParameters
        Compared with, in the same mode; seed and limit of candidates are kept.
    engine : str
        One of :data:`ENGINES`.
    goal : Goal
    fresh : int
        Fresh problems; of a file as many as were kept from the search.
    jobs, scheduler, progress :
        As of :class:`~blockfactor.studies.tune_runs.Runner`.
    store : path or None
        File in which runs are kept, see :class:`~blockfactor.studies.tune_store.Store`.

    Raises
    ------
    StudyError
    """
    goal = goal or Goal()
    check_choice("cost", goal.cost, COSTS, StudyError)
    check_int("trials", goal.trials, 1, 10**6, StudyError)
    check_number("tolerance", goal.tolerance, 0, 1, StudyError)
    there = source.limit("fresh")
    fresh = fresh if there is None else there
    check_int("fresh", fresh, 1, 10**6, StudyError)
    modes = _modes(engine, source.core)
    base = before.replace(sizes=source.sizes, known=())
    for mode in modes:
        _compared(base, mode, source.core)
    runner = Runner(source, jobs, scheduler, Store(store, source.key), progress)
    tuned = []
    for mode in modes:
        found = search(runner, mode, base, goal, source.seed)
        tuned.append(_measured(system, runner, found, base, mode, fresh,
                               "auto" if engine == "auto" else mode))
    there = source.limit("search")
    return Tuning(fastest(tuned, goal), goal.trials if there is None else min(there, goal.trials),
                  fresh, runner.made)


def fastest(tuned: list[Tuned], goal: Goal) -> list[Tuned]:
    """What was found for several modes, the one to be used first: the fastest of those that are as
    right as the best, less the tolerance; by the problems of the search, not the fresh ones."""
    best = max(each.found.last.accuracy for each in tuned)
    return sorted(tuned, key=lambda each: (
        each.found.last.accuracy < best - goal.tolerance, each.found.last.cycles))


def _compared(base: RunParameters, mode: str, core) -> RunParameters:
    """The parameters to compare with; ParameterError where the core cannot run them."""
    return base.replace(mode=mode, heads=min(base.heads, core.heads)).check(core)


def _measured(system: SystemConfig, runner: Runner, found: Found, base: RunParameters, mode: str,
              fresh: int, written: str) -> Tuned:
    """Figures on fresh problems, and the parameters in full."""
    source, setting = runner.source, found.setting
    parameters = setting.parameters(base, found.limit)
    # What the mode does not read stays as it was.
    names = ("heads",) if mode == "factorize" else ("threshold", "samples", "trim", "patience",
                                                    "max_iterations")
    parameters = parameters.replace(**{name: getattr(base, name) for name in names})
    old = _compared(base, mode, source.core)
    own = (source.depth, source.weights[0])
    runs = runner.run("fresh", [Trial(parameters, setting.entries, setting.weights),
                                Trial(old, *own)], fresh, f"{mode}: fresh problems")
    after, before = (figures(each, system.clock_hz) for each in runs)
    return Tuned(mode, _dense(source, parameters.replace(mode=written), setting), setting.entries,
                 setting.weights, after, before, old, found,
                 {cost: paired(*(getattr(each, cost) for each in runs)) for cost in COSTS})


def _dense(source: Source, parameters: RunParameters, setting: Setting) -> RunParameters:
    """With the front-end's weights, in a core that has one, of the kind that was found."""
    core = source.core
    if not core.element_bits or setting.weights == GIVEN:
        return parameters
    shift = max(0, min(15, core.element_bits - core.weight_bits))
    return parameters.replace(dense_threshold=0, dense_weights=setting.weights,
                              dense_shift=shift if setting.weights == "log" else 0)
