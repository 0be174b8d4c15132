"""Accuracy and time against the noise of the query: softness, and blocks that are wrong."""

from ..golden.hyperparameters import published_parameters
from ..presets import preset
from .problems import Problem
from .study import Row, Study
from .ways import Way, core_way, published_way

__all__ = ["factorize_parameters", "study"]

#: (F, M, B): D is 512.
SIZES = ((3, 22, 4), (3, 22, 8), (3, 49, 4), (3, 49, 8))
#: Ways that take no more than some milliseconds with M=49 as well.
QUICK = ("factorize, l-infinity", "factorize, trimmed", "join")
#: B -> margins of soft queries.
MARGINS = {4: (2, 2.5, 3, 3.5, 4, 5), 8: (1.5, 2, 2.5, 3, 3.5, 4)}
#: B -> wrong blocks.
WRONG = {4: (0, 1, 2), 8: (0, 1, 2, 3)}
#: (M, B) -> the preset whose parameters for soft queries factorize has; there is none of M=49 with
#: B=8, nor of M=22.
PRESETS = {(22, 4): "demo", (49, 4): "tiny", (22, 8): "robust", (49, 8): "robust"}
#: The fields that are taken.
FIELDS = ("samples", "threshold", "patience", "max_iterations")
#: A and T with the dot product, for which no preset has any: the best of A = 4, 8 and T = .003,
#: .01, .03, .06, .1 at M=22 and margin 4 (B=8: 3), 80 trials.
DOT = (4, .01)


def factorize_parameters(problem: Problem) -> dict:
    """Parameters of factorize for soft queries, without trim."""
    soft = preset(PRESETS[problem.size, problem.blocks]).soft
    return {field: getattr(soft, field) for field in FIELDS}


def _level(problem: Problem) -> int:
    """What is accepted: soft, four fifths of the largest score; damaged, all blocks but those."""
    if problem.kind == "soft":
        return 205
    return 256 * (problem.blocks - problem.wrong) // problem.blocks


def _ways(problem: Problem) -> list[Way]:
    level = _level(problem)
    samples, threshold = published_parameters(512, problem.factors, problem.blocks, problem.size)
    # Tc changes when it ends, not what is right.
    ways = [published_way(threshold, samples)]
    samples, threshold = DOT
    rules = {"l-infinity": {}, "trimmed": {"trim": 1},
             "dot product": {"rule": "sum", "samples": samples,
                             "threshold": round(threshold * 65536)}}
    ways += [core_way(f"factorize, {name}", problem, "factorize", level=level,
                      **factorize_parameters(problem) | rule) for name, rule in rules.items()]
    # One look-up block more than can be wrong; two for soft queries, as in the presets.
    heads = 2 if problem.kind == "soft" else min(3, problem.wrong + 1)
    ways.append(core_way("join", problem, "join", level=level, heads=heads))
    ways.append(core_way("scan", problem, "scan", level=511))
    return [way for way in ways if problem.size < 40 or way.name in QUICK]


def study() -> Study:
    """The study."""
    rows = []
    for factors, size, blocks in SIZES:
        shape = {"factors": factors, "size": size, "blocks": blocks, "block_length": 512 // blocks}
        problems = [Problem(**shape, kind="soft", margin=m) for m in MARGINS[blocks]]
        problems += [Problem(**shape, kind="damaged", wrong=w) for w in WRONG[blocks]]
        trials, chunk = (200, 50) if size < 40 else (100, 20)
        rows += [Row(problem, way, trials, chunk) for problem in problems
                 for way in _ways(problem)]
    return Study("noise", "soft and damaged queries", tuple(rows))
