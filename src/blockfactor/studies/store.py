"""Files of results: JSON, written whole, so that no interruption leaves half of one.

``{"kind": "blockfactor study", "version": 1, "study": name, "seed": n, "rows": [...]}``; a row has
its ``name``, ``problem``, ``way`` (with all its parameters), ``chunk`` (trials of one), ``figures``
and ``chunks``, each with its number, the seed it was drawn from and its sums (studies/tally.py).
Figures are made of the chunks and are there for readers; only ``check`` looks at them.
"""

import json
from pathlib import Path

from ..errors import BlockfactorError, StudyError, check_int
from ..tables import write_text
from .problems import Problem
from .study import Record, Results, Row
from .tally import COUNTS
from .ways import Way

__all__ = ["read", "text", "write"]

KIND = "blockfactor study"
VERSION = 1


def text(results: Results) -> str:
    """The file's text: a line for each part of a row and for each chunk."""
    rows = []
    for name, record in results.records.items():
        if not record.chunks:
            continue
        row = record.row
        chunks = [{"number": number, "seed": row.problem.seed(results.seed, number)} | sums
                  for number, sums in sorted(record.chunks.items())]
        parts = [f'"name": {json.dumps(name)}', f'"problem": {json.dumps(row.problem.to_table())}',
                 f'"way": {json.dumps(row.way.to_table())}', f'"chunk": {row.chunk}',
                 f'"figures": {json.dumps(record.make_figures())}',
                 '"chunks": [\n   ' + ",\n   ".join(map(json.dumps, chunks)) + "]"]
        rows.append("{" + ",\n  ".join(parts) + "}")
    return (f'{{"kind": "{KIND}", "version": {VERSION}, "study": {json.dumps(results.study)}, '
            f'"seed": {results.seed}, "rows": [\n ' + ",\n ".join(rows) + "\n]}\n")


def write(path, results: Results) -> None:
    """Write results, whole or not at all."""
    write_text(path, text(results))


def read(path, study: str | None = None) -> Results:
    """Read results; of the study of that name, if one is given.

    Raises
    ------
    StudyError
        Naming the file and what is wrong with it: not readable, cut off, no such file, of another
        study or version, numbers that no chunk can have.
    """
    try:
        table = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise StudyError(f"{path}: {problem.strerror}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as problem:
        # The decoder's words differ between versions of Python, the place does not.
        place = f": wrong at line {problem.lineno} column {problem.colno}" \
            if isinstance(problem, json.JSONDecodeError) else ""
        raise StudyError(f"{path}: not a file of a study, or one that is cut off{place}") from None
    if not isinstance(table, dict) or table.get("kind") != KIND:
        raise StudyError(f"{path}: not a file of a study")
    if table.get("version") != VERSION:
        raise StudyError(f"{path}: version {table.get('version')!r} is not {VERSION}")
    if study is not None and table.get("study") != study:
        raise StudyError(f"{path}: of study {table.get('study')!r}, must be of {study!r}")
    try:
        seed = check_int("seed", table["seed"], 0, (1 << 63) - 1, StudyError)
        results = Results(str(table["study"]), seed)
        for number, entry in enumerate(table["rows"]):
            try:
                record = _record(entry, seed)
            except (KeyError, TypeError, AttributeError) as problem:
                raise StudyError(f"row {number}: {_missing(problem)}") from None
            except BlockfactorError as problem:
                raise StudyError(f"row {number}: {problem}") from None
            if record.row.name in results.records:
                raise StudyError(f"row {record.row.name} is there twice")
            results.records[record.row.name] = record
    except (KeyError, TypeError) as problem:
        raise StudyError(f"{path}: {_missing(problem)}") from None
    except StudyError as problem:
        raise StudyError(f"{path}: {problem}") from None
    return results


def _missing(problem: Exception) -> str:
    return f"{problem} is missing" if isinstance(problem, KeyError) else "is not as it must be"


def _record(entry: dict, seed: int) -> Record:
    problem, way = Problem.from_table(entry["problem"]), Way.from_table(entry["way"])
    chunk = check_int("chunk", entry["chunk"], 1, 1 << 32, StudyError)
    record = Record(Row(problem, way, 0, chunk), figures=entry["figures"])
    if entry["name"] != record.row.name:
        raise StudyError(f"name {entry['name']!r} does not fit its problem and way, which are "
                         f"those of {record.row.name!r}")
    for part in entry["chunks"]:
        number = check_int("chunk number", part["number"], 0, 1 << 32, StudyError)
        if number in record.chunks:
            raise StudyError(f"chunk {number} is there twice")
        if part["seed"] != problem.seed(seed, number):
            raise StudyError(f"chunk {number}: seed {part['seed']} is not "
                             f"{problem.seed(seed, number)}")
        record.chunks[number] = _sums(number, part, chunk, problem)
    return record


def _sums(number: int, part: dict, chunk: int, problem: Problem) -> dict:
    """Sums of a chunk, checked as far as they can be without running it."""
    where = f"chunk {number}: "
    sums = {name: check_int(where + name, part[name], 0, (1 << 63) - 1, StudyError)
            for name in COUNTS}
    trials = check_int(where + "trials", sums["trials"], 1, chunk, StudyError)
    for name in ("right", "match", "ended"):
        check_int(where + name, sums[name], 0, trials, StudyError)
    check_int(where + "factors", sums["factors"], 0, trials * problem.factors, StudyError)
    bins = [[check_int(where + "bin", edge, 0, (1 << 63) - 1, StudyError),
             check_int(where + "count of a bin", count, 1, trials, StudyError)]
            for edge, count in part["bins"]]
    if sum(count for _, count in bins) != trials:
        raise StudyError(f"{where}bins have {sum(count for _, count in bins)} trials, "
                         f"must have {trials}")
    if not isinstance(part["digest"], str):
        raise StudyError(f"{where}digest {part['digest']!r} is not a text")
    return sums | {"bins": bins, "digest": part["digest"]}
