"""AXI4-Lite front-end: a subordinate that serves reads and writes in turn."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig
from blockfactor.errors import ConfigError, check_int

from ..access import ADDRESS_BITS, REFUSED_ADDRESS, access_port

__all__ = ["LEAST_ADDRESS_BITS", "MAX_ADDRESS_BITS", "OKAY", "SLVERR", "Axi4LiteTarget",
           "axi4lite_port", "create"]

#: Bits of a byte address: of the 64 words, and of a 32-bit address.
LEAST_ADDRESS_BITS, MAX_ADDRESS_BITS = ADDRESS_BITS + 2, 32
#: Responses.
OKAY, SLVERR = 0b00, 0b10


def axi4lite_port(address_bits: int = LEAST_ADDRESS_BITS) -> wiring.Signature:
    """Signature of a 32-bit AXI4-Lite bus, from the manager's point of view.

    ``awaddr`` and ``araddr`` are byte addresses, ``wstrb`` has a bit for each byte of the word.
    """
    return wiring.Signature({
        "awvalid": Out(1),
        "awready": In(1),
        "awaddr": Out(address_bits),
        "awprot": Out(3),
        "wvalid": Out(1),
        "wready": In(1),
        "wdata": Out(32),
        "wstrb": Out(4),
        "bvalid": In(1),
        "bready": Out(1),
        "bresp": In(2),
        "arvalid": Out(1),
        "arready": In(1),
        "araddr": Out(address_bits),
        "arprot": Out(3),
        "rvalid": In(1),
        "rready": Out(1),
        "rdata": In(32),
        "rresp": In(2),
    })


class Axi4LiteTarget(wiring.Component):
    """Makes of every AXI4-Lite transfer an access, one at a time.

    A write waits until both its address and its data are shown; which comes first, and how much
    later the other, does not matter. ``awready`` and ``wready``, or ``arready``, come with the end
    of the access: until then the manager holds, as AXI demands, what would have to be stored
    otherwise. If the access takes n cycles, at most :data:`~blockfactor.rtl.access.LATENCY`, and no
    other goes on, the response comes n + :attr:`answer_overhead` cycles after the first with all
    that is needed, a cycle after READY, and stays until it is taken. If that is at once, a word
    takes n + :attr:`transfer_overhead` cycles.

    While a response waits there is no access of its kind, but those of the other kind go on. Of a
    read and a write that are there at once it is the turn of the one of which the last access was
    not, so that neither waits for more than one of the other. After a reset it is the write.

    A write of part of a word (``wstrb`` not 15), or an address that is no multiple of 4 or beyond
    the access port's, is answered with SLVERR: what reaches the access port is a write to
    :data:`~blockfactor.rtl.access.REFUSED_ADDRESS`. ``awprot`` and ``arprot`` mean nothing. With
    SLVERR ``rdata`` is 0. READY signals are the access port's ``done`` through a gate with a
    register; all other outputs are registered.

    Parameters
    ----------
    address_bits : int, 8..32
        Bits of ``axi.awaddr`` and ``axi.araddr``.

    Members
    -------
    axi : In(axi4lite_port(address_bits))
    access : Out(access_port())

    Raises
    ------
    ConfigError
        ``address_bits`` is out of range.
    """

    #: Cycles from the first with all that a transfer needs to its response, beyond those of the
    #: access.
    answer_overhead = 1
    #: Cycles from response to response, beyond those of an access.
    transfer_overhead = 1

    def __init__(self, address_bits: int = LEAST_ADDRESS_BITS):
        self.address_bits = check_int("address_bits", address_bits, LEAST_ADDRESS_BITS,
                                      MAX_ADDRESS_BITS, ConfigError)
        super().__init__({
            "axi": In(axi4lite_port(self.address_bits)),
            "access": Out(access_port()),
        })

    def elaborate(self, platform):
        m = Module()
        axi, access = self.axi, self.access
        writing = Signal()
        refused = Signal()
        read_waits = Signal()
        write_waits = Signal()
        write_next = Signal()
        m.d.comb += [
            # There must be room for the response.
            read_waits.eq(axi.arvalid & (axi.rready | ~axi.rvalid)),
            write_waits.eq(axi.awvalid & axi.wvalid & (axi.bready | ~axi.bvalid)),
            write_next.eq(write_waits & ~(read_waits & writing)),
            access.address.eq(Mux(refused, REFUSED_ADDRESS,
                                  Mux(writing, axi.awaddr, axi.araddr)[2:LEAST_ADDRESS_BITS])),
            access.write.eq(writing | refused),
            access.write_data.eq(axi.wdata),
            axi.awready.eq(access.done & writing),
            axi.wready.eq(axi.awready),
            axi.arready.eq(access.done & ~writing),
        ]
        with m.If(axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        with m.If(~access.request):
            m.d.sync += [
                access.request.eq(read_waits | write_waits),
                refused.eq(Mux(write_next, self._beyond(axi.awaddr) | ~axi.wstrb.all(),
                               self._beyond(axi.araddr))),
            ]
            with m.If(read_waits | write_waits):
                m.d.sync += writing.eq(write_next)
        with m.Elif(access.done):
            m.d.sync += access.request.eq(0)
            with m.If(writing):
                m.d.sync += [axi.bvalid.eq(1), axi.bresp.eq(Mux(access.error, SLVERR, OKAY))]
            with m.Else():
                m.d.sync += [axi.rvalid.eq(1), axi.rresp.eq(Mux(access.error, SLVERR, OKAY)),
                             axi.rdata.eq(access.read_data)]
        return m

    @staticmethod
    def _beyond(address):
        """Expression: no register can have this byte address."""
        return address[:2].any() | (address >> LEAST_ADDRESS_BITS).any()


def create(config: SystemConfig) -> Axi4LiteTarget:
    """The front-end of a system."""
    return Axi4LiteTarget()
