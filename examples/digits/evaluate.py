"""How well the digits' product vectors can be factorized: exhaustive search, and the core.

``python -m examples.digits.evaluate`` in the repository's root prints the tables of the README: by
network, right triples and cycles of the core's modes side by side. Exit status 1 if, of 5,000
triples or more, ``join`` has fewer right than exhaustive search, ``scan`` (with noise: more than
0.05 % fewer), or .5 % fewer than a network with an ordinary last layer of 1000 classes, or takes
more than 500 cycles on average.
"""

import argparse
import json
import sys

import numpy as np

from blockfactor.cli._common import output_file
from blockfactor.errors import BlockfactorError
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import from_probabilities_batch

from . import compare
from .network import DIGITS, FACTORS, VARIANTS, bound_indices, held_out_triples, load
from .settings import ENTRIES, WEIGHT_BITS, codebooks, core_config, queries, run_parameters

__all__ = ["ENOUGH", "MEAN_CYCLES", "MODES", "accuracy", "evaluate", "exhaustive_search",
           "figures", "missed", "quantise", "search"]

#: Modes of the core that are compared; ``scan`` is exhaustive search.
MODES = ("factorize", "join", "scan")
#: Triples from which on the bounds count.
ENOUGH = 5000
#: Largest mean number of cycles of ``join``.
MEAN_CYCLES = 500
#: Share of triples by which ``join`` may fall behind exhaustive search where images have noise:
#: every block that it looks up can then be wrong.
LOSS = .0005


def quantise(probabilities, log: bool = False) -> np.ndarray:
    """Turn probabilities into the integer weights of a query: 4 bits, at most 8 in a block.

    Parameters
    ----------
    probabilities : float array [n, B, L]
    log : bool
        Weights ``15 - 2 ln(peak / p)`` instead of ``15 p / peak``, rounded.

    Returns
    -------
    int array [n, B, L], 0..15
    """
    index, weight = from_probabilities_batch(probabilities, ENTRIES, WEIGHT_BITS, log)
    result = np.zeros(np.shape(probabilities), dtype=np.int64)
    # Unused entries have index 0 and weight 0: adding, not storing, keeps index 0's weight.
    for entry in range(index.shape[2]):
        place = index[:, :, entry:entry + 1].astype(np.int64)
        value = np.take_along_axis(result, place, 2) + weight[:, :, entry:entry + 1]
        np.put_along_axis(result, place, value, 2)
    return result


def exhaustive_search(weights, codebook) -> tuple[np.ndarray, np.ndarray]:
    """Find the triple of the best score by trying all 1000.

    Parameters
    ----------
    weights : array [n, B, L]
        Score of every index, per block: probabilities, their logarithms or integer weights.
    codebook : int array [3, 10, B]

    Returns
    -------
    found : int array [n, 3]
        Lowest triple of equal scores.
    scores : array [n]
    """
    weights = np.asarray(weights)
    triples = np.stack(np.unravel_index(np.arange(DIGITS**FACTORS), (DIGITS,) * FACTORS), axis=1)
    index = bound_indices(codebook, triples) % weights.shape[2]
    total = sum(weights[:, b][:, index[:, b]] for b in range(weights.shape[1]))
    best = total.argmax(axis=1)
    return triples[best], total[np.arange(len(total)), best]


def accuracy(found, labels) -> float:
    """Share of triples of which every digit was found."""
    return float((found == labels).all(axis=1).mean())


def figures(network, images, labels) -> dict[str, float]:
    """Shares of right triples by exhaustive search, per kind of query, and of right blocks."""
    p = network.product_vector(images)
    queries = {
        "probabilities": p,
        "log probabilities": np.log(np.maximum(p, 1e-12)),
        "8 entries, linear weights": quantise(p),
        "8 entries, log weights": quantise(p, log=True),
    }
    result = {name: accuracy(exhaustive_search(query, network.codebook)[0], labels)
              for name, query in queries.items()}
    target = bound_indices(network.codebook, labels) % network.block_length
    result["blocks whose largest element is right"] = float((p.argmax(axis=2) == target).mean())
    return result


def search(network, images, mode: str = "factorize", log: bool = False, **changes) -> list:
    """Run the golden model of the core on the network's outputs; one Result an image triple.

    ``log`` chooses the query's weights, see :func:`quantise`; ``changes`` replace fields of the
    run parameters in ``settings.py``.
    """
    parameters = run_parameters(network, mode).replace(**changes)
    core = core_config(network).replace(heads=parameters.heads)
    model = Factorizer(core, codebooks(network))
    return [model.run(query, parameters) for query in queries(network, images, log)]


def evaluate(network, images, labels, log: bool = False, changes=None) -> dict:
    """Compare the core's modes on the same triples.

    Parameters
    ----------
    network : DigitsNetwork
    images : array [n, 3, 8, 8]
    labels : int array [n, 3]
    log : bool
        Logarithmic weights for the core.
    changes : dict of dict, or None
        By mode, fields of the run parameters that replace those of ``settings.py``.

    Returns
    -------
    dict
        ``exhaustive``: shares of right triples by software, of :func:`figures`; ``core``: by mode
        the number of ``right`` triples, of those with the ``best`` score there is, and ``steps``,
        ``mean``, ``p99`` and ``largest`` cycles.
    """
    _, scores = exhaustive_search(quantise(network.product_vector(images), log), network.codebook)
    core = {}
    for mode in MODES:
        results = search(network, images, mode, log, **(changes or {}).get(mode, {}))
        found = np.array([result.indices for result in results])
        cycles = np.array([result.cycles for result in results])
        core[mode] = {
            "right": int((found == labels).all(axis=1).sum()),
            "best": int(sum(result.score == score for result, score in zip(results, scores))),
            "steps": float(np.mean([result.iterations for result in results])),
            "mean": float(cycles.mean()), "p99": float(np.quantile(cycles, .99)),
            "largest": int(cycles.max())}
    return {"exhaustive": figures(network, images, labels), "core": core}


def missed(row: dict) -> list[str]:
    """Bounds that the figures of a network miss, in words; see the top of this file."""
    join, scan = row["core"]["join"], row["core"]["scan"]
    least = scan["right"] - (LOSS * row["triples"] if row["noise"] else 0)
    result = []
    if join["right"] < least:
        result.append(f"join has {join['right']:,} right, must have {np.ceil(least):,.0f}")
    if join["mean"] > MEAN_CYCLES:
        result.append(f"join takes {join['mean']:,.1f} cycles on average, may take {MEAN_CYCLES}")
    return result


def show(row: dict) -> None:
    """Print the figures of a network."""
    count = row["triples"]
    print(f"\n{row['network']}: B={row['blocks']}, L={row['block_length']}; "
          "right by exhaustive search in software on")
    for query, share in row["exhaustive"].items():
        print(f"  {query:38} {100 * share:6.2f} %")
    print(f"  {'the core':22} right  best score    steps  cycles: mean     99 %   largest")
    for mode, way in row["core"].items():
        name = "scan (exhaustive)" if mode == "scan" else mode
        print(f"  {name:18} {100 * way['right'] / count:6.2f} %    "
              f"{100 * way['best'] / count:6.2f} % {way['steps']:8,.2f} {way['mean']:13,.0f} "
              f"{way['p99']:8,.0f} {way['largest']:9,}")
    compare.show(row["compared"], count)
    for text in row["missed"]:
        print(f"  missed: {text}")


def main(arguments=None) -> int:
    """Print the figures of every trained network; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(
        prog="examples.digits.evaluate", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m examples.digits.evaluate --noise 2 --json noise.json")
    parser.add_argument("--triples", type=int, default=ENOUGH,
                        help="held-out triples (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the triples (%(default)s)")
    parser.add_argument("--noise", type=float, default=0.,
                        help="noise added to the images, in grey levels of 16 (%(default)s)")
    parser.add_argument("--log", action="store_true", help="give the core log weights")
    for name, text in (("threshold", "T16 of factorize"),
                       ("trim", "blocks that factorize leaves out of the minimum"),
                       ("heads", "blocks that join looks codevectors up in"),
                       ("level", "share of the largest score, in 256ths, join and scan accept")):
        parser.add_argument(f"--{name}", type=int, help=f"{text} (settings.py)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    options = parser.parse_args(arguments)
    if options.triples < 1 or options.seed < 0 or not 0 <= options.noise < np.inf:
        parser.error("--triples must be at least 1, --seed and --noise at least 0")
    output = output_file(options.json) if options.json else None
    given = {name: value for name, value in vars(options).items() if value is not None}
    fields = {"factorize": ("threshold", "trim"), "join": ("heads", "level"), "scan": ("level",)}
    changes = {mode: {name: given[name] for name in names if name in given}
               for mode, names in fields.items()}
    images, labels = held_out_triples(options.triples, options.seed, options.noise)
    print(f"{options.triples:,} held-out triples, seed {options.seed}, noise {options.noise:g}")
    connected = compare.connected_right(images, labels)
    rows = []
    for name in VARIANTS:
        network = load(name)
        row = {"network": name, "blocks": network.blocks, "block_length": network.block_length,
               "triples": options.triples, "seed": options.seed, "noise": options.noise,
               "log": options.log, "changes": changes,
               **evaluate(network, images, labels, options.log, changes)}
        row["compared"] = compare.compare(network, row["core"]["join"], connected)
        row["missed"] = missed(row) + compare.missed(row["compared"], options.triples)
        show(row)
        rows.append(row)
    if output:
        output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    failed = any(row["missed"] for row in rows)
    if options.triples < ENOUGH:
        print(f"\nbounds count from {ENOUGH:,} triples on")
        return 0
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BlockfactorError, OSError) as problem:
        sys.exit(f"evaluate: error: {problem}")
