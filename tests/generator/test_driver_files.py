"""generator/driver_files.py: initialisers, names, and which files there are."""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from c_driver import WARNINGS, Library, write_driver

from blockfactor.config import FRONT_ENDS, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.generator.driver_files import MEMORY_MAPPED, driver_files, initialiser
from blockfactor.generator.micropython import micropython_driver
from blockfactor.parameters import MODES, RULES, WEIGHTS, RunParameters
from blockfactor.presets import PRESETS

DEMO = PRESETS["demo"]
SYSTEM = replace(DEMO.system, front_end="native")


def random_parameters(rng) -> RunParameters:
    """Any that there can be of three factors."""
    sizes = tuple(int(n) for n in rng.integers(1, 33, 3))
    values = {name: int(rng.integers(low, high, endpoint=True))
              for name, (low, high) in RunParameters.RANGES.items()}
    return RunParameters(sizes=sizes, mode=str(rng.choice(MODES)), rule=str(rng.choice(RULES)),
                         dense_weights=str(rng.choice(WEIGHTS)),
                         known=tuple(int(rng.integers(-1, size)) for size in sizes), **values)


@pytest.mark.needs("g++")
def test_initialisers(tmp_path):
    """Byte by byte what they stand for, in C and in C++."""
    rng = np.random.default_rng(11)
    cases = [random_parameters(rng) for _ in range(20)]
    macros = "\n".join(initialiser(f"CASE{n}", "DEMO", p) for n, p in enumerate(cases))
    (tmp_path / "cases.c").write_text(
        f'#include "demo_driver.h"\n{macros}\n#ifdef __cplusplus\nextern "C" {{ extern\n#endif\n'
        "const demo_parameters cases[];\n#ifdef __cplusplus\n}\n#endif\n"
        "const demo_parameters cases[] = {"
        + ", ".join(f"CASE{n}" for n in range(len(cases))) + "};\n")
    library = Library(tmp_path, DEMO, SYSTEM, "demo", more=("cases.c",))
    found = (library.Parameters * len(cases)).in_dll(library.c, "cases")
    for made, parameters in zip(found, cases):
        assert bytes(made) == bytes(library.parameters(parameters)), parameters
    subprocess.run(["g++", "-x", "c++", "-std=c++11", *WARNINGS, "-fsyntax-only", "cases.c"],
                   cwd=tmp_path, check=True, timeout=120)


@pytest.mark.parametrize("bus", FRONT_ENDS[1:])
def test_files(bus):
    found = driver_files(DEMO, replace(SYSTEM, front_end=bus), "unit")
    way = "mmio" if bus in MEMORY_MAPPED else bus
    parts = {"driver"} | ({way} - {"uart"})
    assert set(found) == {f"unit_{part}.{end}" for part in parts for end in "hc"}
    for file, text in found.items():
        assert text.isascii() and text.endswith("\n") and not text.endswith("\n\n"), file
        assert not re.search(r"blockfactor_|BLOCKFACTOR|@", text), file
        assert max(map(len, text.splitlines())) < 120, file
        # No number of the map: only small ones, of SPI's frames and the CRC's polynomial.
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        numbers = set(re.findall(r"\b0x[0-9A-Fa-f]+", code)) - {"0x02", "0x03", "0x08", "0xA0",
                                                               "0xE0", "0xEDB88320"}
        assert not numbers or file == "unit_driver.h", (file, numbers)


def test_sizes_are_those_of_the_codebooks():
    text = driver_files(DEMO, SYSTEM, "unit", (5, 6, 7))["unit_driver.h"]
    assert text.count("{5, 6, 7}, /* sizes */") == 2
    spi = replace(SYSTEM, front_end="spi")
    assert micropython_driver(DEMO, spi, "unit", (5, 6, 7)).count("'sizes': (5, 6, 7),") == 2


def test_names():
    for call in (driver_files, micropython_driver):
        with pytest.raises(ConfigError, match="^name '_core' begins with an underscore"):
            call(DEMO, SYSTEM, "_core")


def test_a_clock_makes_no_difference(tmp_path):
    """What software does not notice is not in the driver."""
    other = SystemConfig(core=DEMO.core, front_end="wishbone", clock_hz=99_000_000)
    assert driver_files(DEMO, other, "unit") == driver_files(DEMO, SYSTEM, "unit")
    assert write_driver(tmp_path, DEMO, other, "unit") == ["unit_driver.c", "unit_mmio.c"]
