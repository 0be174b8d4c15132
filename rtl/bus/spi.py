"""SPI front-end: register accesses from an SPI controller, sampled by the core clock."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig

from ..access import ADDRESS_BITS, access_port

__all__ = ["READ", "STATUS_MARK", "STAY", "WRITE", "SpiTarget", "create"]

#: Commands: byte 0 of a frame. :data:`STAY` is added to keep the address, for windows.
WRITE, READ, STAY = 0x02, 0x03, 0x08
#: Bits 7..5 of every status byte.
STATUS_MARK = 0b101


class SpiTarget(wiring.Component):
    """SPI target of modes 0 and 3: frames of register reads and writes (docs/spi.md).

    All of it runs on the core clock, which samples the pins by two flip-flops each. Times, in core
    cycles from a rising edge of SCK at the pin:

    - The first flip-flop takes it after 0 to 1, the second after 1 to 2. ``cipo`` and everything
      else act on it after 2 to 3. The controller samples at rising edges and thus has 2 cycles of
      hold, and what remains of SCK's period after 3 of setup: one at the limit,
      :attr:`clock_divisor` cycles.
    - ``copi`` goes through flip-flops of the same depth: what was there 0 to 1 cycles after the
      edge counts. The controller changes it at the falling edge, which comes later if SCK is high
      and low for more than one cycle each; a duty cycle of 40 % gives 1.6 at the limit.
    - A read begins after 2 to 3. Its data is sent from the edge 7 periods later on: 28 cycles at
      the limit, one less as sampled, of which :attr:`slowest_access` are left for the access. The
      word of a write stays for 8 periods.

    ``cs_n`` low a cycle before the first rising edge and after the last one, and high for
    :attr:`clock_divisor` cycles between frames, is enough.

    A frame can end at any bit. A word of a write that is not whole then is not written; an access
    that has begun is completed. After a reset nothing is done before ``cs_n`` has been high.

    Members
    -------
    sck, cs_n, copi : In(1)
        Pins, not synchronous to anything.
    cipo : Out(1)
        A flip-flop; 1 from the end of a frame to the first edge of the next.
    cipo_oe : Out(1)
        ``cipo`` is to be driven: ``cs_n``, inverted, without a flip-flop.
    access : Out(access_port())
    status : In(5)
        From bit 0: interrupt, space for a query, results wait, busy, errors. Sent in status bytes.
    """

    #: Core cycles of the shortest period of SCK.
    clock_divisor = 4
    #: Core cycles of the slowest access, from its first to ``done``, that a read can wait for.
    slowest_access = 7 * clock_divisor - 2

    def __init__(self):
        super().__init__({
            "sck": In(1),
            "cs_n": In(1, init=1),
            "copi": In(1),
            "cipo": Out(1),
            "cipo_oe": Out(1),
            "access": Out(access_port()),
            "status": In(5),
        })

    def elaborate(self, platform):
        m = Module()
        access = self.access

        sck, idle, copi = Signal(), Signal(), Signal()
        # At power-up all are 0: a frame under way, until the pins prove the contrary.
        m.submodules.sck_sync = FFSynchronizer(self.sck, sck)
        m.submodules.cs_sync = FFSynchronizer(self.cs_n, idle)
        m.submodules.copi_sync = FFSynchronizer(self.copi, copi)
        sck_before = Signal(reset_less=True)
        edge = Signal()
        m.d.sync += sck_before.eq(sck)
        m.d.comb += edge.eq(sck & ~sck_before & ~idle)

        bits = Signal(3, reset_less=True)  # of the byte under way that have come
        byte_ends, load = Signal(), Signal()
        m.d.comb += [byte_ends.eq(edge & bits.all()), load.eq(idle | byte_ends)]
        with m.If(idle):
            m.d.sync += bits.eq(0)
        with m.Elif(edge):
            m.d.sync += bits.eq(bits + 1)

        # Bits come in at one end and go out at the other.
        shift = Signal(8, reset_less=True)
        received = Cat(copi, shift[:7])

        # What the byte under way is: one of these, or nothing in a frame that is ignored.
        in_command, in_address, in_turnaround = Signal(), Signal(), Signal()
        in_data = Signal(4)
        status_byte = Cat(self.status, Const(STATUS_MARK, 3))
        answers = Signal()  # the next byte is one of read data
        writing, stay = Signal(reset_less=True), Signal(reset_less=True)
        known, next_word = Signal(), Signal()
        m.d.comb += [
            known.eq(Cat(received[1:3], received[4:]) == WRITE >> 1),
            next_word.eq(in_address & ~received[ADDRESS_BITS:].any() | in_data[3]),
        ]
        with m.If(load):
            m.d.sync += [
                in_command.eq(0),
                in_address.eq(in_command & known),
                in_turnaround.eq(next_word & ~writing),
                in_data.eq(Cat(next_word & writing | in_turnaround, in_data)),
                answers.eq(next_word & ~writing | answers & ~in_data[2]),
            ]
        with m.If(idle):
            m.d.sync += [in_command.eq(1), in_address.eq(0), in_turnaround.eq(0), in_data.eq(0),
                         answers.eq(0)]
        # Not earlier: an access of the frame before may still need it.
        with m.If(in_command & byte_ends):
            m.d.sync += [writing.eq(~received[0]), stay.eq(received[3])]

        # Words go by bytes, up from here or down to the shift register. One that is written stays
        # until the next byte is in, which takes longer than the access.
        word = Signal(32, reset_less=True)
        with m.If(byte_ends | access.done):
            m.d.sync += word.eq(Mux(access.request, access.read_data, Cat(word[8:], received)))
        with m.If(idle | edge):
            m.d.sync += shift.eq(received)
            with m.If(load):
                m.d.sync += shift.eq(Mux(answers, word[:8], status_byte))

        address = Signal(ADDRESS_BITS, reset_less=True)
        with m.If(in_address & byte_ends | access.done & ~stay):
            # A bit toggles if all below it are ones: smaller than a carry chain that can be loaded.
            following = address ^ Cat(address[:n].all() for n in range(ADDRESS_BITS))
            m.d.sync += address.eq(Mux(access.request, following, received))

        # A read waits for the first bit of its turnaround byte: the frame may have ended.
        with m.If(access.done):
            m.d.sync += access.request.eq(0)
        with m.If(edge & (in_turnaround & (bits == 0) | in_data[3] & writing & bits.all())):
            m.d.sync += access.request.eq(1)

        m.d.comb += [
            access.address.eq(address),
            access.write.eq(writing),
            access.write_data.eq(word),
            self.cipo.eq(shift[7]),
            self.cipo_oe.eq(~self.cs_n),
        ]
        return m


def create(config: SystemConfig) -> SpiTarget:
    """The front-end of a system."""
    return SpiTarget()
