"""Held-out digits from the images to the tuple, the last step in the simulated core.

``python -m examples.digits.rtl`` in the repository's root: a network's product vectors go, dense,
into the Verilog of the core in Verilator, whose front-end picks the entries and whose engine finds
the digits; every run is compared with the golden model in each trace word and result field. Exit
status 1 where one differs, or where the core falls behind the fully connected network by more than
.5 % of the triples.
"""

import argparse
import sys
import tempfile

import numpy as np

from blockfactor.errors import BlockfactorError
from blockfactor.golden.frontend import quantise
from blockfactor.presets import preset
from blockfactor.sim.simulate import simulate
from blockfactor.sim.workload import Item, Workload

from .compare import BEHIND, connected_right
from .network import VARIANTS, held_out_triples, load
from .settings import codebooks, core_config, run_parameters

__all__ = ["core", "decode", "main"]


def core(network):
    """The simulated core: preset ``demo`` takes b4's outputs, b8's need shorter blocks."""
    demo = preset("demo").core
    small = core_config(network)
    if (small.blocks, small.block_length) == (demo.blocks, demo.block_length):
        return demo
    return small.replace(engines=("join",), element_bits=demo.element_bits)


def decode(network, images, folder, mode: str = "join", **options) -> list[dict]:
    """Rows of :func:`blockfactor.sim.simulate.simulate`, one a triple; ``options`` go there."""
    config = core(network)
    book, parameters = codebooks(network), run_parameters(network, mode)
    items = [Item(book, None, parameters, kind="digits",
                  elements=quantise(product, config.element_bits))
             for product in network.product_vector(images)]
    return simulate(Workload(config, items), folder, **options)


def main(arguments=None) -> int:
    """Print the figures; returns 1 if a run differs or the networks are too far apart."""
    parser = argparse.ArgumentParser(prog="examples.digits.rtl", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=VARIANTS, default="b4")
    parser.add_argument("--triples", type=int, default=1000, help="held-out triples (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the triples (%(default)s)")
    parser.add_argument("--mode", choices=("join", "factorize"), default="join",
                        help="engine; factorize with b4 only (%(default)s)")
    options = parser.parse_args(arguments)
    if options.triples < 1 or options.seed < 0:
        parser.error("--triples must be at least 1, --seed at least 0")
    images, labels = held_out_triples(options.triples, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        rows = decode(load(options.network), images, folder, options.mode)
    differing = [row for row in rows if row["difference"]]
    found = np.array([row["indices"] for row in rows])
    have, want = int((found == labels).all(axis=1).sum()), connected_right(images, labels)
    count = len(rows)
    print(f"{options.network}: {count:,} held-out triples, seed {options.seed}: "
          f"{have / count:.2%} right in the simulated core, {want / count:.2%} with the fully "
          f"connected network\n{np.mean([row['cycles'] for row in rows]):,.0f} cycles on average, "
          f"{max(row['cycles'] for row in rows):,} at most\n"
          f"{count - len(differing):,} runs equal the golden model's in every trace word and "
          "result field")
    for row in differing:
        print(f"triple {row['number']} differs from the golden model: {row['difference']}")
    return int(bool(differing) or have < want - BEHIND * count)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BlockfactorError, OSError) as problem:
        sys.exit(f"rtl: error: {problem}")
