"""tinyVision.ai pico-ice: iCE40 UP5K and an RP2040 that clocks and loads it.

Pins: the vendor's constraint file, tinyvision-ai-inc/pico-ice-sdk rtl/pico_ice.pcf, and the README
of the default firmware, tinyvision-ai-inc/pico-ice Firmware/pico-ice-default.
"""

from .board import Board, Pin
from .parts import part

__all__ = ["BOARD"]


def _pins() -> dict[str, Pin]:
    return {
        "clk": Pin("35", "ICE_35_G0, from the RP2040's GPIO24"),
        # The vendor's UART_RX is the FPGA's input too.
        "rx": Pin("27", "ICE_27, RP2040 GPIO0", pull="up"),
        "tx": Pin("25", "ICE_25, RP2040 GPIO1"),
        # In the order of Digilent's PMOD for SPI. The other SPI pins are those of the flash, which
        # the RP2040 drives.
        "cs_n": Pin("43", "ICE PMOD1A pin 1, ICE_43", pull="up"),
        "copi": Pin("38", "ICE PMOD1A pin 2, ICE_38"),
        "cipo": Pin("34", "ICE PMOD1A pin 3, ICE_34"),
        "sck": Pin("31", "ICE PMOD1A pin 4, ICE_31"),
        "irq": Pin("42", "ICE PMOD1B pin 7, ICE_42"),
        "led_running": Pin("40", "RGB LED of the FPGA, blue", inverted=True),
        "led_accepted": Pin("39", "RGB LED of the FPGA, green", inverted=True),
        "led_error": Pin("41", "RGB LED of the FPGA, red", inverted=True),
    }


BOARD = Board(
    "pico-ice", "tinyVision.ai pico-ice", part("up5k"), _pins,
    # With its pins the worst of eight seeds gave 26.9 MHz.
    oscillator_hz=12_000_000, clock_hz=24_000_000,
    serial="RP2040 with its default firmware: the second of its three USB serial ports",
    # What the firmware sets its UART to, whatever the host asks for.
    baud=115_200,
    notes=("The clock comes from the RP2040: 12 MHz with its default firmware, none without.",
           "ICE PMOD1 is the one beside the FPGA's LED that the RP2040 has no part in."),
)
