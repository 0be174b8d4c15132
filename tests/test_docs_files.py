"""What docs/files.md shows is true: its commands and its code run, in the order of the page."""

import re
import shlex
import tomllib
from pathlib import Path

from blockfactor import cli
from blockfactor.codebook_files import to_c
from blockfactor.golden.codebook import Codebooks
from blockfactor.parameters import RunParameters

PAGE = (Path(__file__).parents[1] / "docs" / "files.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_commands_and_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    done = 0
    for kind, text in BLOCKS:
        if kind == "sh":
            for line in text.splitlines():
                assert cli.main(shlex.split(line)[1:]) == 0, line
                done += 1
        elif kind == "python":
            exec(compile(text, "docs/files.md", "exec"), names)
            done += 1
    assert done >= 12
    made = {path.name for path in tmp_path.iterdir()}
    assert {"my-core", "book.npz", "book.h", "book.hex", "queries.npz", "soft.npz"} <= made
    assert {path.name for path in (tmp_path / "my-core").iterdir()} == {
        "system.toml", "clean.toml", "soft.toml"}


def test_toml():
    [text] = [text for kind, text in BLOCKS if kind == "toml"]
    parameters = RunParameters.from_table(tomllib.loads(text))
    assert parameters.known == (-1, 4, -1)
    assert parameters.threshold == round(.0034 * 65536)


def test_c():
    [text] = [text for kind, text in BLOCKS if kind == "c"]
    book = to_c(Codebooks.random((22, 22, 22), 4, 128, seed=1)).splitlines()
    for line in text.splitlines():
        assert line in book
