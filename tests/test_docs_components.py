# amaranth: UnusedElaboratable=no
"""docs/components.md lists every component, with the figures that the components state."""

import importlib
import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.lib import wiring

from blockfactor.golden.cycles import multiply_digit
from blockfactor.presets import preset
from blockfactor.registers import register_map
from blockfactor.rtl.system import HANDLERS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "components.md").read_text(encoding="utf-8")
#: Name -> file, figures.
ROWS = {name: (file, dict(re.findall(r"`(\w+)` (\d+)", figures)))
        for name, file, figures in re.findall(
            r"^\| `(\w+)` \| ([\w/]+)\.py \| [^|]* \| ([^|]*) \| [^|]*\|$", PAGE, re.MULTILINE)}
SYSTEM = replace(preset("demo").system, front_end="native")
CONFIG = SYSTEM.core
#: Components that are not made from a configuration alone.
ARGUMENTS = {
    "Memory": (8, 16),
    "Multiplier": (CONFIG.scaled_threshold_bits, max(CONFIG.product_bits, 16),
                   multiply_digit(CONFIG)),
    "WeightDivider": (CONFIG.element_bits, CONFIG.weight_bits),
    "LogWeight": (CONFIG.element_bits, CONFIG.weight_bits),
    "CodebookMemory": (CONFIG, 3),
    "ListMemory": (CONFIG, 2),
    "LookUpBlocks": (CONFIG, 2),
    "Lane": (CONFIG, 0),
    "OrderStatistic": (CONFIG.block_similarity_bits, CONFIG.blocks),
    "RegisterBank": (register_map(SYSTEM), HANDLERS),
    **dict.fromkeys(("QueryWindow", "QueryQueue", "CodebookWindow", "ResultQueue", "System"),
                    (SYSTEM,)),
    **dict.fromkeys(("NativeTarget", "SpiTarget", "WishboneTarget", "ApbTarget",
                     "Axi4LiteTarget"), ()),
    "UartTarget": (SYSTEM.clock_hz, SYSTEM.baud),
}
#: A property whose value is cycles, or on which they depend.
FIGURE = re.compile(r"latency|cycles|digit|.*_(latency|cycles|drain|overhead)$")


def files() -> list[str]:
    """Every file of rtl/, without its ending."""
    rtl = ROOT / "rtl"
    return [path.relative_to(rtl).with_suffix("").as_posix() for path in rtl.rglob("*.py")
            if path.stem != "__init__"]


def module_of(file: str):
    """Module of such a file."""
    return importlib.import_module(f"blockfactor.rtl.{file.replace('/', '.')}")


def components():
    """Name -> file of every component in rtl/."""
    found = {}
    for file in files():
        module = module_of(file)
        for name, value in vars(module).items():
            if (inspect.isclass(value) and issubclass(value, wiring.Component)
                    and value.__module__ == module.__name__):
                found[name] = file
    return found


def test_every_component_is_listed():
    assert {name: file for name, (file, _) in ROWS.items()} == components()


def test_every_file_is_named():
    for file in files():
        assert f"{file}.py" in PAGE, file


@pytest.mark.parametrize("name", ROWS)
def test_figures(name):
    """All figures a component has, and no other."""
    file, figures = ROWS[name]
    make = getattr(module_of(file), name)
    component = make(*ARGUMENTS.get(name, (CONFIG,)))
    members = {member for member in dir(component) if FIGURE.fullmatch(member)}
    assert {member: getattr(component, member) for member in members} == {
        member: int(value) for member, value in figures.items()}
