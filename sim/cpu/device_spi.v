// The core behind its SPI front-end, and an SPI controller, whose registers lie at the device's
// address: +0 sends a byte (write), or gives the one received meanwhile (read); +4 bit 0 selects
// the core. An access waits until the last byte is through, so that nothing has to be polled.
//
// Mode 0, highest bit first, a bit in four clock cycles: as fast as the core allows. COPI changes
// as SCK falls, and CIPO is taken as it rises.
`default_nettype none

module device (
    input  wire        clk,
    input  wire        rst,
    input  wire        valid,
    input  wire [7:0]  address,  // in bytes
    input  wire [31:0] wdata,
    input  wire [3:0]  wstrb,
    output wire        ready,
    output wire [31:0] rdata,
    output wire        refused,
    output wire        irq
);
    reg        selected, sck;
    reg  [7:0] out, in;
    reg  [5:0] left;  // clock cycles
    wire       cipo, cipo_oe;
    wire       write = |wstrb;

    blockfactor core (
        .clk(clk), .rst(rst), .irq(irq), .cs_n(!selected), .sck(sck), .copi(out[7]),
        .cipo(cipo), .cipo_oe(cipo_oe)
    );

    assign ready = valid && left == 0;
    assign rdata = address[2] ? {31'b0, selected} : {24'b0, in};
    assign refused = valid && |address[7:3];

    always @(posedge clk) begin
        if (left != 0) begin
            left <= left - 1;
            if (left[1:0] == 3) begin
                sck <= 1;
                in <= {in[6:0], cipo_oe ? cipo : 1'b1};  // a line that nobody drives
            end
            if (left[1:0] == 1) begin
                sck <= 0;
                out <= {out[6:0], 1'b0};
            end
        end else if (valid && write && !refused) begin
            if (address[2]) begin
                selected <= wdata[0];
            end else begin
                out <= wdata[7:0];
                left <= 32;
            end
        end
        if (rst) begin
            selected <= 0;
            sck <= 0;
            left <= 0;
        end
    end
endmodule

`default_nettype wire
