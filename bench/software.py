"""Where a PC's hash look-up or plain scan wins: one thread of this machine beside the core.

Microseconds of processor time a query of compiled software, each the median over sets of codebooks
of a set's mean:

table   hash table of all M^F products; for a soft query up to 1000 of them in order of score, then
        join where none is there
middle  hash table of the last factor's codevectors, and a loop over the other factors' tuples; of a
        soft query only the peaks are looked up
scan    scores every tuple until one is accepted
join    the join engine's method, written for a PC
golden  the golden model of the engines, which counts cycles as well

The core's times are the golden model's mean cycles divided by the clock: without transfer of the
query, and whether or not the problem fits a part of that clock. Exit status 1 if a method that is
exact gives a tuple that does not bind to a clean query.
"""

import argparse
import json
import statistics
import sys
import time
from typing import NamedTuple

import numpy as np
from _arguments import count, new_file, seed
from _searches import WAYS
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.config import LANES, CoreConfig
from blockfactor.golden._jit import COMPILED
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.golden.query import clean_batch, soft_batch
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

#: What a method may lose against the scan and still count as its equal.
LOSS = .01


class Case(NamedTuple):
    """A kind of problem; margin 0 means clean queries."""

    factors: int
    size: int
    blocks: int = 4
    margin: float = 0
    #: Where the parameters of factorize for soft queries are from, with some changed.
    preset: str = ""
    tuned: dict | None = None

    @property
    def title(self) -> str:
        """For the tables."""
        return (f"soft {self.margin:g}" if self.margin else "clean") + (
            f", F={self.factors} M={self.size} B={self.blocks}")

    @property
    def length(self) -> int:
        """Block length, a power of two."""
        return 512 // self.blocks


#: Published settings with clean queries, and soft queries of bench/join.py.
CASES = (
    *(Case(3, size) for size in (10, 22, 49, 110)),
    Case(2, 1155),
    Case(3, 22, margin=4, preset="demo"),
    Case(3, 49, margin=4, preset="demo", tuned={"trim": 0}),
    # As in bench/join.py: the preset's own are for M=32.
    Case(3, 22, 8, 3, "robust", {"samples": 6, "threshold": round(.009 * 65536), "trim": 2}),
)


#: The core's.
ENGINES = ("join", "factorize")


def problem(case: Case, number: int, rng: np.random.Generator):
    """A codebook [F, M, B], and ``number`` queries: their tuples, indices and weights (int64)."""
    codes = rng.integers(0, case.length, (case.factors, case.size, case.blocks))
    truth = rng.integers(0, case.size, (number, case.factors))
    product = codes[np.arange(case.factors), truth].sum(axis=1) % case.length
    index, weight = (soft_batch(product, case.length, case.margin, rng) if case.margin
                     else clean_batch(product))
    return codes, truth, index.astype(np.int64), weight.astype(np.int64)


def engine_parameters(case: Case) -> dict[str, RunParameters]:
    """Parameters of both engines: published A and T for clean queries, a preset's for others."""
    sizes = (case.size,) * case.factors
    level, heads = (205, 2) if case.margin else (256, 1)
    join = RunParameters(sizes=sizes, mode="join", level=level, heads=heads)
    if case.margin:
        factorize = preset(case.preset).soft.replace(sizes=sizes, mode="factorize", level=level,
                                                     **case.tuned or {})
    else:
        samples, threshold = published_parameters(512, case.factors, case.blocks, case.size)
        factorize = RunParameters(sizes=sizes, mode="factorize", samples=samples,
                                  threshold=round(threshold * 65536),
                                  max_iterations=case.size ** (case.factors - 1) // case.factors)
    return {"join": join, "factorize": factorize}


def _is_right(case: Case, codes, truth, index, found) -> np.ndarray:
    """Whether tuples are the true ones or, of clean queries, any that bind to them."""
    if case.margin:
        return (found == truth).all(axis=1)
    bound = codes[np.arange(case.factors), found].sum(axis=1) % case.length
    return (bound == index[:, :, 0]).all(axis=1) & (found >= 0).all(axis=1)


def measure(case: Case, args: argparse.Namespace, advance) -> dict:
    """Figures of one case; ``advance()`` is told of every set that is done."""
    core = CoreConfig(factors=case.factors, blocks=case.blocks, block_length=case.length,
                      max_codevectors=case.size, lanes=args.lanes,
                      list_size=256 if case.factors == 2 else min(case.size, 32))
    engines = engine_parameters(case)
    level, heads = engines["join"].level, engines["join"].heads
    names = (*WAYS, *(f"golden {name}" for name in ENGINES))
    times, builds, right = ({name: [] for name in names} for _ in range(3))
    cycles = {name: [] for name in ENGINES}
    size = dict.fromkeys(names)
    rng = np.random.default_rng([args.seed, case.factors, case.size, case.blocks])
    # The first, small set compiles everything, and is not kept.
    for number in (2, *(args.queries,) * args.sets):
        codes, truth, index, weight = problem(case, number, rng)
        seeds = rng.integers(1, 2**32, number)
        for name in names:
            began = time.thread_time()
            if name in WAYS:
                build, search = WAYS[name]
                built = build(codes, case.length)
                size[name] = sum(part.nbytes for part in built if isinstance(part, np.ndarray))
                builds[name].append((time.thread_time() - began) * 1000)
                began = time.thread_time()
                found = search(*built, index, weight, level, heads)
                taken = time.thread_time() - began
            else:
                engine = name.split()[1]
                batch = factorize_many(core, codes[None], index, weight, engines[engine], seeds)
                taken = time.thread_time() - began
                found = batch.indices
                cycles[engine].append(batch.cycles)
            times[name].append(taken / number * 1e6)
            right[name].append(_is_right(case, codes, truth, index, found))
        if number == args.queries and len(times["table"]) > 1:
            advance()
    row = {"problem": case.title, "ways": {}, "core": {}}
    for name in names:
        kept = times[name][1:]
        row["ways"][name] = {
            "us": statistics.median(kept), "range": [min(kept), max(kept)],
            "right": float(np.concatenate(right[name][1:]).mean())}
        if name in WAYS:
            row["ways"][name] |= {"build_ms": statistics.median(builds[name][1:]),
                                  "bytes": size[name]}
    for name in ENGINES:
        counts = np.concatenate(cycles[name][1:])
        mean = float(counts.mean())
        row["core"][name] = {"cycles": mean, "p99": float(np.percentile(counts, 99)),
                             "us": {str(mhz): mean / mhz for mhz in args.mhz}}
    ways = row["ways"]
    equal = [name for name in WAYS if ways[name]["right"] >= ways["scan"]["right"] - LOSS]
    row["best"] = min(equal, key=lambda name: ways[name]["us"])
    row["ratio"] = {mhz: us / ways[row["best"]]["us"]
                    for mhz, us in row["core"]["join"]["us"].items()}
    row["wrong"] = [] if case.margin else [name for name in names if name != "golden factorize"
                                           and ways[name]["right"] < 1]
    return row


def _number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _bytes(value: int) -> str:
    return f"{_number(value / 2**20)} MiB" if value >= 2**20 else f"{_number(value / 2**10)} KiB"


def show(rows: list[dict], args: argparse.Namespace) -> None:
    """Print the figures as tables."""
    console = Console(width=140)
    table = Table(title=f"microseconds a query, {args.sets} sets of codebooks, {args.queries} "
                        f"queries each; core: cycles / MHz, lanes: {args.lanes}")
    table.add_column("problem", no_wrap=True)
    for name in (*rows[0]["ways"], *(f"core {e} {mhz} MHz" for e in ENGINES for mhz in args.mhz)):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row["problem"], *(_number(way["us"]) for way in row["ways"].values()),
                      *(_number(us) for e in ENGINES for us in row["core"][e]["us"].values()))
    console.print(table)
    table = Table(title="share of right answers; core's join / fastest software as right as scan")
    for name in ("problem", *rows[0]["ways"], "fastest",
                 *(f"ratio {mhz} MHz" for mhz in args.mhz)):
        table.add_column(name, justify="left" if name == "problem" else "right")
    for row in rows:
        table.add_row(row["problem"], *(f"{way['right']:.3f}" for way in row["ways"].values()),
                      row["best"], *(_number(ratio) for ratio in row["ratio"].values()))
    console.print(table)
    table = Table(title="building for a set of codebooks, and memory with the codebooks")
    table.add_column("problem")
    for name in WAYS:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row["problem"], *(f"{_number(way['build_ms'])} ms, {_bytes(way['bytes'])}"
                                        for way in map(row["ways"].get, WAYS)))
    console.print(table)
    for row in rows:
        if row["wrong"]:
            console.print(f"{row['problem']}: wrong answers: {', '.join(row['wrong'])}")


def main() -> int:
    """Print the figures; returns 1 if an exact method is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/software.py --sets 9 --mhz 30 80 --json software.json")
    parser.add_argument("--queries", type=count, default=400, help="per set of codebooks (400)")
    parser.add_argument("--sets", type=count, default=5, help="sets of codebooks (5)")
    parser.add_argument("--mhz", type=count, nargs="+", default=[30, 80],
                        help="clocks of the core (30 80: UP5K and ECP5 class)")
    parser.add_argument("--lanes", type=int, choices=LANES, default=1, help="of the join engine")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    if not COMPILED:
        parser.error("times of plain Python say nothing: numba is needed (blockfactor[fast])")
    args.mhz = list(dict.fromkeys(args.mhz))
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for case in CASES:
            task = progress.add_task(case.title, total=args.sets)
            rows.append(measure(case, args, lambda task=task: progress.advance(task)))
    show(rows, args)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
