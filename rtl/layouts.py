"""Payloads of the core's streams, and run parameters and results as bits."""

from amaranth.hdl import unsigned
from amaranth.lib import data, enum

from blockfactor.config import CoreConfig
from blockfactor.parameters import MODES, RunParameters

__all__ = ["Errors", "Mode", "Stop", "TraceKind", "block_indices", "codebook_write",
           "codevector_address", "dense_elements",
           "parameter_values", "product_index", "query_entry", "result", "run_parameters",
           "trace_word"]


class Mode(enum.Enum, shape=2):
    """Modes of a run, in the order of :data:`~blockfactor.parameters.MODES`."""

    AUTO = 0
    FACTORIZE = 1
    JOIN = 2
    SCAN = 3


class Stop(enum.Enum, shape=3):
    """Why a run ended."""

    NONE = 0
    ACCEPTED = 1
    LIMIT = 2
    COMPLETE = 3
    ABORTED = 4
    ERROR = 5


class TraceKind(enum.Enum, shape=2):
    """Kind of a trace word; see golden/trace.py."""

    ENTRY = 0
    STEP = 1
    DRAW = 2
    SCORE = 3


#: Sticky errors, a bit each, until cleared.
Errors = data.StructLayout({
    "bad_query": 1,  # a query was refused: index, weight, order, duplicate or number of entries
    "bad_codebook": 1,  # a codebook write was refused: factor, codevector or index out of range
    "bad_parameter": 1,  # a start was refused: parameters the core cannot run
    "no_query": 1,  # a start was refused: no query is loaded
    "busy_start": 1,  # a start while busy was ignored
})


def query_entry(config: CoreConfig) -> data.StructLayout:
    """One sparse query entry. Entries come grouped by ascending block; ``last`` ends the query.

    ``empty`` marks a place-holder that carries no entry, so that a query without any can end.
    """
    return data.StructLayout({
        "block": max(1, (config.blocks - 1).bit_length()),
        "index": config.element_index_bits,
        "weight": config.weight_bits,
        "empty": 1,
        "last": 1,
    })


def product_index(config: CoreConfig) -> data.StructLayout:
    """Index of a product in a block; ``last`` in the last block."""
    return data.StructLayout({
        "block": max(1, (config.blocks - 1).bit_length()),
        "index": config.element_index_bits,
        "last": 1,
    })


def dense_elements(config: CoreConfig) -> data.ArrayLayout:
    """One element of every block of a dense query."""
    return data.ArrayLayout(unsigned(config.element_bits), config.blocks)


def block_indices(config: CoreConfig) -> data.ArrayLayout:
    """A codevector: an index of every block, block 0 in the lowest bits."""
    return data.ArrayLayout(unsigned(config.element_index_bits), config.blocks)


def codevector_address(config: CoreConfig) -> data.StructLayout:
    """Where a codevector is in the codebook memory."""
    return data.StructLayout({"codevector": config.codevector_bits, "factor": config.factor_bits})


def codebook_write(config: CoreConfig) -> data.StructLayout:
    """One codevector to be stored."""
    return data.StructLayout({
        "factor": config.factor_bits,
        "codevector": config.codevector_bits,
        "indices": block_indices(config),
    })


def run_parameters(config: CoreConfig) -> data.StructLayout:
    """Run parameters; stable from start to result."""
    fields = {
        "sizes": data.ArrayLayout(unsigned(config.size_bits), config.factors),
        "mode": Mode,
        "threshold": 16,
        "samples": config.size_bits,
        "use_sum": 1,
        "trim": max(1, (config.blocks - 1).bit_length()),
        "level": 9,
        "patience": 4,
        "max_iterations": 16,
        "max_tuples": config.tuple_bits,
        "seed": 32,
        "known": config.factors,
        "known_index": data.ArrayLayout(unsigned(config.codevector_bits), config.factors),
    }
    if config.products > 1:
        fields |= {"products": config.products_bits}
    if "join" in config.engines:
        fields |= {"heads": 2}
    if config.element_bits:
        fields |= {"dense_threshold": config.element_bits, "dense_log": 1, "dense_shift": 4}
    return data.StructLayout(fields)


def parameter_values(config: CoreConfig, parameters: RunParameters) -> dict:
    """Values of :func:`run_parameters` for validated parameters."""
    values = {
        "sizes": list(parameters.sizes),
        "mode": MODES.index(parameters.mode),
        "threshold": parameters.threshold,
        # A beyond the codebook means the whole of it, however large.
        "samples": min(parameters.samples, config.max_codevectors),
        "use_sum": int(parameters.rule == "sum"),
        "trim": parameters.trim,
        "level": parameters.level,
        "patience": parameters.patience,
        "max_iterations": parameters.max_iterations,
        # There are no more candidates than that.
        "max_tuples": min(parameters.max_tuples, (1 << config.tuple_bits) - 1),
        "seed": parameters.seed,
        "known": sum(1 << f for f, k in enumerate(parameters.known) if k >= 0),
        "known_index": [max(k, 0) for k in parameters.known],
    }
    if config.products > 1:
        values |= {"products": parameters.products}
    if "join" in config.engines:
        values |= {"heads": parameters.heads}
    if config.element_bits:
        values |= {
            "dense_threshold": min(parameters.dense_threshold, (1 << config.element_bits) - 1),
            "dense_log": int(parameters.dense_weights == "log"),
            "dense_shift": parameters.dense_shift,
        }
    return values


def result(config: CoreConfig) -> data.StructLayout:
    """What a run returns; see golden/result.py.

    Where a run can have several results, ``last`` ends them.
    """
    fields = {
        "indices": data.ArrayLayout(unsigned(config.codevector_bits), config.factors),
        "score": config.score_bits,
        "smax": config.score_bits,
        "runner_up": config.score_bits,
        "similarities": data.ArrayLayout(unsigned(config.similarity_bits), config.factors),
        "iterations": 32,
        "cycles": 32,
        "seed": 32,
        "stop": Stop,
        "crc": 32,
    }
    if config.products > 1:
        fields |= {"last": 1}
    return data.StructLayout(fields)


trace_word = data.StructLayout({"kind": TraceKind, "word": 16})
