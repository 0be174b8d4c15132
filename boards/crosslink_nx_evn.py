"""Lattice CrossLink-NX evaluation board: LIFCL-40, FT2232H.

Pins: litex-hub/litex-boards platforms/lattice_crosslink_nx_evn.py and gatecat/prjoxide
examples/blinky_evn.
"""

from .board import Board, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    def pin(name: str, where: str, **options) -> Pin:
        return Pin(name, where, standard="LVCMOS33", **options)

    return {
        "clk": pin("L13", "12 MHz oscillator, through jumper JP2"),
        "button": pin("G14", "button SW2", inverted=True, pull="up"),
        "rx": pin("F16", "FT2232H channel B, through R15 and R17", pull="up"),
        "tx": pin("F18", "FT2232H channel B, through R15 and R17"),
        # In the order of Digilent's PMOD for SPI.
        "cs_n": pin("D10", "PMOD0 pin 1", pull="up"),
        "copi": pin("D9", "PMOD0 pin 2"),
        "cipo": pin("D7", "PMOD0 pin 3"),
        "sck": pin("D8", "PMOD0 pin 4"),
        "irq": pin("D6", "PMOD0 pin 7"),
        "led_idle": pin("E17", "green LED at E17", inverted=True),
        "led_running": pin("F13", "green LED at F13", inverted=True),
        "led_accepted": pin("G13", "green LED at G13", inverted=True),
        # The colour of a warning is what comes nearest to red.
        "led_error": pin("W20", "yellow LED at W20", inverted=True),
    }


BOARD = Board(
    "crosslink-nx-evn", "Lattice CrossLink-NX evaluation board", part("lifcl-40"), _pins,
    oscillator_hz=12_000_000, clock_hz=12_000_000,
    # As it is sold the serial line is not connected.
    front_end="spi",
    serial="FT2232H, channel B, after the changes to the board that the notes name",
    notes=("For a serial line: take R18 and R19 off, put 0 ohm at R15 and R17, and set channel B "
           "of the FT2232H to UART in its EEPROM.",
           "Hold SW5 (PROGRAMN) while loading, if that fails."),
    packed_only=True,
)
