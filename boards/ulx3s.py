"""Radiona ULX3S: ECP5 of two sizes, FT231X."""

from dataclasses import replace

from .board import Board, Definition, Pin
from .parts import part

__all__ = ["BOARDS"]


def _pins() -> dict[str, Pin]:
    # All sizes are in the same package.
    fpga = Definition("ulx3s:ULX3S_25F_Platform")

    def header(pin: str, row: int, **options) -> Pin:
        label = f"{'gp' if pin[-1] == '+' else 'gn'}{pin[:-1]}"
        return fpga.connector("gpio", 0, pin, f"J1 {row}{pin[-1]}, {label}", standard="LVCMOS33",
                              **options)

    return {
        "clk": fpga.pin("clk25", where="25 MHz oscillator"),
        "button": fpga.pin("button_fire", 0, where="button FIRE1"),
        "rx": replace(fpga.pin("uart", signal="rx", where="FT231X"), pull="up"),
        "tx": fpga.pin("uart", signal="tx", where="FT231X"),
        # Places on J1 as the vendor calls them: emard/ulx3s doc/constraints/ulx3s_v20.lpf.
        "sck": header("0+", 5),
        "cs_n": header("0-", 5, pull="up"),
        "copi": header("1+", 7),
        "cipo": header("1-", 7),
        "irq": header("2+", 9),
        # Low, the ESP32 may load its own bitstream into the FPGA.
        "high": fpga.pin("esp32", signal="gpio0", where="ESP32 GPIO0"),
        "led_idle": fpga.pin("led", 0, where="LED 0"),
        "led_running": fpga.pin("led", 1, where="LED 1"),
        "led_accepted": fpga.pin("led", 2, where="LED 2"),
        "led_error": fpga.pin("led", 3, where="LED 3"),
    }


BOARDS = tuple(Board(
    f"ulx3s-{size}", f"Radiona ULX3S with LFE5U-{size.upper()}", part(f"ecp5-{size}"), _pins,
    oscillator_hz=25_000_000, clock_hz=80_000_000, preset="full",
    serial="FT231X: the USB connector US1",
) for size in ("25f", "85f"))
