"""What all tests share: missing tools skip on a desk and fail in continuous integration."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from blockfactor.tools import find

# For the modules of data beside the tests, such as refused_inputs.
sys.path.insert(0, str(Path(__file__).parent))

import longest_first  # noqa: E402

DURATIONS = longest_first.read(longest_first.TABLE.read_text(encoding="utf-8"))


def pytest_configure(config):
    """Register the markers that this file acts on."""
    config.addinivalue_line(
        "markers", "needs_modules(*names): Python modules of the extra dev, in the same way")
    config.addinivalue_line(
        "markers", "needs(*tools): names of blockfactor.tools.TOOLS without which the test skips, "
                   "or fails where the environment has CI=true")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Put the longest tests first where several processes run them."""
    if hasattr(config, "workerinput"):
        items[:] = [items[n] for n in longest_first.in_order([i.nodeid for i in items], DURATIONS)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out long tests alone, others by file."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class LongestFirst(LoadScopeScheduling):
        """In the order of the tests, which is that of the durations."""

        def _split_scope(self, nodeid):
            return longest_first.unit(nodeid, DURATIONS)

    config.option.loadscopereorder = False
    return LongestFirst(config, log)


def _miss(message: str) -> None:
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{message} (tools must not be missing where CI=true)", pytrace=False)
    pytest.skip(message)


def _require(*names: str) -> None:
    for name in names:
        found = find(name)
        if not found.usable:
            _miss(f"{name}: {found.problem}")


def _require_modules(*names: str) -> None:
    for name in names:
        try:
            there = find_spec(name)
        except ModuleNotFoundError:  # a parent is missing
            there = None
        if not there:
            _miss(f"{name}: is not installed: pip install -e '.[dev]'")


def pytest_runtest_setup(item):
    """Skip or fail tests whose tools are missing, before their fixtures run."""
    for mark in item.iter_markers("needs"):
        _require(*mark.args)
    for mark in item.iter_markers("needs_modules"):
        _require_modules(*mark.args)


@pytest.fixture(scope="session")
def require_tool():
    """A function that skips the test, or fails it in CI, where a named tool is missing."""
    return _require
