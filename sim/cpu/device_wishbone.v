// The core behind its Wishbone front-end: its registers lie at the device's address.
//
// What another bus needs is another module `device`: an access, a read where `wstrb` is 0, is held
// with `valid` until `ready`, for one cycle; `refused` comes with it.
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
    wire ack, err;

    // A classic cycle.
    blockfactor core (
        .clk(clk), .rst(rst), .irq(irq),
        .wb__cyc(valid), .wb__stb(valid), .wb__we(|wstrb), .wb__adr(address[7:2]),
        .wb__sel(wstrb), .wb__dat_w(wdata), .wb__dat_r(rdata), .wb__ack(ack), .wb__err(err),
        .wb__stall()
    );
    assign ready = ack | err;
    assign refused = err;
endmodule

`default_nettype wire
