"""What bench/mcu.py measures: microcontrollers, boards, queries, and one point of them."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _mcu_build import BOARDS, CPUS, systems, target_image
from _mcu_driver import Driver, least_bytes
from _mcu_layout import (
    Shape,
    answer,
    load_codebooks,
    load_parameters,
    load_query,
    size_of,
    structure,
)
from _mcu_machine import Machine

from blockfactor.boards.catalogue import board
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.golden.query import Query, clean_batch, soft_batch
from blockfactor.golden.result import STOPS
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

__all__ = ["BOARDS", "ENGINES", "FUNCTIONS", "MCUS", "POINTS", "SPI_HZ", "Bench", "Point"]


class Mcu(NamedTuple):
    """A microcontroller's name, clock in Hz, and cycles from an interrupt to its handler."""

    name: str
    clock: int
    interrupt: int


#: The M0+ is an RP2040's; cycles to a handler are those of the technical reference manuals.
MCUS = {"cortex_m0plus": Mcu("Cortex-M0+", 125_000_000, 15),
        "cortex_m4": Mcu("Cortex-M4", 100_000_000, 12)}
#: Wanted of SCK; a core takes a quarter of its clock.
SPI_HZ = 10_000_000
SPI_DIVISOR = 4
ENGINES = ("join", "factorize")
#: Functions of software that gives an engine's results: what prepares codebooks, and a run.
FUNCTIONS = {"join": ("join_load", "join"), "pairs": ("pairs_load", "pairs_join"),
             "factorize": (None, "factorize")}
MARGIN = 4.0
#: log2 of the slots of the hash table of products, where they fit the RAM.
TABLE_BITS = {10: 11, 22: 14}


class Point(NamedTuple):
    """Queries of one kind from codebooks of one size."""

    kind: str
    size: int

    @property
    def title(self) -> str:
        """For the tables."""
        return f"{self.kind} M={self.size}"

    def parameters(self, engine: str) -> RunParameters:
        """As in bench/software.py: published A and T for clean queries, those of preset demo else.

        Trimming is left out at M=49, where it does not help.
        """
        sizes = (self.size,) * 3
        if self.kind == "soft":
            tuned = {"trim": 0} if self.size > 32 else {}
            return preset("demo").soft.replace(sizes=sizes, mode=engine, **tuned)
        join = RunParameters(sizes=sizes, mode="join", level=256, heads=1)
        if engine == "join":
            return join
        samples, threshold = published_parameters(512, 3, 4, self.size)
        return join.replace(mode="factorize", samples=samples, threshold=round(threshold * 65536),
                            max_iterations=self.size ** 2 // 3)

    def problems(self, number: int, seed: int):
        """Codebooks [n, F, M, B], true tuples, index and weight [n, B, s], seeds."""
        rng = np.random.default_rng([seed, self.size, self.kind == "soft"])
        codes = rng.integers(0, 128, (number, 3, self.size, 4))
        truth = rng.integers(0, self.size, (number, 3))
        product = np.take_along_axis(codes, truth[:, :, None, None], 2)[:, :, 0].sum(axis=1) % 128
        index, weight = (soft_batch(product, 128, MARGIN, rng) if self.kind == "soft"
                         else clean_batch(product))
        return codes, truth, index, weight, rng.integers(1, 2**32, number)


#: All points, in the order of the tables.
POINTS = tuple(Point(kind, size) for kind in ("clean", "soft") for size in (10, 22, 49))


def _spread(values) -> dict[str, float]:
    """Mean and 99 % point."""
    return {"mean": float(np.mean(values)), "p99": float(np.percentile(values, 99))}


class Bench:
    """Machines and drivers, made once.

    Parameters
    ----------
    folder : Path
        For what is compiled; what is there already is not compiled again.
    cpus : tuple of str
        Of :data:`MCUS`.
    """

    def __init__(self, folder: Path, cpus: tuple[str, ...] = CPUS):
        self.folder, self.cpus = folder, cpus
        self.systems = systems()
        #: The core whose numbers the software gives: it has both engines.
        self.core = self.systems["ulx3s-25f"].core
        self.shape = Shape.of(self.core)._replace(pairs=True)
        self.machines = {cpu: Machine(target_image(self.shape, cpu, folder), cpu) for cpu in cpus}
        self._drivers = {}
        self._exchanges = {}

    def sck(self, name: str) -> float:
        """Clock of the SPI of a board, in Hz."""
        return min(SPI_HZ, self.fastest_sck(name))

    def fastest_sck(self, name: str) -> float:
        """The same as the core allows, in Hz."""
        return self.systems[name].clock_hz / SPI_DIVISOR

    def exchange(self, name: str, cpu: str, query: Query):
        """What the driver of a board takes for a query: that depends on its entries' number."""
        key = name, cpu, tuple(len(block) for block in query.entries)
        if key not in self._exchanges:
            if key[:2] not in self._drivers:
                books = Codebooks.random((4,) * 3, 4, 128, seed=1)
                parameters = RunParameters(sizes=(4,) * 3, mode="join", level=205)
                self._drivers[key[:2]] = Driver(self.systems[name], preset(board(name).preset), cpu,
                                                books, parameters, self.folder)
            self._exchanges[key] = self._drivers[key[:2]].run(query)[1]
        return self._exchanges[key]

    def latency(self, name: str, cpu: str, query: Query, cycles: int, sck: float) -> float:
        """Seconds from a query in the microcontroller's memory to its result there.

        The run begins with the query's last word; the frame in which the driver then looks at the
        status is sent beside it. ``sck`` is in Hz.
        """
        exchange, mcu = self.exchange(name, cpu, query), MCUS[cpu]
        *before, beside = (8 * count / sck for count in exchange.query)
        run = max(cycles / self.systems[name].clock_hz, beside)
        own = (exchange.count.cycles + mcu.interrupt) / mcu.clock
        return own + sum(before) + run + 8 * sum(exchange.result) / sck

    def measure(self, point: Point, number: int, seed: int, advance=lambda: None) -> dict:
        """Figures of a point; ``advance()`` is told of every query and engine that is done.

        Raises
        ------
        SystemExit
            Software gives another result than the golden model.
        """
        codes, truth, index, weight, seeds = point.problems(number, seed)
        queries = [Query.from_arrays(i, w) for i, w in zip(index, weight)]
        row = {"kind": point.kind, "size": point.size, "entries": float(np.mean(
            [sum(len(block) for block in query.entries) for query in queries])),
            "right": {}, "core": {}, "software": {cpu: {} for cpu in self.cpus},
            "board": {name: {} for name in BOARDS}, "fastest": {name: {} for name in BOARDS}}
        for engine in ENGINES:
            parameters = point.parameters(engine)
            found = {}
            for name, system in self.systems.items():
                if engine in system.core.engines:
                    found[name] = factorize_many(system.core, codes, index, weight, parameters,
                                                 seeds)
                    for part, sck in (("board", self.sck(name)),
                                      ("fastest", self.fastest_sck(name))):
                        row[part][name][engine] = {cpu: _spread([
                            self.latency(name, cpu, query, cycles, sck) * 1e6
                            for query, cycles in zip(queries, found[name].cycles.tolist())])
                            for cpu in self.cpus}
            want = found["ulx3s-25f"]
            right = (want.indices == truth).all(axis=1)
            if point.kind == "clean":
                bound = np.take_along_axis(codes, want.indices[:, :, None, None], 2)[:, :, 0]
                right = (bound.sum(axis=1) % 128 == index[:, :, 0]).all(axis=1)
            row["right"][engine] = float(right.mean())
            row["core"][engine] = _spread(want.cycles)
            ways = ("join", "pairs") if engine == "join" else (engine,)
            for cpu, way in itertools.product(self.cpus, ways):
                counts = []
                for n in range(number):
                    memory = self._memory(codes[n], index[n], weight[n],
                                          parameters.replace(seed=int(seeds[n])))
                    counts.append(self._run(cpu, way, memory))
                    self._compare(f"{point.title}, {way}, {cpu}, query {n} of seed {seed}",
                                  memory, want, n)
                    advance()
                row["software"][cpu][way] = self._figures(cpu, counts)
        if point.kind == "clean":
            for cpu in self.cpus:
                row["software"][cpu] |= self._clean(point, cpu, codes, index)
        for name in BOARDS:
            row["board"][name]["transfer"] = self._transfer(name, queries)
        return row

    def _memory(self, codes, index, weight, parameters, shape: Shape | None = None):
        memory = structure(shape or self.shape)()
        load_codebooks(memory, shape or self.shape, codes)
        load_query(memory, index, weight)
        if parameters:
            load_parameters(memory, self.core, parameters)
        return memory

    def _run(self, cpu: str, way: str, memory):
        machine = self.machines[cpu]
        machine.put(memory)
        load, run = FUNCTIONS[way]
        load = machine.call(load) if load else None
        count = machine.call(run)
        machine.get(memory)
        return count, load

    @staticmethod
    def _compare(what: str, memory, want, n: int) -> None:
        have = answer(memory)
        have.pop("crc")
        for name, value in have.items():
            expected = {"stop": STOPS[want.stop[n]]}.get(name)
            if expected is None:
                expected = getattr(want, name)[n].tolist()
            if (list(value) if isinstance(value, tuple) else value) != expected:
                raise SystemExit(f"{what}: {name} is {value}, golden's is {expected}")

    @staticmethod
    def _figures(cpu: str, counts) -> dict:
        found = {"instructions": _spread([c.instructions for c, _ in counts]),
                 "cycles": _spread([c.cycles for c, _ in counts]),
                 "us": _spread([c.cycles / MCUS[cpu].clock * 1e6 for c, _ in counts])}
        if counts[0][1]:
            found["load_us"] = float(np.mean([load.cycles for _, load in counts])
                                     / MCUS[cpu].clock * 1e6)
        return found

    def _clean(self, point: Point, cpu: str, codes, index) -> dict:
        """Searches that only clean queries have."""
        found = {}
        machine, shape = self.machines[cpu], self.shape
        ways = [("meet", "join_load", machine, shape), ("meet_pairs", "pairs_load", machine, shape)]
        if point.size in TABLE_BITS:
            shape = Shape.of(self.core.replace(max_codevectors=32), TABLE_BITS[point.size])
            ways.append(("table", "table_load",
                         Machine(target_image(shape, cpu, self.folder), cpu), shape))
        for name, load, machine, shape in ways:
            counts = []
            # Building a table takes long, and a look-up is one like another.
            for n in range(len(codes) if name != "table" else min(len(codes), 10)):
                memory = self._memory(codes[n], index[n], np.ones_like(index[n]), None, shape)
                machine.put(memory)
                loading = machine.call(load)
                counts.append((machine.call(name), loading))
                machine.get(memory)
                tuple_ = answer(memory)["indices"]
                if (sum(codes[n, f, tuple_[f]] for f in range(3)) % 128 != index[n, :, 0]).any():
                    raise SystemExit(f"{point.title}, {name}, {cpu}: tuple {tuple_} does not bind "
                                     f"to query {n}")
            found[name] = self._figures(cpu, counts)
        return found

    def _transfer(self, name: str, queries: list[Query]) -> dict:
        """Bytes and the processor's part, as means."""
        system, found = self.systems[name], {}
        per = {cpu: [self.exchange(name, cpu, query) for query in queries] for cpu in self.cpus}
        found["bytes"] = float(np.mean([e.bytes for e in per[self.cpus[0]]]))
        found["least_bytes"] = float(np.mean([least_bytes(system, query) for query in queries]))
        for key, value in list(found.items()):
            found[key.replace("bytes", "us")] = value * 8 / self.sck(name) * 1e6
        found["driver"] = {cpu: {
            "instructions": float(np.mean([e.count.instructions for e in exchanges])),
            "cycles": float(np.mean([e.count.cycles for e in exchanges])),
            "us": float(np.mean([e.count.cycles + MCUS[cpu].interrupt for e in exchanges])
                        / MCUS[cpu].clock * 1e6)} for cpu, exchanges in per.items()}
        return found

    def memory(self) -> dict:
        """Bytes by program: RAM by codebook size, and for each microcontroller flash and stack."""
        flash = {name: {cpu: Machine(target_image(self.shape, cpu, self.folder, (f"{name}.c",)),
                                     cpu).flash for cpu in self.cpus} for name in ENGINES}
        stack = {cpu: machine.stack for cpu, machine in self.machines.items()}
        ram = {}
        for size in sorted({point.size for point in POINTS}):
            # What lists and codebooks need with that many codevectors.
            shape = self.shape._replace(codevectors=size, list_size=min(size, 32))
            common = size_of(shape, "books.size", "books.code", "parameters", "query", "result",
                             "weight")
            ram[str(size)] = {
                "join": common + size_of(shape, "books.head", "books.next", "books.column"),
                "pairs": common + size_of(shape, "books.head", "books.next", "books.column",
                                          "start", "pair"),
                "factorize": common + size_of(shape, "histogram", "list"),
                **({"table": 2 << TABLE_BITS[size]} if size in TABLE_BITS else {})}
        drivers = {name: {cpu: driver.machine.flash for (where, cpu), driver in
                          self._drivers.items() if where == name} for name in BOARDS}
        return {"ram": ram, "flash": flash, "stack": stack, "driver_flash": drivers,
                "driver_stack": max((d.machine.stack for d in self._drivers.values()), default=0)}
