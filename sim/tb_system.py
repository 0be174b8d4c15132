"""Runs on a whole system, through its bus; what each test is for is told by its name.

``BLOCKFACTOR_JOB`` names a pickled table: ``system`` (SystemConfig), ``seed``, ``options`` (of the
bus's model), and ``items`` (of sim/workload.py) or ``accesses``, their number.
``BLOCKFACTOR_REPORT`` gets the results as JSON.
"""

import json
import os
import pickle

import cocotb
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.frontend import front_end
from blockfactor.sim.core_bench import PERIOD_NS
from blockfactor.sim.operations import Operations
from blockfactor.sim.system_bench import SystemBench
from blockfactor.sim.tb_workload import difference


async def begin(dut) -> tuple[dict, SystemBench]:
    """The job and a bench of it."""
    with open(os.environ["BLOCKFACTOR_JOB"], "rb") as stream:
        job = pickle.load(stream)
    bench = SystemBench(dut, job["system"], job["seed"], **job["options"])
    await bench.begin()
    return job, bench


def report(rows: list[dict]) -> None:
    """Write what the test found out."""
    with open(os.environ["BLOCKFACTOR_REPORT"], "w", encoding="utf-8") as stream:
        json.dump(rows, stream)


@cocotb.test()
async def workload(dut):
    """Every item, one after the other; results and CRCs are those of the golden model."""
    job, bench = await begin(dut)
    core, rows, loaded = job["system"].core, [], None
    for number, item in enumerate(job["items"]):
        if item.codebooks is not loaded:
            loaded, model = item.codebooks, Factorizer(core, item.codebooks)
            await bench.load_codebooks(loaded)
        await bench.set_parameters(item.parameters)
        await bench.load(item)
        await bench.until_stored(number + 1)
        tag, result = await bench.result()
        query = item.query
        if item.elements is not None:
            query = front_end(item.elements, core, **item.parameters.dense)
        golden, words = model.run(query, item.parameters, trace=True)
        rows.append({"number": number, "kind": item.kind, "truth": item.truth, "tag": tag,
                     **result.to_table(), "difference": difference(golden, words, result, [
                         (int(kind), int(word)) for kind, word in words])})
    report(rows)


@cocotb.test()
async def explain(dut):
    """Every bundle; a run's results come one after the other, and then no query is loaded."""
    job, bench = await begin(dut)
    core, rows, loaded = job["system"].core, [], None
    for number, item in enumerate(job["items"]):
        if item.codebooks is not loaded:
            loaded, model = item.codebooks, Factorizer(core, item.codebooks)
            await bench.load_codebooks(loaded)
        await bench.set_parameters(item.parameters)
        await bench.load(item)
        for golden, words in model.explain(item.query, item.parameters, trace=True):
            await bench.until_stored(len(rows) + 1)
            tag, result = await bench.result()
            # The bus sees no trace: its CRC stands for it.
            words = [(int(kind), int(word)) for kind, word in words]
            rows.append({"number": number, "tag": tag, **result.to_table(),
                         "difference": difference(golden, words, result, words)})
        status = await bench.read("STATUS")
        assert (status["results"], status["loaded"]) == (0, item.parameters.products == 1)
    report(rows)


@cocotb.test()
async def two_in_flight(dut):
    """Queries as fast as the bus takes them: the next one is written while one runs."""
    job, bench = await begin(dut)
    items = job["items"]
    await bench.load_codebooks(items[0].codebooks)
    await bench.set_parameters(items[0].parameters)
    rows = []
    begun = get_sim_time("ns")
    await bench.load(items[0])
    for number in range(len(items)):
        if number + 1 < len(items):
            await bench.load(items[number + 1])
        await bench.until_stored(number + 1)
        tag, result = await bench.result()
        rows.append({"tag": tag, **result.to_table()})
    elapsed = round((get_sim_time("ns") - begun) / PERIOD_NS)
    report([{"elapsed": elapsed, "results": rows}])


@cocotb.test()
async def random_operations(dut):
    """Legal and illegal operations in any order, with resets in between."""
    job, bench = await begin(dut)
    operations = Operations(bench, job["seed"])
    counts = await operations.run(job["accesses"])
    # And it still works.
    await operations.recover()
    for _ in range(3):
        await RisingEdge(dut.clk)
    report([counts])
