// Memories of Gowin GW1N and GW2A. Their other cells are expressions and flip-flops that
// sim/routed_gowin.py writes.

// Memory of 16 rows by 4 bits made of look-up tables.
module RAM16SDP4 (input CLK, WE, input [3:0] WAD, RAD, DI, output [3:0] DO);
  parameter [15:0] INIT_0 = 0, INIT_1 = 0, INIT_2 = 0, INIT_3 = 0;
  reg [3:0] memory [0:15];
  integer i;
  initial for (i = 0; i < 16; i = i + 1)
    memory[i] = {INIT_3[i], INIT_2[i], INIT_1[i], INIT_0[i]};
  always @(posedge CLK) if (WE) memory[WAD] <= DI;
  assign DO = memory[RAD];
endmodule

// Block RAM of 36 bits, port A writes, port B reads.
module SDP (
  input CLKA, CEA, WREA, CLKB, CEB,
  input [13:0] ADA, ADB,
  input [35:0] DI,
  output [35:0] DO
);
  parameter [18431:0] CONTENT = 0;
  wire [35:0] out_a;
  block_ram #(.CONTENT(CONTENT)) ram (
    .clk_a(CLKA), .en_a(CEA), .we_a(WREA), .ad_a(ADA), .in_a(DI), .out_a(out_a),
    .clk_b(CLKB), .en_b(CEB), .ad_b(ADB), .out_b(DO));
endmodule

// Block RAM whose ports both read, of which A writes.
module DP (
  input CLKA, CEA, WREA, CLKB, CEB,
  input [13:0] ADA, ADB,
  input [17:0] DIA,
  output [17:0] DOA, DOB
);
  parameter BIT_WIDTH_0 = 18, BIT_WIDTH_1 = 18, WRITE_MODE0 = 0;
  parameter [18431:0] CONTENT = 0;
  wire [35:0] out_a, out_b;
  block_ram #(.WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1), .MODE(WRITE_MODE0),
    .CONTENT(CONTENT)) ram (
    .clk_a(CLKA), .en_a(CEA), .we_a(WREA), .ad_a(ADA), .in_a({18'd0, DIA}), .out_a(out_a),
    .clk_b(CLKB), .en_b(CEB), .ad_b(ADB), .out_b(out_b));
  assign DOA = out_a[17:0];
  assign DOB = out_b[17:0];
endmodule
