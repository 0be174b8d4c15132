// A small computer: PicoRV32 with RAM, a serial port and one device on its bus. See docs/cpu.md.
//
//   0x0000_0000  RAM
//   0x1000_0000  the device: what it has there, a bridge of its own says (device_*.v)
//   0x2000_0000  serial port, output alone
//   0x3000_0000  the simulation: its end, and what went wrong on the bus
//
// An address that nothing answers for sets `lost`, and the processor waits for ever.
`default_nettype none

module soc #(
    parameter RAM_WORDS = 1 << 19,
    parameter DIVISOR = 4,         // clock cycles of a bit of the serial line
    parameter [31:0] IRQ_LINE = 3  // 0..2 are PicoRV32's own
) (
    input  wire        clk,
    input  wire        rst,
    output wire        tx,
    output reg         halted,     // by the firmware, with this code
    output reg  [31:0] code,
    output wire        trap,       // at the instruction at pc
    output reg         lost,
    output wire [31:0] pc,
    output wire [31:0] bus_address,
    output wire        asleep,
    output wire [31:0] instructions,
    output reg  [31:0] refused     // accesses that the device answered with an error
);
    wire        mem_valid;
    wire [31:0] mem_addr, mem_wdata;
    wire [3:0]  mem_wstrb;
    wire        mem_ready;
    wire [31:0] mem_rdata;
    wire        la_read, la_write;
    wire [31:0] la_addr, la_wdata;
    wire [3:0]  la_wstrb;
    wire        device_irq;

    picorv32 #(
        .COMPRESSED_ISA(1), .BARREL_SHIFTER(1), .ENABLE_FAST_MUL(1), .ENABLE_DIV(1),
        .ENABLE_IRQ(1), .ENABLE_IRQ_TIMER(0),
        .LATCHED_IRQ(32'h0000_0007),  // the device's line is a level
        .PROGADDR_RESET(32'h0000_0000), .PROGADDR_IRQ(32'h0000_0010)
    ) cpu (
        .clk(clk), .resetn(~rst), .trap(trap),
        .mem_valid(mem_valid), .mem_ready(mem_ready), .mem_addr(mem_addr),
        .mem_wdata(mem_wdata), .mem_wstrb(mem_wstrb), .mem_rdata(mem_rdata),
        .mem_la_read(la_read), .mem_la_write(la_write), .mem_la_addr(la_addr),
        .mem_la_wdata(la_wdata), .mem_la_wstrb(la_wstrb),
        .irq({31'b0, device_irq} << IRQ_LINE),
        .pcpi_wr(1'b0), .pcpi_rd(32'b0), .pcpi_wait(1'b0), .pcpi_ready(1'b0)
    );
    // Inside the processor: for reports, not for the firmware.
    assign pc = cpu.reg_pc;
    assign asleep = cpu.do_waitirq;
    assign instructions = cpu.count_instr[31:0];
    assign bus_address = mem_addr;

    wire [3:0] page = mem_addr[31:28];
    wire in_ram    = mem_valid && mem_addr[31:2] < RAM_WORDS;
    wire in_device = mem_valid && page == 1 && mem_addr[27:8] == 0;
    wire in_uart   = mem_valid && page == 2 && mem_addr[27:2] == 0;
    wire in_end    = mem_valid && page == 3 && mem_addr[27:3] == 0;

    // -- RAM: answers at once, to what the processor says it will ask in the next cycle ------------
    reg [31:0] ram [0:RAM_WORDS-1] /* verilator public_flat_rw */;
    reg [31:0] ram_rdata;
    wire       to_ram = la_addr[31:2] < RAM_WORDS;
    always @(posedge clk) begin
        if (la_read && to_ram) ram_rdata <= ram[la_addr[27:2]];
        if (la_write && to_ram) begin
            if (la_wstrb[0]) ram[la_addr[27:2]][7:0] <= la_wdata[7:0];
            if (la_wstrb[1]) ram[la_addr[27:2]][15:8] <= la_wdata[15:8];
            if (la_wstrb[2]) ram[la_addr[27:2]][23:16] <= la_wdata[23:16];
            if (la_wstrb[3]) ram[la_addr[27:2]][31:24] <= la_wdata[31:24];
        end
    end

    // -- the device -----------------------------------------------------------------------------
    wire        device_ready, device_refused;
    wire [31:0] device_rdata;
    device device (
        .clk(clk), .rst(rst), .valid(in_device), .address(mem_addr[7:0]), .wdata(mem_wdata),
        .wstrb(mem_wstrb), .ready(device_ready), .rdata(device_rdata), .refused(device_refused),
        .irq(device_irq)
    );

    // -- serial port: a write sends its lowest byte, and waits until the one before is out ------
    wire uart_ready;
    uart #(.DIVISOR(DIVISOR)) uart (
        .clk(clk), .rst(rst), .valid(in_uart && |mem_wstrb), .data(mem_wdata[7:0]),
        .ready(uart_ready), .tx(tx)
    );

    // -- the simulation: +0 ends it with a code, +4 counts refused accesses -----------------------
    always @(posedge clk) begin
        if (rst) begin
            halted <= 0;
            lost <= 0;
            refused <= 0;
            code <= 0;
        end else begin
            if (in_end && |mem_wstrb && !mem_addr[2]) begin
                halted <= 1;
                code <= mem_wdata;
            end
            if (device_ready && device_refused) refused <= refused + 1;
            if (mem_valid && !(in_ram || in_device || in_uart || in_end)) lost <= 1;
        end
    end

    assign mem_ready = in_device ? device_ready : in_uart ? uart_ready || ~|mem_wstrb
                     : in_ram || in_end;
    assign mem_rdata = in_ram ? ram_rdata : in_device ? device_rdata : in_end ? refused : 32'b0;
endmodule

`default_nettype wire
