"""A simulated system that stays: its registers are there for as long as somebody asks.

The simulator is a process of its own, with sim/tb_server.py in it. Requests and answers are lines
of JSON over a local socket; simulated time passes only while a request is served. If this process
goes, however it goes, the socket closes and the simulation ends.
"""

import functools
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

from blockfactor.config import SystemConfig
from blockfactor.registers import register_map
from blockfactor.rtl.bus.uart import divisor
from blockfactor.rtl.system import System
from blockfactor.rtl.verilog import to_verilog

from . import runner
from .runner import SimulationError

__all__ = ["Server", "choose_simulator"]

#: Name of the simulated top module.
TOP = "system"
#: Seconds for the simulator to start, for an answer, and for it to end.
START, ANSWER, END = 120.0, 300.0, 20.0


def choose_simulator(wanted: str | None = None) -> str:
    """The simulator to use: the one that is wanted, else the fastest that is there.

    Raises
    ------
    SimulationError
        It is missing, or all are; what to do about it is told of the fastest.
    """
    for simulator in [wanted] if wanted else runner.SIMULATORS:
        if runner.missing(simulator) is None:
            return simulator
    raise SimulationError(runner.missing(wanted or "verilator"))


@functools.lru_cache(maxsize=8)
def _verilog(system: SystemConfig) -> str:
    # What can be wrong shows before components are made: Amaranth wants every one to be used.
    register_map(system)
    if system.front_end == "uart":
        divisor(system.clock_hz, system.baud)
    return to_verilog(System(system), TOP)


class Server:
    """A system in a simulator.

    Building its model, which takes a minute or two, is done once (sim/runner.py).

    Parameters
    ----------
    system : SystemConfig
        With a front-end.
    simulator : str or None
        One of :data:`~.runner.SIMULATORS`; None: :func:`choose_simulator`.
    seed : int
        Of the bench's random choices.
    options : dict
        For the model of the bus (sim/bus).

    Attributes
    ----------
    seconds : float
        Simulated time that has passed.

    Raises
    ------
    SimulationError
        The simulator is missing or does not start; its log is named.
    """

    def __init__(self, system: SystemConfig, simulator: str | None = None, seed: int = 1,
                 **options):
        simulator = choose_simulator(simulator)
        model = runner.build(_verilog(system), TOP, simulator)
        self.seconds = 0.0
        self._ended: str | None = None
        self._number = 0
        self._received = b""
        folder = Path(tempfile.mkdtemp(prefix="blockfactor-sim-"))
        self.log = folder / "simulation.log"
        (folder / "job.pkl").write_bytes(pickle.dumps(
            {"model": model, "seed": seed, "system": system, "options": options}))
        with socket.socket(socket.AF_UNIX) as listener:
            try:
                listener.bind(str(folder / "socket"))
            except OSError as problem:
                shutil.rmtree(folder)
                raise SimulationError(f"no socket can be made in {folder.parent}: {problem} (set "
                                      "TMPDIR to another folder)") from None
            listener.listen(1)
            process = _start(folder)
            try:
                self._socket = _accept(listener, process)
            except BaseException:  # an interrupt
                _end(process, None, folder, 0)
                raise
        if self._socket is None:
            _end(process, None, None, 0)
            raise SimulationError(f"the simulator did not start: see {self.log} and server.log "
                                  "beside it")
        self._process = process
        self._finalizer = weakref.finalize(self, _end, process, self._socket, folder)

    def call(self, do: str, **arguments) -> dict:
        """Have the bench do something; returns its answer.

        Raises
        ------
        SimulationError
            The simulation has ended, or does not answer; its log is named.
        """
        if self._ended:
            raise SimulationError(self._ended)
        self._number += 1
        request = {"number": self._number, "do": do, **arguments}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            # The answer to a call that was interrupted may come first.
            while (answer := self._line())["number"] != self._number:
                pass
        except TimeoutError:
            self._fail(f"no answer from the simulator within {self._socket.gettimeout():g} s",
                       patience=0)
        except OSError:
            self._fail("the simulation has ended")
        if "failed" in answer:
            self._fail(f"the simulation failed: {answer['failed']}")
        self.seconds = answer["seconds"]
        return answer

    def close(self) -> None:
        """End the simulation; nothing is asked of it after that."""
        self._ended = self._ended or "the simulation has been closed"
        self._finalizer()

    def _line(self) -> dict:
        while b"\n" not in self._received:
            more = self._socket.recv(1 << 16)
            if not more:
                raise ConnectionError
            self._received += more
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)

    def _fail(self, message: str, patience: float = END):
        self._ended = f"{message}: see {self.log}"
        if self._finalizer.detach():
            _end(self._process, self._socket, None, patience)
        raise SimulationError(self._ended) from None


def _start(folder: Path) -> subprocess.Popen:
    """The process that runs the simulator.

    It has a session of its own: an interrupt from the keyboard is not for it, and it can be ended
    together with the simulator.
    """
    path = os.pathsep.join(p for p in sys.path if p)
    with open(folder / "server.log", "wb") as log:
        return subprocess.Popen([sys.executable, "-m", __name__, str(folder)], stdout=log,
                                stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                env={**os.environ, "PYTHONPATH": path})


def _accept(listener: socket.socket, process: subprocess.Popen) -> socket.socket | None:
    """The simulator's connection; None if it has not come or its process has ended."""
    listener.settimeout(.2)
    for _ in range(round(START / .2)):
        try:
            connection = listener.accept()[0]
        except TimeoutError:
            if process.poll() is not None:
                return None
        else:
            connection.settimeout(ANSWER)
            return connection
    return None


def _end(process: subprocess.Popen, connection: socket.socket | None, folder: Path | None,
         patience: float = END) -> None:
    """End the simulation, after ``patience`` seconds by force; remove its folder, if given.

    The folder stays where the simulation failed.
    """
    if connection is not None:
        connection.close()  # the bench ends when it sees that
    killed = False
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        killed = True
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if folder is not None and (killed or process.returncode == 0):
        shutil.rmtree(folder, ignore_errors=True)


def main(folder: str) -> int:
    """Run the simulator, in a process of its own."""
    with open(Path(folder, "job.pkl"), "rb") as stream:
        job = pickle.load(stream)
    try:
        runner.run(job["model"], "blockfactor.sim.tb_server", Path(folder), tests="serve",
                   settings={"BLOCKFACTOR_FOLDER": folder}, seed=job["seed"])
    except SimulationError as problem:
        print(problem)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
