"""Whether a file is taken for a board's bitstream."""

import json

import pytest
from flash_world import bitstream, write_bitstream

from blockfactor.boards import families
from blockfactor.boards.bitstreams import (
    FORMATS,
    IDENTITIES,
    BitstreamError,
    built_bitstream,
    check_bitstream,
)
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.parts import FAMILIES, PARTS

BOARD = BOARDS["ulx3s-85f"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_bitstreams_are_known_by_their_beginning(board, tmp_path):
    check_bitstream(write_bitstream(board, tmp_path), board)
    suffix = FORMATS[board.part.family].suffix
    others = {other.part.family: other for other in BOARDS.values()}
    for family, other in others.items():
        if {family, board.part.family} <= {"ecp5", "nexus"}:
            continue  # told apart by the FPGA's identity
        path = tmp_path / f"{family}{suffix}"
        path.write_bytes(bitstream(other))
        if family != board.part.family:
            with pytest.raises(BitstreamError) as caught:
                check_bitstream(path, board)
            assert str(caught.value) == (
                f"{path}: is no bitstream for {board.part.about}: no "
                f"{FORMATS[board.part.family].mark}")


def test_every_family_has_a_format():
    assert set(FORMATS) == set(FAMILIES)
    for name, form in FORMATS.items():
        assert families.FAMILIES[name].bitstream == form.suffix


def test_an_ice40_file_without_a_comment(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"\x7e\xaa\x99\x7e\x51")
    check_bitstream(path, BOARDS["icebreaker"])
    path.write_bytes(b"\xff\x00made by hand\x00\x00\xff\x7e\xaa\x99\x7e\x51")
    check_bitstream(path, BOARDS["icebreaker"])
    path.write_bytes(b"\x00\x7e\xaa\x99\x7e\x51")
    with pytest.raises(BitstreamError, match="no synchronisation word"):
        check_bitstream(path, BOARDS["icebreaker"])


def test_gowin_files_with_comments_and_strange_lines(tmp_path):
    path, board = tmp_path / "a.fs", BOARDS["tang-nano-9k"]
    path.write_bytes(b"//Part Number: GW1NR\r\n" + bitstream(board).replace(b"\n", b"\r\n"))
    check_bitstream(path, board)
    path.write_bytes(b"hello\n" + bitstream(board))
    with pytest.raises(BitstreamError, match="no lines of 0 and 1"):
        check_bitstream(path, board)


@pytest.mark.parametrize(("wrong", "right", "found", "wanted"), [
    ("ulx3s-25f", "ulx3s-85f", "41111043", "ECP5 LFE5U-85F-6 has 41113043"),
    ("ecpix5-85f", "ulx3s-85f", "81113043", "ECP5 LFE5U-85F-6 has 41113043"),
    ("crosslink-nx-evn", "ulx3s-85f", "110F1043", "ECP5 LFE5U-85F-6 has 41113043"),
    ("tang-nano-9k", "tang-nano-20k", "1100481B", "Gowin GW2AR-18C has 0000081B"),
])
def test_another_fpga_of_the_family(wrong, right, found, wanted, tmp_path):
    path = write_bitstream(BOARDS[wrong], tmp_path, report=False)
    with pytest.raises(BitstreamError) as caught:
        check_bitstream(path, BOARDS[right])
    assert str(caught.value) == f"{path}: is for an FPGA with identity {found}, {wanted}"


def test_built_for_another_board(tmp_path):
    path = write_bitstream(BOARDS["icebreaker"], tmp_path)
    with pytest.raises(BitstreamError) as caught:
        check_bitstream(path, BOARDS["pico-ice"])
    assert str(caught.value) == f"{path}: was built for board icebreaker, not pico-ice"
    # The report speaks of its own file only.
    other = path.with_name("other.bin")
    path.rename(other)
    check_bitstream(other, BOARDS["pico-ice"])


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"board": "icebreaker"}'])
def test_a_strange_report_is_no_obstacle(text, tmp_path):
    path = write_bitstream(BOARDS["icebreaker"], tmp_path)
    (tmp_path / "report.json").write_text(text)
    check_bitstream(path, BOARDS["icebreaker"])


@pytest.mark.parametrize(("name", "content", "message"), [
    ("a.bit", None, "no such file; 'blockfactor build ulx3s-85f' makes one"),
    ("a.bit", b"", "is empty"),
    ("a.bin", b"x", "board ulx3s-85f wants a file .bit"),
    ("a", b"x", "board ulx3s-85f wants a file .bit"),
    ("a.bit", b"x", "is no bitstream for ECP5 LFE5U-85F-6: no preamble FF FF BD B3"),
])
def test_wrong_files(name, content, message, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BitstreamError) as caught:
        check_bitstream(path, BOARD)
    assert (str(caught.value), caught.value.status) == (f"{path}: {message}", 2)


def test_a_directory(tmp_path):
    with pytest.raises(BitstreamError, match="is a directory, must be a bitstream$"):
        check_bitstream(tmp_path, BOARD)


def test_what_was_built(tmp_path):
    report = tmp_path / "report.json"
    with pytest.raises(BitstreamError) as caught:
        built_bitstream(BOARD, tmp_path)
    assert str(caught.value) == (
        f"{report}: there is no bitstream: run 'blockfactor build ulx3s-85f' first, or name a file "
        "with --bitstream")
    report.write_text(json.dumps({"board": "ulx3s-85f", "bitstream": ""}))
    with pytest.raises(BitstreamError) as caught:
        built_bitstream(BOARD, tmp_path)
    assert str(caught.value) == (
        f"{report}: the build met no clock and made no bitstream: run 'blockfactor build "
        "ulx3s-85f' again, with more --seeds or a slower --clock")
    path = write_bitstream(BOARD, tmp_path)
    assert built_bitstream(BOARD, tmp_path) == path

def test_identities_are_those_of_parts():
    assert set(IDENTITIES) <= set(PARTS)
