"""What the core behind the registers knows: codebooks, the loaded query, and how it runs it.

Used by :class:`~blockfactor.golden.registers.RegisterModel`; parameters come as the fields of
registers, which, unlike :class:`~blockfactor.parameters.RunParameters`, can hold what no core runs.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from blockfactor.config import CoreConfig
from blockfactor.errors import QueryError
from blockfactor.parameters import MODES, UNKNOWN, RunParameters

from .codebook import Codebooks
from .factorizer import Factorizer
from .frontend import front_end
from .query import Query
from .result import Result
from .sampler import next_seed

__all__ = ["CoreModel"]

#: Fields of a result, and those that depend on what a run has done.
SEARCHED = frozenset({"indices", "score", "runner_up", "similarities", "iterations", "cycles",
                      "crc"})
CERTAIN = SEARCHED | {"smax", "seed", "stop"}


class CoreModel:
    """Core of one system.

    Parameters
    ----------
    config : CoreConfig
    field : callable
        Value of a register's field: ``field(register, field, default)``, the last for a
        configuration without it.
    codebooks : Codebooks or None
        Initial content of the codebook memory.
    """

    def __init__(self, config: CoreConfig, field: Callable[..., int],
                 codebooks: Codebooks | None = None):
        self.config = config
        self.field = field
        #: Codevectors that have been written, by factor and number; the others hold anything.
        self.rows: dict[tuple[int, int], tuple[int, ...]] = {}
        for f, book in enumerate(codebooks.indices if codebooks else ()):
            self.rows |= {(f, m): tuple(map(int, row)) for m, row in enumerate(book)}
        self._model: tuple[tuple[int, ...], Factorizer] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget queries, but not the codebooks."""
        #: The loaded query.
        self.query: Query | None = None
        self._entries: list[tuple[int, int, int]] = []

    def store(self, factor: int, codevector: int, row: tuple[int, ...] | None) -> None:
        """Write a codevector; None makes it one that holds anything."""
        self._model = None
        if row is None:
            self.rows.pop((factor, codevector), None)
        else:
            self.rows[factor, codevector] = row

    def enter(self, block: int, index: int, weight: int, last: bool, spoiled: bool) -> set[str]:
        """Take a query's entry; returns the errors this causes."""
        if not self._entries:
            self.query = None
        self._entries.append((block, index, weight))
        if not last:
            return set()
        entries, self._entries = self._entries, []
        blocks = [block for block, _, _ in entries]
        if spoiled or blocks != sorted(blocks) or blocks[-1] >= self.config.blocks:
            return {"bad_query"}
        core = self.config
        query = Query(tuple(tuple((i, w) for b, i, w in entries if b == block)
                            for block in range(core.blocks)))
        try:
            self.query = query.check(core.blocks, core.block_length, core.query_entries,
                                     core.weight_bits)
        except QueryError:
            return {"bad_query"}
        return set()

    def convert(self, elements: np.ndarray) -> set[str]:
        """Load a dense query [B, L]; returns the errors this causes."""
        query = front_end(elements, self.config, self.field("DENSE", "threshold", 0),
                          "log" if self.field("DENSE", "log", 0) else "linear",
                          self.field("DENSE", "shift", 0))
        self.query = query if query.smax else None
        return set() if query.smax else {"bad_query"}

    @property
    def incomplete(self) -> bool:
        """A sparse query is begun and not ended."""
        return bool(self._entries)

    def refusals(self) -> set[str]:
        """Errors because of which a run would be refused."""
        return ({"bad_parameter"} if not self.legal else set()) | (
            {"no_query"} if self.query is None else set())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codevectors in use, per factor."""
        return tuple(self.field(f"SIZES{f // 2}", f"size{f}", 0)
                     for f in range(self.config.factors))

    @property
    def known(self) -> tuple[int, ...]:
        """Known codevector, per factor, or UNKNOWN."""
        return tuple(self.field(f"KNOWN{f // 2}", f"index{f}", 0)
                     if self.field(f"KNOWN{f // 2}", f"known{f}", 0) else UNKNOWN
                     for f in range(self.config.factors))

    @property
    def legal(self) -> bool:
        """Whether the core can run the parameters."""
        config = self.config
        joins, factorizes = "join" in config.engines, "factorize" in config.engines
        mode = MODES[self.field("SEARCH", "mode", 0)]
        if self.field("SEARCH", "trim", 0) >= config.blocks:
            return False
        if self.field("SEARCH", "products", 1) > config.products:
            return False
        for size, known in zip(self.sizes, self.known):
            if not 1 <= size <= config.max_codevectors or known >= size:
                return False
        if mode == "factorize" and not factorizes or mode in ("join", "scan") and not joins:
            return False
        looks_up = mode == "join" or mode == "auto" and joins
        return not looks_up or 1 <= self.field("SEARCH", "heads", 0) <= config.heads

    @property
    def parameters(self) -> RunParameters:
        """The registers' run parameters, which must be legal; without those of dense queries."""
        field = self.field
        return RunParameters(
            sizes=self.sizes, known=self.known, mode=MODES[field("SEARCH", "mode", 0)],
            threshold=field("ACTIVATION", "threshold", 0),
            samples=field("ACTIVATION", "samples", 0),
            rule="sum" if field("SEARCH", "use_sum", 0) else "min",
            trim=field("SEARCH", "trim", 0),
            # 0 is legal where no block is looked up.
            heads=max(1, field("SEARCH", "heads", 1)), level=field("SEARCH", "level", 0),
            patience=field("SEARCH", "patience", 0),
            max_iterations=field("MAX_ITERATIONS", "iterations", 0),
            max_tuples=field("MAX_TUPLES", "tuples", 0), seed=field("SEED", "seed", 0))

    @property
    def products(self) -> int:
        """Results that a run gives."""
        return max(1, self.field("SEARCH", "products", 1))

    def begin(self) -> Query | None:
        """The loaded query, for a run that is not refused; one for several products uses it up."""
        query = self.query
        if self.products > 1:
            self.query = None
        return query

    def run(self, refused: bool, query: Query | None, aborted: bool,
            number: int = 0) -> tuple[Result, frozenset[str]]:
        """Result of a run with ``query``, and the names of its fields that are certain.

        Where a codevector was never written, or the run was aborted, little is. ``number`` is that
        of the product within the run.
        """
        zeros = (0,) * self.config.factors
        nothing = Result(zeros, 0, query.smax if query else 0, 0, zeros, 0, 1,
                         next_seed(self.field("SEED", "seed", 0)), "error", 0)
        if refused:
            # Of a refused query, smax is that of the entries that were taken.
            return nothing, CERTAIN if query else CERTAIN - {"smax"}
        if aborted:
            certain = CERTAIN - SEARCHED - ({"smax"} if number else set())
            return replace(nothing, stop="aborted"), certain
        golden = self._golden()
        if golden is None:
            certain = CERTAIN - SEARCHED - {"stop"} - ({"smax"} if number else set())
            return nothing, certain
        found = golden.explain(query, self.parameters.replace(products=number + 1))
        return found[number], CERTAIN

    def _golden(self) -> Factorizer | None:
        """Model with the codebooks in use; None if a codevector of theirs was never written."""
        sizes = self.sizes
        if self._model is None or self._model[0] != sizes:
            books = [[self.rows.get((f, m)) for m in range(size)] for f, size in enumerate(sizes)]
            if any(row is None for book in books for row in book):
                return None
            self._model = sizes, Factorizer(self.config, Codebooks(
                tuple(np.array(book) for book in books), self.config.block_length))
        return self._model[1]
