"""boards/top.py: pins, polarity, reset and lights of a board's top level."""

import re

import pytest
from amaranth.sim import Simulator

from blockfactor.boards.board import Board, Pin
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.families import FAMILIES
from blockfactor.boards.parts import part
from blockfactor.boards.top import RESET_TIME, BoardTop
from blockfactor.errors import ConfigError
from blockfactor.rtl.verilog import rtlil_to_verilog

# Tops that are made to be looked at.
pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")

#: So slow a clock that times are a few cycles.
CLOCK_HZ = 200_000


def small(inverted):
    """A board of pins alone, all of one polarity."""
    names = ("clk", "button", "rx", "tx", "irq", "high", "led_idle", "led_running",
             "led_accepted", "led_error")
    pins = {name: Pin(str(n), inverted=inverted and name.startswith(("led", "button")))
            for n, name in enumerate(names)}
    return Board("small", "Small", part("up5k"), lambda: pins, CLOCK_HZ, CLOCK_HZ)


@pytest.mark.parametrize("inverted", [False, True])
def test_reset_and_lights(inverted):
    """Lights after the reset, and the button resets anew."""
    board = small(inverted)
    top = BoardTop(board, board.system(baud=10_000), clocking=False)
    assert top.source is None
    seen = []

    def light(ctx, name):
        return ctx.get(top.ports[f"led_{name}"]) ^ inverted

    async def bench(ctx):
        ctx.set(top.ports["button"], inverted)
        ctx.set(top.ports["rx"], 1)
        held = 0
        while ctx.get(top.reset):
            await cycle(ctx)
            held += 1
        assert RESET_TIME * CLOCK_HZ <= held <= 4 * RESET_TIME * CLOCK_HZ + 4
        assert ctx.get(top.ports["tx"]) == 1 and ctx.get(top.ports["high"]) == 1
        for _ in range(200):  # the memories are cleared
            await cycle(ctx)
        assert [light(ctx, n) for n in ("idle", "running", "accepted", "error")] == [1, 0, 0, 0]
        ctx.set(top.ports["button"], not inverted)
        for _ in range(6):
            await cycle(ctx)
        assert ctx.get(top.reset)
        ctx.set(top.ports["button"], inverted)
        seen.append(True)

    async def cycle(ctx):
        ctx.set(top.ports["clk"], 1)
        await ctx.delay(1e-6)
        ctx.set(top.ports["clk"], 0)
        await ctx.delay(1e-6)

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda b: b.name)
@pytest.mark.parametrize("front_end", ["uart", "spi"])
def test_ports_and_constraints(board, front_end):
    """Every port has its place, and nothing else has one."""
    top = BoardTop(board, board.system(front_end=front_end))
    pins = {name: board.pins[name] for name in top.ports}
    text = FAMILIES[board.part.family].constraints(pins, board.oscillator_hz)
    for name, pin in pins.items():
        assert re.search(rf'(?<![\w]){name}(?![\w])', text), name
        assert re.search(rf'(?<![\w]){re.escape(pin.name)}(?![\w])', text), pin
    wanted = {"uart": {"rx", "tx"}, "spi": {"sck", "cs_n", "copi", "cipo"}}
    assert wanted[front_end] <= set(pins)
    assert not set(pins) & (wanted["uart"] | wanted["spi"]) - wanted[front_end]
    BoardTop(board, board.system(front_end=front_end), clocking=False)


def test_tristate():
    """cipo is driven only while the board is selected."""
    board = BOARDS["icebreaker"]
    top = BoardTop(board, board.system("both", "spi"), clocking=False)
    verilog = rtlil_to_verilog(top.to_rtlil(), "board")
    assert "assign cipo = oe ? o : 1'bz;" in verilog


def test_refused():
    board = BOARDS["icebreaker"]
    with pytest.raises(ConfigError, match="front_end 'wishbone': board icebreaker has pins for "
                                          "uart, spi"):
        board.system(front_end="wishbone")
    with pytest.raises(ConfigError, match="no preset 'large'"):
        board.system("large")
    pins = {"clk": Pin("1"), "led": Pin("2")}
    with pytest.raises(ConfigError, match="board odd: no signal 'led'"):
        _ = Board("odd", "", part("up5k"), lambda: pins, 1, 1).pins
