"""How well the digits' product vectors can be factorized: exhaustive search, and the core.

``python -m examples.digits.evaluate`` in the repository's root prints the table of the README.
"""

import argparse

import numpy as np

from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import from_probabilities_batch

from .network import DIGITS, FACTORS, VARIANTS, bound_indices, held_out_triples, load
from .settings import ENTRIES, WEIGHT_BITS, codebooks, core_config, queries, run_parameters

__all__ = ["accuracy", "exhaustive_search", "factorize", "figures", "quantise"]

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


def factorize(network, images, log: bool = False, **changes) -> list:
    """Run the golden model of the core on the network's outputs; one Result an image triple.

    ``log`` chooses the query's weights, see :func:`quantise`; ``changes`` replace fields of the
    run parameters in ``settings.py``.
    """
    model = Factorizer(core_config(network), codebooks(network))
    parameters = run_parameters(network).replace(**changes)
    return [model.run(query, parameters) for query in queries(network, images, log)]


def main(arguments=None) -> None:
    """Print the figures of every trained network."""
    parser = argparse.ArgumentParser(prog="examples.digits.evaluate", description=__doc__)
    parser.add_argument("--triples", type=int, default=5000, help="held-out triples (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the triples (%(default)s)")
    parser.add_argument("--noise", type=float, default=0.,
                        help="noise added to the images, in grey levels of 16 (%(default)s)")
    parser.add_argument("--log", action="store_true", help="give the core log weights")
    parser.add_argument("--threshold", type=int, help="T16 of the core (settings.py)")
    parser.add_argument("--trim", type=int, help="blocks left out of the minimum (settings.py)")
    options = parser.parse_args(arguments)
    changes = {name: getattr(options, name) for name in ("threshold", "trim")
               if getattr(options, name) is not None}
    images, labels = held_out_triples(options.triples, options.seed, options.noise)
    print(f"{options.triples} held-out triples, seed {options.seed}, noise {options.noise:g}; "
          "right by exhaustive search on")
    for name in VARIANTS:
        network = load(name)
        print(f"{name}: B={network.blocks}, L={network.block_length}")
        for query, share in figures(network, images, labels).items():
            print(f"  {query:38} {100 * share:6.2f} %")
        results = factorize(network, images, options.log, **changes)
        share = accuracy(np.array([result.indices for result in results]), labels)
        cycles = np.array([result.cycles for result in results])
        print(f"  {'factorized by the core':38} {100 * share:6.2f} %, "
              f"{np.mean([result.iterations for result in results]):.2f} iterations, "
              f"{cycles.mean():.0f} cycles (99 %: {np.quantile(cycles, .99):.0f}, "
              f"largest {cycles.max()})")


if __name__ == "__main__":
    main()
