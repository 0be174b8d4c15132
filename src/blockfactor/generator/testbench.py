"""A self-checking test bench in plain Verilog, for any simulator and without Python."""

from ..config import CoreConfig
from ..rtl import layouts
from .ports import Port, fields_of
from .script import COMMANDS, Script

__all__ = ["testbench", "vectors_macro"]

#: Cycles beyond the expected ones after which a test bench gives up.
MARGIN = 20_000

TEMPLATE = """\
// Test bench of {name}: runs queries and compares each result, bit by bit, with the golden model's.
// Prints what differs and at last PASS or FAIL on a line of its own.
//   $ iverilog -g2012 -o {name}_tb.vvp {name}.v {name}_tb.v && vvp {name}_tb.vvp
//   $ verilator --binary --timing --top-module {name}_tb {name}.v {name}_tb.v && obj_dir/V{name}_tb
// Made by blockfactor. The file of commands is looked for where the simulation runs; define the
// macro to say another place.
`ifndef {macro}
`define {macro} "{name}_vectors.hex"
`endif
/* verilator lint_save */
/* verilator lint_off WIDTH */

module {name}_tb;
  localparam WIDTH = {width};  // bits of a command and its operand
  localparam COMMANDS = {count};
  localparam LIMIT = {limit};  // cycles; a correct core takes fewer

  reg [WIDTH-1:0] commands [0:COMMANDS-1];
  reg [WIDTH-1:0] command;
  integer position;
  integer failures;
  integer run;
  integer cycles;
  integer waited;
  reg done;

{declarations}

  {name} dut (
{connections}
  );

  always #5 clk = !clk;

  // Inputs change and outputs are looked at when the clock has fallen: far from its rising edge.
  task tick;
    begin
      @(negedge clk);
      #1;
    end
  endtask

  task fail;
    begin
      failures = failures + 1;
      done = 1;
    end
  endtask

  task check(input [{label_bits}:1] what, input [63:0] got, input [63:0] expected);
    if (got !== expected) begin
      failures = failures + 1;
      if (run == 65535) $write("refused start: ");
      else $write("run %0d: ", run);
      $display("%0s is %0d, expected %0d", what, got, expected);
    end
  endtask
{crc}
  task compare(input [{result_top}:0] got, input [{result_top}:0] expected);
    begin
{comparisons}
    end
  endtask

  initial begin
    clk = 0;
    rst = 1;
{initial}
    failures = 0;
    run = 65535;
    done = 0;
    $readmemh(`{macro}, commands);
    repeat (4) tick;
    rst = 0;
    for (position = 0; position < COMMANDS && !done; position = position + 1) begin
      command = commands[position];
      case (command[3:0])
        {codebook}: begin
          codebook__payload = command[{codebook_top}:4];
          codebook__valid = 1;
          #1;
          while (codebook__ready !== 1) tick;
          tick;
          codebook__valid = 0;
        end
        {query}: begin
          query__payload = command[{query_top}:4];
          query__valid = 1;
          #1;
          while (query__ready !== 1) tick;
          tick;
          query__valid = 0;
        end{dense_command}
        {parameters}: begin
          parameters = command[{parameters_top}:4];
          tick;
        end
        {start}: begin
          run = command[19:4];
          while (ready !== 1) tick;
{crc_start}          start = 1;
          tick;
          start = 0;
          cycles = 0;
          while (result__valid !== 1) begin
            tick;
            cycles = cycles + 1;
          end
          // The result waits until it is taken.
          for (waited = 0; waited < run % 4; waited = waited + 1) tick;
        end
        {result}: begin
          check("result valid", result__valid, 1);
          check("cycles counted here", cycles + 1, command[{cycles_top}:{cycles_bottom}]);
          compare(result__payload, command[{result_command_top}:4]);
          result__ready = 1;
          tick;
          result__ready = 0;
        end
        {stop}: begin
          check("stop", result__payload[{stop_top}:{stop_bottom}], command[6:4]);
          result__ready = 1;
          tick;
          result__ready = 0;
        end
        {errors}: begin
          check("errors", errors, command[{errors_top}:4]);
          clear_errors = 1;
          tick;
          clear_errors = 0;
          tick;
          check("errors after clear_errors", errors, 0);
        end
        {loaded}: while (loaded !== 1) tick;
        {idle}: repeat (command[35:4]) tick;
        {end}: done = 1;
        default: begin
          $display("%0s: no command at position %0d", `{macro}, position);
          fail;
        end
      endcase
    end
    if (failures == 0 && command[3:0] == {end}) $display("PASS");
    else $display("FAIL");
    $finish;
  end

  initial begin
    repeat (LIMIT) @(posedge clk);
    $display("run %0d: time-out after %0d cycles", run, LIMIT);
    $display("FAIL");
    $finish;
  end
endmodule
/* verilator lint_restore */
"""

DENSE = """
        {dense}: begin
          dense__payload = command[{dense_top}:4];
          dense__valid = 1;
          #1;
          while (dense__ready !== 1) tick;
          tick;
          dense__valid = 0;
        end"""

CRC = """
  // CRC-32 of the trace stream's words, which the result has as well.
  reg [31:0] crc;
  integer bit_number;
  always @(posedge clk)
    if (trace__valid) begin
      for (bit_number = 2; bit_number < 18; bit_number = bit_number + 1)
        crc = (crc >> 1) ^ (crc[0] ^ trace__payload[bit_number] ? 32'hedb88320 : 32'h0);
    end
"""


def vectors_macro(name: str) -> str:
    """Macro by which a user gives another path of the file of commands."""
    return f"{name}_VECTORS"


def testbench(config: CoreConfig, name: str, ports: list[Port], script: Script,
              trace: bool) -> str:
    """Text of the test bench of core ``name``."""
    fields = {field.name: field for field in fields_of(script.layouts["result"], "result")}
    labels = max(len("errors after clear_errors"), *map(len, fields))
    inputs = [p for p in ports if p.direction == "input"]
    comparisons = [
        f'check("{f.name}", got[{f.offset + f.width - 1}:{f.offset}], '
        f'expected[{f.offset + f.width - 1}:{f.offset}]);' for f in fields.values()]
    if trace:
        crc = fields["crc"]
        comparisons.append(f'check("crc of the trace stream", crc ^ 32\'hffffffff, '
                           f'expected[{crc.offset + crc.width - 1}:{crc.offset}]);')
    dense = DENSE.format(dense=_code("dense"), dense_top=script.layouts["dense"].size + 3) \
        if config.element_bits else ""
    tops = {f"{key}_top": script.layouts[key].size + 3
            for key in ("codebook", "query", "parameters")}
    cycles, stop = fields["cycles"], fields["stop"]
    return TEMPLATE.format(
        name=name, macro=vectors_macro(name), width=script.width, count=script.count,
        limit=2 * script.cycles + config.block_length + MARGIN, label_bits=8 * labels,
        declarations="\n".join(_declaration(p) for p in ports),
        connections=",\n".join(f"    .{p.name}({p.name})" for p in ports),
        initial="\n".join(f"    {p.name} = 0;" for p in inputs if p.name not in ("clk", "rst")),
        comparisons="\n".join(f"      {line}" for line in comparisons),
        crc=CRC if trace else "",
        crc_start="          crc = 32'hffffffff;\n" if trace else "",
        dense_command=dense,
        result_top=script.layouts["result"].size - 1,
        result_command_top=script.layouts["result"].size + 3,
        cycles_top=cycles.offset + cycles.width + 3, cycles_bottom=cycles.offset + 4,
        stop_top=stop.offset + stop.width - 1, stop_bottom=stop.offset,
        errors_top=layouts.Errors.size + 3, **tops, **{key: _code(key) for key in COMMANDS})


def _code(command: str) -> str:
    return f"4'd{COMMANDS[command]}"


def _declaration(port: Port) -> str:
    kind = "reg " if port.direction == "input" else "wire"
    width = f"[{port.width - 1}:0] " if port.width > 1 else ""
    return f"  {kind} {width}{port.name};"
