"""What would be flashed decodes digits through its pins.

Two packed iCE40 bitstreams turned back into Verilog, and two routed net-lists, each of a board's
own build, run as virtual boards: the Python driver talks to their serial pins.
"""

import json

import pytest
from board_builds import TOOLS, built
from digits_example import network, settings

from blockfactor.boards.build import BoardReport
from blockfactor.boards.catalogue import BOARDS
from blockfactor.config import SystemConfig
from blockfactor.drivers import open_device
from blockfactor.golden.factorizer import Factorizer
from blockfactor.sim.routed import routed_verilog
from blockfactor.sim.unpacked import unpacked_verilog
from blockfactor.sim.virtual_board import virtual_board

SEED = 11
#: Boards, and the triples each decodes in its engines' modes: fewer where the line is slow.
TRIPLES = {"icebreaker": 20, "hx8k-breakout": 20, "ulx3s-25f": 20, "tang-nano-9k": 8}
PACKAGES = {"up5k": "sg48", "hx8k": "ct256"}
SIMULATION = ("verilator", "g++", "make", "perl")


def netlist(board, folder, report, place) -> str:
    """Verilog of what was built."""
    if board.part.family == "ice40":
        return unpacked_verilog(folder / report.bitstream, folder / "board.pcf",
                                PACKAGES[board.part.name], place)
    return routed_verilog(folder / f"board-{report.seed}.routed.json", board.part.family, place)


@pytest.mark.synth
@pytest.mark.needs_modules("serial")
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.needs(
        *TOOLS[BOARDS[name].part.family], *SIMULATION,
        *(("icebox_vlog",) if BOARDS[name].part.family == "ice40" else ())))
    for name in TRIPLES])
def test_digits(name, tmp_path):
    """Every field of every result is golden's, the trace CRC among them, and no line error."""
    board, folder = BOARDS[name], built(name)
    report = BoardReport.from_table(json.loads((folder / "report.json").read_text()))
    system = SystemConfig.from_table(report.system)
    net = network.load("b4")
    images, labels = network.held_out_triples(TRIPLES[name], SEED, 1.0)
    queries, books = settings.queries(net, images), settings.codebooks(net)
    golden = Factorizer(system.core, books)
    right = 0
    with virtual_board(board, system, verilog=netlist(board, folder, report, tmp_path)) as virtual:
        with open_device(virtual.port, system, virtual.host_baud, timeout=120) as device:
            device.load_codebooks(books)
            for mode in system.core.engines:
                parameters = settings.run_parameters(net, mode)
                device.parameters = parameters
                for n, ((_, result), query) in enumerate(zip(device.stream(queries), queries)):
                    want, have = golden.run(query, parameters).to_table(), result.to_table()
                    if "factorize" not in system.core.engines:
                        del want["similarities"], have["similarities"]  # the device has none
                    assert have == want, f"{mode}, triple {n} of seed {SEED}"
                    right += result.indices == tuple(labels[n])
            assert device.errors() == ()
        assert virtual.status()["framing_errors"] == 0
    assert right >= .9 * TRIPLES[name] * len(system.core.engines)
