"""Sipeed Tang Nano 9K: Gowin GW1NR-9C, BL702.

Pins of the headers: litex-hub/litex-boards platforms/sipeed_tang_nano_9k.py; banks: Apycula.
"""

from .board import Board, Definition, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    fpga = Definition("tang_nano_9k:TangNano9kPlatform")

    def header(name: str, **options) -> Pin:
        return Pin(name, f"header pin labelled {name}", standard="LVCMOS33", **options)

    # Bank 3 is at 1.8 V, which amaranth-boards does not say.
    def bank3(name: str, where: str, **options) -> Pin:
        return Pin(name, where, inverted=True, standard="LVCMOS18", **options)

    return {
        "clk": fpga.pin("clk27", where="27 MHz oscillator"),
        "button": bank3("3", "button at pin 3", pull="up"),
        "rx": fpga.pin("uart", signal="rx", where="BL702"),
        "tx": fpga.pin("uart", signal="tx", where="BL702"),
        # Bank 2: 3.3 V.
        "cs_n": header("25", pull="up"),
        "copi": header("26"),
        "cipo": header("27"),
        "sck": header("28"),
        "irq": header("29"),
        "led_idle": bank3("10", "first of the six LEDs"),
        "led_running": bank3("11", "second LED"),
        "led_accepted": bank3("13", "third LED"),
        "led_error": bank3("14", "fourth LED"),
    }


BOARD = Board(
    "tang-nano-9k", "Sipeed Tang Nano 9K", part("gw1n-9c"), _pins,
    oscillator_hz=27_000_000, clock_hz=54_000_000,
    serial="BL702: the second serial port of the board's USB connector",
    # Nothing is known of how fast it is.
    baud=115_200,
    notes=("Pins 3 to 16 and 79 to 88 are at 1.8 V, those of the SPI at 3.3 V.",),
)
