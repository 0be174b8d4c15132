"""APB4 front-end: a completer that hands transfers to the access port as they are."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig
from blockfactor.errors import ConfigError, check_int

from ..access import ADDRESS_BITS, REFUSED_ADDRESS, access_port

__all__ = ["LEAST_ADDRESS_BITS", "MAX_ADDRESS_BITS", "ApbTarget", "apb_port", "create"]

#: Bits of a byte address: of the 64 words, and the widest that the specification knows.
LEAST_ADDRESS_BITS, MAX_ADDRESS_BITS = ADDRESS_BITS + 2, 32


def apb_port(address_bits: int = LEAST_ADDRESS_BITS) -> wiring.Signature:
    """Signature of a 32-bit APB4 bus, from the requester's point of view.

    ``paddr`` is a byte address, ``pstrb`` has a bit for each byte of the word.
    """
    return wiring.Signature({
        "paddr": Out(address_bits),
        "pprot": Out(3),
        "psel": Out(1),
        "penable": Out(1),
        "pwrite": Out(1),
        "pwdata": Out(32),
        "pstrb": Out(4),
        "pready": In(1),
        "prdata": In(32),
        "pslverr": In(1),
    })


class ApbTarget(wiring.Component):
    """Makes of every APB transfer an access.

    The access begins with the access phase. If it takes n cycles, at most
    :data:`~blockfactor.rtl.access.LATENCY`, the transfer takes n + :attr:`transfer_overhead`, the
    setup phase among them; ``pready`` is high in the last one. The next setup phase may follow at
    once.

    A write of part of a word (``pstrb`` not 15), or an address that is no multiple of 4 or beyond
    the access port's, is answered with ``pslverr``: what reaches the access port is a write to
    :data:`~blockfactor.rtl.access.REFUSED_ADDRESS`. ``pstrb`` means nothing for reads,
    ``pprot`` nothing at all. With ``pslverr`` ``prdata`` is 0.

    Nothing is stored: the requester has to hold all pins until ``pready``, as APB demands; there
    is no giving up. All outputs come straight from the access port's, but for a gate at
    ``pslverr``. Where a reset ends a transfer that the requester goes on with, the access is made
    anew.

    Parameters
    ----------
    address_bits : int, 8..32
        Bits of ``apb.paddr``.

    Members
    -------
    apb : In(apb_port(address_bits))
    access : Out(access_port())

    Raises
    ------
    ConfigError
        ``address_bits`` is out of range.
    """

    #: Cycles of a transfer beyond those of its access.
    transfer_overhead = 1

    def __init__(self, address_bits: int = LEAST_ADDRESS_BITS):
        self.address_bits = check_int("address_bits", address_bits, LEAST_ADDRESS_BITS,
                                      MAX_ADDRESS_BITS, ConfigError)
        super().__init__({
            "apb": In(apb_port(self.address_bits)),
            "access": Out(access_port()),
        })

    def elaborate(self, platform):
        m = Module()
        apb, access = self.apb, self.access
        # In the cycle before, which is the setup phase or a later one, the pins were the same.
        checked = Signal()
        refused = Signal()
        m.d.sync += [
            checked.eq(apb.psel & ~access.done),
            refused.eq(apb.paddr[:2].any() | (apb.paddr >> LEAST_ADDRESS_BITS).any()
                       | (apb.pwrite & ~apb.pstrb.all())),
        ]
        m.d.comb += [
            access.request.eq(checked & apb.penable),
            access.address.eq(Mux(refused, REFUSED_ADDRESS, apb.paddr[2:LEAST_ADDRESS_BITS])),
            access.write.eq(apb.pwrite | refused),
            access.write_data.eq(apb.pwdata),
            apb.pready.eq(access.done),
            apb.prdata.eq(access.read_data),
            apb.pslverr.eq(access.done & access.error),
        ]
        return m


def create(config: SystemConfig) -> ApbTarget:
    """The front-end of a system."""
    return ApbTarget()
