"""docs/rp2040.md: its bytes, its Verilog, its C and its Python all do what the page says."""

import contextlib
import io
import re
import subprocess
import sys
import time
import types

import pytest
import rp2040_page
from rp2040_page import BOOKS, EXAMPLE, PAGE, SYSTEM, page_frames
from spi_device import SpiDevice

from blockfactor.generator.header import header
from blockfactor.generator.verilog import core_verilog
from blockfactor.golden.registers import RegisterModel
from blockfactor.registers import register_map
from blockfactor.rtl.system import System

TEXT = PAGE.read_text(encoding="utf-8")
FRAMES = page_frames(TEXT)
PRINTED = re.search(r"It prints `(.*?)`", TEXT)[1]


def snippet(language: str) -> str:
    """The page's code of a language."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)
    return code


def differ(frame, received) -> bool:
    """Whether bytes are not those that a frame says."""
    return len(received) != len(frame.received) or any(
        expected is not None and byte != expected
        for byte, expected in zip(received, frame.received))


def test_page_is_up_to_date():
    """``python tests/rp2040_page.py`` writes the frames."""
    assert rp2040_page.text() in TEXT
    assert FRAMES == rp2040_page.frames() and len(FRAMES) == 16


def test_result_is_the_golden_models():
    result = EXAMPLE.result
    assert result.stop == "accepted"
    indices = ", ".join(map(str, result.indices))
    assert f"found {indices}: score {result.score} of {result.smax}, stop 1" == PRINTED
    assert "codevectors {}, {} and {},".format(*result.indices) in TEXT


def answer(model: RegisterModel, sent: bytes) -> list[int]:
    """What the golden model of the registers answers to a frame; docs/spi.md."""
    status = 0b1010_0000 | model.front_end_status
    received = [status]
    command, position, stay = sent[0] & ~8, sent[1] if sent[1:] else 0, sent[0] & 8
    received += [status] * (len(sent) > 1)
    word, rest = 5 if command == 3 else 4, sent[2:]
    assert command in (2, 3) or len(sent) == 1
    assert len(rest) % word == 0
    for start in range(0, len(rest), word):
        data = int.from_bytes(rest[start:start + 4], "little")
        # Sampled before the word has done anything.
        status = 0b1010_0000 | model.front_end_status
        read, error = model.access(position, command == 2, data)
        assert not error
        received += [status, *read.to_bytes(4, "little")] if command == 3 else [status] * 4
        position += 0 if stay else 1
    return received


def test_golden_model_agrees():
    """Every frame, word by word, on the model of registers and core."""
    model = RegisterModel(SYSTEM)
    for number, frame in enumerate(FRAMES, 1):
        received = answer(model, frame.sent)
        assert not differ(frame, received), (number, frame.about, bytes(received).hex(" "))
        model.settle()
    assert model.access(register_map(SYSTEM)["ERRORS"].address // 4, False) == (0, False)


def test_wiring():
    """Table, constraints and Verilog name the same pins."""
    rows = dict(re.findall(r"^\| `(\w+)`.*\| P1A\d+ \| (\d+) \|$", TEXT, re.M))
    pins = dict(re.findall(r"^set_io (\w+) (\d+)$", TEXT, re.M))
    assert pins == rows | {"clk": "35"}
    # PMOD 1A of the iCEBreaker.
    pmod = {"P1A1": "4", "P1A2": "2", "P1A3": "47", "P1A4": "45", "P1A7": "3"}
    assert dict(re.findall(r"\| (P1A\d+) \| (\d+) \|$", TEXT, re.M)) == pmod
    assert set(re.findall(r"^  (?:in|out)put +(\w+)", snippet("verilog"), re.M)) == set(pins)
    # SPI0 of the RP2040.
    for name, number in (("cipo", 16), ("cs_n", 17), ("sck", 18), ("copi", 19)):
        assert re.search(rf"^\| `{name}` \| \d+ \| GP{number}\b", TEXT, re.M)
    assert "PIN_CIPO = 16, PIN_CS = 17, PIN_SCK = 18, PIN_COPI = 19" in snippet("c")
    assert "Pin(17, Pin.OUT, value=1)" in snippet("python")
    assert "sck=Pin(18), mosi=Pin(19), miso=Pin(16)" in snippet("python")


# -- Python ---------------------------------------------------------------------------------------


def test_micropython(monkeypatch):
    """The snippet, run with pins and an SPI that replay the page's frames."""
    ahead = list(FRAMES)
    levels = []

    class Pin:
        OUT = 1

        def __init__(self, number, mode=None, value=None):
            self.number = number

        def __call__(self, level):
            levels.append((self.number, level))

    class Spi:
        def __init__(self, number, baudrate, polarity, phase, sck, mosi, miso):
            assert (number, polarity, phase) == (0, 0, 0) and baudrate <= 12_000_000 // 4

        def write_readinto(self, out, back):
            assert levels[-1] == (17, 0)
            frame = ahead.pop(0)
            assert bytes(out) == frame.sent, frame.about
            back[:] = bytes(byte or 0 for byte in frame.received)

    monkeypatch.setitem(sys.modules, "machine", types.SimpleNamespace(Pin=Pin, SPI=Spi))
    monkeypatch.setattr(time, "sleep_us", lambda us: None, raising=False)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(snippet("python"), "first.py", "exec"), {"__name__": "__main__"})
    assert out.getvalue() == PRINTED + "\n"
    assert ahead == [] and levels == [(17, 0), (17, 1)] * len(FRAMES)


# -- C --------------------------------------------------------------------------------------------

PICO = """\
#pragma once
#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
typedef unsigned int uint;
#define GPIO_OUT true
enum gpio_function { GPIO_FUNC_SPI = 1 };
bool stdio_init_all(void);
void gpio_init(uint gpio);
void gpio_put(uint gpio, bool value);
void gpio_set_dir(uint gpio, bool out);
void gpio_set_function(uint gpio, enum gpio_function fn);
void sleep_us(uint64_t us);
void sleep_ms(uint32_t ms);
"""
SPI = """\
#pragma once
#include "pico/stdlib.h"
typedef struct spi_inst spi_inst_t;
extern spi_inst_t *const spi0_stub;
#define spi0 spi0_stub
uint spi_init(spi_inst_t *spi, uint baudrate);
int spi_write_read_blocking(spi_inst_t *spi, const uint8_t *src, uint8_t *dst, size_t len);
"""
#: Compares what is sent with the frames, and answers as they say; leaves with 3 where it differs.
REPLAY = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hardware/spi.h"
static const struct {{ size_t count; uint8_t sent[64], received[64]; }} frames[] = {{
{frames}
}};
static size_t next;
static int selected;
spi_inst_t *const spi0_stub = NULL;
bool stdio_init_all(void) {{ return true; }}
void gpio_init(uint gpio) {{ (void)gpio; }}
void gpio_put(uint gpio, bool value) {{ if (gpio == 17) selected = !value; }}
void gpio_set_dir(uint gpio, bool out) {{ (void)gpio; (void)out; }}
void gpio_set_function(uint gpio, enum gpio_function fn) {{ (void)gpio; (void)fn; }}
void sleep_us(uint64_t us) {{ (void)us; }}
void sleep_ms(uint32_t ms) {{ (void)ms; }}
uint spi_init(spi_inst_t *spi, uint baudrate) {{
    (void)spi;
    if (baudrate > 12000000 / 4) exit(4);
    return baudrate;
}}
int spi_write_read_blocking(spi_inst_t *spi, const uint8_t *src, uint8_t *dst, size_t len) {{
    (void)spi;
    if (!selected || next == sizeof frames / sizeof *frames || len != frames[next].count
        || memcmp(src, frames[next].sent, len)) {{
        printf("frame %u differs\\n", (unsigned)next + 1);
        exit(3);
    }}
    memcpy(dst, frames[next++].received, len);
    return (int)len;
}}
"""


def compile_c(folder, *arguments) -> None:
    """Compile C; a warning is an error."""
    done = subprocess.run(["g++", "-x", "c", "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror",
                           "-I.", *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def replay(frames) -> str:
    """The C program's other side: SPI and pins that replay frames."""
    def row(frame) -> str:
        return (f"    {{{len(frame.sent)}, {{{', '.join(map(str, frame.sent))}}}, "
                f"{{{', '.join(str(byte or 0) for byte in frame.received)}}}}},")
    return REPLAY.format(frames="\n".join(map(row, frames)))


@pytest.mark.needs("g++")
def test_c(tmp_path):
    """It compiles, sends the page's frames and prints the result; a wrong answer is noticed."""
    for name, text in {"pico/stdlib.h": PICO, "hardware/spi.h": SPI, "first.c": snippet("c"),
                       "decoder_registers.h": header(SYSTEM, "decoder")}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    compile_c(tmp_path, "-fsyntax-only", "first.c")

    def outcome(frames) -> str:
        (tmp_path / "replay.c").write_text(replay(frames))
        for source in ("first.c", "replay.c"):  # of several, g++ takes all but the first for C++
            compile_c(tmp_path, "-c", source)
        subprocess.run(["g++", "-o", "first", "first.o", "replay.o"], cwd=tmp_path, check=True,
                       timeout=120)
        return subprocess.run(["./first"], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60, check=False).stdout

    # Once more in vain before the result waits.
    [poll] = [n for n, frame in enumerate(FRAMES) if "again and again" in frame.about]
    busy = rp2040_page.Frame("busy", b"\0", (0xAA,))
    assert outcome([*FRAMES[:poll], busy, *FRAMES[poll:]]) == PRINTED + "\n"

    def changed(number: int, place: int, byte: int) -> list:
        received = list(FRAMES[number].received)
        received[place] = byte
        return [*FRAMES[:number], rp2040_page.Frame("", FRAMES[number].sent, tuple(received)),
                *FRAMES[number + 1:]]

    assert outcome(changed(0, 0, 0xFF)) == "no core answers\n"
    assert outcome(changed(1, 3, 0x30)) == "another core answers, or not clearly\n"
    [crc] = [n for n, frame in enumerate(FRAMES) if "CODEBOOK_CRC" in frame.about]
    assert outcome(changed(crc, 3, 0)) == "codebooks came over wrong\n"
    assert outcome(changed(len(FRAMES) - 1, 0, 0xB2)) == "something was refused\n"


# -- Verilog --------------------------------------------------------------------------------------

BENCH = """\
module bench;
  reg clk = 0, sck = 0, cs_n = 1, copi = 0;
  wire cipo, irq;
  top dut (.*);
  always #41.667 clk = !clk;  // 12 MHz, in ns
  reg [7:0] in;
  integer n;

  task exchange(input [7:0] data);
    begin
      for (n = 7; n >= 0; n = n - 1) begin
        copi = data[n];
        #250 in = {in[6:0], cipo};  // 2 MHz
        sck = 1;
        #250 sck = 0;
      end
      $write(" %h", in);
    end
  endtask

  initial begin
    #100000;
PROGRAM
    $finish;
  end
endmodule
"""


@pytest.mark.cocotb
@pytest.mark.needs("iverilog")
def test_hardware_agrees(tmp_path):
    """The page's top module and core answer with the page's bytes, at the page's rates."""
    lines = []
    for frame in FRAMES:
        lines += ["#20000;" if "again and again" in frame.about else "#1000;", "cs_n = 0; #250;",
                  *(f"exchange(8'h{byte:02x});" for byte in frame.sent),
                  '#250 cs_n = 1; $write("\\n");']
    (tmp_path / "bench.v").write_text(
        "`timescale 1ns / 1ps\n"
        + BENCH.replace("PROGRAM", "\n".join(f"    {line}" for line in lines)))
    (tmp_path / "top.v").write_text(snippet("verilog"))
    (tmp_path / "decoder.v").write_text(core_verilog(System(SYSTEM), "decoder"))
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", "t.vvp", "bench.v", "top.v",
                    "decoder.v"], cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(["vvp", "t.vvp"], cwd=tmp_path, check=True, capture_output=True,
                          text=True, timeout=300)
    got = [bytes.fromhex(line) for line in done.stdout.splitlines()
           if re.fullmatch(r"( [0-9a-f]{2})+", line)]
    assert len(got) == len(FRAMES), done.stdout
    for number, (frame, received) in enumerate(zip(FRAMES, got), 1):
        assert not differ(frame, received), (number, frame.about, received.hex(" "))


def test_codebooks_are_the_pages():
    assert "Codebooks.random((4, 4, 4), 4, 128, seed=1)" in TEXT
    assert BOOKS.sizes == (4, 4, 4)
