"""The file that a simulated core writes its trace to."""

import pytest

from blockfactor.sim.runner import SimulationError
from blockfactor.sim.trace_recorder import TraceFile, recording

CORE = """module part(clk);
  input clk;
endmodule
module \\core.sub (clk, trace__valid);
  input clk;
  input trace__valid;
endmodule
module core(clk, trace__valid);
  input clk;
  output trace__valid;
endmodule
"""


def test_the_top_is_what_writes():
    text = recording(CORE, "core")
    assert text.count("$fopen") == 1 and text.index("$fopen") > text.index("module core(")
    assert text.count("endmodule") == 3 and text.endswith("endmodule\n")


@pytest.mark.parametrize("top", ["cor", "part"])
def test_no_trace(top):
    with pytest.raises(SimulationError, match=f"no module {top} with a trace"):
        recording(CORE, top)


def test_only_the_last_run_counts(tmp_path):
    path = tmp_path / "words"
    with path.open("w", encoding="ascii", buffering=1) as stream:
        trace = TraceFile(path)
        assert trace.last_run() == []
        stream.write("-\n04\n-\n05\n0e\n")
        assert trace.last_run() == [(1, 1), (2, 3)]
        # A line may be half there; a run goes on until the next begins.
        stream.write("1")
        stream.flush()
        stream.write("0\n")
        assert trace.last_run() == [(1, 1), (2, 3), (0, 4)]
        stream.write("-\n")
        assert trace.last_run() == []
