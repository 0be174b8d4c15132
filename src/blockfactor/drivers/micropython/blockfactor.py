# ruff: noqa: F821, UP031
"""Driver of the core blockfactor over SPI, for MicroPython.

    from machine import SPI, Pin
    spi = SPI(0, baudrate=2_000_000, polarity=0, phase=0, sck=Pin(18), mosi=Pin(19), miso=Pin(16))
    device = Device(spi, Pin(17, Pin.OUT, value=1))
    device.codebook_load(factor, rows)  # for every factor
    device.parameters_set(CLEAN)
    device.query([(block, index, weight), ...])
    device.wait()
    print(device.result_read())

What is refused with ArgumentError has changed nothing. A call that fails with DeviceError may have
left half of something behind: the next one then begins with a reset, which loses the runs in flight
but keeps codebooks and parameters; errors_read() before it tells what the device noted. A codebook
whose loading failed must be loaded again: queries are refused until then. Not for several threads;
in an interrupt handler, and in a function of micropython.schedule, only set a flag.
"""

import struct
import time
from binascii import crc32
from collections import namedtuple

from micropython import const

# @CONSTANTS@

_WRITE = const(0x02)
_READ = const(0x03)
_STAY = const(0x08)  # all words at the same address
_BURST = const(16)  # most words of a frame
_PEEK_IRQ = const(0x01)  # in a status byte: the interrupt line is high
_PEEK_RESULT = const(0x04)  # a result waits
_PEEK_ERROR = const(0x10)  # ERRORS is not 0
_BRIEF = 5 if FACTORS > 2 else 4  # registers of a result, to RESULT_RUNNER_UP
_ACKNOWLEDGE_LOOKS = const(16)  # more than events there can be between two frames

#: What a run returns. `stop` is one of STOPS, `errors` the lowest bits of ERRORS when it ended,
#: `tag` the run's number since the reset, modulo 256; similarities are 0 where there are none.
Result = namedtuple("Result", ("indices", "similarities", "score", "smax", "runner_up",
                               "iterations", "cycles", "seed", "crc", "stop", "errors", "tag"))


class ArgumentError(ValueError):
    """Something that the core cannot take; nothing was written."""


class DeviceError(Exception):
    """A device that is not there, not the one expected, or does not do as it should."""


class DeviceTimeout(DeviceError):
    """A device that takes too long."""


def _check(name, value, low, high):
    if not isinstance(value, int) or not low <= value <= high:
        raise ArgumentError("%s %r is outside %d..%d" % (name, value, low, high))
    return value


def _pause():
    time.sleep_us(100)


class Device:
    """The core at the end of an SPI bus; opening checks which it is, and resets it.

    spi: mode 0 or 3, its rate a quarter of the core clock at most. cs: a Pin, high. timeout_ms: how
    long calls wait for the device. pause: called between two looks at a device that is not ready.
    """

    def __init__(self, spi, cs, timeout_ms=10000, pause=_pause):
        self._spi = spi
        self._cs = cs
        self._timeout_ms = timeout_ms
        self._pause = pause
        self._sending = self._lost = False
        self._sizes = [0] * FACTORS  # codevectors loaded; 0: not known
        self._broken = [False] * FACTORS  # loading was begun and did not succeed
        self._words = None  # of the parameters
        self._irq = 0
        found = self._read(_IDENTITY[0][1], len(_IDENTITY))
        for (name, _, mask, expected), word in zip(_IDENTITY, found):
            if word & mask != expected:
                raise DeviceError("%s is 0x%08x, expected is 0x%08x: another core, or none"
                                  % (name, word & mask, expected))
        self.reset()

    # -- set-up --

    def reset(self):
        """Forget runs, queries, results and errors; codebooks stay, parameters are written anew."""
        self._alone()
        self._lost = True
        self.in_flight = self._next_tag = 0
        self._space, self._waiting = _QUEUE_ITEMS, 0  # free places; results that wait, at least
        self._loaded = self._dense = False
        self._write(_CONTROL, (_SOFT_RESET,))
        if self._words:
            self._put_parameters(self._words, [row[1] for row in _PARAMETERS])
        if self._irq:
            self._put_irq(self._irq)
        self._lost = False

    def codebook_load(self, factor, rows):
        """Write a codebook when the device is idle, and check its CRC.

        If that fails once it has begun, queries are refused until it has succeeded.
        rows: codevectors, each BLOCKS indices, as bytes or any other sequence.
        """
        self._codebook(factor, rows, False)

    def codebook_verify(self, factor, rows):
        """Read a codebook back when the device is idle, and compare.

        After a DeviceError, too, if the FPGA may have been configured anew: then they are gone.
        """
        self._codebook(factor, rows, True)

    def parameters_set(self, parameters, **changes):
        """Parameters of the queries that follow, when the device is idle.

        parameters: CLEAN, SOFT, or a dictionary with the same keys; changes: other values of some.
        """
        p = dict(parameters)
        p.update(changes)
        words = [sum(p[key] << shift for key, shift in fields)
                 for fields in self._fields(p)]
        self._suffice(p["sizes"])
        self._begin()
        self._put_parameters(words, self._words or [row[1] for row in _PARAMETERS])
        self._words = words
        self._in_use = tuple(p["sizes"])

    # -- queries --

    def query(self, entries):
        """Queue a query and a run of it, when there is room.

        entries: (block, index, weight), by ascending block; QUERY_ENTRIES a block at most.
        """
        entries = list(entries)
        _check("number of entries", len(entries), 1, BLOCKS * QUERY_ENTRIES)
        seen, last = [], 0
        for block, index, weight in entries:
            _check("block", block, last, BLOCKS - 1)
            _check("index", index, 0, BLOCK_LENGTH - 1)
            _check("weight", weight, 1, MAX_WEIGHT)
            if block != last:
                seen, last = [], block
            if index in seen or len(seen) == QUERY_ENTRIES:
                raise ArgumentError("block %d: index %d occurs twice, or there are more than %d "
                                    "entries" % (block, index, QUERY_ENTRIES))
            seen.append(index)
        self._room(_QUEUE_ITEMS if self._dense else len(entries))
        words = [block << _BLOCK | weight << _WEIGHT | index for block, index, weight in entries]
        words[-1] |= 1 << _LAST
        self._write(_QUERY_ENTRY, words, True)
        self._queued(False, len(words))

    def query_clean(self, indices):
        """The same for a product vector: the index of the one in each block."""
        _check("number of indices", len(indices), BLOCKS, BLOCKS)
        self.query([(block, index, MAX_WEIGHT) for block, index in enumerate(indices)])

    def query_dense(self, elements):
        """Queue a dense query and a run of it, when the queue is empty.

        elements: for each block a sequence of BLOCK_LENGTH numbers; not all 0.
        """
        if not ELEMENT_BITS:
            raise ArgumentError("the core takes no dense queries")
        _check("number of blocks", len(elements), BLOCKS, BLOCKS)
        most = 0
        for block in elements:
            _check("number of elements", len(block), BLOCK_LENGTH, BLOCK_LENGTH)
            most = max(most, max(block))
            _check("element", min(block), 0, (1 << ELEMENT_BITS) - 1)
        _check("largest element", most, 1, (1 << ELEMENT_BITS) - 1)
        self._room(_QUEUE_ITEMS)
        words = []
        for n in range(BLOCK_LENGTH):
            words += _packed([block[n] for block in elements], _ELEMENT_LANE)
            if len(words) >= _BURST:
                self._write(_QUERY_DENSE, words, True)
                words = []
        self._write(_QUERY_DENSE, words, True)
        self._queued(True, self._space)  # how many it still has nobody counts

    def start(self):
        """Queue another run of the last query."""
        self._begin()
        if not self._loaded:
            raise ArgumentError("no query has been written since the reset")
        self._room(1)
        self._write(_CONTROL, (_START,))
        self._queued(self._dense, 1)

    def wait(self, timeout_ms=None):
        """Wait for the oldest result."""
        limit = self._timeout_ms if timeout_ms is None else timeout_ms
        start = time.ticks_ms()
        while not self.result_ready():
            if time.ticks_diff(time.ticks_ms(), start) >= limit:
                raise DeviceTimeout("no result after %d ms: STATUS is 0x%08x"
                                    % (limit, self._status()))
            self._pause()

    def result_ready(self):
        """Whether the oldest result is there."""
        self._begin()
        if not self.in_flight:
            raise ArgumentError("no run is in flight")
        if not self._waiting:
            self._glance()
        return self._waiting > 0

    def result_read(self):
        """The oldest result, which the device then drops; None if it is not there yet."""
        return self._take(_RESULT)

    def result_read_brief(self):
        """The same with a shorter frame: iterations, cycles, seed, crc and similarities are 0."""
        return self._take(_RESULT[:_BRIEF])

    def factorize(self, entries, timeout_ms=None):
        """Query, wait and result in one; no run may be in flight."""
        if self.in_flight and not self._lost:
            raise ArgumentError("%d runs are in flight" % self.in_flight)
        self.query(entries)
        self.wait(timeout_ms)
        return self.result_read()

    def abort(self):
        """End the run that goes on, if one does; its result says so.

        A query that is still queued, as one is right after query(), is not ended.
        """
        self._begin()
        self._write(_CONTROL, (_ABORT,))

    # -- interrupts --

    def irq_enable(self, which):
        """Which interrupts raise the line: IRQ_RESULT, IRQ_IDLE, IRQ_ERROR, or'd; 0: none.

        What happened before and was not acknowledged raises it at once.
        """
        _check("which", which, 0, IRQ_RESULT | IRQ_IDLE | IRQ_ERROR)
        self._begin()
        self._put_irq(which)
        self._irq = which

    def irq_acknowledge(self):
        """Let the line fall; returns which interrupts it was. Then read all results there are.

        Looks and clears until none is left: what is set after a look keeps the line high.
        """
        which = 0
        for _ in range(_ACKNOWLEDGE_LOOKS):
            state, = self._read(_INT_STATE, 1)
            if not state:
                return which
            self._write(_INT_STATE, (state,))
            which |= state
            seen = self._frame(bytes(2))[1]  # says the same of the line, in fewer bytes
            if not seen & _PEEK_IRQ:
                if seen & _PEEK_RESULT:
                    self._waiting = self._waiting or 1
                return which
        raise DeviceTimeout("INT_STATE is 0x%02x again and again" % which)

    # -- errors --

    def errors_read(self):
        """Names of the sticky errors that are set."""
        word, = self._read(_ERRORS, 1)
        return tuple(name for n, name in enumerate(_ERROR_NAMES) if word >> n & 1)

    def errors_clear(self):
        """Clear the sticky errors."""
        self._write(_ERRORS, (_ERRORS_MASK,))

    # -- parts --

    def _codebook(self, factor, rows, compare):
        _check("factor", factor, 0, FACTORS - 1)
        _check("number of codevectors", len(rows), 1, MAX_CODEVECTORS)
        for row in rows:
            _check("number of indices", len(row), BLOCKS, BLOCKS)
            for index in row:
                _check("index", index, 0, BLOCK_LENGTH - 1)
        self._begin()
        self._until_idle()
        if not compare:
            self._sizes[factor] = 0
            self._broken[factor] = True
            self._write(_CONTROL, (_CLEAR_CRC,))
        self._write(_CODEBOOK_ADDRESS, (factor << _FACTOR,))
        crc, words = 0, []
        for m, row in enumerate(rows):
            words += _packed(row, _INDEX_LANE)
            if len(words) < _BURST and m + 1 < len(rows):
                continue
            if compare:
                if self._read(_CODEBOOK_DATA, len(words), True) != words:
                    raise DeviceError("codebook %d is not stored as it should be, codevector %d or "
                                      "one before it" % (factor, m))
            else:
                crc = crc32(struct.pack("<%dI" % len(words), *words), crc)
                self._write(_CODEBOOK_DATA, words, True)
            words = []
        if not compare:
            have, = self._read(_CODEBOOK_CRC, 1)
        self._accepted()
        if not compare:
            if have != crc & 0xFFFFFFFF:
                raise DeviceError("CODEBOOK_CRC is 0x%08x, expected is 0x%08x"
                                  % (have, crc & 0xFFFFFFFF))
            self._sizes[factor] = len(rows)
            self._broken[factor] = False

    def _fields(self, p):
        """Check parameters, and give fields (key, shift) of each register; adds what they need."""
        for name, high in (("threshold", 0xFFFF), ("samples", 0xFFFF), ("level", 511),
                           ("patience", 15), ("max_iterations", 0xFFFF),
                           ("max_tuples", 0xFFFFFFFF), ("seed", 0xFFFFFFFF),
                           ("dense_threshold", 0xFFFF), ("dense_shift", 15),
                           ("trim", BLOCKS - 1)):
            _check(name, p[name], 0, high)
        for name, choices in (("mode", _MODES), ("rule", ("min", "sum")),
                              ("dense_weights", ("linear", "log"))):
            if p[name] not in choices:
                raise ArgumentError("%s %r is none of %s" % (name, p[name], ", ".join(choices)))
        joins = "join" in _MODES and p["mode"] in ("auto", "join")
        _check("heads", p["heads"], 1, _HEADS if joins else 3)
        known = p["known"] or (-1,) * FACTORS
        _check("number of sizes", len(p["sizes"]), FACTORS, FACTORS)
        _check("number of known", len(known), FACTORS, FACTORS)
        for f in range(FACTORS):
            size = _check("size", p["sizes"][f], 1, MAX_CODEVECTORS)
            _check("known", known[f], -1, size - 1)
            p["size%d" % f] = size
            p["index%d" % f] = max(known[f], 0)
            p["known%d" % f] = int(known[f] >= 0)
        p["mode"] = _CODES[p["mode"]]
        p["use_sum"] = int(p["rule"] == "sum")
        p["dense_log"] = int(p["dense_weights"] == "log")
        # More than the codebook means the whole of it, and so on.
        p["samples"] = min(p["samples"], MAX_CODEVECTORS)
        p["max_tuples"] = min(p["max_tuples"], _MAX_TUPLES)
        p["dense_threshold"] = min(p["dense_threshold"], (1 << ELEMENT_BITS) - 1)
        return [row[2] for row in _PARAMETERS]

    def _put_parameters(self, want, have):
        """Write words that differ, neighbours in one go, and read them back."""
        changed = [n for n in range(len(want)) if want[n] != have[n]]
        if not changed:
            return
        self._until_idle()
        runs = []
        while changed:
            run = [changed.pop(0)]
            while changed and _PARAMETERS[changed[0]][0] == _PARAMETERS[run[-1]][0] + 4:
                run.append(changed.pop(0))
            runs.append((_PARAMETERS[run[0]][0], [want[n] for n in run]))
        for address, words in runs:
            self._write(address, words)
        self._accepted()
        for address, words in runs:
            self._arrived(address, words)

    def _put_irq(self, which):
        self._write(_INT_ENABLE, (which,))
        self._arrived(_INT_ENABLE, [which])

    def _arrived(self, address, words):
        """Read registers back: a write whose command was damaged on its way is ignored."""
        have = self._read(address, len(words))
        if have != words:
            self._lost = True
            raise DeviceError("registers at 0x%02x hold %r, written was %r"
                              % (address, have, words))

    def _suffice(self, sizes):
        for f in range(FACTORS):
            if self._sizes[f] and sizes[f] > self._sizes[f]:
                raise ArgumentError("codebook %d has %d codevectors, sizes[%d] %d asks for more"
                                    % (f, self._sizes[f], f, sizes[f]))

    def _room(self, places):
        """Wait until so many places of the queue are free."""
        self._begin()
        if not self._words:
            raise ArgumentError("no parameters have been set")
        for f in range(FACTORS):
            if self._broken[f]:
                raise ArgumentError("codebook %d could not be loaded: load it again" % f)
        self._suffice(self._in_use)
        if self.in_flight >= _RESULT_PLACES:
            raise ArgumentError("%d results have not been read, no more can wait" % self.in_flight)
        # Nobody but this driver fills the queue.
        if self._space < places:
            self._until(0, places, "room for a query")

    def _queued(self, dense, places):
        self._space -= places
        self._glance()
        self._loaded = True
        self._dense = dense
        self.in_flight += 1
        self._next_tag = (self._next_tag + 1) % 256

    def _take(self, rows):
        """A result's registers; None if there is no result yet."""
        if not self.result_ready():
            return None
        value = {}
        words = self._read_all([row[0] for row in rows])
        for (_, fields), word in zip(rows, words):
            for key, shift, mask in fields:
                value[key] = word >> shift & mask
        # Whether that is taken the next look tells, or the next result's tag.
        self._write(_CONTROL, (_POP,))
        self._waiting -= 1
        if value["tag"] != (self._next_tag - self.in_flight) % 256:
            self._lost = True
            raise DeviceError("the result of run %d came, expected is run %d"
                              % (value["tag"], (self._next_tag - self.in_flight) % 256))
        self.in_flight -= 1
        return Result(tuple(value["index%d" % f] for f in range(FACTORS)),
                      tuple(value.get("similarity%d" % f, 0) for f in range(FACTORS)),
                      value["score"], value["smax"], value["runner_up"],
                      value.get("iterations", 0), value.get("cycles", 0), value.get("seed", 0),
                      value.get("crc", 0), STOPS[value["stop"]],
                      value["errors"], value["tag"])

    def _begin(self):
        """Make good for a call that failed half-way."""
        if self._lost:
            self.reset()

    def _status(self):
        """A look at STATUS: keeps what it says of the queues, reads ERRORS if there are any."""
        word, = self._read(_STATUS, 1)
        self._space, self._waiting = word >> _SPACE, word >> _RESULTS & _RESULTS_MASK
        if word & _ERROR:
            self._accepted()
        return word

    def _glance(self):
        """Whether results wait, and errors, in two bytes that are no command.

        The first one's status is of the moment when CS fell, when a write of the frame before may
        still be on its way; the second one's is of after it.
        """
        seen = self._frame(bytes(2))[1]
        if seen & _PEEK_RESULT:
            self._waiting = self._waiting or 1
        else:
            self._waiting = 0
        if seen & _PEEK_ERROR:
            self._accepted()

    def _until_idle(self):
        self._until(_BUSY, 0, "end of all runs")

    def _until(self, busy, space, what):
        start = time.ticks_ms()
        while True:
            word = self._status()
            if not word & busy and self._space >= space:
                return
            if time.ticks_diff(time.ticks_ms(), start) >= self._timeout_ms:
                raise DeviceTimeout("no %s after %d ms: STATUS is 0x%08x"
                                    % (what, self._timeout_ms, word))
            self._pause()

    def _accepted(self):
        """Raise DeviceError if an access since the reset was refused."""
        names = [name for name in self.errors_read() if name in _ACCESS_ERRORS]
        if names:
            self._lost = True
            raise DeviceError("the device refused an access: %s" % ", ".join(names))

    def _read_all(self, addresses):
        """Words of registers, neighbours in one go."""
        words, first = [], 0
        for n in range(1, len(addresses) + 1):
            if n == len(addresses) or addresses[n] != addresses[n - 1] + 4:
                words += self._read(addresses[first], n - first)
                first = n
        return words

    def _read(self, address, count, stay=False):
        words = []
        while count:
            part = min(count, _BURST)
            out = bytearray(2 + 5 * part)
            out[0] = _READ | _STAY if stay else _READ
            out[1] = address // 4
            back = self._frame(out)
            words += [struct.unpack_from("<I", back, 3 + 5 * n)[0] for n in range(part)]
            count -= part
            address += 0 if stay else 4 * part
        return words

    def _write(self, address, words, stay=False):
        for first in range(0, len(words), _BURST):
            part = words[first:first + _BURST]
            self._frame(bytes((_WRITE | _STAY if stay else _WRITE, address // 4))
                        + struct.pack("<%dI" % len(part), *part))
            address += 0 if stay else 4 * _BURST

    def _alone(self):
        """Raise DeviceError in a call within a call: of a handler, or of a scheduled function."""
        if self._sending:
            raise DeviceError("a call within a call: in handlers only set a flag")

    def _frame(self, out):
        self._alone()
        back = bytearray(len(out))
        done = False
        self._sending = True
        self._cs(0)
        try:
            self._spi.write_readinto(out, back)
            done = True
        finally:
            self._cs(1)
            self._sending = False
            if not done:
                self._lost = True
        # All status bytes: of the head, the turnaround of each word read, every byte of a write.
        if back[0] >> 5 != 5 or back[1] >> 5 != 5:
            self._lost = True
            raise DeviceError("no device answers: 0x%02x 0x%02x in place of status bytes"
                              % (back[0], back[1]))
        for n in range(2, len(back), 5 if out[0] & ~_STAY == _READ else 1):
            if back[n] >> 5 != 5:
                self._lost = True
                raise DeviceError("0x%02x came in place of a status byte" % back[n])
        return back


def _packed(numbers, lane):
    """Words of numbers, the first in the lowest bits."""
    per = 32 // lane
    words = []
    for first in range(0, len(numbers), per):
        word = 0
        for n, number in enumerate(numbers[first:first + per]):
            word |= int(number) << lane * n
        words.append(word)
    return words
