"""FPGAs that a component can be placed and routed for, and how the tools are called."""

from dataclasses import dataclass

from blockfactor.errors import ConfigError

__all__ = ["PARTS", "Part", "part"]


@dataclass(frozen=True)
class Part:
    """An FPGA.

    Parameters
    ----------
    name : str
    about : str
        As people call it.
    family : str
        ``ice40`` or ``ecp5``, the last word of the commands ``synth_*`` and ``nextpnr-*``.
    synthesis : str
        Options of the synthesis command.
    placement : tuple of str
        Options of nextpnr that name the part.
    frequency : float
        What place and route aims at, in MHz, unless told otherwise.
    cells : int
        Logic cells (iCE40) or look-up tables (ECP5) it has.
    memories : int
        Block RAMs it has.
    """

    name: str
    about: str
    family: str
    synthesis: str
    placement: tuple[str, ...]
    frequency: float
    cells: int
    memories: int


# A clock enable for fewer than four flip-flops costs iCE40 more than a look-up table before each.
PARTS = {p.name: p for p in (
    Part("up5k", "iCE40 UP5K", "ice40", "-device u -dffe_min_ce_use 4",
         ("--up5k", "--package", "sg48"), 30.0, 5280, 30),
    Part("hx8k", "iCE40 HX8K", "ice40", "-device hx -dffe_min_ce_use 4",
         ("--hx8k", "--package", "ct256"), 70.0, 7680, 32),
    Part("ecp5-25f", "ECP5 LFE5U-25F-6", "ecp5", "",
         ("--25k", "--package", "CABGA381", "--speed", "6"), 80.0, 24288, 56),
)}


def part(name: str) -> Part:
    """The part called ``name``; ConfigError lists the names there are."""
    if name not in PARTS:
        raise ConfigError(f"no part {name!r}; parts are {', '.join(PARTS)}")
    return PARTS[name]
