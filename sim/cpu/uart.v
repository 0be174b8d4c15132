// Sends bytes: a start bit, eight bits, the lowest first, a stop bit. One byte can wait.
`default_nettype none

module uart #(
    parameter DIVISOR = 4  // clock cycles of a bit
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       valid,
    input  wire [7:0] data,
    output wire       ready,
    output wire       tx
);
    reg [7:0] waiting;
    reg       full;
    reg [9:0] shift;
    reg [3:0] left;  // bits
    reg [15:0] count;

    assign ready = !full;
    assign tx = left == 0 || shift[0];

    always @(posedge clk) begin
        if (valid && ready) begin
            waiting <= data;
            full <= 1;
        end
        if (left != 0) begin
            count <= count - 1;
            if (count == 0) begin
                count <= DIVISOR - 1;
                shift <= {1'b1, shift[9:1]};
                left <= left - 1;
            end
        end
        // The next byte follows the stop bit at once.
        if (full && (left == 0 || (left == 1 && count == 0))) begin
            shift <= {1'b1, waiting, 1'b0};
            left <= 10;
            count <= DIVISOR - 1;
            full <= 0;
        end
        if (rst) begin
            full <= 0;
            left <= 0;
            count <= 0;
        end
    end
endmodule

`default_nettype wire
