"""tinyVision.ai UPduino 3: iCE40 UP5K on a stick, no clock wired to it, FT232H.

Pins of the serial line: XarkLabs/upduino-example upduino_v3.pcf.
"""

from .board import Board, Definition, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    fpga = Definition("upduino_v3:UpduinoV3Platform")

    def header(pin: int, label: str, **options) -> Pin:
        return fpga.connector("j", 0, str(pin), f"JP5 (left row) pin {pin}, labelled {label}",
                              **options)

    return {
        # The FT232H shares these with the flash, which must not be selected meanwhile.
        "rx": Pin("15", "FT232H ADBUS0, flash SCK", pull="up"),
        "tx": Pin("14", "FT232H ADBUS1, flash SI"),
        "high": Pin("16", "flash CS"),
        "cs_n": header(7, "23", pull="up"),
        "copi": header(8, "25"),
        "cipo": header(9, "26"),
        "sck": header(10, "27"),
        "irq": header(11, "32"),
        "led_running": fpga.pin("rgb_led", signal="b", where="RGB LED, blue"),
        "led_accepted": fpga.pin("rgb_led", signal="g", where="RGB LED, green"),
        "led_error": fpga.pin("rgb_led", signal="r", where="RGB LED, red"),
    }


BOARD = Board(
    "upduino3", "tinyVision.ai UPduino 3", part("up5k"), _pins,
    oscillator_hz=48_000_000, clock_hz=24_000_000,
    # It has a clock of its own.
    front_end="spi",
    serial="FT232H, on the wires of the flash: the board's USB connector",
    baud=115_200,
    notes=("The clock is the FPGA's own oscillator, which may be 10 % off: more than a serial line "
           "bears, so that a baud rate may have to be found by trial.",),
)
