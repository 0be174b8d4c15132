"""Steps of the self-test that run queries, each result compared with the golden model's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .drivers.words import result_of
from .golden.codebook import Codebooks
from .golden.factorizer import Factorizer
from .golden.frontend import front_end
from .golden.query import Query
from .golden.result import Result
from .parameters import RunParameters
from .registers import RESULTS
from .selftest import SelfTestError, Trial
from .sim.workload import make_items

__all__ = ["STEPS"]

#: Most candidates of an exhaustive search, and what part of all queries is given to it.
SCANNED, SCAN_PART = 4000, 20
#: Share of the time from which on something is what limits the rate.
LIMITING = 0.7
#: Times that STATUS is read for a run to begin.
LOOKS = 500


@dataclass(frozen=True)
class _Group:
    """Queries with the same run parameters; dense ones are arrays, with what they turn into."""

    name: str
    parameters: RunParameters
    queries: list
    golden: list[Query]


def _books(trial: Trial) -> Codebooks:
    """Codebooks of full size; those of the step before, if they are there."""
    core = trial.device.core
    if trial.codebooks is None:
        trial.load(Codebooks.random((core.max_codevectors,) * core.factors, core.blocks,
                                    core.block_length, trial.seed), "crc")
    return trial.codebooks


def _dense(trial: Trial, parameters: RunParameters, count: int, seed: int) -> _Group:
    """Dense queries: noise, and a peak in each block where a codevector has it."""
    core = trial.device.core
    top = (1 << core.element_bits) - 1
    parameters = parameters.replace(dense_threshold=top // 2, dense_weights="linear")
    rng = np.random.default_rng(seed)
    made = make_items(core, parameters, "clean", count, seed, codebooks=trial.codebooks)
    queries = []
    for item in made:
        elements = rng.integers(0, top // 2, (core.blocks, core.block_length))
        for b, [(index, _)] in enumerate(item.query.entries):
            elements[b, index] = top
        elements[rng.integers(core.blocks), rng.integers(core.block_length)] = 3 * top // 4
        queries.append(elements)
    return _Group("dense", parameters, queries,
                  [front_end(q, core, **parameters.dense) for q in queries])


def _groups(trial: Trial) -> Iterator[_Group]:
    """All queries: for each mode, each kind that the core takes."""
    core = trial.device.core
    kinds = ["clean", "soft", "damaged", "known"] + ["dense"] * bool(core.element_bits)
    scans = trial.count // SCAN_PART if "scan" in core.modes else 0
    plan = [(mode, kind) for mode in core.modes if mode != "scan" for kind in kinds]
    each, more = divmod(trial.count - scans, len(plan))
    shares = [(mode, kind, each + (n < more)) for n, (mode, kind) in enumerate(plan)]
    shares.append(("scan", "soft", scans))
    for number, (mode, kind, count) in enumerate(shares):
        if not count:
            continue
        seed = trial.seed + 1000 * number
        parameters = trial.parameters("clean" if kind in ("known", "dense") else kind).replace(
            mode=mode, seed=seed)
        if kind == "known":
            known = [-1] * core.factors
            known[number % core.factors] = int(
                np.random.default_rng(seed).integers(parameters.sizes[number % core.factors]))
            parameters = parameters.replace(known=tuple(known))
        if mode == "scan":
            parameters = parameters.replace(max_tuples=SCANNED)
        if kind == "dense":
            group = _dense(trial, parameters, count, seed)
        else:
            made = make_items(core, parameters, "clean" if kind == "known" else kind, count, seed,
                              trial.margin, codebooks=trial.codebooks)
            queries = [item.query for item in made]
            group = _Group(kind, parameters, queries, queries)
        yield _Group(f"{mode}, {kind}", group.parameters, group.queries, group.golden)


def _compare(trial: Trial, what: str, found: Result, want: Result) -> None:
    """Raise SelfTestError where a field of a result differs."""
    table = found.to_table()
    for name, value in want.to_table().items():
        if name == "similarities" and "factorize" not in trial.device.core.engines:
            continue  # the device does not have them
        if table[name] != value:
            raise SelfTestError(f"{what}: {name} is {table[name]}, expected is {value}")


def factorizations(trial: Trial) -> str:
    """Queries of all kinds, two in the device at a time."""
    device = trial.device
    model = Factorizer(device.core, _books(trial))
    state = trial.registers["INT_STATE"]
    done, names = 0, []
    for group in _groups(trial):
        device.parameters = group.parameters
        trial.write("INT_STATE", state.write_mask)
        results = device.stream(group.queries)
        for number, ((_, found), query) in enumerate(zip(results, group.golden)):
            _compare(trial, f"query {number} of {group.name}", found,
                     model.run(query, group.parameters))
            done += 1
            trial.told(done, trial.count)
        trial.expect(f"INT_STATE after {group.name}", trial.read("INT_STATE")[0],
                     state.pack(result=1, idle=1))
        names.append(group.name)
    if device.errors():
        raise SelfTestError(f"errors noted after right queries: {', '.join(device.errors())}")
    trial.figures = {"queries": done, "groups": names}
    return f"{done} equal to the golden model in all fields: {'; '.join(names)}"


def _oldest(trial: Trial) -> tuple[Result, int]:
    """The oldest result and the core's errors it carries; on to the next."""
    names = [r.name for r in trial.registers if r.name.startswith("RESULT")]
    words = {name: trial.read(name)[0] for name in names}
    trial.write("CONTROL", trial.registers["CONTROL"].pack(pop=1))
    return (result_of(trial.registers, words)[1],
            trial.registers["RESULT"].unpack(words["RESULT"])["errors"])


def _until_result(trial: Trial) -> None:
    trial.device._until(lambda status: status["results"] > 0, "a result")


def refused_query(trial: Trial) -> str:
    """A query with a weight of 0 is refused with its run, the next one is run."""
    device = trial.device
    model = Factorizer(device.core, _books(trial))
    group = next(_groups(trial))
    device.parameters = group.parameters
    entry = trial.registers["QUERY_ENTRY"]
    trial.write("QUERY_ENTRY", entry.pack(weight=1), entry.pack(index=1, last=1), stay=True)
    _until_result(trial)
    result, errors = _oldest(trial)
    bad = trial.registers["ERRORS"].pack(bad_query=1)
    if result.stop != "error":
        raise SelfTestError(f"a query with weight 0 ends as {result.stop}, expected is error")
    if not errors & bad:
        raise SelfTestError(f"RESULT.errors of a query with weight 0 is {errors:#x}, expected is "
                            "bad_query")
    noted = trial.read("ERRORS")[0]
    # No query is loaded then, which its run finds, too.
    if not noted & bad:
        raise SelfTestError(f"ERRORS after a query with weight 0 is {noted:#010x}, without "
                            "bad_query")
    device.clear_errors()
    trial.expect("ERRORS after it was cleared", trial.read("ERRORS")[0], 0)
    device.reset()
    device.submit(group.queries[0])
    _compare(trial, "the query after a refused one", device.result(),
             model.run(group.golden[0], group.parameters))
    return "refused with bad_query; the next one is right"


def abort(trial: Trial) -> str:
    """A long run is ended before its time, and the next query is run."""
    device = trial.device
    core = device.core
    model = Factorizer(core, _books(trial))
    group = next(_groups(trial))
    # A score above the largest is never accepted.
    long = group.parameters.replace(
        level=511, mode="factorize" if "factorize" in core.engines else "scan",
        max_iterations=0xFFFF, max_tuples=0xFFFF_FFFF,
        sizes=(core.max_codevectors,) * core.factors)
    device.parameters = long
    device.submit(group.queries[0])
    control = trial.registers["CONTROL"]
    trial.write("CONTROL", *[control.pack(start=1)] * (RESULTS - 1), stay=True)
    # After a reset the core is busy with itself for some hundred cycles: many looks on a fast bus.
    looks = (device.status() for _ in range(LOOKS))
    running = next((s for s in looks if s["running"] or s["results"] == RESULTS),
                   {"running": 0})["running"]
    device.abort()
    after = device.status()["results"]
    if not running or after == RESULTS:
        detail = "nothing to abort: runs end before the command comes"
    else:
        for number in range(RESULTS):
            _until_result(trial)
            result, _ = _oldest(trial)
            if result.stop == "aborted":
                detail = f"run {number} of {RESULTS} aborted after {result.cycles:,} cycles"
                break
            _compare(trial, f"run {number} before the abort", result,
                     model.run(group.golden[0], long))
        else:
            raise SelfTestError(f"none of {RESULTS} runs was aborted, though one went on")
        trial.figures = {"run": number, "cycles": result.cycles}
    device.reset()
    device.parameters = group.parameters
    device.submit(group.queries[0])
    _compare(trial, "the query after an abort", device.result(),
             model.run(group.golden[0], group.parameters))
    return f"{detail}; the next one is right"


class _Counted:
    """A line whose bytes are counted."""

    def __init__(self, line):
        self.line, self.bytes = line, 0

    def write(self, data: bytes):
        self.bytes += len(data)
        return self.line.write(data)

    def read(self, count: int, timeout_s: float) -> bytes:
        data = self.line.read(count, timeout_s)
        self.bytes += len(data)
        return data


@contextmanager
def _counting(trial: Trial) -> Iterator[_Counted | None]:
    """Count bytes over the serial line, if there is one."""
    link = getattr(trial.device.transport, "link", None)
    if link is None:
        yield None
        return
    line, link.transport = link.transport, _Counted(link.transport)
    try:
        yield link.transport
    finally:
        link.transport = line


def throughput(trial: Trial) -> str:
    """Queries a second with two in the device, and what keeps it from more."""
    device = trial.device
    model = Factorizer(device.core, _books(trial))
    parameters = trial.parameters("clean").replace(mode="auto")
    made = make_items(device.core, parameters, "clean", trial.count, trial.seed + 7,
                      codebooks=trial.codebooks)
    device.parameters = parameters
    found = []
    with _counting(trial) as line:
        begin = trial.seconds()
        for _, result in device.stream(item.query for item in made):
            found.append(result)
            trial.told(len(found), len(made))
        took = max(trial.seconds() - begin, 1e-9)
    for number, (result, item) in enumerate(zip(found, made)):
        _compare(trial, f"query {number}", result, model.run(item.query, parameters))
    cycles = sum(result.cycles for result in found) / len(found)
    rate = len(found) / took
    trial.figures = {"queries_per_second": rate, "cycles": cycles}
    detail = f"{rate:,.1f} queries/s, {cycles:,.0f} cycles each"
    if line is not None:
        trial.figures["bytes"] = line.bytes / len(found)
        detail += f", {line.bytes / len(found):,.0f} bytes over the line"
    if not trial.real:
        return f"{detail}; not at a device's speed: this is none"
    engine = rate * cycles / device.system.clock_hz
    trial.figures["engine_share"] = engine
    detail += f"; engine runs {engine:.1%} of the time"
    share = 0.0
    if line is not None and trial.baud is not None:
        trial.figures["line_share"] = share = 10 * line.bytes / trial.baud / took
        detail += f", the line {share:.1%}"
    limit = ("the engine limits" if engine >= LIMITING else "the line limits"
             if share >= LIMITING else "neither limits, but what is between: adapter, this program")
    return f"{detail}; {limit}"


#: The steps, in order.
STEPS = (("factorizations", factorizations), ("refused query", refused_query), ("abort", abort),
         ("throughput", throughput))
