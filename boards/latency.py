"""How long factorizing takes: mean cycles of the golden model at the benchmark points, as a table.

The points are clean queries of three factors, D=512, B=4, with codebooks of 22 and 49 codevectors,
and the published A and T. ``bench/estimate.py`` makes the table.
"""

from blockfactor.config import CoreConfig

__all__ = ["POINTS", "SHAPE", "cycles", "list_length", "lookup_drain"]

#: Codevectors in each codebook.
POINTS = (22, 49)
#: What a core must have for the points.
SHAPE = {"factors": 3, "blocks": 4, "block_length": 128}


def lookup_drain(core: CoreConfig) -> int:
    """As of :mod:`blockfactor.golden.cycles`, whose import takes longer than an estimate."""
    return 7 + (core.weight_bits > 1) + (core.query_entries > 1)


def list_length(core: CoreConfig, size: int) -> int:
    """Entries a list can have: no more than there are codevectors."""
    return min(core.list_size, size)


def cycles(table: dict, core: CoreConfig, size: int) -> dict[str, float | None]:
    """Mean cycles by engine at a point; None where the table has none, or the core cannot run it.

    Parameters
    ----------
    table : dict
        Join's cycles by size and lanes; factorize's by size, list length and drain.
    core : CoreConfig
    size : int
        One of :data:`POINTS`.
    """
    found = {}
    can = core.max_codevectors >= size and all(
        getattr(core, name) == value for name, value in SHAPE.items())
    for engine in core.engines:
        by_size = table[engine].get(str(size), {}) if can else {}
        keys = {"join": (core.lanes,),
                "factorize": (list_length(core, size), lookup_drain(core))}[engine]
        found[engine] = by_size.get(",".join(map(str, keys)))
    return found
