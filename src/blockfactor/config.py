"""What is fixed when a core is generated: :class:`CoreConfig` and :class:`SystemConfig`.

Both are frozen and validated when made; every width of the data path is a property here, so that
the golden model and the RTL cannot disagree about one.
"""

from dataclasses import dataclass, field, fields, replace

from .errors import ConfigError, check_choice, check_int
from .tables import from_table, read_toml, to_table, write_toml

__all__ = ["DRAWS", "ENGINES", "FRONT_ENDS", "LANES", "MULTIPLIERS", "CoreConfig", "SystemConfig"]

#: Ways of searching that a core can contain: iterating as published, looking the last factor up.
ENGINES = ("factorize", "join")
#: How the factorize engine draws lists: as published, each anew, or every combination in turn.
DRAWS = ("random", "sweep")
#: Rows that the join engine can look up in a cycle.
LANES = (1, 2, 4, 8)
#: How the data path multiplies query weights by histogram values.
MULTIPLIERS = ("logic", "dsp")
#: Front-ends a system can have; ``none`` is the core's own streams without registers, ``native``
#: the access port of the registers.
FRONT_ENDS = ("none", "native", "spi", "uart", "wishbone", "apb", "axi4lite")

#: A list weight is ``8 >> d``: three positions below the best are kept.
LIST_WEIGHT_SHIFT = 3


def _bits(largest: int) -> int:
    """Bits needed to hold ``0..largest``, at least one."""
    return max(1, int(largest).bit_length())


@dataclass(frozen=True)
class CoreConfig:
    """Parameters of one factorizer core, fixed when it is generated.

    Parameters
    ----------
    factors : int, 2..4
        Number of codebooks F bound in a product vector.
    blocks : int, 1..16
        Blocks B of a vector.
    block_length : int, 2..1024
        Elements L of a block; need not be a power of two. The dimension is ``B * L``.
    max_codevectors : int, 1..16384
        Largest codebook the memories hold; the size in use is a run parameter.
    engines : tuple of str
        Non-empty subset of :data:`ENGINES`.
    heads : int, 1..3
        Most blocks that the join engine looks codevectors up in.
    lanes : int, 1, 2, 4 or 8
        Rows that the join engine looks up in a cycle, at most ``max_codevectors``; 1 in a core
        without it.
    list_size : int, 1..1024
        Largest number K of codevectors in a factor's estimate.
    draws : str
        One of :data:`DRAWS`: how factorize goes on where nothing is above the threshold. ``random``
        is the published method, ``sweep`` takes fewer cycles with smaller A (docs/variants.md).
    query_entries : int, 1..16
        Entries s a block of a query can have; 1 means clean or argmax queries only.
    weight_bits : int, 1..6
        Bits of a query weight.
    element_bits : int, 0 or 4..16
        Bits of an element of a dense query; 0 leaves the dense front-end out.
    products : int, 1..4
        Most products bundled in a query that a run decodes one after another; see
        golden/explain.py.
    histogram_bits : int, 4..24
        Width at which the histograms of unbound tuples saturate.
    tag_bits : int, 3..8
        Bits of the version tag beside each histogram value, which saves clearing passes. A step
        needs ``ceil(L / (2**tag_bits - 1))`` cycles of scrubbing, at most
        :data:`~blockfactor.config.CoreConfig.SCRUB_ROWS`.
    tuples_per_cycle, lookups_per_cycle : int, 1..1
        Width of the data path; this version builds one of each.
    multiplier : str
        One of :data:`MULTIPLIERS`.
    codebook : str or None
        File whose codebook is the memories' initial content, or none (loaded at run time).

    Raises
    ------
    ConfigError
        Naming field, value and allowed range.
    """

    factors: int = 3
    blocks: int = 4
    block_length: int = 128
    max_codevectors: int = 32
    engines: tuple[str, ...] = ENGINES
    heads: int = 2
    lanes: int = 1
    list_size: int = 32
    draws: str = "random"
    query_entries: int = 8
    weight_bits: int = 4
    element_bits: int = 0
    products: int = 1
    histogram_bits: int = 12
    tag_bits: int = 6
    tuples_per_cycle: int = 1
    lookups_per_cycle: int = 1
    multiplier: str = "logic"
    codebook: str | None = None

    #: Bits of the largest threshold, ``T16 * Q * B * P``: the golden model's integers have 64.
    THRESHOLD_BITS = 63
    #: Rows that the tail of a step has time to scrub.
    SCRUB_ROWS = 7

    RANGES = {
        "factors": (2, 4),
        "blocks": (1, 16),
        "block_length": (2, 1024),
        "max_codevectors": (1, 16384),
        "heads": (1, 3),
        "list_size": (1, 1024),
        "query_entries": (1, 16),
        "weight_bits": (1, 6),
        "element_bits": (0, 16),
        "products": (1, 4),
        "histogram_bits": (4, 24),
        "tag_bits": (3, 8),
        "tuples_per_cycle": (1, 1),
        "lookups_per_cycle": (1, 1),
    }

    def __post_init__(self):
        for name, (low, high) in self.RANGES.items():
            value = check_int(name, getattr(self, name), low, high, ConfigError)
            object.__setattr__(self, name, value)
        if 0 < self.element_bits < 4:
            raise ConfigError(f"element_bits {self.element_bits} is not 0 (none) or 4..16")
        lanes = check_int("lanes", self.lanes, 1, max(LANES), ConfigError)
        object.__setattr__(self, "lanes", lanes)
        check_choice("lanes", self.lanes, LANES, ConfigError)
        if self.lanes > self.max_codevectors:
            raise ConfigError(f"lanes {self.lanes} is outside 1..{self.max_codevectors} "
                              "(max_codevectors)")
        engines = (self.engines,) if isinstance(self.engines, str) else tuple(self.engines)
        for engine in engines:
            check_choice("engines", engine, ENGINES, ConfigError)
        if not engines or len(set(engines)) != len(engines):
            raise ConfigError(f"engines {list(engines)} must name one or more of "
                              f"{', '.join(ENGINES)}, each once")
        object.__setattr__(self, "engines", tuple(e for e in ENGINES if e in engines))
        if self.products > 1 and self.blocks == 1:
            raise ConfigError(f"products {self.products} is not 1: one block does not tell "
                              "products apart, blocks must be at least 2")
        if self.lanes > 1 and "join" not in engines:
            raise ConfigError(f"lanes {self.lanes} is not 1, which is all that a core without the "
                              "engine join has")
        check_choice("draws", self.draws, DRAWS, ConfigError)
        if self.draws != "random" and "factorize" not in engines:
            raise ConfigError(f"draws {self.draws!r} is not 'random', which is all that a core "
                              "without the engine factorize has")
        check_choice("multiplier", self.multiplier, MULTIPLIERS, ConfigError)
        if self.codebook is not None and not isinstance(self.codebook, str):
            raise ConfigError(f"codebook {self.codebook!r} is not the name of a file")
        if self.query_entries > self.block_length:
            raise ConfigError(f"query_entries {self.query_entries} is outside "
                              f"1..{self.block_length} (block_length)")
        if "factorize" in engines:
            self._check_factorize()

    def _check_factorize(self) -> None:
        """What only the factorize engine asks of the configuration."""
        if self.list_size > 1 << self.index_bits_of(self.max_codevectors):
            raise ConfigError(
                f"list_size {self.list_size} is outside 1.."
                f"{1 << self.index_bits_of(self.max_codevectors)} "
                f"(max_codevectors {self.max_codevectors}, rounded up to a power of two)")
        threshold_bits = _bits(0xFFFF * self.max_weight * self.query_entries * self.blocks
                               * (self.list_size << LIST_WEIGHT_SHIFT) ** (self.factors - 1))
        if threshold_bits > self.THRESHOLD_BITS:
            raise ConfigError(
                f"list_size {self.list_size} is too large for {self.factors} factors: "
                f"the threshold takes {threshold_bits} bits, at most {self.THRESHOLD_BITS}")
        if self.scrub_rows > self.SCRUB_ROWS:
            raise ConfigError(
                f"tag_bits {self.tag_bits} is too few for block_length {self.block_length}: "
                f"{self.scrub_rows} rows to scrub a step, at most {self.SCRUB_ROWS}")

    @staticmethod
    def index_bits_of(count: int) -> int:
        """Bits of an index below ``count``."""
        return _bits(count - 1)

    # -- widths ---------------------------------------------------------------------------------

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes of :data:`~blockfactor.parameters.MODES` that the engines run, but for ``auto``."""
        return tuple(m for e in self.engines for m in {"join": ("join", "scan")}.get(e, (e,)))

    @property
    def dimension(self) -> int:
        """Elements of a vector, ``B * L``."""
        return self.blocks * self.block_length

    @property
    def factor_bits(self) -> int:
        """Bits of a factor's number."""
        return _bits(self.factors - 1)

    @property
    def element_index_bits(self) -> int:
        """Bits of an index within a block."""
        return _bits(self.block_length - 1)

    @property
    def codevector_bits(self) -> int:
        """Bits of a codevector's number within its codebook."""
        return _bits(self.max_codevectors - 1)

    @property
    def size_bits(self) -> int:
        """Bits of a codebook's size, ``0..max_codevectors``."""
        return _bits(self.max_codevectors)

    @property
    def max_weight(self) -> int:
        """Largest weight of a query entry."""
        return (1 << self.weight_bits) - 1

    @property
    def block_sum_bits(self) -> int:
        """Bits of the sum of a block's weights."""
        return _bits(self.max_weight * self.query_entries)

    @property
    def score_bits(self) -> int:
        """Bits of a score: one weight of every block, summed."""
        return _bits(self.max_weight * self.blocks)

    @property
    def products_bits(self) -> int:
        """Bits of a number of products, ``0..products``."""
        return _bits(self.products)

    @property
    def tuple_bits(self) -> int:
        """Bits of a number that no run's candidates reach: a tuple is one once a look-up block."""
        return min(32, _bits(self.heads * self.max_codevectors ** self.factors + 1))

    @property
    def tuple_shift_bits(self) -> int:
        """Bits of a tuple's weight exponent, ``0..3 * (F - 1)``."""
        return _bits(LIST_WEIGHT_SHIFT * (self.factors - 1))

    @property
    def product_bits(self) -> int:
        """Bits of P', the product of the other lists' weight sums."""
        return _bits((self.list_size << LIST_WEIGHT_SHIFT) ** (self.factors - 1))

    @property
    def max_histogram(self) -> int:
        """Value at which a histogram saturates."""
        return (1 << self.histogram_bits) - 1

    @property
    def block_similarity_bits(self) -> int:
        """Bits of one block's similarity."""
        return _bits(self.max_histogram * self.max_weight * self.query_entries)

    @property
    def similarity_bits(self) -> int:
        """Bits of a similarity under the sum rule, the widest."""
        return _bits(self.max_histogram * self.max_weight * self.query_entries * self.blocks)

    @property
    def position_bits(self) -> int:
        """Bits of the leading-one position of a similarity."""
        return _bits(self.similarity_bits - 1)

    @property
    def scaled_threshold_bits(self) -> int:
        """Bits of the threshold scaled by the query, ``T16 * Q * B``."""
        return 16 + _bits(self.max_weight * self.query_entries * self.blocks)

    @property
    def scrub_rows(self) -> int:
        """Histogram rows scrubbed in the tail of each step."""
        return -(-self.block_length // ((1 << self.tag_bits) - 1))

    # -- tables ---------------------------------------------------------------------------------

    def replace(self, **changes) -> "CoreConfig":
        """A copy with some fields changed, validated anew."""
        unknown = set(changes) - {f.name for f in fields(self)}
        if unknown:
            raise ConfigError(f"no field {sorted(unknown)[0]!r} in CoreConfig; fields are "
                              f"{', '.join(f.name for f in fields(self))}")
        return replace(self, **changes)

    def to_table(self) -> dict:
        """Plain table for TOML or JSON."""
        return to_table(self)

    @classmethod
    def from_table(cls, table: dict) -> "CoreConfig":
        """Inverse of :meth:`to_table`; an unknown field is an error."""
        return from_table(cls, table, ConfigError)


@dataclass(frozen=True)
class SystemConfig:
    """A core with what surrounds it.

    Parameters
    ----------
    core : CoreConfig
    cores : int, 1..1
        Cores in the system; this version builds one.
    front_end : str
        One of :data:`FRONT_ENDS`.
    clock_hz : int, 1000..1_000_000_000
        Frequency of the core clock, which reports and time-outs refer to.
    baud : int, 300..10_000_000
        Bits a second of a serial front-end.
    board : str or None
        Name of the board it is built for.

    Raises
    ------
    ConfigError
        Naming field, value and allowed range.
    """

    core: CoreConfig = field(default_factory=CoreConfig)
    cores: int = 1
    front_end: str = "none"
    clock_hz: int = 12_000_000
    baud: int = 115_200
    board: str | None = None

    RANGES = {"cores": (1, 1), "clock_hz": (1_000, 1_000_000_000), "baud": (300, 10_000_000)}

    def __post_init__(self):
        if not isinstance(self.core, CoreConfig):
            raise ConfigError(f"core {self.core!r} is not a CoreConfig")
        for name, (low, high) in self.RANGES.items():
            value = check_int(name, getattr(self, name), low, high, ConfigError)
            object.__setattr__(self, name, value)
        check_choice("front_end", self.front_end, FRONT_ENDS, ConfigError)
        if self.board is not None and not isinstance(self.board, str):
            raise ConfigError(f"board {self.board!r} is not a name")

    @property
    def queue_items(self) -> int:
        """Places of the query queue: two queries and more, 256 at least."""
        need = 2 * (self.core.blocks * self.core.query_entries + 1)
        return max(256, 1 << (need - 1).bit_length())

    @property
    def index_lane(self) -> int:
        """Bits that an index of a codevector takes in the codebook window: 8 or 16."""
        return 8 if self.core.block_length <= 256 else 16

    @property
    def codevector_words(self) -> int:
        """Words of a codevector in the codebook window."""
        return -(-self.core.blocks * self.index_lane // 32)

    @property
    def element_lane(self) -> int:
        """Bits that an element takes in the dense window: 8 or 16."""
        return 8 if self.core.element_bits <= 8 else 16

    @property
    def element_words(self) -> int:
        """Words of one element of every block in the dense window."""
        return -(-self.core.blocks * self.element_lane // 32)

    def to_table(self) -> dict:
        """Plain table for TOML or JSON; the core is a sub-table."""
        return to_table(self)

    @classmethod
    def from_table(cls, table: dict) -> "SystemConfig":
        """Inverse of :meth:`to_table`; an unknown field is an error."""
        if isinstance(table, dict) and isinstance(table.get("core"), dict):
            table = table | {"core": CoreConfig.from_table(table["core"])}
        return from_table(cls, table, ConfigError)

    def save(self, path) -> None:
        """Write as TOML, whole or not at all."""
        write_toml(path, self.to_table())

    @classmethod
    def load(cls, path) -> "SystemConfig":
        """Read from TOML; errors name the file."""
        try:
            return cls.from_table(read_toml(path, ConfigError))
        except ConfigError as problem:
            message = str(problem)
            raise ConfigError(message if message.startswith(str(path))
                              else f"{path}: {message}") from None
