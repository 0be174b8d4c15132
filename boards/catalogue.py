"""Boards by name."""

from blockfactor.errors import ConfigError

from . import (
    colorlight_i5,
    crosslink_nx_evn,
    ecpix5,
    gatemate_evb,
    hx8k_breakout,
    icebreaker,
    orangecrab,
    pico_ice,
    tang_nano_9k,
    tang_nano_20k,
    tang_primer_25k,
    ulx3s,
    upduino3,
)
from .board import Board

__all__ = ["BOARDS", "board"]

#: Families together: iCE40, ECP5, Gowin, then those whose boards are :attr:`~.Board.packed_only`.
BOARDS = {b.name: b for b in (
    icebreaker.BOARD, pico_ice.BOARD, upduino3.BOARD, hx8k_breakout.BOARD, *ulx3s.BOARDS,
    orangecrab.BOARD, ecpix5.BOARD, colorlight_i5.BOARD, tang_nano_9k.BOARD, tang_nano_20k.BOARD,
    tang_primer_25k.BOARD, crosslink_nx_evn.BOARD, gatemate_evb.BOARD,
)}


def board(name: str) -> Board:
    """The board called ``name``; ConfigError lists the names there are."""
    if name not in BOARDS:
        raise ConfigError(f"no board {name!r}; boards are {', '.join(BOARDS)}")
    return BOARDS[name]
