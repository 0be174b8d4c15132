"""FPGAs that a component can be placed and routed for, and how the tools are called."""

from dataclasses import dataclass

from blockfactor.errors import ConfigError

__all__ = ["FAMILIES", "PARTS", "Part", "part"]

#: Families, as Yosys and nextpnr call them: the last word of ``synth_*``.
FAMILIES = ("ice40", "ecp5", "gowin", "nexus", "gatemate")


@dataclass(frozen=True)
class Part:
    """An FPGA.

    Parameters
    ----------
    name : str
    about : str
        As people call it.
    family : str
        One of :data:`FAMILIES`.
    synthesis : str
        Options of the synthesis command.
    placement : tuple of str
        Options of nextpnr that name the part.
    frequency : float
        What place and route aims at, in MHz, unless told otherwise.
    cells : int
        Logic cells (iCE40) or look-up tables (others) it has.
    memories : int
        Block RAMs it has.
    packing : str
        Name of the device for the program that packs the bitstream, where it wants one.
    """

    name: str
    about: str
    family: str
    synthesis: str
    placement: tuple[str, ...]
    frequency: float
    cells: int
    memories: int
    packing: str = ""


def _ice40(name, about, device, options, frequency, cells, memories) -> Part:
    # A clock enable for fewer than four flip-flops costs more than a look-up table before each.
    return Part(name, about, "ice40", f"-device {device} -dffe_min_ce_use 4", options, frequency,
                cells, memories)


def _ecp5(name, about, size, package, speed, cells, memories, frequency=80.0) -> Part:
    return Part(name, about, "ecp5", "", (f"--{size}", "--package", package, "--speed", speed),
                frequency, cells, memories)


def _gowin(name, about, device, family, cells, memories, frequency, options=(),
           synthesis="") -> Part:
    return Part(name, about, "gowin", synthesis, ("--device", device, "--vopt", f"family={family}",
                                           *options), frequency, cells, memories, family)


PARTS = {p.name: p for p in (
    _ice40("up5k", "iCE40 UP5K", "u", ("--up5k", "--package", "sg48"), 30.0, 5280, 30),
    _ice40("hx8k", "iCE40 HX8K", "hx", ("--hx8k", "--package", "ct256"), 70.0, 7680, 32),
    _ecp5("ecp5-25f", "ECP5 LFE5U-25F-6", "25k", "CABGA381", "6", 24288, 56),
    _ecp5("ecp5-45f", "ECP5 LFE5U-45F-6", "45k", "CABGA381", "6", 43848, 108),
    _ecp5("ecp5-85f", "ECP5 LFE5U-85F-6", "85k", "CABGA381", "6", 83640, 208),
    _ecp5("ecp5-25f-8", "ECP5 LFE5U-25F-8", "25k", "CSFBGA285", "8", 24288, 56),
    _ecp5("ecp5-85f-8", "ECP5 LFE5UM5G-85F-8", "um5g-85k", "CABGA554", "8", 83640, 208),
    _gowin("gw1n-9c", "Gowin GW1NR-9C", "GW1NR-LV9QN88PC6/I5", "GW1N-9C", 8640, 26, 50.0),
    _gowin("gw2a-18c", "Gowin GW2AR-18C", "GW2AR-LV18QN88C8/I7", "GW2A-18C", 20736, 46, 75.0),
    _gowin("gw5a-25a", "Gowin GW5A-25A", "GW5A-LV25MG121NC1/I0", "GW5A-25A", 23040, 56, 50.0,
           # nextpnr places no memories of look-up tables in it.
           ("--vopt", "sspi_as_gpio"), "-nolutram"),
    # Its carry chains cannot be routed (yosys#4081): adders are made of look-up tables.
    Part("lifcl-40", "CrossLink-NX LIFCL-40", "nexus", "-noccu2",
         ("--device", "LIFCL-40-9BG400C"), 50.0, 32256, 84),
    Part("ccgm1a1", "GateMate CCGM1A1", "gatemate", "-luttree -nomx8",
         ("--device", "CCGM1A1"), 25.0, 40960, 32),
)}


def part(name: str) -> Part:
    """The part called ``name``; ConfigError lists the names there are."""
    if name not in PARTS:
        raise ConfigError(f"no part {name!r}; parts are {', '.join(PARTS)}")
    return PARTS[name]
