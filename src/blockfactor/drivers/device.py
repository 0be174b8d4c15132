"""A device: opens it, loads codebooks, sets run parameters, runs queries."""

import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np

from ..codebook_files import misfits
from ..config import SystemConfig
from ..errors import (
    BlockfactorError,
    CodebookError,
    ParameterError,
    QueryError,
    check_choice,
    check_number,
)
from ..golden.codebook import Codebooks
from ..golden.frontend import front_end
from ..golden.query import Query
from ..golden.result import Result
from ..parameters import RunParameters
from ..registers import RESULTS, register_map
from .transport import AccessRefused, DeviceError, DeviceTimeout, Transport
from .words import (
    IDENTITY_REGISTERS,
    check_identity,
    codebook_words,
    dense_words,
    description,
    entry_words,
    parameter_words,
    result_of,
)

__all__ = ["IN_FLIGHT", "TIMEOUT", "VERIFIES", "Device"]

#: Ways of verifying codebooks: the CRC of what arrived, reading all of it back, not at all.
VERIFIES = ("crc", "read", None)
#: Queries that :meth:`Device.stream` keeps in the device: one is run, one waits.
IN_FLIGHT = 2
#: Seconds after which a device that does not answer is given up.
TIMEOUT = 10.0
#: Seconds of the first wait for a device, and of the longest; each is twice the one before.
FIRST_WAIT, LONGEST_WAIT = 1e-4, 1e-3


class Device:
    """A blockfactor device behind a transport. Not for several threads or programs at a time.

    Opening checks identity and version, reads what was built, and soft-resets the device, which
    forgets whatever an earlier program left behind but keeps the codebooks.

    A call that fails between the first and the last word of something, or is interrupted there,
    leaves no half of it behind: the device is soft-reset at once or, if it cannot be reached,
    before the next use. Runs in flight are lost with that; codebooks and parameters stay.

    Parameters
    ----------
    transport : Transport
    system : SystemConfig or None
        What the device must be; None: whatever it is.
    timeout : float
        Seconds to wait for the device where a call does not say.

    Attributes
    ----------
    system : SystemConfig
        The one given, or what the device says of itself (:func:`~.words.description`).
    registers : RegisterMap
    codebooks : Codebooks or None
        Those loaded.

    Raises
    ------
    DeviceError
        The device is not there, not a blockfactor core, or not the one expected.
    """

    def __init__(self, transport: Transport, system: SystemConfig | None = None,
                 timeout: float = TIMEOUT):
        self.transport = transport
        self.timeout = check_number("timeout", timeout, 0, 1e9, DeviceError)
        words = dict(zip(IDENTITY_REGISTERS, transport.read(0, len(IDENTITY_REGISTERS))))
        check_identity(words, system)
        found = description(words)
        self.system = found if system is None else replace(system, clock_hz=found.clock_hz)
        self.core = self.system.core
        self.registers = register_map(self.system)
        self.codebooks: Codebooks | None = None
        self._parameters: RunParameters | None = None
        self._pending: deque[int] = deque()
        self.reset()

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *problem) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport; a run in flight goes on, and the next opening forgets it."""
        self.transport.close()

    # -- set-up ---------------------------------------------------------------------------------

    def reset(self) -> None:
        """Soft reset: forget runs, queries and results; parameters are written anew."""
        self._lost = True
        self._pending.clear()
        self._next_tag = 0
        self._dense = False  # whether the last query submitted was dense
        self._command("soft_reset")
        #: Words of the registers of run parameters, as far as they are known.
        self._words = {r.name: r.reset for r in self.registers}
        self._lost = False
        if self._parameters is not None:
            self._write_parameters(self._parameters)

    def load_codebooks(self, codebooks: Codebooks, verify: str | None = "crc") -> None:
        """Write codebooks, as soon as the device is idle.

        Parameters
        ----------
        codebooks : Codebooks
        verify : str or None
            ``crc``: the CRC-32 of the words that arrived; ``read``: every codevector is read
            back; None: nothing.

        Raises
        ------
        CodebookError
            They do not fit the core.
        DeviceError
            They were not stored as they are.
        """
        check_choice("verify", verify, VERIFIES, DeviceError)
        for problem in misfits(codebooks, self.core):
            raise CodebookError(problem)
        books = [codebook_words(self.system, indices) for indices in codebooks.indices]
        self._begin()
        self._until_idle()
        self.codebooks = None
        self._command("clear_crc")
        for factor, words in enumerate(books):
            self._go_to(factor)
            self._write("CODEBOOK_DATA", words, stay=True)
        if verify == "crc":
            want = zlib.crc32(np.array(books[0] if len(books) == 1 else sum(books, []),
                                       dtype="<u4").tobytes())
            [have] = self._read("CODEBOOK_CRC")
            if have != want:
                raise DeviceError(f"CODEBOOK_CRC is {have:#010x} after writing codebooks, expected "
                                  f"is {want:#010x}")
        elif verify == "read":
            for factor, words in enumerate(books):
                self._go_to(factor)
                self._compare(factor, words, self._read("CODEBOOK_DATA", len(words), stay=True))
        self.codebooks = codebooks

    @property
    def parameters(self) -> RunParameters | None:
        """Run parameters of the queries that follow; None: not set yet.

        Setting them waits until the device is idle, and writes only the registers that change. If
        they were not set, the first query sets default ones for the codebooks loaded. Raises
        ParameterError or CodebookError where core or codebooks do not allow them.
        """
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: RunParameters) -> None:
        if not isinstance(parameters, RunParameters):
            raise ParameterError(f"parameters {parameters!r} are not RunParameters")
        self._check_sizes(parameters.check(self.core))
        self._begin()
        self._write_parameters(parameters)
        self._parameters = parameters

    # -- queries --------------------------------------------------------------------------------

    def submit(self, query: Query | np.ndarray) -> int:
        """Queue a query, and a run of it.

        Waits until the device has room. At most :data:`~blockfactor.registers.RESULTS` results can
        wait to be read. A run has as many results as its parameters' ``products`` say, in order.

        Parameters
        ----------
        query : Query, or integer array [B, L]
            The array is a dense query, for devices with a dense front-end.

        Returns
        -------
        int
            Tag of the run's first result, 0..255; those of the others follow.

        Raises
        ------
        QueryError, ConfigError
            The core cannot take the query; nothing is written.
        DeviceError
        """
        self._begin()
        if self._parameters is None:
            if self.codebooks is None:
                raise DeviceError("no run parameters are set and no codebooks loaded: set "
                                  "parameters first")
            self.parameters = RunParameters(sizes=self.codebooks.sizes)
        self._check_sizes(self._parameters)
        products = self._parameters.products
        if len(self._pending) + products > RESULTS:
            more = "no more" if products == 1 else f"no {products} more"
            raise DeviceError(f"{len(self._pending)} results have not been read, {more} can wait")
        if isinstance(query, Query):
            core = self.core
            query.check(core.blocks, core.block_length, core.query_entries, core.weight_bits)
            self._check_not_empty(query)
            name, words = "QUERY_ENTRY", entry_words(self.registers, query)
        else:
            self._check_not_empty(front_end(query, self.core, **self._parameters.dense))
            name, words = "QUERY_DENSE", dense_words(self.system, query)
        # A dense query waits for all before it, and all wait for a dense one, to leave the queue.
        alone = name == "QUERY_DENSE" or self._dense
        need = self.system.queue_items if alone else len(words)
        self._until(lambda status: status["space"] >= need, "room for a query")
        with self._whole():
            self._write(name, words, stay=True)
        self._dense = name == "QUERY_DENSE"
        tag = self._next_tag
        for _ in range(products):
            self._pending.append(self._next_tag)
            self._next_tag = (self._next_tag + 1) % 256
        return tag

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the oldest result; DeviceTimeout if it has not come after ``timeout`` s."""
        self._begin()
        if not self._pending:
            raise DeviceError("no run is in flight: submit a query first")
        self._until(lambda status: status["results"] > 0, f"the result of run {self._pending[0]}",
                    timeout)

    def result(self, timeout: float | None = None) -> Result:
        """The oldest result; waits for it as :meth:`wait` does.

        Its ``stop`` is ``aborted`` after :meth:`abort`, and then the other fields say how far it
        came; similarities are 0 where the device has none.
        """
        self.wait(timeout)
        with self._whole():
            words = {}
            for names in self._bursts([r.name for r in self.registers
                                       if r.name.startswith("RESULT")]):
                words |= zip(names, self._read(names[0], len(names)))
            tag, result = result_of(self.registers, words)
            if tag != self._pending[0]:
                raise DeviceError(f"the result of run {tag} came, expected is run "
                                  f"{self._pending[0]}: another program uses the device")
            self._command("pop")
        self._pending.popleft()
        return result

    def factorize(self, query: Query | np.ndarray,
                  parameters: RunParameters | None = None) -> Result:
        """Run one query and return its result, its first one if its parameters ask for more.

        No other may be in flight.
        """
        return self._run("factorize", query, parameters)[0]

    def explain(self, query: Query | np.ndarray,
                parameters: RunParameters | None = None) -> list[Result]:
        """Run one query and return a result for each of its parameters' ``products``.

        No other may be in flight.
        """
        return self._run("explain", query, parameters)

    def _run(self, name: str, query, parameters: RunParameters | None) -> list[Result]:
        self._check_none_pending(name)
        if parameters is not None:
            self.parameters = parameters
        self.submit(query)
        return [self.result() for _ in range(len(self._pending))]

    def stream(self, queries: Iterable[Query | np.ndarray]) -> Iterator[tuple[int, Result]]:
        """Run queries, and give tags and results in order; no other may be in flight.

        The device always has :data:`IN_FLIGHT` queries, so that it need not wait for the next one.
        A query gives a result for each of the parameters' ``products``.
        If it is left early, the runs in flight are aborted.
        """
        self._check_none_pending("stream")
        try:
            for query in queries:
                self.submit(query)
                products = self._parameters.products
                if len(self._pending) == IN_FLIGHT * products:
                    for _ in range(products):
                        tag = self._pending[0]
                        yield tag, self.result()
            while self._pending:
                tag = self._pending[0]
                yield tag, self.result()
        finally:
            while self._pending:
                self.abort()
                self.result()

    @property
    def in_flight(self) -> int:
        """Results of runs that have not been read."""
        return len(self._pending)

    def abort(self) -> None:
        """End the run that goes on, if one does; its result says so."""
        self._begin()
        self._command("abort")

    # -- status ---------------------------------------------------------------------------------

    def status(self) -> dict[str, int]:
        """Fields of STATUS, by name."""
        return self.registers["STATUS"].unpack(self._read("STATUS")[0])

    def errors(self) -> tuple[str, ...]:
        """Names of the sticky errors that are set."""
        fields = self.registers["ERRORS"].unpack(self._read("ERRORS")[0])
        return tuple(name for name, value in fields.items() if value)

    def clear_errors(self) -> None:
        """Clear all sticky errors."""
        self._write("ERRORS", [self.registers["ERRORS"].write_mask])

    # -- parts ----------------------------------------------------------------------------------

    def _read(self, name: str, count: int = 1, stay: bool = False) -> list[int]:
        try:
            return self.transport.read(self.registers[name].address, count, stay)
        except AccessRefused as problem:
            raise self._explained(name, "read", problem) from None

    def _write(self, name: str, words, stay: bool = False) -> None:
        try:
            self.transport.write(self.registers[name].address, words, stay)
        except AccessRefused as problem:
            raise self._explained(name, "write", problem) from None

    def _explained(self, name: str, kind: str, problem: AccessRefused) -> DeviceError:
        try:
            word, = self.transport.read(self.registers["ERRORS"].address)
        except DeviceError:
            return problem
        register = self.registers.at(problem.address)
        why = ", ".join(n for n, v in self.registers["ERRORS"].unpack(word).items() if v)
        after = f" after {problem.done} words" if problem.done else ""
        return DeviceError(f"the device refused to {kind} {register.name if register else name}"
                           f"{after}; errors noted: {why or 'none'}")

    def _command(self, name: str) -> None:
        self._write("CONTROL", [self.registers["CONTROL"].pack(**{name: 1})])

    def _begin(self) -> None:
        """Make good for a call that failed while the device could not be reached."""
        if self._lost:
            self.reset()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What is done in here is done whole, or the device reset."""
        try:
            yield
        except BaseException:
            self._lost = True
            with suppress(BlockfactorError, OSError):
                self.reset()
            raise

    def _until(self, ready: Callable[[dict[str, int]], bool], what: str,
               timeout: float | None = None) -> None:
        limit = (self.timeout if timeout is None
                 else check_number("timeout", timeout, 0, 1e9, DeviceError))
        end, step = time.monotonic() + limit, FIRST_WAIT
        while not ready(status := self.status()):
            if time.monotonic() >= end:
                told = ", ".join(f"{name} {value}" for name, value in status.items())
                raise DeviceTimeout(f"{what}: not there after {limit:g} s (status: {told})")
            self.transport.wait(step)
            step = min(2 * step, LONGEST_WAIT)

    def _until_idle(self) -> None:
        self._until(lambda status: not status["busy"], "the end of all runs")

    def _write_parameters(self, parameters: RunParameters) -> None:
        words = parameter_words(self.registers, self.core, parameters)
        changed = [name for name, word in words.items() if self._words.get(name) != word]
        if not changed:
            return
        self._until_idle()
        for names in self._bursts(changed):
            # If the write fails, nobody knows what they hold.
            for name in names:
                self._words.pop(name, None)
            self._write(names[0], [words[name] for name in names])
            self._words |= {name: words[name] for name in names}

    def _bursts(self, names: list[str]) -> list[list[str]]:
        """Names of registers, ascending, in groups without gaps."""
        groups: list[list[str]] = []
        for name in names:
            before = self.registers[groups[-1][-1]].address if groups else None
            if before is not None and self.registers[name].address == before + 4:
                groups[-1].append(name)
            else:
                groups.append([name])
        return groups

    def _go_to(self, factor: int) -> None:
        self._write("CODEBOOK_ADDRESS", [self.registers["CODEBOOK_ADDRESS"].pack(factor=factor)])

    def _compare(self, factor: int, written: list[int], read: list[int]) -> None:
        size, lane = self.system.codevector_words, self.system.index_lane
        for n, (want, have) in enumerate(zip(written, read)):
            for place in range(32 // lane):
                shift, mask = lane * place, (1 << lane) - 1
                if want >> shift & mask != have >> shift & mask:
                    block = n % size * (32 // lane) + place
                    raise DeviceError(f"codebook {factor}, codevector {n // size}, block {block}: "
                                      f"the device holds {have >> shift & mask}, expected is "
                                      f"{want >> shift & mask}")

    def _check_sizes(self, parameters: RunParameters) -> None:
        sizes = self.codebooks.sizes if self.codebooks else parameters.sizes
        for f, (want, have) in enumerate(zip(parameters.sizes, sizes)):
            if want > have:
                raise CodebookError(f"codebook {f} has {have} codevectors, "
                                    f"sizes[{f}] {want} asks for more")

    def _check_none_pending(self, what: str) -> None:
        self._begin()
        if self._pending:
            raise DeviceError(f"{what}: results of {len(self._pending)} runs have not been read, "
                              "must be 0")

    @staticmethod
    def _check_not_empty(query: Query) -> None:
        if not query.smax:
            raise QueryError("query is empty: no block has an entry")
