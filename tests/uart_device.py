"""A model of the UART device and its line: what it answers to bytes, without bits or clocks."""

import struct
import zlib

__all__ = ["Bank", "NoisyLine", "UartDevice"]


class Bank:
    """Registers to test with, word addresses 0 to 63.

    0 reads the ID; 1 to 31 keep what is written; 32 to 47 read how often they have been read;
    48 to 63 refuse, but 50 takes writes of even words. ``log`` has all accesses.
    """

    def __init__(self):
        self.words = [0] * 64
        self.words[0] = 0x42464331
        self.log = []

    def access(self, address: int, word: int | None) -> tuple[int, bool]:
        """Read, or write ``word``; return what is read and whether the access was refused."""
        refused = address >= 48 and (address != 50 or word is None or word & 1 == 1)
        self.log.append((address, word, refused))
        if refused:
            return 0, True
        if word is not None:
            if address:
                self.words[address] = word
            return 0, False
        self.words[address] += 32 <= address < 48
        return self.words[address] & 0xFFFFFFFF, False


class UartDevice:
    """Takes bytes as they arrive, and answers.

    Parameters
    ----------
    access : function
        As :meth:`Bank.access`.
    status : int
        Bits 4..0 of the replies' status byte.
    """

    def __init__(self, access, status: int = 0):
        self.access = access
        self.status = status
        self.executed = 0
        self.reset()

    def reset(self) -> None:
        """As after reset."""
        self.frame = None  # bytes after the start byte
        self.stored = None, b""

    def silence(self) -> None:
        """A gap, a break or a framing error."""
        self.frame = None

    def take(self, byte: int) -> bytes:
        """Take a byte; return the reply that it calls forth."""
        if self.frame is None:
            self.frame = bytearray() if byte == 0xB5 else None
            return b""
        self.frame.append(byte)
        frame = bytes(self.frame)
        if len(frame) < 3:
            return b""
        sequence, op, address = frame[:3]
        count = op % 64
        if count == 0 or address >= 64:
            self.frame = None
            return b""
        size = 3 + (4 * count if op >= 128 else 0)
        if len(frame) < size + 4:
            return b""
        self.frame = None
        if struct.unpack("<I", frame[size:])[0] != zlib.crc32(frame[:size]):
            return b""
        if sequence == 0 or sequence != self.stored[0]:
            self.executed += 1
            self.stored = sequence, self._execute(op, address, frame)
        return self.stored[1]

    def _execute(self, op: int, address: int, frame: bytes) -> bytes:
        done, data, refused = 0, b"", False
        for n in range(op % 64):
            word = struct.unpack_from("<I", frame, 3 + 4 * n)[0] if op >= 128 else None
            value, refused = self.access((address + (0 if op & 64 else n)) % 64, word)
            if refused:
                break
            done += 1
            data += struct.pack("<I", value) if op < 128 else b""
        body = bytes([frame[0], self.status | refused << 5, done]) + data
        return b"\x5b" + body + struct.pack("<I", zlib.crc32(body))


class NoisyLine:
    """A line to a :class:`UartDevice` that harms bytes in both directions; a link's transport.

    Parameters
    ----------
    device : UartDevice
    rng : random.Random
    harm : float
        Probability that a byte is changed, lost, or followed by one that nobody sent.
    late : float
        Probability that a whole answer comes only with the answer to the next request.
    """

    def __init__(self, device: UartDevice, rng, harm: float = 0.0,
                 late: float = 0.0):
        self.device = device
        self.rng = rng
        self.harm = harm
        self.late = late
        self.sent = 0
        self.arrived = bytearray()
        self.delayed = bytearray()

    def _noise(self, data: bytes) -> bytes:
        self.sent += len(data)
        rng, out = self.rng, bytearray()
        for byte in data:
            if self.harm and rng.random() < self.harm:
                kind = rng.randrange(4)
                if kind > 1:
                    out.append(byte ^ rng.randrange(1, 256))  # half of the cases
                elif kind:
                    out += bytes([byte, rng.randrange(256)])
            else:
                out.append(byte)
        return bytes(out)

    def write(self, data: bytes) -> None:
        """Send to the device; the answer is there at once."""
        answers = b""
        for byte in self._noise(data):
            answers += self.device.take(byte)
        answers = self._noise(answers)
        if self.late and self.rng.random() < self.late:
            self.delayed += answers
        else:
            self.arrived += self.delayed + answers
            self.delayed.clear()

    def read(self, count: int, timeout_s: float) -> bytes:
        """Bytes that have arrived; time passes if there are too few."""
        assert count > 0 and timeout_s > 0
        data = bytes(self.arrived[:count])
        del self.arrived[:count]
        if not data:
            self.device.silence()
        return data
