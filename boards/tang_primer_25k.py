"""Sipeed Tang Primer 25K on its dock: Gowin GW5A-25A, BL616.

Pins: litex-hub/litex-boards platforms/sipeed_tang_primer_25k.py and
sipeed/TangPrimer-25K-example nestang-25k/src/nestang.cst.
"""

from .board import Board, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    def pin(name: str, where: str, **options) -> Pin:
        return Pin(name, where, standard="LVCMOS33", **options)

    return {
        "clk": pin("E2", "50 MHz oscillator of the module"),
        # High when pressed: all of Sipeed's and Apycula's examples pull it down, LiteX inverts it.
        "button": pin("H11", "button S1 of the dock", pull="down"),
        # One of Sipeed's examples, UART, has the two the other way round; two others have not.
        "rx": pin("B3", "BL616 of the dock", pull="up"),
        "tx": pin("C3", "BL616 of the dock"),
        # In the order of Digilent's PMOD for SPI.
        "cs_n": pin("G11", "PMOD J4 pin 1", pull="up"),
        "copi": pin("D11", "PMOD J4 pin 2"),
        "cipo": pin("B11", "PMOD J4 pin 3"),
        "sck": pin("C11", "PMOD J4 pin 4"),
        "irq": pin("G10", "PMOD J4 pin 7"),
    }


BOARD = Board(
    "tang-primer-25k", "Sipeed Tang Primer 25K on its dock", part("gw5a-25a"), _pins,
    oscillator_hz=50_000_000, clock_hz=50_000_000,
    serial="the dock's BL616",
    # Nothing is known of how fast it is.
    baud=115_200,
    notes=("No light: the dock's LEDs are at the pins READY and DONE of configuration.",
           "Sources disagree on which of B3 and C3 is which end of the serial line.",
           "The clock's pin belongs to the CPU port of configuration, too, which is turned off."),
    packed_only=True,
)
