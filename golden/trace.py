"""The trace: what a run did, as 16-bit words of a few kinds, and its CRC-32.

===== ======= ======================================================================
kind  words   content
===== ======= ======================================================================
ENTRY 1       a codevector above the threshold, in the order of the list:
              number XOR (leading-one position of its similarity << 11)
STEP  3 or 4  end of a step: factor | sampled << 2 | list length << 3; best codevector;
              best similarity, low half; bits 16 to 31 if similarities exceed 16 bits
DRAW  2       offset and stride of a draw that is kept; join: 1, a first codevector
SCORE 1       score of a verified tuple; join: one for all scores of a cycle, the XOR
              of them, that of lane n rotated left by 16 / lanes * n
===== ======= ======================================================================

A step's words come in the order ENTRY..., STEP, DRAW if sampled, SCORE if verified; those of a join
are DRAW for each unknown factor but the last, then SCORE. Draws of a stall, or of a core that
sweeps, follow the SCORE, or the STEP where there is none. The CRC is
that of zlib and Ethernet over the words' bytes, low byte first, kinds left out.
"""

import numpy as np

from ._jit import jit

__all__ = ["CRC", "DRAW", "ENTRY", "KINDS", "SCORE", "STEP", "WORDS", "Step", "crc_word", "emit",
           "finish", "start", "steps"]

ENTRY, STEP, DRAW, SCORE = range(4)
KINDS = ("entry", "step", "draw", "score")
#: Fields of a run's state that the trace owns; those of golden/result.py follow.
CRC, WORDS = range(2)


def _table() -> np.ndarray:
    table = np.zeros(256, dtype=np.int64)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
        table[byte] = value
    return table


CRC_TABLE = _table()
CRC_START = 0xFFFFFFFF


@jit
def crc_word(crc, word, table):
    """Continue a CRC with one 16-bit word; start at all ones, invert the end value."""
    crc = (crc >> 8) ^ table[(crc ^ word) & 0xFF]
    return (crc >> 8) ^ table[(crc ^ (word >> 8)) & 0xFF]


@jit
def start(state):
    """Begin a trace."""
    state[CRC] = CRC_START
    state[WORDS] = 0


@jit
def emit(trace, state, kind, word):
    """Append a word to ``trace``, as far as it has room, and to the CRC in ``state``."""
    state[CRC] = crc_word(state[CRC], word, CRC_TABLE)
    if state[WORDS] < trace.shape[0]:
        trace[state[WORDS], 0] = kind
        trace[state[WORDS], 1] = word
    state[WORDS] += 1


@jit
def finish(state):
    """End a trace: the CRC is inverted."""
    state[CRC] ^= 0xFFFFFFFF


class Step(dict):
    """One step of a trace: factor, best, similarity, sampled, length, entries, draw, score."""


def steps(words, wide: bool) -> list[Step]:
    """Group a factorize trace by step, for reading; draws at the start make a step of their own.

    Parameters
    ----------
    words : sequence of (kind, value)
    wide : bool
        Whether similarities take two words.
    """
    result, entries, position = [], [], 0
    words = [(int(kind), int(value)) for kind, value in words]
    while position < len(words):
        kind, value = words[position]
        if kind == ENTRY:
            entries.append((value & 0x7FF, value >> 11))
            position += 1
        elif kind == STEP:
            low = words[position + 2][1]
            high = words[position + 3][1] if wide else 0
            result.append(Step(factor=value & 3, sampled=bool(value & 4), length=value >> 3,
                               best=words[position + 1][1], similarity=low | high << 16,
                               entries=entries))
            entries = []
            position += 4 if wide else 3
        elif kind == DRAW:
            draw = (value, words[position + 1][1])
            if result and result[-1].get("sampled") and "draw" not in result[-1]:
                result[-1]["draw"] = draw
            else:
                result.append(Step(draw=draw))
            position += 2
        else:
            if result and "factor" in result[-1] and "score" not in result[-1]:
                result[-1]["score"] = value
            else:
                result.append(Step(score=value))
            position += 1
    return result
