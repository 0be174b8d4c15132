"""bench/_variants.py is the golden model where no switch is set, and where it sweeps.

And the figures of docs/variants.md are those of the command.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from blockfactor.golden.batch import factorize_many

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from _variants import Variant, run_many  # noqa: E402
from _variants_points import POINTS, chunks  # noqa: E402
from variants import DATA, check, markdown  # noqa: E402

TRIALS = 12
ROWS = json.loads(DATA.read_text(encoding="utf-8"))
PAGE = Path(__file__).parent.parent / "docs" / "variants.md"


@pytest.mark.parametrize("draws, variant", [("random", Variant()), ("sweep", Variant(sweep=1))])
def test_same_as_the_golden_model(draws, variant):
    draws_made = 0
    for name, point in POINTS.items():
        codes, truth, query, seeds = next(chunks(point, TRIALS, 3))
        core = point.core.replace(draws=draws)
        known = np.where(np.arange(core.factors) == 1, truth[0], -1).tolist()
        for changes in ({}, {"samples": 4, "patience": 1, "max_iterations": 40}, {"samples": 0},
                        {"known": known, "samples": 3}, {"max_iterations": 2, "rule": "sum"}):
            parameters = point.parameters.replace(**changes)
            golden = factorize_many(core, codes, *query, parameters, seeds)
            found = run_many(core, codes, *query, parameters, seeds, variant)
            for field in ("indices", "score", "iterations", "cycles", "stop", "similarities"):
                np.testing.assert_array_equal(getattr(found, field), getattr(golden, field),
                                              err_msg=f"{name} {changes} {field}")
            draws_made += found.draws.sum()
    assert draws_made > 1000


def test_kept_figures():
    """A tenth of the rows, their first trials."""
    assert check(ROWS[::10]) == []
    changed = dict(ROWS[0], A=ROWS[0]["A"] + 1)
    assert len(check([changed])) == 1


def test_page():
    page = PAGE.read_text(encoding="utf-8")
    for fine in (True, False):
        assert markdown([row for row in ROWS if row["fine"] == fine]) in page
