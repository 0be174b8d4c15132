"""Held-out panels from the image to the four attributes, the last step in the simulated core.

``python -m examples.scenes.rtl`` in the repository's root: the network's product vectors become
queries, the Verilog of preset ``f4`` factorizes them in Verilator, and every run is compared with
the golden model in each trace word and result field. Exit status 1 where one differs, or where the
core falls behind the fully connected head by more than .5 % of the panels.
"""

import argparse
import sys
import tempfile

import numpy as np

from blockfactor.errors import BlockfactorError
from blockfactor.sim.simulate import simulate
from blockfactor.sim.workload import Item, Workload

from .evaluate import BEHIND, accuracy
from .network import CONNECTED, FACTORIZER, load
from .render import panels
from .settings import CORE, codebooks, queries, run_parameters

__all__ = ["decode", "main"]


def decode(network, images, attributes, folder, mode: str = "join", **options) -> list[dict]:
    """Rows of :func:`blockfactor.sim.simulate.simulate`, one a panel; ``options`` go there."""
    book, parameters = codebooks(network), run_parameters(mode)
    items = [Item(book, query, parameters, tuple(map(int, row)), "scenes")
             for query, row in zip(queries(network.product_vector(images)), attributes)]
    return simulate(Workload(CORE, items), folder, **options)


def main(arguments=None) -> int:
    """Print the figures; returns 1 if a run differs or the heads are too far apart."""
    parser = argparse.ArgumentParser(prog="examples.scenes.rtl", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=1000, help="held-out panels (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the panels (%(default)s)")
    options = parser.parse_args(arguments)
    if options.panels < 1 or options.seed < 0:
        parser.error("--panels must be at least 1, --seed at least 0")
    images, attributes = panels(options.panels, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        rows = decode(load(FACTORIZER), images, attributes, folder)
    differing = [row for row in rows if row["difference"]]
    have = accuracy(np.array([row["indices"] for row in rows]), attributes)
    want = accuracy(load(CONNECTED).classify(images), attributes)
    print(f"{len(rows):,} held-out panels, seed {options.seed}: {have:.2%} right in the simulated "
          f"core, {want:.2%} with the fully connected head\n"
          f"{np.mean([row['cycles'] for row in rows]):,.0f} cycles on average, "
          f"{max(row['cycles'] for row in rows):,} at most\n"
          f"{len(rows) - len(differing):,} runs equal the golden model's in every trace word and "
          "result field")
    for row in differing:
        print(f"panel {row['number']} differs from the golden model: {row['difference']}")
    return int(bool(differing) or have < want - BEHIND)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BlockfactorError, OSError) as problem:
        sys.exit(f"rtl: error: {problem}")
