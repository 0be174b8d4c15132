"""Programs that simulate a design with a main of their own in C++, made by Verilator.

Kept in the cache of sim/runner.py, one for each content of the files.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from blockfactor.tools import TOOLS, find

from . import runner
from .runner import SimulationError

__all__ = ["TOOLS_NEEDED", "build_program"]

#: What a model needs.
TOOLS_NEEDED = ("verilator", "g++", "make", "perl")
#: Verilator's options. One large function, as it makes by default, takes g++ three times as long.
ARGUMENTS = ("--cc", "--exe", "--build", "-j", "2", "-O3", "--x-assign", "fast", "--x-initial",
             "unique", "--no-assert", "--output-split-cfuncs", "1000", "-Wno-fatal", "-Wno-lint",
             "-CFLAGS", "-I..")
#: Of g++: what runs each cycle, what runs once, Verilator's own.
OPTIMISATION = "OPT_FAST=-O3 OPT_SLOW=-O0 OPT_GLOBAL=-O2"


def _lacking() -> str | None:
    for name in TOOLS_NEEDED:
        found = find(name)
        if not found.usable:
            return f"verilator cannot run: {name} is {found.problem}: {TOOLS[name].remedy}"
    return None


def build_program(kind: str, top: str, files: Mapping[str, str],
                  arguments: tuple[str, ...] = ()) -> Path:
    """Path of the program, built or found in the cache.

    Parameters
    ----------
    kind : str
        What its folder in the cache is called after.
    top : str
        Top module.
    files : mapping of str to str
        Texts by name: Verilog (``.v``), C++ (``.cpp``), and headers, which are only written.
    arguments : tuple of str
        More options of Verilator.

    Raises
    ------
    SimulationError
        A tool is missing, or failed; its log is named.
    """
    if problem := _lacking():
        raise SimulationError(problem)
    options = (*ARGUMENTS, *arguments)
    # Verilator's own objects are the same for all of them.
    identity = "\0".join(["program", runner.version("verilator"), *ARGUMENTS, OPTIMISATION])
    texts = (text for item in sorted(files.items()) for text in item)
    digest = hashlib.sha256("\0".join([*texts, top, *arguments, identity]).encode()).hexdigest()
    folder = runner.cache_folder() / "models" / f"{kind}-{digest[:20]}"
    program = folder / "model" / f"V{top}"
    with runner.lock(folder):
        if not (folder / "built").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
            sources = [name for name in files if name.endswith((".v", ".cpp"))]
            log = folder / "build.log"
            environment = {**os.environ, **runner.environment("verilator", True)}
            environment["MAKEFLAGS"] = f"{environment.get('MAKEFLAGS', '')} {OPTIMISATION}"
            with runner.runtime(folder / "model", identity), open(log, "wb") as stream:
                done = subprocess.run(
                    ["verilator", *options, "--top-module", top, "-Mdir", "model", *sources],
                    cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stream,
                    stderr=stream, check=False)
                if done.returncode or not program.exists():
                    raise SimulationError(f"verilator could not build {top}: see {log}")
            (folder / "built").touch()
    return program
