"""Runs that were made, kept in a file so that an interrupted search goes on where it was."""

import hashlib
import json
import time
from pathlib import Path

import numpy as np

from .. import golden
from ..errors import StudyError
from ..tables import write_text
from .tune_problems import Runs

__all__ = ["Store", "model_digest"]

FORMAT = "blockfactor tune store 1"
#: Least seconds between two writings of the file.
PAUSE = 5


def model_digest() -> str:
    """Digest of the golden model's sources: runs of another model are not those of this one."""
    digest = hashlib.sha256()
    for path in sorted(Path(golden.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Store:
    """Runs by key, and the JSON file they are kept in.

    Parameters
    ----------
    path : path or None
        None: nothing is kept. A file that is there must be of the same problems and model.
    problems : str
        Digest of the problems.

    Raises
    ------
    StudyError
        Naming the file that is no store, or one of other problems.
    """

    def __init__(self, path, problems: str):
        self.path = None if path is None else Path(path)
        self.identity = {"format": FORMAT, "problems": problems, "model": model_digest()}
        self.runs: dict[str, Runs] = {}
        self._saved = (0, time.monotonic())
        if self.path is not None and self.path.exists():
            self._load()

    def _load(self) -> None:
        try:
            table = json.loads(self.path.read_text(encoding="utf-8"))
            if table.get("format") != FORMAT:
                raise ValueError
        except (ValueError, AttributeError):
            raise StudyError(f"{self.path}: not a store of tune") from None
        for name, what in (("problems", "other problems"), ("model", "another golden model")):
            if table.get(name) != self.identity[name]:
                raise StudyError(f"{self.path}: holds runs of {what}: name another file with "
                                 "--store, or delete this one")
        try:
            for key, (right, accepted, cycles, iterations) in table["runs"].items():
                found = Runs(_flags(right), np.array(cycles, dtype=np.int64),
                             np.array(iterations, dtype=np.int64), _flags(accepted))
                if len({len(values) for values in found}) != 1:
                    raise ValueError
                self.runs[key] = found
        except (KeyError, TypeError, ValueError, AttributeError):
            raise StudyError(f"{self.path}: not a store of tune: its runs cannot be read") from None
        self._saved = (len(self.runs), time.monotonic())

    def add(self, key: str, runs: Runs) -> None:
        """Keep runs; the file is written now and then."""
        self.runs[key] = runs
        if time.monotonic() - self._saved[1] > PAUSE:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all, if there is anything new."""
        if self.path is None or self._saved[0] == len(self.runs):
            return
        rows = {key: [_text(runs.right), _text(runs.accepted), runs.cycles.tolist(),
                      runs.iterations.tolist()] for key, runs in self.runs.items()}
        write_text(self.path, json.dumps(self.identity | {"runs": rows}))
        self._saved = (len(self.runs), time.monotonic())


def _text(flags: np.ndarray) -> str:
    return "".join("1" if flag else "0" for flag in flags)


def _flags(text: str) -> np.ndarray:
    if set(text) - {"0", "1"}:
        raise ValueError
    return np.array([letter == "1" for letter in text], dtype=bool)
