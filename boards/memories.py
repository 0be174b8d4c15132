"""Memories of a core or system, found without elaborating it."""

from typing import NamedTuple

from blockfactor.config import CoreConfig, SystemConfig

__all__ = ["MemoryShape", "memories"]

#: Rows of a lane's queue, results that wait and words of each, bytes of the serial line's memory:
#: constants of the components that have them.
LANE_ROWS, RESULTS, RESULT_WORDS, UART_BYTES = 32, 16, 16, 512


class MemoryShape(NamedTuple):
    """Memories of one shape.

    Parameters
    ----------
    name : str
        What it is for.
    width : int
        Bits of a row.
    depth : int
        Rows.
    count : int
        How many there are.
    block : bool
        Never of look-up tables, however small.
    unread, unread_rows : int
        Bits of a row, and rows, that nothing reads and synthesis leaves out.
    """

    name: str
    width: int
    depth: int
    count: int
    block: bool = False
    unread: int = 0
    unread_rows: int = 0


def _index_bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


def memories(system: SystemConfig) -> list[MemoryShape]:
    """Memories of a system, or of the core alone where it has no front-end.

    They are those that the components make of :class:`~blockfactor.rtl.memory.Memory`; a test
    holds one against the other.
    """
    return [m for m in (*_core(system.core), *_around(system)) if m.count]


def _core(core: CoreConfig) -> list[MemoryShape]:
    factorizes, joins = ("factorize" in core.engines, "join" in core.engines)
    slots = max(core.factors - 1 if factorizes else 0, core.lanes if joins else 0)
    number, index = core.codevector_bits, core.element_index_bits
    codevector, link, slot = core.blocks * index, number + 1, _index_bits(core.list_size)
    head = 2 * link + 1
    found = [
        MemoryShape("codebook", codevector, core.factors << number, slots + core.lanes),
        MemoryShape("query entries", index + core.weight_bits, core.query_entries, core.blocks,
                    unread=0 if factorizes else core.weight_bits),
        MemoryShape("query weights", core.weight_bits, core.block_length,
                    core.blocks * core.lanes, core.lanes > 1),
    ]
    if factorizes:
        slot += core.draws == "sweep"  # a list drawn and a list found
        found += [
            # A copy is read for one of two factors: others than the one that is updated, in order.
            MemoryShape("lists", number + core.position_bits, core.factors << slot,
                        core.factors - 1, unread_rows=(core.factors - 2) << slot),
            MemoryShape("histogram", core.histogram_bits + core.tag_bits, core.block_length,
                        core.blocks),
        ]
    if joins:
        group = number - (core.lanes - 1).bit_length()
        row = (codevector + number * (core.factors - 2) + group + core.heads * head
               + _index_bits(core.heads) + 2)
        found += [
            MemoryShape("index heads", head, core.blocks << index, core.lanes * core.heads),
            MemoryShape("index links", link, core.blocks << number, core.lanes),
            MemoryShape("rows", row, LANE_ROWS, core.lanes, True),
        ]
    return found


def _around(system: SystemConfig) -> list[MemoryShape]:
    """Memories of registers and front-end."""
    if system.front_end == "none":
        return []
    core = system.core
    item = core.element_index_bits + core.weight_bits + _index_bits(core.blocks) + 3
    return [
        MemoryShape("queries", item, system.queue_items, 1),
        MemoryShape("results", 32, RESULTS * RESULT_WORDS, 1),
        MemoryShape("line", 8, UART_BYTES, int(system.front_end == "uart"), True),
    ]
