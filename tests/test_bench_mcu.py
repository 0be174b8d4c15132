"""bench/mcu.py: software for microcontrollers gives golden's results; what is counted; the page."""

import ctypes
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blockfactor.config import CoreConfig
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import clean, damaged, soft
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

ROOT = Path(__file__).parents[1]
#: Shared by all runs: what is compiled is named after what it is made of.
FOLDER = ROOT / "build" / "mcu"
CPUS = ("cortex_m0plus", "cortex_m4")
EMULATOR = pytest.mark.needs_modules("unicorn", "ziglang", "elftools")
#: Factors, blocks, length, codevectors, list, histogram bits; entries of weight 0, small histograms
#: that saturate, and ones that 16 bits do not hold.
SHAPES = ((3, 4, 128, 64, 32, 11), (2, 4, 128, 100, 64, 12), (4, 4, 128, 16, 16, 12),
          (3, 8, 64, 32, 16, 4), (3, 4, 32, 20, 20, 6), (4, 8, 64, 12, 12, 8))
#: Largest codebook by factors: golden joins in no time.
LARGEST = {2: 100, 3: 25, 4: 10}


def _bench(name: str):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        return importlib.import_module(name)


def _problem(core: CoreConfig, engine: str, seed: int):
    """Codebooks, query and parameters; all that can be asked of both is."""
    rng = np.random.default_rng([seed, core.factors, core.blocks])
    most = min(core.max_codevectors, LARGEST[core.factors])
    sizes = tuple(int(size) for size in rng.integers(1, most + 1, core.factors))
    books = Codebooks.random(sizes, core.blocks, core.block_length, seed=seed)
    product = encode(books, tuple(int(rng.integers(size)) for size in sizes))
    kind = rng.choice(["clean", "soft", "damaged"])
    if kind == "soft":
        query = soft(product, core.block_length, rng.choice([2.0, 4.0]), rng, core.query_entries,
                     core.weight_bits, bool(rng.integers(2)))
    else:
        query = clean(product)
        if kind == "damaged":
            query = damaged(query, core.block_length, int(rng.integers(1, 3)), rng)
    known = tuple(int(rng.integers(size)) if rng.random() < .15 else -1 for size in sizes)
    parameters = RunParameters(
        sizes=sizes, mode=engine, threshold=int(rng.choice([0, 200, 400, 3000])),
        samples=int(rng.choice([0, 3, 8, 40])), rule=str(rng.choice(["min", "min", "sum"])),
        trim=int(rng.integers(3)), heads=int(rng.integers(1, 4)),
        level=int(rng.choice([192, 205, 256, 300])), patience=int(rng.integers(6)),
        max_iterations=int(rng.choice([0, 1, 20, 60])),
        max_tuples=int(rng.choice([0, 5, 1_000_000])), seed=int(rng.integers(2**32)), known=known)
    return books, query, parameters


def _memory(layout, shape, core, books, query, parameters):
    memory = layout.structure(shape)()
    layout.load_codebooks(memory, shape, [np.asarray(i, dtype=int) for i in books.indices])
    layout.load_parameters(memory, core, parameters)
    layout.load_query(memory, *query.arrays(core.query_entries))
    return memory


def _core(shape) -> CoreConfig:
    factors, blocks, length, codevectors, list_size, histogram = shape
    return CoreConfig(factors=factors, blocks=blocks, block_length=length, heads=3, tag_bits=8,
                      max_codevectors=codevectors, list_size=list_size, histogram_bits=histogram)


@pytest.mark.needs("g++")  # which brings gcc
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape)))
def test_results_and_traces_are_golden(shape):
    """Every field of the result and the trace's CRC, of 80 runs of each engine.

    Half of those of join have a table of pairs.
    """
    layout, build = _bench("_mcu_layout"), _bench("_mcu_build")
    core = _core(shape)
    size = layout.Shape.of(core)._replace(pairs=True)
    library = build.host_library(size, FOLDER)
    stops = set()
    for seed in range(160):
        engine = ("join", "factorize")[seed % 2]
        books, query, parameters = _problem(core, engine, seed)
        memory = _memory(layout, size, core, books, query, parameters)
        load, run = ("pairs_load", "pairs_join") if seed % 4 == 2 else ("join_load", engine)
        getattr(library, load)(ctypes.byref(memory))
        getattr(library, run)(ctypes.byref(memory))
        want = Factorizer(core, books).run(query, parameters)
        have = layout.answer(memory)
        assert have == {name: getattr(want, name) for name in have}, f"seed {seed}, {engine}"
        assert not np.ctypeslib.as_array(memory.weight).any(), f"seed {seed}: weights are left"
        assert not np.ctypeslib.as_array(memory.histogram).any(), f"seed {seed}: tuples are left"
        stops.add((engine, want.stop))
    assert len(stops) >= 5, stops  # of six


@pytest.fixture(scope="module")
def machines():
    """Both microcontrollers with the software that is measured, the shape, and its core."""
    layout, build, machine = map(_bench, ("_mcu_layout", "_mcu_build", "_mcu_machine"))
    core = preset("full").core
    shape = layout.Shape.of(core)._replace(pairs=True)
    return {cpu: machine.Machine(build.target_image(shape, cpu, FOLDER), cpu)
            for cpu in CPUS}, shape, core


@EMULATOR
@pytest.mark.parametrize("cpu", CPUS)
def test_results_in_the_emulator_are_golden(machines, cpu):
    """As compiled for a microcontroller, too."""
    layout = _bench("_mcu_layout")
    machine, shape, core = machines[0][cpu], *machines[1:]
    for seed in range(40):
        engine = ("join", "factorize")[seed % 2]
        books, query, parameters = _problem(core, engine, seed)
        memory = _memory(layout, shape, core, books, query, parameters.replace(heads=1 + seed % 2))
        machine.put(memory)
        load, run = ("pairs_load", "pairs_join") if seed % 8 in (2, 4) else ("join_load", engine)
        machine.call(load)
        machine.call(run)
        machine.get(memory)
        want = Factorizer(core, books).run(query, parameters.replace(heads=1 + seed % 2))
        have = layout.answer(memory)
        have.pop("crc")
        assert have == {name: getattr(want, name) for name in have}, f"seed {seed}, {engine}"


@EMULATOR
def test_instructions_are_those_of_an_armv6m(machines):
    """The M0+'s image has no others; that of the M4 shows that they would be found."""
    assert machines[0]["cortex_m0plus"].foreign() == []
    assert len(machines[0]["cortex_m4"].foreign()) > 100


@EMULATOR
@pytest.mark.parametrize("cpu", CPUS)
def test_counts_are_those_of_single_instructions(machines, cpu):
    """Counting blocks and counting instructions one by one is the same.

    But for those of an M4 whose condition does not hold: they take a cycle, and count.
    """
    from unicorn import UC_HOOK_CODE

    layout, build, machine = map(_bench, ("_mcu_layout", "_mcu_build", "_mcu_machine"))
    shape, core = machines[1:]
    # A new one: code that has been run is not translated again for another hook.
    fresh = machine.Machine(build.target_image(shape, cpu, FOLDER), cpu)
    steps = []
    fresh.emulator.hook_add(UC_HOOK_CODE, lambda uc, at, size, data: steps.append(at))
    for engine, seed in (("join", 2), ("factorize", 5)):
        books, query, parameters = _problem(core, engine, seed)
        parameters = parameters.replace(max_iterations=5, heads=2)
        fresh.put(_memory(layout, shape, core, books, query, parameters))
        fresh.call("join_load")
        steps.clear()
        count = fresh.call(engine)
        skipped = count.instructions - len(steps)
        assert 0 <= skipped <= (0 if cpu == "cortex_m0plus" else .1 * len(steps))
        assert 500 < len(steps) < count.cycles < 3 * len(steps)


@pytest.mark.parametrize("code, m0plus, m4", [
    ("40 1c 08 78 49 78", (3, 5, 0), (3, 4, 0)),  # adds; ldrb, ldrb
    ("fe d1", (1, 1, 1), (1, 1, 2)),  # bne
    ("fe e7", (1, 1, 1), (1, 1, 2)),  # b
    ("00 f0 00 f8", (1, 1, 2), (1, 1, 2)),  # bl
    ("70 47", (1, 1, 1), (1, 1, 2)),  # bx lr
    ("f0 bd", (1, 6, 2), (1, 6, 2)),  # pop {r4-r7, pc}
    ("f0 b5 70 c0", (2, 10, 0), (2, 10, 0)),  # push {r4-r7, lr}; stm r0!, {r4-r6}
    ("48 43", (1, 1, 0), (1, 1, 0)),  # muls
])
def test_cycles_of_instructions(code, m0plus, m4):
    """Number, cycles, and those more if the last one goes elsewhere."""
    thumb = _bench("_thumb")
    assert thumb.cost(bytes.fromhex(code), "cortex_m0plus") == m0plus
    assert thumb.cost(bytes.fromhex(code), "cortex_m4") == m4


@pytest.mark.parametrize("code, found", [
    ("00 f0 00 f8", []),  # bl
    ("ef f3 10 80", []),  # mrs
    ("bf f3 4f 8f", []),  # dsb
    ("08 b1", ["b108"]),  # cbz
    ("08 bf", ["bf08"]),  # it eq
    ("00 bf", []),  # nop
    ("91 fb f0 f0", ["fb91"]),  # sdiv
    ("00 f0 00 b8", ["f000"]),  # b.w
])
def test_instructions_of_others_are_found(code, found):
    """Those that an ARMv6-M lacks, and no others."""
    assert _bench("_thumb").foreign(bytes.fromhex(code)) == found


@EMULATOR
def test_driver_sends_what_the_registers_say():
    """The core's answer arrives; frames as docs/spi.md and the map have them, none more."""
    driver, points = _bench("_mcu_driver"), _bench("_mcu_points")
    system = points.board("icebreaker").system(front_end="spi")
    books = Codebooks.random((9, 9, 9), 4, 128, seed=5)
    parameters = preset("join").soft.replace(sizes=(9, 9, 9))
    there = driver.Driver(system, preset("join"), "cortex_m0plus", books, parameters, FOLDER)
    for seed in range(3):
        query = soft(encode(books, (seed, 8, 3)), 128, 4.0, np.random.default_rng(seed))
        found, exchange = there.run(query)
        assert found == Factorizer(system.core, books).run(query, parameters).indices
        entries = [min(16, left) for left in range(sum(map(len, query.entries)), 0, -16)]
        words = driver.entry_words(driver.register_map(system), query)
        assert sum(entries) == len(words)
        # The query; a look at the status.
        assert exchange.query == (*(2 + 4 * n for n in entries), 2)
        # INT_STATE twice, the status, nine registers of the result, CONTROL.
        assert exchange.result == (7, 6, 2, 2 + 5 * 9, 6)
        assert driver.least_bytes(system, query) == 2 + 4 * len(words) + 6 + 27 + 6
        assert 1000 < exchange.count.instructions < 10_000


@EMULATOR
def test_point(monkeypatch):
    """A whole point: figures are in order, and an answer that is not golden's is noticed."""
    points = _bench("_mcu_points")
    bench = points.Bench(FOLDER, ("cortex_m0plus",))
    row = bench.measure(points.Point("clean", 10), 3, 1)
    own = row["software"]["cortex_m0plus"]
    assert own["table"]["us"]["mean"] < own["meet"]["us"]["mean"] < own["factorize"]["us"]["mean"]
    for name, board in row["board"].items():
        transfer = board["transfer"]
        least = transfer["us"] + transfer["driver"]["cortex_m0plus"]["us"]
        # The last frame of the query is sent beside the run.
        beside = 8 * 2 / bench.sck(name) * 1e6
        run = row["core"]["join"]["mean"] / bench.systems[name].clock_hz * 1e6
        assert least - beside <= board["join"]["cortex_m0plus"]["mean"] <= least + run
    assert "factorize" not in row["board"]["icebreaker"]
    memory = points.Bench._run

    def wrong(self, cpu, way, given):
        found = memory(self, cpu, way, given)
        given.result.runner_up += 1
        return found

    monkeypatch.setattr(points.Bench, "_run", wrong)
    with pytest.raises(SystemExit, match="join, cortex_m0plus, query 0 of seed 1: runner_up"):
        bench.measure(points.Point("clean", 10), 1, 1)


def test_page_is_what_the_data_give():
    """And the data are of these sources."""
    data = json.loads((ROOT / "bench" / "data" / "mcu.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "mcu.md").read_text(encoding="utf-8")
    assert page == _bench("_mcu_page").text(data), "run python bench/mcu.py --page"
    assert data["queries"] >= 50
    assert data["sources"] == _bench("_mcu_build").digest(), "run python bench/mcu.py"


@pytest.mark.parametrize("arguments, message", [
    (("--queries", 0), "0 is not at least 1"),
    (("--seed", -1), "-1 is not at least 0"),
    (("--json", "no/such/folder/mcu.json"), "does not exist"),
])
def test_wrong_arguments_are_refused(arguments, message):
    """Before any work, in one line."""
    done = subprocess.run([sys.executable, ROOT / "bench" / "mcu.py", *map(str, arguments)],
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
