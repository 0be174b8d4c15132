"""Codebook files: every format holds every codebook, and other tools read it as documented."""

import subprocess

import numpy as np
import pytest

from blockfactor.codebook_files import (
    SUFFIXES,
    Layout,
    from_c,
    from_hex,
    memory_words,
    misfits,
    read_codebooks,
    to_c,
    to_hex,
    write_codebooks,
)
from blockfactor.config import CoreConfig
from blockfactor.errors import CodebookError
from blockfactor.golden.codebook import Codebooks
from blockfactor.presets import PRESETS

#: Sizes, blocks, block length: one codevector, one block, lengths around a byte, widest index.
SHAPES = [((1,), 1, 1), ((22, 22, 22), 4, 128), ((3, 5), 2, 2), ((7, 2, 4), 3, 256),
          ((7, 2, 4), 3, 257), ((2, 3), 2, 65536), ((20, 17, 24), 5, 100), ((16,) * 4, 4, 256)]


@pytest.fixture(params=SHAPES, ids=str)
def book(request):
    """Codebooks of each shape."""
    return Codebooks.random(*request.param, seed=11)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_round_trip(suffix, book, tmp_path):
    path = tmp_path / f"book{suffix}"
    write_codebooks(path, book)
    assert read_codebooks(path) == book
    write_codebooks(path.with_name("again" + suffix), read_codebooks(path))
    if suffix != ".npz":  # a zip archive holds the time
        assert path.with_name("again" + suffix).read_bytes() == path.read_bytes()


def test_suffixes_in_capitals(tmp_path):
    book = Codebooks.random((3, 5), 2, 9, seed=11)
    write_codebooks(tmp_path / "BOOK.HEX", book)
    assert read_codebooks(tmp_path / "BOOK.HEX") == book


def test_words_against_the_definition(book):
    words = memory_words(book)
    address_bits = max(1, (max(book.sizes) - 1).bit_length())
    index_bits = max(1, (book.block_length - 1).bit_length())
    assert len(words) == book.factors * 2**address_bits
    filled = set()
    for f, array in enumerate(book.indices):
        for m, row in enumerate(array):
            line = f * 2**address_bits + m
            filled.add(line)
            text = "".join(f"{index:0{index_bits}b}" for index in reversed(row.tolist()))
            assert words[line] == int(text, 2)
    assert all(word == 0 for line, word in enumerate(words) if line not in filled)


def test_words_for_a_core_with_room(book):
    words = memory_words(book, 10) if max(book.sizes) <= 1024 else None
    assert len(words) == book.factors << 10
    assert from_hex(to_hex(book, 10)) == book


@pytest.mark.parametrize("name", PRESETS)
def test_layout_agrees_with_the_core(name):
    preset = PRESETS[name]
    core = preset.core
    book = Codebooks.random(preset.clean.sizes, core.blocks, core.block_length, seed=1)
    layout = Layout.of(book, core.codevector_bits)
    assert layout.element_index_bits == core.element_index_bits
    assert layout.word_bits == core.blocks * core.element_index_bits
    assert misfits(book, core) == []


def test_image_without_its_comment_needs_the_layout():
    book = Codebooks.random((3, 5), 2, 9, seed=11)
    bare = "".join(to_hex(book).splitlines(keepends=True)[1:])
    with pytest.raises(CodebookError, match="^the shape is not stated"):
        from_hex(bare)
    assert from_hex(bare, Layout((3, 5), 2, 9, 3)) == book


def test_image_that_states_another_shape():
    book = Codebooks.random((3, 5), 2, 9, seed=11)
    with pytest.raises(CodebookError) as raised:
        from_hex(to_hex(book), Layout((3, 5), 2, 10, 3))
    assert str(raised.value) == (
        "shape is sizes 3,5, blocks 2, block_length 9, codevector_bits 3; "
        "expected sizes 3,5, blocks 2, block_length 10, codevector_bits 3")


def test_image_with_comments_blanks_and_capitals():
    layout = Layout((2, 1), 2, 16, 1)
    text = "// a comment\n\n  1A // first\n2b 0C\n\n0\n"
    assert from_hex(text, layout) == Codebooks(([[10, 1], [11, 2]], [[12, 0]]), 16)


@pytest.mark.parametrize(("length", "kind"), [(256, "uint8_t"), (257, "uint16_t")])
def test_c_type_is_the_smallest(length, kind):
    assert f"const {kind} codebook_0[" in to_c(Codebooks.random((3, 5), 2, length, seed=11))


def test_c_with_comments_other_names_and_hexadecimal():
    text = """
    /* #define OTHER_FACTORS 3 */
    #define  WORDS_FACTORS 2
    #define WORDS_BLOCKS 2   // two
    #define WORDS_BLOCK_LENGTH 300
    static const uint16_t words_0[][2] = {{1,2},{ 0x10 , 299, } };
    const uint16_t Words_1 [1] [2] = { {0, 0} };
    """
    assert from_c(text.replace("// two", "")) == from_c(text)
    assert from_c(text) == Codebooks(([[1, 2], [16, 299]], [[0, 0]]), 300)


def test_octal_numbers_are_refused():
    text = to_c(Codebooks(([[7, 5]],), 8)).replace("{7, 5}", "{07, 5}")
    with pytest.raises(CodebookError, match="'07' is not a decimal or 0x number"):
        from_c(text)


def test_a_c_compiler_reads_the_same(book, tmp_path, require_tool):
    require_tool("g++")
    write_codebooks(tmp_path / "book.h", book, name="b")
    prints = "".join(
        f"for (int m = 0; m < B_SIZE_{f}; m++) for (int b = 0; b < B_BLOCKS; b++) "
        f'printf("%d ", b_{f}[m][b]);\n' for f in range(book.factors))
    (tmp_path / "main.cpp").write_text(
        '#include <cstdio>\n#include "book.h"\n#include "book.h"\n'
        f'int main() {{ printf("%d %d %d ", B_FACTORS, B_BLOCKS, B_BLOCK_LENGTH);\n{prints} }}\n')
    subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", "main.cpp", "-o", "main"], cwd=tmp_path,
                   check=True, timeout=60)
    out = subprocess.run([tmp_path / "main"], capture_output=True, check=True, timeout=60).stdout
    want = [book.factors, book.blocks, book.block_length]
    want += [int(index) for array in book.indices for row in array for index in row]
    assert [int(word) for word in out.split()] == want


def test_readmemh_reads_the_same(tmp_path, require_tool):
    require_tool("iverilog")
    book = Codebooks.random((20, 17, 24), 5, 100, seed=11)
    write_codebooks(tmp_path / "book.hex", book, codevector_bits=5)
    (tmp_path / "top.v").write_text("""
        module top;
          reg [34:0] rows [0:95];
          integer n;
          initial begin
            $readmemh("book.hex", rows);
            for (n = 0; n < 96; n = n + 1) $display("%h", rows[n]);
          end
        endmodule""")
    subprocess.run(["iverilog", "-g2012", "-o", "top", "top.v"], cwd=tmp_path, check=True,
                   timeout=60)
    done = subprocess.run(["vvp", "-n", "top"], cwd=tmp_path, check=True, capture_output=True,
                          text=True, timeout=60)
    assert done.stderr == ""
    assert [int(line, 16) for line in done.stdout.split()] == memory_words(book, 5)


def test_a_failed_conversion_keeps_the_old_file(tmp_path):
    path = tmp_path / "book.hex"
    path.write_text("old")
    book = Codebooks.random((22, 22), 4, 128, seed=11)
    with pytest.raises(CodebookError):
        write_codebooks(path, book, codevector_bits=4)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["book.hex"]


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "book.h"
    path.write_text("int x;")
    with pytest.raises(CodebookError) as raised:
        read_codebooks(path)
    assert str(raised.value) == f"{path}: 0 macros whose name ends in _FACTORS, must be 1"


def test_misfits():
    book = Codebooks.random((22, 40), 4, 128, seed=11)
    assert misfits(book, CoreConfig(factors=2, max_codevectors=40)) == []
    assert misfits(book, CoreConfig(blocks=5, block_length=100)) == [
        "codebooks have factors 2, the core has 3",
        "codebooks have blocks 4, the core has 5",
        "codebooks have block_length 128, the core has 100",
        "codebook 1 has 40 codevectors, the core holds 32"]


def test_words_are_python_integers():
    """NumPy's would overflow: a word can be wider than 64 bits."""
    book = Codebooks(tuple(np.full((1, 16), 1023) for _ in range(2)), 1024)
    assert memory_words(book) == [2**160 - 1, 0] * 2


def test_words_are_the_initial_content_of_the_cores_memory():
    from blockfactor.rtl.codebook import CodebookMemory
    core = PRESETS["odd"].core
    book = Codebooks.random(PRESETS["odd"].clean.sizes, core.blocks, core.block_length, seed=11)
    rows = CodebookMemory(core, 1, book).rows()
    words = memory_words(book, core.codevector_bits)
    assert rows + [0] * (len(words) - len(rows)) == words
