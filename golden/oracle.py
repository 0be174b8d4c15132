"""Independent oracle: what a step must compute, from dense vectors and exact integers.

Shares no code with the integer model: vectors are dense arrays [B, L], binding and unbinding are
circular convolution and correlation by ``np.roll``, numbers are Python's unbounded integers. Slow.
"""

import numpy as np

__all__ = ["activation", "bind", "bundle", "dense", "histogram", "list_weights", "score",
           "similarities"]


def dense(codevector, block_length: int) -> np.ndarray:
    """One-hot vector [B, L] of a codevector's indices [B]."""
    vector = np.zeros((len(codevector), block_length), dtype=object)
    for b, index in enumerate(codevector):
        vector[b, int(index)] = 1
    return vector


def bind(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Block-wise circular convolution of two dense vectors [B, L]."""
    result = np.zeros(a.shape, dtype=object)
    for shift in range(a.shape[1]):
        result += a[:, shift:shift + 1] * np.roll(b, shift, axis=1)
    return result


def bundle(codevectors, weights, block_length: int) -> np.ndarray:
    """Weighted sum of codevectors, dense [B, L]."""
    return sum(int(w) * dense(c, block_length) for c, w in zip(codevectors, weights))


def histogram(lists, block_length: int, limit: int) -> np.ndarray:
    """What binding the estimates of the other factors gives, saturated at ``limit``.

    ``lists`` holds a pair (codevectors [n, B], weights [n]) for each of them.
    """
    result = None
    for codevectors, weights in lists:
        estimate = bundle(codevectors, weights, block_length)
        result = estimate if result is None else bind(result, estimate)
    return np.minimum(result, limit)


def similarities(query: np.ndarray, bound: np.ndarray, codebook, trim: int,
                 use_sum: bool) -> list[int]:
    """Similarity of each codevector [M, B] to ``query`` [B, L] unbound by ``bound`` [B, L].

    Correlating query and bound estimate gives a value for every index of a block; a codevector
    picks its own in every block, and these are sorted or summed.
    """
    blocks, length = bound.shape
    unbound = np.zeros((blocks, length), dtype=object)
    for k in range(length):
        # Element k is matched by estimate elements x at query elements x + k.
        unbound[:, k] = (query * np.roll(bound, k, axis=1)).sum(axis=1)
    picked = [[unbound[b, int(k)] for b, k in enumerate(codevector)] for codevector in codebook]
    return [int(sum(values)) if use_sum else int(sorted(values)[trim]) for values in picked]


def activation(values, lists, query: np.ndarray, threshold: int, use_sum: bool) -> list[int]:
    """Numbers of the codevectors whose similarity is above the step's threshold.

    Compared as fractions, without rounding: an integer exceeds ``floor(x)`` just if it exceeds x.
    """
    largest = max(int(block.sum()) for block in query)
    scale = largest * (len(query) if use_sum else 1)
    for _, weights in lists:
        scale *= int(sum(int(w) for w in weights))
    return [m for m, value in enumerate(values) if value * 65536 > threshold * scale]


def list_weights(values, above) -> list[int]:
    """Weights of the list entries ``above``: 8, 4, 2, 1 or 0 by binary magnitude below the best."""
    best = len(bin(max(values)))
    return [int(8 * 2.0 ** (len(bin(values[m])) - best)) for m in above]


def score(query: np.ndarray, codevectors) -> int:
    """Inner product of the query and a bound tuple of codevectors."""
    bound = None
    for codevector in codevectors:
        vector = dense(codevector, query.shape[1])
        bound = vector if bound is None else bind(bound, vector)
    return int((query * bound).sum())
