"""boards/build.py: bitstreams of three families, and what is done with seeds."""

import json

import pytest
from board_builds import TOOLS, built

from blockfactor.boards import build as module
from blockfactor.boards.bitstreams import check_bitstream
from blockfactor.boards.build import BoardReport, Design, TimingError, build
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.synthesis import Netlist, Routed, RouterCrash
from blockfactor.errors import CodebookError, ConfigError
from blockfactor.golden.codebook import Codebooks

ICEBREAKER = BOARDS["icebreaker"]

# Tops that are made to be looked at.
pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")


@pytest.fixture
def world(monkeypatch, tmp_path):
    """Tools that take no time: clocks by seed, and what was packed."""
    speeds, packed, asked = {1: 29.0, 2: 31.0, 3: 33.0}, [], []

    def synthesise(rtlil, top, part, folder):
        folder.mkdir(parents=True, exist_ok=True)
        return Netlist(part, top, folder, {"SB_LUT4": 7, "SB_DFFSR": 5, "SB_RAM40_4K": 3})

    def place_and_route(netlist, seed, frequency, constraints):
        asked.append(frequency)
        assert (netlist.folder / constraints).read_text()
        return Routed(netlist, seed, {"ICESTORM_LC": 10 + seed}, speeds[seed],
                      [["logic", 1.0, "slow"]])

    def pack(routed):
        packed.append(routed.seed)
        file = routed.netlist.folder / "packed"
        file.write_bytes(b"bits")
        return file

    for function in (synthesise, place_and_route, pack):
        monkeypatch.setattr(module, function.__name__, function)
    monkeypatch.setattr(module, "versions", lambda part: {"tool": "1"})
    return asked, packed, tmp_path / "out"


@pytest.fixture
def crashes(world, monkeypatch):
    """Seeds with which place and route crashes when all is routed."""
    place_and_route, seeds = module.place_and_route, set()

    def some_crash(netlist, seed, frequency, constraints):
        routed = place_and_route(netlist, seed, frequency, constraints)
        if seed in seeds:
            raise RouterCrash(f"crash of seed {seed}", routed.frequency)
        return routed

    monkeypatch.setattr(module, "place_and_route", some_crash)
    return seeds


def test_a_crash_after_routing_has_a_clock_and_no_bitstream(world, crashes):
    _, packed, folder = world
    crashes.add(3)
    report = build(ICEBREAKER, seeds=(1, 2, 3), folder=folder, all_seeds=True)
    assert (report.seed, packed) == (2, [2])
    assert report.frequency == {1: 29.0, 2: 31.0, 3: 33.0}
    # Without being told to try all, another seed takes its place.
    report = build(ICEBREAKER, seeds=(3, 2), folder=folder)
    assert (report.seed, report.frequency) == (2, {3: 33.0, 2: 31.0})
    crashes.add(2)
    with pytest.raises(RouterCrash, match="crash of seed 3"):
        build(ICEBREAKER, seeds=(2, 3), folder=folder)


def test_first_seed_that_meets_the_clock(world):
    asked, packed, folder = world
    report = build(ICEBREAKER, seeds=(1, 2, 3), folder=folder)
    assert asked == [30.0, 30.0]
    assert (report.seed, report.frequency, packed) == (2, {1: 29.0, 2: 31.0}, [2])
    assert (report.luts, report.flip_flops, report.memories, report.cells) == (7, 5, 3, 12)
    assert (folder / report.bitstream).read_bytes() == b"bits"
    table = json.loads((folder / "report.json").read_text())
    assert BoardReport.from_table(table) == report
    assert table["board"] == "icebreaker" and table["bitstream"] == "icebreaker.bin"


def test_all_seeds(world):
    """The fastest is packed; worst and median are of all."""
    _, packed, folder = world
    report = build(ICEBREAKER, seeds=(3, 1, 2), folder=folder, all_seeds=True)
    assert (report.seed, packed, report.worst, report.median) == (3, [3], 29.0, 31.0)


def test_no_seed_meets_the_clock(world):
    """No bitstream, not even an older one, but a report with the critical path."""
    _, packed, folder = world
    folder.mkdir()
    (folder / "icebreaker.bin").write_bytes(b"old")
    with pytest.raises(TimingError, match="icebreaker: no seed of 1 meets 30.00 MHz, the best has "
                                          "29.00: ask for more with --seeds"):
        build(ICEBREAKER, seeds=(1,), folder=folder)
    assert not packed and not (folder / "icebreaker.bin").exists()
    table = json.loads((folder / "report.json").read_text())
    assert table["bitstream"] == "" and table["path"] == [["logic", 1.0, "slow"]]


def test_an_oscillator_may_be_fast(world):
    """Timing must be met at the fastest that the FPGA's own oscillator can be."""
    asked, _, folder = world
    report = build(BOARDS["upduino3"], seeds=(1,), folder=folder)
    assert asked == [pytest.approx(26.4)] and report.clock_hz == 24e6


def test_refused(world):
    _, packed, folder = world
    books = Codebooks.random((100,) * 3, 4, 128, 1)
    with pytest.raises(CodebookError, match="100"):
        build(ICEBREAKER, folder=folder, codebooks=books)
    with pytest.raises(ConfigError, match="no field|unexpected|lane"):
        build(ICEBREAKER, changes={"lanes": 3}, folder=folder)
    with pytest.raises(ConfigError, match="clock_hz 1000000: a PLL of ice40 cannot make it"):
        build(ICEBREAKER, clock_hz=1_000_000, folder=folder)
    assert not folder.exists() and not packed


def test_digest():
    """Of all that decides on a bitstream, and of nothing else."""
    system = ICEBREAKER.system()
    first = Design.of(ICEBREAKER, system)
    assert first.digest == Design.of(ICEBREAKER, system).digest
    others = [Design.of(ICEBREAKER, ICEBREAKER.system(baud=500_000)),
              Design.of(BOARDS["pico-ice"], BOARDS["pico-ice"].system()),
              Design.of(ICEBREAKER, system, Codebooks.random((8,) * 3, 4, 128, 1))]
    assert len({first.digest, *(o.digest for o in others)}) == 4


@pytest.mark.synth
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.needs(*TOOLS[BOARDS[name].part.family]))
    for name in ("icebreaker", "ulx3s-25f", "tang-nano-9k")])
def test_bitstream(name):
    """One board of each of three families, with its own preset: packed, and in time."""
    board, folder = BOARDS[name], built(name)
    report = BoardReport.from_table(json.loads((folder / "report.json").read_text()))
    check_bitstream(folder / report.bitstream, board)
    assert report.frequency[report.seed] * 1e6 >= report.clock_hz
    assert report.cells <= report.cells_there and report.memories <= report.memories_there
    assert report.preset == board.preset and report.front_end == board.front_end
