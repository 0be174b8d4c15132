"""Explaining away: bundles of products, decoded one after another.

F=3, M=22; D and B, clean and soft bundles, both engines. Of each: the share of bundles of which all
products are found, the share of products found, cycles of a whole bundle. --rtl N decodes N bundles
of each case with D=1024 and B=4 in the simulator as well, whose results must be the golden model's,
word by word of their traces. Factorize gets a fifth of the bundles. --rules compares what can be
taken off a query for a product that was found. A bound that join misses in 200 trials or more, or a
difference, ends in exit status 1.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from _arguments import count, new_file, seed
from _explain_cases import (
    CASES,
    FACTORS,
    Case,
    core_of,
    parameters_of,
    problems,
    right_products,
    trials_of,
)
from _explain_page import text
from _explain_rules import compare
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.golden.batch import explain_many
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.query import Query
from blockfactor.rtl.memory import POISON
from blockfactor.sim.simulate import simulate
from blockfactor.sim.workload import Item, Workload
from blockfactor.tables import write_text

ROOT = Path(__file__).parent
DATA, PAGE = ROOT / "data" / "explain.json", ROOT.parent / "docs" / "explain.md"
#: Trials from which a missed bound fails the run.
ENOUGH = 200
#: Bundles that are made at a time: so the first are the same, however many are wanted.
CHUNK = 250
#: What is simulated.
RTL = {"blocks": 4, "block_length": 256}


def figures(found: np.ndarray, truth: np.ndarray, cycles: np.ndarray) -> dict:
    """Accuracy and cycles of bundles: found and true tuples [n, K, F], cycles [n]."""
    right = right_products(found, truth)
    return {"bundles": float((right == truth.shape[1]).mean()),
            "products": float(right.mean() / truth.shape[1]),
            "cycles": float(cycles.mean()), "p99": float(np.percentile(cycles, 99))}


def measure(case: Case, trials: int, start: int) -> dict:
    """Figures of one case by the golden model."""
    found, truths, cycles = [], [], []
    for first in range(0, trials, CHUNK):
        codes, truth, index, weight, seeds = problems(case, CHUNK, [start, first])
        codes, truth, index, weight, seeds = (
            values[:trials - first] for values in (codes, truth, index, weight, seeds))
        batches = explain_many(core_of(case), codes, index, weight, parameters_of(case), seeds)
        found.append(np.stack([batch.indices for batch in batches], 1))
        cycles.append(sum(batch.cycles for batch in batches))
        truths.append(truth)
    row = case._asdict() | {"dimension": case.blocks * case.block_length, "trials": trials}
    row |= figures(*map(np.concatenate, (found, truths, cycles)))
    row["missed"] = trials >= ENOUGH and row["bundles"] < case.bound
    return row


def simulated(cases: list[Case], trials: int, start: int) -> list[dict]:
    """Figures of cases of one core by its RTL, on the first bundles that :func:`measure` uses."""
    items, truths, batches = [], [], []
    counts = [trials_of(case, trials) for case in cases]
    for case, number in zip(cases, counts):
        codes, truth, index, weight, seeds = problems(case, CHUNK, [start, 0])
        codes, truth, index, weight, seeds = (
            values[:number] for values in (codes, truth, index, weight, seeds))
        batches.append(explain_many(core_of(case), codes, index, weight, parameters_of(case),
                                    seeds))
        truths.append(truth)
        for n in range(number):
            book = Codebooks(tuple(codes[n]), case.block_length)
            items.append(Item(book, Query.from_arrays(index[n], weight[n]),
                              parameters_of(case).replace(seed=int(seeds[n])), None, case.kind))
    with tempfile.TemporaryDirectory() as folder:
        rows = iter(simulate(Workload(core_of(cases[0]), items), folder, platform=POISON))
    results = []
    for case, number, truth, golden in zip(cases, counts, truths, batches):
        mine = [next(rows) for _ in range(number * case.bundled)]
        found = np.array([row["indices"] for row in mine]).reshape(number, case.bundled, FACTORS)
        cycles = np.array([row["cycles"] for row in mine]).reshape(number, case.bundled)
        crc = np.array([row["crc"] for row in mine]).reshape(number, case.bundled)
        differing = sum(row["difference"] is not None for row in mine)
        for k, batch in enumerate(golden):
            differing += int(((found[:, k] != batch.indices).any(1) | (crc[:, k] != batch.crc)
                              | (cycles[:, k] != batch.cycles)).sum())
        results.append(case._asdict() | {"dimension": case.blocks * case.block_length,
                                         "trials": number, "differing": differing}
                       | figures(found, truth, cycles.sum(1)))
    return results


def show(title: str, rows: list[dict]) -> None:
    """Print figures as a table."""
    table = Table(title=title)
    for name in ("engine", "bundles", "D", "B", "products", "all right", "products right", "cycles",
                 "p99", ""):
        table.add_column(name, justify="right")
    for row in rows:
        note = "missed" if row.get("missed") else ""
        if "differing" in row:
            note = f"{row['differing']} differ"
        query = "clean" if row["kind"] == "clean" else f"soft {row['margin']:g}"
        table.add_row(row["mode"], query, str(row["dimension"]), str(row["blocks"]),
                      str(row["bundled"]), f"{row['bundles']:.3f}", f"{row['products']:.3f}",
                      f"{row['cycles']:,.0f}", f"{row['p99']:,.0f}", note)
    Console(width=110).print(table)


def main() -> int:
    """Print the figures; returns 1 if a bound is missed or a result differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/explain.py --trials 1000 --rtl 200 --json explain.json")
    parser.add_argument("--trials", type=count, default=200, help="per case (200)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--mode", choices=("join", "factorize"), help="one engine only")
    parser.add_argument("--rtl", type=count, metavar="N",
                        help=f"N bundles a case in the simulator, at most {CHUNK}")
    parser.add_argument("--rules", action="store_true",
                        help="what can be taken off for a product found")
    parser.add_argument("--json", type=new_file, metavar="FILE")
    parser.add_argument("--write", action="store_true",
                        help="renew bench/data/explain.json and docs/explain.md")
    args = parser.parse_args()
    if args.write and args.mode:
        parser.error(f"--write needs both engines, --mode {args.mode} is one")
    if args.rtl and args.rtl > CHUNK:
        parser.error(f"--rtl {args.rtl} is outside 1..{CHUNK}")
    cases = [case for case in CASES if args.mode in (None, case.mode)]
    data = {"seed": args.seed, "golden": [], "rtl": [], "rules": []}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for case in progress.track(cases, description="golden model"):
            data["golden"].append(measure(case, trials_of(case, args.trials), args.seed))
        if args.rtl:
            progress.add_task("simulator", total=None)
            chosen = [case for case in cases
                      if all(getattr(case, name) == value for name, value in RTL.items())]
            data["rtl"] = simulated(chosen, args.rtl, args.seed)
        if args.rules:
            progress.add_task("rules", total=None)
            data["rules"] = compare(cases, args.trials, args.seed)
    show(f"golden model, {args.trials} bundles a case", data["golden"])
    if data["rtl"]:
        show(f"RTL, {args.rtl} bundles a case", data["rtl"])
    for row in data["rules"]:
        print(row["query"], f"K={row['bundled']}",
              *(f"{name} {value:.3f}" for name, value in row["rules"].items()))
    if args.json:
        args.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if args.write:
        write_text(DATA, json.dumps(data, indent=1) + "\n")
        write_text(PAGE, text(data))
    return int(any(row["missed"] for row in data["golden"])
               or any(row["differing"] for row in data["rtl"]))


if __name__ == "__main__":
    sys.exit(main())
