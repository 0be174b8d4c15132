"""What goes into a board's FPGA: a system, its clock and reset, and lights."""

from amaranth.back import rtlil
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Elaboratable,
    Instance,
    IOPort,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from blockfactor.config import SystemConfig
from blockfactor.rtl.system import System
from blockfactor.rtl.verilog import rtlil_to_verilog

from .board import FRONT_ENDS, LEDS, SIGNALS, Board
from .pll import ClockBuffer, Oscillator, Pll

__all__ = ["TOP", "BoardTop"]

#: Name of the top module.
TOP = "board"
#: Seconds for which the system is reset after configuration: memories of an iCE40 read as zeros
#: before, and an oscillator takes its time.
RESET_TIME = 100e-6
#: Seconds that the light "running" stays on at least, to be seen.
LIGHT_TIME = 20e-3


class BoardTop(Elaboratable):
    """A system with a board's pins.

    Parameters
    ----------
    board : Board
    system : SystemConfig
        As :meth:`~blockfactor.boards.board.Board.system` gives it.
    codebooks : Codebooks or None
        Initial content of the codebook memory.
    clocking : bool
        Whether ``clk`` is the board's clock, and PLL or oscillator make that of the core. If not
        ``clk`` is the core's clock: for simulation.

    Attributes
    ----------
    ports : dict
        By name of :data:`~.board.SIGNALS`; polarity is that of the pins.
    reset : Signal
        Of the system.

    Raises
    ------
    ConfigError
        The clock cannot be made.
    """

    def __init__(self, board: Board, system: SystemConfig, codebooks=None, clocking: bool = True):
        self.board, self.config, self.clocking = board, system, clocking
        self.source = None
        if clocking and "clk" not in board.pins:
            self.source = Oscillator(system.clock_hz)
        elif clocking and system.clock_hz != board.oscillator_hz:
            self.source = Pll(board.part, board.oscillator_hz, system.clock_hz)
        elif clocking and board.part.family == "nexus":
            self.source = ClockBuffer()
        self.system = System(system, codebooks, status=True)
        names = {"clk", *FRONT_ENDS[system.front_end]}
        if clocking and "clk" not in board.pins:
            names.remove("clk")
        names |= {name for name in ("button", "irq", "high", *(f"led_{led}" for led in LEDS))
                  if name in board.pins}
        self.reset = Signal(init=1)
        self.ports = {name: IOPort(1, name=name) if name == "cipo" else Signal(name=name)
                      for name in SIGNALS if name in names}

    @property
    def clock_hz(self) -> float:
        """The clock as PLL or oscillator make it."""
        return (self.source.dividers.frequency if isinstance(self.source, Pll)
                else self.config.clock_hz)

    @property
    def fastest_hz(self) -> float:
        """The fastest that the clock can be: what timing has to meet."""
        return self.clock_hz * (1 + (Oscillator.TOLERANCE if isinstance(self.source, Oscillator)
                                     else 0))

    def to_rtlil(self) -> str:
        """RTLIL text; the top module is :data:`TOP`."""
        return rtlil.convert(self, name=TOP, ports=list(self.ports.values()), emit_src=False)

    def to_verilog(self) -> str:
        """Verilog text for simulators."""
        return rtlil_to_verilog(self.to_rtlil(), TOP)

    def elaborate(self, platform):
        m = Module()
        m.submodules.system = system = self.system
        ports = self.ports

        # -- clock and reset --------------------------------------------------------------------
        m.domains.sync = ClockDomain("sync")
        # Starts with the value that configuration gives its flip-flops.
        m.domains.start = start = ClockDomain("start", reset_less=True, local=True)
        m.d.comb += start.clk.eq(ClockSignal("sync"))
        steady = Signal(init=1)
        if self.source is None:
            m.d.comb += ClockSignal("sync").eq(ports["clk"])
        else:
            m.submodules.source = source = self.source
            m.d.comb += ClockSignal("sync").eq(source.clock)
            if not isinstance(source, Oscillator):
                m.d.comb += source.source.eq(ports["clk"])
            if isinstance(source, Pll):
                m.submodules.steady = FFSynchronizer(source.locked, steady, o_domain="start",
                                                     init=0)
        pressed = Signal()
        if "button" in ports:
            m.submodules.button = FFSynchronizer(self._level("button"), pressed, o_domain="start",
                                                 init=0)
        # The highest bit of the counter ends the reset.
        waited = Signal(int(RESET_TIME * self.config.clock_hz).bit_length() + 1)
        m.d.start += self.reset.eq(~waited[-1])
        with m.If(pressed | ~steady):
            m.d.start += waited.eq(0)
        with m.Elif(~waited[-1]):
            m.d.start += waited.eq(waited + 1)
        m.d.comb += ResetSignal("sync").eq(self.reset)

        # -- pins -------------------------------------------------------------------------------
        for name in ("rx", "sck", "cs_n", "copi"):
            if name in ports:
                m.d.comb += getattr(system, name).eq(ports[name])
        if "tx" in ports:
            m.d.comb += ports["tx"].eq(system.tx)
        if "cipo" in ports and self.clocking and self.board.part.family == "nexus":
            # Yosys makes no tri-state pads of this family.
            m.submodules.cipo = Instance("OBZ", i_I=system.cipo, i_T=~system.cipo_oe,
                                         o_O=ports["cipo"])
        elif "cipo" in ports:
            m.submodules.cipo = cipo = io.Buffer("o", io.SingleEndedPort(ports["cipo"]))
            m.d.comb += [cipo.o.eq(system.cipo), cipo.oe.eq(system.cipo_oe)]
        if "irq" in ports:
            m.d.comb += ports["irq"].eq(system.irq)
        if "high" in ports:
            m.d.comb += ports["high"].eq(1)

        # -- lights -----------------------------------------------------------------------------
        shown = system.status
        lights = {name: getattr(shown, name) for name in LEDS}
        if "led_running" in ports:
            # The highest bit of the counter keeps the light on.
            light = Signal(int(LIGHT_TIME * self.config.clock_hz).bit_length() + 1)
            with m.If(shown.running):
                m.d.sync += light.eq(1 << len(light) - 1)
            with m.Elif(light[-1]):
                m.d.sync += light.eq(light + 1)
            lights["running"] = light[-1]
        for name, on in lights.items():
            port = f"led_{name}"
            if port in ports:
                m.d.comb += ports[port].eq(~on if self.board.pins[port].inverted else on)
        return m

    def _level(self, name: str):
        """Whether an input is active."""
        port = self.ports[name]
        return ~port if self.board.pins[name].inverted else port
