"""Join against the published method and exhaustive search: accuracy and cycles.

The same codebooks, queries and seeds for all three. A bound that join misses in 1000 trials or more
ends in exit status 1.
"""

import argparse
import json
import sys
from typing import NamedTuple

import numpy as np
from _arguments import count, new_file, seed
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.config import CoreConfig
from blockfactor.golden.batch import factorize_many
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.golden.query import clean_batch, damaged_batch, soft_batch
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

#: Largest number of tuples that exhaustive search is run on without --all.
TUPLES = 49**3
#: Largest p99 of join, in means: the tuple is found after half of the rows, on average.
TAIL = 2.1
#: Trials from which a missed bound fails the run.
ENOUGH = 1000
#: Trials at a time, which bounds the memory used.
CHUNK = 250


class Case(NamedTuple):
    """A problem, join's parameters for it, and the bounds of its figures."""

    kind: str
    factors: int
    size: int
    blocks: int = 4
    block_length: int = 128
    margin: float = 0
    log: bool = False
    wrong: int = 0
    level: int = 256
    heads: int = 1
    lanes: int = 1
    #: Preset whose parameters for soft queries factorize has, with some changed.
    preset: str = ""
    tuned: dict | None = None
    cycles: float = 0
    #: Least ratio of one lane's cycles to these.
    faster: float = 0
    #: What join may lose in accuracy against exhaustive search.
    loss: float = 1

    @property
    def title(self) -> str:
        """For the table."""
        extra = {"soft": f" {self.margin:g}", "damaged": f" {self.wrong}"}.get(self.kind, "")
        return (f"{self.kind}{extra}{' log' if self.log else ''}, "
                f"F={self.factors} M={self.size} B={self.blocks}")


def soft(factors, size, blocks, margin, log_level=240, **rest):
    """Cases of soft queries: with linear weights and with logarithmic ones.

    Wrong tuples score more with logarithmic weights, so the level is higher, and the more of them
    there are. The presets' parameters for factorize are for linear ones.
    """
    linear = Case("soft", factors, size, blocks, 512 // blocks, margin, level=205, heads=2, **rest)
    return linear, linear._replace(log=True, level=log_level, preset="")


#: For M=22 and B=8; the preset's own are for M=32, and far worse here.
TUNED = {"samples": 6, "threshold": round(.009 * 65536), "trim": 2}

CASES = (
    Case("clean", 3, 22, cycles=285),
    Case("clean", 3, 49, cycles=1350),
    Case("clean", 3, 110, cycles=6600),
    Case("clean", 3, 110, lanes=2),
    Case("clean", 3, 110, lanes=4, faster=3.5),
    Case("clean", 3, 110, lanes=8),
    Case("clean", 2, 1155, cycles=5500),
    *soft(3, 22, 4, 4.0, preset="demo", loss=.003),
    *soft(3, 49, 4, 4.0, cycles=1700, loss=.003),
    *soft(3, 110, 4, 4.0, log_level=248, loss=.005),
    *soft(3, 22, 8, 3.0, preset="robust", tuned=TUNED, cycles=500, loss=.003),
    *soft(3, 49, 8, 3.0, loss=.003),
    *soft(2, 32, 4, 4.0, loss=.003),
    Case("damaged", 3, 22, wrong=1, level=192, heads=2, preset="demo"),
    Case("damaged", 3, 22, 8, 64, wrong=2, level=192, heads=2, preset="robust", tuned=TUNED),
    Case("damaged", 3, 22, 8, 64, wrong=2, level=192, heads=3),
)


def problems(case: Case, core: CoreConfig, trials: int, seed: list[int]):
    """Codebooks, true tuples, queries and seeds."""
    rng = np.random.default_rng([*seed, case.factors, case.size, case.blocks])
    codes = rng.integers(0, core.block_length, (trials, case.factors, case.size, case.blocks))
    truth = rng.integers(0, case.size, (trials, case.factors))
    seeds = rng.integers(1, 2**32, trials)
    chosen = codes[np.arange(trials)[:, None], np.arange(case.factors), truth]
    product = chosen.sum(axis=1) % core.block_length
    if case.kind == "soft":
        query = soft_batch(product, core.block_length, case.margin, rng, core.query_entries,
                           core.weight_bits, case.log)
    else:
        query = clean_batch(damaged_batch(product, core.block_length, case.wrong, rng))
    return codes, truth, query, seeds


def factorize_parameters(case: Case) -> RunParameters | None:
    """Published A and T for clean queries, the preset's for others, or None."""
    sizes = (case.size,) * case.factors
    if case.kind == "clean":
        samples, threshold = published_parameters(512, case.factors, case.blocks, case.size)
        return RunParameters(sizes=sizes, mode="factorize", samples=samples,
                             threshold=round(threshold * 65536),
                             max_iterations=case.size ** (case.factors - 1) // case.factors)
    if case.preset:
        return preset(case.preset).soft.replace(sizes=sizes, level=case.level, **case.tuned or {})
    return None


def measure(case: Case, trials: int, seed: int, everything: bool, advance) -> dict:
    """Figures of one case; ``advance(n)`` is told of every n trials done."""
    core = CoreConfig(
        factors=case.factors, blocks=case.blocks, block_length=case.block_length,
        max_codevectors=case.size, heads=case.heads, lanes=case.lanes,
        list_size=256 if case.factors == 2 and case.size >= 256 else min(case.size, 32))
    join = RunParameters(sizes=(case.size,) * case.factors, mode="join", level=case.level,
                         heads=case.heads)
    ways = {"join": join}
    if case.lanes > 1:
        ways["one lane"] = join
    else:
        ways["factorize"] = factorize_parameters(case)
    if case.lanes == 1 and everything or case.size ** case.factors <= TUPLES:
        ways["exhaustive"] = join.replace(mode="scan", level=511)
    ways = {name: parameters for name, parameters in ways.items() if parameters}
    right, cycles = {name: [] for name in ways}, {name: [] for name in ways}
    for first in range(0, trials, CHUNK):
        number = min(CHUNK, trials - first)
        codes, truth, query, seeds = problems(case, core, number, [seed, first])
        for name, parameters in ways.items():
            lanes = 1 if name == "one lane" else case.lanes
            found = factorize_many(core.replace(lanes=lanes), codes, *query, parameters, seeds)
            right[name].extend((found.indices == truth).all(axis=1))
            cycles[name].extend(found.cycles.tolist())
        advance(number)
    row = {"problem": case.title, "heads": case.heads, "lanes": case.lanes, "level": case.level}
    for name in ways:
        mean, p99 = float(np.mean(cycles[name])), float(np.percentile(cycles[name], 99))
        row[name] = {"accuracy": np.mean(right[name]).item(), "cycles": mean, "p99": p99,
                     "tail": p99 / mean}
    join, row["missed"] = row["join"], []
    if "one lane" in row:
        row["faster"] = row["one lane"]["cycles"] / join["cycles"]
        if row["faster"] < case.faster:
            row["missed"].append(f"{case.faster:g} times faster than one lane")
    if case.cycles and join["cycles"] > case.cycles:
        row["missed"].append(f"cycles <= {case.cycles:g}")
    if join["tail"] > TAIL:
        row["missed"].append(f"p99 <= {TAIL} * mean")
    if "exhaustive" in row and join["accuracy"] < row["exhaustive"]["accuracy"] - case.loss:
        row["missed"].append(f"accuracy >= exhaustive - {case.loss}")
    return row


def show(rows: list[dict], trials: int) -> None:
    """Print the figures as a table."""
    table = Table(title=f"accuracy and cycles by problem (soft: margin, form of the weights; "
                        f"damaged: wrong blocks), {trials} trials")
    table.add_column("problem", no_wrap=True)
    for name in ("heads", "lanes", "join", "exh.", "fact.", "join: mean", "p99", "p99/mean",
                 "x one lane", "fact.: mean", "p99", "p99/mean", "missed"):
        table.add_column(name, justify="right")
    for row in rows:
        cells = [str(row["heads"]), str(row["lanes"])]
        cells += [f"{row[name]['accuracy']:.4f}" if name in row else "-"
                  for name in ("join", "exhaustive", "factorize")]
        for name in ("join", "factorize"):
            cells += [f"{row[name]['cycles']:,.0f}", f"{row[name]['p99']:,.0f}",
                      f"{row[name]['tail']:.2f}"] if name in row else ["-"] * 3
            if name == "join":
                cells.append(f"{row['faster']:.2f}" if "faster" in row else "-")
        table.add_row(row["problem"], *cells, "; ".join(row["missed"]))
    Console(width=160).print(table)


def main() -> int:
    """Print the figures; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/join.py --trials 4000 --json join.json")
    parser.add_argument("--trials", type=count, default=400, help="per problem (400)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--all", action="store_true", help="large exhaustive searches, too")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for case in CASES:
            task = progress.add_task(case.title, total=args.trials)
            rows.append(measure(case, args.trials, args.seed, args.all,
                                lambda n, task=task: progress.advance(task, n)))
    show(rows, args.trials)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return int(args.trials >= ENOUGH and any(row["missed"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
