"""bench/explain.py: its figures, its kept page, and its exit status."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from blockfactor.golden._jit import COMPILED

ROOT = Path(__file__).parents[1]
BENCH = ROOT / "bench"


@pytest.fixture(scope="module")
def bench():
    """The script as a module; it imports its neighbours by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        spec = importlib.util.spec_from_file_location("explain_bench", BENCH / "explain.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def test_page_is_up_to_date(bench):
    """docs/explain.md is what bench/data/explain.json gives, and the bounds are kept."""
    data = json.loads((BENCH / "data" / "explain.json").read_text())
    assert (ROOT / "docs" / "explain.md").read_text(encoding="utf-8") == bench.text(data)
    cases = [list(case._asdict().items()) for case in bench.CASES]
    assert [[item for item in row.items() if item[0] in bench.Case._fields]
            for row in data["golden"]] == cases
    assert not any(row["missed"] for row in data["golden"])
    assert data["rtl"] and not any(row["differing"] for row in data["rtl"])


def test_right_products(bench):
    truth = np.array([[[1, 2], [3, 4]], [[1, 2], [1, 2]], [[1, 2], [3, 4]]])
    found = np.array([[[3, 4], [1, 2]], [[1, 2], [5, 6]], [[7, 7], [3, 4]]])
    assert bench.right_products(found, truth).tolist() == [2, 1, 1]


@pytest.mark.skipif(not COMPILED, reason="takes minutes without compiled code")
def test_status(bench, monkeypatch, tmp_path, capsys):
    """0; and 1 where a bound is missed."""
    cases = [case for case in bench.CASES
             if case.mode == "join" and case.blocks == 4 and case.block_length == 256][:4]
    monkeypatch.setattr(bench, "ENOUGH", 10)
    monkeypatch.setattr(bench, "CHUNK", 10)
    monkeypatch.setattr(bench, "CASES", cases)
    path = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["explain.py", "--trials", "10", "--json", str(path)])
    assert bench.main() == 0
    rows = json.loads(path.read_text())["golden"]
    assert [row["bundled"] for row in rows] == [1, 2, 3, 1]
    assert all(row["cycles"] > 0 and row["p99"] >= row["cycles"] for row in rows)
    monkeypatch.setattr(bench, "CASES", [cases[0]._replace(bound=1.1)])
    assert bench.main() == 1
    assert "missed" in capsys.readouterr().out
