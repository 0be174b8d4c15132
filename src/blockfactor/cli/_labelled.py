"""Dense vectors with their true tuples, of NumPy files."""

from ..errors import QueryError

__all__ = ["labelled_vectors"]


def labelled_vectors(path: str):
    """Arrays ``vectors`` [n, B, L] and ``truth`` [n, F] (None: not there) of an .npz file.

    None where the file is another one, a file of queries perhaps.

    Raises
    ------
    QueryError
        Vectors that are no numbers, or not of three axes.
    """
    import numpy as np

    if path.endswith(".npy"):
        raise QueryError(f"{path}: has no room for the true tuples: give an .npz with arrays "
                         "vectors and truth")
    try:
        with np.load(path, allow_pickle=False) as archive:
            if "vectors" not in archive.files:
                return None
            vectors = archive["vectors"]
            truth = archive["truth"] if "truth" in archive.files else None
    # Whatever is wrong, who reads it as a file of queries says it.
    except Exception:
        return None
    if vectors.dtype.kind not in "fiu":
        raise QueryError(f"{path}: {vectors.dtype} values are not numbers")
    if vectors.ndim != 3 or 0 in vectors.shape:
        raise QueryError(f"{path}: vectors of shape {vectors.shape} are not [n, B, L]")
    return vectors, truth
