"""The C driver for microcontrollers: it compiles in silence, needs nothing, and has its sizes."""

import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from c_driver import write_driver

from blockfactor.presets import PRESETS

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.needs_modules("ziglang", "elftools")

#: What C compilers call without being asked to, and have with them.
COMPILERS_OWN = re.compile(r"mem(cpy|set|move)|__aeabi_\w+|__\w+[sd]i3")


@pytest.fixture(scope="module")
def bench():
    """The module bench/driver_size.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        return importlib.import_module("driver_size")


def test_page_is_up_to_date(bench):
    """``python bench/driver_size.py --write`` wrote the table, of these sources; two rows anew."""
    page = (ROOT / "docs" / "drivers_mcu.md").read_text(encoding="utf-8")
    written = page.split(bench.BEGIN)[1].split(bench.END)[0]
    assert written.endswith(bench.SOURCES.format(bench.digest()))
    assert re.findall(r"^\| ([\w+-]+) \| (mmio|spi) \|", written, re.M) == [
        (target, transport) for target in bench.TARGETS for transport in bench.TRANSPORTS]
    sizes = [bench.measure(*row) for row in (("Cortex-M0+", "spi"), ("rv32imc", "mmio"))]
    for row in bench.table(sizes).splitlines():
        assert row in page.splitlines()
    for size in sizes:
        assert size.data == size.bss == 0
        # The frames of SPI alone, and the words made on the way.
        assert 100 < size.stack < 800 and 2000 < size.driver_text < 6000


@pytest.mark.parametrize("target", ["Cortex-M0+", "Cortex-M4", "rv32i", "rv32imc"])
def test_compiles(target, bench, tmp_path):
    """With all warnings, for freestanding programs; nothing is called that is not there."""
    from elftools.elf.elffile import ELFFile

    assert set(bench.TARGETS) == {"Cortex-M0+", "Cortex-M4", "rv32i", "rv32imc"}
    sources = set()
    for bus in ("native", "spi"):
        system = replace(PRESETS["odd"].system, front_end=bus)
        sources |= set(write_driver(tmp_path, PRESETS["odd"], system, "odd"))
    assert sources == {"odd_driver.c", "odd_mmio.c", "odd_spi.c"}
    defined, needed = set(), set()
    for source in sorted(sources):
        bench.compile_c(target, tmp_path, source, "-c", "-o", f"{source}.o")
        with (tmp_path / f"{source}.o").open("rb") as file:
            elf = ELFFile(file)
            assert elf["e_machine"] == ("EM_ARM" if "Cortex" in target else "EM_RISCV")
            for symbol in elf.get_section_by_name(".symtab").iter_symbols():
                if symbol["st_info"]["bind"] == "STB_GLOBAL" and symbol.name:
                    (needed if symbol["st_shndx"] == "SHN_UNDEF" else defined).add(symbol.name)
    assert all(name.startswith("odd_") for name in defined) and len(defined) > 15
    assert not [name for name in needed - defined if not COMPILERS_OWN.fullmatch(name)]
