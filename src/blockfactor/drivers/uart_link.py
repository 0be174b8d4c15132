"""Registers over a serial line: frames, retries, and each request executed once; see docs/uart.md.

:class:`LinkSteps` holds everything but the line itself: its generators yield what to send and how
long to wait for what, so that the same code serves blocking and asynchronous lines.
:class:`UartLink` is the blocking one.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

from blockfactor.errors import BlockfactorError, check_int
from blockfactor.registers import IDENTITY

__all__ = ["FRAME_WORDS", "AccessError", "LinkError", "LinkSteps", "Receive", "Reply", "Send",
           "Transport", "UartLink", "find_reply", "request_frame"]

#: Most words in a frame.
FRAME_WORDS = 63
#: Byte address of the last register there can be.
LAST_ADDRESS = 0xFC
#: Start bytes.
REQUEST, REPLY = 0xB5, 0x5B
#: Bytes of a frame besides its words: start byte, header of three, CRC.
OVERHEAD = 8
#: Byte times of silence after which the device no longer waits for the rest of a frame, and some.
GAP_BYTES = 36
#: Byte times at most that the device takes for a word, and for the header of its reply.
WORD_BYTES, HEADER_BYTES = 2, 8
#: Allowance for either side's clock.
SLOW = 1.05


class LinkError(BlockfactorError):
    """No answer that makes sense came, however often the request was sent."""


class AccessError(BlockfactorError):
    """The device refused an access; those before it in the same call were done.

    Attributes
    ----------
    address : int
        Byte address that was refused.
    done : int
        Words that were read or written before it.
    words : list of int
        What a read had read until then.
    """

    def __init__(self, address: int, done: int, words: Iterable[int] = ()):
        super().__init__(f"address {address:#04x}: the device refused the access after {done} "
                         "words; its register ERRORS says why")
        self.address = address
        self.done = done
        self.words = list(words)


@dataclass(frozen=True)
class Send:
    """A step: send ``data``."""

    data: bytes


@dataclass(frozen=True)
class Receive:
    """A step: receive ``count`` bytes, or what has come of them within ``timeout_s``."""

    count: int
    timeout_s: float


@dataclass(frozen=True)
class Reply:
    """What a device answered.

    ``status`` has its bits 4 to 0 (error, busy, result waits, space for a query, interrupt);
    ``done`` words were read or written, and if ``refused`` the access after them was refused.
    """

    status: int
    refused: bool
    done: int
    words: tuple[int, ...]


def request_frame(sequence: int, address: int, count: int, words: Iterable[int] | None = None,
                  stay: bool = False) -> bytes:
    """A request.

    Parameters
    ----------
    sequence : int
        0..255; a request equal to the last one's, but 0, is answered and not executed.
    address : int
        Byte address, a multiple of 4 in 0..252.
    count : int
        Words, 1..63.
    words : iterable of int or None
        What to write, ``count`` words; None reads.
    stay : bool
        Every word goes to the same address.
    """
    body = bytes([sequence, (words is not None) << 7 | stay << 6 | count, address // 4])
    body += b"".join(word.to_bytes(4, "little") for word in words or ())
    return bytes([REQUEST]) + body + crc32(body).to_bytes(4, "little")


def _parse(data: bytes, sequence: int, count: int, write: bool) -> Reply | int | None:
    """A reply that ``data`` begins with, the bytes it lacks, or None if it cannot be one."""
    if data[0] != REPLY or (len(data) > 1 and data[1] != sequence):
        return None
    if len(data) < 4:
        return OVERHEAD - len(data)
    status, done = data[2], data[3]
    refused = status >> 5 & 1
    if status >> 6 or done > count or (done < count) != refused:
        return None
    end = OVERHEAD + (0 if write else 4 * done)
    if len(data) < end:
        return end - len(data)
    if crc32(data[1:end - 4]) != int.from_bytes(data[end - 4:end], "little"):
        return None
    words = tuple(int.from_bytes(data[n:n + 4], "little") for n in range(4, end - 4, 4))
    return Reply(status & 31, bool(refused), done, words)


def find_reply(data: bytes, sequence: int, count: int, write: bool) -> tuple[Reply | None, int]:
    """Look for the reply to a request, whatever comes before and after it.

    Returns
    -------
    Reply or None
    int
        If there is none: bytes that have to be received before there can be one.
    """
    missing = OVERHEAD
    start = data.find(REPLY)
    while start >= 0:
        found = _parse(data[start:], sequence, count, write)
        if isinstance(found, Reply):
            return found, 0
        if found is not None:
            missing = min(missing, found)
        start = data.find(REPLY, start + 1)
    return None, missing


class LinkSteps:
    """The host's side of the protocol, as steps that somebody else takes.

    The generators yield :class:`Send` and :class:`Receive`, and are to be sent the bytes received;
    what they return is the result. One at a time.

    Parameters
    ----------
    baud : int
        Rate of the line.
    attempts : int
        How often a request is sent before the link is given up.
    frame_words : int
        Most words in a frame, 1..63: on a bad line short frames come through.
    latency_s : float
        What drivers and adapters add to the time an answer takes.

    Attributes
    ----------
    retries : int
        Requests that were sent again.
    corrupted : int
        Times that something came that was not the answer.
    status : int
        Status bits of the last reply.
    """

    def __init__(self, baud: int, attempts: int = 10, frame_words: int = FRAME_WORDS,
                 latency_s: float = 0.05):
        self.byte_s = 10 * SLOW / check_int("baud", baud, 1, 10**9)
        self.attempts = check_int("attempts", attempts, 1, 10**6)
        self.frame_words = check_int("frame_words", frame_words, 1, FRAME_WORDS)
        self.latency_s = latency_s
        self.retries = 0
        self.corrupted = 0
        self.status = 0
        self._sequence: int | None = None  # of the next request

    @property
    def gap_s(self) -> float:
        """Silence after which the device waits for a new frame."""
        return GAP_BYTES * self.byte_s + self.latency_s

    def _silence(self) -> Generator:
        """Wait until nothing comes any more, and the device has given up on a broken frame."""
        for _ in range(100):  # a line that never rests is dead too
            if not (yield Receive(FRAME_WORDS, self.gap_s)):
                return

    def _answer(self, sequence: int, count: int, write: bool) -> Generator:
        """The reply to a request just sent, or None."""
        request = OVERHEAD + 4 * count * write
        longest = OVERHEAD + 4 * count * (not write)
        timeout = self.latency_s + self.byte_s * (
            request + longest + WORD_BYTES * count + HEADER_BYTES)
        data = b""
        # An answer to the request before may come first, if that was sent twice.
        while len(data) < longest + OVERHEAD + 4 * FRAME_WORDS:
            reply, missing = find_reply(data, sequence, count, write)
            if reply:
                return reply
            more = yield Receive(missing, timeout)
            data += more
            if len(more) < missing:
                break
        reply, _ = find_reply(data, sequence, count, write)
        self.corrupted += bool(data) and not reply
        return reply

    def _exchange(self, sequence: int, address: int, count: int, words=None,
                  stay: bool = False) -> Generator:
        frame = request_frame(sequence, address, count, words, stay)
        for attempt in range(self.attempts):
            if attempt:
                self.retries += 1
                yield from self._silence()
            yield Send(frame)
            reply = yield from self._answer(sequence, count, words is not None)
            if reply:
                self.status = reply.status
                return reply
        verb = "read" if words is None else "write"
        raise LinkError(f"{verb} of {count} words at {address:#04x}: no answer to {self.attempts} "
                        "requests")

    def _transfer(self, address: int, count: int, words, stay: bool) -> Generator:
        """Do a call's words, a frame after the other; return what was read."""
        address = check_int("address", address, 0, LAST_ADDRESS)
        last = address if stay else address + 4 * max(0, count - 1)
        if address % 4 or last > LAST_ADDRESS:
            raise BlockfactorError(f"{count} words at address {address:#04x}: addresses are "
                                   f"multiples of 4 in 0..{LAST_ADDRESS:#04x}")
        if self._sequence is None:
            raise LinkError("the link has to be opened first: call open()")
        read: list[int] = []
        for start in range(0, count, self.frame_words):
            size = min(self.frame_words, count - start)
            place = address if stay else address + 4 * start
            sequence, self._sequence = self._sequence, self._sequence % 255 + 1
            part = None if words is None else words[start:start + size]
            reply = yield from self._exchange(sequence, place, size, part, stay)
            read += reply.words
            if reply.refused:
                raise AccessError(place if stay else place + 4 * reply.done, start + reply.done,
                                  read)
        return read

    def open_steps(self) -> Generator:
        """Steps of :meth:`UartLink.open`."""
        self._sequence = None
        yield from self._silence()
        # Number 0 is executed whatever the device has done before; reading ID twice does no harm.
        reply = yield from self._exchange(0, 0, 1)
        if reply.words != (IDENTITY,):
            found = f"{reply.words[0]:#010x}" if reply.words else "nothing"
            raise LinkError(f"register ID reads {found}, not {IDENTITY:#010x}: no blockfactor")
        self._sequence = 1

    def read_steps(self, address: int, count: int = 1, stay: bool = False) -> Generator:
        """Steps of :meth:`UartLink.read`."""
        count = check_int("count", count, 0, 10**9)
        return (yield from self._transfer(address, count, None, stay))

    def write_steps(self, address: int, words: Iterable[int], stay: bool = False) -> Generator:
        """Steps of :meth:`UartLink.write`."""
        words = [check_int(f"word {n}", word, 0, 0xFFFF_FFFF) for n, word in enumerate(words)]
        yield from self._transfer(address, len(words), words, stay)


class Transport(Protocol):
    """What a link needs of a line, such as a serial port of pyserial wrapped in four lines."""

    def write(self, data: bytes) -> object:
        """Send bytes; may return before they are sent."""

    def read(self, count: int, timeout_s: float) -> bytes:
        """Receive ``count`` bytes, or fewer if they have not come within ``timeout_s``."""


class UartLink(LinkSteps):
    """A device's registers over a serial line.

    Parameters
    ----------
    transport : Transport
    baud, attempts, frame_words, latency_s
        As for :class:`LinkSteps`.
    """

    def __init__(self, transport: Transport, baud: int = 115_200, **settings):
        super().__init__(baud, **settings)
        self.transport = transport

    def _run(self, steps: Generator):
        answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                return end.value
            if isinstance(step, Send):
                self.transport.write(step.data)
                answer = None
            else:
                answer = self.transport.read(step.count, step.timeout_s)

    def open(self) -> None:
        """Begin: wait for silence, then read the register ID.

        Raises
        ------
        LinkError
            No answer, or not that of a blockfactor.
        """
        self._run(self.open_steps())

    def read(self, address: int, count: int = 1, stay: bool = False) -> list[int]:
        """Read ``count`` words from byte address ``address`` on, or all from there (``stay``).

        Raises
        ------
        AccessError
            The device refused an access.
        LinkError
            No answer; whether the last frame was executed is unknown.
        """
        return self._run(self.read_steps(address, count, stay))

    def write(self, address: int, words: Iterable[int], stay: bool = False) -> None:
        """Write words to byte address ``address`` on, or all of them there (``stay``).

        Raises
        ------
        AccessError
            The device refused an access.
        LinkError
            No answer; whether the last frame was executed is unknown.
        """
        self._run(self.write_steps(address, words, stay))
