"""Olimex GateMateA1-EVB: Cologne Chip CCGM1A1, RP2040.

Pins: litex-hub/litex-boards platforms/olimex_gatemate_a1_evb.py and
OLIMEX/GateMateA1-EVB SOFTWARE/blinking-led-bit-source/top.ccf.
"""

from .board import Board, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    return {
        "clk": Pin("IO_SB_A8", "10 MHz oscillator"),
        "button": Pin("IO_SB_B7", "button FPGA_BUT1", inverted=True, pull="up"),
        # The schematic names them from the RP2040's side, and not all projects noticed.
        "rx": Pin("IO_SA_A6", "RP2040 GPIO12", pull="up"),
        "tx": Pin("IO_SA_B6", "RP2040 GPIO13"),
        # In the order of Digilent's PMOD for SPI.
        "cs_n": Pin("IO_EA_A4", "PMOD pin 1", pull="up"),
        "copi": Pin("IO_EA_A5", "PMOD pin 2"),
        "cipo": Pin("IO_EA_A6", "PMOD pin 3"),
        "sck": Pin("IO_EA_A7", "PMOD pin 4"),
        "irq": Pin("IO_EA_B4", "PMOD pin 7"),
        "led_idle": Pin("IO_SB_B6", "the user LED", inverted=True),
    }


BOARD = Board(
    "gatemate-evb", "Olimex GateMateA1-EVB", part("ccgm1a1"), _pins,
    oscillator_hz=10_000_000, clock_hz=10_000_000,
    serial="RP2040 with the DirtyJTAG firmware it is sold with: the first of its two serial ports",
    # The rate at which others have seen it work.
    baud=115_200,
    notes=("Level shifters make the PMOD's pins 3.3 V.",
           "With many seeds, five of the eight above (3, 4, 6, 7, 8), nextpnr as WebAssembly runs "
           "out of stack when all is routed: the seed's clock is known and there is no bitstream. "
           "`build` then goes on to the next seed."),
    packed_only=True,
)
