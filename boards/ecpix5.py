"""LambdaConcept ECPIX-5: ECP5-5G, eight PMODs, FT2232H."""

from .board import Board, Definition, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    fpga = Definition("ecpix5:ECPIX585Platform")

    def pmod(pin: int, **options) -> Pin:
        return fpga.connector("pmod", 0, str(pin), f"PMOD0 pin {pin}", standard="LVCMOS33",
                              **options)

    return {
        "clk": fpga.pin("clk100", where="100 MHz oscillator"),
        "rx": fpga.pin("uart", signal="rx", where="FT2232H channel B"),
        "tx": fpga.pin("uart", signal="tx", where="FT2232H channel B"),
        # In the order of Digilent's PMOD for SPI.
        "cs_n": pmod(1, pull="up"),
        "copi": pmod(2),
        "cipo": pmod(3),
        "sck": pmod(4),
        "irq": pmod(7),
        "led_idle": fpga.pin("rgb_led", 1, "g", where="LD6, green"),
        "led_running": fpga.pin("rgb_led", 0, "b", where="LD5, blue"),
        "led_accepted": fpga.pin("rgb_led", 0, "g", where="LD5, green"),
        "led_error": fpga.pin("rgb_led", 0, "r", where="LD5, red"),
    }


BOARD = Board(
    "ecpix5-85f", "LambdaConcept ECPIX-5 with LFE5UM5G-85F", part("ecp5-85f-8"), _pins,
    oscillator_hz=100_000_000, clock_hz=80_000_000, preset="full",
    serial="FT2232H, channel B; FT4232H on boards of revision 3: the USB connector for debugging",
    # LiteX has the reset button at N5, amaranth-boards at AB1: boards seem to differ.
    notes=("No button: sources disagree on its pin.",
           "openFPGALoader calls boards of revision 3 ecpix5_r03."),
)
