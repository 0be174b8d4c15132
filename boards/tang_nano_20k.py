"""Sipeed Tang Nano 20K: Gowin GW2AR-18C, BL616.

Pins: litex-hub/litex-boards platforms/sipeed_tang_nano_20k.py; of the SPI, those at which
MiSTle-Dev/FPGA-Companion SPI.md has an external microcontroller.
"""

from .board import Board, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    def pin(name: str, where: str, **options) -> Pin:
        return Pin(name, where, standard="LVCMOS33", **options)

    def header(name: str, **options) -> Pin:
        return pin(name, f"header pin labelled {name}", **options)

    return {
        "clk": pin("4", "27 MHz oscillator"),
        "button": pin("88", "button S1", pull="down"),
        "rx": pin("70", "BL616", pull="up"),
        "tx": pin("69", "BL616"),
        "cs_n": header("56", pull="up"),
        "copi": header("41"),
        "cipo": header("42"),
        "sck": header("54"),
        "irq": header("51"),
        "led_idle": pin("15", "first of the six LEDs", inverted=True),
        "led_running": pin("16", "second LED", inverted=True),
        "led_accepted": pin("17", "third LED", inverted=True),
        "led_error": pin("18", "fourth LED", inverted=True),
    }


BOARD = Board(
    "tang-nano-20k", "Sipeed Tang Nano 20K", part("gw2a-18c"), _pins,
    oscillator_hz=27_000_000, clock_hz=75_600_000,
    serial="BL616: the board's USB connector",
    baud=115_200,
    # Source: doc/servant.rst of olofk/serv, pull request 147.
    notes=("The BL616 is said not to bear much data at once.",),
)
