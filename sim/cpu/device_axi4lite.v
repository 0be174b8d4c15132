// The core behind its AXI4-Lite front-end, at the adapter that comes with PicoRV32: its registers
// lie at the device's address.
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
    wire        awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
    wire [31:0] awaddr, data, araddr;
    wire [2:0]  awprot, arprot;
    wire [3:0]  strb;
    wire [1:0]  bresp, rresp;

    picorv32_axi_adapter adapter (
        .clk(clk), .resetn(~rst),
        .mem_axi_awvalid(awvalid), .mem_axi_awready(awready), .mem_axi_awaddr(awaddr),
        .mem_axi_awprot(awprot), .mem_axi_wvalid(wvalid), .mem_axi_wready(wready),
        .mem_axi_wdata(data), .mem_axi_wstrb(strb), .mem_axi_bvalid(bvalid),
        .mem_axi_bready(bready), .mem_axi_arvalid(arvalid), .mem_axi_arready(arready),
        .mem_axi_araddr(araddr), .mem_axi_arprot(arprot), .mem_axi_rvalid(rvalid),
        .mem_axi_rready(rready), .mem_axi_rdata(rdata),
        .mem_valid(valid), .mem_instr(1'b0), .mem_ready(ready), .mem_addr({24'b0, address}),
        .mem_wdata(wdata), .mem_wstrb(wstrb), .mem_rdata()
    );
    blockfactor core (
        .clk(clk), .rst(rst), .irq(irq),
        .axi__awvalid(awvalid), .axi__awready(awready), .axi__awaddr(awaddr[7:0]),
        .axi__awprot(awprot), .axi__wvalid(wvalid), .axi__wready(wready), .axi__wdata(data),
        .axi__wstrb(strb), .axi__bvalid(bvalid), .axi__bready(bready), .axi__bresp(bresp),
        .axi__arvalid(arvalid), .axi__arready(arready), .axi__araddr(araddr[7:0]),
        .axi__arprot(arprot), .axi__rvalid(rvalid), .axi__rready(rready), .axi__rdata(rdata),
        .axi__rresp(rresp)
    );
    assign refused = bvalid ? bresp != 0 : rresp != 0;
endmodule

`default_nettype wire
