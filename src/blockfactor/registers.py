"""The register map: the one description from which hardware, headers and documents are made.

Addresses are in bytes, registers are 32-bit words, little-endian. An address means the same in
every configuration; a register or field that a configuration has no use for is left out of its map:
the register answers with an error, the field reads 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from .config import SystemConfig
from .errors import ConfigError
from .golden.result import STOPS
from .parameters import MODES, RunParameters

__all__ = ["ACCESSES", "IDENTITY", "MAP_VERSION", "RESULTS", "Field", "Register", "RegisterMap",
           "register_map"]

#: What ID reads: "BFC1", first letter in the highest byte.
IDENTITY = 0x4246_4331
#: Grows by one with every change of the map that software can notice.
MAP_VERSION = 1
#: Results that wait to be read.
RESULTS = 16

#: Kinds of fields.
ACCESSES = {
    "constant": "read only, never changes",
    "read": "read only, written by hardware",
    "write": "write only: does something, reads 0",
    "parameter": "read and write; writing is refused while the core is busy",
    "read-write": "read and write",
    "clear": "set by hardware; writing 1 clears, and where both happen it stays set",
    "window": "a port into a memory; every access moves it on",
}


@dataclass(frozen=True)
class Field:
    """Bits ``offset + width - 1`` down to ``offset`` of a register.

    ``access`` is one of :data:`ACCESSES`; ``values`` names codes, by value.
    """

    name: str
    offset: int
    width: int
    access: str
    about: str
    reset: int = 0
    values: tuple[str, ...] = ()

    @property
    def mask(self) -> int:
        """Ones where the field is."""
        return ((1 << self.width) - 1) << self.offset

    @property
    def readable(self) -> bool:
        """Whether reading gives more than 0."""
        return self.access != "write"

    @property
    def writable(self) -> bool:
        """Whether writing does anything."""
        return self.access not in ("constant", "read")


@dataclass(frozen=True)
class Register:
    """A 32-bit register at byte address ``address``."""

    name: str
    address: int
    about: str
    fields: tuple[Field, ...]
    #: Of a window: whether it can be read, and written.
    readable: bool = True
    writable: bool = True

    @property
    def reset(self) -> int:
        """Value after reset."""
        return sum(f.reset << f.offset for f in self.fields)

    @property
    def mask(self) -> int:
        """Ones where there are fields."""
        return sum(f.mask for f in self.fields)

    @property
    def write_mask(self) -> int:
        """Ones where there are fields that can be written; a one elsewhere is an error."""
        return sum(f.mask for f in self.fields if f.writable) if self.writable else 0

    @property
    def window(self) -> bool:
        """Whether a burst stays at this address."""
        return any(f.access == "window" for f in self.fields)

    def field(self, name: str) -> Field:
        """The field called ``name``."""
        return next(f for f in self.fields if f.name == name)

    def pack(self, **values: int) -> int:
        """Word with fields set; the others hold their reset values."""
        word = self.reset
        for name, value in values.items():
            f = self.field(name)
            if not 0 <= value < 1 << f.width:
                raise ConfigError(f"{self.name}.{name} {value} is outside 0..{(1 << f.width) - 1}")
            word = word & ~f.mask | value << f.offset
        return word

    def unpack(self, word: int) -> dict[str, int]:
        """Values of all fields, by name."""
        return {f.name: (word & f.mask) >> f.offset for f in self.fields}


@dataclass(frozen=True)
class RegisterMap:
    """All registers of a system, by ascending address."""

    registers: tuple[Register, ...]

    def __iter__(self) -> Iterator[Register]:
        return iter(self.registers)

    def __getitem__(self, name: str) -> Register:
        return self._names[name]

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def at(self, address: int) -> Register | None:
        """The register at a byte address, if there is one."""
        return self._addresses.get(address)

    def __post_init__(self):
        object.__setattr__(self, "_names", {r.name: r for r in self.registers})
        object.__setattr__(self, "_addresses", {r.address: r for r in self.registers})
        assert len(self._names) == len(self._addresses) == len(self.registers)


def _version() -> tuple[int, int, int]:
    major, minor, patch = metadata.version("blockfactor").split(".")[:3]
    return int(major), int(minor), int(patch)


def _identity(system: SystemConfig) -> Iterator[Register]:
    core = system.core

    def constant(name, offset, width, value, about):
        return Field(name, offset, width, "constant", about, value)

    major, minor, patch = _version()
    yield Register("ID", 0x00, "tells that this is a blockfactor core", (
        constant("id", 0, 32, IDENTITY, 'the letters "BFC1", first one in the highest byte'),))
    yield Register("VERSION", 0x04, "version of the hardware", (
        constant("map", 0, 8, MAP_VERSION, "version of this register map"),
        constant("patch", 8, 8, patch, "patch version of the generator"),
        constant("minor", 16, 8, minor, "minor version of the generator"),
        constant("major", 24, 8, major, "major version of the generator"),))
    yield Register("SHAPE", 0x08, "shape of the vectors", (
        constant("factors", 0, 4, core.factors, "number of codebooks F"),
        constant("blocks", 8, 5, core.blocks, "blocks B of a vector"),
        constant("block_length", 16, 11, core.block_length, "elements L of a block"),))
    # More than 13 bits only where they are needed: the RTL of other cores is that of before.
    yield Register("CAPACITY", 0x0C, "sizes of the memories", (
        constant("max_codevectors", 0, max(13, core.size_bits), core.max_codevectors,
                 "codevectors a codebook holds"),
        constant("list_size", 16, 11, core.list_size, "codevectors K in a factor's estimate"),))
    yield Register("ENGINES", 0x10, "engines of the core", (
        constant("factorize", 0, 1, int("factorize" in core.engines),
                 "it has the published method"),
        constant("join", 1, 1, int("join" in core.engines), "it has join and scan"),
        # Only where it is 1: a field would change the hardware of every other core.
        *([constant("sweep", 2, 1, 1, "draws of the published method sweep")]
          if core.draws == "sweep" else []),
        constant("heads", 4, 2, core.heads, "most look-up blocks of join"),
        constant("lanes", 8, 4, core.lanes, "lanes of join"),))
    yield Register("QUERIES", 0x14, "queries the core takes", (
        constant("query_entries", 0, 5, core.query_entries, "entries s of a block"),
        constant("weight_bits", 8, 3, core.weight_bits, "bits of a weight"),
        constant("element_bits", 16, 5, core.element_bits,
                 "bits of an element of a dense query; 0: it takes none"),
        *([constant("products", 24, 3, core.products, "most products that a run decodes")]
          if core.products > 1 else []),))
    yield Register("DEPTHS", 0x18, "depths of the queues", (
        constant("queue", 0, 16, system.queue_items, "places of the query queue"),
        constant("results", 16, 8, RESULTS, "results that can wait"),))
    yield Register("CLOCK", 0x1C, "frequency of the core clock", (
        constant("hz", 0, 32, system.clock_hz, "in Hz"),))


#: Sticky errors: those of the core (rtl/layouts.py), in its order, then those of the registers.
CORE_ERRORS = (
    ("bad_query", "a query was refused: index, weight, order, duplicate, number of entries, or an "
                  "entry lost"),
    ("bad_codebook", "a codevector was refused: factor, number or index out of range"),
    ("bad_parameter", "a run was refused: parameters the core cannot run"),
    ("no_query", "a run was refused: no query is loaded"),
    ("busy_start", "a start while the core was busy was ignored"),
)
ACCESS_ERRORS = (
    ("bad_access", "an access was refused: no such register, not readable, not writable, no result "
                   "there, or part of a word"),
    ("bad_value", "a write was refused: ones where there is no field"),
    ("busy_access", "a write was refused because the core was busy"),
    ("overflow", "a write was refused because the query queue was full"),
)
INTERRUPTS = (
    ("result", "a result came in"),
    ("idle", "the last run that was queued has ended"),
    ("error", "an error was noted in ERRORS"),
)


def _control() -> Iterator[Register]:
    yield Register("CONTROL", 0x20, "commands; several at once are done in order of their bits", (
        Field("start", 0, 1, "write", "queue a run with the query written last"),
        Field("abort", 1, 1, "write", "end the run that goes on; its result says so"),
        Field("pop", 2, 1, "write", "the oldest result has been read: on to the next"),
        Field("clear_crc", 3, 1, "write", "CODEBOOK_CRC begins anew; refused while "
                                          "the core is busy"),
        Field("soft_reset", 4, 1, "write", "all registers, queues and the core as after reset; "
                                           "codebooks stay"),))
    yield Register("STATUS", 0x24, "what goes on", (
        Field("busy", 0, 1, "read", "a run goes on or is queued, or a query is on its way: "
                                    "parameters and codebooks cannot be written"),
        Field("running", 1, 1, "read", "a run goes on"),
        Field("loaded", 2, 1, "read", "a query is loaded"),
        Field("error", 3, 1, "read", "ERRORS is not 0"),
        Field("results", 8, 5, "read", "results that wait"),
        Field("space", 16, 16, "read", "free places of the query queue"),))
    yield Register("CONFIG", 0x28, "how queries are run", (
        Field("auto_start", 0, 1, "parameter", "a query is run as soon as it is complete", 1),))
    yield Register("ERRORS", 0x2C, "sticky errors", tuple(
        Field(name, n, 1, "clear", about)
        for n, (name, about) in enumerate(CORE_ERRORS + ACCESS_ERRORS)))
    yield Register("INT_STATE", 0x30, "interrupts that wait", tuple(
        Field(name, n, 1, "clear", about) for n, (name, about) in enumerate(INTERRUPTS)))
    yield Register("INT_ENABLE", 0x34, "interrupts that raise the interrupt line", tuple(
        Field(name, n, 1, "read-write", about) for n, (name, about) in enumerate(INTERRUPTS)))
    yield Register("INT_TEST", 0x38, "sets interrupts, to try a handler", tuple(
        Field(name, n, 1, "write", about) for n, (name, about) in enumerate(INTERRUPTS)))
    yield Register("TAG", 0x3C, "numbers of runs, which their results carry", (
        Field("next", 0, 8, "read", "tag of the next run that is queued; it counts up"),))


def _parameters(system: SystemConfig) -> Iterator[Register]:
    core = system.core
    joins, factorizes = "join" in core.engines, "factorize" in core.engines
    default = RunParameters(sizes=(1,) * core.factors)

    def field(name, offset, width, about, reset=0, values=()):
        return Field(name, offset, width, "parameter", about, reset, values)

    for pair in range(0, core.factors, 2):
        yield Register(f"SIZES{pair // 2}", 0x40 + 2 * pair, "codevectors in use", tuple(
            field(f"size{f}", 16 * (f % 2), core.size_bits, f"M of codebook {f}",
                  core.max_codevectors)
            for f in range(pair, min(pair + 2, core.factors))))
    for pair in range(0, core.factors, 2):
        yield Register(f"KNOWN{pair // 2}", 0x48 + 2 * pair, "factors that are known", tuple(
            part for f in range(pair, min(pair + 2, core.factors)) for part in (
                field(f"index{f}", 16 * (f % 2), core.codevector_bits,
                      f"codevector of factor {f}, if it is known"),
                field(f"known{f}", 16 * (f % 2) + 15, 1, f"factor {f} is known"))))
    search = [field("mode", 0, 2, "how the tuple is found", 0, MODES)]
    if joins:
        search.append(field("heads", 4, 2, "blocks that join looks codevectors up in",
                            default.heads))
    if factorizes:
        search += [
            field("trim", 8, max(1, (core.blocks - 1).bit_length()),
                  "r, blocks left out of the minimum, smallest first"),
            field("use_sum", 12, 1, "blocks' similarities are summed"),
            field("patience", 16, 4, "iterations without a draw or a better score after which all "
                                     "lists are drawn anew; 0: never", default.patience),
        ]
    search.append(field("level", 20, 9, "accepted when 256 * score >= level * smax",
                        default.level))
    if core.products > 1:
        search.append(field("products", 29, core.products_bits,
                            "results of a run, each found in what the ones before leave of the "
                            "query; their tags count up; 0 counts as 1", default.products))
    yield Register("SEARCH", 0x50, "how a run goes on", tuple(search))
    if factorizes:
        yield Register("ACTIVATION", 0x54, "threshold and draws of factorize", (
            field("threshold", 0, 16, "T16, in 65536ths of the largest similarity"),
            field("samples", 16, core.size_bits, "A, codevectors drawn; 0: all at the start, half "
                                                 "of them later"),))
        yield Register("MAX_ITERATIONS", 0x58, "limit of factorize", (
            field("iterations", 0, 16, "passes over the factors", default.max_iterations),))
    if joins:
        yield Register("MAX_TUPLES", 0x5C, "limit of join and scan", (
            field("tuples", 0, core.tuple_bits, "candidates", (1 << core.tuple_bits) - 1),))
    yield Register("SEED", 0x60, "start of the random generator", (
        field("seed", 0, 32, "0 counts as 1", default.seed),))
    if core.element_bits:
        yield Register("DENSE", 0x64, "what dense queries are turned into", (
            field("threshold", 0, core.element_bits, "elements below it are not kept"),
            field("log", 16, 1, "elements are logits, weights logarithmic"),
            field("shift", 20, 4, "t: a weight of 1 is 2**t units of a logit"),))


def _windows(system: SystemConfig) -> Iterator[Register]:
    core = system.core
    yield Register("QUERY_ENTRY", 0x70, "a query's entries, by ascending block", (
        Field("index", 0, core.element_index_bits, "window", "index within the block"),
        Field("weight", 16, core.weight_bits, "window", "weight, not 0"),
        Field("block", 24, max(1, (core.blocks - 1).bit_length()), "window", "block"),
        Field("last", 31, 1, "window", "this entry ends the query"),), readable=False)
    if core.element_bits:
        lane = system.element_lane
        yield Register("QUERY_DENSE", 0x74, "a dense query's elements: index 0 of every block, "
                       "then index 1, and so on", tuple(
            Field(f"element{n}", lane * n, core.element_bits, "window",
                  f"element of block {n}, and every {32 // lane}th after it")
            for n in range(min(core.blocks, 32 // lane))), readable=False)
    yield Register("CODEBOOK_ADDRESS", 0x78, "codevector that CODEBOOK_DATA is at", (
        Field("codevector", 0, core.size_bits, "parameter", "number of the codevector"),
        Field("factor", 16, core.factor_bits, "parameter", "codebook"),))
    lane = system.index_lane
    yield Register("CODEBOOK_DATA", 0x7C, "indices of a codevector, block 0 first, then the next "
                   "codevector's", tuple(
        Field(f"index{n}", lane * n, core.element_index_bits, "window",
              f"index of block {n}, and every {32 // lane}th after it")
        for n in range(min(core.blocks, 32 // lane))))
    yield Register("CODEBOOK_CRC", 0x80, "to verify codebooks with", (
        Field("crc", 0, 32, "read", "CRC-32 of the words written to CODEBOOK_DATA since clear_crc, "
                                    "in order of their bytes in memory; lost when a run starts"),))


def _result(system: SystemConfig) -> Iterator[Register]:
    core = system.core
    if core.similarity_bits > 32:
        raise ConfigError(f"similarities have {core.similarity_bits} bits, a register has 32: make "
                          "histogram_bits, weight_bits or query_entries smaller")

    def field(name, offset, width, about, values=()):
        return Field(name, offset, width, "read", about, 0, values)

    yield Register("RESULT", 0xC0, "the oldest result", (
        field("tag", 0, 8, "number of the run"),
        field("stop", 8, 3, "why it ended", STOPS),
        field("errors", 16, len(CORE_ERRORS), "ERRORS of the core when it ended, in their order"),))
    for pair in range(0, core.factors, 2):
        yield Register(f"RESULT_INDICES{pair // 2}", 0xC4 + 2 * pair, "codevectors found", tuple(
            field(f"index{f}", 16 * (f % 2), core.codevector_bits, f"codevector of factor {f}")
            for f in range(pair, min(pair + 2, core.factors))))
    yield Register("RESULT_SCORE", 0xCC, "score of the tuple found", (
        field("score", 0, core.score_bits, "score"),
        field("smax", 16, core.score_bits, "largest score possible"),))
    yield Register("RESULT_RUNNER_UP", 0xD0, "the next best", (
        field("runner_up", 0, core.score_bits, "best score of any other tuple"),))
    yield Register("RESULT_ITERATIONS", 0xD4, "work done", (
        field("iterations", 0, 32, "passes over the factors (factorize), tuples (join, scan)"),))
    yield Register("RESULT_CYCLES", 0xD8, "time taken", (
        field("cycles", 0, 32, "clock cycles from the start to the result"),))
    yield Register("RESULT_SEED", 0xDC, "for running it again", (
        field("seed", 0, 32, "seed used"),))
    yield Register("RESULT_CRC", 0xE0, "for comparing it with the golden model", (
        field("crc", 0, 32, "CRC-32 of the trace"),))
    if "factorize" in core.engines:
        for f in range(core.factors):
            yield Register(f"RESULT_SIMILARITY{f}", 0xE4 + 4 * f, f"similarity of factor {f}", (
                field("similarity", 0, core.similarity_bits, "of the best codevector at the last "
                                                             "update; 0: none"),))


def register_map(system: SystemConfig) -> RegisterMap:
    """Registers of a system.

    Raises
    ------
    ConfigError
        A result does not fit its registers.
    """
    parts = (_identity(system), _control(), _parameters(system), _windows(system),
             _result(system))
    return RegisterMap(tuple(r for part in parts for r in part))
