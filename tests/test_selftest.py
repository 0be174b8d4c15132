"""The self-test finds what is planted in the golden model, in the step that is there for it."""

import pytest
from faulty_devices import (
    SYSTEM,
    Abort,
    Alias,
    AllQueries,
    Faulty,
    FlippedBit,
    LostWord,
    NoAbort,
    NoIdle,
    NothingRefused,
    NothingReserved,
    NotNoted,
    NotSticky,
    StuckBit,
    WrongCrc,
    WrongCycles,
    WrongResult,
    WrongTrace,
)

from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.drivers.device import Device
from blockfactor.drivers.golden import GoldenTransport
from blockfactor.drivers.transport import DeviceError
from blockfactor.presets import PRESETS, preset
from blockfactor.selftest import selftest

STEPS = ["identity", "registers", "refused accesses", "interrupts", "memories", "factorizations",
         "refused query", "abort", "throughput"]


def run(transport, system=SYSTEM, chosen="join", count=20, **options):
    rows = list(selftest(Device(transport), system, chosen and preset(chosen), count, **options))
    assert [row.step for row in rows] == STEPS
    return {row.step: row for row in rows}


def failures(rows) -> dict[str, str]:
    return {step: row.detail for step, row in rows.items() if not row.passed}


@pytest.mark.parametrize("name", ["demo", "both", "join", "odd", "tiny", "f4"])
def test_nothing_wrong(name):
    system = PRESETS[name].system
    rows = run(GoldenTransport(system), system, name, 40)
    assert failures(rows) == {}
    assert rows["factorizations"].figures["queries"] == 40
    groups = rows["factorizations"].figures["groups"]
    for mode in set(system.core.modes) - {"scan"}:
        assert f"{mode}, known" in groups and f"{mode}, soft" in groups
        assert (f"{mode}, dense" in groups) == bool(system.core.element_bits)
    size = system.core.max_codevectors * system.core.factors
    assert rows["memories"].figures["codevectors"] == size


def test_a_device_that_nobody_described():
    rows = run(GoldenTransport(SYSTEM), None, None)
    assert failures(rows) == {} and rows["identity"].detail.endswith("; as the preset join")
    core = CoreConfig(factors=2, blocks=3, block_length=50, max_codevectors=10, list_size=8,
                      engines="join", query_entries=2, weight_bits=2)
    rows = run(GoldenTransport(SystemConfig(core=core)), None, None)
    assert failures(rows) == {}
    assert "; no preset's" in rows["identity"].detail


def test_another_device():
    """It fails the first step; the others are tried with what it is."""
    system = preset("demo").system
    assert failures(run(GoldenTransport(system), SYSTEM, "join")) == {
        "identity": "the device's max_codevectors is 32, the configuration's 64 (register "
                    "CAPACITY: codevectors a codebook holds)"}


def test_progress_and_seeds():
    told = []
    rows = run(GoldenTransport(SYSTEM), told=lambda *words: told.append(words), seed=5)
    assert {step for step, _, _ in told} == set(STEPS)
    assert ("factorizations", 20, 20) in told
    assert all(0 <= done <= total for _, done, total in told)
    again = run(GoldenTransport(SYSTEM), seed=6)
    assert rows["memories"].detail != again["memories"].detail


@pytest.mark.parametrize(("fault", "steps"), [
    (StuckBit, {"registers": "SEED after reset is 0x2545f499, expected is 0x2545f491"}),
    (Alias, {"registers": "SEED is 0x"}),
    (NothingReserved, {"refused accesses": "a write to SEARCH with all reserved bits is not "
                                           "refused"}),
    (NothingRefused, {"refused accesses": "a read at 0x54 (no register) is not refused",
                      "interrupts": "a write to ID is not refused"}),
    (NotNoted, {"refused accesses": "ERRORS after a write to CONFIG with all reserved bits is "
                                    "0x00000000, expected is 0x00000040"}),
    (NotSticky, {"interrupts": "INT_STATE after others were cleared is 0x00000000, expected is "
                               "0x00000001"}),
    (FlippedBit, {"memories": "codebook 1, codevector 40, block 2: the device holds "}),
    (WrongCrc, {"memories": "CODEBOOK_CRC is 0x", "factorizations": "CODEBOOK_CRC is 0x",
                "refused query": "CODEBOOK_CRC", "abort": "CODEBOOK_CRC",
                "throughput": "CODEBOOK_CRC"}),
    (LostWord, dict.fromkeys(["memories", "factorizations", "refused query", "abort",
                              "throughput"], "CODEBOOK_CRC is 0x")),
    (WrongResult, {"factorizations": "query 1 of join, soft: indices is "}),
    (WrongTrace, {"factorizations": "query 1 of join, soft: crc is "}),
    (WrongCycles, {"factorizations": "query 1 of join, soft: cycles is "}),
    (NoIdle, {"factorizations": "INT_STATE after join, clean is 0x00000001, expected is "
                                "0x00000003"}),
    (AllQueries, {"refused query": "a query with weight 0 ends as "}),
    (NoAbort, {"abort": "none of 16 runs was aborted, though one went on"}),
    (Abort, {}),
])
def test_planted_faults(fault, steps):
    rows = run(fault())
    found = failures(rows)
    assert list(found) == list(steps), found
    for step, detail in steps.items():
        assert found[step].startswith(detail) or detail in found[step]
    if fault is Abort:
        assert rows["abort"].detail.startswith("run 0 of 16 aborted after 1 cycles; ")


def test_a_line_that_is_cut():
    """What cannot be tried any more says why."""
    class Cut(Faulty):
        def _access(self, address, done, write, data):
            if self.count.get(("CODEBOOK_DATA", True), 0) > 100:
                raise DeviceError("the line is cut")
            return super()._access(address, done, write, data)

    rows = run(Cut())
    assert [row.passed for row in rows.values()] == [True] * 4 + [False] + [None] * 4
    assert rows["memories"].detail == "the line is cut"
    assert rows["abort"].detail == "the device could not be reset: the line is cut"


class Line(GoldenTransport):
    """The golden model with a serial line, whose time goes on with bytes and waits alone."""

    class Link:
        def __init__(self, owner):
            self.owner, self.transport = owner, self

        @property
        def status(self):
            return self.owner.model.front_end_status

        def write(self, data):
            self.owner.seconds += 10 * len(data) / self.owner.baud

    def __init__(self, baud, step):
        super().__init__(SYSTEM)
        self.baud, self.step, self.seconds = baud, step, 0.0
        self.link = self.Link(self)

    def _access(self, address, done, write, data):
        self.link.transport.write(bytes(20))
        return super()._access(address, done, write, data)

    def wait(self, seconds):
        self.seconds += self.step
        super().wait(seconds)


@pytest.mark.parametrize(("baud", "step", "limit"), [
    (10_000, 0.0, "the line limits"), (1e12, 1e-4, "the engine limits"),
    (1e9, 1.0, "neither limits, but what is between: adapter, this program")])
def test_what_limits(baud, step, limit):
    rows = run(Line(baud, step), baud=baud)
    assert failures(rows) == {}
    assert rows["interrupts"].detail == "3 set, held, cleared"
    assert rows["throughput"].detail.endswith(f"; {limit}"), rows["throughput"].detail
    assert rows["throughput"].figures["bytes"] > 100


def test_an_interrupt_line_that_is_stuck(monkeypatch):
    monkeypatch.setattr(Line.Link, "status", 1)
    assert failures(run(Line(1e9, 0.0))) == {
        "interrupts": "the interrupt line is 1 though INT_ENABLE.result is 0, expected is 0"}
