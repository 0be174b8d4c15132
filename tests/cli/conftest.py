"""A way to run a command in this process."""

from typing import NamedTuple

import pytest

from blockfactor import cli


class Outcome(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys):
    """A function that runs ``blockfactor`` with its arguments and returns an Outcome."""
    def run(*arguments) -> Outcome:
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as leaving:
            status = leaving.code
        return Outcome(status, *capsys.readouterr())
    return run
