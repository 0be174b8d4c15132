"""A board that only sends back what comes, for tests of the virtual boards' harness."""

import os
import select
import time

from blockfactor.sim.virtual_board import VirtualBoard

#: Sends back what comes. The error light stays on if a bit is not of one level for exactly DIVISOR
#: cycles, or an input that nobody drives is active. EE is sent back without a stop bit.
ECHO = """
module board(clk, rx, tx, button, cs_n, sck, irq, led_idle, led_accepted, led_error);
  input clk;
  input rx;
  output tx;
  input button;
  input cs_n;
  input sck;
  output irq;
  output led_idle;
  output led_accepted;
  output led_error;
  function [7:0] same;
    input [7:0] value;
    same = value;
  endfunction
  reg busy = 0, first = 0, error = 0, odd = 0, full = 0;
  reg [7:0] count = 0, out_count = 0;
  reg [3:0] place = 0, out_place = 0;
  reg [9:0] in = 0, out = 10'h3ff;
  reg [7:0] held = 0;
  wire last = count == DIVISOR - 1;
  assign tx = out[0];
  assign irq = 1;
  assign led_idle = !busy;
  assign led_accepted = !odd;
  assign led_error = error;
  always @(posedge clk) begin
    if (busy || !rx) begin
      busy <= 1;
      count <= last ? 0 : count + 1;
      if (count == 0) first <= rx;
      else if (rx != first) error <= 1;
      if (last) begin
        in <= {rx, in[9:1]};
        place <= place == 9 ? 0 : place + 1;
        if (place == 9) begin
          busy <= 0;
          held <= in[9:2];
          full <= 1;
          odd <= !odd;
          if (!rx) error <= 1;
        end
      end
    end
    if (out_place != 0) begin
      out_count <= out_count == DIVISOR - 1 ? 0 : out_count + 1;
      if (out_count == DIVISOR - 1) begin
        out <= {1'b1, out[9:1]};
        out_place <= out_place - 1;
      end
    end
    if (full && (out_place == 0 || out_place == 1 && out_count == DIVISOR - 1)) begin
      out <= {held != 8'hee, same(held), 1'b0};
      out_place <= 10;
      out_count <= 0;
      full <= 0;
    end
    if (!cs_n || sck) error <= 1;
    if (!button) begin
      error <= 0;
      odd <= 0;
    end
  end
endmodule
"""


def echo(divisor: int, **options) -> VirtualBoard:
    return VirtualBoard(ECHO.replace("DIVISOR", str(divisor)), clock_hz=divisor * 1_000_000,
                        baud=1_000_000, button_inverted=True,
                        leds={"idle": False, "running": True, "accepted": True, "error": False},
                        **options)


class Terminal:
    """A program at the port."""

    def __init__(self, port: str):
        self.file = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        os.close(self.file)

    def exchange(self, data: bytes, count: int | None = None) -> bytes:
        """Send bytes; returns what has come back when so many have, or a second too late."""
        count = len(data) if count is None else count
        back, end = b"", time.monotonic() + 60
        while (data or len(back) < count) and time.monotonic() < end:
            readable, writable, _ = select.select([self.file], [self.file] * bool(data), [], 1)
            if writable:
                data = data[os.write(self.file, data[:512]):]
            if readable:
                back += os.read(self.file, 4096)
        return back


def gone(process: int) -> bool:
    """Whether there is no such process, not even a zombie, or soon none."""
    for _ in range(100):
        if not os.path.exists(f"/proc/{process}"):
            return True
        time.sleep(.1)
    return False
