"""Designs that the estimate is fitted to, and what synthesis and packing say of each."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from blockfactor.boards.harness import Harness
from blockfactor.boards.parts import Part, part
from blockfactor.boards.synthesis import Netlist, Routed, SynthesisError, synthesise
from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.presets import PRESETS
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.system import System
from blockfactor.rtl.verilog import to_rtlil

__all__ = ["DESIGNS", "JOBS", "measure", "system_of"]

_JOIN = {"max_codevectors": 64, "engines": ("join",)}
_TINY = {"max_codevectors": 64, "list_size": 32, "histogram_bits": 11, "tag_bits": 5,
         "engines": ("factorize",)}

#: Systems by name: presets with UART, and what spreads every feature.
DESIGNS = {
    **{name: SystemConfig(core=p.core, front_end="uart") for name, p in PRESETS.items()},
    **{name: SystemConfig(core=CoreConfig(**core), front_end=front_end)
       for name, front_end, core in (
        ("join alone", "none", _JOIN),
        ("join spi", "spi", _JOIN),
        ("join wishbone", "wishbone", _JOIN),
        ("tiny alone", "none", _TINY),
        ("join F=2", "native", {"factors": 2, "max_codevectors": 500, "engines": ("join",),
                                "heads": 1}),
        ("join F=4", "uart", {"factors": 4, "blocks": 2, "block_length": 512,
                              "max_codevectors": 20, "engines": ("join",), "query_entries": 4}),
        ("join B=8", "uart", {"blocks": 8, "block_length": 64, "max_codevectors": 100,
                              "lanes": 2, "engines": ("join",), "heads": 3}),
        ("join dense", "uart", {"max_codevectors": 48, "engines": ("join",),
                                "element_bits": 12}),
        ("factorize B=2", "spi", {"blocks": 2, "block_length": 256, "max_codevectors": 50,
                                  "engines": ("factorize",), "query_entries": 1,
                                  "weight_bits": 1, "list_size": 16, "histogram_bits": 10}),
        ("factorize F=2", "uart", {"factors": 2, "blocks": 8, "block_length": 64,
                                   "max_codevectors": 200, "engines": ("factorize",),
                                   "weight_bits": 3, "query_entries": 4, "list_size": 64,
                                   "histogram_bits": 14}),
        ("both B=6", "wishbone", {"blocks": 6, "block_length": 90, "max_codevectors": 40,
                                  "list_size": 16, "weight_bits": 2, "query_entries": 2}),
    )},
}

#: What is synthesised: a part of each family, and its designs. What synthesis makes hardly depends
#: on which part it is.
JOBS = [(target, name) for target, names in (
    ("up5k", tuple(DESIGNS)),
    ("ecp5-25f", (*PRESETS, "join alone", "join B=8", "factorize F=2")),
    ("gw2a-18c", tuple(PRESETS)),
    ("lifcl-40", ("join", "tiny", "full", "fast")),
    ("ccgm1a1", ("join", "tiny", "full", "fast", "robust", "both")),
) for name in names]

#: Ports of the harness, and pins for them where the router wants some.
PORTS = ("clk", "rst", "serial_in", "serial_out")
GOWIN, NEXUS = ("4", "88", "69", "70"), ("L13", "G14", "F16", "F18")


def _constraints(target: Part, netlist: Netlist) -> list[str]:
    """Options that let the router have the harness's ports anywhere, or at pins."""
    family = netlist.family
    if family.name == "gatemate":
        return ["--vopt", "allow-unconstrained"]
    if family.name not in ("gowin", "nexus"):
        return list(family.unconstrained)
    lines = ([f'IO_LOC "{port}" {pin};' for port, pin in zip(PORTS, GOWIN)]
             if family.name == "gowin" else
             [line for port, pin in zip(PORTS, NEXUS) for line in (
                 f"ldc_set_location -site {{{pin}}} [get_ports {port}]",
                 f"ldc_set_port -iobuf {{IO_TYPE=LVCMOS33}} [get_ports {port}]")])
    file = netlist.folder / f"pins{family.suffix}"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return (["--vopt", f"cst={file.name}"] if family.name == "gowin" else ["--pdc", file.name])


#: Cells in use after place and route, in shares of those before it, where the router takes some
#: away: of gatemate-evb's 5,978 halves of a cell 5,250 are left.
LEFT = {"gatemate": 5250 / 5978}


def _packed(netlist: Netlist) -> int:
    """Cells that the router makes of a netlist, whether they are there or not."""
    target, router = netlist.part, netlist.family.router
    done = subprocess.run(
        [sys.executable, "-c", router.code, *target.placement, "--json", f"{netlist.top}.json",
         "--pack-only", "--report", "pack.json", *_constraints(target, netlist)],
        cwd=netlist.folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SynthesisError(f"{router.package} failed: {done.stderr.strip()[-200:]}")
    used = json.loads((netlist.folder / "pack.json").read_text())["utilization"]
    cells = Routed(netlist, 0, {kind: value["used"] for kind, value in used.items()}, 0).cells
    return round(cells * LEFT.get(netlist.part.family, 1))


def system_of(record: dict) -> SystemConfig:
    """The system that a record is about."""
    return SystemConfig(core=CoreConfig.from_table(record["core"]),
                        front_end=record["front_end"])


def measure(target: str, name: str) -> dict:
    """Synthesise and pack a design; what its harness takes is taken off.

    Raises
    ------
    SynthesisError
        A tool is missing or failed.
    """
    system = DESIGNS[name]
    harness = Harness(Factorizer(system.core) if system.front_end == "none" else System(system))
    defaults = CoreConfig().to_table()
    with tempfile.TemporaryDirectory(prefix="blockfactor-") as folder:
        netlist = synthesise(to_rtlil(harness, "harness"), "harness", part(target), Path(folder))
        cells = _packed(netlist)
    less = harness.cells if netlist.part.family == "ice40" else harness.luts
    return {
        "part": target, "name": name,
        "core": {key: value for key, value in system.core.to_table().items()
                 if value != defaults[key]},
        "front_end": system.front_end,
        "luts": netlist.luts - harness.luts,
        "flip_flops": netlist.flip_flops - harness.cells,
        "cells": cells - less, "memories": netlist.memories,
        "lut_memories": netlist.lut_memories, "multipliers": netlist.multipliers,
    }
