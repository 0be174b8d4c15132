"""boards/pll.py: dividers make the clock asked for and keep every range."""

import pytest

from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.parts import part
from blockfactor.boards.pll import RANGES, Oscillator, Pll, dividers
from blockfactor.boards.top import BoardTop
from blockfactor.errors import ConfigError

# Tops that are made to be looked at.
pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")

WITH_PLL = [b for b in BOARDS.values() if "clk" in b.pins and b.clock_hz != b.oscillator_hz]


def check(family, source, found):
    """Frequencies inside a PLL, by the formulas of the data sheets."""
    (low, high), (slow, fast), references, feedbacks, outputs = RANGES[family]
    detector = source / found.reference / 1e6
    oscillator = detector * found.feedback * (1 if family == "ice40" else found.output)
    assert low <= detector <= high and slow <= oscillator <= fast
    assert found.reference <= references and found.feedback <= feedbacks
    assert found.output in outputs
    assert found.frequency == pytest.approx(oscillator / found.output * 1e6)


@pytest.mark.parametrize("board", WITH_PLL, ids=lambda b: b.name)
def test_boards(board):
    """Every board's clock is made exactly, or to .2 %."""
    found = dividers(board.part.family, board.oscillator_hz, board.clock_hz)
    check(board.part.family, board.oscillator_hz, found)
    assert found.frequency == pytest.approx(board.clock_hz, rel=.002)


@pytest.mark.parametrize("family,source,clock,expected", [
    # As the vendors' and the open projects' calculators give them.
    ("ice40", 12_000_000, 30_000_000, (1, 80, 32)),
    ("ice40", 12_000_000, 66_000_000, (1, 88, 16)),
    ("gowin", 27_000_000, 54_000_000, (1, 2, 16)),
])
def test_known(family, source, clock, expected):
    found = dividers(family, source, clock)
    assert (found.reference, found.feedback, found.output) == expected


@pytest.mark.parametrize("family", RANGES)
@pytest.mark.parametrize("source", [10_000_000, 12_000_000, 25_000_000, 27_000_000, 100_000_000])
@pytest.mark.parametrize("clock", [24_000_000, 50_000_000, 77_000_000, 120_000_000])
def test_ranges(family, source, clock):
    try:
        check(family, source, dividers(family, source, clock))
    except ConfigError as problem:
        assert "cannot make it" in str(problem)


def test_impossible():
    with pytest.raises(ConfigError, match="clock_hz 5000000: a PLL of ice40 cannot make it of "
                                          "12000000, the nearest is 8"):
        dividers("ice40", 12_000_000, 5_000_000)
    with pytest.raises(ConfigError, match="clock_hz 20000000: must be 10000000, PLLs of gatemate"):
        dividers("gatemate", 10_000_000, 20_000_000)
    with pytest.raises(ConfigError, match="clock_hz 25000000: the oscillator has 48000000, "):
        Oscillator(25_000_000)


def test_top_uses_them():
    """A PLL only where clock and oscillator differ; the UPduino's oscillator without a pin."""
    top = BoardTop(BOARDS["icebreaker"], BOARDS["icebreaker"].system())
    assert isinstance(top.source, Pll) and top.clock_hz == 30_000_000
    top = BoardTop(BOARDS["icebreaker"], BOARDS["icebreaker"].system(clock_hz=12_000_000))
    assert top.source is None and "clk" in top.ports
    top = BoardTop(BOARDS["upduino3"], BOARDS["upduino3"].system())
    assert isinstance(top.source, Oscillator) and "clk" not in top.ports
    assert Pll(part("up5k"), 12_000_000, 30_000_000).dividers.feedback == 80
