"""What to take off a query for a product that was found: its whole weights, or less of them."""

import numpy as np
from _explain_cases import FACTORS, core_of, parameters_of, problems, right_products

from blockfactor.golden.batch import factorize_many

__all__ = ["RULES", "compare"]


def _smallest(got):
    return np.where(got > 0, got, got.max(1, keepdims=True)).min(1, keepdims=True)


#: Most that is taken off in a block, of the product's weights [n, B].
RULES = {
    "whole": lambda got: got,
    "smallest": _smallest,
    "mean": lambda got: got.sum(1, keepdims=True) // got.shape[1],
    "median": lambda got: np.sort(got, 1)[:, (got.shape[1] - 1) // 2, None],
}


def _decode(case, rule, codes, truth, index, weight, seeds) -> float:
    """Share of bundles of which every product is found with a rule."""
    core, found = core_of(case), []
    for _ in range(case.bundled):
        batch = factorize_many(core, codes, index, weight, parameters_of(case).replace(products=1),
                               seeds)
        found.append(batch.indices)
        chosen = codes[np.arange(len(codes))[:, None], np.arange(FACTORS), batch.indices]
        hit = (index == (chosen.sum(1) % core.block_length)[:, :, None]) & (weight > 0)
        got = (weight * hit).sum(2)
        weight = weight - hit * np.minimum(got, rule(got))[:, :, None]
        order = np.argsort(weight == 0, axis=-1, kind="stable")
        weight = np.take_along_axis(weight, order, -1)
        index = np.where(weight > 0, np.take_along_axis(index, order, -1), 0)
    return float((right_products(np.stack(found, 1), truth) == case.bundled).mean())


def compare(cases, trials: int, start: int) -> list[dict]:
    """Figures of every rule, for join and bundles of several products in four blocks."""
    rows = []
    for case in cases:
        if case.mode != "join" or case.bundled == 1 or case.blocks != 4:
            continue
        made = problems(case, trials, [start, 0])
        rows.append({"query": case.query, "bundled": case.bundled,
                     "dimension": case.blocks * case.block_length, "trials": trials,
                     "rules": {name: _decode(case, rule, *made) for name, rule in RULES.items()}})
    return rows
