"""Designs of boards are made once: elaborating one takes seconds, and many tests need the same."""

import pytest

from blockfactor.boards.build import Design

_made: dict[tuple, tuple] = {}


@pytest.fixture(autouse=True)
def designs_are_kept(monkeypatch):
    """Make a design anew only for a board, system or codebooks that had none."""
    make = Design.of

    def of(board, system, codebooks=None):
        key = id(board), system, id(codebooks)
        if key not in _made:
            # With what the key is of, so that no other object gets the same id.
            _made[key] = make(board, system, codebooks), board, codebooks
        return _made[key][0]

    monkeypatch.setattr(Design, "of", of)
