"""How long to wait before a run that makes no progress draws all its lists anew.

For each patience the mean iterations and cycles of clean queries (published A and T), and accuracy
and cycles of soft ones (the presets' own parameters). The same codebooks, queries and seeds in
every column.
"""

import argparse
import json

import numpy as np
from _arguments import count, new_file, seed
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from blockfactor.golden.batch import factorize_many
from blockfactor.golden.hyperparameters import published_parameters
from blockfactor.golden.query import clean_batch, soft_batch
from blockfactor.parameters import RunParameters
from blockfactor.presets import preset

PATIENCE = (1, 2, 3, 4, 5, 6, 8, 15)
#: F, M, preset.
CLEAN = ((3, 22, "demo"), (3, 49, "tiny"), (3, 110, "paper"), (2, 562, "f2"), (2, 1155, "f2"))
#: Preset, M, logit margin.
SOFT = (("demo", 22, 4.0), ("robust", 22, 3.0), ("robust", 32, 4.0))


def problems(core, size: int, trials: int, seed: int):
    """Codebooks, true tuples and their product vectors."""
    rng = np.random.default_rng([seed, core.factors, size])
    codes = rng.integers(0, core.block_length, (trials, core.factors, size, core.blocks))
    truth = rng.integers(0, size, (trials, core.factors))
    chosen = codes[np.arange(trials)[:, None], np.arange(core.factors), truth]
    return rng, codes, truth, chosen.sum(axis=1) % core.block_length


def measure(title: str, core, codes, truth, query, parameters, seeds) -> dict:
    """Figures of one problem for every patience."""
    row = {"problem": title, "patience": {}}
    for patience in PATIENCE:
        found = factorize_many(core, codes, *query, parameters.replace(patience=patience), seeds)
        row["patience"][patience] = {
            "iterations": float(found.iterations.mean()), "cycles": float(found.cycles.mean()),
            "accuracy": float((found.indices == truth).all(axis=1).mean())}
    return row


def clean(factors: int, size: int, name: str, trials: int, seed: int) -> dict:
    """Clean queries with the published parameters."""
    core = preset(name).core
    samples, threshold = published_parameters(512, factors, 4, size)
    rng, codes, truth, product = problems(core, size, trials, seed)
    parameters = RunParameters(sizes=(size,) * factors, mode="factorize",
                               threshold=round(threshold * 65536), samples=samples,
                               max_iterations=size ** (factors - 1) // factors)
    return measure(f"clean, F={factors}, M={size}", core, codes, truth, clean_batch(product),
                   parameters, rng.integers(1, 2**32, trials))


def soft(name: str, size: int, margin: float, trials: int, seed: int) -> dict:
    """Soft queries with the preset's parameters."""
    chosen = preset(name)
    core = chosen.core
    rng, codes, truth, product = problems(core, size, trials, seed)
    query = soft_batch(product, core.block_length, margin, rng, core.query_entries,
                       core.weight_bits)
    return measure(f"soft, {name}, M={size}, margin {margin:g}", core, codes, truth, query,
                   chosen.soft.replace(sizes=(size,) * core.factors),
                   rng.integers(1, 2**32, trials))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/patience.py --trials 4000 --json patience.json")
    parser.add_argument("--trials", type=count, default=1000, help="per problem (default 1000)")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--json", type=new_file, metavar="FILE")
    args = parser.parse_args()
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for run, cases in ((clean, CLEAN), (soft, SOFT)):
            for case in progress.track(cases, description=run.__name__):
                rows.append(run(*case, args.trials, args.seed))
    table = Table(title=f"iterations, cycles and accuracy by patience, {args.trials} trials")
    table.add_column("problem")
    for patience in PATIENCE:
        table.add_column(str(patience), justify="right")
    for row in rows:
        cells = row["patience"].values()
        table.add_row(row["problem"], *(f"{c['iterations']:.2f}\n{c['cycles']:,.0f}\n"
                                        f"{c['accuracy']:.4f}" for c in cells))
    Console(width=120).print(table)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as stream:
            json.dump(rows, stream, indent=2)


if __name__ == "__main__":
    main()
