// Block RAM of iCE40: 4096 bits, a read port and a write port, each 16, 8, 4 or 2 bits wide.
// In the narrow modes each data bit owns a group of memory bits, one of which the upper part of the
// address selects. A read that meets a write of the same word returns the old content.
module SB_RAM40_4K (
  input RCLK, RCLKE, RE, WCLK, WCLKE, WE,
  input [10:0] RADDR, WADDR,
  input [15:0] MASK, WDATA,
  output [15:0] RDATA
);
  parameter READ_MODE = 0, WRITE_MODE = 0;
  parameter [255:0]
    INIT_0 = 0, INIT_1 = 0, INIT_2 = 0, INIT_3 = 0, INIT_4 = 0, INIT_5 = 0, INIT_6 = 0, INIT_7 = 0,
    INIT_8 = 0, INIT_9 = 0, INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0, INIT_E = 0, INIT_F = 0;
  localparam [4095:0] CONTENT = {
    INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A, INIT_9, INIT_8,
    INIT_7, INIT_6, INIT_5, INIT_4, INIT_3, INIT_2, INIT_1, INIT_0};

  reg [15:0] memory [0:255];
  integer i;
  initial for (i = 0; i < 256; i = i + 1) memory[i] = CONTENT[16 * i +: 16];

  wire [15:0] lanes, data;
  generate
    case (WRITE_MODE)
      0: begin : w16
        assign lanes = ~MASK;
        assign data = WDATA;
      end
      1: begin : w8
        assign lanes = 16'h5555 << WADDR[8];
        assign data = (WDATA & 16'h5555) * 16'd3;
      end
      2: begin : w4
        assign lanes = 16'h1111 << WADDR[9:8];
        assign data = ((WDATA >> 1) & 16'h1111) * 16'd15;
      end
      3: begin : w2
        assign lanes = 16'h0101 << WADDR[10:8];
        assign data = ((WDATA >> 3) & 16'h0101) * 16'd255;
      end
    endcase
  endgenerate
  always @(posedge WCLK)
    if (WE && WCLKE)
      memory[WADDR[7:0]] <= (memory[WADDR[7:0]] & ~lanes) | (data & lanes);

  reg [15:0] word;
  reg [2:0] group;
  always @(posedge RCLK)
    if (RE && RCLKE) begin
      word <= memory[RADDR[7:0]];
      group <= RADDR[10:8];
    end
  generate
    case (READ_MODE)
      0: begin : r16
        assign RDATA = word;
      end
      1: begin : r8
        assign RDATA = (word >> group[0]) & 16'h5555;
      end
      2: begin : r4
        assign RDATA = ((word >> group[1:0]) & 16'h1111) << 1;
      end
      3: begin : r2
        assign RDATA = ((word >> group) & 16'h0101) << 3;
      end
    endcase
  endgenerate
endmodule
