"""A study of seconds: two problems, three ways, chunks of a few trials."""

from blockfactor.studies.problems import Problem
from blockfactor.studies.study import Row, Study
from blockfactor.studies.ways import core_way, published_way

__all__ = ["STUDY"]


def _rows():
    for problem in (Problem(2, 6, 3, 16), Problem(3, 5, 4, 16, "soft", 3.0)):
        for way in (published_way(.01, 3, max_iterations=20),
                    core_way("factorize", problem, "factorize", 8, samples=3, threshold=600,
                             level=205, max_iterations=20),
                    core_way("join", problem, "join", heads=2, level=205)):
            yield Row(problem, way, 25, 10)


STUDY = Study("small", "a small study", tuple(_rows()))
