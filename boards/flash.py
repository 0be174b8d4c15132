"""Load a bitstream into a board, after every check that the programs themselves leave out.

They leave with 1 whatever went wrong, and look for the board before they look for the file.
"""

import codecs
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blockfactor.errors import BlockfactorError, ConfigError

from . import usb
from .bitstreams import check_bitstream
from .board import Board
from .programmers import (
    LOADERS,
    Loader,
    ProgrammerError,
    find_program,
    library_problem,
    loader,
)

__all__ = ["FlashError", "Plan", "flash", "plan"]

#: How many of a failed program's last lines are shown, and what is kept of its output.
LINES, KEPT = 3, 4000
#: Colours and movements of the cursor.
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LIBRARY = re.compile(r"error while loading shared libraries: (\S+):")


class FlashError(BlockfactorError):
    """A program that failed to load a board."""

    status = 6


@dataclass(frozen=True)
class Plan:
    """How a board is loaded.

    Parameters
    ----------
    board : Board
    loader : Loader
    bitstream : Path
    volatile : bool
        Into the FPGA itself, until power is off.
    command : tuple of str
    """

    board: Board
    loader: Loader
    bitstream: Path
    volatile: bool
    command: tuple[str, ...]


def plan(board: Board, bitstream: Path, volatile: bool = False, programmer: str | None = None,
         dry: bool = False) -> Plan:
    """Check what does not need the board, and say what would be run.

    Parameters
    ----------
    board : Board
    bitstream : Path
    volatile : bool
        Into the FPGA itself rather than its flash.
    programmer : str, optional
        One of the board's; its first unless given.
    dry : bool
        Do without the program: where it is missing, its name stands for its path.

    Raises
    ------
    ConfigError
        No such programmer, or neither it nor the board can do that.
    BitstreamError
        The file is missing or not for the board.
    ProgrammerError
        The program or a library of it is missing.
    """
    way = loader(board.name, programmer)
    arguments = way.arguments(volatile)
    if arguments is None:
        where = "FPGA alone" if volatile else "flash"
        raise ConfigError(f"board {board.name}: {way.name} cannot load its {where}: {way.why_not}")
    check_bitstream(bitstream, board)
    try:
        program = str(find_program(way.program))
    except ProgrammerError:
        if not dry:
            raise
        program = way.program.name
    return Plan(board, way, bitstream, volatile, (program, *arguments, str(bitstream)))


def flash(todo: Plan, show: Callable[[str], None] = lambda text: None,
          host: usb.Host | None = None) -> None:
    """Load a board.

    Parameters
    ----------
    todo : Plan
    show : callable
        Called with the program's output as it comes, and with what was not checked.
    host : Host, optional
        Where devices are looked up.

    Raises
    ------
    DeviceError
        The board is not plugged in.
    AccessError
        Its USB device may not be used.
    ProgrammerError
        The program cannot be run.
    FlashError
        It failed.
    """
    host = host or usb.HOST
    board, way = todo.board, todo.loader
    if host.visible:
        others = {one.usb: f"--programmer {one.name}" for one in LOADERS[board.name]
                  if one.usb != way.usb}
        device = usb.find_device(board.title, way.usb, way.plug, others, host)
        usb.check_access(board.title, device, way.usb, way.hidraw, host)
    else:
        show("not checked: whether the board is plugged in and may be used (no "
             f"{host.devices} here)\n")
    if way.note:
        show(f"{way.note}\n")
    status, output = _run(todo.command, show)
    library = LIBRARY.search(output)
    if library:
        raise library_problem(way.program, [library[1]])
    if status != 0 or (way.program.failure and re.search(way.program.failure, output)):
        lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
        said = " | ".join(lines[-LINES:]) or "it said nothing"
        raise FlashError(f"{way.program.name} failed (exit status {status}): {said}")


def _run(command: tuple[str, ...], show: Callable[[str], None]) -> tuple[int, str]:
    """Run a program; its exit status and the end of its output, without colours."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
    except OSError as problem:
        raise ProgrammerError(f"{command[0]}: cannot be run: {problem.strerror}") from None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    output = ""
    try:
        # Piece by piece: a progress bar has no line ends.
        while piece := os.read(process.stdout.fileno(), 4096):
            text = decoder.decode(piece)
            show(text)
            output = (output + text)[-KEPT:]
        status = process.wait()
    finally:
        process.stdout.close()
        if process.poll() is None:
            process.terminate()
            process.wait()
    return status, ESCAPE.sub("", output)
