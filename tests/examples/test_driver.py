"""examples/driver.py, and what docs/driver.md shows."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from blockfactor import cli

ROOT = Path(__file__).parents[2]


def example(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, ROOT / "examples" / "driver.py", *arguments],
                          capture_output=True, text=True, timeout=300)


def test_the_golden_model():
    done = example("golden", "--queries", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("equal to the golden model") == 3
    assert done.stdout.count("\n") == 4


@pytest.mark.cocotb
@pytest.mark.needs("cocotb", "verilator", "g++", "make", "perl")
def test_simulated_hardware():
    done, golden = example("sim", "--queries", "2"), example("golden", "--queries", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden.stdout


def test_a_port_that_is_none():
    done = example("/dev/nosuchport")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_page():
    page = (ROOT / "docs" / "driver.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "sh"]
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, "docs/driver.md", "exec"), {})
        else:
            assert cli.main(shlex.split(text)[1:]) == 0
