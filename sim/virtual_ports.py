"""The C++ header by which sim/virtual/main.cpp knows a design's ports."""

import re
from collections.abc import Mapping

from .runner import SimulationError

__all__ = ["ports_header", "ports_of"]

#: Name of the simulated module.
TOP = "board"
#: Ports without which there is no board, and their directions.
NEEDED = {"clk": "input", "rx": "input", "tx": "output"}
#: Inputs that are inactive when high; all others are when low.
IDLE_HIGH = ("cs_n",)

HEADER = """#pragma once
// Written by sim/virtual_ports.py for one design.
#include <cstdint>

#include "Vboard.h"

constexpr int LEDS = {count};
static const char* const LED_NAMES[] = {{{names}}};
// Lights that are on, one a bit.
static inline uint32_t leds(const Vboard& model) {{ return {lights}; }}
// Whether the lights leave it open that a run goes on.
static inline bool resting(const Vboard& model) {{ return {resting}; }}
static inline void button(Vboard& model, bool pressed) {{ {button} }}
static inline void tie(Vboard& model) {{ {ties} }}
"""


def ports_of(verilog: str, top: str = TOP) -> dict[str, str]:
    """Directions of a module's ports, by name.

    Raises
    ------
    SimulationError
        There is no such module.
    """
    body = re.search(rf"^module {re.escape(top)}\b.*?^endmodule", verilog, re.DOTALL | re.MULTILINE)
    if body is None:
        raise SimulationError(f"no module {top} in the Verilog to be simulated")
    # Functions have inputs, too.
    text = re.sub(r"\bfunction\b.*?\bendfunction\b|//[^\n]*|/\*.*?\*/", "", body[0],
                  flags=re.DOTALL)
    found = re.findall(r"\b(input|output|inout)\s+(?:wire\s+|reg\s+)?(?:\[[^\]]*\]\s*)?(\w+)", text)
    return {name: direction for direction, name in found}


def ports_header(verilog: str, leds: Mapping[str, bool], button_inverted: bool) -> str:
    """Text of the header.

    Parameters
    ----------
    verilog : str
        Has a module ``board``.
    leds : mapping of str to bool
        Whether low means on, by name; those without a port ``led_NAME`` are left out.
    button_inverted : bool
        Whether low means pressed.

    Raises
    ------
    SimulationError
        A port that is needed is missing.
    """
    ports = ports_of(verilog)
    for name, direction in NEEDED.items():
        if ports.get(name) != direction:
            raise SimulationError(f"module {TOP} has no {direction} {name!r}; its ports are "
                                  f"{', '.join(ports) or 'none'}")
    shown = [name for name in leds if ports.get(f"led_{name}") == "output"]
    lit = {name: f"({'!' * leds[name]}model.led_{name})" for name in shown}
    ties = [f"model.{name} = {int(name in IDLE_HIGH)};" for name, direction in ports.items()
            if direction == "input" and name not in (*NEEDED, "button")]
    pressed = "!pressed" if button_inverted else "pressed"
    return HEADER.format(
        count=len(shown), names=", ".join(f'"{name}"' for name in shown) or "nullptr",
        lights=" | ".join(f"uint32_t{lit[name]} << {n}" for n, name in enumerate(shown)) or "0",
        resting=lit.get("idle", "true"),
        button=f"model.button = {pressed};" if ports.get("button") == "input" else "",
        ties=" ".join(ties))
