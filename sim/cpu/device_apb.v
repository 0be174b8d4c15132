// The core behind its APB front-end: its registers lie at the device's address.
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
    reg access;  // the cycle before it is the setup phase

    always @(posedge clk) access <= valid && !ready && !rst;

    wire pready;
    blockfactor core (
        .clk(clk), .rst(rst), .irq(irq),
        .apb__paddr(address), .apb__pprot(3'b0), .apb__psel(valid), .apb__penable(access),
        .apb__pwrite(|wstrb), .apb__pwdata(wdata), .apb__pstrb(wstrb), .apb__pready(pready),
        .apb__prdata(rdata), .apb__pslverr(refused)
    );
    assign ready = access && pready;
endmodule

`default_nettype wire
