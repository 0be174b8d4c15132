"""What may change from run to run: :class:`RunParameters`.

One file of them serves simulation, registers and drivers alike.
"""

from dataclasses import dataclass, fields, replace

from .config import CoreConfig
from .errors import ParameterError, check_choice, check_int
from .tables import from_table, read_toml, to_table, write_toml

__all__ = ["MODES", "RULES", "UNKNOWN", "WEIGHTS", "RunParameters"]

#: ``factorize`` iterates as published; ``join`` looks the last factor up; ``scan`` is join with
#: every codevector as a candidate, exhaustive search; ``auto`` is join where the core has it, else
#: factorize. A mode's place in this list is its code in hardware.
MODES = ("auto", "factorize", "join", "scan")
#: How the similarities of the blocks become one: ``min`` is l-infinity (trimmed by ``trim``),
#: ``sum`` the dot product.
RULES = ("min", "sum")
#: What the dense front-end turns elements into: ``linear`` is for probabilities, ``log`` for logits
#: (golden/frontend.py).
WEIGHTS = ("linear", "log")
#: Largest codebook that any core can hold.
LARGEST_CODEBOOK = CoreConfig.RANGES["max_codevectors"][1]
#: Marks a factor that is not known.
UNKNOWN = -1


@dataclass(frozen=True)
class RunParameters:
    """Parameters of one run.

    Parameters
    ----------
    sizes : tuple of int, each 1..max_codevectors
        Codevectors M in use, per factor.
    mode : str
        One of :data:`MODES`; ``factorize`` needs ``threshold`` and ``samples``, ``join`` neither.
    threshold : int, 0..65535
        T16, the activation threshold in 65536ths of the largest possible similarity.
    samples : int, 0..65535
        A, codevectors drawn when none is above the threshold; 0, or A >= M, starts with the whole
        codebook and draws half of it later.
    rule : str
        One of :data:`RULES`.
    trim : int, 0..B-1
        Blocks r left out of the minimum, smallest first; 0 is the published l-infinity.
    heads : int, 1..3
        Blocks that ``join`` looks codevectors up in: 1 for clean queries, 2 for soft ones.
    level : int, 0..511
        Accepted when ``256 * score >= level * smax``: 256 is an exact match, above it nothing
        is ever accepted.
    patience : int, 0..15
        Iterations without a draw and without a better score after which all unknown factors are
        drawn anew; 0: never. Clean queries want no less than 5, queries with wrong blocks 3
        (bench/patience.py).
    max_iterations : int, 0..65535
        Passes over the factors after which ``factorize`` gives up; 0 verifies once.
    max_tuples : int, 0..4294967295
        Candidates after which ``join`` and ``scan`` give up, in the cycle that reaches them; 0 is
        the same as 1.
    seed : int, 0..4294967295
        Start of the random generator; 0 is replaced by 1.
    products : int, 1..4
        Results of a run: so many products of a bundle are decoded one after another, each in what
        is left of the query when those before are subtracted.
    known : tuple of int
        Per factor the codevector that is known, or :data:`UNKNOWN`; empty: none is known.
    dense_threshold : int, 0..65535
        Elements of a dense query below it are not kept.
    dense_weights : str
        One of :data:`WEIGHTS`; a dense query's elements are probabilities or logits accordingly.
    dense_shift : int, 0..15
        t: a weight of 1 is 2**t units of a logit. Unused with linear weights.

    Raises
    ------
    ParameterError
        Naming field, value and allowed range.
    """

    sizes: tuple[int, ...]
    mode: str = "auto"
    threshold: int = 0
    samples: int = 0
    rule: str = "min"
    trim: int = 0
    heads: int = 1
    level: int = 256
    patience: int = 5
    max_iterations: int = 1000
    max_tuples: int = 0xFFFF_FFFF
    seed: int = 0x2545_F491
    products: int = 1
    known: tuple[int, ...] = ()
    dense_threshold: int = 0
    dense_weights: str = "linear"
    dense_shift: int = 0

    RANGES = {
        "threshold": (0, 0xFFFF),
        "samples": (0, 0xFFFF),
        "trim": (0, 15),
        "heads": (1, 3),
        "level": (0, 511),
        "patience": (0, 15),
        "max_iterations": (0, 0xFFFF),
        "max_tuples": (0, 0xFFFF_FFFF),
        "seed": (0, 0xFFFF_FFFF),
        "products": CoreConfig.RANGES["products"],
        "dense_threshold": (0, 0xFFFF),
        "dense_shift": (0, 15),
    }

    def __post_init__(self):
        for name, (low, high) in self.RANGES.items():
            value = check_int(name, getattr(self, name), low, high, ParameterError)
            object.__setattr__(self, name, value)
        check_choice("mode", self.mode, MODES, ParameterError)
        check_choice("rule", self.rule, RULES, ParameterError)
        check_choice("dense_weights", self.dense_weights, WEIGHTS, ParameterError)
        sizes = self._integers("sizes", self.sizes, 1)
        if not 2 <= len(sizes) <= 4:
            raise ParameterError(f"sizes {list(sizes)} has {len(sizes)} entries, must have 2..4")
        known = self._integers("known", self.known, UNKNOWN) or (UNKNOWN,) * len(sizes)
        if len(known) != len(sizes):
            raise ParameterError(f"known {list(known)} has {len(known)} entries, "
                                 f"sizes has {len(sizes)}")
        for factor, (size, index) in enumerate(zip(sizes, known)):
            check_int(f"known[{factor}]", index, UNKNOWN, size - 1, ParameterError)
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "known", known)

    @staticmethod
    def _integers(name: str, values, low: int) -> tuple[int, ...]:
        try:
            values = tuple(values)
        except TypeError:
            raise ParameterError(f"{name} {values!r} is not a list of integers") from None
        return tuple(check_int(f"{name}[{n}]", v, low, LARGEST_CODEBOOK, ParameterError)
                     for n, v in enumerate(values))

    def check(self, core: CoreConfig) -> "RunParameters":
        """Return these parameters, or raise ParameterError where ``core`` cannot run them."""
        if len(self.sizes) != core.factors:
            raise ParameterError(f"sizes {list(self.sizes)} has {len(self.sizes)} entries, "
                                 f"the core has {core.factors} factors")
        for factor, size in enumerate(self.sizes):
            check_int(f"sizes[{factor}]", size, 1, core.max_codevectors, ParameterError)
        check_int("trim", self.trim, 0, core.blocks - 1, ParameterError)
        check_int("products", self.products, 1, core.products, ParameterError)
        check_choice("mode", self.resolve(core), core.modes, ParameterError)
        if self.resolve(core) == "join":
            check_int("heads", self.heads, 1, core.heads, ParameterError)
        return self

    @property
    def dense(self) -> dict:
        """Those of the dense front-end, as keyword arguments of golden.frontend's functions."""
        return {"threshold": self.dense_threshold, "weights": self.dense_weights,
                "shift": self.dense_shift}

    def resolve(self, core: CoreConfig) -> str:
        """The mode in which ``core`` runs these parameters: join for ``auto``, where there is."""
        if self.mode != "auto":
            return self.mode
        return "join" if "join" in core.engines else "factorize"

    def replace(self, **changes) -> "RunParameters":
        """A copy with some fields changed, validated anew."""
        unknown = set(changes) - {f.name for f in fields(self)}
        if unknown:
            raise ParameterError(f"no field {sorted(unknown)[0]!r} in RunParameters; fields are "
                                 f"{', '.join(f.name for f in fields(self))}")
        return replace(self, **changes)

    def to_table(self) -> dict:
        """Plain table for TOML or JSON."""
        return to_table(self)

    @classmethod
    def from_table(cls, table: dict) -> "RunParameters":
        """Inverse of :meth:`to_table`; an unknown field is an error."""
        if isinstance(table, dict) and "sizes" not in table:
            raise ParameterError("RunParameters: field 'sizes' is missing")
        return from_table(cls, table, ParameterError)

    def save(self, path) -> None:
        """Write as TOML, whole or not at all."""
        write_toml(path, self.to_table())

    @classmethod
    def load(cls, path) -> "RunParameters":
        """Read from TOML; errors name the file."""
        try:
            return cls.from_table(read_toml(path, ParameterError))
        except ParameterError as problem:
            message = str(problem)
            raise ParameterError(message if message.startswith(str(path))
                                 else f"{path}: {message}") from None
