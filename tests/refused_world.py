"""The files and names that the table in refused_inputs.py refers to, and how a case is tried."""

import contextlib
import io
import os
import shlex
from pathlib import Path

import numpy as np

from blockfactor import cli, codebook_files, config, parameters, presets
from blockfactor.errors import BlockfactorError
from blockfactor.golden import codebook, factorizer, query, query_set
from blockfactor.golden._archive import write_archive
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query_set import QuerySet
from blockfactor.studies import store
from blockfactor.studies.study import Results

__all__ = ["NAMES", "attempt", "write_files"]

C_TEXT = "#define K_FACTORS 1\n#define K_BLOCKS 2\n#define K_BLOCK_LENGTH 8\n#define K_SIZE_0 1\n"


def _book() -> Codebooks:
    return Codebooks.random((22, 22, 22), 4, 128, seed=1)


def _archive(path: str, version: int, **arrays) -> None:
    arrays = {name: np.array(value) for name, value in arrays.items()}
    write_archive(path, "codebooks", version, arrays, BlockfactorError)


def _cut(path: str) -> None:
    _book().save("whole.npz")
    Path(path).write_bytes(Path("whole.npz").read_bytes()[:400])
    os.unlink("whole.npz")


#: Name, what is in it, function that writes it.
FILES = (
    ("book.npz", "codebooks of 22, 22, 22 codevectors, 4 blocks of 128", lambda p: _book().save(p)),
    ("queries.npz", "two queries", lambda p: QuerySet([[[1]], [[2]]], [[[1]], [[1]]]).save(p)),
    ("version.npz", "codebooks of a later format version",
     lambda p: _archive(p, 2, block_length=4, indices_0=[[1]])),
    ("gap.npz", "codebooks 0 and 2 only",
     lambda p: _archive(p, 1, block_length=4, indices_0=[[1]], indices_2=[[1]])),
    ("cut.npz", "the first 400 bytes of a file", _cut),
    ("text.npz", "the word hello", lambda p: Path(p).write_text("hello")),
    ("text.npy", "the word hello", lambda p: Path(p).write_text("hello")),
    ("image.hex", "four words, no comment that states the shape",
     lambda p: Path(p).write_text("12\n34\n56\n7g\n")),
    ("binary.hex", "bytes that are no text", lambda p: Path(p).write_bytes(bytes([255, 254, 0]))),
    ("broken.toml", "`sizes = [22`", lambda p: Path(p).write_text("sizes = [22")),
    ("misspelt.toml", "`sizes = [22, 22]` and `treshold = 5`",
     lambda p: Path(p).write_text("sizes = [22, 22]\ntreshold = 5\n")),
    ("level.toml", "`sizes = [22, 22]` and `level = 1000`",
     lambda p: Path(p).write_text("sizes = [22, 22]\nlevel = 1000\n")),
    ("flat.npy", "5 numbers in one row", lambda p: np.save(p, np.ones(5))),
    ("words.npy", "a 1 x 1 array of text", lambda p: np.save(p, np.array([["a"]]))),
    ("negative.npy", "2 blocks of 3 numbers, one of them -1",
     lambda p: np.save(p, np.array([[1, 0, 0], [0, -1, 0]]))),
    ("zeros.npy", "2 blocks of 3 zeros", lambda p: np.save(p, np.zeros((2, 3)))),
    ("noise.json", "a study noise of seed 7 without results",
     lambda p: store.write(p, Results("noise", 7))),
    ("cut.json", "its first 40 characters",
     lambda p: Path(p).write_text(store.text(Results("noise", 7))[:40])),
)

#: What the expressions of the table may use; ``rng`` only ever meets inputs that are refused.
NAMES = {
    **{name: getattr(module, name)
       for module in (codebook_files, config, parameters, presets, codebook, factorizer,
                      query, query_set)
       for name in module.__all__},
    "book": _book(),
    "parameters": presets.preset("demo").clean,
    "c_text": C_TEXT,
    "image": codebook_files.Layout((2, 1), 2, 16, 1),
    "rng": np.random.default_rng(1),
}


def write_files() -> None:
    """Write the files of the table to the current folder."""
    for name, _, write in FILES:
        write(name)


def attempt(given: str) -> str:
    """The message with which a command line or an expression is refused; errors where it is not.

    A command must leave with status 2, print nothing but one line, and that on standard error.
    """
    if not given.startswith("blockfactor"):
        try:
            value = eval(given, dict(NAMES))
        except BlockfactorError as problem:
            return str(problem)
        raise AssertionError(f"{given} was accepted: {value!r}")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(shlex.split(given)[1:])
        except SystemExit as leaving:
            status = leaving.code
    assert status == 2, f"{given}: status {status}, {out.getvalue()}{err.getvalue()}"
    assert out.getvalue() == "", f"{given}: printed {out.getvalue()}"
    return err.getvalue().removeprefix("blockfactor: error: ").removesuffix("\n")
