"""Dense front-end: from every element of every block to the few weighted entries of a query.

Normative for rtl/frontend.py, bit by bit. An element is an unsigned integer of
``CoreConfig.element_bits`` bits that says how much the block is believed to be at that index. It is
a probability, of which only ratios within a block matter, or a logit, of which only differences do.
Which of the two is told by the run parameter ``dense_weights``. The rules, for each block on its
own:

1. The ``query_entries`` (s) largest elements above 0 are candidates; of equal elements the lowest
   index comes first. s = 1 is the plain argmax.
2. The largest, the block's peak, is kept. Of the others those at or above the threshold are.
3. With wmax = 2**weight_bits - 1, a candidate e weighs

   - ``linear``: ``wmax * e / peak`` rounded half up, that is
     ``floor((2 * wmax * e + peak) / (2 * peak))``;
   - ``log``, with the run parameter ``dense_shift`` (t): ``max(0, wmax - (peak - e) / 2**t)``
     rounded half up, that is ``max(0, wmax - drop)``, where for d = peak - e drop is
     ``(d + 2**(t - 1) - 1) >> t``, or d for t = 0.

   Weight 0 is dropped. The peak weighs wmax.

A block of zeros has no entries. With threshold 0 these are the weights of
:func:`~blockfactor.golden.query.from_probabilities`: the linear ones if elements are probabilities,
those with ``log``, which are ``wmax - 2 * ln(peak / p)``, if they are logits in units of
2**-(t + 1) nats. For signed logits 2**(element_bits - 1) is added, which makes the smallest a 0,
one that is never taken.
"""

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.errors import ConfigError, QueryError, check_choice, check_int
from blockfactor.parameters import WEIGHTS, RunParameters

from .query import Query

__all__ = ["entry_stream", "front_end", "front_end_batch", "peaks", "quantise", "quantise_logits",
           "top_entries"]

#: Most bits of an element that :func:`quantise` and :func:`top_entries` work with.
MAX_BITS = 32
#: Largest shift t.
MAX_SHIFT = RunParameters.RANGES["dense_shift"][1]


def quantise(probabilities: np.ndarray, element_bits: int) -> np.ndarray:
    """Elements of dense soft queries: ``floor(p / peak * (2**element_bits - 1) + 0.5)``.

    The block's largest value (peak) becomes the largest element, so that none of the bits is lost
    on blocks without a clear answer. Computed in float64, from left to right.

    Parameters
    ----------
    probabilities : float array [..., B, L]
        At least 0 and finite; blocks need not be normalised.
    element_bits : int, 1..32

    Returns
    -------
    uint32 array of the same shape; a block of zeros stays one.

    Raises
    ------
    QueryError
    """
    p, top = _quantised("probabilities", probabilities, element_bits)
    wrong = ~(np.isfinite(p) & (p >= 0))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise QueryError(f"{_place(place)}: probability {p[place]:g} is not finite and at least 0")
    peak = p.max(-1, keepdims=True)
    return np.floor(p / np.where(peak > 0, peak, 1) * top + 0.5).astype(np.uint32)


def quantise_logits(logits: np.ndarray, element_bits: int, shift: int) -> np.ndarray:
    """Elements of dense soft queries for log weights.

    With x = (peak - logit) * 2**(shift + 1) an element is ``2**element_bits - 1 - ceil(x)``, for
    shift 0 ``2**element_bits - 1 - ceil(x - 0.5)``: the block's largest logit (peak) becomes the
    largest element. What would be below 1 becomes 0 and is never taken. This rounding, and the
    front-end's after it, together are a single one, so the weights are exactly those of
    :func:`~blockfactor.golden.query.from_probabilities` with ``log``, provided that none is cut
    off. None is with ``shift`` up to element_bits - weight_bits, the best choice: a larger one cuts
    off small weights, a smaller one makes ties, of which the lowest indices are kept.

    Parameters
    ----------
    logits : float array [..., B, L]
        In nats, such as the logarithm of probabilities; any constant may be added to a block. Minus
        infinity stands for probability 0.
    element_bits : int, 1..32
    shift : int, 0..15
        The run parameter ``dense_shift``.

    Returns
    -------
    uint32 array of the same shape; a block of minus infinity is one of zeros.

    Raises
    ------
    QueryError
    """
    x, top = _quantised("logits", logits, element_bits)
    shift = check_int("shift", shift, 0, MAX_SHIFT, QueryError)
    wrong = np.isnan(x) | (x == np.inf)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise QueryError(f"{_place(place)}: logit {x[place]:g} is not finite or minus infinity")
    peak = x.max(-1, keepdims=True)
    # The difference of two finite numbers may be too large: infinite, and so cut off, as it ought.
    with np.errstate(over="ignore"):
        drop = np.ceil((np.where(peak > -np.inf, peak, 0) - x) * 2.0 ** (shift + 1)
                       - (0 if shift else 0.5))
    return np.maximum(top - drop, 0).astype(np.uint32)


def _quantised(name: str, values, element_bits: int) -> tuple[np.ndarray, int]:
    """What is to be quantised as float64, and the largest element."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise QueryError(f"{name} have shape {array.shape}, must be [..., blocks, block length]")
    return array, (1 << check_int("element_bits", element_bits, 1, MAX_BITS, QueryError)) - 1


def top_entries(elements: np.ndarray, entries: int, weight_bits: int, threshold: int = 0,
                weights: str = "linear", shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rules 1 to 3 above, in order of descending element.

    Parameters
    ----------
    elements : integer array [..., L]
        0..2**32 - 1.
    entries : int
        s, 1..L.
    weight_bits : int
        1..16.
    threshold : int
        At least 0.
    weights : str
        ``linear`` or ``log``.
    shift : int, 0..15
        t, of log weights.

    Returns
    -------
    index, weight : int64 array [..., s]
        Padded with zeros at the end.
    """
    elements = np.asarray(elements, dtype=np.int64)
    index = np.argsort(-elements, axis=-1, kind="stable")[..., :entries]
    best = np.take_along_axis(elements, index, -1)
    wmax = (1 << weight_bits) - 1
    if weights == "log":
        drop = (best[..., :1] - best + (((1 << shift) - 1) >> 1)) >> shift
        weight = np.where(best > 0, np.maximum(wmax - drop, 0), 0)
    else:
        peak = np.maximum(best[..., :1], 1)
        weight = (2 * wmax * best + peak) // (2 * peak)
    # The peak's weight is not 0 unless the block is empty, so the threshold may spare it always.
    weight[..., 1:][best[..., 1:] < threshold] = 0
    index[weight == 0] = 0
    return index, weight


def front_end_batch(elements: np.ndarray, config: CoreConfig, threshold: int = 0,
                    weights: str = "linear", shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Entries of many dense queries; see :func:`front_end`.

    The last three are run parameters: ``front_end_batch(elements, config, **parameters.dense)``.

    Parameters
    ----------
    elements : integer array [n, B, L]
        0..2**element_bits - 1.
    config : CoreConfig
        One with ``element_bits``.
    threshold : int, 0..65535
        One beyond the largest element stands for the largest, as in the core.
    weights : str
        One of :data:`~blockfactor.parameters.WEIGHTS`.
    shift : int, 0..15
        t, of log weights.

    Returns
    -------
    index, weight : uint16 array [n, B, s]
        By descending weight, then lowest index, padded with zeros: fit for
        :class:`~blockfactor.golden.query_set.QuerySet`.

    Raises
    ------
    QueryError
        Wrong shape; an element, ``threshold``, ``weights`` or ``shift`` out of range.
    ConfigError
        The configuration has no dense front-end.
    """
    index, weight = _top(elements, config, 3, threshold, weights, shift)
    order = np.argsort(index - (weight << 16), axis=-1, kind="stable")
    return (np.take_along_axis(index, order, -1).astype(np.uint16),
            np.take_along_axis(weight, order, -1).astype(np.uint16))


def front_end(elements: np.ndarray, config: CoreConfig, threshold: int = 0,
              weights: str = "linear", shift: int = 0) -> Query:
    """Query of one dense query [B, L]; see :func:`front_end_batch`."""
    index, weight = _top(elements, config, 2, threshold, weights, shift)
    return Query.from_arrays(index, weight)


def entry_stream(elements: np.ndarray, config: CoreConfig, threshold: int = 0,
                 weights: str = "linear", shift: int = 0) -> list[tuple[int, int, int]]:
    """Entries (block, index, weight) of one dense query [B, L] in the order the core makes them.

    By ascending block, within a block by descending element, then lowest index. A
    :class:`~blockfactor.golden.query.Query` holds the same entries but puts those of one weight by
    lowest index. Empty if all elements are 0: then the core emits a place-holder.
    """
    index, weight = _top(elements, config, 2, threshold, weights, shift)
    return [(b, i, w) for b, block in enumerate(zip(index.tolist(), weight.tolist()))
            for i, w in zip(*block) if w]


def peaks(elements: np.ndarray, config: CoreConfig) -> tuple[list[int], list[int]]:
    """Largest and second-largest element of each block of one dense query [B, L].

    Whatever s and the threshold. Equal largest elements are both; the lead of the first over the
    second says how sure the block is.
    """
    ranked = np.sort(_check(elements, config, 2), axis=-1)
    return ranked[:, -1].tolist(), ranked[:, -2].tolist()


def _top(elements, config: CoreConfig, axes: int, threshold: int, weights: str, shift: int):
    elements = _check(elements, config, axes)
    threshold = check_int("threshold", threshold, 0, 0xFFFF, QueryError)
    check_choice("weights", weights, WEIGHTS, QueryError)
    shift = check_int("shift", shift, 0, MAX_SHIFT, QueryError)
    # The core's threshold has the width of an element.
    threshold = min(threshold, (1 << config.element_bits) - 1)
    return top_entries(elements, config.query_entries, config.weight_bits, threshold, weights,
                       shift)


def _check(elements, config: CoreConfig, axes: int) -> np.ndarray:
    if not config.element_bits:
        raise ConfigError("element_bits 0 leaves the dense front-end out, it needs 4..16")
    array = np.asarray(elements)
    shape = (config.blocks, config.block_length)
    if array.ndim != axes or array.shape[-2:] != shape or array.dtype.kind not in "iu":
        raise QueryError(f"elements of shape {array.shape} and type {array.dtype} are not integers "
                         f"[{'n, ' * (axes - 2)}{shape[0]}, {shape[1]}]")
    top = (1 << config.element_bits) - 1
    wrong = (array < 0) | (array > top)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise QueryError(f"{_place(place)}: element {array[place]} is outside 0..{top}")
    return array.astype(np.int64)


def _place(place: tuple[int, ...]) -> str:
    query = f"query {', '.join(map(str, place[:-2]))}" if len(place) > 2 else "query"
    return f"{query}, block {place[-2]}, index {place[-1]}"
