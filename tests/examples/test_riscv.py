"""examples/riscv: its job and answers without a simulation; tests/sim/test_cpu.py runs both."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from riscv_example import ROOT, job, run

from blockfactor.generator.header import system_constants
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query import clean
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset
from blockfactor.sim import cpu_firmware, cpu_soc
from blockfactor.sim.cpu_soc import BUSES
from blockfactor.sim.runner import SimulationError

DEMO = preset("demo")


def phases(count: int = 3) -> list:
    """Sparse ones and dense ones."""
    return run.digit_phases(DEMO.system, {("join", "sparse"): count, ("factorize", "dense"): 2}, 1,
                            depth=2)[0]


def lines(wanted, cycles: int = 99) -> str:
    """What a firmware would send."""
    rows = []
    for a in wanted:
        r = a.result
        numbers = [a.phase, a.query, cycles, 5, 20, a.tag, job.STOPS.index(r.stop), a.errors,
                   *r.indices, r.score, r.smax, r.runner_up, r.iterations, r.cycles, r.seed, r.crc,
                   *r.similarities]
        rows.append(" ".join(["R", *(f"{n:x}" for n in numbers)]))
    return "\n".join([*rows, "E 0 5", ""])


def test_a_job_word_by_word():
    books = Codebooks((np.array([[1, 2, 3, 4]]), np.array([[5, 6, 7, 8], [9, 10, 11, 12]]),
                       np.array([[13, 14, 15, 16]])), 128)
    parameters = RunParameters(sizes=(1, 2, 1), known=(-1, 1, -1), mode="join", level=205)
    data = job.pack(DEMO.system, books, [job.Phase(parameters, [clean([1, 2, 3, 4])] * 2, 2)])
    words = np.frombuffer(data, "<u4")
    magic, count, codebooks, *sizes = words[:6]
    assert (magic.tobytes(), count, sizes) == (b"BFBJ", 1, [1, 2, 1])
    assert data[codebooks:codebooks + 16] == bytes(range(1, 17))
    kind, depth, queries, place = words[6:10]
    assert (kind, depth, queries) == (0, 2, 2)
    assert list(words[10:18]) == [1, 2, 1, 0xFFFFFFFF, 1, 0xFFFFFFFF, 2, parameters.heads]
    entries = words[place // 4:]
    assert list(entries[:5]) == [4, 0x00010100, 0x00020101, 0x00030102, 0x00040103]
    assert len(entries) == 10


def test_a_dense_query_is_its_elements():
    chosen = phases()[1]
    data = job.pack(DEMO.system, run.settings.codebooks(run.digits.load("b4")), [chosen])
    assert data.endswith(b"".join(q.astype("u1").tobytes() for q in chosen.queries))


def test_the_header_has_the_same_numbers():
    text = (run.FOLDER / "job.h").read_text()
    places = re.search(r"enum \{\s*P_MODE,(.*?)P_WORDS", text, re.DOTALL)[1]
    assert places.count(",") + 1 == 14
    assert f"0x{job.MAGIC:08x}" in text
    assert f"MOST_IN_FLIGHT {job.MOST_IN_FLIGHT}\n" in text
    assert system_constants(DEMO.system)["INDEX_LANE"] == DEMO.system.index_lane


def test_answers_come_back():
    wanted = list(job.expected(DEMO.system, run.settings.codebooks(run.digits.load("b4")),
                               phases()))
    found, errors, interrupts = job.answers(lines(wanted), DEMO.system)
    assert (errors, interrupts, len(found)) == (0, 5, 5)
    assert [a.tag for a in found] == [0, 1, 2, 3, 4]
    assert job.differences(found, wanted, DEMO.system) == []
    assert {(a.cycles, a.asleep, a.instructions) for a in found} == {(99, 5, 20)}


@pytest.mark.parametrize(("field", "value"), [
    ("indices", (0, 0, 0)), ("score", 1), ("crc", 1), ("cycles", 1), ("similarities", (1, 2, 3)),
    ("stop", "limit"), ("seed", 3), ("runner_up", 63), ("smax", 1), ("iterations", 99)])
def test_a_field_that_differs(field, value):
    books = run.settings.codebooks(run.digits.load("b4"))
    wanted = list(job.expected(DEMO.system, books, phases()))
    found = [*wanted[:2], replace(wanted[2], result=replace(wanted[2].result, **{field: value})),
             *wanted[3:]]
    [told] = job.differences(found, wanted, DEMO.system)
    assert told.startswith(f"phase 0, query 2: {field} is {value}, the golden model says ")
    told = job.differences([replace(wanted[0], tag=7, errors=1), *wanted[1:4]], wanted, DEMO.system)
    assert [t.partition(",")[0] for t in told] == ["4 results instead of 5", "phase 0", "phase 0"]


@pytest.mark.parametrize(("output", "message"), [
    ("", "after 0 results the firmware sent 'nothing more'"),
    ("R 0 0 1\nE 0 0\n", "after 0 results the firmware sent 'R 0 0 1'"),
    ("hello\n", "sent 'hello'"), ("E 0 zero\n", "sent 'E 0 zero'")])
def test_answers_that_are_none(output, message):
    with pytest.raises(job.JobError, match=message):
        job.answers(output, DEMO.system)


def test_mistakes():
    with pytest.raises(job.JobError, match=r"depth 5 is outside 1\.\.4"):
        job.Phase(DEMO.clean, [], 5)
    with pytest.raises(SimulationError, match="front_end 'uart'"):
        run.build_soc(run.system_of(DEMO, "uart"))
    assert set(BUSES) >= {"wishbone", "spi"}


@pytest.mark.parametrize("arguments", [["--triples", "0"], ["--bus", "i2c"], ["--seed", "-1"]])
def test_the_program_refuses(arguments):
    done = subprocess.run([sys.executable, ROOT / "examples" / "riscv" / "run.py", *arguments],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 2 and "usage:" in done.stderr and "Traceback" not in done.stderr


def test_what_is_missing(monkeypatch, tmp_path):
    """Named, with how to get it."""
    monkeypatch.setenv("BLOCKFACTOR_CACHE", str(tmp_path))
    monkeypatch.setattr(cpu_firmware, "find_spec", lambda name: None)
    with pytest.raises(SimulationError, match="ziglang is missing: pip install"):
        cpu_firmware.compile_firmware({"link.ld": ""})
    monkeypatch.setattr(cpu_soc, "PICORV32", "pythondata-cpu-none")
    with pytest.raises(SimulationError, match="pythondata-cpu-none is missing: pip install"):
        cpu_soc.picorv32()
