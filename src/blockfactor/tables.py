"""Configuration objects as plain tables, and tables as TOML files."""

import os
import tempfile
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path

import tomli_w

__all__ = ["from_table", "read_toml", "to_table", "write_bytes", "write_text", "write_toml"]


def to_table(value):
    """Turn a dataclass into a table; TOML has no null, so fields that are None are left out."""
    if is_dataclass(value):
        pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {name: to_table(item) for name, item in pairs if item is not None}
    if isinstance(value, tuple):
        return [to_table(item) for item in value]
    return value


def from_table(cls, table: dict, error: type[Exception]):
    """Make ``cls`` from a table; a missing field keeps its default, an unknown one is an error."""
    if not isinstance(table, dict):
        raise error(f"{cls.__name__}: {table!r} is not a table")
    names = [f.name for f in fields(cls)]
    for name in table:
        if name not in names:
            raise error(f"no field {name!r} in {cls.__name__}; fields are {', '.join(names)}")
    return cls(**{n: tuple(v) if isinstance(v, list) else v for n, v in table.items()})


def read_toml(path, error: type[Exception]) -> dict:
    """Read a TOML file; a missing or broken one raises ``error`` naming the file."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error(f"{path}: cannot be read as TOML: {reason}") from None


def write_text(path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_toml(path, table: dict) -> None:
    """Write a table as TOML, whole or not at all."""
    write_text(path, tomli_w.dumps(table))
