"""Try a whole device: registers, memories, factorizations, speed."""

import json

from ._common import integer, number, output_file, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "selftest"

#: Words for what became of a step.
VERDICTS = {True: "passed", False: "FAILED", None: "not tried"}


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Try a device through its registers, step by step: what it is, its registers, refusals, "
        "interrupts, codebook memory, factorizations of all kinds against the golden model, a "
        "refused query, an abort, and how fast it is. What the device held is lost. Exit status "
        "1 if any step fails.")
    parser.epilog = """\
examples:
  blockfactor selftest --port /dev/ttyUSB1 --board icebreaker
  blockfactor selftest --port /dev/ttyACM0 --json report.json
  blockfactor selftest --port golden --preset demo"""
    parser.add_argument("--port", required=True, metavar="PORT",
                        help="a serial port such as /dev/ttyUSB0 or COM3, sim (simulated hardware) "
                             "or golden (the golden model)")
    parser.add_argument("--board", metavar="BOARD",
                        help="the board it is: gives preset and rate")
    parser.add_argument("--preset", metavar="P",
                        help="configuration it must have (default the board's, or whatever it has)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--baud", type=integer(300, 10_000_000), default=None, metavar="N",
                        help="rate of the serial port (default the board's, or 115200)")
    parser.add_argument("--timeout", type=number(0, 1e6), default=None, metavar="S",
                        help="seconds to wait for the device (default 10, with sim 600)")
    parser.add_argument("--count", type=integer(1, 1_000_000), default=200, metavar="N",
                        help="factorizations, and queries that the speed is measured by "
                             "(default 200)")
    parser.add_argument("--seed", type=integer(0, 2**31), default=1,
                        help="of codebooks and queries (default 1)")
    parser.add_argument("--json", metavar="FILE", help="write what was found")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..tables import write_text

    output = output_file(args.json) if args.json else None
    system, chosen, baud = _wanted(args)
    rows = _try(args, system, chosen, baud)
    _print(args, rows)
    passed = all(row.passed for row in rows)
    if output:
        write_text(output, json.dumps({
            "port": args.port, "board": args.board, "preset": chosen.name if chosen else None,
            "count": args.count, "seed": args.seed, "passed": passed,
            "steps": [row.to_table() for row in rows]}, indent=2) + "\n")
    return 0 if passed else 1


def _wanted(args) -> tuple:
    """The system it must be, the preset of that, and the line's rate; each may be None."""
    from dataclasses import replace

    from ..errors import ConfigError
    from ..presets import preset
    from ._settings import core_changes

    changes = core_changes(args.set)
    if args.board:
        from blockfactor.boards.catalogue import board
        target = board(args.board)
        system = target.system(args.preset, "uart", changes, baud=args.baud)
        return system, preset(args.preset or target.preset), system.baud
    if args.preset:
        chosen = preset(args.preset)
        system = replace(chosen.system, core=chosen.core.replace(**changes))
        if args.baud and args.port == "sim":
            raise ConfigError(f"--baud {args.baud} does not go with --port sim: only a serial line "
                              "has such a rate, and --board one")
        return system, chosen, args.baud or system.baud
    if changes:
        raise ConfigError(f"--set {args.set[0]} needs --preset or --board: it changes one")
    return None, None, args.baud


def _try(args, system, chosen, baud) -> list:
    from rich.console import Console
    from rich.progress import Progress

    from ..config import SystemConfig
    from ..drivers import open_device
    from ..selftest import selftest

    baud = baud or SystemConfig().baud
    modelled = args.port in ("golden", "sim")
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"opening {args.port}", total=None)

        def told(step: str, done: int, total: int) -> None:
            progress.update(task, description=step, completed=done, total=total)

        # A real device tells what it is; whether that is what it must be is the first step.
        with open_device(args.port, system if modelled else None, baud, args.timeout) as device:
            for row in selftest(device, system, chosen, args.count, args.seed, baud, told):
                rows.append(row)
    return rows


def _print(args, rows) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"self-test of the device at {args.port}")
    for column in ("step", "", "seconds", "what was found"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for row in rows:
        table.add_row(row.step, VERDICTS[row.passed], f"{row.seconds:.2f}", Text(row.detail))
    print_table(table)
    failed = [row.step for row in rows if not row.passed]
    print(f"{len(failed)} of {len(rows)} steps failed: {', '.join(failed)}" if failed
          else f"all {len(rows)} steps passed")
