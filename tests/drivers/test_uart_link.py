"""The host's side of the UART protocol, against a model of the device over a harmful line."""

import random
import re
import zlib
from pathlib import Path

import pytest
from uart_device import Bank, NoisyLine, UartDevice

from blockfactor.drivers.uart_link import (
    FRAME_WORDS,
    AccessError,
    LinkError,
    UartLink,
    find_reply,
    request_frame,
)
from blockfactor.errors import BlockfactorError

PAGE = Path(__file__).parents[2] / "docs" / "uart.md"


def connect(harm=0.0, late=0.0, seed=1, **settings):
    """Bank, device, line and an opened link."""
    bank = Bank()
    device = UartDevice(bank.access, status=0b01010)
    line = NoisyLine(device, random.Random(seed), harm, late)
    link = UartLink(line, **settings)
    link.open()
    return bank, device, line, link


def random_call(rng, longest):
    """Arguments of a call: address, count, words or None, stay."""
    stay = rng.random() < .3
    count = rng.randint(1, longest)
    address = rng.randrange(64) if stay else rng.randrange(64 - count + 1)
    if rng.random() < .6:  # most calls shall be long
        address = rng.choice((1, 32)) if not stay else rng.randrange(48)
    words = [rng.getrandbits(32) for _ in range(count)] if rng.random() < .5 else None
    return 4 * address, count, words, stay


def outcome(call, link_or_bank):
    """What a call gives: words read, words done and the address refused."""
    address, count, words, stay = call
    if isinstance(link_or_bank, Bank):
        read = []
        for n in range(count):
            place = address // 4 + (0 if stay else n)
            value, refused = link_or_bank.access(place, words[n] if words else None)
            if refused:
                return read, n, 4 * place
            read += [] if words else [value]
        return read, count, None
    try:
        if words is None:
            return link_or_bank.read(address, count, stay), count, None
        link_or_bank.write(address, words, stay)
        return [], count, None
    except AccessError as error:
        return error.words, error.done, error.address


@pytest.mark.parametrize(("harm", "late", "calls", "longest"), [
    (0.0, 0.0, 500, 20), (0.01, 0.0, 4500, 12), (0.02, 0.05, 3000, 8), (0.05, 0.05, 2000, 4)])
def test_nothing_lost_nothing_twice(harm, late, calls, longest):
    """Same answers, and same accesses in the same order, as without a line."""
    seed = round(1000 * harm)
    bank, device, line, link = connect(harm, late, seed, attempts=200)
    reference, rng = Bank(), random.Random(seed)
    bank.log.clear()
    executed = device.executed
    for n in range(calls):
        call = random_call(rng, longest)
        assert outcome(call, link) == outcome(call, reference), f"seed {seed}, call {n}: {call}"
        assert link.status == 0b01010
    assert bank.log == reference.log, f"seed {seed}"
    assert device.executed == executed + calls
    if harm:
        assert link.retries > calls * harm and link.corrupted > calls * harm
    else:
        assert link.retries == link.corrupted == 0


def test_answer_that_comes_late_alone():
    """A request that was executed, though its answer came too late, is not executed again."""
    _, _, _, link = connect(late=.3, seed=7, attempts=50)
    assert [link.read(4 * 32)[0] for _ in range(300)] == list(range(1, 301))
    assert link.retries > 50


def test_long_transfers_are_split():
    bank, device, line, link = connect()
    executed, sent = device.executed, line.sent
    assert link.read(4 * 33, 200, stay=True) == list(range(1, 201))
    assert device.executed - executed == 4  # 63 + 63 + 63 + 11
    assert line.sent - sent == 4 * (8 + 8) + 200 * 4
    link.write(4 * 5, range(1000, 1200), stay=True)
    assert bank.words[5] == 1199
    # The last multiple of 63 words, and a transfer over all addresses, which two frames take.
    assert link.read(4 * 34, 126, stay=True) == list(range(1, 127))
    with pytest.raises(AccessError) as info:
        link.read(0, 64)
    assert (info.value.address, info.value.done, len(info.value.words)) == (4 * 48, 48, 48)
    with pytest.raises(AccessError) as info:
        link.write(4 * 50, [2] * 100 + [3] + [2] * 100, stay=True)
    assert (info.value.address, info.value.done, info.value.words) == (4 * 50, 100, [])
    assert "0xc8" in str(info.value) and "100" in str(info.value)


def test_short_frames():
    _, device, _, link = connect(frame_words=5)
    executed = device.executed
    link.write(4, range(12))
    assert link.read(4, 12) == list(range(12))
    assert device.executed - executed == 6


def test_nothing_to_do():
    _, device, line, link = connect()
    sent = line.sent
    assert link.read(4, 0) == []
    link.write(4, [])
    assert line.sent == sent


def test_sequence_numbers_come_round():
    """After 255 comes 1; 0 is for opening."""
    bank, device, _, link = connect()
    seen = []
    take = device._execute
    device._execute = lambda op, address, frame: seen.append(frame[0]) or take(op, address, frame)
    for _ in range(600):
        link.read(4 * 32)
    assert seen == [n % 255 + 1 for n in range(600)]


def test_opening_again_begins_anew():
    """A new program, another device state: its first request is not taken for a repeated one."""
    bank, device, line, first = connect()
    assert first.read(4 * 32) == [1]  # number 1
    second = UartLink(line)
    second.open()
    assert second.read(4 * 32) == [2]  # number 1 once more
    # In the middle of a frame that nobody ends, and with bytes in the way.
    line.write(request_frame(5, 4, 63, range(63))[:100])
    line.arrived += b"\x5b\x00\x00\x01" * 50
    third = UartLink(line)
    third.open()
    assert third.read(4 * 32) == [3] and third.retries == 0


def test_device_that_was_reset():
    bank, device, _, link = connect()
    link.read(4 * 32)
    device.reset()
    assert link.read(4 * 32) == [2]


class Dead:
    """A line at whose other end nobody is, or noise."""

    def __init__(self, answer=b""):
        self.answer = answer
        self.sent = 0

    def write(self, data):
        self.sent += 1

    def read(self, count, timeout_s):
        return (self.answer * count)[:count]


@pytest.mark.parametrize("answer", [b"", b"\x5b", b"\x00\xff", b"\x5b\x00\x00\x01"])
def test_dead_link(answer):
    """It ends, with an error that says what was tried."""
    line = Dead(answer)
    link = UartLink(line, attempts=4)
    with pytest.raises(LinkError, match="read of 1 words at 0x00: no answer to 4 requests"):
        link.open()
    assert line.sent == 4 and link.retries == 3 and link.corrupted == 4 * bool(answer)
    with pytest.raises(LinkError, match="open"):
        link.read(0)


def test_something_else_at_the_other_end():
    bank, device, line, link = connect()
    bank.words[0] = 0x12345678
    with pytest.raises(LinkError, match="0x12345678"):
        link.open()
    device.access = lambda address, word: (0, True)
    with pytest.raises(LinkError, match="nothing"):
        link.open()


@pytest.mark.parametrize(("call", "message"), [
    (lambda link: link.read(2), "address 0x02"),
    (lambda link: link.read(256), "address 256 is outside 0..252"),
    (lambda link: link.read(-4), "address -4 is outside 0..252"),
    (lambda link: link.read(248, 3), "3 words at address 0xf8"),
    (lambda link: link.write(0, [1 << 32]), "word 0 4294967296 is outside 0..4294967295"),
    (lambda link: link.write(0, [0, -1]), "word 1 -1 is outside 0..4294967295"),
    (lambda link: link.read(0, -1), "count -1 is outside"),
    (lambda link: UartLink(None, baud=0), "baud 0 is outside"),
    (lambda link: UartLink(None, attempts=0), "attempts 0 is outside"),
    (lambda link: UartLink(None, frame_words=64), "frame_words 64 is outside 1..63"),
])
def test_wrong_arguments(call, message):
    """Refused before anything is sent."""
    _, _, line, link = connect()
    sent = line.sent
    with pytest.raises(BlockfactorError, match=re.escape(message)):
        call(link)
    assert line.sent == sent


def reply(sequence, status, done, words=()):
    body = bytes([sequence, status, done]) + b"".join(w.to_bytes(4, "little") for w in words)
    return b"\x5b" + body + zlib.crc32(body).to_bytes(4, "little")


def test_replies_that_cannot_be():
    """A right CRC alone does not make an answer."""
    right = reply(9, 0x0A, 2, (1, 0x5B5B5B5B))
    assert find_reply(right, 9, 2, False)[0].words == (1, 0x5B5B5B5B)
    assert find_reply(b"\x5b\x09\x00" + right, 9, 2, False)[0].words == (1, 0x5B5B5B5B)
    for wrong in (reply(8, 0x0A, 2, (1, 2)),  # another number
                  reply(9, 0x2A, 2, (1, 2)),  # refused, but all done
                  reply(9, 0x0A, 1, (1,)),  # not refused, but not all done
                  reply(9, 0x2A, 3, (1, 2, 3)),  # more than asked for
                  reply(9, 0x4A, 2, (1, 2)), reply(9, 0x8A, 2, (1, 2)),  # bits that are 0
                  reply(9, 0x0A, 2, (1, 2))[:-1] + b"\x00"):
        assert find_reply(wrong, 9, 2, False)[0] is None, wrong.hex()


def test_missing_never_asks_for_too_much():
    """Asking for more bytes than the answer still has would cost a time-out."""
    rng = random.Random(3)
    for count in (1, 2, FRAME_WORDS):
        whole = reply(9, 0, count, [rng.getrandbits(32) for _ in range(count)])
        data = whole[:0]
        while True:
            found, missing = find_reply(data, 9, count, False)
            if found:
                break
            assert 0 < missing <= len(whole) - len(data)
            data = whole[:len(data) + missing]
        assert data == whole


def test_example_of_the_page():
    """The frames that docs/uart.md shows, by hand and over a line."""
    frames = {name: bytes.fromhex(text) for name, text in re.findall(
        r"^\| (\w+ \w+) \| `([0-9a-f ]+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)}
    assert list(frames) == ["write request", "write reply", "read request", "read reply"]
    for frame in frames.values():
        assert zlib.crc32(frame[1:-4]) == int.from_bytes(frame[-4:], "little")
    assert frames["write request"] == request_frame(1, 0x60, 1, [0x12345678])
    assert frames["read request"] == request_frame(0, 0, 1)
    device = UartDevice(Bank().access, status=2)
    for kind in ("write", "read"):
        answers = b"".join(device.take(byte) for byte in frames[f"{kind} request"])
        assert answers == frames[f"{kind} reply"]


def test_rates_of_the_page():
    """The table of docs/uart.md follows from its formula."""
    text = PAGE.read_text(encoding="utf-8")
    formula = re.search(r"^    (10 \* divisor .*)$", text, re.MULTILINE)[1]
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", text,
                      re.MULTILINE)
    assert len(rows) == 6
    for baud, divisor, n, time, rate in rows:
        assert int(divisor) == round(12e6 / int(baud))
        cycles = eval(formula, {"divisor": int(divisor), "n": int(n), "a": 1})
        assert time == f"{cycles / 12e3:.3f}" and rate == f"{4 * int(n) * 12e3 / cycles:.1f}"
