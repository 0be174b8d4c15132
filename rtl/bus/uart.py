"""UART front-end: frames with a CRC, each executed exactly once; see docs/uart.md.

One byte of the line, of the block memory, or of a word is handled at a time, and always in the same
ten steps: step 0 loads (or checks the start bit), steps 1 to 8 shift a bit, step 9 stores (or
checks, or sends, the stop bit) and moves the pointer on. On the line a step takes a bit time,
within the device a cycle. So one shift register, one counter, one pointer and one 32-bit register
do for receiving, executing and sending, which follow each other and never overlap.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig
from blockfactor.errors import ConfigError, check_int
from blockfactor.rtl.access import ADDRESS_BITS, access_port
from blockfactor.rtl.memory import Memory

__all__ = ["COUNT_BITS", "GAP_BITS", "LEAST_DIVISOR", "REPLY", "REQUEST", "UartTarget", "create",
           "divisor"]

#: Start bytes of the two kinds of frames.
REQUEST, REPLY = 0xB5, 0x5B
#: Bits of the number of words in a frame.
COUNT_BITS = 6
#: Bit times without a start bit after which the rest of a frame is no longer waited for: as soon as
#: bits 8, 6 and 1 of the counter are set, which is a little more than 32 bytes.
GAP_BITS = 0b1_0100_0010
#: Fewest clock cycles of a bit.
LEAST_DIVISOR = 4
#: Most by which the line's rate may be off because the divisor is an integer.
RATE_ERROR = 0.02
#: Polynomial of CRC-32, its bits reversed: the low bit goes first, as on the line.
POLYNOMIAL = 0xEDB8_8320
#: Place of a frame's first byte after the start byte in its half of the memory: the third, which
#: is the last of the header, comes before the wrap to 0, so that data are aligned.
HEADER = 253


def divisor(clock_hz: int, baud: int) -> int:
    """Clock cycles of a bit.

    Raises
    ------
    ConfigError
        The clock is too slow for ``baud``, or no integer comes within 2 % of what it needs.
    """
    clock_hz = check_int("clock_hz", clock_hz, LEAST_DIVISOR, 10**10, ConfigError)
    baud = check_int("baud", baud, 1, clock_hz // LEAST_DIVISOR, ConfigError)
    cycles = (2 * clock_hz + baud) // (2 * baud)
    rate = clock_hz / cycles
    if abs(rate - baud) > RATE_ERROR * baud:
        raise ConfigError(f"baud {baud} cannot be made from clock_hz {clock_hz}: {cycles} cycles a "
                          f"bit give {rate:.0f}, which is outside {baud * (1 - RATE_ERROR):.0f}.."
                          f"{baud * (1 + RATE_ERROR):.0f}")
    return cycles


class UartTarget(wiring.Component):
    """Turns request frames from a serial line into accesses, and answers them.

    8 data bits, no parity, one stop bit. A request is executed when its CRC has proved right. The
    reply is kept: a request with the sequence number of the one before, unless 0, gets it once
    more and is not executed. Anything wrong is dropped without an answer. What is received between
    the end of a request and the end of its reply is ignored.

    Bits are sampled once, in their middle. A line up to 2.5 % off the rate that ``clock_hz`` and
    the divisor give is understood, and 3.5 % with a divisor of 5 or more.

    Parameters
    ----------
    clock_hz, baud : int
        The bit time is ``divisor(clock_hz, baud)`` cycles.

    Members
    -------
    rx : In(1)
        Asynchronous.
    tx : Out(1)
    access : Out(access_port())
    status : In(5)
        Goes into replies: interrupt, space for a query, result waits, busy, error (bits 0 to 4).

    Raises
    ------
    ConfigError
        See :func:`divisor`.
    """

    def __init__(self, clock_hz: int, baud: int):
        self.divisor = divisor(clock_hz, baud)
        super().__init__({
            "rx": In(1, init=1),
            "tx": Out(1, init=1),
            "access": Out(access_port()),
            "status": In(5),
        })

    @property
    def word_cycles(self) -> int:
        """Cycles a word takes to be executed, besides those of its access."""
        return 43

    @property
    def header_cycles(self) -> int:
        """Cycles from the last word of a request to the first bit time of its reply."""
        return 34

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(8, 512, block=True)

        # Three flip-flops: two synchronise, the third shows edges.
        line = Signal(3, init=7)
        m.d.sync += line.eq(Cat(self.rx, line))
        bit = line[1]
        falls = ~line[1] & line[2]

        state = Signal(6, init=1)  # one-hot
        hunting, receiving, executing, heading, starting, sending = state
        states = {name: 1 << n for n, name in enumerate(
            ("hunting", "receiving", "executing", "heading", "starting", "sending"))}
        listens = hunting | receiving
        inner = executing | heading

        def go(name):
            return state.eq(states[name])

        active = Signal()  # a byte is being received
        tail = Signal()  # the frame's CRC is received or sent
        turn = Signal()  # a byte has just been completed
        steps = Signal(9)
        pointer = Signal(8)
        shift = Signal(8)
        word = Signal(32)  # CRC while bytes go over the line, else data of the access
        count = Signal(COUNT_BITS)  # words: requested, then done
        address = Signal(ADDRESS_BITS)
        write, stays, refused, repeated, stored, wrong = (
            Signal(name=name) for name in
            ("write", "stays", "refused", "repeated", "stored", "wrong"))

        # Bit times. The counter runs through -1 down to it; its sign is the tick. An edge is seen
        # up to a cycle late, which is why the first sample comes half a cycle early on average.
        time = Signal(range(-1, self.divisor - 1))
        tick = time[-1]
        begins = listens & ~active & falls
        m.d.sync += time.eq(Mux(tick, self.divisor - 2, time - 1))
        with m.If(begins):
            m.d.sync += time.eq((self.divisor - 1) // 2 - 2)

        # Steps.
        first = steps[:4] == 0
        last = steps[3] & steps[0]
        middle = ~first & ~last
        aligned = pointer[:2] == 0
        full = pointer[2:] == count
        accesses = executing & ~turn & Mux(write, last & (pointer[:2] == 3), first & aligned)
        failed = Signal()
        step = Signal()
        moves = Signal()
        m.d.comb += [
            failed.eq(accesses & self.access.done & self.access.error),
            moves.eq(Mux(inner, ~turn & (~accesses | (self.access.done & ~self.access.error)),
                         tick)),
            step.eq(moves & (active | ~listens)),
        ]
        ends = step & last
        framing = ends & listens & ~bit
        finished = executing & (failed | (turn & aligned & full))
        accepted = receiving & turn & tail & aligned & ~wrong
        with m.If(moves):
            m.d.sync += steps.eq(steps + 1)
        with m.If(ends | begins | finished):
            m.d.sync += steps.eq(0)
        # Where the pointer changes its half of the memory, an idle turn gives the read its cycle.
        m.d.sync += turn.eq((ends & ~framing) | finished | (accepted & ~repeated))
        m.d.sync += active.eq(listens & ~ends & ~(step & first & bit) & (active | begins))

        # The pointer, and the memory: requests in the lower half, replies in the upper.
        rewinds = (turn & (hunting | starting)) | finished
        with m.If(ends):
            m.d.sync += pointer.eq(pointer + 1)
        with m.If(accepted):
            m.d.sync += pointer.eq(0)
        with m.If(rewinds):
            m.d.sync += pointer.eq(HEADER)
        m.d.comb += [
            memory.read_address.eq(Cat(pointer, ~inner)),
            memory.write_address.eq(Cat(pointer, inner)),
            memory.write_enable.eq(ends & ~tail & (receiving | heading | (executing & ~write))),
            memory.write_data.eq(shift),
        ]
        with m.If(heading & pointer[1]):
            m.d.comb += memory.write_data.eq(
                Mux(pointer[0], count, Cat(self.status, refused)))

        # The shift register and the word. All loads that nobody needs do no harm.
        m.d.comb += [self.access.write_data.eq(word)]
        plain = tail | executing
        incoming = Mux(listens, bit, shift[0])
        feedback = word[0] ^ incoming
        turned = Cat(word[1:], Mux(plain, incoming, feedback))
        taps = Cat(feedback & ~plain if POLYNOMIAL >> n & 1 else Const(0, 1) for n in range(31))
        with m.If(step & first):
            m.d.sync += shift.eq(Mux(starting, REPLY, memory.read_data))
        with m.If(step & middle & ~heading):
            m.d.sync += shift.eq(Cat(shift[1:], Mux(listens, bit, word[0])))
        with m.If(step & middle):
            m.d.sync += word.eq(turned ^ taps)
        with m.If(accesses & first):
            m.d.sync += word.eq(self.access.read_data)
        with m.If(turn & (hunting | starting)):
            m.d.sync += word.eq(0xFFFF_FFFF)

        # Accesses.
        m.d.comb += [
            self.access.request.eq(accesses),
            self.access.address.eq(address),
            self.access.write.eq(write),
        ]
        with m.If(accesses & self.access.done & ~stays):
            m.d.sync += address.eq(address + 1)
        with m.If(failed):
            m.d.sync += refused.eq(1)
        with m.If(finished):
            m.d.sync += [go("heading"), count.eq(pointer[2:])]

        # The line's other end.
        with m.If(step & (starting | sending)):
            m.d.sync += self.tx.eq(last | (~first & Mux(tail, ~word[0], shift[0])))

        # Frames, between one byte and the next.
        with m.If(listens & step & middle & tail & (bit == word[0])):
            m.d.sync += wrong.eq(1)
        with m.If(turn):
            with m.If(hunting):
                m.d.sync += [tail.eq(0), wrong.eq(0), refused.eq(0)]
                with m.If(shift == REQUEST):
                    m.d.sync += go("receiving")
            with m.If(receiving & ~tail & (pointer == HEADER + 1)):
                m.d.sync += repeated.eq(stored & (shift == memory.read_data) & (shift != 0))
            with m.If(receiving & ~tail & (pointer == HEADER + 2)):
                m.d.sync += Cat(count, stays, write).eq(shift)
            with m.If((receiving | sending) & ~tail & aligned & (full | (write ^ receiving))):
                m.d.sync += tail.eq(1)
            with m.If(receiving & ~tail & (pointer == 0)):
                m.d.sync += address.eq(shift)
                with m.If(full | shift[ADDRESS_BITS:].any()):
                    m.d.sync += go("hunting")
            with m.If(receiving & tail & aligned):
                m.d.sync += [tail.eq(0), go("hunting")]
                with m.If(~wrong):
                    m.d.sync += state.eq(Mux(repeated, states["starting"], states["executing"]))
            with m.If(heading & aligned):
                m.d.sync += [stored.eq(1), go("starting")]
            with m.If(starting):
                m.d.sync += go("sending")
            with m.If(sending & tail & aligned):
                m.d.sync += go("hunting")
        # On its way out the reply tells how many words it has.
        with m.If(sending & ~tail & (pointer == HEADER + 2) & (steps[:4] == 1)):
            m.d.sync += count.eq(shift)
        with m.If(framing | (listens & ~active & (steps & GAP_BITS == GAP_BITS))):
            m.d.sync += go("hunting")
        return m


def create(config: SystemConfig) -> UartTarget:
    """The front-end of a system."""
    return UartTarget(config.clock_hz, config.baud)
