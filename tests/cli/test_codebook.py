"""``blockfactor codebook``: make, check and convert."""

import json

import pytest

from blockfactor.codebook_files import read_codebooks
from blockfactor.golden.codebook import Codebooks
from blockfactor.presets import PRESETS


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", [".npz", ".h", ".hex"])
def test_make(suffix, here, command):
    done = command("codebook", "make", "--sizes", "5,9", "--blocks", "3", "--block-length", "100",
                   "--seed", "7", "-o", f"book{suffix}")
    assert done == (0, f"book{suffix}: 2 codebooks of 5, 9 codevectors, 3 blocks of 100, seed 7\n",
                    "")
    assert read_codebooks(f"book{suffix}") == Codebooks.random((5, 9), 3, 100, 7)


@pytest.mark.parametrize("name", PRESETS)
def test_make_for_a_preset(name, here, command):
    assert command("codebook", "make", "--preset", name, "-o", "book.npz").status == 0
    preset = PRESETS[name]
    book = read_codebooks("book.npz")
    assert book == Codebooks.random(preset.clean.sizes, preset.core.blocks,
                                    preset.core.block_length, 1)
    assert command("codebook", "check", "book.npz", "--preset", name).status == 0


def test_make_with_sizes_instead_of_the_presets(here, command):
    command("codebook", "make", "--preset", "demo", "--sizes", "3,4,5", "-o", "book.npz")
    assert read_codebooks("book.npz") == Codebooks.random((3, 4, 5), 4, 128, 1)


def test_an_image_has_the_presets_address_bits(here, command):
    command("codebook", "make", "--preset", "demo", "-o", "book.npz")
    command("codebook", "convert", "book.npz", "book.hex", "--preset", "paper")
    lines = (here / "book.hex").read_text().splitlines()[1:]
    assert len(lines) == 3 * 128
    command("codebook", "convert", "book.npz", "book.hex", "--max-codevectors", "33")
    assert len((here / "book.hex").read_text().splitlines()[1:]) == 3 * 64
    command("codebook", "convert", "book.npz", "book.hex")
    assert len((here / "book.hex").read_text().splitlines()[1:]) == 3 * 32


def test_convert_round_the_formats(here, command):
    book = Codebooks.random((22, 1, 300), 5, 1000, 3)
    book.save("a.npz")
    for source, target in (("a.npz", "b.h"), ("b.h", "c.hex"), ("c.hex", "d.mem"),
                           ("d.mem", "e.c"), ("e.c", "f.npz"), ("f.npz", "g.inc")):
        done = command("codebook", "convert", source, target)
        assert done == (0, f"{target}: 3 codebooks of 22, 1, 300 codevectors, 5 blocks of 1000\n",
                        "")
        assert read_codebooks(target) == book


def test_the_name_of_c_arrays(here, command):
    command("codebook", "make", "--preset", "demo", "-o", "book.h", "--name", "words")
    text = (here / "book.h").read_text()
    assert "words_2[WORDS_SIZE_2][WORDS_BLOCKS] = {" in text
    assert read_codebooks("book.h") == Codebooks.random((22, 22, 22), 4, 128, 1)


def test_an_image_that_does_not_state_its_shape(here, command):
    command("codebook", "make", "--preset", "demo", "-o", "book.hex")
    text = (here / "book.hex").read_text()
    (here / "book.hex").write_text("".join(text.splitlines(keepends=True)[1:]))
    assert command("codebook", "check", "book.hex").status == 2
    assert command("codebook", "convert", "book.hex", "book.npz", "--preset", "demo").status == 0
    assert read_codebooks("book.npz") == Codebooks.random((22, 22, 22), 4, 128, 1)
    shape = ("--sizes", "22,22,22", "--blocks", "4", "--block-length", "128")
    assert command("codebook", "convert", "book.hex", "again.npz", *shape).status == 0
    assert read_codebooks("again.npz") == read_codebooks("book.npz")


def test_check_finds_repeats(here, command):
    Codebooks(([[1, 2], [3, 4], [1, 2]], [[0, 0]]), 8).save("book.npz")
    done = command("codebook", "check", "book.npz")
    assert done == (1, "book.npz: 2 codebooks of 3, 1 codevectors, 2 blocks of 8\n"
                       "book.npz: codebook 0, codevector 2 repeats codevector 0\nnot ok\n", "")


def test_check_stops_listing_after_ten(here, command):
    Codebooks(([[1, 2]] * 14, [[0, 0]]), 8).save("book.npz")
    lines = command("codebook", "check", "book.npz").out.splitlines()
    assert lines[-2:] == ["book.npz: and 3 more (--json lists all)", "not ok"]
    assert len(json.loads(command("codebook", "check", "book.npz", "--json").out)["problems"]) == 13


def test_check_against_a_preset(here, command):
    Codebooks.random((22, 22, 33), 4, 64, 1).save("book.npz")
    done = command("codebook", "check", "book.npz", "--preset", "demo", "--json")
    assert done.status == 1
    assert json.loads(done.out) == {
        "file": "book.npz", "ok": False, "factors": 3, "sizes": [22, 22, 33], "blocks": 4,
        "block_length": 64, "problems": [
            "codebooks have block_length 64, the core has 128",
            "codebook 2 has 33 codevectors, the core holds 32"]}


def test_check_of_a_good_file(here, command):
    Codebooks.random((22, 22), 4, 64, 1).save("book.npz")
    done = command("codebook", "check", "book.npz", "--json")
    assert done.status == 0 and json.loads(done.out)["ok"] is True
    assert command("codebook", "check", "book.npz").out.endswith("\nok\n")
