"""The Makefile's and .ci/run's own messages and conduct, without building an environment."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.needs("make")


@pytest.fixture
def copy(tmp_path):
    """A folder with the files that setting up needs, and a folder for stand-in programs."""
    for name in ("Makefile", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(path: Path, text: str) -> None:
    """Write a shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run make, clear of the make this may run in."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=60, env=environment)


def test_help_lists_every_target(copy):
    text = (copy / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()
    assert {"venv", "demo", "test", "lint", "bench", "clean", "help"} <= set(phony)
    out = make(copy, "help").stdout
    assert [line.split()[1] for line in out.splitlines()] == phony
    assert make(copy).stdout == out


def test_no_python(copy):
    done = make(copy, "venv", "PYTHON=no-such-python")
    assert done.returncode == 2
    assert "make: no-such-python is not there: install Python 3.11 or newer" in done.stdout


def test_old_python(copy):
    old = copy / "bin" / "python3"
    program(old, 'case "$2" in *version_info*) exit 1;; *) echo 3.9.2;; esac')
    done = make(copy, "venv", f"PYTHON={old}")
    assert done.returncode == 2
    assert f"make: blockfactor needs Python 3.11 or newer, {old} is 3.9.2" in done.stdout
    assert not (copy / ".venv").exists()


def test_python_without_venv(copy):
    bare = copy / "bin" / "python3"
    program(bare, 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    done = make(copy, "venv", f"PYTHON={bare}")
    assert done.returncode == 2
    assert f"make: {bare} cannot make virtual environments: install the Debian package " \
           f"python3-venv (or python3.11-venv)" in done.stdout


@pytest.fixture
def ready(copy):
    """The copy with an environment whose Python only notes what it is asked to do."""
    (copy / ".venv" / "bin").mkdir(parents=True)
    program(copy / ".venv" / "bin" / "python",
            'echo "$*" >> calls; case "$*" in *"$FAIL"*) test -z "$FAIL";; esac')
    return copy


def test_installs_once_and_again_when_the_project_changes(ready):
    assert make(ready, "venv").returncode == 0
    assert make(ready, "venv").returncode == 0
    installs = [line for line in (ready / "calls").read_text().splitlines() if "install" in line]
    assert len(installs) == 1 and installs[0].endswith("-e .[dev]")
    later = (ready / ".venv" / ".installed").stat().st_mtime + 10
    os.utime(ready / "pyproject.toml", (later, later))
    make(ready, "venv")
    assert (ready / "calls").read_text().count("install") == 2


def test_a_failed_installation_is_tried_again(ready, monkeypatch):
    monkeypatch.setenv("FAIL", "install")
    assert make(ready, "test").returncode == 2
    assert not (ready / ".venv" / ".installed").exists()
    assert "pytest" not in (ready / "calls").read_text()


@pytest.mark.parametrize(("fail", "status"), [("", 0), ("-m not (", 2), ("-m cocotb", 2)])
def test_a_failure_in_either_go_fails(fail, status, ready, monkeypatch):
    make(ready, "venv")
    monkeypatch.setenv("FAIL", fail)
    assert make(ready, "test").returncode == status
    goes = [line for line in (ready / "calls").read_text().splitlines() if "pytest" in line]
    assert len(goes) == (1 if fail == "-m not (" else 2)
    assert all("-n 2" in line for line in goes)


def ci(folder: Path, **environment) -> subprocess.CompletedProcess:
    """Run .ci/run with the folder's stand-ins first on the PATH."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run([folder / ".ci" / "run"], capture_output=True, text=True, timeout=60,
                          env=os.environ | {"PATH": path} | environment)


@pytest.fixture
def stand_ins(copy):
    """Every tool there, and a make that notes its arguments."""
    for name in ("iverilog", "icebox_vlog", "g++", "perl"):
        program(copy / "bin" / name, "exit 0")
    program(copy / "bin" / "python3", "exit 0")
    program(copy / "bin" / "make", 'echo "CI=$CI make $*" >> calls; test "$2" != "$FAIL"')
    return copy


def test_ci_runs_lint_and_tests(stand_ins):
    done = ci(stand_ins)
    assert done.returncode == 0, done.stderr
    assert (stand_ins / "calls").read_text().splitlines() == [
        "CI=true make PYTHON=python3 lint", "CI=true make PYTHON=python3 test"]
    assert re.search(r"^ci: passed after \d+ s$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("target", ["lint", "test"])
def test_ci_fails_where_a_target_fails(target, stand_ins):
    done = ci(stand_ins, FAIL=target)
    assert done.returncode == 1
    assert re.search(r"^ci: FAILED, status 1 after \d+ s$", done.stdout, re.MULTILINE)


def test_ci_installs_what_is_missing(copy):
    """With stand-ins only on the PATH, as root."""
    folder = copy / "bin"
    for name in ("g++", "perl", "python3"):
        program(folder / name, "exit 0")
    program(folder / "id", "echo 0")
    program(folder / "make", "exit 0")
    program(folder / "apt-get", 'echo "apt-get $*" >> calls')
    for name in ("dirname", "env", "sh", "bash"):
        (folder / name).symlink_to(shutil.which(name))
    done = ci(copy, PATH=str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (copy / "calls").read_text().splitlines() == [
        "apt-get update -qq", "apt-get install -y -qq --no-install-recommends iverilog "
        "fpga-icestorm"]


def test_ci_without_rights_names_what_is_missing(copy):
    folder = copy / "bin"
    for name in ("perl", "python3", "make"):
        program(folder / name, "exit 0")
    program(folder / "id", "echo 1000")
    for name in ("dirname", "env", "sh", "bash"):
        (folder / name).symlink_to(shutil.which(name))
    done = ci(copy, PATH=str(folder))
    assert done.returncode == 1
    assert ("ci: missing, and no right to install: iverilog fpga-icestorm g++ "
            "(apt-get install iverilog fpga-icestorm g++)") in done.stdout
