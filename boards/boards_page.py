"""The page docs/boards.md: figures, pins and notes of every board."""

import sys
from pathlib import Path

from blockfactor.tables import write_text

from .board import Board
from .build import BoardReport
from .catalogue import BOARDS
from .figures import load
from .latency import POINTS

__all__ = ["COMMAND", "boards_page", "figures_table", "main", "with_table"]

#: The command that makes the figures.
COMMAND = ("blockfactor report --boards --seeds 8 --check --json docs/boards.json "
           "--markdown docs/boards.md")
#: Between these the README has the table too.
MARKS = "<!-- boards: made by make docs -->\n", "<!-- end of boards -->"

BEGIN = """\
# Boards

    blockfactor boards                 # what there is
    blockfactor build icebreaker       # bitstream, about two minutes
    blockfactor flash icebreaker       # see flash.md
    blockfactor selftest --port /dev/ttyUSB1 --board icebreaker
    blockfactor virtual icebreaker     # a board for those who have none: see virtual.md

No board has been tried with hardware: what is shown is that the open tools make a bitstream that
meets its clock, and that the board's top level, and for four boards the net-list of the bitstream
or of place and route, does what it must in simulation (tests/sim). Those marked † are packed only.
"""

ABOUT = """\
Made by `{command}`, which takes about an hour on two cores and goes on where it was interrupted.
BRAM: of those the part has. MHz: place and route at the slowest corner, with as many seeds as the
table says; `build`
tries seeds until one meets the clock, and fails if none does. Latency: mean of 1,000 clean queries
at the board's clock (M codevectors in each of three codebooks, D=512, B=4), without the transfer;
factorize with the published A and T.
"""


def figures_table(reports: list[BoardReport]) -> str:
    """The figures, as a table in Markdown."""
    points = " | ".join(f"{engine} M={size}" for engine in ("join", "factorize")
                        for size in POINTS)
    lines = [f"| board | preset | bus | LUT | BRAM | clock | MHz, median | MHz, worst "
             f"| seeds | {points} |",
             "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for r in reports:
        mark = " †" if BOARDS[r.board].packed_only else ""
        times = []
        for engine in ("join", "factorize"):
            for size in POINTS:
                cycles = r.cycles.get(engine, {}).get(str(size))
                times.append("" if cycles is None else f"{cycles / r.clock_hz * 1e6:,.1f} µs")
        lines.append(f"| {r.board}{mark} | `{r.preset}` | {r.front_end} | {r.luts:,} "
                     f"| {r.memories} of {r.memories_there} | {r.clock_hz / 1e6:.1f} MHz "
                     f"| {r.median:.1f} | {r.worst:.1f} | {len(r.frequency)} "
                     f"| {' | '.join(times)} |")
    return "\n".join(lines)


def _board(board: Board) -> list[str]:
    """Pins and notes of a board."""
    clock = (f"{board.oscillator_hz / 1e6:g} MHz from {board.pins['clk'].where}"
             if "clk" in board.pins else f"the FPGA's own oscillator, {board.clock_hz / 1e6:g} MHz")
    made = ("" if board.clock_hz == board.oscillator_hz or "clk" not in board.pins
            else f", made {board.clock_hz / 1e6:g} MHz by a PLL")
    lines = [f"### {board.title}", "",
             f"`{board.name}`: {board.part.about}; clock: {clock}{made}; "
             + (f"serial line: {board.serial}, {board.baud:,} baud." if board.serial else
                "no serial line over USB."), ""]
    if board.serial and board.front_end != "uart":
        lines += [f"- The bitstream has {board.front_end.upper()}, not the serial line, unless "
                  f"made by `blockfactor build {board.name} --bus uart`: `selftest` needs that."]
    lines += [f"- {note}" for note in board.notes]
    lines += [""] if board.notes else []
    lines += ["| signal | pin | active | on the board |", "|---|---|---|---|"]
    lines += [f"| {name} | {pin.name} | {'low' if pin.inverted else ''} | {pin.where} |"
              for name, pin in board.pins.items()]
    return [*lines, ""]


def boards_page(reports: list[BoardReport]) -> str:
    """Text of the page."""
    tools = sorted({item for r in reports for item in r.tools.items()})
    lines = [BEGIN, "## Figures", "", figures_table(reports), "",
             ABOUT.format(command=COMMAND).rstrip(), "",
             "Tools: " + ", ".join(f"{name} {version}" for name, version in tools) + ".", "",
             "Block RAMs have " + "; ".join((
                 "4 kbit on iCE40", "18 kbit on ECP5, Gowin and CrossLink-NX",
                 "40 kbit on GateMate")) + ". LUT: look-up tables as logic, after synthesis.", "",
             "## Pins", "",
             "Signals of SPI are those of [spi.md](spi.md). `button` resets. Lights: idle; running "
             "(at least 20 ms); accepted (the last result was); error (ERRORS is not 0). `irq` is "
             "the interrupt. All are 3.3 V unless a note says otherwise.", ""]
    for board in BOARDS.values():
        lines += _board(board)
    return "\n".join(lines)


def with_table(text: str, reports: list[BoardReport]) -> str:
    """A text with the table between :data:`MARKS` made anew."""
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}{figures_table(reports)}\n{MARKS[1]}{after}"


def main(data: str, page: str, readme: str | None = None) -> int:
    """Write the page, and the README's table, from figures kept as JSON."""
    reports = load(Path(data))
    write_text(page, boards_page(reports))
    if readme:
        write_text(readme, with_table(Path(readme).read_text(encoding="utf-8"), reports))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
