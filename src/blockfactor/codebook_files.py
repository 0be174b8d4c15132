"""Codebooks as files: NumPy archive, C header, memory image; and back from each.

=========== ================= ==================================================================
suffix      format            content
=========== ================= ==================================================================
.npz        NumPy archive     :meth:`blockfactor.golden.codebook.Codebooks.save`
.h .c .inc  C arrays          one ``static const`` array a factor, and macros with the sizes
.hex .mem   memory image      one codevector a line, for ``$readmemh``
=========== ================= ==================================================================

Memory image: a line is the concatenation of a codevector's B indices, block 0 in the lowest bits,
each ``element_index_bits`` wide. Codevector m of factor f is at line
``(f << codevector_bits) + m``; lines without a codevector are 0. A comment at the top states the
shape, which the words alone do not tell.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .config import CoreConfig
from .errors import CodebookError, check_int
from .golden.codebook import Codebooks
from .tables import write_text

__all__ = [
    "Layout",
    "from_c",
    "from_hex",
    "memory_words",
    "misfits",
    "read_codebooks",
    "to_c",
    "to_hex",
    "write_codebooks",
]

C_SUFFIXES = (".h", ".c", ".inc")
HEX_SUFFIXES = (".hex", ".mem")
SUFFIXES = (".npz", *C_SUFFIXES, *HEX_SUFFIXES)

#: Widest number of a codevector that a memory image may have.
MAX_CODEVECTOR_BITS = 24

HEADER = re.compile(r"//\s*blockfactor codebooks: sizes ([\d,]+), blocks (\d+), "
                    r"block_length (\d+), codevector_bits (\d+)\s*$", re.MULTILINE)
C_ARRAY = re.compile(r"\bconst\s+uint(?:8|16)_t\s+(\w+)\s*(?:\[[^\]]*\]\s*){2}=\s*"
                     r"\{(.*?)\}\s*;", re.DOTALL)


@dataclass(frozen=True)
class Layout:
    """Shape of a memory image.

    Parameters
    ----------
    sizes : tuple of int
        Codevectors M per factor.
    blocks, block_length : int
    codevector_bits : int
        Address bits of a codevector within its factor.

    Raises
    ------
    CodebookError
        Where a codebook has more codevectors than lines.
    """

    sizes: tuple[int, ...]
    blocks: int
    block_length: int
    codevector_bits: int

    def __post_init__(self):
        check_int("codevector_bits", self.codevector_bits, 1, MAX_CODEVECTOR_BITS, CodebookError)
        check_int("blocks", self.blocks, 1, 1 << 16, CodebookError)
        check_int("block_length", self.block_length, 1, 1 << 16, CodebookError)
        for f, size in enumerate(self.sizes):
            check_int(f"codebook {f}, size", size, 1, 1 << self.codevector_bits, CodebookError)

    @classmethod
    def of(cls, codebooks: Codebooks, codevector_bits: int | None = None) -> "Layout":
        """Layout of ``codebooks``, with as few address bits as they need unless said."""
        if codevector_bits is None:
            codevector_bits = CoreConfig.index_bits_of(max(codebooks.sizes))
        return cls(codebooks.sizes, codebooks.blocks, codebooks.block_length, codevector_bits)

    @property
    def element_index_bits(self) -> int:
        """Bits of an index within a block, as :attr:`CoreConfig.element_index_bits`."""
        return CoreConfig.index_bits_of(self.block_length)

    @property
    def word_bits(self) -> int:
        """Bits of a line."""
        return self.blocks * self.element_index_bits

    @property
    def lines(self) -> int:
        """Lines of the image."""
        return len(self.sizes) << self.codevector_bits

    @property
    def header(self) -> str:
        """The comment that states the shape."""
        return f"// blockfactor codebooks: {self}"

    def __str__(self) -> str:
        return (f"sizes {','.join(map(str, self.sizes))}, blocks {self.blocks}, "
                f"block_length {self.block_length}, codevector_bits {self.codevector_bits}")


def memory_words(codebooks: Codebooks, codevector_bits: int | None = None) -> list[int]:
    """Content of the core's codebook memory, a word a codevector (layout above)."""
    layout = Layout.of(codebooks, codevector_bits)
    words = [0] * layout.lines
    for f, array in enumerate(codebooks.indices):
        for m, row in enumerate(array):
            words[(f << layout.codevector_bits) + m] = sum(
                int(index) << b * layout.element_index_bits for b, index in enumerate(row))
    return words


def to_hex(codebooks: Codebooks, codevector_bits: int | None = None) -> str:
    """Text of a memory image.

    Parameters
    ----------
    codevector_bits : int, 1..24, optional
        The core's; as few as the codebooks need if not given.
    """
    layout = Layout.of(codebooks, codevector_bits)
    digits = -(-layout.word_bits // 4)
    lines = [layout.header]
    lines += [f"{word:0{digits}x}" for word in memory_words(codebooks, layout.codevector_bits)]
    return "\n".join(lines) + "\n"


def from_hex(text: str, layout: Layout | None = None) -> Codebooks:
    """Codebooks of a memory image.

    Parameters
    ----------
    layout : Layout, optional
        Needed only where the image does not state its shape; otherwise it must be the same.

    Raises
    ------
    CodebookError
        Naming the line.
    """
    header = HEADER.search(text)
    if header:
        stated = Layout(tuple(int(n) for n in header[1].split(",") if n),
                        *(int(n) for n in header.groups()[1:]))
        if layout is not None and layout != stated:
            raise CodebookError(f"shape is {stated}; expected {layout}")
        layout = stated
    if layout is None:
        raise CodebookError("the shape is not stated at the top: give sizes, blocks and "
                            "block_length")
    words = _words(text, layout)
    if len(words) != layout.lines:
        raise CodebookError(f"{len(words)} words, must be {layout.lines} ({len(layout.sizes)} "
                            f"factors of {1 << layout.codevector_bits})")
    mask = (1 << layout.element_index_bits) - 1
    books = []
    for f, size in enumerate(layout.sizes):
        part = words[f << layout.codevector_bits:][:1 << layout.codevector_bits]
        extra = next((m for m in range(size, len(part)) if part[m]), None)
        if extra is not None:
            raise CodebookError(f"codebook {f} has {size} codevectors, but the word of "
                                f"codevector {extra} is not 0")
        books.append(np.array([[word >> b * layout.element_index_bits & mask
                                for b in range(layout.blocks)] for word in part[:size]]))
    return Codebooks(tuple(books), layout.block_length)


def _words(text: str, layout: Layout) -> list[int]:
    words = []
    for number, line in enumerate(text.splitlines(), 1):
        for word in line.split("//")[0].split():
            if not re.fullmatch(r"[0-9a-fA-F]+", word):
                raise CodebookError(f"line {number}: {word!r} is not a hexadecimal number")
            words.append(int(word, 16))
            if words[-1] >> layout.word_bits:
                raise CodebookError(f"line {number}: {word} has more than {layout.word_bits} bits "
                                    f"({layout.blocks} blocks of {layout.element_index_bits})")
    return words


def to_c(codebooks: Codebooks, name: str = "codebook") -> str:
    """Text of a C header with the codebooks as ``static const`` arrays.

    The elements are ``uint8_t`` where the block length allows, else ``uint16_t``.

    Parameters
    ----------
    name : str
        C identifier with which the arrays' names begin, and in upper case the macros'.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise CodebookError(f"name {name!r} is not a C identifier")
    macro = name.upper()
    kind = "uint8_t" if codebooks.block_length <= 256 else "uint16_t"
    lines = [
        f"/* Codebooks of {codebooks.factors} factors for a blockfactor core. {name}_f[m][b] is",
        f"   the index, 0..{codebooks.block_length - 1}, of the one in block b of codevector m of "
        f"factor f. */",
        f"#ifndef {macro}_H",
        f"#define {macro}_H",
        "",
        "#include <stdint.h>",
        "",
        f"#define {macro}_FACTORS {codebooks.factors}",
        f"#define {macro}_BLOCKS {codebooks.blocks}",
        f"#define {macro}_BLOCK_LENGTH {codebooks.block_length}",
        *(f"#define {macro}_SIZE_{f} {size}" for f, size in enumerate(codebooks.sizes)),
    ]
    for f, array in enumerate(codebooks.indices):
        lines += ["", f"static const {kind} {name}_{f}[{macro}_SIZE_{f}][{macro}_BLOCKS] = {{"]
        lines += [f"    {{{', '.join(map(str, row))}}}," for row in array]
        lines += ["};"]
    lines += ["", f"#endif /* {macro}_H */"]
    return "\n".join(lines) + "\n"


def from_c(text: str) -> Codebooks:
    """Codebooks of a C header as :func:`to_c` writes it; not a general C parser.

    Raises
    ------
    CodebookError
        Naming the macro or array that is missing or wrong.
    """
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    macros = {name: int(value) for name, value
              in re.findall(r"^\s*#\s*define\s+(\w+)\s+(\d+)\s*$", text, re.MULTILINE)}
    prefixes = [name.removesuffix("_FACTORS") for name in macros if name.endswith("_FACTORS")]
    if len(prefixes) != 1:
        raise CodebookError(f"{len(prefixes)} macros whose name ends in _FACTORS, must be 1")
    macro = prefixes[0]
    for part in ("BLOCKS", "BLOCK_LENGTH"):
        if f"{macro}_{part}" not in macros:
            raise CodebookError(f"macro {macro}_{part} is missing")
    blocks = macros[f"{macro}_BLOCKS"]
    arrays = {name.upper(): body for name, body in C_ARRAY.findall(text)}
    books = []
    for f in range(macros[f"{macro}_FACTORS"]):
        body = arrays.get(f"{macro}_{f}")
        if body is None:
            raise CodebookError(f"array {macro.lower()}_{f} is missing")
        rows = [_c_row(f, m, row, blocks)
                for m, row in enumerate(re.findall(r"\{([^{}]*)\}", body))]
        stated = macros.get(f"{macro}_SIZE_{f}", len(rows))
        if len(rows) != stated:
            raise CodebookError(f"codebook {f} has {len(rows)} codevectors, "
                                f"{macro}_SIZE_{f} is {stated}")
        books.append(rows)
    return Codebooks(tuple(books), macros[f"{macro}_BLOCK_LENGTH"])


def _c_row(f: int, m: int, text: str, blocks: int) -> list[int]:
    row = []
    for word in (w.strip() for w in text.rstrip().rstrip(",").split(",")):
        if not re.fullmatch(r"0|[1-9]\d*|0[xX][0-9a-fA-F]+", word):
            raise CodebookError(f"codebook {f}, codevector {m}: {word!r} is not a decimal or "
                                f"0x number")
        row.append(int(word, 0))
    if len(row) != blocks:
        raise CodebookError(f"codebook {f}, codevector {m} has {len(row)} indices, "
                            f"must have {blocks} (blocks)")
    return row


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CodebookError(f"{path}: suffix {path.suffix!r} is not one of {', '.join(SUFFIXES)}")
    return suffix


def read_codebooks(path: str | os.PathLike, layout: Layout | None = None) -> Codebooks:
    """Read codebooks from a file whose suffix tells the format; CodebookError names the file."""
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".npz":
        return Codebooks.load(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise CodebookError(f"{path}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise CodebookError(f"{path}: cannot be read: it is not text") from None
    try:
        return from_c(text) if suffix in C_SUFFIXES else from_hex(text, layout)
    except CodebookError as problem:
        raise CodebookError(f"{path}: {problem}") from None


def write_codebooks(path: str | os.PathLike, codebooks: Codebooks, *, name: str = "codebook",
                    codevector_bits: int | None = None) -> None:
    """Write codebooks, whole or not at all, in the format that the file's suffix tells.

    Parameters
    ----------
    name : str
        For C, see :func:`to_c`.
    codevector_bits : int, optional
        For a memory image, see :func:`to_hex`.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".npz":
        codebooks.save(path)
    elif suffix in C_SUFFIXES:
        write_text(path, to_c(codebooks, name))
    else:
        write_text(path, to_hex(codebooks, codevector_bits))


def misfits(codebooks: Codebooks, core: CoreConfig) -> list[str]:
    """Reasons why ``core`` cannot hold ``codebooks``, empty where it can."""
    found = [f"codebooks have {name} {have}, the core has {want}" for name, have, want in (
        ("factors", codebooks.factors, core.factors),
        ("blocks", codebooks.blocks, core.blocks),
        ("block_length", codebooks.block_length, core.block_length)) if have != want]
    found += [f"codebook {f} has {size} codevectors, the core holds {core.max_codevectors}"
              for f, size in enumerate(codebooks.sizes) if size > core.max_codevectors]
    return found
