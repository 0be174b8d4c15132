"""Order in which processes of pytest-xdist get the tests: the longest first, so all end at once.

``durations.txt`` beside this file has the seconds that long tests take, and those of what is left
of a file; only their order matters. It is written anew from what pytest prints::

    python -m pytest -n 2 -q --durations=0 >log; python tests/longest_first.py log

A long test is handed out alone, the rest of a file as a whole: its fixtures are made once then.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

__all__ = ["LONG", "ROOT", "TABLE", "in_order", "measured", "read", "unit"]

TABLE = Path(__file__).parent / "durations.txt"
ROOT = Path(__file__).parents[1]
#: Seconds from which on a test is handed out alone.
LONG = 30.0


def read(text: str) -> dict[str, float]:
    """Seconds by test, or by file."""
    return {name: float(seconds) for seconds, name in
            (line.split(maxsplit=1) for line in text.splitlines() if line)}


def unit(test: str, table: dict[str, float]) -> str:
    """What a test is handed out with: itself or its file."""
    return test if test in table else test.partition("::")[0]


def in_order(tests: list[str], table: dict[str, float]) -> list[int]:
    """Positions of ``tests``, units as a whole: the longest first, of the others the largest."""
    units = defaultdict(list)
    for position, test in enumerate(tests):
        units[unit(test, table)].append(position)
    order = sorted(units, key=lambda name: (-table.get(name, 0), -len(units[name])))
    return [position for name in order for position in units[name]]


def measured(log: str) -> dict[str, float]:
    """The table, of what pytest prints with ``--durations``."""
    table: dict[str, float] = defaultdict(float)
    for seconds, phase, name in re.findall(r"^([\d.]+)s (setup|call|teardown) +(\S.*)$", log, re.M):
        alone = phase == "call" and float(seconds) >= LONG
        table[name if alone else name.partition("::")[0]] += float(seconds)
    return dict(table)


def main(path: str) -> None:
    """Write the table."""
    table = measured(Path(path).read_text(encoding="utf-8"))
    lines = (f"{seconds:.0f} {name}\n" for name, seconds in
             sorted(table.items(), key=lambda item: (-item[1], item[0])) if seconds >= 1)
    TABLE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
