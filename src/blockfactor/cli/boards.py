"""List the boards, or show the pins of one."""

from ._common import print_json, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "boards"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "List the boards that bitstreams can be built for, with the part, and the preset, bus, "
        "clock and programmer that are used unless told otherwise. With a name: its pins.")
    parser.epilog = """\
examples:
  blockfactor boards
  blockfactor boards icebreaker
  blockfactor boards --json"""
    parser.add_argument("board", nargs="?", metavar="BOARD", help="show the pins of this board")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from blockfactor.boards.catalogue import BOARDS, board
    from blockfactor.boards.programmers import LOADERS

    if args.board is None:
        rows = [_row(b, LOADERS[b.name][0].name) for b in BOARDS.values()]
        if args.json:
            print_json(rows)
        else:
            _print_boards(rows)
        return 0
    chosen = board(args.board)
    row = _row(chosen, LOADERS[chosen.name][0].name) | {
        "serial": chosen.serial, "notes": list(chosen.notes),
        "pins": {name: {"pin": pin.name, "where": pin.where, "inverted": pin.inverted}
                 for name, pin in chosen.pins.items()}}
    if args.json:
        print_json(row)
    else:
        _print_board(row)
    return 0


def _row(board, programmer: str) -> dict:
    return {
        "name": board.name,
        "title": board.title,
        "part": board.part.about,
        "preset": board.preset,
        "bus": board.front_end,
        "clock_hz": board.clock_hz,
        "baud": board.baud,
        "programmer": programmer,
        "packed_only": board.packed_only,
    }


def _print_boards(rows: list[dict]) -> None:
    from rich.table import Table
    table = Table()
    for column in ("board", "", "part", "preset", "bus", "MHz", "baud", "programmer", "state"):
        table.add_column(column, justify="right" if column in ("MHz", "baud") else "left")
    for r in rows:
        table.add_row(r["name"], r["title"], r["part"], r["preset"], r["bus"],
                      f"{r['clock_hz'] / 1e6:g}", f"{r['baud']:,}", r["programmer"],
                      "packed only" if r["packed_only"] else "simulated")
    print_table(table)
    print("No board has been tried with hardware. Simulated: its top level runs as a virtual "
          "board; packed only: the tools make a bitstream.")


def _print_board(row: dict) -> None:
    from rich.table import Table
    table = Table(title=f"{row['title']}: {row['part']}", title_justify="left")
    for column in ("signal", "pin", "active", "where"):
        table.add_column(column)
    for name, pin in row["pins"].items():
        table.add_row(name, pin["pin"], "low" if pin["inverted"] else "", pin["where"])
    print_table(table)
    if row["serial"]:
        print(f"Serial line: {row['serial']}, {row['baud']:,} baud.")
    for note in row["notes"]:
        print(note)
