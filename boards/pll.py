"""Clocks: a PLL of each family that has one here, and the iCE40's oscillator.

Dividers are searched for, not tabled. Ranges are those of the data sheets: Lattice FPGA-TN-02052
(iCE40), FPGA-TN-02200 (ECP5), Gowin UG286 (rPLL).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from blockfactor.errors import ConfigError

from .parts import Part

__all__ = ["ClockBuffer", "Dividers", "Oscillator", "Pll", "dividers"]

#: Most that the clock may be off what was asked for.
TOLERANCE = 0.002

#: Limits in MHz: of the phase detector, of the oscillator; then the largest dividers of the
#: reference, of the feedback, and those of the output.
RANGES = {
    "ice40": ((10, 133), (533, 1066), 16, 128, tuple(1 << n for n in range(1, 7))),
    "ecp5": ((3.125, 400), (400, 800), 128, 80, tuple(range(1, 129))),
    "gowin": ((3, 400), (500, 1200), 64, 64, (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)),
}


@dataclass(frozen=True)
class Dividers:
    """Of the reference, of the feedback, and of the output; ``frequency`` in Hz is what comes."""

    reference: int
    feedback: int
    output: int
    frequency: float


def _candidates(family: str, source_hz: int) -> Iterator[Dividers]:
    (low, high), (slow, fast), references, feedbacks, outputs = RANGES[family]
    for reference in range(1, references + 1):
        detector = source_hz / reference
        if not low * 1e6 <= detector <= high * 1e6:
            continue
        for feedback in range(1, feedbacks + 1):
            for output in outputs:
                # iCE40 feeds back the oscillator, the others the output.
                oscillator = detector * feedback * (1 if family == "ice40" else output)
                if slow * 1e6 <= oscillator <= fast * 1e6:
                    frequency = oscillator / output
                    yield Dividers(reference, feedback, output, frequency)


def dividers(family: str, source_hz: int, clock_hz: int) -> Dividers:
    """Dividers that come nearest to a clock.

    Raises
    ------
    ConfigError
        The family has no PLL here, or none come within .2 % of the clock.
    """
    if family not in RANGES:
        raise ConfigError(f"clock_hz {clock_hz}: must be {source_hz}, PLLs of {family} are not "
                          "supported")
    best = min(_candidates(family, source_hz), default=None,
               key=lambda d: (abs(d.frequency - clock_hz), d.reference, d.output))
    if best is None or abs(best.frequency - clock_hz) > TOLERANCE * clock_hz:
        near = f", the nearest is {best.frequency:.0f}" if best else ""
        raise ConfigError(f"clock_hz {clock_hz}: a PLL of {family} cannot make it of "
                          f"{source_hz}{near}")
    return best


class Pll(wiring.Component):
    """A PLL.

    Parameters
    ----------
    part : Part
    source_hz, clock_hz : int
        Frequencies that come in and go out.

    Members
    -------
    source : In(1)
        A pin of the FPGA.
    clock : Out(1)
    locked : Out(1)
        Asynchronous.

    Raises
    ------
    ConfigError
        See :func:`dividers`.
    """

    def __init__(self, part: Part, source_hz: int, clock_hz: int):
        self.part = part
        self.source_hz = source_hz
        self.dividers = dividers(part.family, source_hz, clock_hz)
        super().__init__({"source": In(1), "clock": Out(1), "locked": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.pll = getattr(self, f"_{self.part.family}")()
        return m

    def _ice40(self) -> Instance:
        d = self.dividers
        detector = self.source_hz / d.reference / 1e6
        # The range of the loop filter, as Lattice's tools choose it.
        filter_range = next(n for n, most in enumerate((17, 26, 44, 66, 101, 1e9), 1)
                            if detector < most)
        # Where the clock comes in at the PLL's own pad the two have to be one; elsewhere the PLL
        # takes it from a global net.
        pad = self.part.name == "up5k"
        return Instance(
            "SB_PLL40_PAD" if pad else "SB_PLL40_CORE",
            p_FEEDBACK_PATH="SIMPLE", p_DIVR=Const(d.reference - 1, 4),
            p_DIVF=Const(d.feedback - 1, 7), p_DIVQ=Const(d.output.bit_length() - 1, 3),
            p_FILTER_RANGE=Const(filter_range, 3),
            i_RESETB=Const(1), i_BYPASS=Const(0), o_LOCK=self.locked,
            o_PLLOUTGLOBAL=self.clock,
            **{"i_PACKAGEPIN" if pad else "i_REFERENCECLK": self.source})

    def _ecp5(self) -> Instance:
        d = self.dividers
        return Instance(
            "EHXPLLL",
            p_CLKI_DIV=d.reference, p_CLKFB_DIV=d.feedback, p_CLKOP_DIV=d.output,
            p_CLKOP_ENABLE="ENABLED", p_CLKOP_CPHASE=d.output // 2, p_CLKOP_FPHASE=0,
            p_FEEDBK_PATH="CLKOP", p_OUTDIVIDER_MUXA="DIVA",
            a_FREQUENCY_PIN_CLKI=f"{self.source_hz / 1e6:g}",
            a_FREQUENCY_PIN_CLKOP=f"{d.frequency / 1e6:g}",
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            i_CLKI=self.source, i_CLKFB=self.clock, i_RST=Const(0), i_STDBY=Const(0),
            i_ENCLKOP=Const(0), i_PHASESEL0=Const(0), i_PHASESEL1=Const(0), i_PHASEDIR=Const(1),
            i_PHASESTEP=Const(1), i_PHASELOADREG=Const(1), i_PLLWAKESYNC=Const(0),
            o_CLKOP=self.clock, o_LOCK=self.locked)

    def _gowin(self) -> Instance:
        d = self.dividers
        off, six = Const(0), Const(0, 6)
        return Instance(
            "rPLL",
            p_FCLKIN=f"{self.source_hz / 1e6:g}", p_DEVICE=self.part.packing.replace("N-", "NR-")
            .replace("A-", "AR-"),
            p_IDIV_SEL=d.reference - 1, p_FBDIV_SEL=d.feedback - 1, p_ODIV_SEL=d.output,
            p_DYN_IDIV_SEL="false", p_DYN_FBDIV_SEL="false", p_DYN_ODIV_SEL="false",
            p_PSDA_SEL="0000", p_DYN_DA_EN="false", p_DUTYDA_SEL="1000",
            p_CLKFB_SEL="internal", p_CLKOUT_BYPASS="false", p_CLKOUTP_BYPASS="false",
            p_CLKOUTD_BYPASS="false", p_DYN_SDIV_SEL=2, p_CLKOUTD_SRC="CLKOUT",
            p_CLKOUTD3_SRC="CLKOUT",
            i_CLKIN=self.source, i_CLKFB=off, i_RESET=off, i_RESET_P=off, i_FBDSEL=six,
            i_IDSEL=six, i_ODSEL=six, i_PSDA=Const(0, 4), i_DUTYDA=Const(0, 4),
            i_FDLY=Const(0, 4), o_CLKOUT=self.clock, o_LOCK=self.locked)


class Oscillator(wiring.Component):
    """The iCE40 UltraPlus's oscillator: 48, 24, 12 or 6 MHz, within 10 %.

    Members
    -------
    clock : Out(1)

    Raises
    ------
    ConfigError
        It has no such frequency.
    """

    #: How much faster than it should be it may be.
    TOLERANCE = .1
    FREQUENCIES = (48_000_000, 24_000_000, 12_000_000, 6_000_000)

    def __init__(self, clock_hz: int):
        if clock_hz not in self.FREQUENCIES:
            raise ConfigError(f"clock_hz {clock_hz}: the oscillator has "
                              f"{', '.join(map(str, self.FREQUENCIES))}")
        self.divider = self.FREQUENCIES.index(clock_hz)
        super().__init__({"clock": Out(1)})

    def elaborate(self, platform):
        m = Module()
        clock = Signal()
        m.submodules.oscillator = Instance("SB_HFOSC", p_CLKHF_DIV=f"0b{self.divider:02b}",
                                           i_CLKHFEN=Const(1), i_CLKHFPU=Const(1), o_CLKHF=clock)
        m.d.comb += self.clock.eq(clock)
        return m


class ClockBuffer(wiring.Component):
    """A clock buffer of CrossLink-NX at a place of our own choosing.

    nextpnr chooses one beside the pin, to which its data have no way (nextpnr#1317).

    Members
    -------
    source : In(1)
    clock : Out(1)
    """

    def __init__(self):
        super().__init__({"source": In(1), "clock": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffer = Instance("DCC", a_BEL="X0/Y28/DCC_L0", i_CLKI=self.source,
                                       i_CE=Const(1), o_CLKO=self.clock)
        return m
