"""Colorlight i5, module v7.0, on the extension board by wuxx: ECP5, DAPLink.

Pins: litex-hub/litex-boards platforms/colorlight_i5.py, wuxx/Colorlight-FPGA-Projects README and
src/amaranth_boards/colorlight_i9_r7_2.py (same extension board).
"""

from .board import Board, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    def pin(name: str, where: str, **options) -> Pin:
        return Pin(name, where, standard="LVCMOS33", **options)

    return {
        "clk": pin("P3", "25 MHz oscillator of the module"),
        "rx": pin("H18", "DAPLink", pull="up"),
        "tx": pin("J17", "DAPLink"),
        # In the order of Digilent's PMOD for SPI. P2A has the LED's pin: no place for it.
        "cs_n": pin("C17", "PMOD P3A pin 1", pull="up"),
        "copi": pin("B18", "PMOD P3A pin 2"),
        "cipo": pin("B20", "PMOD P3A pin 3"),
        "sck": pin("F20", "PMOD P3A pin 4"),
        "irq": pin("A18", "PMOD P3A pin 7"),
        "led_idle": pin("U16", "LED D2 of the module", inverted=True),
    }


BOARD = Board(
    "colorlight-i5", "Colorlight i5 v7.0 on its extension board", part("ecp5-25f"), _pins,
    oscillator_hz=25_000_000, clock_hz=80_000_000, preset="full",
    serial="the extension board's DAPLink",
    # Nothing is known of how fast it is.
    baud=115_200,
    notes=("The flash of some modules is locked: load the FPGA itself.",),
)
