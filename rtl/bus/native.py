"""Native front-end: the access port itself, for a controller on the same chip."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from blockfactor.config import SystemConfig

from ..access import access_port

__all__ = ["NativeTarget", "create"]


class NativeTarget(wiring.Component):
    """Passes accesses on as they are; takes no cycle and no cell.

    Members
    -------
    native : In(access_port())
    access : Out(access_port())
    """

    def __init__(self):
        super().__init__({"native": In(access_port()), "access": Out(access_port())})

    def elaborate(self, platform):
        m = Module()
        connect(m, flipped(self.native), flipped(self.access))
        return m


def create(config: SystemConfig) -> NativeTarget:
    """The front-end of a system."""
    return NativeTarget()
