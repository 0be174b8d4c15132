"""Whether a file is a bitstream that a board can take."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blockfactor.errors import BlockfactorError

from .board import Board

__all__ = ["FORMATS", "BitstreamError", "Format", "built_bitstream", "check_bitstream"]

#: What is read of a file; headers and the FPGA's identity come well before.
HEAD = 8192
REPORT = "report.json"


class BitstreamError(BlockfactorError):
    """A file that is no bitstream, or not one for the board."""


@dataclass(frozen=True)
class Format:
    """Bitstreams of a family.

    Parameters
    ----------
    suffix : str
        That the programs go by.
    mark : str
        What every such file has, in words.
    test : callable
        Whether the beginning of a file has it.
    identity : callable
        Identity code of the FPGA that the beginning of a file names, None where it has none.
    """

    suffix: str
    mark: str
    test: Callable[[bytes], bool]
    identity: Callable[[bytes], int | None] = lambda head: None


def _ice40(head: bytes) -> bool:
    # A comment between FF 00 and 00 FF may come first.
    start = head.find(b"\x00\xff") + 2 if head.startswith(b"\xff\x00") else 0
    return head[start:start + 4] == b"\x7e\xaa\x99\x7e"


PREAMBLE = b"\xff\xff\xbd\xb3"


def _lattice(head: bytes) -> bool:
    return PREAMBLE in head


def _lattice_identity(head: bytes) -> int | None:
    found = re.search(rb"\xe2\0\0\0(.{4})", head[head.find(PREAMBLE):], re.DOTALL)
    return int.from_bytes(found[1], "big") if found else None


def _gowin_lines(head: bytes) -> list[bytes]:
    # The last line may be cut.
    return [line.strip() for line in head.splitlines()[:-1] if not line.startswith(b"//")]


def _gowin(head: bytes) -> bool:
    lines = _gowin_lines(head)
    return b"1010010111000011" in lines and all(set(line) <= set(b"01") for line in lines)


def _gowin_identity(head: bytes) -> int | None:
    for line in _gowin_lines(head):
        if len(line) == 64 and line.startswith(b"00000110"):
            return int(line[32:], 2)
    return None


def _gatemate(head: bytes) -> bool:
    # There is no synchronisation word. Commands begin with their highest bit set; other
    # families' files are text or begin with FF.
    return 0x80 <= head[0] < 0xFF


#: By family.
FORMATS = {
    "ice40": Format(".bin", "synchronisation word 7E AA 99 7E", _ice40),
    "ecp5": Format(".bit", "preamble FF FF BD B3", _lattice, _lattice_identity),
    "nexus": Format(".bit", "preamble FF FF BD B3", _lattice, _lattice_identity),
    "gowin": Format(".fs", "lines of 0 and 1 with the preamble A5 C3", _gowin, _gowin_identity),
    "gatemate": Format(".bit", "command at the beginning", _gatemate),
}

#: Identity codes of parts, where a bitstream has it; the first digit of Gowin's is a revision.
IDENTITIES = {
    "ecp5-25f": 0x41111043, "ecp5-25f-8": 0x41111043, "ecp5-45f": 0x41112043,
    "ecp5-85f": 0x41113043, "ecp5-85f-8": 0x81113043, "lifcl-40": 0x110F1043,
    "gw1n-9c": 0x1100481B, "gw2a-18c": 0x0000081B, "gw5a-25a": 0x0001281B,
}


def built_bitstream(board: Board, folder: Path) -> Path:
    """What ``blockfactor build`` left for a board in a folder.

    Raises
    ------
    BitstreamError
        Nothing was built there, or no clock was met and so there is no bitstream.
    """
    path = folder / REPORT
    report = _report(path)
    name = report.get("bitstream")
    if not isinstance(name, str):
        raise BitstreamError(f"{path}: there is no bitstream: run 'blockfactor build "
                             f"{board.name}' first, or name a file with --bitstream")
    if not name:
        raise BitstreamError(f"{path}: the build met no clock and made no bitstream: run "
                             f"'blockfactor build {board.name}' again, with more --seeds or a "
                             "slower --clock")
    return folder / name


def check_bitstream(path: Path, board: Board) -> None:
    """Raise BitstreamError where a file cannot be what a board wants."""
    wanted = FORMATS[board.part.family]
    about = board.part.about
    if path.is_dir():
        raise BitstreamError(f"{path}: is a directory, must be a bitstream")
    if not path.is_file():
        raise BitstreamError(f"{path}: no such file; 'blockfactor build {board.name}' makes one")
    if path.suffix != wanted.suffix:
        raise BitstreamError(f"{path}: board {board.name} wants a file {wanted.suffix}")
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise BitstreamError(f"{path}: is empty")
    if not wanted.test(head):
        raise BitstreamError(f"{path}: is no bitstream for {about}: no {wanted.mark}")
    report = _report(path.parent / REPORT)
    other = report.get("board", board.name)
    if report.get("bitstream") == path.name and other != board.name:
        raise BitstreamError(f"{path}: was built for board {other}, not {board.name}")
    found, right = wanted.identity(head), IDENTITIES.get(board.part.name)
    if None not in (found, right) and found != right:
        raise BitstreamError(f"{path}: is for an FPGA with identity {found:08X}, {about} has "
                             f"{right:08X}")


def _report(path: Path) -> dict:
    """What a build says of itself; nothing where there is no such file."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}
