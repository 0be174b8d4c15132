"""Good Stuff Department OrangeCrab r0.2: ECP5 on a Feather board, USB straight to the FPGA."""

from .board import Board, Definition, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    fpga = Definition("orangecrab_r0_2:OrangeCrabR0_2_25FPlatform")

    def header(pin: str, label: str, **options) -> Pin:
        return fpga.connector("io", 0, pin, f"Feather header, {label}", standard="LVCMOS33",
                              **options)

    return {
        "clk": fpga.pin("clk", where="48 MHz oscillator"),
        "button": fpga.pin("button", where="button usr_btn"),
        "rx": header("0", "0 (RX)", pull="up"),
        "tx": header("1", "1 (TX)"),
        "sck": header("sck", "SCK"),
        "cs_n": header("10", "10", pull="up"),
        "copi": header("copi", "MO"),
        "cipo": header("cipo", "MI"),
        "irq": header("9", "9"),
        "led_running": fpga.pin("rgb_led", signal="b", where="RGB LED, blue"),
        "led_accepted": fpga.pin("rgb_led", signal="g", where="RGB LED, green"),
        "led_error": fpga.pin("rgb_led", signal="r", where="RGB LED, red"),
    }


BOARD = Board(
    "orangecrab-25f", "OrangeCrab r0.2 with LFE5U-25F", part("ecp5-25f-8"), _pins,
    oscillator_hz=48_000_000, clock_hz=80_000_000, preset="full",
    front_end="spi",
    serial="an adapter for 3.3 V at pins 0 and 1 of the Feather header: USB has no serial port",
    notes=("Hold the button while plugging in: the boot loader then waits for dfu-util.",),
)
