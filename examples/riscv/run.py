"""A RISC-V processor drives the core: both are simulated, and decode handwritten digits.

PicoRV32, RAM and a serial port are a small computer; the core lies in its memory, behind Wishbone,
APB or AXI4-Lite, or behind SPI. The firmware of this folder, on top of the C driver that
``blockfactor generate`` writes, loads codebooks, sends queries, sleeps until the core's interrupt,
and reports every result. Each is compared with the golden model; exit status 1 if one differs, 2 if
the firmware fails.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from blockfactor.config import SystemConfig
from blockfactor.errors import BlockfactorError
from blockfactor.generator.driver_files import driver_files
from blockfactor.generator.header import header
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.frontend import quantise
from blockfactor.presets import Preset, preset
from blockfactor.sim.cpu_firmware import compile_firmware
from blockfactor.sim.cpu_soc import BUSES, CORE, CpuRun, build_soc, run_soc
from examples.digits import network as digits
from examples.digits import settings
from examples.riscv.job import Answer, JobError, Phase, answers, differences, expected, pack

__all__ = ["Outcome", "digit_phases", "firmware", "main", "run_phases", "system_of"]

FOLDER = Path(__file__).parent
NETWORK = "b4"
#: In which every kind of query is run; scan is exhaustive search.
MODES = ("join", "factorize", "scan")
#: Macro with which the firmware is compiled, by bus.
DEFINES = {"spi": ("BUS_SPI",)}
#: Most cycles of the simulation: so many to begin with, and for each query.
LIMIT, LIMIT_EACH = 2_000_000, 200_000


@dataclass(frozen=True)
class Outcome:
    """A firmware's run: ``errors`` are the core's sticky ones, ``wrong`` tells what differs
    from the golden model."""

    run: CpuRun
    answers: list[Answer]
    interrupts: int
    errors: int
    wrong: list[str]


def system_of(chosen: Preset, bus: str) -> SystemConfig:
    """The preset's system behind that bus."""
    return replace(chosen.system, front_end=bus)


def firmware(chosen: Preset, system: SystemConfig) -> bytes:
    """This folder's firmware with the driver that ``generate`` writes for the system."""
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())
             if path.suffix in (".c", ".h", ".S", ".ld")}
    files |= driver_files(chosen, system, CORE)
    files[f"{CORE}_registers.h"] = header(system, CORE)
    return compile_firmware(files, DEFINES.get(system.front_end, ()))


def digit_phases(system: SystemConfig, triples: dict[tuple[str, str], int], seed: int,
                 depth: int = 1, noise: float = 1.0) -> tuple[list[Phase], list[tuple[int, ...]]]:
    """Phases of digit triples, different ones in each, and the digits that are right.

    Parameters
    ----------
    triples : dict
        Numbers of triples by (mode, kind), kind being ``sparse`` or ``dense``.
    seed : int
        Of the triples drawn.
    depth : int
        Of all phases.
    noise : float
        Of the images, in grey levels.
    """
    network = digits.load(NETWORK)
    images, labels = digits.held_out_triples(sum(triples.values()), seed, noise)
    phases, begin = [], 0
    for (mode, kind), count in triples.items():
        chosen = images[begin:begin + count]
        begin += count
        if kind == "dense":
            product = network.product_vector(chosen)
            queries = [quantise(p, system.core.element_bits) for p in product]
        else:
            queries = settings.queries(network, chosen)
        phases.append(Phase(settings.run_parameters(network, mode), queries, depth))
    return phases, [tuple(map(int, label)) for label in labels]


def run_phases(chosen: Preset, bus: str, phases: list[Phase],
               books: Codebooks | None = None) -> Outcome:
    """Build computer and firmware, or find them in the cache; run the job, compare its answers.

    Parameters
    ----------
    chosen : Preset
        Whose core it is.
    bus : str
        One of :data:`~blockfactor.sim.cpu_soc.BUSES`.
    phases : list of Phase
    books : Codebooks or None
        Those of the digits if not given.

    Raises
    ------
    SimulationError
        A tool is missing or failed, or the job does not fit the RAM.
    CpuError
        The firmware hung or crashed.
    JobError
        It gave up, or did not answer as agreed.
    """
    system = system_of(chosen, bus)
    books = books or settings.codebooks(digits.load(NETWORK))
    for phase in phases:
        phase.parameters.check(system.core)
    program, binary = build_soc(system), firmware(chosen, system)
    limit = LIMIT + LIMIT_EACH * sum(len(phase.queries) for phase in phases)
    run = run_soc(program, binary, pack(system, books, phases), limit)
    if run.code:
        raise JobError(f"the firmware ended with {run.code}: {run.output.splitlines()[-1:]}")
    found, errors, interrupts = answers(run.output, system)
    wrong = differences(found, expected(system, books, phases), system)
    return Outcome(run, found, interrupts, errors, wrong)


def print_table(outcome: Outcome, phases: list[Phase], right: list[tuple[int, ...]],
                console: Console) -> None:
    """Figures of each phase: means of a query."""
    table = Table(title="means of a query, from its first word to its result's last: the "
                        "processor's cycles, those asleep, its instructions; the core's cycles",
                  box=SIMPLE)
    for column in ("mode", "query", "triples", "right", "cycles", "asleep", "instructions",
                   "core"):
        table.add_column(column, justify="left" if column in ("mode", "query") else "right")
    begin = 0
    for number, phase in enumerate(phases):
        part = [a for a in outcome.answers if a.phase == number]
        truths = right[begin:begin + len(phase.queries)]
        begin += len(phase.queries)
        found = sum(a.result.indices == truth for a, truth in zip(part, truths))
        mean = [np.mean([value(a) for a in part]) for value in (
            lambda a: a.cycles, lambda a: a.asleep, lambda a: a.instructions,
            lambda a: a.result.cycles)]
        table.add_row(phase.parameters.mode, "dense" if phase.dense else "sparse",
                      f"{len(part):,}", f"{found:,}", *(f"{value:,.0f}" for value in mean))
    console.print(table)


def main(argv=None) -> int:
    """Run the example; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0],
                                     epilog="example: python examples/riscv/run.py --bus spi")
    parser.add_argument("--bus", choices=tuple(BUSES), default="wishbone",
                        help="what the core is behind (default wishbone)")
    parser.add_argument("--triples", type=int, default=20,
                        help="digit triples of each mode and kind of query (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    if not 1 <= args.triples <= 1000 or args.seed < 0:
        parser.error("--triples must be 1 to 1000, --seed at least 0")
    console = Console()
    chosen = preset("demo")
    system = system_of(chosen, args.bus)
    count = {(mode, kind): args.triples for kind in ("sparse", "dense") for mode in MODES}
    phases, right = digit_phases(system, count, args.seed)
    console.print(f"preset demo behind {args.bus}; the first time, compilers take a minute")
    outcome = run_phases(chosen, args.bus, phases)
    run = outcome.run
    print_table(outcome, phases, right, console)
    console.print(f"in all: {run.cycles:,} cycles, asleep {run.asleep / run.cycles:.1%} of them, "
                  f"{run.instructions:,} instructions, {outcome.interrupts:,} interrupts; "
                  f"simulated at {run.cycles / run.seconds / 1e6:.2f} MHz")
    for line in outcome.wrong[:10]:
        console.print(line)
    same = not outcome.wrong
    console.print("every field of every result is the golden model's" if same else
                  f"{len(outcome.wrong)} fields differ from the golden model")
    return 0 if same else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BlockfactorError as problem:
        print(f"error: {problem}", file=sys.stderr)
        if output := getattr(problem, "output", ""):
            print(f"the firmware had sent:\n{output[-500:]}", file=sys.stderr)
        sys.exit(2)
