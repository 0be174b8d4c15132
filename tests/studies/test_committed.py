"""The committed studies: they are what the code has now, and some of their chunks reproduce."""

from pathlib import Path

import pytest

from blockfactor.studies import bits, capacity, noise, store
from blockfactor.studies.study import check

FOLDER = Path(__file__).parents[2] / "docs" / "studies"
#: Study -> its module, and how many chunks are run again.
STUDIES = {"capacity": (capacity, 6), "noise": (noise, 6), "bits": (bits, 6)}


@pytest.fixture(scope="module")
def committed():
    """Results of all files."""
    return {name: store.read(FOLDER / f"{name}.json", name) for name in STUDIES}


@pytest.mark.parametrize("name", STUDIES)
def test_rows_are_those_of_the_study(name, committed):
    rows = {row.name: row for row in STUDIES[name][0].study().rows}
    records = committed[name].records
    assert set(records) == set(rows)
    for row_name, record in records.items():
        row = rows[row_name]
        assert (record.row.problem, record.row.way, record.row.chunk) == (
            row.problem, row.way, row.chunk), row_name
        assert record.plan(row.trials) == [], row_name


@pytest.mark.parametrize("name", STUDIES)
def test_sample_reproduces(name, committed):
    count, found = check(committed[name], sample=STUDIES[name][1], seed=2)
    assert (count, found) == (STUDIES[name][1], [])


@pytest.mark.parametrize("name", STUDIES)
def test_plot_is_there(name):
    assert (FOLDER / f"{name}.png").stat().st_size > 20_000


def test_products_are_found_where_tuples_cannot_be(committed):
    """What docs/studies.md says of capacity: join finds every product, and the share of right
    tuples is what equal products leave.
    """
    records = [r for r in committed["capacity"].records.values() if r.row.way.name == "join"]
    assert len(records) > 30
    missed = 0
    for record in records:
        figures, limit = record.make_figures(), record.row.problem.collision_limit
        assert figures["match"] == 1, record.row.name
        missed += not figures["low"] <= limit <= figures["high"]
    # 95 % intervals.
    assert missed <= 5
