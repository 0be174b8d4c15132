"""The file of a generated test bench's commands, one a line, and what they are.

A line is a hexadecimal number: the command in its lowest 4 bits, its operand above. What the core
should answer is an operand as well, so the test bench contains no figures of its own.
"""

from amaranth.lib import data

from ..config import CoreConfig
from ..golden.codebook import Codebooks
from ..golden.cycles import build_time
from ..golden.result import STOP_ERROR, STOPS, Result
from ..rtl import layouts
from .vectors import Case

__all__ = ["COMMANDS", "Script", "result_values", "write_script"]

#: Commands by number; 0 is none, so that a file that is missing or cut is noticed.
COMMANDS = {
    "codebook": 1,  # write a codevector: the payload
    "query": 2,  # send a query entry: the payload
    "dense": 3,  # send dense elements: the payload
    "parameters": 4,  # set the run parameters
    "start": 5,  # begin a run: its number
    "result": 6,  # compare every field of the result: the payload
    "stop": 7,  # compare the result's stop reason only: its code
    "errors": 8,  # compare the sticky errors, and clear them: their bits
    "loaded": 9,  # wait until a query is loaded
    "idle": 10,  # wait: cycles
    "end": 15,
}


def result_values(result: Result) -> dict:
    """A golden result as values of :func:`blockfactor.rtl.layouts.result`."""
    return result.to_table() | {"indices": list(result.indices),
                                "similarities": list(result.similarities),
                                "stop": layouts.Stop(STOPS.index(result.stop))}


class Script:
    """Lines of the file, made command by command."""

    def __init__(self, config: CoreConfig):
        self.layouts = {"codebook": layouts.codebook_write(config),
                        "query": layouts.query_entry(config),
                        "parameters": layouts.run_parameters(config),
                        "result": layouts.result(config)}
        if config.element_bits:
            self.layouts["dense"] = layouts.dense_elements(config)
        #: Bits of the widest line.
        self.width = 4 + max(32, *(layout.size for layout in self.layouts.values()))
        self.lines = []
        self.count = 0
        #: Cycles that the commands take at most, without those of runs.
        self.cycles = 0

    def note(self, text: str) -> None:
        """Add a comment."""
        self.lines.append(f"// {text}")

    def add(self, command: str, operand=0) -> None:
        """Add a command; an operand with a layout is given as its values."""
        layout = self.layouts.get(command)
        if command == "result" and "last" in layout.members:
            operand = operand | {"last": 1}  # all runs of a script ask for one product
        if isinstance(layout, data.Layout):
            operand = layout.const(operand).as_bits()
        self.lines.append(f"{operand << 4 | COMMANDS[command]:x}")
        self.count += 1
        self.cycles += {"idle": operand, "codebook": 2, "query": 4, "dense": 4}.get(command, 16)

    def text(self) -> str:
        """The file."""
        return "\n".join([*self.lines, ""])


def write_script(config: CoreConfig, codebooks: Codebooks, cases: list[Case],
                 write_codebooks: bool) -> Script:
    """Script that runs all cases, between starts that the core has to refuse.

    Parameters
    ----------
    write_codebooks : bool
        Whether the codebooks are written; if not, the core has them from its file.
    """
    script = Script(config)
    script.note("a start without a query")
    script.add("parameters", layouts.parameter_values(config, cases[0].parameters))
    _refused(script, no_query=1)
    if write_codebooks:
        script.note(f"codebooks of {', '.join(map(str, codebooks.sizes))} codevectors")
        for factor, codebook in enumerate(codebooks.indices):
            for number, indices in enumerate(codebook):
                script.add("codebook", {"factor": factor, "codevector": number,
                                        "indices": [int(x) for x in indices]})
    indexed = None  # size of the last factor's codebook that the index is for
    for number, case in enumerate(cases):
        script.note(f"run {number}, {case.kind}: {_summary(case)}")
        values = layouts.parameter_values(config, case.parameters)
        script.add("parameters", values)
        if case.elements is not None:
            for column in case.elements.T:
                script.add("dense", [int(x) for x in column])
            # The front-end's entries come after the last element.
            script.cycles += 64 * config.blocks * config.query_entries
        else:
            _query(script, case.query)
        script.add("loaded")
        size = case.parameters.sizes[-1]
        if case.parameters.resolve(config) == "factorize":
            indexed = None
        elif indexed != size:
            # A run waits for the index; the cycles of its result do not count that.
            indexed = size
            script.add("idle", build_time(config, size))
        script.add("start", number)
        script.add("result", result_values(case.result))
        script.cycles += case.result.cycles
    script.note("parameters that no core runs")
    script.add("parameters", values | {"sizes": [0] * config.factors})
    _refused(script, bad_parameter=1)
    script.note("a query with one entry twice")
    entry = {"block": 0, "index": 0, "weight": 1, "empty": 0, "last": 0}
    for last in (0, 1):
        script.add("query", entry | {"last": last})
    script.add("idle", 8 * config.query_entries * config.blocks + 16)
    script.add("parameters", values)
    _refused(script, bad_query=1, no_query=1)
    script.note("no errors are left")
    script.add("errors", 0)
    script.add("end")
    return script


def _query(script: Script, query) -> None:
    entries = [(b, index, weight) for b, block in enumerate(query.entries)
               for index, weight in block]
    for number, (block, index, weight) in enumerate(entries, 1):
        script.add("query", {"block": block, "index": index, "weight": weight, "empty": 0,
                             "last": int(number == len(entries))})


def _refused(script: Script, **errors: int) -> None:
    script.add("start", 0xFFFF)
    script.add("stop", STOP_ERROR)
    script.add("errors", layouts.Errors.const(errors).as_bits())


def _summary(case: Case) -> str:
    result = case.result
    return (f"{result.stop} after {result.cycles} cycles with "
            f"{', '.join(map(str, result.indices))}, score {result.score} of {result.smax}")
