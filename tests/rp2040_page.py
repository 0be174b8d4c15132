"""The frames of docs/rp2040.md, made of the register map and the golden model's result.

    python tests/rp2040_page.py

writes them to the page, between the lines that say so; test_docs_rp2040.py tries them.
"""

import re
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from blockfactor.drivers.words import IDENTITY_REGISTERS
from blockfactor.generator.example import Example, make_example
from blockfactor.generator.register_words import (
    codebook_words,
    parameter_words,
    query_words,
    result_words,
)
from blockfactor.golden.codebook import Codebooks
from blockfactor.presets import preset
from blockfactor.registers import register_map

__all__ = ["BOOKS", "EXAMPLE", "PAGE", "SYSTEM", "Frame", "frames", "page_frames", "text"]

PAGE = Path(__file__).parents[1] / "docs" / "rp2040.md"
SYSTEM = replace(preset("join").system, front_end="spi")
BOOKS = Codebooks.random((4, 4, 4), SYSTEM.core.blocks, SYSTEM.core.block_length, seed=1)
EXAMPLE: Example = make_example(SYSTEM.core, preset("join").clean, BOOKS, seed=1)

#: Status bytes: room for a query; a result as well. None: it depends on how fast the frame is.
ROOM, RESULT, ANY = 0xA2, 0xA6, None
BEGIN, END = "<!-- frames: python tests/rp2040_page.py -->\n", "<!-- end of frames -->"


@dataclass(frozen=True)
class Frame:
    """Bytes from CS falling to CS rising; of ``received`` those that are None can be anything."""

    about: str
    sent: bytes
    received: tuple[int | None, ...]


def _little(words) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


def _write(about: str, address: int, words, stay: bool = False, status=ROOM) -> Frame:
    sent = bytes([0x0A if stay else 0x02, address // 4]) + _little(words)
    return Frame(about, sent, (status,) * len(sent))


def _read(about: str, address: int, words, status=ROOM) -> Frame:
    received = (status, status)
    for word in words:
        received += (status, *word.to_bytes(4, "little"))
    return Frame(about, bytes([0x03, address // 4]) + bytes(len(received) - 2), received)


def frames() -> list[Frame]:
    """What the drivers send, from opening the device to a result that has been read."""
    registers = register_map(SYSTEM)
    at = {r.name: r.address for r in registers}
    control = registers["CONTROL"]

    def status(about: str) -> Frame:
        return _read(f"read STATUS: {about}", at["STATUS"],
                     [registers["STATUS"].pack(busy=0, space=SYSTEM.queue_items)])

    def errors() -> Frame:
        return _read("read ERRORS: nothing was refused", at["ERRORS"], [0])

    def peek(about: str, byte: int | None) -> Frame:
        return Frame(f"status by two bytes that are no command: {about}", bytes(2), (byte, byte))

    identity = _read("read ID, VERSION, SHAPE, CAPACITY, ENGINES, QUERIES, DEPTHS", at["ID"],
                     [registers[name].reset for name in IDENTITY_REGISTERS[:-1]])
    version = 3 + 5 + 1  # the generator's, behind that of the map
    found = [
        replace(identity, received=(*identity.received[:version], ANY, ANY, ANY,
                                    *identity.received[version + 3:])),
        _write("CONTROL.soft_reset", at["CONTROL"], [control.pack(soft_reset=1)]),
    ]
    for factor, words in enumerate(codebook_words(SYSTEM, EXAMPLE.codebooks)):
        found += [
            status("idle"),
            _write("CONTROL.clear_crc", at["CONTROL"], [control.pack(clear_crc=1)]),
            _write(f"CODEBOOK_ADDRESS: factor {factor}, codevector 0", at["CODEBOOK_ADDRESS"],
                   [registers["CODEBOOK_ADDRESS"].pack(factor=factor)]),
            _write(f"CODEBOOK_DATA: codebook {factor}, four codevectors", at["CODEBOOK_DATA"],
                   words, stay=True),
            _read("read CODEBOOK_CRC", at["CODEBOOK_CRC"], [zlib.crc32(_little(words))]),
            errors(),
        ]
    parameters = dict(parameter_words(SYSTEM, EXAMPLE.parameters))
    results = dict(result_words(registers, EXAMPLE.result))
    return [
        *found,
        status("idle"),
        _write("parameters: SIZES0, SIZES1", at["SIZES0"],
               [parameters["SIZES0"], parameters["SIZES1"]]),
        _write("parameters: SEARCH, mode join", at["SEARCH"], [parameters["SEARCH"]]),
        errors(),
        _read("read SIZES0 and SIZES1 back", at["SIZES0"],
              [parameters["SIZES0"], parameters["SIZES1"]]),
        _read("read SEARCH back", at["SEARCH"], [parameters["SEARCH"]]),
        _write("QUERY_ENTRY: blocks 0 to 3, the last one starts the run", at["QUERY_ENTRY"],
               query_words(registers, EXAMPLE.query), stay=True, status=ANY),
        peek("nothing was refused", ANY),
        peek("again and again until a result waits", RESULT),
        _read("read RESULT and all registers behind it", at["RESULT"],
              [results[r.name] for r in registers if r.name.startswith("RESULT")], RESULT),
        _write("CONTROL.pop", at["CONTROL"], [control.pack(pop=1)], status=RESULT),
    ]


def text() -> str:
    """The frames as the page shows them."""
    lines = []
    for number, frame in enumerate(frames(), 1):
        sent = " ".join(f"{byte:02X}" for byte in frame.sent)
        received = " ".join("--" if byte is None else f"{byte:02X}" for byte in frame.received)
        lines += [f"{number:2}  {frame.about}", f"      COPI  {sent}", f"      CIPO  {received}"]
    return "\n".join(["```text", *lines, "```", ""])


def page_frames(page: str) -> list[Frame]:
    """The frames that a page shows."""
    found = re.findall(r"^ ?\d+  (.*)\n +COPI  (.*)\n +CIPO  (.*)$", page, re.M)
    return [Frame(about, bytes.fromhex(sent),
                  tuple(None if byte == "--" else int(byte, 16) for byte in received.split()))
            for about, sent, received in found]


def main() -> int:
    """Write the frames to the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + text() + END + after, encoding="utf-8")
    print(f"{PAGE.name}: {len(frames())} frames")
    return 0


if __name__ == "__main__":
    sys.exit(main())
