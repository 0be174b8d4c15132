"""An iCE40 bitstream back as Verilog: what would be flashed is what is simulated.

The packed file is unpacked to bits, the bits are read as look-up tables, carries, flip-flops and
block RAMs by IceStorm (Debian package ``fpga-icestorm``), and its Verilog is made such that any
simulator takes it. Nothing of the build is used but the names of pins in the constraint file.
"""

import re
import shutil
import subprocess
from pathlib import Path

from blockfactor.boards.synthesis import run_yosys
from blockfactor.errors import BlockfactorError

from .special_tiles import check_special_tiles

__all__ = ["UnpackError", "unpacked_verilog"]

#: Name of the module that is returned.
TOP = "board"
CLOCK = "clk"

#: Refuses nets that something reads and nothing drives, which are the outputs of cells that were
#: left out, nets with several drivers, and loops.
CHECK = f"""read_verilog {TOP}.v
hierarchy -check -top {TOP}
proc
check -assert {TOP}
"""

#: What makes the text shorter: comments, clock enables and resets that are constant.
PLAINER = ((r" */\*.*?\*/ *", " "), (r"\bif \(1'b1\) ", ""), (r"<= 1'b0 \? 1'b[01] : ", "<= "))

#: Cells that may stay in the text; PLLs are taken out before.
KNOWN = {"SB_RAM40_4K"}
#: Outputs of a PLL; all but LOCK are the clock.
PLL_KINDS = {"SB_PLL40_CORE", "SB_PLL40_PAD"}
_PLL_OUTPUTS = ("PLLOUTCORE", "PLLOUTGLOBAL")


class UnpackError(BlockfactorError):
    """A bitstream that cannot be turned into Verilog; or a program that does it is missing."""


def _run(program: str, *arguments: str, folder: Path) -> str:
    path = shutil.which(program)
    if path is None:
        raise UnpackError(f"{program} is missing: apt-get install fpga-icestorm")
    done = subprocess.run([path, *arguments], cwd=folder, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UnpackError(f"{program} failed: {last}")
    return done.stdout


def pins_of(constraints: str) -> dict[str, str]:
    """Pins by port, from the text of a ``.pcf`` file."""
    pins = {}
    for line in constraints.splitlines():
        words = line.split("#")[0].split()
        if not words or words[0] == "set_frequency":
            continue
        if words[0] != "set_io":
            raise UnpackError(f"constraint {line.strip()!r} is not known")
        plain, rest = [], iter(words[1:])
        for word in rest:
            if word.startswith("-") and word.lstrip("-") in ("pullup", "pullup_resistor"):
                next(rest, None)  # the option's value
            elif not word.startswith("-"):
                plain.append(word)
        if len(plain) != 2 or not re.fullmatch(r"[A-Za-z_]\w*", plain[0]):
            raise UnpackError(f"constraint {line.strip()!r}: not a plain port and its pin")
        pins[plain[0]] = plain[1]
    return pins


def _ports(text: str) -> tuple[re.Match, list[list[str]]]:
    header = re.search(rf"^module {TOP} \(([^)]*)\);", text, re.MULTILINE)
    return header, [port.split() for port in header[1].split(",") if port.strip()]


def _take_out_plls(text: str) -> tuple[str, int]:
    """Remove PLLs, their outputs driven by the clock input and their LOCK by 1."""
    count = 0

    def replaced(match: re.Match) -> str:
        nonlocal count
        count += 1
        if match[1] not in PLL_KINDS:
            raise UnpackError(f"cell {match[1]} is not known")
        nets = dict(re.findall(r"\.(\w+)\(([^()]*)\)", match[3]))
        reference = nets.get("REFERENCECLK", "")
        # What else the reference clocks would run at the core's clock in the simulation.
        elsewhere = text[:match.start()] + text[match.end():]
        uses = re.findall(rf"\b{re.escape(reference)}\b", elsewhere) if reference else []
        declared = [use for use in re.findall(
            rf"^(?:module|wire) [^;]*\b{re.escape(reference)}\b[^;]*;", elsewhere, re.MULTILINE)
            ] if reference else []
        if len(uses) > len(declared):
            raise UnpackError(f"net {reference} is the reference of {match[1]} and read elsewhere")
        lines = [f"assign {nets[name]} = {CLOCK};" for name in _PLL_OUTPUTS if nets.get(name)]
        if nets.get("LOCK"):
            lines.append(f"assign {nets['LOCK']} = 1'b1;")
        return "\n".join(lines)

    text = re.sub(r"^(SB_\w*PLL\w*) #\((.*?)^\) \w+ \((.*?)^\);", replaced, text,
                  flags=re.MULTILINE | re.DOTALL)
    return text, count


def _clean(text: str, pins: dict[str, str], oscillator: bool) -> str:
    """Text of icebox_vlog with the ports of the design and the clock of the core as ``clk``."""
    text, plls = _take_out_plls(text)
    for name in re.findall(r"^\s*(SB_\w+)\b", text, re.MULTILINE):
        if name not in KNOWN:
            raise UnpackError(f"cell {name} is not known")
    for name in set(re.findall(r"\b((?:dsp\d|ip)_?\w*?)_in_\d", text)):
        raise UnpackError(f"cell at {name} is not known")
    if plls + oscillator > 1:
        raise UnpackError(f"{plls} PLLs{' and an oscillator' * oscillator}: more than one clock")
    header, ports = _ports(text)
    directions = {}
    for direction, name in ports:
        if direction == "inout":
            raise UnpackError(f"port {name} is bidirectional")
        if name not in pins:
            if direction != "input" or not oscillator:
                raise UnpackError(f"pin {name} is in use and not among the constraints")
            # The oscillator drives a clock network where one of the pins could.
            text = re.sub(rf"\b{name}\b", CLOCK, text)
            name = CLOCK
        directions[name] = direction
    if plls or oscillator:
        directions[CLOCK] = "input"
    if directions.get(CLOCK) != "input":
        raise UnpackError(f"there is no input {CLOCK}, no PLL and no oscillator")
    # Directions in the body: a port may be declared as a register there.
    head = [f"module {TOP} ({', '.join(directions)});",
            *(f"{direction} {name};" for name, direction in directions.items())]
    text = text.replace(_ports(text)[0][0], "\n".join(head))
    for old, new in PLAINER:
        text = re.sub(old, new, text)
    return text


def unpacked_verilog(bitstream: Path, constraints: Path, package: str, folder: Path) -> str:
    """Turn a packed iCE40 bitstream into Verilog.

    Parameters
    ----------
    bitstream : path
        As icepack writes it, for an HX8K or UP5K.
    constraints : path
        The ``.pcf`` file that names the pins.
    package : str
        Of the FPGA: ``ct256``, ``sg48``.
    folder : path
        For the tools' files.

    Returns
    -------
    str
        The module ``board`` and those of its block RAMs. Its ports are the design's; ``clk`` is the
        clock of the core, whether that comes from the pin, a PLL or the oscillator.

    Raises
    ------
    UnpackError
        A program is missing or failed, or the bitstream uses a cell that is not known here.
    SynthesisError
        Yosys is missing or failed, or a net that is read has no driver.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pins = pins_of(Path(constraints).read_text(encoding="utf-8"))
    # Its own reader takes no options.
    (folder / "pins.pcf").write_text("".join(f"set_io {name} {pin}\n"
                                             for name, pin in pins.items()), encoding="utf-8")
    _run("iceunpack", str(Path(bitstream).resolve()), "bits.asc", folder=folder)
    bits = (folder / "bits.asc").read_text(encoding="utf-8")
    oscillator = False
    if re.search(r"^\.device 5k", bits, re.MULTILINE):
        oscillator = check_special_tiles(_run("icebox_explain", "bits.asc", folder=folder),
                                         UnpackError)
    text = _run("icebox_vlog", "-s", "-S", "-n", TOP, "-p", "pins.pcf", "-d", package, "bits.asc",
                folder=folder)
    models = (Path(__file__).parent / "primitives" / "ice40.v").read_text(encoding="utf-8")
    text = f"{_clean(text, pins, oscillator)}\n{models}"
    (folder / f"{TOP}.v").write_text(text, encoding="utf-8")
    run_yosys(CHECK, folder, "check.log")
    return text
