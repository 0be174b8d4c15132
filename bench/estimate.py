"""Fit what ``blockfactor estimate`` goes by: boards/estimate.json, and docs/estimate.md about it.

Syntheses go to bench/data/estimate.json one by one, so that a run that was stopped goes on where
it was; those that are there are not repeated but for --again. Clocks are those of
bench/data/clocks.json and of docs/boards.json.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from _arguments import count
from _designs import DESIGNS, JOBS, measure, system_of
from _estimate_page import text
from _fit import errors, tuned
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.boards.estimate import MODEL, kind
from blockfactor.boards.families import FAMILIES
from blockfactor.boards.features import FEATURES, features
from blockfactor.boards.latency import POINTS, SHAPE, list_length, lookup_drain
from blockfactor.boards.latency_run import mean_cycles
from blockfactor.boards.parts import PARTS, part
from blockfactor.boards.synthesis import SynthesisError, tool_versions
from blockfactor.config import LANES, CoreConfig, SystemConfig
from blockfactor.tables import write_text

ROOT = Path(__file__).resolve().parent
DATA, CLOCKS = ROOT / "data" / "estimate.json", ROOT / "data" / "clocks.json"
BOARDS = ROOT.parent / "docs" / "boards.json"
PAGE = ROOT.parent / "docs" / "estimate.md"
FIGURES = ("luts", "flip_flops", "cells")
#: List sizes of the cycle table; a core with another has no latency at the points.
LISTS = (8, 16, 32, 64)
#: Least prior of a feature whose weight came out near none elsewhere, in shares of its first one.
LEAST = .2
#: The family whose weights another's are held near: one with small memories of look-up tables for
#: those that have them.
LIKE = {"ecp5": "ice40", "gowin": "ecp5", "nexus": "ecp5", "gatemate": "ice40"}
#: Parts whose clocks are those of others, where nothing was measured.
ALIKE = {"ecp5-45f": "ecp5-25f", "ecp5-85f": "ecp5-25f", "ecp5-85f-8": "ecp5-25f-8",
         "gw5a-25a": "gw1n-9c", "lifcl-40": "gw1n-9c"}


def load(path: Path) -> list[dict]:
    """A list of records; none where there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def save(path: Path, records: list[dict]) -> None:
    """Write records, one a line."""
    lines = ",\n".join(json.dumps(record) for record in records)
    write_text(path, f"[\n{lines}\n]\n")


def synthesise_all(again: list[str], fit_only: bool, progress: Progress) -> list[dict]:
    """Records of all designs; those that are missing, or asked for again, are made."""
    records = [r for r in load(DATA) if (r["part"], r["name"]) in JOBS
               and r["name"] not in again and "all" not in again]
    if fit_only:
        return records
    there = {(r["part"], r["name"]) for r in records}
    missing = [job for job in JOBS if job not in there]
    task = progress.add_task("synthesis", total=len(missing))
    for target, name in missing:
        progress.update(task, description=f"synthesis: {name} on {target}")
        try:
            records.append(measure(target, name))
        except SynthesisError as problem:
            # One design less is no reason to lose the others.
            progress.console.print(f"{name} on {target} is left out: {problem}")
        progress.advance(task)
        records.sort(key=lambda r: JOBS.index((r["part"], r["name"])))
        save(DATA, records)
    return records


def fit_family(records: list[dict], priors: dict) -> tuple[dict, dict]:
    """Weights by figure and feature of a family, and its errors."""
    names = list(FEATURES)
    counts = [features(part(r["part"]), system_of(r)) for r in records]
    x = np.array([[c[name] for name in names] for c in counts], dtype=float)
    weights, found = {}, {"designs": len(records)}
    for figure in FIGURES:
        y = np.array([r[figure] for r in records], dtype=float)
        prior = np.array([priors[figure][name] for name in names])
        fitted, left_out, strength = tuned(x, y, prior)
        weights[figure] = {n: round(float(w), 3) for n, w in zip(names, fitted) if w}
        inside = errors(x, y, fitted)
        found[figure] = {"training": round(float(np.abs(inside).max()), 3),
                         "held_out": round(float(np.abs(left_out).max()), 3),
                         "held_out_rms": round(float(np.sqrt((left_out ** 2).mean())), 3),
                         "strength": strength}
    return weights, found


def fit_sizes(records: list[dict]) -> tuple[dict, dict]:
    """Weights and errors by family; priors are the weights of the family that is most alike."""
    first = {"luts": {n: f.luts for n, f in FEATURES.items()},
             "flip_flops": {n: f.flip_flops for n, f in FEATURES.items()},
             "cells": {n: f.luts + .4 * f.flip_flops + f.others for n, f in FEATURES.items()}}
    first = {figure: {n: v or .05 for n, v in by_name.items()}
             for figure, by_name in first.items()}
    weights, found = {}, {}
    for family in FAMILIES:
        mine = [r for r in records if part(r["part"]).family == family]
        like = weights.get(LIKE.get(family))
        priors = like and {figure: {n: max(like[figure].get(n, 0), LEAST * v)
                                    for n, v in by_name.items()}
                           for figure, by_name in first.items()}
        weights[family], found[family] = fit_family(mine, priors or first)
    return weights, found


def fit_clocks() -> tuple[dict, list[dict]]:
    """MHz by part and factors by kind of core, and the error of each measurement.

    Logarithms are a sum of a part's and a kind's; kinds are the same on all parts.
    """
    rows = [{"part": r["part"], "kind": kind(system_of(r)), "name": r["name"],
             "median": float(np.median(r["frequency"]))} for r in load(CLOCKS)]
    rows += [{"part": r["part"], "kind": kind(SystemConfig.from_table(r["system"])),
              "name": r["board"], "median": float(np.median(list(r["frequency"].values())))}
             for r in load(BOARDS)]
    parts = sorted({r["part"] for r in rows})
    kinds = ["factorize", "lanes", "both", "join alone"]  # in shares of join's
    x = np.zeros((len(rows) + len(kinds), len(parts) + len(kinds)))
    y = np.zeros(len(x))
    for n, r in enumerate(rows):
        x[n, parts.index(r["part"])] = 1
        if r["kind"] in kinds:
            x[n, len(parts) + kinds.index(r["kind"])] = 1
        y[n] = np.log(r["median"])
    for n in range(len(kinds)):  # little is measured: as fast as join unless shown otherwise
        x[len(rows) + n, len(parts) + n] = .3
    solved = np.exp(np.linalg.lstsq(x, y, rcond=None)[0])
    by_part = dict(zip(parts, solved))
    guessed = {name: ALIKE[name] for name in PARTS if name not in by_part}
    by_part |= {name: by_part[other] for name, other in guessed.items()}
    by_kind = {"join": 1.0, **dict(zip(kinds, solved[len(parts):]))}
    for r in rows:
        r["error"] = by_part[r["part"]] * by_kind[r["kind"]] / r["median"] - 1
    return {"parts": {n: round(float(by_part[n]), 2) for n in PARTS},
            "kinds": {n: round(float(v), 3) for n, v in by_kind.items()},
            "guessed": guessed, "error": round(max(abs(r["error"]) for r in rows), 3)}, rows


def cycle_table(trials: int) -> dict:
    """Mean cycles at the benchmark points, as :mod:`blockfactor.boards.latency` reads them."""
    table: dict = {"trials": trials, "join": {}, "factorize": {}}
    for size in POINTS:
        core = CoreConfig(max_codevectors=max(size, 64), **SHAPE)
        table["join"][str(size)] = {
            str(lanes): mean_cycles(core.replace(lanes=lanes), "join", size, trials)
            for lanes in LANES}
        found = table["factorize"][str(size)] = {}
        for entries in LISTS:
            for s, w in ((1, 1), (1, 4), (8, 4)):
                one = core.replace(list_size=entries, query_entries=s, weight_bits=w)
                name = f"{list_length(one, size)},{lookup_drain(one)}"
                found[name] = mean_cycles(one, "factorize", size, trials)
    return table


def page(model: dict, clocks: list[dict]) -> list[Table]:
    """Tables of the errors."""
    sizes = Table(title="relative error of sizes, largest: fitted, held out (root mean square)")
    for column in ("family", "designs", "LUTs", "flip-flops", "cells"):
        sizes.add_column(column, justify="right")
    for family, found in model["errors"].items():
        sizes.add_row(family, str(found["designs"]), *(
            "{training:.1%}, {held_out:.1%} ({held_out_rms:.1%})".format(**found[figure])
            for figure in FIGURES))
    rates = Table(title="clock: median of the seeds, and the error")
    for column in ("part", "design", "kind", "MHz", "error"):
        rates.add_column(column)
    for r in clocks:
        rates.add_row(r["part"], r["name"], r["kind"], f"{r['median']:.1f}", f"{r['error']:+.1%}")
    return [sizes, rates]


def main() -> int:
    """Make the file; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog="example: python bench/estimate.py --again join --again full")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--again", action="append", default=[], metavar="DESIGN",
                        choices=("all", *DESIGNS),
                        help="repeat the syntheses of a design, or all (may be repeated)")
    choice.add_argument("--fit-only", action="store_true",
                        help="fit to the syntheses that are there")
    parser.add_argument("--trials", type=count, default=4000, help="of each cycle count (4000)")
    args = parser.parse_args()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        records = synthesise_all(args.again, args.fit_only, progress)
        weights, found = fit_sizes(records)
        clock, rows = fit_clocks()
        progress.add_task("cycles", total=None)
        table = cycle_table(args.trials)
    tools = {name: version for target in {r["part"] for r in records}
             for name, version in tool_versions(part(target)).items()}
    model = {"tools": dict(sorted(tools.items())), "weights": weights, "errors": found,
             "clock": clock, "cycles": table}
    write_text(MODEL, json.dumps(model, indent=1) + "\n")
    write_text(PAGE, text(model, FIGURES, len(FEATURES), rows))
    console = Console(width=120)
    for shown in page(model, rows):
        console.print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
