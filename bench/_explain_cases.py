"""Bundles that bench/explain.py decodes: cases, their parameters and bounds, and made problems."""

from typing import NamedTuple

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.golden.bundle import clean_bundle_batch, soft_bundle_batch
from blockfactor.parameters import RunParameters

__all__ = ["CASES", "FACTORS", "PRODUCTS", "RUNS", "SHARE", "SIZE", "Case", "core_of",
           "parameters_of", "problems", "right_products", "trials_of"]

FACTORS, SIZE = 3, 22
#: Most products in a bundle.
PRODUCTS = 3
#: Factorize takes so much longer that it gets that fraction of the bundles.
SHARE = 5
#: T and A are published ones for M=22 (clean), and those of preset demo (soft).
RUNS = {
    ("join", "clean"): {"heads": 1},
    ("join", "soft"): {"heads": 3, "level": 205},
    ("factorize", "clean"): {"threshold": 223, "samples": 15, "max_iterations": 50},
    ("factorize", "soft"): {"threshold": 262, "samples": 8, "trim": 1, "level": 154, "patience": 3,
                            "max_iterations": 25},
}


class Case(NamedTuple):
    """Bundles of ``bundled`` products, ``kind`` clean or soft with logit margin ``margin``."""

    mode: str
    kind: str
    bundled: int
    blocks: int
    block_length: int
    margin: float = 0.0
    #: Least share of bundles of which every product is found.
    bound: float = 0.0

    @property
    def query(self) -> str:
        """Kind of the bundles, for tables."""
        return f"soft, margin {self.margin:g}" if self.kind == "soft" else "clean"


def _cases():
    for mode in ("join", "factorize"):
        for kind, margin in (("clean", 0.0), ("soft", 5.0), ("soft", 4.0)):
            for blocks in (4, 8):
                for dimension in (512, 1024):
                    for bundled in range(1, PRODUCTS + 1):
                        case = Case(mode, kind, bundled, blocks, dimension // blocks, margin)
                        yield case._replace(bound=_bound(case))


def _bound(case: Case) -> float:
    """What join must reach; factorize is measured only."""
    if case.mode == "factorize":
        return 0.0
    if case.kind == "soft" and case.margin < 5 and case.blocks == 4:
        return .88
    return .97


CASES = tuple(_cases())


def trials_of(case: Case, trials: int) -> int:
    """Bundles that a case gets."""
    return max(1, trials // SHARE) if case.mode == "factorize" else trials


def core_of(case: Case) -> CoreConfig:
    """The core that decodes the bundles."""
    return CoreConfig(factors=FACTORS, blocks=case.blocks, block_length=case.block_length,
                      max_codevectors=32, heads=3, products=PRODUCTS)


def parameters_of(case: Case) -> RunParameters:
    """Its run parameters."""
    return RunParameters(sizes=(SIZE,) * FACTORS, mode=case.mode, products=case.bundled,
                         **RUNS[case.mode, case.kind])


def problems(case: Case, trials: int, seed: list[int]):
    """Codebooks [n, F, M, B], true tuples [n, K, F], queries and seeds.

    The same for both modes.
    """
    core = core_of(case)
    rng = np.random.default_rng([*seed, case.bundled, case.blocks, case.block_length])
    codes = rng.integers(0, core.block_length, (trials, FACTORS, SIZE, case.blocks))
    truth = rng.integers(0, SIZE, (trials, case.bundled, FACTORS))
    seeds = rng.integers(1, 2**32, trials)
    rows = np.arange(trials)[:, None, None]
    products = codes[rows, np.arange(FACTORS), truth].sum(2) % core.block_length
    if case.kind == "soft":
        index, weight = soft_bundle_batch(products, core.block_length, case.margin, rng,
                                          core.query_entries, core.weight_bits)
    else:
        index, weight = clean_bundle_batch(products)
    return codes, truth, index.astype(np.int64), weight.astype(np.int64), seeds


def right_products(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many true tuples [n, K, F] of each bundle are among those found [n, K, F], in any order.

    Of two that are equal both must be found.
    """
    count = np.zeros(len(truth), dtype=np.int64)
    left = np.ones(truth.shape[:2], dtype=bool)
    for k in range(found.shape[1]):
        same = (truth == found[:, k:k + 1]).all(2) & left
        hit = same.any(1)
        left[np.flatnonzero(hit), same[hit].argmax(1)] = False
        count += hit
    return count
