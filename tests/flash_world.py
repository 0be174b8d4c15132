"""Stand-ins for what loading a board needs: bitstreams, USB devices, programs."""

import json
from pathlib import Path

from blockfactor.boards.bitstreams import FORMATS, IDENTITIES
from blockfactor.boards.board import Board
from blockfactor.boards.usb import Host

__all__ = ["bitstream", "make_host", "stand_in", "write_bitstream"]


def bitstream(board: Board) -> bytes:
    """The beginning of a file as the family's packer makes it for the board's FPGA."""
    identity = IDENTITIES.get(board.part.name, 0)
    match board.part.family:
        case "ice40":
            return b"\xff\x00\x00\xff\x7e\xaa\x99\x7e\x51\x00\x01\x05" + bytes(64)
        case "ecp5":
            return (b"\xff\x00Part: LFE5U\x00\xff\xff\xff\xbd\xb3\xff\xff\xff\xff\x3b\0\0\0"
                    + b"\xe2\0\0\0" + identity.to_bytes(4, "big") + bytes(64))
        case "nexus":
            return (b"LSCC\xff\x00\x00\xff\xff\xff\xbd\xb3" + b"\xff" * 20 + b"\xe2\0\0\0"
                    + identity.to_bytes(4, "big") + bytes(64))
        case "gowin":
            words = ("1" * 160, "1" * 16, f"{0xA5C3:016b}", f"{6:08b}{0:024b}{identity:032b}",
                     "0" * 100)
            return "\n".join(words).encode()
    return b"\xd9\x01\xed\x96\x10\x4d" + bytes(64)


def write_bitstream(board: Board, folder: Path, report: bool = True) -> Path:
    """Write such a file, and what a build says of itself, to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{board.name}{FORMATS[board.part.family].suffix}"
    path.write_bytes(bitstream(board))
    if report:
        (folder / "report.json").write_text(json.dumps(
            {"board": board.name, "bitstream": path.name}))
    return path


def make_host(folder: Path, *devices: str, hidraw: bool = False, access=lambda path, mode: True,
              ) -> Host:
    """A machine where devices are plugged in, each given as ``0403:6010``."""
    host = Host(folder / "sys", folder / "dev", access, "linux")
    host.devices.mkdir(parents=True)
    (host.devices / "usb3").mkdir()  # a hub without a file that could be read
    for number, usb in enumerate(devices, 7):
        entry = host.devices / f"3-{number}"
        entry.mkdir()
        vendor, product = usb.split(":")
        for name, text in (("idVendor", vendor), ("idProduct", product), ("busnum", "3"),
                           ("devnum", str(number))):
            (entry / name).write_text(f"{text}\n")
        node = host.dev_root / "bus" / "usb" / "003" / f"{number:03}"
        node.parent.mkdir(parents=True, exist_ok=True)
        node.touch()
        if hidraw:
            (entry / f"3-{number}:1.0" / "0003:0D28:0204.0001" / "hidraw" / "hidraw2").mkdir(
                parents=True)
            (host.dev_root / "hidraw2").touch()
    return host


def stand_in(folder: Path, name: str, status: int = 0, output: str = "") -> tuple[Path, Path]:
    """A program that writes its arguments to a file, prints a text and leaves with a status.

    Returns
    -------
    program, record : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    program, record, text = folder / name, folder / f"{name}.record", folder / f"{name}.text"
    text.write_text(output)
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{record}"\n/bin/cat "{text}"\n'
                       f"exit {status}\n")
    program.chmod(0o755)
    return program, record
