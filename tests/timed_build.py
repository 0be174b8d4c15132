"""Builds a test bench with delays by Verilator, by ``--binary --timing``, as users do."""

import os
import subprocess

from blockfactor.sim import runner

__all__ = ["timed_build"]

OPTIONS = ("--binary", "--timing")


def timed_build(folder, top: str, *sources: str) -> str:
    """Path in ``folder`` of the program; what does not depend on the sources is kept for others."""
    identity = "\0".join(["timed", runner.version("verilator"), *OPTIONS,
                          *runner.OPTIMISATION.values()])
    with runner.runtime(folder / "obj_dir", identity):
        done = subprocess.run(["verilator", *OPTIONS, "--top-module", top, *sources], cwd=folder,
                              capture_output=True, text=True, timeout=400, check=False,
                              env=os.environ | runner.environment("verilator", True))
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return f"obj_dir/V{top}"
