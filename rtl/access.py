"""The access port: how a bus front-end reads and writes registers, one 32-bit word at a time."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ADDRESS_BITS", "LATENCY", "REFUSED_ADDRESS", "access_port"]

#: Bits of a word address: a register map of 64 words.
ADDRESS_BITS = 6
#: Most cycles from the first cycle of a request to ``done``, both included.
LATENCY = 8
#: Word address to which front-ends send what no register can take, as a write: ID is constant, so
#: its write is refused, and noted as ``bad_access``.
REFUSED_ADDRESS = 0


def access_port() -> wiring.Signature:
    """Signature of the access port, from the front-end's point of view.

    ``request`` rises with a stable ``address``, ``write`` and ``write_data`` and stays, as they do,
    until ``done``, which is high for one cycle, at the earliest in the cycle of the request and at
    the latest :data:`LATENCY` cycles from its first. ``write_data`` may be anything in a read, and
    in a write to :data:`REFUSED_ADDRESS`. ``read_data`` and ``error`` are valid in that
    cycle. If ``request`` stays high after it, the next access begins. An access with ``error`` has
    changed nothing but sticky error bits; its ``read_data`` is 0.
    """
    return wiring.Signature({
        "request": Out(1),
        "address": Out(ADDRESS_BITS),
        "write": Out(1),
        "write_data": Out(32),
        "done": In(1),
        "read_data": In(32),
        "error": In(1),
    })
