"""A processor drives the core: firmware on the C driver, on simulated PicoRV32, decodes digits."""

import re

import pytest
from riscv_example import job, run

from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.query import Query, clean
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset
from blockfactor.sim import cpu_soc
from blockfactor.sim.cpu_firmware import compile_firmware
from blockfactor.sim.cpu_soc import DATA, RAM_BYTES, CpuError, build_soc, run_soc
from blockfactor.sim.runner import SimulationError

SEED = 5
#: Grey levels: some triples take long, some are not found.
NOISE = 1.5

pytestmark = [pytest.mark.cocotb, pytest.mark.needs("verilator", "g++", "make", "perl"),
              pytest.mark.needs_modules("ziglang", "elftools", "pythondata_cpu_picorv32")]


def check(outcome: run.Outcome, phases, right) -> None:
    """Every field is golden's, interrupts came as they must, and most triples are found."""
    assert outcome.wrong == [], f"seed {SEED}"
    assert (outcome.errors, outcome.run.refused) == (0, 0)
    # Results that came in together can be one interrupt.
    batches = sum(-(-len(phase.queries) // phase.depth) for phase in phases)
    assert batches <= outcome.interrupts <= len(right)
    found = sum(answer.result.indices == truth for answer, truth in zip(outcome.answers, right))
    assert .95 * len(right) <= found <= len(right)


def test_a_thousand_triples_in_memory():
    """Registers behind Wishbone, both engines, sparse and dense queries, one to four in flight."""
    chosen = preset("demo")
    phases, right = [], []
    for mode, kind, count, depth in (
            ("join", "sparse", 700, 1), ("factorize", "sparse", 210, 4), ("scan", "sparse", 70, 1),
            ("factorize", "dense", 10, 1), ("join", "dense", 10, 2)):
        more, truths = run.digit_phases(chosen.system, {(mode, kind): count}, SEED + len(right),
                                        depth, NOISE)
        phases += more
        right += truths
    assert len(right) == 1000
    outcome = run.run_phases(chosen, "wishbone", phases)
    check(outcome, phases, right)
    # Exhaustive search takes the core longer than the driver's last look: the processor sleeps.
    scans = [answer for answer in outcome.answers if answer.phase == 2]
    assert sum(answer.asleep > 0 for answer in scans) > len(scans) / 4
    # As the firmware measures it, some instructions more.
    asleep = sum(answer.asleep for answer in outcome.answers)
    assert outcome.run.asleep < asleep < outcome.run.asleep + 50 * outcome.interrupts
    assert all(answer.cycles > answer.result.cycles + answer.asleep / 2 for answer in scans)


def test_a_hundred_triples_over_spi():
    """Bit by bit; the core has the join engine alone."""
    chosen = preset("join")
    count = {("join", "sparse"): 80, ("scan", "sparse"): 20}
    phases, right = run.digit_phases(chosen.system, count, SEED, 2, NOISE)
    check(run.run_phases(chosen, "spi", phases), phases, right)


def test_asleep_over_spi():
    """Runs that take longer than what the driver does after the last word; a known factor."""
    chosen = preset("join")
    books = Codebooks.random((18, 17, 16), 4, 128, SEED)
    right = [(n, 2 * n, 15 - n) for n in range(6)]
    parameters = RunParameters(sizes=books.sizes, mode="scan", level=511)
    queries = [clean(encode(books, truth)) for truth in right]
    phases = [job.Phase(parameters, queries[:5]),
              job.Phase(parameters.replace(known=(5, -1, -1), mode="join"), queries[5:])]
    outcome = run.run_phases(chosen, "spi", phases, books)
    check(outcome, phases, right)
    assert all(answer.result.stop == "complete" and answer.asleep > 2000
               for answer in outcome.answers[:5])


def test_a_job_that_the_driver_refuses():
    """It says so, in words, and the host raises."""
    chosen = preset("demo")
    [phase], _ = run.digit_phases(chosen.system, {("join", "sparse"): 2}, SEED)
    long = job.Phase(phase.parameters.replace(sizes=(11, 10, 10)), phase.queries)
    with pytest.raises(job.JobError, match="ended with 3: .*a codebook has too few codevectors"):
        run.run_phases(chosen, "wishbone", [long])
    block = ((5, 1),)
    wide = job.Phase(phase.parameters, [Query((block, block, block, ((128, 1),)))])
    with pytest.raises(job.JobError, match="ended with 4: .*the core cannot take this query"):
        run.run_phases(chosen, "wishbone", [wide])


MAIN = """#include "picorv32.h"
#define WORD(address) (*(volatile uint32_t *)(address))
void interrupt(uint32_t which) { (void)which; }
_Noreturn void finish(uint32_t code) { WORD(0x30000000) = code; for (;;) ; }
int main(void) {
    WORD(0x20000000) = 'a';
    switch (WORD(0x00010000)) {
CASES
    }
    return 7;
}
"""
#: What it does then, and how that ends.
MISTAKES = {
    "for (;;) ;": r"did not end within 20,000 cycles: the processor is busy at pc 0x0000",
    "irq_mask(~0u), irq_wait();": "within 20,000 cycles: the processor is asleep at pc 0x0000",
    '__asm__ volatile(".word 0xffffffff");': r"trapped \(illegal or .*\) at pc 0x0000[0-9a-f]{4}",
    "WORD(0x00000102);": r"trapped \(illegal or misaligned .*\) at pc 0x0000",
    "WORD(0x50000004) = 1;": "nothing answers at address 0x50000004, used at pc 0x0000",
    "WORD(0x10000100);": "nothing answers at address 0x10000100, used at pc 0x0000",
    "((void (*)(void))0x00300000)();": "nothing answers at address 0x00300000",
}
#: What is none.
NOTHING = "break;"
REFUSED = "WORD(0x10000000) = 1; WORD(0x100000fc);"
TRAP = """{
    uint32_t here;
    __asm__ volatile("auipc %0, 0" : "=r"(here));
    for (int n = 28; n >= 0; n -= 4) WORD(0x20000000) = 'A' + (here >> n & 15);
    __asm__ volatile(".balign 4\\n.word 0xffffffff");
}"""
BODIES = (*MISTAKES, NOTHING, REFUSED, TRAP)


def test_the_page():
    """What docs/cpu.md shows runs."""
    page = (run.FOLDER.parents[1] / "docs" / "cpu.md").read_text(encoding="utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names = {"files": sources(MAIN.replace("CASES", ""))}
    exec(compile(code, "docs/cpu.md", "exec"), names)
    assert (names["run"].output, names["run"].code) == ("a", 7)
    for address, name in (("0x1000_0000", "DEVICE"), ("0x2000_0000", "UART"),
                          ("0x3000_0000", "SIMULATION")):
        assert f"| `{address}` |" in page
        board = (run.FOLDER / "board.c").read_text(encoding="utf-8")
        assert f"#define {name} ((volatile uint32_t *){address.replace('_', '')})" in board


def sources(main: str) -> dict[str, str]:
    """Files of a firmware without a driver."""
    names = ("start.S", "link.ld", "picorv32.h")
    return {name: (run.FOLDER / name).read_text() for name in names} | {"main.c": main}


@pytest.fixture(scope="module")
def ends():
    """Run a firmware that sends an ``a``, does something, and ends with 7."""
    program = build_soc(run.system_of(preset("demo"), "wishbone"))
    cases = "\n".join(f"case {n}: {body} break;" for n, body in enumerate(BODIES))
    binary = compile_firmware(sources(MAIN.replace("CASES", cases)))
    return lambda body, more=b"": run_soc(
        program, binary, BODIES.index(body).to_bytes(4, "little") + more, 20_000)


class TestEnds:
    """How a firmware can end, with the memory-mapped computer."""

    def test_by_itself(self, ends):
        done = ends(NOTHING)
        assert (done.output, done.code, done.refused, done.asleep) == ("a", 7, 0, 0)
        assert 0 < done.instructions < done.cycles < 1000

    @pytest.mark.parametrize("body", MISTAKES)
    def test_by_a_mistake(self, ends, body):
        with pytest.raises(CpuError, match=MISTAKES[body]) as caught:
            ends(body)
        assert caught.value.output == "a"

    def test_the_place_of_a_trap(self, ends):
        """The pc that is told is the instruction's."""
        with pytest.raises(CpuError, match="trapped") as caught:
            ends(TRAP)
        here = int("".join(f"{ord(c) - 65:x}" for c in caught.value.output[1:]), 16)
        told = int(str(caught.value).partition("0x")[2][:8], 16)
        assert here < told < here + 200

    def test_a_refused_access_is_counted(self, ends):
        assert ends(REFUSED).refused == 2

    def test_what_does_not_fit(self, ends):
        with pytest.raises(SimulationError, match="data has 2,031,617 bytes, the RAM has room for "
                                                  "2,031,616"):
            ends(NOTHING, bytes(RAM_BYTES - DATA - 3))

    def test_a_serial_line_at_another_rate(self, ends, monkeypatch):
        """It is received bit by bit."""
        monkeypatch.setattr(cpu_soc, "DIVISOR", cpu_soc.DIVISOR // 2)
        with pytest.raises(CpuError, match="bytes of the serial line had no stop bit"):
            ends(NOTHING)

    def test_firmware_that_is_none(self):
        with pytest.raises(SimulationError, match=r"could not be compiled: see .*build\.log"):
            compile_firmware(sources("int main(void) { return mistake; }"))
