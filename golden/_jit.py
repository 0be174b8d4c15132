"""Compiles the golden model's loops with numba where it is installed.

Without numba the same source runs as plain Python: the same results, some hundred times slower.
``NUMBA_DISABLE_JIT=1`` gives the plain form for debugging.
"""

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

try:
    import numba
except ImportError:
    numba = None

__all__ = ["COMPILED", "jit"]

#: Whether :func:`jit` compiles.
COMPILED = numba is not None and not numba.config.DISABLE_JIT

#: Age after which compiled code of another state of the sources is deleted.
STALE_SECONDS = 24 * 3600


def _cache_folder() -> str | None:
    """Folder for compiled code, one per state of this package's sources; None: not possible.

    Numba notices a change of the file a function is in, but not of the files whose functions it
    calls: with numba's own choice of folder an edit of one module leaves stale code in another.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256()
    try:
        for path in sorted(here.glob("*.py")):
            digest.update(path.read_bytes() + b"\0")
        parent = here / "__pycache__"
        folder = parent / f"jit-{digest.hexdigest()[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        for other in parent.glob("jit-*"):
            if other != folder and other.stat().st_mtime < time.time() - STALE_SECONDS:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        return None
    return str(folder)


_FOLDER = _cache_folder() if COMPILED else None


def jit(function: Callable) -> Callable:
    """Compile ``function`` (nopython, cached on disk) where numba is, else return it as it is."""
    if not COMPILED:
        return function
    if _FOLDER is None:
        return numba.njit(function)
    # Read once, when the dispatcher is made; restored so that other users of numba see no change.
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER
    try:
        return numba.njit(cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
