"""Runs a workload on the simulated core, with progress."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.verilog import to_verilog

from . import runner
from .trace_recorder import recording
from .workload import Workload

__all__ = ["TOP", "model", "simulate"]

#: Name of the simulated top module.
TOP = "factorizer"


def model(config, simulator: str = "verilator", waves: bool = False,
          platform: str | None = None) -> runner.Model:
    """The simulation model of a core with trace stream, built or from the cache."""
    verilog = to_verilog(Factorizer(config, trace=True), TOP, platform)
    return runner.build(recording(verilog, TOP), TOP, simulator, waves)


def simulate(work: Workload, folder, simulator: str = "verilator", waves: bool = False,
             platform: str | None = None, built: runner.Model | None = None,
             progress: Callable[[int], None] = lambda done: None) -> list[dict]:
    """Run every item and compare it with the golden model.

    Parameters
    ----------
    work : Workload
    folder : path
        For log, report and waves.
    built : Model or None
        Another model, whose Verilog went through
        :func:`~blockfactor.sim.trace_recorder.recording`.
    progress : callable
        Called with the number of finished items, now and then.

    Returns
    -------
    list of dict
        Per item the fields of the result, ``number``, ``kind``, ``truth``, and ``difference``:
        None where the run equals the golden model's in every trace word and result field. An item
        for several products has a row for each, which ``product`` numbers.

    Raises
    ------
    SimulationError
        The simulator is missing or did not finish; differences raise nothing.
    """
    built = built or model(work.config, simulator, waves, platform)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    job, report = folder / "workload.pkl", folder / "report.jsonl"
    work.save(job)
    report.write_text("")
    failure = []

    def work_on_it():
        try:
            runner.run(built, "blockfactor.sim.tb_workload", folder, seed=work.seed,
                       settings={"BLOCKFACTOR_WORKLOAD": str(job.resolve()),
                                 "BLOCKFACTOR_REPORT": str(report.resolve())})
        except BaseException as problem:  # told to the caller's thread below
            failure.append(problem)

    thread = threading.Thread(target=work_on_it, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(.2)
        progress(report.read_text().count("\n"))
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    whole = len(rows) == sum(item.parameters.products for item in work.items)
    if failure and not (whole and any(r["difference"] for r in rows)):
        raise failure[0]
    return rows
