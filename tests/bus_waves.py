"""Waveforms of a bus's page, and a component driven by one."""

import random
import re
from pathlib import Path

from blockfactor.sim.pysim import simulate

DOCS = Path(__file__).parents[1] / "docs"
#: Members of the access port by the names of rows.
INSIDE = {"done": "done", "error": "error", "data": "read_data"}


def waves_of(page: str) -> list[dict[str, list[str]]]:
    """Waveforms of a page, as rows of words."""
    return [{row[0]: row[2:] for row in map(str.split, text.splitlines())}
            for text in re.findall(r"^```wave\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]


def check_wave(dut, wave, inputs, outputs, seed: int, absent_low: str = "") -> None:
    """Drive a component by a waveform and compare what it answers, cycle by cycle.

    What the page leaves open is random, but 0 where the row is missing and its name ends in
    ``absent_low``. ``inputs`` and ``outputs`` are pins by names of rows, without the access port's.
    """
    rng = random.Random(seed)
    inputs = inputs | {row: getattr(dut.access, name) for row, name in INSIDE.items()}
    assert set(wave) <= {"cycle", *inputs, *outputs}

    async def bench(ctx):
        for cycle in range(len(wave["cycle"])):
            for row, pin in inputs.items():
                text = wave[row][cycle] if row in wave else "-"
                value = rng.getrandbits(len(pin)) if text == "-" else int(text, 16)
                if absent_low and row.endswith(absent_low) and row not in wave:
                    value = 0
                ctx.set(pin, value)
            _, _, *values = await ctx.tick().sample(*outputs.values())
            for name, value in zip(outputs, values):
                if name in wave and wave[name][cycle] != "-":
                    assert value == int(wave[name][cycle], 16), (cycle, name)

    assert [int(word) for word in wave["cycle"]] == list(range(len(wave["cycle"])))
    simulate(dut, bench)
