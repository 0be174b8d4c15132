"""Estimate at once whether a core fits a board or part, how large and how fast it is."""

from ._common import print_json, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "estimate"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    from ..config import FRONT_ENDS

    parser.description = (
        "Estimate look-up tables, flip-flops, block RAMs, logic cells, clock and latency of a "
        "system on a board, or of a core or system on a part, without any tool: see "
        "docs/estimate.md for the error. Latency is the mean of clean queries of 22 and 49 "
        "codevectors a codebook (F=3, D=512, B=4). Exit status: 0 it fits, 1 it does not, 2 "
        "wrong argument.")
    parser.epilog = """\
examples:
  blockfactor estimate icebreaker
  blockfactor estimate tang-nano-9k --preset full --bus uart
  blockfactor estimate up5k --preset join --bus spi --set max_codevectors=110
  blockfactor estimate hx8k --all-presets --bus uart --json"""
    parser.add_argument("target", metavar="BOARD|PART",
                        help="a board, with its clock and what surrounds the system there, or a "
                             "part")
    parser.add_argument("--preset", metavar="P",
                        help="configuration of the core (default: the board's; join for a part)")
    parser.add_argument("--all-presets", action="store_true",
                        help="a line for each preset; exit status 0 if any fits")
    parser.add_argument("--bus", choices=FRONT_ENDS, metavar="NAME",
                        help=f"front-end of the system: {', '.join(FRONT_ENDS)} (default: the "
                             "board's; none, the core alone, for a part)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--latency", action="store_true",
                        help="run the golden model where the table has no cycles: some seconds")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..errors import BlockfactorError, ConfigError
    from ..presets import PRESETS
    from ._settings import core_changes

    if args.all_presets and args.preset:
        raise ConfigError("--preset and --all-presets exclude each other")
    changes = core_changes(args.set)
    make, default = _maker(args.target, args.bus, changes)
    found = {}
    for name in PRESETS if args.all_presets else (args.preset or default,):
        try:
            found[name] = make(name)
        except ConfigError:
            # A change may suit some presets only.
            if not (args.all_presets and args.set and name in PRESETS):
                raise
    if not found:
        raise BlockfactorError(f"no preset can be changed so: {' '.join(args.set)}")
    if args.latency:
        from blockfactor.boards.latency_run import with_latency
        found = {name: with_latency(one) for name, one in found.items()}
    if args.json:
        print_json([{"target": args.target, "preset": name, "changes": changes, **one.to_table()}
                    for name, one in found.items()])
    elif args.all_presets:
        print_table(_survey(args.target, found))
    else:
        for name, one in found.items():
            _print(args.target, name, one)
    return 0 if any(not one.excess for one in found.values()) else 1


def _maker(target: str, bus: str | None, changes: dict):
    """A function that estimates a preset for a board or part, and the preset that suits it."""
    from dataclasses import replace

    from blockfactor.boards.estimate import estimate
    from blockfactor.boards.parts import PARTS

    from ..errors import ConfigError
    from ..presets import preset

    if target in PARTS:
        def make(name):
            system = preset(name).system
            return estimate(PARTS[target], replace(
                system, core=system.core.replace(**changes), front_end=bus or "none"))
        return make, "join"

    from blockfactor.boards.catalogue import BOARDS
    from blockfactor.boards.estimate import estimate_board

    if target not in BOARDS:
        raise ConfigError(f"no board or part {target!r}; boards are {', '.join(BOARDS)}; parts "
                          f"are {', '.join(PARTS)}")
    board = BOARDS[target]
    return (lambda name: estimate_board(board, board.system(name, bus, changes))), board.preset


def _text(mean: float | None) -> str:
    """Microseconds for people."""
    if mean is None:
        return "n/a"
    return f"{mean:,.1f} µs" if mean < 1000 else f"{mean / 1000:,.2f} ms"


def _print(target: str, name: str, one) -> None:
    from rich.table import Table
    front_end = one.system["front_end"]
    what = name if front_end == "none" else f"{name} with {front_end}"
    table = Table(title=f"{what} on {target}, estimated", title_justify="left")
    table.add_column("")
    for column in ("needs", "has", "of it"):
        table.add_column(column, justify="right")
    for label, need, has in (("logic cells", one.cells, one.cells_there),
                             ("block RAMs", one.memories, one.memories_there)):
        table.add_row(label, f"{need:,}", f"{has:,}", f"{need / has:.0%}")
    table.add_row("look-up tables", f"{one.luts:,}", "", "")
    table.add_row("flip-flops", f"{one.flip_flops:,}", "", "")
    print_table(table)
    short = "".join(f", {count:,} {label} too few" for label, count in one.excess.items())
    print(f"{one.status}{short}")
    print(f"clock: {one.frequency:.1f} MHz, the worst of some seeds {one.worst:.1f}; "
          f"latency at {one.clock:.1f} MHz:")
    if one.clock > one.frequency:
        print("  (more than estimated: it may take many seeds, or a slower clock)")
    if one.status == "tight":
        print("  (the clock can be some 30 % lower where nearly all cells are used)")
    for engine, by_size in one.latency.items():
        print(f"  {engine}: " + ", ".join(f"M={size} {_text(mean)}"
                                          for size, mean in by_size.items()))
    print(f"error of the model on designs it had not seen: {one.note}")


def _survey(target: str, found: dict):
    from rich.table import Table
    table = Table(title=f"presets on {target}, estimated", title_justify="left")
    for column in ("preset", "", "cells", "BRAM", "LUTs", "FF", "MHz", "latency M=22", "M=49"):
        table.add_column(column, justify="left" if column in ("preset", "") else "right")
    for name, one in found.items():
        # Of the fastest engine.
        latency = [min((mean for mean in means if mean is not None), default=None)
                   for means in zip(*(by.values() for by in one.latency.values()))]
        table.add_row(name, one.status, f"{one.cells:,} of {one.cells_there:,}",
                      f"{one.memories} of {one.memories_there}", f"{one.luts:,}",
                      f"{one.flip_flops:,}", f"{one.frequency:.1f}", *map(_text, latency))
    return table
