"""A board in a simulator, whose serial line is a pseudo-terminal: as real as a program can tell.

sim/virtual/main.cpp is the simulation, a process of its own, made by Verilator for each Verilog
text and kept in the cache of sim/runner.py. It ends with this process, however that goes: its
standard input closes then.
"""

import json
import shutil
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from blockfactor.boards.board import Board
from blockfactor.boards.top import RESET_TIME, TOP, BoardTop
from blockfactor.config import SystemConfig
from blockfactor.errors import ConfigError, check_int
from blockfactor.rtl.bus.uart import divisor

from .program import build_program
from .runner import SimulationError
from .virtual_ports import ports_header

__all__ = ["VirtualBoard", "build_virtual", "virtual_board"]

#: The simulation's own source.
SOURCE = Path(__file__).parent / "virtual" / "main.cpp"
#: Seconds for the simulation to start, for an answer, and for it to end.
START, ANSWER, END = 120.0, 120.0, 5.0
#: How much slower than at its start a simulation may become before programs lose patience.
PATIENCE = 8


def build_virtual(verilog: str, header: str) -> Path:
    """Program that simulates ``verilog``; built, or found in the cache.

    Raises
    ------
    SimulationError
        A tool is missing, or failed; its log is named.
    """
    return build_program("virtual", TOP, {f"{TOP}.v": verilog, "ports.h": header,
                                          SOURCE.name: SOURCE.read_text(encoding="utf-8")},
                         ("-LDFLAGS", "-lutil"))


class _Reports:
    """What the simulation says, read by a thread of its own."""

    def __init__(self, process: subprocess.Popen, told: Callable[[dict], None] | None):
        self.ended = False
        self._process = process
        self._told = told
        self._answers: dict[int, dict] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self._process.stdout as stream:
            for line in stream:
                report = json.loads(line)
                if report["number"] >= 0:
                    with self._changed:
                        self._answers[report["number"]] = report
                        self._changed.notify_all()
                if self._told and "leds" in report:
                    self._told(report)
        self._process.wait()  # or it would stay as a zombie
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def answer(self, number: int, seconds: float) -> dict | None:
        """The answer of that number; None if there will be none, or it is late."""
        with self._changed:
            self._changed.wait_for(lambda: self.ended or number in self._answers, seconds)
            return self._answers.pop(number, None)


class VirtualBoard:
    """A simulated board; a context manager.

    Parameters
    ----------
    verilog : str
        With a module ``board`` whose ports have the names of ``SIGNALS`` in boards/board.py, at
        least ``clk``, ``rx`` and ``tx``; ``clk`` is the core's clock. Inputs that nobody drives are
        inactive.
    clock_hz, baud : int
        A bit takes ``divisor(clock_hz, baud)`` cycles.
    leds : mapping of str to bool
        For each name of :data:`~blockfactor.boards.board.LEDS` whether low means on. Those that
        ``verilog`` has no port for are left out.
    button_inverted : bool
        Whether low means pressed.
    told : callable or None
        Called with each report, in a thread: a dict with ``cycles``, ``framing_errors``, ``leds``.

    Attributes
    ----------
    port : str
        Path of the pseudo-terminal.
    speed : float
        Cycles simulated a second, measured at the start.
    process : subprocess.Popen
    log : Path
        What the simulation has to complain about.

    Raises
    ------
    SimulationError
        No such module or port; a tool is missing or failed; the simulation does not start.
    ConfigError
        ``baud`` cannot be made.
    """

    def __init__(self, verilog: str, *, clock_hz: int, baud: int,
                 leds: Mapping[str, bool] | None = None, button_inverted: bool = False,
                 told: Callable[[dict], None] | None = None):
        self.divisor = divisor(clock_hz, baud)
        self.baud = baud
        #: Cycles of the reset after configuration, and some.
        self.reset_cycles = 64 + (2 << int(RESET_TIME * clock_hz).bit_length())
        program = build_virtual(verilog, ports_header(verilog, leds or {}, button_inverted))
        folder = Path(tempfile.mkdtemp(prefix="blockfactor-virtual-"))
        self.log = folder / "simulation.log"
        self._number = 0
        self._ended: str | None = None
        with open(self.log, "wb") as log:
            # In a session of its own: an interrupt from the keyboard is not for it.
            self.process = subprocess.Popen(
                [str(program), str(self.divisor), str(self.reset_cycles)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        self._finalizer = weakref.finalize(self, _end, self.process, folder)
        try:
            self._reports = _Reports(self.process, told)
            started = self._reports.answer(0, START)
            if started is None:
                self._fail("the virtual board did not start")
        except BaseException:  # an interrupt, too
            self.close()
            raise
        self.port: str = started["port"]
        self.speed: float = started["speed"]

    def __enter__(self) -> "VirtualBoard":
        return self

    def __exit__(self, *problem) -> None:
        self.close()

    @property
    def host_baud(self) -> int:
        """Rate to tell programs: a pseudo-terminal takes any, and this one makes them patient.

        Their time-outs are in byte times, and the simulated line is slower than a real one.
        """
        return max(300, min(self.baud, round(self.speed / self.divisor / PATIENCE)))

    @property
    def running(self) -> bool:
        """Whether the simulation goes on."""
        return self.process.poll() is None

    def status(self) -> dict:
        """What goes on: ``cycles``, ``framing_errors`` and ``leds`` (on or not, by name)."""
        return self._ask("status")

    def leds(self) -> dict[str, bool]:
        """Which lights are on, by name."""
        return {name: bool(on) for name, on in self.status()["leds"].items()}

    @property
    def cycles(self) -> int:
        """Cycles simulated."""
        return self.status()["cycles"]

    def press(self, cycles: int = 1000) -> None:
        """Press the button for so many cycles; returns when the reset has ended."""
        self._ask("press", check_int("cycles", cycles, 1, 10**9, ConfigError))

    def close(self) -> None:
        """End the simulation."""
        self._ended = self._ended or "the virtual board has been closed"
        self._finalizer()

    def _ask(self, *words) -> dict:
        if self._ended:
            raise SimulationError(self._ended)
        self._number += 1
        line = " ".join(map(str, (words[0], self._number, *words[1:])))
        try:
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()
        except OSError:
            self._fail("the virtual board has ended")
        answer = self._reports.answer(self._number, ANSWER)
        if answer is None:
            self._fail("the virtual board has ended" if self._reports.ended
                       else f"no answer from the virtual board within {ANSWER:g} s")
        return answer

    def _fail(self, message: str):
        self._ended = f"{message}: see {self.log}"
        if self._finalizer.detach():
            _end(self.process, None)
        raise SimulationError(self._ended)


def _end(process: subprocess.Popen, folder: Path | None) -> None:
    """End the simulation, if need be by force; remove its folder, if given."""
    with suppress(OSError):
        process.stdin.close()  # the simulation ends when it sees that
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def virtual_board(board: Board, system: SystemConfig, codebooks=None, verilog: str | None = None,
                  **options) -> VirtualBoard:
    """A board of the catalogue as a virtual one.

    Parameters
    ----------
    board : Board
    system : SystemConfig
        As :meth:`~blockfactor.boards.board.Board.system` gives it, with the front-end ``uart``.
    codebooks : Codebooks or None
        Initial content of the codebook memory.
    verilog : str or None
        What is simulated in place of the board's top level, such as a net-list made of it
        (:mod:`~.unpacked`, :mod:`~.routed`).
    options
        As of :class:`VirtualBoard`.
    """
    if system.front_end != "uart":
        raise ConfigError(f"front_end {system.front_end!r}: a virtual board has a serial line only,"
                          " uart")
    # What can be wrong shows before components are made: Amaranth wants every one to be used.
    divisor(system.clock_hz, system.baud)
    if verilog is None:
        verilog = BoardTop(board, system, codebooks, clocking=False).to_verilog()
    leds = {name.removeprefix("led_"): pin.inverted for name, pin in board.pins.items()
            if name.startswith("led_")}
    button = board.pins.get("button")
    return VirtualBoard(verilog, clock_hz=system.clock_hz, baud=system.baud, leds=leds,
                        button_inverted=button is not None and button.inverted, **options)
