"""Variants of the published method against the golden model: accuracy, iterations and cycles.

For each point and variant A and T are the best of a small grid around the golden model's, which
is tuned in the same way, on problems of their own; then all run the same codebooks, queries and
seeds. Ratios are those of mean cycles to the tuned golden model, with a bootstrapped 95 % interval.
What the variants are: bench/_variants.py; what came of them: docs/variants.md.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from _arguments import count, new_file, seed
from _variants import Variant, run_many
from _variants_points import CHUNK, POINTS, chunks
from rich.console import Console
from rich.progress import track
from rich.table import Table

#: Measured figures, kept.
DATA = Path(__file__).parent / "data" / "variants.json"
#: Points that every variant is measured on; those of FULL are on all.
USUAL = ("clean-22", "clean-49", "clean-110", "clean-2x562", "soft-22")
#: Name -> list size K, or 0 for the core's own, and switches.
VARIANTS = {
    "golden": (0, {}),
    "cover": (0, {"cover": 1}),
    "cover, no new walk": (0, {"cover": 2, "spread": 1}),
    "sweep": (0, {"sweep": 1}),
    "sweep, replaced go on": (0, {"sweep": 2}),
    "sweep + second": (0, {"sweep": 1, "second": 1}),
    "begin anew": (0, {"fresh": 1}),
    **{f"K=8{name}": (8, {"choice": choice})
       for choice, name in enumerate(("", ", highest", ", random", ", rotated"))},
    "K=16": (16, {}),
    "K=16, highest": (16, {"choice": 1}),
    "K=16, random": (16, {"choice": 2}),
    "K=16, rotated": (16, {"choice": 3}),
    "flood 12": (0, {"flood": 12}),
    "marks 1": (0, {"marks": 1}),
    "marks 4": (0, {"marks": 4}),
    "short runs of 5": (0, {"period": 5}),
    "short runs of 20": (0, {"period": 20}),
    "mixture": (0, {"mixture": 1}),
    "jitter 4": (0, {"jitter": 4}),
    "jitter 16": (0, {"jitter": 16}),
    "flat": (0, {"flat": 1}),
    "second": (0, {"second": 1}),
    "alone": (0, {"alone": 1}),
}
FULL = ("golden", "cover", "sweep")
#: Grid: factors of A and of T, and those of --fine.
A_FACTORS, T_FACTORS = (1, .8, .6), (1, 1.35)
FINE_A, FINE_T = (1, .9, .8, .65, .5, .35), (1, 1.3)
#: Most iterations while a setting is tried.
TUNING_LIMIT = 1000
#: Points of long runs: two fifths of the trials.
SLOW = ("clean-110", "clean-2x1155", "soft-22-b8")
#: Accuracy that a setting may lack to the most accurate of its grid.
SLACK = .004
BOOTSTRAPS = 1000


def run(point, variant: str, A: int, T: int, trials: int, seed: int, limit=65535) -> dict:
    """Figures of each trial: right, iterations, cycles, and how often lists overflow."""
    size, switches = VARIANTS[variant]
    core = point.core.replace(list_size=size) if size else point.core
    parameters = point.parameters.replace(
        samples=A, threshold=T, max_iterations=min(limit, point.parameters.max_iterations))
    rows = []
    for codes, truth, query, seeds in chunks(point, trials, seed):
        found = run_many(core, codes, *query, parameters, seeds, Variant(**switches))
        rows.append([(found.indices == truth).all(axis=1), found.iterations, found.cycles,
                     found.steps, found.draws, found.overflows])
    right, iterations, cycles, steps, draws, overflows = np.concatenate(rows, axis=1)
    return {"right": right, "iterations": iterations, "cycles": cycles,
            "overflow": overflows.sum() / steps.sum(), "sampled": draws.sum() / steps.sum()}


def tune(point, variant: str, trials: int, seed: int, fine: bool) -> tuple[int, int]:
    """The (A, T16) of the grid with the fewest cycles among those that are right as often."""
    size = VARIANTS[variant][0] or point.core.list_size
    p = point.parameters
    tried = {}
    factors = FINE_A if fine else A_FACTORS
    for A in sorted({min(size, max(1, round(p.samples * factor))) for factor in factors}):
        for T in (round(p.threshold * factor) for factor in (FINE_T if fine else T_FACTORS)):
            found = run(point, variant, A, T, trials, seed, TUNING_LIMIT)
            tried[A, T] = found["right"].mean(), found["cycles"].mean()
    best = max(right for right, _ in tried.values())
    return min((cycles, key) for key, (right, cycles) in tried.items()
               if right >= best - SLACK)[1]


def interval(cycles, base, rng) -> list[float]:
    """95 % interval of the ratio of means, trials resampled in pairs."""
    pick = rng.integers(0, len(cycles), (BOOTSTRAPS, len(cycles)))
    return np.quantile(cycles[pick].mean(axis=1) / base[pick].mean(axis=1),
                       [.025, .975]).round(4).tolist()


def measure(name: str, variant: str, trials: int, tuning: int, seed: int, fine: bool,
            setting: tuple[int, int] | None = None, base=None):
    """A row of figures, and the trials' own for the rows after it.

    ``setting`` is an (A, T16) that is not tuned.
    """
    point = POINTS[name]
    trials = trials * 2 // 5 if name in SLOW else trials
    A, T = setting or tune(point, variant, tuning, seed + 1, fine)
    found = run(point, variant, A, T, trials, seed)
    cycles = found["cycles"]
    row = {"point": name, "variant": variant, "fine": fine, "A": A, "T16": T, "trials": trials,
           "seed": seed,
           "accuracy": float(found["right"].mean()),
           "iterations": float(found["iterations"].mean()), "cycles": float(cycles.mean()),
           "median": float(np.median(cycles)), "p99": float(np.quantile(cycles, .99)),
           "overflow": round(float(found["overflow"]), 4),
           "sampled": round(float(found["sampled"]), 4), "first": first(found)}
    if base is not None:
        row["ratio"] = float(cycles.mean() / base["cycles"].mean())
        row["interval"] = interval(cycles, base["cycles"], np.random.default_rng(seed))
        row["gained"] = int((found["right"] > base["right"]).sum())
        row["lost"] = int((found["right"] < base["right"]).sum())
    return row, found


def first(found: dict) -> list[int]:
    """Sums over the first trials: what ``--check`` compares."""
    return [int(found[key][:CHUNK].sum()) for key in ("right", "iterations", "cycles")]


def check(rows: list[dict]) -> list[str]:
    """Measure the first trials of kept rows anew; the rows that differ."""
    wrong = []
    for row in rows:
        point = POINTS[row["point"]]
        found = run(point, row["variant"], row["A"], row["T16"], min(CHUNK, row["trials"]),
                    row["seed"])
        if first(found) != row["first"]:
            wrong.append(f"{row['point']}, {row['variant']}: {first(found)} now, {row['first']} "
                         "then")
    return wrong


def show(rows: list[dict]) -> None:
    """A table of rows."""
    table = Table(title="variants: cycles as a ratio to the tuned golden model's, same trials")
    for column in ("point", "variant", "A", "T16", "accuracy", "+/-", "iterations", "cycles",
                   "median", "p99", "ratio", "95 %", "overflow"):
        table.add_column(column, justify="left" if column in ("point", "variant") else "right")
    for row in rows:
        ratio = "ratio" in row
        table.add_row(
            row["point"], row["variant"], str(row["A"]), str(row["T16"]),
            f"{row['accuracy']:.4f}", f"+{row['gained']} -{row['lost']}" if ratio else "",
            f"{row['iterations']:.1f}", f"{row['cycles']:,.0f}", f"{row['median']:,.0f}",
            f"{row['p99']:,.0f}", f"{row['ratio']:.2f}" if ratio else "",
            "{:.2f} to {:.2f}".format(*row["interval"]) if ratio else "",
            f"{row['overflow']:.3f}")
    Console(width=150).print(table)


def setting(text: str) -> tuple[int, int]:
    """A and T16, separated by a comma."""
    A, _, T = text.partition(",")
    if not (A.isdecimal() and T.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not two integers A,T16")
    return int(A), int(T)


def markdown(rows: list[dict]) -> str:
    """The table of docs/variants.md."""
    lines = ["| point | variant | A, T16 | right | cycles | median | p99 | ratio (95 %) |",
             "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        ratio = ("{ratio:.2f} ({interval[0]:.2f} to {interval[1]:.2f})".format(**row)
                 if "ratio" in row else "1")
        lines.append(
            "| {point} | {variant} | {A}, {T16} | {accuracy:.3f} | {cycles:,.0f} | {median:,.0f} | "
            "{p99:,.0f} | {0} |".format(ratio, **row))
    return "\n".join(lines)


def main() -> int:
    """Print the figures; with --check, exit status 1 where they are no longer those kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/variants.py --point clean-49 --variant sweep")
    parser.add_argument("--trials", type=count, default=1000, help="per row (default 1000)")
    parser.add_argument("--tuning", type=count, default=100,
                        help="trials of each setting of the grid (default 100)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--point", action="append", choices=list(POINTS), metavar="NAME",
                        help=f"only this one; may be repeated: {' '.join(POINTS)}")
    parser.add_argument("--variant", action="append", choices=list(VARIANTS), metavar="NAME",
                        help=f"only this one, and golden: {', '.join(VARIANTS)}")
    parser.add_argument("--fine", action="store_true",
                        help=f"a finer grid, for {', '.join(FULL)} alone unless others are named")
    parser.add_argument("--setting", type=setting, metavar="A,T16",
                        help="A and T16 of all rows, in place of the grid's best")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    parser.add_argument("--check", action="store_true",
                        help=f"measure the first trials of each row of {DATA.name} anew")
    parser.add_argument("--table", action="store_true",
                        help=f"print {DATA.name} as the table of docs/variants.md")
    args = parser.parse_args()
    if args.table:
        rows = json.loads(DATA.read_text(encoding="utf-8"))
        for fine in (True, False):
            print(markdown([row for row in rows if row["fine"] == fine]), end="\n\n")
        return 0
    if args.check:
        wrong = check(json.loads(DATA.read_text(encoding="utf-8")))
        print("\n".join(wrong) or "as kept")
        return int(bool(wrong))
    work = [(name, variant) for name in args.point or POINTS for variant in VARIANTS
            if variant == "golden" or (variant in args.variant if args.variant
                                       else variant in FULL or name in USUAL and not args.fine)]
    rows, base = [], {}
    for name, variant in track(work, console=Console(stderr=True), transient=True):
        row, found = measure(name, variant, args.trials, args.tuning, args.seed, args.fine,
                             args.setting, base.get(name))
        rows.append(row)
        if variant == "golden":
            base[name] = found
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
