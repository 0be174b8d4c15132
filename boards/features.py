"""What a system's size depends on: a few counts of its configuration, each of one kind of logic."""

from typing import NamedTuple

from blockfactor.config import FRONT_ENDS, CoreConfig, SystemConfig

from .latency import lookup_drain
from .mapping import resources
from .memories import memories
from .parts import Part

__all__ = ["FEATURES", "Feature", "features", "multiply_digit"]


class Feature(NamedTuple):
    """A kind of logic.

    Parameters
    ----------
    about : str
        What is counted.
    luts, flip_flops : float
        About how many one takes, by reading the RTL; the fit starts from there.
    others : float
        Cells that are neither.
    """

    about: str
    luts: float
    flip_flops: float
    others: float = 0


#: By name. Where widths are counted, the name is that of the data.
FEATURES = {
    "core": Feature("what every core has", 250, 250),
    "registers": Feature("register bank, windows and queues", 800, 400),
    "spi": Feature("front-end", 85, 67),
    "uart": Feature("front-end", 261, 96),
    "wishbone": Feature("front-end", 47, 76),
    "apb": Feature("front-end", 5, 2),
    "axi4lite": Feature("front-end", 18, 39),
    "bound": Feature("bits of bound indices, of all lanes", 3, 3),
    "modulo": Feature("bits of sums whose modulus is no power of two", 1.5, 0),
    "scores": Feature("bits of weights that are summed, of all lanes", 4, 2),
    "numbers": Feature("bits of codevectors' numbers, of all factors", 4, 4),
    "join": Feature("what a join engine has", 300, 150),
    "lanes": Feature("lanes of it", 120, 60),
    "rows": Feature("bits of rows' indices, of all lanes", 3, 3),
    "heads": Feature("bits of chains' heads, of all lanes", 2, 2),
    "candidates": Feature("bits of candidates' numbers, of all lanes", 3, 3),
    "factorize": Feature("what a factorize engine has", 500, 250),
    "histogram": Feature("bits of the histograms' rows", 6, 4),
    "look-ups": Feature("bits of indices to look up", 5, 6),
    "products": Feature("bits that are summed to multiply by a weight", 1.3, .5),
    "totals": Feature("bits of a codevector's similarities, block by block", 4, 3),
    "order": Feature("bits that are compared to order blocks", 1, .1),
    "threshold": Feature("bits that the serial multiplier adds a cycle", 2, 1),
    "lists": Feature("bits of lists' numbers and sums, of all factors", 6, 5),
    "dense": Feature("what a dense front-end has", 200, 150),
    "best": Feature("bits of elements that a dense front-end keeps", 1.7, 1),
    "mux": Feature("inputs of multiplexers behind memories", .7, 0),
    "memory bits": Feature("bits of memories of flip-flops", .7, 1),
    "memory look-ups": Feature("memories of 16 rows of look-up tables", 0, 0, 4),
    "memory registers": Feature("registers behind memories of look-up tables", 0, 1),
}


def features(part: Part, system: SystemConfig) -> dict[str, float]:
    """Counts of :data:`FEATURES` of a system, or of the core alone where it has no front-end."""
    core, made = system.core, resources(part, memories(system))
    return {
        "core": 1,
        "registers": int(system.front_end != "none"),
        **{name: int(system.front_end == name) for name in FRONT_ENDS[2:]},
        **_shared(core),
        **_join(core),
        **_factorize(core),
        "dense": int(core.element_bits > 0),
        "best": (core.blocks * core.query_entries * (core.element_bits + core.element_index_bits)
                 if core.element_bits else 0),
        "mux": made.mux,
        "memory bits": made.bits,
        "memory look-ups": made.lut_rams,
        "memory registers": made.registers,
    }


def _shared(core: CoreConfig) -> dict[str, float]:
    index = core.blocks * core.element_index_bits
    sums = core.lanes + sum({"join": core.lanes, "factorize": core.factors}[e]
                            for e in core.engines)
    return {
        "bound": core.lanes * index,
        "modulo": sums * index if core.block_length & (core.block_length - 1) else 0,
        "scores": core.lanes * core.blocks * core.weight_bits,
        "numbers": core.factors * core.codevector_bits,
    }


def _join(core: CoreConfig) -> dict[str, float]:
    lanes = core.lanes if "join" in core.engines else 0
    number, index = core.codevector_bits, core.element_index_bits
    return {
        "join": int(lanes > 0),
        "lanes": lanes,
        "rows": lanes * core.blocks * index,
        "heads": lanes * core.heads * (2 * number + index),
        "candidates": lanes * core.factors * number,
    }


def multiply_digit(core: CoreConfig) -> int:
    """As of :mod:`blockfactor.golden.cycles`, whose import takes longer than an estimate."""
    return -(-max(core.product_bits, 16) // lookup_drain(core))


def _factorize(core: CoreConfig) -> dict[str, float]:
    on = int("factorize" in core.engines)
    pairs = core.blocks * (core.blocks - 1) // 2
    weighs = core.multiplier == "logic"
    return {
        "factorize": on,
        "histogram": on * core.blocks * (core.histogram_bits + core.tag_bits),
        "look-ups": on * core.blocks * core.element_index_bits,
        "products": on * core.blocks * core.histogram_bits * (core.weight_bits - 1) * weighs,
        "totals": on * core.blocks * core.block_similarity_bits,
        "order": on * pairs * core.block_similarity_bits,
        "threshold": on * core.scaled_threshold_bits * multiply_digit(core),
        "lists": on * core.factors * (core.codevector_bits + core.similarity_bits
                                      + core.list_size.bit_length()),
    }
