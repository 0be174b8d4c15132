"""Lattice iCE40-HX8K breakout board: iCE40 HX8K, FT2232H, no button."""

from .board import Board, Definition, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    fpga = Definition("ice40_hx8k_b_evn:ICE40HX8KBEVNPlatform")

    def header(pin: int, **options) -> Pin:
        found = fpga.connector("j", 2, str(pin), f"J2 pin {pin}", **options)
        return Pin(found.name, f"{found.where}, {found.name}", pull=found.pull)

    def led(number: int) -> Pin:
        found = fpga.pin("led", number)
        return Pin(found.name, f"LED at {found.name}")

    return {
        "clk": fpga.pin("clk12", where="12 MHz oscillator"),
        "rx": fpga.pin("uart", signal="rx", where="FT2232H channel B"),
        "tx": fpga.pin("uart", signal="tx", where="FT2232H channel B"),
        "cs_n": header(9, pull="up"),
        "copi": header(10),
        "cipo": header(11),
        "sck": header(12),
        "irq": header(13),
        "led_idle": led(0),
        "led_running": led(1),
        "led_accepted": led(2),
        "led_error": led(3),
    }


BOARD = Board(
    "hx8k-breakout", "Lattice iCE40-HX8K breakout board", part("hx8k"), _pins,
    oscillator_hz=12_000_000, clock_hz=66_000_000,
    serial="FT2232H, channel B: the second serial port of the board's USB connector",
    notes=("Jumpers J6 and J7 choose between loading the FPGA itself (iceprog -S) and its flash.",),
)
