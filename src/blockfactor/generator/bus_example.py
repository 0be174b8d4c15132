"""An example of a system's use, to read and to run: a short test bench that drives the bus.

The order is that of docs/registers.md: identity, codebooks, parameters, a query, the interrupt, the
result. What the result must be comes from the golden model.
"""

import zlib
from collections.abc import Iterable, Iterator

from ..config import SystemConfig
from ..golden.cycles import build_time
from ..registers import IDENTITY, MAP_VERSION, RegisterMap, register_map
from .bus_tasks import BURST, CLOCK, bus_tasks
from .example import Example
from .names import check_name
from .register_words import codebook_words, parameter_words, query_words, result_words
from .verilog import version

__all__ = ["bus_example"]

#: Cycles beyond the expected ones after which it gives up.
MARGIN = 20_000


TEMPLATE = """\
// Example of the use of {name} by {bus}: one query, from reset to result.
// Prints what it finds and at last PASS or FAIL on a line of its own.
//   $ iverilog -g2005 -o {name}_example.vvp {name}.v {name}_example.v && vvp {name}_example.vvp
//   $ verilator --binary --timing --top-module {name}_example {name}.v {name}_example.v && \\
//       obj_dir/V{name}_example
// Registers are described in {name}_registers.md. Made by blockfactor {version}.
/* verilator lint_save */
/* verilator lint_off WIDTH */

module {name}_example;
  localparam LIMIT = {limit};  // cycles; a correct system takes fewer

  reg clk;
  reg rst;
  wire irq;
{declarations}

  {name} dut (
    .clk(clk),
    .rst(rst),
    .irq(irq),
{connections}
  );

  integer failures;
  integer number;
  reg refused;  // an access was
  reg [31:0] value;
  reg [31:0] words [0:{last}];  // of a burst
  reg [31:0] result [0:15];  // RESULT and what follows it

  initial clk = 0;
  always #{half} clk = !clk;

  // Inputs change and outputs are looked at when the clock has fallen: far from its rising edge.
  task tick;
    begin
      @(negedge clk);
      #1;
    end
  endtask

{tasks}
  task put(input [7:0] address, input [31:0] data);
    begin
      words[0] = data;
      bus_write(address, 7'd1, 1'b0);
    end
  endtask

  task get(input [7:0] address);
    begin
      bus_read(address, 7'd1, 1'b0);
      value = words[0];
    end
  endtask

  task check(input [{label_bits}:1] what, input [31:0] got, input [31:0] expected);
    if (got !== expected) begin
      failures = failures + 1;
      $display("%0s is %h, expected %h", what, got, expected);
    end
  endtask

  initial begin
    rst = 1;
{initial}
    failures = 0;
    refused = 0;
    repeat (4) tick;
    rst = 0;
    repeat (4) tick;

{program}
    if (failures == 0) $display("PASS");
    else $display("FAIL");
    $finish;
  end

  initial begin
    repeat (LIMIT) @(posedge clk);
    $display("time-out after %0d cycles", LIMIT);
    $display("FAIL");
    $finish;
  end
endmodule
/* verilator lint_restore */
"""


class _Program:
    """Statements of the test bench."""

    def __init__(self, registers: RegisterMap):
        self.registers = registers
        self.lines: list[str] = []
        self.words = 0

    def note(self, text: str) -> None:
        self.lines += ["", f"// {text}"] if self.lines else [f"// {text}"]

    def add(self, *lines: str) -> None:
        self.lines += lines

    def address(self, name: str) -> str:
        return f"8'h{self.registers[name].address:02x}"

    def put(self, name: str, word: int, comment: str = "") -> None:
        self.words += 1
        self.add(f"put({self.address(name)}, 32'h{word:08x});  // {comment or name}")

    def get(self, name: str, comment: str = "") -> None:
        self.words += 1
        self.add(f"get({self.address(name)});  // {comment or name}")

    def check(self, label: str, got: str, expected: int) -> None:
        self.add(f"check(\"{label}\", {got}, 32'h{expected:08x});")

    def window(self, name: str, words: list[int]) -> None:
        """Write words in bursts that stay at the address."""
        for start in range(0, len(words), BURST):
            burst = words[start:start + BURST]
            self.words += len(burst)
            self.add(*(f"words[{n}] = 32'h{word:08x};" for n, word in enumerate(burst)),
                     f"bus_write({self.address(name)}, 7'd{len(burst)}, 1'b1);  // {name}")

    def rows(self, names: Iterable[str]) -> Iterator[list[str]]:
        """Registers in rows without a gap."""
        row: list[str] = []
        for name in names:
            if row and self.registers[row[-1]].address + 4 != self.registers[name].address:
                yield row
                row = []
            row.append(name)
        yield row

    def write(self, words: dict[str, int]) -> None:
        """Write registers, in a burst for each row."""
        for row in self.rows(words):
            self.words += len(row)
            self.add(*(f"words[{n}] = 32'h{words[name]:08x};  // {name}"
                       for n, name in enumerate(row)),
                     f"bus_write({self.address(row[0])}, 7'd{len(row)}, 1'b0);")

    def read(self, names: Iterable[str]) -> None:
        """Read registers into ``result``, in a burst for each row."""
        for row in self.rows(names):
            self.words += len(row)
            offset = self.place(row[0])
            self.add(f"bus_read({self.address(row[0])}, 7'd{len(row)}, 1'b0);",
                     f"for (number = 0; number < {len(row)}; number = number + 1) "
                     f"result[number{f' + {offset}' if offset else ''}] = words[number];")

    def place(self, name: str) -> int:
        """Place of a register of the result in ``result``."""
        return (self.registers[name].address - self.registers["RESULT"].address) // 4


def bus_example(system: SystemConfig, name: str, example: Example,
                write_codebooks: bool = True) -> str:
    """Text of ``NAME_example.v``, for any simulator of Verilog-2001.

    Parameters
    ----------
    system : SystemConfig
        With a front-end.
    name : str
        Name of the top module, which is the ``System``.
    write_codebooks : bool
        Whether the codebooks are written; if not, the core has them from the start.

    Raises
    ------
    ConfigError
        The system has no front-end.
    """
    check_name(name)
    tasks = bus_tasks(system)
    program = _Program(register_map(system))
    _program(system, program, example, write_codebooks)
    cycles = (example.result.cycles + (program.words + 40) * tasks.word_cycles
              + build_time(system.core, max(example.codebooks.sizes)) + system.core.block_length)
    labels = max(len("CODEBOOK_CRC"), *(len(r.name) for r in program.registers))
    return TEMPLATE.format(
        name=name, bus=tasks.about, version=version("blockfactor"), limit=2 * cycles + MARGIN,
        declarations="\n".join(_declaration(*port) for port in tasks.ports),
        connections=",\n".join(f"    .{port}({port})" for port, *_ in tasks.ports),
        initial="\n".join(f"    {port} = {value};" for port, _, driven, value in tasks.ports
                          if driven),
        tasks=tasks.tasks, last=BURST - 1, half=CLOCK // 2, label_bits=8 * labels,
        program="\n".join(f"    {line}" if line else "" for line in program.lines))


def _declaration(name: str, width: int, driven: bool, _) -> str:
    return f"  {'reg ' if driven else 'wire'} {f'[{width - 1}:0] ' if width > 1 else ''}{name};"


def _program(system: SystemConfig, out: _Program, example: Example, write: bool) -> None:
    registers = out.registers
    out.note("Is it there, and is its register map the one that this was written for?")
    out.words += 2
    out.add(f"bus_read({out.address('ID')}, 7'd2, 1'b0);  // ID, VERSION")
    out.check("ID", "words[0]", IDENTITY)
    out.check("VERSION", "words[1][7:0]", MAP_VERSION)
    out.note("Wait until it is not busy.")
    out.add("value = 1;", f"while (value[0] !== 0) get({out.address('STATUS')});  // STATUS.busy")
    if write:
        _codebooks(system, out, example)
    out.note("Parameters.")
    out.write(dict(parameter_words(system, example.parameters)))
    out.put("INT_ENABLE", registers["INT_ENABLE"].pack(result=1), "INT_ENABLE.result")
    out.note("A query, an entry for each block; the last one starts the run.")
    out.window("QUERY_ENTRY", query_words(registers, example.query))
    out.note("Wait for the interrupt; reading STATUS until its field results is not 0 does, too.")
    out.add("while (irq !== 1) tick;")
    out.put("INT_STATE", registers["INT_STATE"].pack(result=1), "INT_STATE.result: seen")
    out.get("STATUS")
    out.check("STATUS", "value[12:8]", 1)
    out.note("The result.")
    expected = result_words(registers, example.result)
    out.read([name for name, _ in expected])
    _show(out, example)
    for name, word in expected:
        out.check(name, f"result[{out.place(name)}]", word)
    out.note("On to the next one: there is none.")
    out.put("CONTROL", registers["CONTROL"].pack(pop=1), "CONTROL.pop")
    out.get("STATUS")
    out.check("STATUS", "value[12:8]", 0)
    out.add("tick;", "check(\"irq\", irq, 32'd0);")
    out.get("ERRORS")
    out.check("ERRORS", "value", 0)
    out.add("check(\"refused\", refused, 32'd0);")


def _codebooks(system: SystemConfig, out: _Program, example: Example) -> None:
    registers = out.registers
    out.note("Codebooks, and whether they came over as they should.")
    out.put("CONTROL", registers["CONTROL"].pack(clear_crc=1), "CONTROL.clear_crc")
    crc = 0
    for factor, words in enumerate(codebook_words(system, example.codebooks)):
        out.put("CODEBOOK_ADDRESS", registers["CODEBOOK_ADDRESS"].pack(factor=factor),
                f"CODEBOOK_ADDRESS: factor {factor}, codevector 0")
        out.window("CODEBOOK_DATA", words)
        crc = zlib.crc32(b"".join(word.to_bytes(4, "little") for word in words), crc)
    out.get("CODEBOOK_CRC")
    out.check("CODEBOOK_CRC", "value", crc)


def _show(out: _Program, example: Example) -> None:
    """Print the result for who reads it."""
    def part(register: str, field: str) -> str:
        f = out.registers[register].field(field)
        return f"result[{out.place(register)}][{f.offset + f.width - 1}:{f.offset}]"

    factors = range(len(example.codebooks.sizes))
    parts = [part(f"RESULT_INDICES{f // 2}", f"index{f}") for f in factors]
    parts += [part("RESULT_SCORE", "score"), part("RESULT_SCORE", "smax"),
              part("RESULT_CYCLES", "cycles")]
    text = f"found {', '.join('%0d' for _ in factors)}: score %0d of %0d after %0d cycles"
    out.add(f'$display("{text}",', *(f"         {p}," for p in parts[:-1]),
            f"         {parts[-1]});")
