"""Buses in plain Verilog: what a controller does, as the tasks of a test bench.

Each front-end has declarations, connections, and the tasks ``bus_write`` and ``bus_read``, which
move ``count`` words between the array ``words`` and the registers from byte address ``address`` on,
or all at ``address`` where ``stay`` is 1. A refused access sets ``refused``.
"""

from dataclasses import dataclass

from ..config import SystemConfig
from ..errors import ConfigError
from ..rtl.bus.uart import divisor

__all__ = ["BURST", "CLOCK", "BusTasks", "bus_tasks"]

#: Most words of a frame, and places of the array ``words``.
BURST = 63
#: Time units of a clock cycle.
CLOCK = 10


@dataclass(frozen=True)
class BusTasks:
    """Parts of a test bench.

    ``ports`` are the pins but for clock, reset and interrupt: (name, bits, whether the test bench
    drives it, initial value). ``word_cycles`` are more cycles than a word and its share of a frame
    take.
    """

    about: str
    ports: tuple[tuple[str, int, bool, int], ...]
    tasks: str
    word_cycles: int


NATIVE = """\
  // The access port takes a word at a time. All stays until done; the clock edge with done is the
  // last of the access.
  task access(input [7:0] address, input write, input [31:0] data);
    begin
      native__request = 1;
      native__address = address >> 2;
      native__write = write;
      native__write_data = data;
      #1;
      while (native__done !== 1) tick;
      value = native__read_data;
      if (native__error !== 0) refused = 1;
      tick;
      native__request = 0;
    end
  endtask
"""

WISHBONE = """\
  // A classic transfer: all stays until ack or err; the clock edge with it is the last one. A
  // controller for pipelined transfers takes stall into account and shows a request for one edge.
  task access(input [7:0] address, input write, input [31:0] data);
    begin
      wb__cyc = 1;
      wb__stb = 1;
      wb__adr = address >> 2;
      wb__we = write;
      wb__sel = 4'hf;
      wb__dat_w = data;
      #1;
      while (wb__ack !== 1 && wb__err !== 1) tick;
      value = wb__dat_r;
      if (wb__ack !== 1) refused = 1;
      tick;
      wb__cyc = 0;
      wb__stb = 0;
    end
  endtask
"""

APB = """\
  // Setup phase, then access phase until pready; the clock edge with it is the last one.
  task access(input [7:0] address, input write, input [31:0] data);
    begin
      apb__psel = 1;
      apb__paddr = address;
      apb__pwrite = write;
      apb__pwdata = data;
      apb__pstrb = 4'hf;
      tick;
      apb__penable = 1;
      #1;
      while (apb__pready !== 1) tick;
      value = apb__prdata;
      if (apb__pslverr !== 0) refused = 1;
      tick;
      apb__psel = 0;
      apb__penable = 0;
    end
  endtask
"""

AXI4LITE = """\
  // Address and data stay until they are taken, which is before the response comes; that is taken
  // at once. A controller may show them in any order, and the next ones before the response.
  task access(input [7:0] address, input write, input [31:0] data);
    begin
      axi__awaddr = address;
      axi__awvalid = write;
      axi__wdata = data;
      axi__wstrb = 4'hf;
      axi__wvalid = write;
      axi__bready = write;
      axi__araddr = address;
      axi__arvalid = !write;
      axi__rready = !write;
      #1;
      while (axi__awvalid || axi__wvalid || axi__bready || axi__arvalid || axi__rready) begin
        // What the next clock edge takes.
        taken = {axi__awready, axi__wready, axi__bvalid, axi__arready, axi__rvalid};
        if (axi__rready && axi__rvalid === 1) value = axi__rdata;
        if (axi__bready && axi__bvalid === 1 && axi__bresp !== 0) refused = 1;
        if (axi__rready && axi__rvalid === 1 && axi__rresp !== 0) refused = 1;
        tick;
        if (taken[4] === 1) axi__awvalid = 0;
        if (taken[3] === 1) axi__wvalid = 0;
        if (taken[2] === 1) axi__bready = 0;
        if (taken[1] === 1) axi__arvalid = 0;
        if (taken[0] === 1) axi__rready = 0;
      end
    end
  endtask

  reg [4:0] taken;
"""

#: For buses that move a word at a time.
WORD_BY_WORD = """
  task bus_write(input [7:0] address, input [6:0] count, input stay);
    integer n;
    for (n = 0; n < count; n = n + 1) access(stay ? address : address + 4 * n, 1'b1, words[n]);
  endtask

  task bus_read(input [7:0] address, input [6:0] count, input stay);
    integer n;
    for (n = 0; n < count; n = n + 1) begin
      access(stay ? address : address + 4 * n, 1'b0, 32'd0);
      words[n] = value;
    end
  endtask
"""

SPI = """\
  // Mode 0 with an SCK of a quarter of the clock, the fastest there is. Bytes go highest bit first,
  // words lowest byte first.
  localparam HALF = {half};
  reg [7:0] spi_in;  // what the last byte has brought

  task spi_byte(input [7:0] data);
    integer n;
    for (n = 7; n >= 0; n = n - 1) begin
      copi = data[n];
      #HALF;
      spi_in = {{spi_in[6:0], cipo}};
      sck = 1;
      #HALF;
      sck = 0;
    end
  endtask

  // Chip select, command, word address. The byte that comes with the command is a status:
  // 3'b101, errors, busy, a result waits, room for a query, interrupt.
  task spi_begin(input [7:0] command, input [7:0] address);
    begin
      cs_n = 0;
      #HALF;
      spi_byte(command);
      if (spi_in[7:5] !== 3'b101) begin
        $display("SPI status is %b, expected 101xxxxx", spi_in);
        failures = failures + 1;
      end
      spi_byte(address >> 2);
    end
  endtask

  task spi_end;
    begin
      #HALF;
      cs_n = 1;
      #(4 * HALF);
    end
  endtask

  task bus_write(input [7:0] address, input [6:0] count, input stay);
    integer n;
    begin
      spi_begin(stay ? 8'h0a : 8'h02, address);
      for (n = 0; n < count; n = n + 1) begin
        spi_byte(words[n][7:0]);
        spi_byte(words[n][15:8]);
        spi_byte(words[n][23:16]);
        spi_byte(words[n][31:24]);
      end
      spi_end;
    end
  endtask

  task bus_read(input [7:0] address, input [6:0] count, input stay);
    integer n;
    integer m;
    begin
      spi_begin(stay ? 8'h0b : 8'h03, address);
      for (n = 0; n < count; n = n + 1) begin
        spi_byte(8'h00);  // while the register is read
        for (m = 0; m < 4; m = m + 1) begin
          spi_byte(8'h00);
          value = {{spi_in, value[31:8]}};
        end
        words[n] = value;
      end
      spi_end;
    end
  endtask
"""

UART = """\
  // 8 data bits, no parity, one stop bit; lowest bit first, words lowest byte first.
  localparam BIT = {bit};
  reg [7:0] received [0:511];
  integer received_count;
  reg [7:0] incoming;
  integer incoming_bit;
  reg [7:0] sequence_number;
  reg [31:0] crc;
  reg [7:0] status;

  initial begin
    received_count = 0;
    sequence_number = 0;
  end

  always begin
    @(negedge tx);
    #(BIT + BIT / 2);
    for (incoming_bit = 0; incoming_bit < 8; incoming_bit = incoming_bit + 1) begin
      incoming[incoming_bit] = tx;
      #BIT;
    end
    received[received_count] = incoming;
    received_count = received_count + 1;
  end

  // One more byte of a CRC-32.
  task crc_byte(input [7:0] data);
    integer n;
    begin
      crc = crc ^ data;
      for (n = 0; n < 8; n = n + 1) crc = (crc >> 1) ^ (crc[0] ? 32'hedb88320 : 32'h0);
    end
  endtask

  task uart_byte(input [7:0] data);
    integer n;
    begin
      crc_byte(data);
      rx = 0;
      #BIT;
      for (n = 0; n < 8; n = n + 1) begin
        rx = data[n];
        #BIT;
      end
      rx = 1;
      #BIT;
    end
  endtask

  // A request: start byte, sequence number, operation and count, word address, words, CRC-32 of
  // all but the start byte.
  task uart_request(input write, input [7:0] address, input [6:0] count, input stay);
    integer n;
    begin
      received_count = 0;
      uart_byte(8'hb5);
      crc = 32'hffffffff;
      uart_byte(sequence_number);
      uart_byte({{write, stay, count[5:0]}});
      uart_byte(address >> 2);
      if (write)
        for (n = 0; n < count; n = n + 1) begin
          uart_byte(words[n][7:0]);
          uart_byte(words[n][15:8]);
          uart_byte(words[n][23:16]);
          uart_byte(words[n][31:24]);
        end
      value = ~crc;
      uart_byte(value[7:0]);
      uart_byte(value[15:8]);
      uart_byte(value[23:16]);
      uart_byte(value[31:24]);
    end
  endtask

  // Its reply: start byte, sequence number, status, words done, the words read, CRC-32. A real
  // controller sends the same request again if none comes: it is not executed twice.
  task uart_reply(input write, input [6:0] count);
    integer n;
    integer length;
    begin
      while (received_count < 4) #BIT;
      length = write ? 8 : 8 + 4 * received[3];
      while (received_count < length) #BIT;
      crc = 32'hffffffff;
      for (n = 1; n < length - 4; n = n + 1) crc_byte(received[n]);
      crc = ~crc;
      status = received[2];
      if (received[0] !== 8'h5b || received[1] !== sequence_number || crc !== {{
          received[length - 1], received[length - 2], received[length - 3], received[length - 4]}})
      begin
        $display("UART reply to request %0d is wrong", sequence_number);
        failures = failures + 1;
      end
      if (status[5] || received[3] !== count) refused = 1;
      if (!write)
        for (n = 0; n < received[3]; n = n + 1)
          words[n] = {{received[4 * n + 7], received[4 * n + 6], received[4 * n + 5],
                      received[4 * n + 4]}};
      // From 1 to 255: a request with 0 is always executed.
      sequence_number = sequence_number == 255 ? 1 : sequence_number + 1;
    end
  endtask

  task bus_write(input [7:0] address, input [6:0] count, input stay);
    begin
      uart_request(1'b1, address, count, stay);
      uart_reply(1'b1, count);
    end
  endtask

  task bus_read(input [7:0] address, input [6:0] count, input stay);
    begin
      uart_request(1'b0, address, count, stay);
      uart_reply(1'b0, count);
    end
  endtask
"""


def bus_tasks(system: SystemConfig) -> BusTasks:
    """The controller's side of a system's front-end.

    Raises
    ------
    ConfigError
        There is no front-end, or its rate does not suit the clock.
    """
    if system.front_end == "native":
        return BusTasks("the access port", (
            ("native__request", 1, True, 0), ("native__address", 6, True, 0),
            ("native__write", 1, True, 0), ("native__write_data", 32, True, 0),
            ("native__done", 1, False, 0), ("native__read_data", 32, False, 0),
            ("native__error", 1, False, 0)), NATIVE + WORD_BY_WORD, 32)
    if system.front_end == "wishbone":
        return BusTasks("Wishbone B4", (
            ("wb__cyc", 1, True, 0), ("wb__stb", 1, True, 0), ("wb__we", 1, True, 0),
            ("wb__adr", 6, True, 0), ("wb__sel", 4, True, 0), ("wb__dat_w", 32, True, 0),
            ("wb__dat_r", 32, False, 0), ("wb__ack", 1, False, 0), ("wb__err", 1, False, 0),
            ("wb__stall", 1, False, 0)), WISHBONE + WORD_BY_WORD, 32)
    if system.front_end == "apb":
        return BusTasks("APB", (
            ("apb__paddr", 8, True, 0), ("apb__pprot", 3, True, 0), ("apb__psel", 1, True, 0),
            ("apb__penable", 1, True, 0), ("apb__pwrite", 1, True, 0),
            ("apb__pwdata", 32, True, 0), ("apb__pstrb", 4, True, 0),
            ("apb__pready", 1, False, 0), ("apb__prdata", 32, False, 0),
            ("apb__pslverr", 1, False, 0)), APB + WORD_BY_WORD, 32)
    if system.front_end == "axi4lite":
        return BusTasks("AXI4-Lite", (
            ("axi__awvalid", 1, True, 0), ("axi__awready", 1, False, 0),
            ("axi__awaddr", 8, True, 0), ("axi__awprot", 3, True, 0),
            ("axi__wvalid", 1, True, 0), ("axi__wready", 1, False, 0),
            ("axi__wdata", 32, True, 0), ("axi__wstrb", 4, True, 0),
            ("axi__bvalid", 1, False, 0), ("axi__bready", 1, True, 0),
            ("axi__bresp", 2, False, 0),
            ("axi__arvalid", 1, True, 0), ("axi__arready", 1, False, 0),
            ("axi__araddr", 8, True, 0), ("axi__arprot", 3, True, 0),
            ("axi__rvalid", 1, False, 0), ("axi__rready", 1, True, 0),
            ("axi__rdata", 32, False, 0), ("axi__rresp", 2, False, 0)), AXI4LITE + WORD_BY_WORD,
            32)
    if system.front_end == "spi":
        return BusTasks("SPI", (
            ("sck", 1, True, 0), ("cs_n", 1, True, 1), ("copi", 1, True, 0), ("cipo", 1, False, 0),
            ("cipo_oe", 1, False, 0)), SPI.format(half=2 * CLOCK), 8 * 8 * 4)
    if system.front_end == "uart":
        cycles = divisor(system.clock_hz, system.baud)
        return BusTasks(f"UART, {cycles} clock cycles a bit", (
            ("rx", 1, True, 1), ("tx", 1, False, 0)),
            UART.format(bit=cycles * CLOCK), 30 * 10 * cycles)
    raise ConfigError(f"front_end {system.front_end!r} has no registers")
