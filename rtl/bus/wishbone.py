"""Wishbone B4 front-end: a target for classic and pipelined controllers alike."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig
from blockfactor.errors import ConfigError, check_int

from ..access import ADDRESS_BITS, REFUSED_ADDRESS, access_port

__all__ = ["MAX_ADDRESS_BITS", "WishboneTarget", "create", "wishbone_port"]

#: Widest word address: a byte address of 32 bits.
MAX_ADDRESS_BITS = 30


def wishbone_port(address_bits: int = ADDRESS_BITS) -> wiring.Signature:
    """Signature of a 32-bit Wishbone B4 bus, from the controller's point of view.

    ``adr`` is a word address, ``sel`` has a bit for each byte of the word.
    """
    return wiring.Signature({
        "cyc": Out(1),
        "stb": Out(1),
        "we": Out(1),
        "adr": Out(address_bits),
        "sel": Out(4),
        "dat_w": Out(32),
        "dat_r": In(32),
        "ack": In(1),
        "err": In(1),
        "stall": In(1),
    })


class WishboneTarget(wiring.Component):
    """Turns Wishbone transfers into accesses of the access port, one after the other.

    A request is taken at a clock edge with ``cyc``, ``stb`` and not ``stall``. If its access takes
    n cycles, at most :data:`~blockfactor.rtl.access.LATENCY`, its answer, ``ack`` or ``err``, comes
    n + 1 cycles after the request and lasts one; the next request is taken in the cycle after the
    answer: a word in n + 2 cycles. ``stall`` is high in between, and in the cycle of the answer, in
    which a classic controller still shows the request that is answered. So classic controllers need
    no ``stall``, pipelined ones no adapter.

    A write of part of a word (``sel`` not 15), or an address beyond the access port's, is answered
    with ``err``: what reaches the access port is a write to
    :data:`~blockfactor.rtl.access.REFUSED_ADDRESS`. ``sel`` means nothing for reads. With ``err``,
    and after a write, ``dat_r`` is 0.

    Where ``cyc`` falls before the answer, the access is made all the same, but nothing is answered.
    ``ack`` and ``err`` are registered but for a gate by ``cyc``; all else is registered.

    Parameters
    ----------
    address_bits : int, 6..30
        Bits of ``wb.adr``.

    Members
    -------
    wb : In(wishbone_port(address_bits))
    access : Out(access_port())

    Raises
    ------
    ConfigError
        ``address_bits`` is out of range.
    """

    def __init__(self, address_bits: int = ADDRESS_BITS):
        self.address_bits = check_int("address_bits", address_bits, ADDRESS_BITS, MAX_ADDRESS_BITS,
                                      ConfigError)
        super().__init__({
            "wb": In(wishbone_port(self.address_bits)),
            "access": Out(access_port()),
        })

    def elaborate(self, platform):
        m = Module()
        wb, access = self.wb, self.access
        refused = Signal()
        abandoned = Signal()
        ack = Signal()
        err = Signal()
        m.d.comb += [
            # Between two cycles of a shared bus, an answer would be the next controller's.
            wb.ack.eq(ack & wb.cyc),
            wb.err.eq(err & wb.cyc),
            wb.stall.eq(access.request | ack | err),
        ]
        m.d.sync += [ack.eq(0), err.eq(0)]
        with m.If(~wb.stall):
            bad = (wb.adr >> ADDRESS_BITS).any() | (wb.we & ~wb.sel.all())
            m.d.sync += [
                access.request.eq(wb.cyc & wb.stb),
                access.address.eq(Mux(bad, REFUSED_ADDRESS, wb.adr)),
                access.write.eq(wb.we | bad),
                access.write_data.eq(wb.dat_w),
                refused.eq(bad),
                abandoned.eq(0),
            ]
        with m.Elif(access.request):
            with m.If(~wb.cyc):
                m.d.sync += abandoned.eq(1)
            with m.If(access.done):
                wrong = access.error | refused
                waited_for = wb.cyc & ~abandoned
                m.d.sync += [
                    access.request.eq(0),
                    ack.eq(waited_for & ~wrong),
                    err.eq(waited_for & wrong),
                    wb.dat_r.eq(Mux(access.write | wrong, 0, access.read_data)),
                ]
        return m


def create(config: SystemConfig) -> WishboneTarget:
    """The front-end of a system."""
    return WishboneTarget()
