"""Measure area and clock frequency of cores and systems on FPGAs by synthesis, place and route."""

import json
from pathlib import Path

from ._common import integer, number, output_file, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "report"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    from ..config import FRONT_ENDS

    parser.description = (
        "Synthesise cores, or systems with a bus, with Yosys, place and route them with nextpnr, "
        "and print how large and how fast they are. Without --preset: those that --check has "
        "bounds for. One run of place and route takes about half a minute. With --board or "
        "--boards: bitstreams of boards, each with its own preset and bus, and how long its "
        "engines take.")
    parser.epilog = """\
examples:
  blockfactor report --check
  blockfactor report --preset join --bus spi --part up5k
  blockfactor report --front-ends
  blockfactor report --board icebreaker --board ulx3s-25f --seeds 8
  blockfactor report --boards --seeds 8 --check --json boards.json --markdown boards.md
  blockfactor report --preset tiny --set query_entries=1 --set weight_bits=1 --part up5k
  blockfactor report --preset paper --preset robust --part ecp5-25f --seeds 5 --json area.json"""
    parser.add_argument("--preset", action="append", default=[], metavar="P",
                        help="configuration of the core (may be repeated)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--bus", choices=FRONT_ENDS, metavar="NAME",
                        help=f"front-end of the system: {', '.join(FRONT_ENDS)} "
                             "(default: none, the core alone)")
    parser.add_argument("--front-ends", action="store_true",
                        help="measure each front-end, and registers with queues, alone; cores "
                             "only with --preset, --bus or --check")
    parser.add_argument("--part", metavar="NAME",
                        help="FPGA (default: ecp5-25f, up5k for preset tiny)")
    parser.add_argument("--board", action="append", default=[], metavar="NAME",
                        help="measure a board's bitstream (may be repeated)")
    parser.add_argument("--boards", action="store_true",
                        help="those of all boards; what --keep has of the same design is not "
                             "built again")
    parser.add_argument("--jobs", type=integer(1, 64), default=1, metavar="N",
                        help="boards built at the same time (default 1)")
    parser.add_argument("--seeds", type=integer(1, 100), default=3, metavar="N",
                        help="runs of place and route (default 3)")
    parser.add_argument("--freq", type=number(1, 1000), metavar="MHZ",
                        help="frequency to aim at (default: the part's)")
    parser.add_argument("--check", action="store_true",
                        help="exit status 1 if the worst seed breaks a bound, or one does not fit")
    parser.add_argument("--path", action="store_true",
                        help="print the critical path of the worst seed")
    parser.add_argument("--keep", metavar="DIR", help="keep the tools' files in DIR")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--markdown", metavar="FILE", help="write the figures as a page")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from blockfactor.boards import front_ends
    from blockfactor.boards.parts import part
    from blockfactor.boards.report import markdown, measure, system_config, title
    from blockfactor.boards.synthesis import SynthesisError

    from ..tables import write_text

    files = {key: output_file(value) for key, value in
             (("json", args.json), ("markdown", args.markdown)) if value}
    if args.board or args.boards:
        return _boards(args, files)
    jobs = _jobs(args)
    for name, target, wanted, bus in jobs:  # before the first takes its time
        system_config(name, wanted, bus)
        part(target)
    parts = [part(args.part).name] if args.part else front_ends.PARTS
    seeds = range(1, args.seeds + 1)
    keep = Path(args.keep) if args.keep else None
    reports, costs, problems = [], [], []
    with _progress() as progress:
        for name, target, wanted, bus in jobs:
            words = [target, name, *([bus] if bus != "none" else []),
                     *(f"{k}={v}" for k, v in wanted.items())]
            try:
                reports.append(measure(name, target, wanted, seeds, args.freq,
                                       keep and keep / "-".join(words), progress, bus))
            except SynthesisError as problem:
                # One that does not fit is no reason to lose the others' figures.
                if not args.check:
                    raise
                problems.append(f"{title(name, wanted, bus)} on {target}: {problem}")
        if args.front_ends:
            costs = front_ends.measure_front_ends(parts, seeds, args.freq, keep, progress)
    problems += [text for report in reports for text in report.problems()]
    if reports:
        print_table(_table(reports))
    if costs:
        print_table(_cost_table(costs))
    if args.path:
        _print_paths([(r.title, r.part, r.worst, r.path) for r in reports])
    for text in problems:
        print(text)
    if "json" in files:
        write_text(files["json"], json.dumps(
            {"problems": problems, "reports": [r.to_table() for r in reports],
             "front_ends": [c.to_table() for c in costs]}, indent=2))
    if "markdown" in files:
        sections = [front_ends.section(costs, reports)] if costs else []
        tools = {name: version for c in costs for name, version in c.tools.items()}
        write_text(files["markdown"], markdown(reports, sections=sections, tools=tools))
    return 1 if problems and args.check else 0


def _boards(args, files) -> int:
    """Measure boards."""
    from blockfactor.boards.boards_page import boards_page
    from blockfactor.boards.catalogue import BOARDS, board
    from blockfactor.boards.figures import measure_boards, problems, save

    from ..errors import ConfigError
    from ..tables import write_text

    for name, given in (("--preset", args.preset), ("--set", args.set), ("--bus", args.bus),
                        ("--part", args.part), ("--freq", args.freq),
                        ("--front-ends", args.front_ends)):
        if given:
            raise ConfigError(f"{name} does not go with boards, which have their own: "
                              "blockfactor build changes one")
    chosen = list(BOARDS.values()) if args.boards else [board(name) for name in args.board]
    keep = Path(args.keep) if args.keep else Path("build") / "report"
    with _progress() as progress:
        reports = measure_boards(chosen, range(1, args.seeds + 1), keep, args.jobs, progress)
    print_table(_board_table(reports))
    if args.path:
        _print_paths([(r.board, r.part, r.worst, r.path) for r in reports])
    found = problems(reports)
    for text in found:
        print(text)
    if "json" in files:
        save(files["json"], reports)
    if "markdown" in files:
        write_text(files["markdown"], boards_page(reports))
    return 1 if found and args.check else 0


def _print_paths(paths) -> None:
    """Print critical paths, each of (title, part, MHz, path)."""
    for title, part, worst, path in paths:
        print(f"critical path of {title} on {part}, {worst:.1f} MHz:")
        for kind, delay, name in path:
            print(f"  {delay:6.2f} ns  {kind:10}  {name[:120]}")


def _board_table(reports):
    from rich.table import Table

    from blockfactor.boards.latency import POINTS
    table = Table()
    for column in ("board", "preset", "bus"):
        table.add_column(column)
    for column in ("LUT", "FF", "BRAM", "DSP", "cells", "clock", "MHz", "range",
                   *(f"{engine} M={size}" for engine in ("join", "factorize")
                     for size in POINTS)):
        table.add_column(column, justify="right")
    for r in reports:
        values = r.frequency.values()
        cycles = [r.cycles.get(engine, {}).get(str(size)) for engine in ("join", "factorize")
                  for size in POINTS]
        table.add_row(r.board, r.preset, r.front_end, f"{r.luts:,}", f"{r.flip_flops:,}",
                      str(r.memories), str(r.multipliers), f"{r.cells:,}",
                      f"{r.clock_hz / 1e6:.1f}", f"{r.median:.1f}",
                      f"{min(values):.1f}..{max(values):.1f}",
                      *("" if n is None else f"{n / r.clock_hz * 1e6:,.1f} µs" for n in cycles))
    return table


def _jobs(args) -> list[tuple]:
    """What to measure: preset, part, changes, front-end."""
    from blockfactor.boards.parts import part
    from blockfactor.boards.report import BOUNDS

    from ..errors import ConfigError
    from ._settings import core_changes

    changed = core_changes(args.set)
    if args.preset:
        return [(name, args.part or ("up5k" if name == "tiny" else "ecp5-25f"), changed,
                 args.bus or "none") for name in args.preset]
    if args.set:
        raise ConfigError("--set needs --preset: no preset to change")
    if args.front_ends and not (args.bus or args.check):
        return []
    jobs = list({(b.preset, b.part, str(b.changes), b.front_end):
                 (b.preset, b.part, b.changes, b.front_end) for b in BOUNDS
                 if args.part in (None, b.part) and args.bus in (None, b.front_end)}.values())
    if not jobs:
        if args.part:
            part(args.part)
        where = [f"part {args.part}"] if args.part else []
        where += [f"bus {args.bus}"] if args.bus else []
        raise ConfigError(f"{' with '.join(where)} has no core with bounds; "
                          "name one with --preset")
    return jobs


class _progress:
    """Shows what goes on, on the standard error."""

    def __enter__(self):
        from rich.console import Console
        self.status = Console(stderr=True).status("starting")
        self.status.start()
        return self.status.update

    def __exit__(self, *problem):
        self.status.stop()


def _table(reports):
    from statistics import median

    from rich.table import Table

    from blockfactor.boards.parts import part
    table = Table(title="without the harness")
    table.add_column("core or system")
    table.add_column("part")
    for column in ("LUT4", "FF", "BRAM", "DSP", "logic cells", "with harness", "MHz", "range"):
        table.add_column(column, justify="right")
    for r in reports:
        values = r.frequency.values()
        table.add_row(r.title, part(r.part).about, f"{r.luts:,}",
                      f"{r.flip_flops:,}", str(r.memories), str(r.multipliers), f"{r.cells:,}",
                      f"{r.cells_with_harness:,}", f"{median(values):.1f}",
                      f"{min(values):.1f}..{max(values):.1f}")
    return table


def _cost_table(costs):
    from rich.table import Table

    from blockfactor.boards.front_ends import titles
    from blockfactor.boards.parts import part
    table = Table(title="front-ends alone")
    table.add_column("")
    table.add_column("part")
    for column in ("LUT4", "FF", "BRAM", "logic cells", "MHz"):
        table.add_column(column, justify="right")
    names = titles()
    for c in costs:
        table.add_row(names[c.name], part(c.part).about, f"{c.luts:,}", f"{c.flip_flops:,}",
                      str(c.memories), f"{c.cells:,}",
                      f"{min(c.frequency.values()):.1f}" if c.frequency else "")
    return table
