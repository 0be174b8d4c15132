"""Test vectors of a core: queries of every kind it knows, with the golden model's results.

The runs are short, since an event-driven simulator takes a second for some thousand cycles: few
codevectors are in use where a search through many takes long, of some random queries one that takes
few cycles is kept, and a run that still takes many is cut by its limit.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..config import CoreConfig
from ..golden import query as queries
from ..golden.codebook import Codebooks, encode
from ..golden.factorizer import Factorizer
from ..golden.frontend import front_end, quantise, quantise_logits
from ..golden.query import Query
from ..golden.result import Result
from ..parameters import RunParameters

__all__ = ["Case", "case_kinds", "make_cases"]

#: Cycles times blocks that a run should not exceed, and how many random queries are tried for it.
SHORT, TRIES = 16_000, 12
#: Most codevectors in use, by number of factors: where all are searched, and where all tuples are.
FEW = {2: 128, 3: 22, 4: 10}
FEWER = {2: 20, 3: 7, 4: 4}
#: Most tuples of a step of a run with whole codebooks.
MOST_TUPLES = 4096


@dataclass(frozen=True)
class Case:
    """One run: ``elements`` (int [B, L]), where given, take the place of the query's entries."""

    kind: str
    query: Query
    parameters: RunParameters
    result: Result
    elements: np.ndarray | None = None


def case_kinds(config: CoreConfig) -> list[str]:
    """Kinds of queries and runs that suit the core, in the order in which they are made."""
    iterates = "factorize" in config.engines
    joins = "join" in config.engines
    found = ["clean"]
    if config.query_entries > 1:
        found.append("soft")
    if config.element_bits:
        found.append("dense")
    found += ["known", "limit"]
    if iterates and joins:
        found.append("join")
    if joins:
        found.append("scan")
    if config.blocks > 1:
        found.append("damaged")
    if iterates:
        return [*found, "sum", "given"]
    return [*found, "given"]


def make_cases(config: CoreConfig, codebooks: Codebooks, clean: RunParameters,
               soft: RunParameters, margin: float, count: int, seed: int) -> list[Case]:
    """Make ``count`` runs, of all kinds in turn.

    Parameters
    ----------
    clean, soft : RunParameters
        For queries that match exactly, and for others; sizes are those of ``codebooks``.
    margin : float
        Logit margin of soft queries.
    """
    rng = np.random.default_rng(seed)
    model = Factorizer(config, codebooks)
    kinds = case_kinds(config)
    cases = []
    short = SHORT // config.blocks
    for number in range(count):
        kind = kinds[number % len(kinds)]
        base = soft if kind in ("soft", "dense", "damaged") else clean
        parameters = _parameters(kind, config, base.replace(sizes=codebooks.sizes), number)
        if kind == "dense" and number // len(kinds) % 2:
            parameters = parameters.replace(
                dense_weights="log", dense_shift=max(0, config.element_bits - config.weight_bits))
        tries = []
        for _ in range(TRIES):
            tries.append(_case(kind, model, parameters, margin, rng))
            if tries[-1].result.cycles <= short:
                break
        best = min(tries, key=lambda case: case.result.cycles)
        cases.append(best if best.result.cycles <= short else _cut(best, model, short))
    return cases


def _cut(case: Case, model: Factorizer, cycles: int) -> Case:
    """The same run with a limit such that it takes about ``cycles``, or one iteration."""
    result = case.result
    parameters = case.parameters.replace(
        max_iterations=max(1, result.iterations * cycles // result.cycles))
    return replace(case, parameters=parameters, result=model.run(case.query, parameters))


def _parameters(kind: str, config: CoreConfig, base: RunParameters, number: int) -> RunParameters:
    """Run parameters of a kind; which factor is known is decided with the tuple."""
    full = base.sizes
    few = tuple(min(size, FEW[config.factors]) for size in full)
    fewer = tuple(min(size, FEWER[config.factors]) for size in full)
    base = base.replace(sizes=few, max_iterations=min(base.max_iterations, 60))
    if kind in ("scan", "join"):
        base = base.replace(mode=kind)
    elif "factorize" not in config.engines:
        base = base.replace(mode="auto")
    if kind == "scan":
        base = base.replace(sizes=fewer)
    if kind == "limit" and base.resolve(config) != "factorize":
        return base.replace(level=511, max_tuples=5)
    if kind == "limit":
        if min(config.list_size, max(full)) ** (config.factors - 1) > MOST_TUPLES:
            # Nothing is above this threshold, so that the lists stay as short as the samples.
            base = base.replace(threshold=0xFFFF, samples=2)
        return base.replace(level=511, max_iterations=1, sizes=full)
    if kind == "known":
        factor = number % config.factors
        return base.replace(known=tuple(0 if f == factor else -1 for f in range(config.factors)))
    if kind == "given":
        return base.replace(sizes=full, known=tuple(size - 1 for size in full))
    if kind == "damaged":
        return base.replace(level=256 * (config.blocks - 1) // config.blocks,
                            trim=min(max(1, base.trim), config.blocks - 1))
    if kind == "sum":
        return base.replace(rule="sum", max_iterations=min(base.max_iterations, 3))
    if kind == "dense":
        return base.replace(dense_threshold=max(1, 1 << max(0, config.element_bits - 5)))
    return base


def _case(kind: str, model: Factorizer, parameters: RunParameters, margin: float, rng) -> Case:
    """One run of a random tuple."""
    config = model.config
    truth = [int(rng.integers(size)) for size in parameters.sizes]
    if kind == "given":
        truth = list(parameters.known)
    else:
        parameters = parameters.replace(known=tuple(
            truth[f] if k >= 0 else -1 for f, k in enumerate(parameters.known)))
    parameters = parameters.replace(seed=int(rng.integers(1, 2**32)))
    product = encode(model.codebooks, truth)
    elements = None
    if kind == "soft":
        query = queries.soft(product, config.block_length, margin, rng,
                             entries=config.query_entries, weight_bits=config.weight_bits)
    elif kind == "dense":
        p = queries.soft_probabilities(product, config.block_length, margin, rng)
        elements = quantise(p, config.element_bits)
        if parameters.dense_weights == "log":
            with np.errstate(divide="ignore"):
                elements = quantise_logits(np.log(p), config.element_bits, parameters.dense_shift)
        elements = elements.astype(np.int64)
        query = front_end(elements, config, **parameters.dense)
    elif kind == "damaged":
        query = queries.damaged(product, config.block_length, 1, rng)
    else:
        query = queries.clean(product)
    return Case(kind, query, parameters, model.run(query, parameters), elements)
