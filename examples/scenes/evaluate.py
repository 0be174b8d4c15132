"""The factorizer head beside a fully connected one, on held-out panels.

``python -m examples.scenes.evaluate`` in the repository's root prints the tables of the README:
accuracy and size of the heads, the size of a tensor train with as many parameters, cycles of the
core's modes, and times on the boards. Exit status 1
if the factorizer head, decoded by ``join`` in the core's golden model, falls behind the fully
connected one by more than .5 % of the panels, or if there are fewer than 1,000 panels.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from blockfactor.cli._common import output_file
from blockfactor.errors import BlockfactorError
from blockfactor.golden.factorizer import Factorizer
from blockfactor.studies import heads

from .network import (
    BLOCK_LENGTH,
    BLOCKS,
    CONNECTED,
    FACTORIZER,
    HEADS,
    HERE,
    bound_indices,
    load,
)
from .render import CLASSES, NOISE, SIZES, classes, panels, tuples
from .settings import CORE, codebooks, queries, run_parameters, weights

__all__ = ["BEHIND", "ENGINE_MODES", "ENOUGH", "accuracy", "evaluate", "exhaustive_search",
           "layer", "missed", "search", "tensor_train"]

#: Modes of the core that are compared; ``scan`` is exhaustive search.
ENGINE_MODES = ("join", "factorize", "scan")
#: Fewest panels that say something, and how far the factorizer head may be behind.
ENOUGH, BEHIND = 1000, .005
#: Inputs of the last layer, 256, as a product of four numbers, for the tensor train.
MODES = (4, 4, 4, 4)
#: What the boards' builds have measured.
BOARDS = Path(__file__).parents[2] / "docs" / "boards.json"
#: Product vectors at a time, which bounds the memory used.
CHUNK = 500


def exhaustive_search(table, codebook) -> tuple[np.ndarray, np.ndarray]:
    """Find the combination of the best score by trying all 2,700.

    Parameters
    ----------
    table : array [n, B, L]
        Score of every index, per block: probabilities, or integer weights.
    codebook : sequence of 4 int arrays [M, B]

    Returns
    -------
    found : int array [n, 4]
        Lowest combination of equal scores.
    scores : array [n]
    """
    everything = tuples(np.arange(CLASSES))
    index = bound_indices(codebook, everything)
    found, scores = [], []
    for first in range(0, len(table), CHUNK):
        part = np.asarray(table[first:first + CHUNK])
        total = sum(part[:, b][:, index[:, b]] for b in range(part.shape[1]))
        best = total.argmax(axis=1)
        found.append(everything[best])
        scores.append(total[np.arange(len(total)), best])
    return np.concatenate(found), np.concatenate(scores)


def accuracy(found, attributes) -> float:
    """Share of panels of which every attribute was found."""
    return float((np.asarray(found) == attributes).all(axis=1).mean())


def search(network, products, mode: str = "join", **changes) -> list:
    """Run the golden model of the core on product vectors [n, B, L]; a Result each."""
    parameters = run_parameters(mode).replace(**changes)
    model = Factorizer(CORE.replace(heads=parameters.heads), codebooks(network))
    return [model.run(query, parameters) for query in queries(products)]


def layer(network) -> heads.Head:
    """Size of a network's last layer."""
    width = network.weights["output.weight"].shape[1]
    return (heads.factorizer(width, SIZES, BLOCKS, BLOCK_LENGTH) if network.head == FACTORIZER else
            heads.connected(width, CLASSES))


def tensor_train(head: heads.Head) -> heads.Head:
    """A tensor train with no more parameters than ``head``; none was trained."""
    ranks = heads.tensor_train_ranks(MODES, SIZES, head.parameters - CLASSES)
    return heads.tensor_train(MODES, SIZES, ranks)


def evaluate(networks: dict, images, attributes) -> dict:
    """Figures of all heads on the same panels.

    Parameters
    ----------
    networks : dict of SceneNetwork
        By head.
    images : uint8 array [n, 40, 40]
    attributes : int array [n, 4]

    Returns
    -------
    dict
        ``heads``: by head ``right`` (with ``join`` for the factorizer), ``known`` and ``unknown``
        (accuracy on combinations that were and were not trained, None where there are none),
        ``parameters``, ``operations``, ``codebook_bits`` of the last layer; of the tensor train
        only the size; ``before``: parameters and operations before it; ``exhaustive``: shares of
        right panels by exhaustive search in software; ``core``: by mode ``right`` panels, those
        with the ``best`` score there is, ``mean``, ``p99`` and ``largest`` cycles.
    """
    network = networks[FACTORIZER]
    products = network.product_vector(images)
    table = weights(products)
    best, scores = exhaustive_search(table, network.codebook)
    exhaustive = {"probabilities": accuracy(exhaustive_search(products, network.codebook)[0],
                                            attributes),
                  "8 entries, linear weights": accuracy(best, attributes),
                  "blocks whose largest element is right": float(
                      (products.argmax(axis=2)
                       == bound_indices(network.codebook, attributes)).mean())}
    core, answers = {}, {}
    for mode in ENGINE_MODES:
        results = search(network, products, mode)
        found = np.array([result.indices for result in results])
        cycles = np.array([result.cycles for result in results])
        answers[mode] = found
        core[mode] = {
            "right": int((found == attributes).all(axis=1).sum()),
            "best": int(sum(result.score == score for result, score in zip(results, scores))),
            "mean": float(cycles.mean()), "p99": float(np.quantile(cycles, .99)),
            "largest": int(cycles.max())}
    rows = {}
    for head, one in networks.items():
        found = answers["join"] if head == FACTORIZER else one.classify(images)
        right = (found == attributes).all(axis=1)
        unknown = np.isin(classes(attributes), one.held_back)
        rows[head] = {
            "right": int(right.sum()),
            "known": float(right[~unknown].mean()) if (~unknown).any() else None,
            "unknown": float(right[unknown].mean()) if unknown.any() else None,
            **layer(one)._asdict()}
    rows["tensor train"] = tensor_train(layer(network))._asdict()
    before = {name: sum(parts.values()) - parts["output"] for name, parts in
              (("parameters", network.parameters), ("operations", network.operations))}
    return {"heads": rows, "before": before, "exhaustive": exhaustive, "core": core}


def missed(row: dict) -> list[str]:
    """Bounds that the figures miss, in words; see the top of this file."""
    result = []
    count = row["panels"]
    if count < ENOUGH:
        result.append(f"{count:,} panels are too few to say anything, {ENOUGH:,} are needed")
    have, want = (row["heads"][head]["right"] for head in (FACTORIZER, CONNECTED))
    if have < want - BEHIND * count:
        result.append(f"the factorizer head has {have:,} of {count:,} right, the fully connected "
                      f"one {want:,}: more than {BEHIND:.1%} behind")
    return result


def show(row: dict) -> None:
    """Print the figures."""
    count = row["panels"]
    print(f"\n{'last layer':14}   right  parameters  operations  codebooks")
    for head, one in row["heads"].items():
        right = f"{one['right'] / count:7.2%}" if "right" in one else "      -"
        print(f"{head:14} {right} {one['parameters']:11,} {one['operations']:11,} "
              f"{one['codebook_bits']:5,} bits")
        if one.get("unknown") is not None:
            print(f"{'':14}   trained combinations {one['known']:.2%}, others "
                  f"{one['unknown']:.2%}")
    print(f"{'before it':22} {row['before']['parameters']:11,} {row['before']['operations']:11,}")
    print("\nfactorizer head: right by exhaustive search in software on")
    for query, share in row["exhaustive"].items():
        print(f"  {query:38} {share:8.2%}")
    print(f"  {'the core':18}   right  best score  cycles: mean     99 %   largest")
    for mode, way in row["core"].items():
        name = "scan (exhaustive)" if mode == "scan" else mode
        print(f"  {name:18} {way['right'] / count:7.2%}  {way['best'] / count:10.2%} "
              f"{way['mean']:13,.0f} {way['p99']:8,.0f} {way['largest']:9,}")
    print("\njoin at the clock of the boards' presets, which are of other cores (F=3)")
    for time in row["boards"]:
        print(f"  {time['board']:18} {time['clock_hz'] / 1e6:5.1f} MHz "
              f"{time['microseconds']:6.2f} us{'' if time['holds'] else '  (not in its preset)'}")
    for text in row["missed"]:
        print(f"  missed: {text}")


def main(arguments=None) -> int:
    """Print the figures; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(
        prog="examples.scenes.evaluate", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m examples.scenes.evaluate --seed 1 --json scenes.json")
    parser.add_argument("--panels", type=int, default=5000, help="held-out panels (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the panels (%(default)s)")
    parser.add_argument("--noise", type=float, default=NOISE,
                        help="standard deviation of a pixel, white is 1 (%(default)s)")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the .npz files are")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    options = parser.parse_args(arguments)
    if options.panels < 1 or options.seed < 0 or not 0 <= options.noise < np.inf:
        parser.error("--panels must be at least 1, --seed and --noise at least 0")
    output = output_file(options.json) if options.json else None
    networks = {head: load(head, options.folder) for head in HEADS}
    images, attributes = panels(options.panels, options.seed, options.noise)
    print(f"{options.panels:,} held-out panels, seed {options.seed}, noise {options.noise:g}")
    row = {"panels": options.panels, "seed": options.seed, "noise": options.noise,
           **evaluate(networks, images, attributes)}
    boards = json.loads(BOARDS.read_text(encoding="utf-8"))
    row["boards"] = [time._asdict() for time in
                     heads.board_times(boards, CORE, row["core"]["join"]["mean"])]
    row["missed"] = missed(row)
    show(row)
    if output:
        output.write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")
    return int(bool(row["missed"]))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BlockfactorError, OSError) as problem:
        sys.exit(f"evaluate: error: {problem}")
