"""Random sampler: a leap-forward LFSR and walks that draw distinct codevectors.

The generator is the maximal-length recurrence ``s[n] = s[n-32] ^ s[n-30] ^ s[n-26] ^ s[n-25]``.
Its newest bit is bit 0 of the state. All taps lie at least 25 back, so up to 25 steps at once are
three XORs a bit; a draw from more than 4,096 codevectors takes 26 or 28, whose last bits are XORs
of bits that enter. Every draw uses bits that no other draw uses.

A *draw* is an affine walk over the smallest power of two N >= M: ``(offset + i * stride) mod N``
with odd stride visits every value once; values >= M are skipped. Offset and stride are the state's
low bits, so each (offset, stride) pair is as likely as any other, but for the missing zero state.
For M a power of two every codevector is then drawn with probability A/M. Else the values that are
skipped make some codevectors likelier: by up to 7 % at M=22, A=8 (tests/golden/test_sampler.py).
Pairs are not as likely as in a random subset, since there are ``N * N / 2`` walks only;
bench/integer.py compares the iterations with those of the float reference, which draws true random
subsets.
"""

from ._jit import jit

__all__ = ["LFSR_BITS", "MAX_LEAP", "TAPS", "leap", "next_seed", "walk_mask"]

LFSR_BITS = 32
#: Distances, in steps, of the bits whose XOR is the next one.
TAPS = (32, 30, 26, 25)
#: Steps at once, three XORs a bit: the nearest tap. More take a leap after the first.
MAX_LEAP = min(TAPS)


@jit
def leap(state, width):
    """Advance the generator ``width`` steps."""
    while width > 0:
        steps = min(width, MAX_LEAP)
        new = (state >> (32 - steps)) ^ (state >> (30 - steps))
        new ^= (state >> (26 - steps)) ^ (state >> (25 - steps))
        state = ((state << steps) | (new & ((1 << steps) - 1))) & 0xFFFFFFFF
        width -= steps
    return state


@jit
def walk_mask(size):
    """All ones up to the leading one of ``size - 1``: N - 1 of the walk."""
    mask = size - 1
    shift = 1
    while shift < 16:
        mask |= mask >> shift
        shift *= 2
    return mask


@jit
def draw_bits(state, bits, size):
    """Offset and stride of a draw from a codebook of ``size``, fields of ``bits`` bits."""
    mask = walk_mask(size)
    offset = state & mask
    stride = ((state >> bits) & mask) | 1
    return offset, stride


@jit
def draw_count(size, samples, list_size, start):
    """How many codevectors a draw takes: at the start the whole codebook where A asks for it."""
    count = samples
    if samples == 0 or samples >= size:
        count = size if start else (size + 1) // 2
    return min(count, list_size)


@jit
def walk(offset, stride, size, count, members):
    """Fill ``members`` with ``count`` distinct codevectors; return the values examined."""
    mask = walk_mask(size)
    value = offset
    examined = 0
    taken = 0
    while taken < count:
        examined += 1
        if value < size:
            members[taken] = value
            taken += 1
        value = (value + stride) & mask
    return examined


def next_seed(seed: int) -> int:
    """Replace the seed the generator cannot start from: 0 becomes 1."""
    return seed or 1
