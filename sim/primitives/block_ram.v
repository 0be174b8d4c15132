// Block RAM of 18,432 bits as ECP5 and Gowin have it: two ports, of which one or both read.
// Widths are 1, 2, 4, 9, 18 or 36; a port of 1, 2 or 4 bits does not see each ninth bit. The address
// counts bits; its lowest bits are byte enables when a port of 18 or 36 bits writes. Only port A
// writes. What port A shows after it has written: MODE 0 what it showed before, 1 the new content,
// 2 the old one. Port B shows the old content when both meet.
module block_ram (
  input clk_a, en_a, we_a, clk_b, en_b,
  input [13:0] ad_a, ad_b,
  input [35:0] in_a,
  output [35:0] out_a, out_b
);
  parameter WIDTH_A = 36, WIDTH_B = 36, MODE = 0;
  parameter [18431:0] CONTENT = 0;

  reg [35:0] memory [0:511];
  reg [35:0] word_a = 0, word_b = 0;
  integer i;
  initial for (i = 0; i < 512; i = i + 1) memory[i] = CONTENT[36 * i +: 36];

  wire [5:0] shift_a, shift_b;
  bit_position #(.WIDTH(WIDTH_A)) position_a (.address(ad_a[4:0]), .position(shift_a));
  bit_position #(.WIDTH(WIDTH_B)) position_b (.address(ad_b[4:0]), .position(shift_b));

  // Bits of the word that a write changes, before they are moved to their place.
  wire [35:0] chosen = WIDTH_A == 36 ?
    {{9{ad_a[3]}}, {9{ad_a[2]}}, {9{ad_a[1]}}, {9{ad_a[0]}}} :
    WIDTH_A == 18 ? {18'd0, {9{ad_a[1]}}, {9{ad_a[0]}}} : (36'd1 << WIDTH_A) - 36'd1;
  wire [35:0] mask = we_a ? chosen << shift_a : 36'd0;
  wire [35:0] old = memory[ad_a[13:5]];
  wire [35:0] changed = (old & ~mask) | ((in_a << shift_a) & mask);

  reg [5:0] from_a = 0, from_b = 0;
  always @(posedge clk_a)
    if (en_a) begin
      if (we_a) memory[ad_a[13:5]] <= changed;
      if (MODE != 0 || !we_a) begin
        word_a <= MODE == 1 ? changed : old;
        from_a <= shift_a;
      end
    end
  always @(posedge clk_b)
    if (en_b) begin
      word_b <= memory[ad_b[13:5]];
      from_b <= shift_b;
    end

  localparam [35:0] SEEN_A = ~(~36'd0 << WIDTH_A), SEEN_B = ~(~36'd0 << WIDTH_B);
  assign out_a = (word_a >> from_a) & SEEN_A;
  assign out_b = (word_b >> from_b) & SEEN_B;
endmodule

// Where a port's bits lie in a word of 36 bits.
module bit_position (input [4:0] address, output [5:0] position);
  parameter WIDTH = 36;
  wire [5:0] byte_position = {4'd0, address[4:3]} * 6'd9;
  assign position =
    WIDTH == 36 ? 6'd0 :
    WIDTH == 18 ? (address[4] ? 6'd18 : 6'd0) :
    WIDTH == 9 ? byte_position :
    WIDTH == 4 ? byte_position + {3'd0, address[2], 2'd0} :
    WIDTH == 2 ? byte_position + {3'd0, address[2:1], 1'd0} :
    byte_position + {3'd0, address[2:0]};
endmodule
