"""Measure a core's area and clock frequency on an FPGA by synthesis, place and route."""

import json
from pathlib import Path

from ._common import integer, number, output_file, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "report"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Synthesise cores with Yosys, place and route them with nextpnr, and print how large and "
        "how fast they are. Without --preset: those that --check has bounds for. One run of "
        "place and route takes about half a minute.")
    parser.epilog = """\
examples:
  blockfactor report --check
  blockfactor report --preset tiny --set query_entries=1 --set weight_bits=1 --part up5k
  blockfactor report --preset paper --preset robust --part ecp5-25f --seeds 5 --json area.json"""
    parser.add_argument("--preset", action="append", default=[], metavar="P",
                        help="configuration of the core (may be repeated)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--part", metavar="NAME",
                        help="up5k, hx8k or ecp5-25f (default: ecp5-25f, up5k for preset tiny)")
    parser.add_argument("--seeds", type=integer(1, 100), default=3, metavar="N",
                        help="runs of place and route (default 3)")
    parser.add_argument("--freq", type=number(1, 1000), metavar="MHZ",
                        help="frequency to aim at (default: the part's)")
    parser.add_argument("--check", action="store_true",
                        help="exit status 1 if the worst seed breaks a bound")
    parser.add_argument("--path", action="store_true",
                        help="print the critical path of the worst seed")
    parser.add_argument("--keep", metavar="DIR", help="keep the tools' files in DIR")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--markdown", metavar="FILE", help="write the figures as a page")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from blockfactor.boards.parts import part
    from blockfactor.boards.report import BOUNDS, markdown, measure, title

    from ..errors import ConfigError
    from ..presets import preset
    from ..tables import write_text
    from ._settings import core_changes

    files = {key: output_file(value) for key, value in
             (("json", args.json), ("markdown", args.markdown)) if value}
    changed = core_changes(args.set)
    if args.preset:
        jobs = [(name, args.part or ("up5k" if name == "tiny" else "ecp5-25f"), changed)
                for name in args.preset]
    elif args.set:
        raise ConfigError("--set needs --preset: no preset to change")
    else:
        jobs = [(b.preset, b.part, b.changes) for b in BOUNDS
                if args.part in (None, b.part)]
    if not jobs:
        part(args.part)
        raise ConfigError(f"part {args.part} has no core with bounds; name one with --preset")
    for name, target, wanted in jobs:  # before the first takes its time
        preset(name).core.replace(**wanted)
        part(target)
    reports = []
    with _progress() as progress:
        for name, target, wanted in jobs:
            folder = None
            if args.keep:
                folder = Path(args.keep) / "-".join(
                    [target, name, *(f"{k}={v}" for k, v in wanted.items())])
            reports.append(measure(name, target, wanted, range(1, args.seeds + 1), args.freq,
                                   folder, progress))
    print_table(_table(reports))
    if args.path:
        for report in reports:
            print(f"critical path of {title(report.preset, report.changes)} on {report.part}, "
                  f"{report.worst:.1f} MHz:")
            for kind, delay, name in report.path:
                print(f"  {delay:6.2f} ns  {kind:10}  {name[:120]}")
    problems = [text for report in reports for text in report.problems()]
    for text in problems:
        print(text)
    if "json" in files:
        write_text(files["json"], json.dumps(
            {"problems": problems, "reports": [r.to_table() for r in reports]}, indent=2))
    if "markdown" in files:
        write_text(files["markdown"], markdown(reports))
    return 1 if problems and args.check else 0


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
    from blockfactor.boards.report import title
    table = Table(title="cores without their harness")
    table.add_column("core")
    table.add_column("part")
    for column in ("LUT4", "FF", "BRAM", "DSP", "logic cells", "with harness", "MHz", "range"):
        table.add_column(column, justify="right")
    for r in reports:
        values = r.frequency.values()
        table.add_row(title(r.preset, r.changes), part(r.part).about, f"{r.luts:,}",
                      f"{r.flip_flops:,}", str(r.memories), str(r.multipliers), f"{r.cells:,}",
                      f"{r.cells_with_harness:,}", f"{median(values):.1f}",
                      f"{min(values):.1f}..{max(values):.1f}")
    return table
