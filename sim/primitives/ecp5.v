// Memories of ECP5. Its other cells are expressions and flip-flops that sim/routed_ecp5.py writes, and
// so are inverters and constants at inputs (parameters called *MUX).

// Block RAM. Of 36 bits, port A writes and port B reads, with the pins of both.
module DP16KD (
  input CLKA, CEA, WEA, CLKB, CEB,
  input [13:0] ADA, ADB,
  input [17:0] DIA, DIB,
  output [17:0] DOA, DOB
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, WRITEMODE_A = "NORMAL";
  parameter [18431:0] CONTENT = 0;
  wire [35:0] out_a, out_b;
  block_ram #(.WIDTH_A(DATA_WIDTH_A), .WIDTH_B(DATA_WIDTH_B), .CONTENT(CONTENT),
    .MODE(WRITEMODE_A == "WRITETHROUGH" ? 1 : WRITEMODE_A == "READBEFOREWRITE" ? 2 : 0)
  ) ram (
    .clk_a(CLKA), .en_a(CEA), .we_a(WEA), .ad_a(ADA), .in_a({DIB, DIA}), .out_a(out_a),
    .clk_b(CLKB), .en_b(CEB), .ad_b(ADB), .out_b(out_b));
  assign DOA = DATA_WIDTH_B == 36 ? out_b[17:0] : out_a[17:0];
  assign DOB = DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];
endmodule

// Memory of 16 bits made of a look-up table.
module TRELLIS_DPRAM (input WCK, WRE, WD, input [3:0] WAD, RAD, output F);
  parameter [15:0] CONTENT = 0;
  reg [15:0] content = CONTENT;
  always @(posedge WCK) if (WRE) content[WAD] <= WD;
  assign F = content[RAD];
endmodule
