"""1BitSquared iCEBreaker: iCE40 UP5K, three PMODs, FT2232H."""

from .board import Board, Definition, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    fpga = Definition("icebreaker:ICEBreakerPlatform")

    def pmod(number: int, pin: int, where: str, **options) -> Pin:
        return fpga.connector("pmod", number, str(pin), f"{where} pin {pin}", **options)

    return {
        "clk": fpga.pin("clk12", where="12 MHz oscillator"),
        "button": fpga.pin("button", where="UBUTTON (BTN_N)"),
        "rx": fpga.pin("uart", signal="rx", where="FT2232H channel B"),
        "tx": fpga.pin("uart", signal="tx", where="FT2232H channel B"),
        # In the order of Digilent's PMOD for SPI.
        "cs_n": pmod(0, 1, "PMOD1A", pull="up"),
        "copi": pmod(0, 2, "PMOD1A"),
        "cipo": pmod(0, 3, "PMOD1A"),
        "sck": pmod(0, 4, "PMOD1A"),
        "irq": pmod(0, 7, "PMOD1A"),
        "led_idle": pmod(2, 1, "LED2, green, of the break-off board: PMOD2"),
        "led_running": pmod(2, 2, "LED3, green, of the break-off board: PMOD2"),
        "led_accepted": fpga.pin("led_g", where="green LED (LEDG_N)"),
        "led_error": fpga.pin("led_r", where="red LED (LEDR_N)"),
    }


BOARD = Board(
    "icebreaker", "1BitSquared iCEBreaker", part("up5k"), _pins,
    oscillator_hz=12_000_000, clock_hz=30_000_000,
    serial="FT2232H, channel B: the second serial port of the board's USB connector",
    notes=("Idle and running are shown by the break-off board at PMOD2.",),
)
