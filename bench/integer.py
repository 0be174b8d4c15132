"""Compare the integer model with the published float method on the same codebooks and queries.

Clean queries, D=512, B=4, published A and T, each trial a codebook of its own. The ratio of mean
iterations is bootstrapped over trials; the bounds are checked from 4,000 trials on. The last line
is about soft queries (B=4, margin 4), for which there is no bound.
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

from blockfactor.golden.batch import factorize_many
from blockfactor.golden.codebook import Codebooks, product
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.golden.published import Published
from blockfactor.golden.query import soft_batch
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

#: Trials from which on a missed bound is an error.
ENOUGH = 4000
BOOTSTRAPS = 2000


class Case(NamedTuple):
    """A problem and its bounds: ratio of iterations, and mean cycles (None: no bound)."""

    factors: int
    size: int
    preset: str
    ratio: float
    cycles: int | None


CASES = (
    Case(3, 10, "demo", 1.05, 450),
    Case(3, 22, "demo", .85, 1250),
    Case(3, 49, "tiny", 1.05, 8300),
    Case(3, 110, "paper", 1.05, None),
    Case(2, 105, "f2", 1.05, None),
    Case(2, 562, "f2", 1.05, None),
    Case(2, 1155, "f2", 1.05, None),
)


def bootstrap(integer, reference, rng) -> float:
    """95 % upper bound of the ratio of means, trials resampled in pairs."""
    count = len(integer)
    ratios = []
    for _ in range(BOOTSTRAPS):
        pick = rng.integers(0, count, count)
        ratios.append(integer[pick].mean() / reference[pick].mean())
    return float(np.quantile(ratios, .95))


def measure(case: Case, trials: int, seed: int, advance) -> dict:
    """Figures of one case."""
    core = preset(case.preset).core
    samples, threshold = published_parameters(512, case.factors, 4, case.size)
    reference = Published(T=threshold, A=samples)
    sizes = (case.size,) * case.factors
    # N of the published code, the same for both.
    limit = min(65535, max(1, int(case.size ** (case.factors - 1) / case.factors)))
    parameters = RunParameters(sizes=sizes, mode="factorize", samples=samples,
                               threshold=round(threshold * 65536), max_iterations=limit)
    floats, integers, cycles, right, float_right = [], [], [], [], []
    for trial in range(trials):
        rng = np.random.default_rng([seed, case.factors, case.size, trial])
        books = Codebooks.random(sizes, 4, 128, rng)
        truth = rng.integers(0, case.size, (1, case.factors))
        query = product(books, truth)
        result = reference.factorize_batch(books, query, int(rng.integers(1 << 62)))
        floats.append(int(result.iterations[0]))
        float_right.append(bool((result.indices == truth).all()))
        index = query.astype(np.int64)[:, :, None]
        found = factorize_many(core, np.stack(books.indices)[None], index, np.ones_like(index),
                               parameters, rng.integers(1, 2**32, 1))
        integers.append(int(found.iterations[0]))
        cycles.append(int(found.cycles[0]))
        right.append(bool((found.indices == truth).all()))
        advance(1)
    floats, integers = np.array(floats), np.array(integers)
    bound = bootstrap(integers, floats, np.random.default_rng(seed))
    row = {
        "factors": case.factors, "size": case.size, "preset": case.preset, "A": samples,
        "T": threshold, "trials": trials, "seed": seed,
        "float_iterations": float(floats.mean()),
        "iterations": float(integers.mean()), "ratio_upper_bound": bound,
        "ratio_allowed": case.ratio, "float_accuracy": float(np.mean(float_right)),
        "accuracy": float(np.mean(right)), "cycles": float(np.mean(cycles)),
        "cycles_p99": float(np.quantile(cycles, .99)), "cycles_allowed": case.cycles,
    }
    row["ok"] = bool(bound <= case.ratio and row["accuracy"] >= row["float_accuracy"] - .003
                     and (case.cycles is None or row["cycles"] <= case.cycles))
    return row


def soft(trials: int, seed: int, advance) -> dict:
    """Accuracy and cycles on soft queries, with the preset's own parameters."""
    chosen = preset("demo")
    core, parameters = chosen.core, chosen.soft
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, core.block_length, (trials, 3, 22, 4))
    truth = rng.integers(0, 22, (trials, 3))
    bound = sum(codes[np.arange(trials), f, truth[:, f]] for f in range(3)) % core.block_length
    index, weight = soft_batch(bound, core.block_length, 4.0, rng, core.query_entries,
                               core.weight_bits)
    found = factorize_many(core, codes, index, weight, parameters, rng.integers(1, 2**32, trials))
    scan = factorize_many(core, codes, index, weight,
                          parameters.replace(mode="scan", level=511), np.ones(trials, dtype=int))
    advance(trials)
    return {
        "trials": trials, "size": 22, "margin": 4.0, "threshold": parameters.threshold,
        "A": parameters.samples, "trim": parameters.trim, "level": parameters.level,
        "max_iterations": parameters.max_iterations,
        "wrong_blocks": float((np.asarray(index)[:, :, 0] != bound).mean()),
        "accuracy": float((found.indices == truth).all(axis=1).mean()),
        "exhaustive_accuracy": float((scan.indices == truth).all(axis=1).mean()),
        "iterations": float(found.iterations.mean()), "cycles": float(found.cycles.mean()),
        "cycles_p99": float(np.quantile(found.cycles, .99)),
    }


def main() -> int:
    """Print the figures; exit status 1 if a bound is missed by enough trials."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog="example: python bench/integer.py --trials 4000 --json integer.json")
    parser.add_argument("--trials", type=count, default=400, help="per case (default 400)")
    parser.add_argument("--seed", type=seed, default=1)
    names = [f"{case.factors},{case.size}" for case in CASES]
    parser.add_argument("--case", action="append", choices=names, metavar="F,M",
                        help=f"only this case, no soft queries; may be repeated: {' '.join(names)}")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    cases = [case for case, name in zip(CASES, names) if name in (args.case or names)]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("factorizing", total=args.trials * (len(cases) + 1))
        def advance(count):
            progress.advance(task, count)
        rows = [measure(case, args.trials, args.seed, advance) for case in cases]
        soft_row = None if args.case else soft(args.trials, args.seed, advance)
    table = Table(title=f"integer model against the float reference, clean, {args.trials} trials")
    for column in ("F", "M", "preset", "iterations: float", "integer", "ratio, 95 % bound",
                   "allowed", "accuracy: float", "integer", "mean cycles", "p99", "allowed", "ok"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(str(row["factors"]), str(row["size"]), row["preset"],
                      f"{row['float_iterations']:.2f}", f"{row['iterations']:.2f}",
                      f"{row['ratio_upper_bound']:.3f}", f"{row['ratio_allowed']:.2f}",
                      f"{row['float_accuracy']:.4f}", f"{row['accuracy']:.4f}",
                      f"{row['cycles']:,.0f}", f"{row['cycles_p99']:,.0f}",
                      f"{row['cycles_allowed']:,}" if row["cycles_allowed"] else "-",
                      "yes" if row["ok"] else "no")
    console = Console(width=150)
    console.print(table)
    if soft_row:
        console.print("soft, M=22, B=4, margin 4 ({wrong_blocks:.1%} of blocks wrong), preset "
                      "demo: accuracy {accuracy:.4f} (exhaustive search "
                      "{exhaustive_accuracy:.4f}), "
                      "{iterations:.1f} iterations, {cycles:,.0f} cycles, p99 {cycles_p99:,.0f}"
                      .format(**soft_row), highlight=False)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as stream:
            json.dump({"clean": rows, "soft": soft_row}, stream, indent=2)
    return int(args.trials >= ENOUGH and not all(row["ok"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
