"""Has a simulated core write its trace to a file, which costs less than a bench that looks on.

A bench that waits for every trace word spends two thirds of its time on that.
"""

import re
from pathlib import Path

from .runner import SimulationError

__all__ = ["FILE", "TraceFile", "recording"]

#: Name of the file, in the folder the simulation runs in.
FILE = "trace_words.txt"

#: A line for each word, and one of START where a run begins. What a run has written can be read two
#: clock edges after its result is shown.
RECORDER = """
  integer recorder = 0;
  initial recorder = $fopen("{file}", "w");
  always @(posedge clk) begin
    if (start && ready) $fwrite(recorder, "{start}\\n");
    if (trace__valid) $fwrite(recorder, "%h\\n", trace__payload);
    if (result__valid) $fflush(recorder);
  end
"""
START = "-"


def recording(verilog: str, top: str) -> str:
    """Verilog whose module ``top``, a core with trace stream, writes :data:`FILE`."""
    module = re.search(rf"^module \\?{re.escape(top)}\s*\(.*?(?=^endmodule)", verilog,
                       re.DOTALL | re.MULTILINE)
    if module is None or "trace__valid" not in module[0]:
        raise SimulationError(f"no module {top} with a trace in the Verilog to be simulated")
    end = module.end()
    return verilog[:end] + RECORDER.format(file=FILE, start=START) + verilog[end:]


class TraceFile:
    """Reads what :func:`recording` writes."""

    def __init__(self, path=FILE):
        self._stream = open(Path(path), encoding="ascii")
        self._text = ""

    def last_run(self) -> list[tuple[int, int]]:
        """Words of the run that began last, as far as they are in the file: (kind, word)."""
        self._text += self._stream.read()
        self._text = self._text[self._text.rfind(START) + 1:]
        return [(bits & 3, bits >> 2) for bits in (int(word, 16) for word in self._text.split())]
