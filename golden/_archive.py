"""NumPy archives (.npz) with a stated kind and version, written whole or not at all.

Every archive holds ``kind`` (text), ``format_version`` (integer), the arrays of its kind, and
``content``, the sorted names of those arrays separated by blanks: the checksums of the zip format
do not notice a lost member. Nothing is pickled; an archive with pickled objects is refused.
"""

import os
import tempfile
from pathlib import Path

import numpy as np

from blockfactor.errors import BlockfactorError

__all__ = ["read_archive", "write_archive"]


def write_archive(path: str | os.PathLike, kind: str, version: int,
                  arrays: dict[str, np.ndarray], error: type[BlockfactorError]) -> None:
    """Write ``arrays`` to a file of exactly that name; ``error`` where it cannot be written.

    The data goes to a temporary file in the same folder, which then replaces the old file: a
    reader sees the old file or the new one, never a part.
    """
    path = Path(path)
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(stream, kind=np.array(kind), format_version=np.int64(version),
                                content=np.array(" ".join(sorted(arrays))), **arrays)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as problem:
        if name is not None and os.path.exists(name):
            os.unlink(name)
        if isinstance(problem, OSError):
            raise error(f"{path}: cannot be written: {problem.strerror}") from None
        raise


def read_archive(path: str | os.PathLike, kind: str, version: int,
                 error: type[BlockfactorError]) -> dict[str, np.ndarray]:
    """Arrays of an archive of that kind and version; else ``error`` naming file and cause."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise ValueError("it holds one array")
        with loaded as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as problem:
        raise error(f"{path}: cannot be read: {problem.strerror or problem}") from None
    # A damaged file can make the readers of zip and npy raise nearly anything.
    except Exception as problem:
        reason = str(problem) or type(problem).__name__
        raise error(f"{path}: not a readable .npz archive: {reason}") from None
    found, number, content = (str(arrays.pop(name, None))
                              for name in ("kind", "format_version", "content"))
    if found != kind:
        raise error(f"{path}: not a file of {kind}: kind is {found!r}")
    if number != str(version):
        raise error(f"{path}: format_version {number} is not {version}")
    if content.split() != sorted(arrays):
        raise error(f"{path}: content is {content!r}, but the file holds "
                    f"{' '.join(sorted(arrays))!r}")
    return arrays
