"""Verifier: scores tuples against the query and keeps the best and the runner-up.

The score of a tuple is the sum over the blocks of the query's weight at the tuple's bound index.
State, in the order of the fields below, lives in one integer array so that compiled code can keep
it.
"""

from ._jit import jit

__all__ = ["ACCEPTED", "BEST", "RUNNER_UP", "TUPLE", "VERIFIED", "accept_level", "score", "verify"]

#: Fields of the state: tuples verified (saturates at 1), best score, runner-up, accepted flag;
#: the best tuple follows.
VERIFIED, BEST, RUNNER_UP, ACCEPTED, TUPLE = range(5)


@jit
def accept_level(level, smax):
    """Least score that is accepted: ``ceil(level * smax / 256)``."""
    return (level * smax + 255) >> 8


@jit
def score(code, candidate, table):
    """Sum over blocks of the query weight at the bound index; ``table`` is [B, L]."""
    factors, _, blocks = code.shape
    length = table.shape[1]
    total = 0
    for b in range(blocks):
        x = 0
        for f in range(factors):
            x += code[f, candidate[f], b]
        total += table[b, x % length]
    return total


@jit
def verify(state, candidate, value, accept):
    """Enter a tuple of score ``value``; return whether it is the new best.

    Of equal scores the first verified wins; the runner-up is the best score of another tuple.
    """
    factors = candidate.shape[0]
    same = state[VERIFIED] != 0
    for f in range(factors):
        if state[TUPLE + f] != candidate[f]:
            same = False
    if value >= accept:
        state[ACCEPTED] = 1
    if same:
        return False
    if state[VERIFIED] == 0 or value > state[BEST]:
        if state[VERIFIED] != 0:
            state[RUNNER_UP] = state[BEST]
        state[VERIFIED] = 1
        state[BEST] = value
        for f in range(factors):
            state[TUPLE + f] = candidate[f]
        return True
    if value > state[RUNNER_UP]:
        state[RUNNER_UP] = value
    return False
