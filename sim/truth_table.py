"""Look-up tables as expressions of and, or, xor and not, which simulate faster than the tables."""

from functools import cache

__all__ = ["expression"]


def _cofactors(table: int, inputs: int, position: int) -> tuple[int, int]:
    """Tables of one input fewer, for that input at 0 and at 1."""
    halves = [0, 0]
    for row in range(1 << inputs):
        lower = row & ((1 << position) - 1)
        index = row >> (position + 1) << position | lower
        halves[row >> position & 1] |= (table >> row & 1) << index
    return halves[0], halves[1]


@cache
def _best(table: int, inputs: int) -> tuple[int, str]:
    """Cost and text of a table; input i is written as ``{i}``."""
    every = (1 << (1 << inputs)) - 1
    if table in (0, every):
        return 0, f"1'b{int(table != 0)}"
    found = []
    for position in range(inputs):
        low, high = _cofactors(table, inputs, position)
        full = (1 << (1 << (inputs - 1))) - 1
        name = f"{{{position}}}"

        def rest(part, position=position):
            cost, text = _best(part, inputs - 1)
            # Inputs above the one that was taken out keep their own numbers.
            for i in reversed(range(position, inputs - 1)):
                text = text.replace(f"{{{i}}}", f"{{{i + 1}}}")
            return cost, text

        if low == high:
            return rest(low)
        if (low, high) == (0, full):
            return 0, name
        if (low, high) == (full, 0):
            return 1, f"~{name}"
        if low == full ^ high:
            cost, text = rest(low)
            found.append((cost + 1, f"({name} ^ {text})"))
        elif low in (0, full):
            cost, text = rest(high)
            found.append((cost + 1 + (low > 0),
                          f"({name} & {text})" if low == 0 else f"(~{name} | {text})"))
        elif high in (0, full):
            cost, text = rest(low)
            found.append((cost + 1 + (high == 0),
                          f"(~{name} & {text})" if high == 0 else f"({name} | {text})"))
        else:
            (cost_0, text_0), (cost_1, text_1) = rest(low), rest(high)
            found.append((cost_0 + cost_1 + 4,
                          f"(({name} & {text_1}) | (~{name} & {text_0}))"))
    return min(found)


def expression(table: int, names) -> str:
    """A Verilog expression of a look-up table.

    Parameters
    ----------
    table : int
        Bit i is the output where the inputs, the first lowest, are i.
    names : sequence of str
        Expressions of the inputs, at most five; constants may be among them.
    """
    names = list(names)
    for position in reversed(range(len(names))):
        if names[position] in ("1'b0", "1'b1"):
            table = _cofactors(table, len(names), position)[names[position] == "1'b1"]
            del names[position]
    return _best(table, len(names))[1].format(*names)
