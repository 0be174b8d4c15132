"""What the SPI target costs, and how long it takes to send a query and to read its result.

Two ways of clocking: sampled by the core clock, as it is built, and clocked by SCK, of which only
the times are worked out (docs/spi.md).
"""

import argparse
import math
import sys
import tempfile

from rich.console import Console
from rich.table import Table

from blockfactor.boards.parts import part
from blockfactor.boards.synthesis import place_and_route, synthesise
from blockfactor.config import SystemConfig
from blockfactor.presets import preset
from blockfactor.registers import register_map
from blockfactor.rtl.access import LATENCY
from blockfactor.rtl.bus.spi import SpiTarget
from blockfactor.rtl.verilog import to_rtlil

#: Core cycles that a toggle takes into the core: two flip-flops and an edge detector.
CROSSING = 3


def cells() -> tuple[int, int, int]:
    """Logic cells, look-up tables and flip-flops of the target on iCE40.

    On the HX8K, whose package has a pin for each port: nothing around the target adds cells or
    shares them. Logic cells are the same in the whole family.
    """
    with tempfile.TemporaryDirectory() as folder:
        netlist = synthesise(to_rtlil(SpiTarget(), "spi"), "spi", part("hx8k"), folder)
        return place_and_route(netlist).cells, netlist.luts, netlist.flip_flops


def transfer_bytes(system: SystemConfig, entries: int, turnaround: int) -> int:
    """Bytes of a query's frame, and those of reading its result and dropping it.

    Read are the registers from RESULT to the last one of RESULT_INDICES.
    """
    registers = register_map(system)
    last = max(r.address for r in registers if r.name.startswith("RESULT_INDICES"))
    words = (last - registers["RESULT"].address) // 4 + 1
    return (2 + 4 * entries) + (2 + (turnaround + 4) * words) + (2 + 4)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="needs the extra synth")
    parser.add_argument("--preset", default="demo")
    args = parser.parse_args()
    system = preset(args.preset).system
    console = Console()
    used, luts, flip_flops = cells()
    console.print(f"SpiTarget: {used} iCE40 logic cells ({luts} LUT4, {flip_flops} flip-flops)")

    # From the first bit of the turnaround to the last there is a period less than it has bits. A
    # cycle more is for the flip-flops of the data.
    fast_turnaround = math.ceil((CROSSING + LATENCY + 1 + 1) / 8)
    ways = ((f"core clock, SCK = clock / {SpiTarget.clock_divisor}", SpiTarget.clock_divisor, 1),
            ("SCK = clock", 1, fast_turnaround))
    table = Table(title=f"preset {args.preset}: a query out and its result in, core cycles")
    for column in ("clocked by", "turnaround bytes", "clean query", "soft query"):
        table.add_column(column, justify="right")
    blocks = system.core.blocks
    for name, period, turnaround in ways:
        times = [8 * period * transfer_bytes(system, entries, turnaround)
                 for entries in (blocks, blocks * system.core.query_entries)]
        table.add_row(name, str(turnaround), *(f"{time:,}" for time in times))
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
