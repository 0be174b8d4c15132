"""What bench/software.py measures: searches written for a PC, compiled.

A way is ``build(codes, length)``, which makes what can be made of a codebook [F, M, B] before any
query, and ``search(*built, index, weight, level, heads)``, which gives tuples [n, F] for queries
[n, B, s] (int64; entries by descending weight, padded with weight 0). The block length is a power
of two; all factors have M codevectors. ``level`` and ``heads`` are those of RunParameters.
"""

import numpy as np

from blockfactor.golden._jit import jit

__all__ = ["WAYS", "products"]

#: Odd multiplier of the hash function.
HASH = 0x1E3779B97F4A7C15
#: Most products of a soft query that are looked up.
PROBES = 1000


# --- Hash tables: a vector is one integer, in which each block has a spare bit that takes carries.


def products(packed: np.ndarray, guard: int) -> np.ndarray:
    """Products of all tuples of packed codebooks [F, M], int64 [M**F]; the last factor is fastest.

    ``guard`` has the blocks' spare bits set.
    """
    total = np.zeros(1, dtype=np.int64)
    for book in packed:
        total = ((total[:, None] + book) & ~guard).ravel()
    return total


def _pack(codes: np.ndarray, length: int) -> tuple[np.ndarray, int]:
    shift = np.arange(codes.shape[-1]) * length.bit_length()
    return (codes.astype(np.int64) << shift).sum(axis=-1), int((length << shift).sum())


@jit
def _insert(keys, slots):
    bits = round(np.log2(len(slots)))
    for number in range(len(keys)):
        at = (keys[number] * HASH >> (64 - bits)) & (len(slots) - 1)
        while slots[at] >= 0:
            at = (at + 1) & (len(slots) - 1)
        slots[at] = number


def _hash_table(keys: np.ndarray, load: float) -> np.ndarray:
    """Numbers of ``keys`` in their slots, -1 elsewhere; at most ``load`` of the slots are taken."""
    slots = np.full(1 << int(np.ceil(np.log2(len(keys) / load))), -1,
                    dtype=np.min_scalar_type(-len(keys)))
    _insert(keys, slots)
    return slots


@jit
def _peaks(index, shift):
    """Packed indices of the blocks' largest weights."""
    key = 0
    for b in range(len(index)):
        key |= index[b, 0] << (b * shift)
    return key


@jit
def _decode(number, size, found):
    for f in range(len(found) - 1, -1, -1):
        found[f] = number % size
        number //= size


def build_middle(codes, length):
    """Slots of the last factor's codevectors, and sums of all factors before the last two."""
    packed, guard = _pack(codes, length)
    return (_hash_table(packed[-1], 1 / 4), products(packed[:-2], guard), packed[-2], packed[-1],
            guard, length.bit_length(), len(codes))


@jit
def _meet(key, slots, outer, inner, last, guard):
    """Number of the first tuple whose product is ``key``, or -1."""
    bits = round(np.log2(len(slots)))
    for o in range(len(outer)):
        rest = ((key | guard) - outer[o]) & ~guard
        for i in range(len(inner)):
            wanted = ((rest | guard) - inner[i]) & ~guard
            at = (wanted * HASH >> (64 - bits)) & (len(slots) - 1)
            while slots[at] >= 0:
                if last[slots[at]] == wanted:
                    return (o * len(inner) + i) * len(last) + slots[at]
                at = (at + 1) & (len(slots) - 1)
    return -1


@jit
def search_middle(slots, outer, inner, last, guard, shift, factors, index, weight, level, heads):
    """Half of all rows a query on average; tuples [n, F], -1 where the peaks are no product."""
    found = np.full((len(index), factors), -1)
    for n in range(len(index)):
        number = _meet(_peaks(index[n], shift), slots, outer, inner, last, guard)
        if number >= 0:
            _decode(number, len(last), found[n])
    return found


# --- Scores: a block's weights stand twice in a row, so that no sum of two indices leaves it.


@jit
def _lay_out(index, weight, table, length, level):
    """Write a query's weights into ``table``; the lowest score that is accepted."""
    for b in range(index.shape[0]):
        for e in range(index.shape[1]):
            if weight[b, e]:
                table[b * 2 * length + index[b, e]] = weight[b, e]
                table[(b * 2 + 1) * length + index[b, e]] = weight[b, e]
    return -(-level * weight[:, 0].sum() // 256)


@jit
def _clear(index, table, length):
    for b in range(index.shape[0]):
        for e in range(index.shape[1]):
            table[b * 2 * length + index[b, e]] = 0
            table[(b * 2 + 1) * length + index[b, e]] = 0


def build_scan(codes, length):
    """Sums of all factors before the last two, and the last two."""
    outer = np.zeros((1, codes.shape[2]), dtype=np.int64)
    for book in codes[:-2]:
        outer = ((outer[:, None] + book) % length).reshape(-1, codes.shape[2])
    offset = np.arange(codes.shape[2]) * 2 * length
    return outer, codes[-2], codes[-1] + offset, length, len(codes)


@jit
def _scan(table, need, outer, inner, last, length, at):
    best, number = -1, 0
    blocks = len(at)
    for o in range(len(outer)):
        for i in range(len(inner)):
            for b in range(blocks):
                at[b] = (outer[o, b] + inner[i, b]) & (length - 1)
            for m in range(len(last)):
                score = 0
                for b in range(blocks):
                    score += table[at[b] + last[m, b]]
                if score > best:
                    best, number = score, (o * len(inner) + i) * len(last) + m
                    if best >= need:
                        return number
    return number


@jit
def search_scan(outer, inner, last, length, factors, index, weight, level, heads):
    """The first tuple that is accepted, else the best; tuples [n, F]."""
    blocks = last.shape[1]
    table, at = np.zeros(blocks * 2 * length, dtype=np.int64), np.zeros(blocks, dtype=np.int64)
    found = np.zeros((len(index), factors), dtype=np.int64)
    for n in range(len(index)):
        need = _lay_out(index[n], weight[n], table, length, level)
        _decode(_scan(table, need, outer, inner, last, length, at), len(last), found[n])
        _clear(index[n], table, length)
    return found


def build_join(codes, length):
    """What the scan needs, and an inverted index of the last factor by block and element."""
    members = np.argsort(codes[-1], axis=0, kind="stable").T.astype(np.uint16)
    start = np.array([np.searchsorted(np.sort(block), np.arange(length + 1))
                      for block in codes[-1].T], dtype=np.uint16)
    return (members.copy(), start, *build_scan(codes, length))


@jit
def _sharpest(weight, heads):
    """The blocks in which the largest weight leads most."""
    lead = weight[:, 0].copy()
    if weight.shape[1] > 1:
        lead -= weight[:, 1]
    return np.argsort(-lead)[:heads]


@jit
def _join(table, need, chosen, peak, members, start, outer, inner, last, length):
    best, number = -1, 0
    for o in range(len(outer)):
        for i in range(len(inner)):
            for c in chosen:
                x = (peak[c] - outer[o, c] - inner[i, c]) & (length - 1)
                for k in range(int(start[c, x]), int(start[c, x + 1])):
                    m = int(members[c, k])
                    score = 0
                    for b in range(last.shape[1]):
                        score += table[((outer[o, b] + inner[i, b]) & (length - 1)) + last[m, b]]
                    if score > best:
                        best, number = score, (o * len(inner) + i) * len(last) + m
                        if best >= need:
                            return number
    return number


@jit
def search_join(members, start, outer, inner, last, length, factors, index, weight, level, heads):
    """The first candidate that is accepted, else the best; tuples [n, F]."""
    table = np.zeros(last.shape[1] * 2 * length, dtype=np.int64)
    found = np.zeros((len(index), factors), dtype=np.int64)
    for n in range(len(index)):
        need = _lay_out(index[n], weight[n], table, length, level)
        chosen = _sharpest(weight[n], heads)
        _decode(_join(table, need, chosen, index[n, :, 0], members, start, outer, inner, last,
                      length), len(last), found[n])
        _clear(index[n], table, length)
    return found


# --- Both: a soft query has many products that would be accepted, and few of them exist.


def build_table(codes, length):
    """Slots of all products, whose keys are made again from the codebooks; and what join needs."""
    packed, guard = _pack(codes, length)
    return (_hash_table(products(packed, guard), 2 / 3), packed, guard, length.bit_length(),
            *build_join(codes, length))


@jit
def _look_up(key, slots, packed, guard, bits, found):
    """Write a tuple of product ``key`` to ``found``; whether there is one."""
    at = (key * HASH >> (64 - bits)) & (len(slots) - 1)
    while slots[at] >= 0:
        _decode(slots[at], packed.shape[1], found)
        product = 0
        for f in range(len(packed)):
            product = (product + packed[f, found[f]]) & ~guard
        if product == key:
            return True
        at = (at + 1) & (len(slots) - 1)
    return False


@jit
def _probe(index, weight, most, slots, packed, guard, shift, bits, found):
    """Look products up in order of score, from the peaks' down by ``most``; whether one is there.

    Another entry than a block's first costs the difference of their weights.
    """
    blocks, entries = index.shape
    choice = np.zeros(blocks, dtype=np.int64)
    left, key = np.zeros(blocks + 1, dtype=np.int64), np.zeros(blocks + 1, dtype=np.int64)
    probes = 0
    for cost in range(most + 1):
        b, choice[0], left[0] = 0, -1, cost
        while b >= 0:
            choice[b] += 1
            e = choice[b]
            if e >= entries or weight[b, e] == 0 or weight[b, 0] - weight[b, e] > left[b]:
                b -= 1
                continue
            left[b + 1] = left[b] - weight[b, 0] + weight[b, e]
            key[b + 1] = key[b] | index[b, e] << (b * shift)
            if b + 1 < blocks:
                b += 1
                choice[b] = -1
            elif left[blocks] == 0:
                if _look_up(key[blocks], slots, packed, guard, bits, found):
                    return True
                probes += 1
                if probes == PROBES:
                    return False
    return False


@jit
def search_table(slots, packed, guard, shift, members, start, outer, inner, last, length, factors,
                 index, weight, level, heads):
    """The first product that is there, in order of score; join where there is none."""
    bits = round(np.log2(len(slots)))
    found = np.full((len(index), factors), -1)
    for n in range(len(index)):
        smax = weight[n, :, 0].sum()
        if not _probe(index[n], weight[n], smax - -(-level * smax // 256), slots, packed, guard,
                      shift, bits, found[n]):
            found[n] = search_join(members, start, outer, inner, last, length, factors,
                                   index[n:n + 1], weight[n:n + 1], level, heads)[0]
    return found


#: Software for a PC: what is made of a codebook [F, M, B], and a search with it.
WAYS = {"table": (build_table, search_table), "middle": (build_middle, search_middle),
        "scan": (build_scan, search_scan), "join": (build_join, search_join)}
