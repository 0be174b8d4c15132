"""Simulate a board whose serial line is a pseudo-terminal of this machine."""

import json
import os
import sys

from ._common import integer, number

__all__ = ["NAME", "add_arguments", "run"]

NAME = "virtual"

#: Seconds between two looks at the board, and between two lines about its lights.
LOOK, LINE = 0.1, 0.5


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Simulate a board's top level, cycle by cycle, with its serial line at a pseudo-terminal: "
        "programs for the board run without one, more slowly. Until Ctrl-C, or for --seconds. "
        "Needs Verilator.")
    parser.epilog = """\
examples:
  blockfactor virtual icebreaker
  blockfactor virtual ulx3s-85f --preset fast --link board.tty
  blockfactor virtual tang-nano-9k --baud 1000000 --seconds 60 --json"""
    parser.add_argument("board", metavar="BOARD", help="name of the board")
    parser.add_argument("--preset", metavar="P", help="configuration (default the board's)")
    parser.add_argument("--bus", choices=("uart",), default="uart", metavar="BUS",
                        help="front-end: uart is the only one so far")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="change a field of the configuration (may be repeated)")
    parser.add_argument("--clock", type=integer(1_000, 10**9), default=None, metavar="HZ",
                        help="frequency of the core's clock (default the board's)")
    parser.add_argument("--baud", type=integer(300, 10_000_000), default=None, metavar="N",
                        help="rate of the serial line (default the board's)")
    parser.add_argument("--codebook", metavar="FILE",
                        help="initial content of the codebook memory: .npz, .h or .hex")
    parser.add_argument("--link", metavar="PATH",
                        help="make PATH a link to the pseudo-terminal, until the end")
    parser.add_argument("--seconds", type=number(0, 1e9), default=None, metavar="S",
                        help="end after so long (default: at Ctrl-C)")
    parser.add_argument("--json", action="store_true",
                        help="print a line of JSON about the port, nothing else")


def run(args) -> int:
    """Run the command; returns its exit status."""
    import signal

    from rich.console import Console

    from blockfactor.sim.virtual_board import virtual_board

    target, system, codebooks = _wanted(args)
    # Whoever ends this with SIGTERM wants the link removed, too; and a shell has its background
    # jobs ignore SIGINT.
    before = {number: signal.signal(number, signal.default_int_handler)
              for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        lights = _Lights(args.json)
        with Console(stderr=True).status(
                f"making {target.name} (the first time its model is built, which takes a while)"):
            virtual = virtual_board(target, system, codebooks, told=lights.told)
        with virtual, _link(args.link, virtual.port) as port:
            _announce(args, target, system, virtual, port)
            with lights:
                _wait(virtual, args.seconds, lights)
            if not args.json:
                print(f"{virtual.cycles:,} cycles simulated")
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _wanted(args) -> tuple:
    """Board, system and codebooks."""
    from blockfactor.boards.catalogue import board

    from ..codebook_files import misfits, read_codebooks
    from ..errors import BlockfactorError, CodebookError
    from ._settings import core_changes

    target = board(args.board)
    system = target.system(args.preset, args.bus, core_changes(args.set), args.clock, args.baud)
    codebooks = read_codebooks(args.codebook) if args.codebook else None
    for problem in misfits(codebooks, system.core) if codebooks else ():
        raise CodebookError(f"{args.codebook}: {problem}")
    folder = os.path.dirname(args.link or "")
    if folder and not os.path.isdir(folder):
        raise BlockfactorError(f"{args.link}: cannot be made: there is no folder {folder}")
    return target, system, codebooks


def _link(path: str | None, port: str):
    """Context manager: the name under which the port is to be used."""
    from contextlib import contextmanager, suppress

    from ..errors import BlockfactorError

    @contextmanager
    def link():
        if path is None:
            yield port
            return
        # One that an earlier run could not remove may be replaced; nothing else.
        if os.path.islink(path) and os.readlink(path).startswith("/dev/pts/"):
            os.unlink(path)
        try:
            os.symlink(port, path)
        except FileExistsError:
            raise BlockfactorError(f"--link {path}: is there already, must be free") from None
        try:
            yield path
        finally:
            with suppress(OSError):
                if os.readlink(path) == port:
                    os.unlink(path)

    return link()


def _announce(args, target, system, virtual, port: str) -> None:
    import shlex

    words = ["blockfactor", "selftest", "--port", port, "--board", target.name]
    words += ["--preset", args.preset] if args.preset else []
    for change in args.set:
        words += ["--set", change]
    # Of no matter to a pseudo-terminal, but programs wait for answers accordingly.
    words += ["--baud", str(virtual.host_baud)]
    if args.json:
        text = json.dumps({
            "board": target.name, "port": virtual.port, "link": args.link,
            "baud": system.baud, "clock_hz": system.clock_hz, "divisor": virtual.divisor,
            "host_baud": virtual.host_baud, "cycles_per_second": round(virtual.speed),
            "pid": virtual.process.pid, "command": words})
    else:
        text = (f"{target.title}, {system.clock_hz / 1e6:g} MHz, {system.baud:,} baud: simulated "
                f"at {virtual.speed / 1e6:.2f} MHz, {system.clock_hz / virtual.speed:.0f} times "
                f"slower than the board\npseudo-terminal {port}: {shlex.join(words)}")
    print(text, flush=True)


def _wait(virtual, seconds: float | None, lights) -> None:
    """Until the end that is asked for; an error if the simulation ends before."""
    import time

    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        time.sleep(LOOK if end is None else min(LOOK, max(0.0, end - time.monotonic())))
        if not virtual.running:
            virtual.status()  # says why
        lights.show()


class _Lights:
    """Shows the lights: in one place of a terminal, else in lines, or not at all."""

    def __init__(self, silent: bool):
        self._silent = silent
        self._live = None
        self._now: dict | None = None
        self._shown: dict | None = None
        self._since = float("-inf")

    def __enter__(self):
        if not self._silent and sys.stdout.isatty():
            from rich.live import Live
            self._live = Live("", auto_refresh=False, transient=True)
            self._live.start()
        self.show()
        return self

    def __exit__(self, *problem):
        if self._live:
            self._live.stop()

    def told(self, report: dict) -> None:
        """Take a report of the simulation; called in another thread."""
        self._now = report["leds"]

    def show(self) -> None:
        """Show them, if they have changed."""
        import time
        now = self._now
        if self._silent or not now or now == self._shown:
            return
        if self._live:
            self._live.update("  ".join(f"{'●' if lit else '○'} {name}"
                                        for name, lit in now.items()), refresh=True)
        elif time.monotonic() - self._since < LINE:
            return
        else:
            print(f"lights: {', '.join(name for name, lit in now.items() if lit) or 'none'}",
                  flush=True)
        self._shown, self._since = now, time.monotonic()
