"""``blockfactor estimate``: what it prints, refuses, and how long it takes."""

import json
import subprocess
import sys
import time

import pytest

from blockfactor.presets import PRESETS


def test_fits(command):
    done = command("estimate", "icebreaker")
    assert done.status == 0, done.err
    assert "join with uart on icebreaker" in done.out
    assert "fits" in done.out
    assert "latency at 30.0 MHz" in done.out
    assert "M=22" in done.out and "M=49" in done.out
    assert "at most" in done.out


def test_does_not_fit(command):
    done = command("estimate", "up5k", "--preset", "full", "--bus", "uart")
    assert done.status == 1
    assert "does not fit" in done.out
    assert "block RAMs too few" in done.out


def test_json(command):
    done = command("estimate", "ecp5-25f", "--preset", "fast", "--bus", "spi", "--set",
                   "max_codevectors=64", "--json")
    assert done.status == 0
    (one,) = json.loads(done.out)
    assert one["target"] == one["part"] == "ecp5-25f"
    assert one["preset"] == "fast"
    assert one["changes"] == {"max_codevectors": 64}
    assert one["system"]["front_end"] == "spi"
    assert one["system"]["core"]["max_codevectors"] == 64
    assert one["status"] == "fits" and one["excess"] == {}
    assert one["latency"]["join"]["22"] > 0
    assert one["frequency"] == one["clock"] or abs(one["frequency"] - one["clock"]) < .1


def test_all_presets(command):
    done = command("estimate", "up5k", "--all-presets", "--bus", "uart", "--json")
    assert done.status == 0
    found = {one["preset"]: one for one in json.loads(done.out)}
    assert list(found) == list(PRESETS)
    assert found["join"]["status"] == "fits"
    assert found["fast"]["status"] == "does not fit"
    done = command("estimate", "up5k", "--all-presets")
    assert all(name in done.out for name in PRESETS)


def test_all_presets_that_can_be_changed_so(command):
    done = command("estimate", "ecp5-25f", "--all-presets", "--set", "lanes=4", "--json")
    assert {one["preset"] for one in json.loads(done.out)} == {
        name for name, p in PRESETS.items() if "join" in p.core.engines}


@pytest.mark.parametrize("arguments, message", (
    (("nowhere",), "no board or part 'nowhere'; boards are icebreaker"),
    (("up5k", "--preset", "none"), "no preset 'none'"),
    (("up5k", "--set", "lanes=3"), "lanes 3"),
    (("up5k", "--set", "colour=3"), "no field 'colour'"),
    (("up5k", "--preset", "join", "--all-presets"), "exclude each other"),
    (("up5k", "--all-presets", "--set", "lanes=3"), "no preset can be changed so: lanes=3"),
    (("tang-nano-9k", "--bus", "wishbone"), "has pins for"),
    (("up5k", "--bus", "usb"), "'usb' is not one of"),
))
def test_refused(command, arguments, message):
    done = command("estimate", *arguments)
    assert done.status == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_help_has_examples(command):
    done = command("estimate", "--help")
    assert done.status == 0
    assert "blockfactor estimate icebreaker" in done.out


def test_takes_little_time():
    # A second is what a user sees at most on an idle machine; the least of a few is near that.
    least = float("inf")
    for _ in range(4):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "from blockfactor.cli import main; main()",
                        "estimate", "icebreaker"], check=True, capture_output=True)
        least = min(least, time.perf_counter() - began)
    assert least < 3


def test_imports_neither_numpy_nor_elaboration():
    code = ("import sys; from blockfactor.cli import main; main(); "
            "print(sorted({'numpy', 'blockfactor.rtl', 'blockfactor.golden'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code, "estimate", "icebreaker"], check=True,
                          capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
