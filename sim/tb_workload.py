"""Runs a workload on the core and compares each run with the golden model, word by word.

``BLOCKFACTOR_WORKLOAD`` names the workload; the report, a list of tables in JSON, is written to
``BLOCKFACTOR_REPORT`` line by line as the runs end.
"""

import json
import os

import cocotb

from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.golden.trace import KINDS
from blockfactor.sim.core_bench import CoreBench
from blockfactor.sim.workload import Workload


def difference(golden, words, result, got_words) -> str | None:
    """Say where a run differs from the golden model's; None if nowhere."""
    expected = [(int(kind), int(word)) for kind, word in words]
    for n, (want, have) in enumerate(zip(expected, got_words)) if expected != got_words else ():
        if want != have:
            return (f"trace word {n}: {KINDS[have[0]]} {have[1]:#06x}, golden "
                    f"{KINDS[want[0]]} {want[1]:#06x}")
    if len(expected) != len(got_words):
        return f"trace has {len(got_words)} words, golden {len(expected)}"
    have = result.to_table()
    for name, want in golden.to_table().items():
        if have[name] != want:
            return f"{name} is {have[name]}, golden {want}"
    return None


@cocotb.test()
async def workload(dut):
    """Every item of the workload."""
    work = Workload.load(os.environ["BLOCKFACTOR_WORKLOAD"])
    config = work.config
    bench = CoreBench(dut, config, work.stall, work.seed)
    await bench.begin()
    model = loaded = None
    failures = 0
    with open(os.environ["BLOCKFACTOR_REPORT"], "w", encoding="utf-8") as report:
        for number, item in enumerate(work.items):
            if item.codebooks is not loaded:
                loaded = item.codebooks
                model = Factorizer(config, loaded)
                await bench.load_codebooks(loaded)
            query = item.query
            if item.elements is not None:
                bench.set_parameters(item.parameters)
                await bench.load_elements(item.elements)
                query = front_end(item.elements, config, **item.parameters.dense)
            else:
                await bench.load_query(query)
            found = await bench.explain(item.parameters)
            golden = model.explain(query, item.parameters, trace=True)
            for product, ((result, got), (want, words)) in enumerate(zip(found, golden)):
                problem = difference(want, words, result, got)
                if problem:
                    failures += 1
                    cocotb.log.error("query %d, product %d (kind %s, parameters %s): %s", number,
                                     product, item.kind, item.parameters, problem)
                table = {"number": number, "kind": item.kind, "truth": item.truth,
                         **result.to_table(), "difference": problem}
                if item.parameters.products > 1:
                    table |= {"product": product}
                report.write(json.dumps(table) + "\n")
                report.flush()
    assert not failures, f"{failures} results of {len(work.items)} runs differ from golden"
