"""Golden model of the registers: what every access answers, given what the core did before it.

The model knows no cycles. Whatever the hardware does by itself is an event:
:meth:`RegisterModel.take`, :meth:`RegisterModel.dense_settled`, :meth:`RegisterModel.core_errors`
and :meth:`RegisterModel.finish`. A test bench that replays accesses and events in the order of
their cycles (an event of an access's own cycle comes after it) can compare every answer. Events
between a soft reset and the next access do not count.
:meth:`RegisterModel.settle` lets everything happen that is outstanding, for use without hardware.

Addresses, fields, reset values and masks are those of :func:`~blockfactor.registers.register_map`.
What the map says comes first (bad_access, then bad_value), then whether the core is busy, then
what there is: no result or no such codevector (bad_access), a full queue (overflow).
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from blockfactor.config import SystemConfig
from blockfactor.registers import CORE_ERRORS, RESULTS, Register, register_map

from .codebook import Codebooks
from .codebook_window import CodebookWindow, Refused
from .core_model import CoreModel
from .query import Query
from .result import STOPS

__all__ = ["ALL", "EventError", "RegisterModel"]

#: Every bit of a word.
ALL = 0xFFFF_FFFF


class EventError(RuntimeError):
    """The hardware did what it must not do at this time."""


@dataclass
class _Item:
    """A place of the query queue: an entry (block, index, weight, last), a run, or both."""

    entry: tuple[int, int, int, bool] | None = None
    spoiled: bool = False
    run: bool = False


@dataclass
class _Run:
    """The run that goes on; ``query`` is None where none is loaded.

    It has given ``number`` of ``products`` results. ``held``: there is no room for the next one,
    which an abort comes too late for; ``cut``: but it counts for those after it.
    """

    query: Query | None
    refused: bool
    products: int = 1
    number: int = 0
    aborted: bool = False
    held: bool = False
    cut: bool = False


class RegisterModel:
    """Registers, queues and core of one system.

    Parameters
    ----------
    config : SystemConfig
    codebooks : Codebooks or None
        Initial content of the codebook memory. A codevector never written holds anything.
    logged : bool
        Errors of the core are noted by :meth:`core_errors`, not by the events that cause them.

    Attributes
    ----------
    certain : int
        Mask of the bits of the last access's read data that are defined. The others depend on
        memory that was never written, on when a run was aborted, or on the cycle.
    """

    def __init__(self, config: SystemConfig, codebooks: Codebooks | None = None,
                 logged: bool = False):
        self.config = config
        self.logged = logged
        self.registers = register_map(config)
        self._core = CoreModel(config.core, self._field, codebooks)
        self._window = CodebookWindow(config, self._core)
        self._writers = {"CONTROL": self._control, "ERRORS": self._clear,
                         "INT_STATE": self._clear, "INT_TEST": self._test,
                         "QUERY_ENTRY": self._entry, "QUERY_DENSE": self._dense,
                         "CODEBOOK_ADDRESS": self._address,
                         "CODEBOOK_DATA": lambda register, data: self._window.write(data)}
        self.reset()

    def reset(self) -> None:
        """Everything as after reset, but for the codebooks."""
        #: Words of the registers that keep one, by name.
        self.values = {register.name: register.reset for register in self.registers}
        self._queue: deque[_Item] = deque()
        self._results: deque[dict[str, tuple[int, int]]] = deque()
        self._run: _Run | None = None
        self._next_tag = self._run_tag = 0
        self._ran = self._was_busy = False  # for the interrupt ``idle``
        self._expected: set[str] = set()
        # Of sparse queries: one is begun, it lost an entry.
        self._begun = self._spoiled = False
        # Of dense queries: words written, and whether they are all there.
        self._elements: list[int] = []
        self._converting = False
        self._core.reset()
        self._window.reset()
        # What was under way until then can still be seen to happen, and does not count.
        self._resetting = True
        self.certain = ALL

    # -- what front-ends see --------------------------------------------------------------------

    def access(self, address: int, write: bool, write_data: int = 0) -> tuple[int, bool]:
        """Read or write the word at a word address.

        Returns
        -------
        read_data : int
            0 for a write and for an access with an error.
        error : bool
        """
        self.certain = ALL
        self._resetting = False
        register = self.registers.at(4 * address)
        try:
            if write:
                self._write(register, write_data)
                return 0, False
            return self._read(register), False
        except Refused as problem:
            self.certain = ALL
            if str(problem) == "bad_codebook":
                self._expect({"bad_codebook"})
            else:
                self._note(str(problem))
            return 0, True
        finally:
            self._watch()

    @property
    def busy(self) -> bool:
        """STATUS.busy: something waits in the queue, is converted, or is run."""
        return bool(self._queue or self._converting or self._run)

    @property
    def irq(self) -> bool:
        """The interrupt line."""
        return bool(self.values["INT_STATE"] & self.values["INT_ENABLE"])

    @property
    def front_end_status(self) -> int:
        """The five status bits of SPI and UART: error, busy, results, space, irq (lowest)."""
        core = self.config.core
        room = self._space >= core.blocks * core.query_entries + 1
        return (bool(self.values["ERRORS"]) << 4 | self.busy << 3 | bool(self._results) << 2
                | room << 1 | self.irq)

    # -- what the core does ---------------------------------------------------------------------

    def take(self) -> None:
        """What is next leaves the queue: the core takes an entry, or starts a run, or both.

        Raises
        ------
        EventError
            Nothing waits, a run goes on, or a run would start while its query is converted. The
            rest of a query can be taken while a run goes on that was refused for want of it.
        """
        if self._resetting:
            return
        if not self._queue:
            raise EventError("an item is taken from an empty queue")
        item = self._queue[0]
        if self._run and (item.run or not self._core.incomplete):
            raise EventError("an item is taken while a run goes on")
        if item.run and self._converting:
            raise EventError("a run starts while its query is converted")
        self._enter(item)
        self._queue.popleft()
        if item.run:
            errors = self._core.refusals()
            query = self._core.query if errors else self._core.begin()
            self._run = _Run(query, bool(errors), self._core.products)
            self._window.lose_crc()
            self._expect(errors)
        self._watch()

    def dense_settled(self) -> None:
        """The dense query that is converted is loaded, or refused because all elements are 0.

        Raises
        ------
        EventError
            None is converted, or a run goes on, for whose time the old query stays.
        """
        if self._resetting:
            return
        if not self._converting or self._run:
            raise EventError("a dense query is loaded while a run goes on" if self._run
                             else "a dense query is loaded which was not written")
        self._converting = False
        self._expect(self._core.convert(self._dense_array()))
        self._elements = []
        self._watch()

    def core_errors(self, errors: int) -> None:
        """The core's errors with these bits of ERRORS are noted; only if ``logged``.

        Raises
        ------
        EventError
            The model does not expect one of them.
        """
        if self._resetting:
            return
        names = {name for n, (name, _) in enumerate(CORE_ERRORS) if errors >> n & 1}
        if "bad_query" in names - self._expected and self._queue and (
                not self._run or self._core.incomplete):
            # An entry that also starts a run leaves the queue some cycles after it was looked at.
            self._enter(self._queue[0])
        if not names <= self._expected:
            raise EventError(f"the core notes {', '.join(sorted(names))}, expected is "
                             f"{', '.join(sorted(self._expected)) or 'none'}")
        self._expected -= names
        for name in names:
            self._note(name)

    def finish(self, aborted: bool | None = None, errors: int = 0) -> None:
        """A result of the run that goes on is stored.

        Parameters
        ----------
        aborted : bool or None
            Whether the run was aborted; not given: if CONTROL.abort was written since it began,
            which in hardware can be too late to change anything.
        errors : int
            ERRORS as it was when the cycle began: they go with the result though an access of the
            same cycle cleared them.

        Raises
        ------
        EventError
            No run goes on, there is no room for a result, or an error was not noted.
        """
        if self._resetting:
            return
        if self._expected:
            raise EventError(f"a result is stored, but {', '.join(sorted(self._expected))} was "
                             "not noted")
        if self._run is None or len(self._results) == RESULTS:
            raise EventError("a result is stored without a run" if self._run is None
                             else f"a result is stored though {RESULTS} wait")
        if aborted is None:
            aborted = self._run.aborted
        elif aborted and not self._run.aborted:
            raise EventError("a run ends as aborted, which it was not")
        self._results.append(self._result(aborted, self.values["ERRORS"] | errors))
        self._run.number += 1
        self._run.held, self._run.aborted = False, self._run.aborted or self._run.cut
        if self._run.number == self._run.products:
            self._run = None
        self._run_tag = (self._run_tag + 1) % 256
        self._ran = True
        self._interrupt("result")
        self._watch()

    def settle(self) -> None:
        """Let everything happen that is outstanding; a run for whose result is no room stays."""
        while True:
            if self._run:
                if len(self._results) == RESULTS:
                    self._run.held = True
                    return
                self.finish()
            elif self._converting:
                self.dense_settled()
            elif self._queue:
                self.take()
            else:
                return

    # -- reads ----------------------------------------------------------------------------------

    @property
    def _space(self) -> int:
        return self.config.queue_items - len(self._queue)

    def _read(self, register: Register | None) -> int:
        if register is None or not register.readable:
            raise Refused("bad_access")
        name = register.name
        if name.startswith("RESULT"):
            if not self._results:
                raise Refused("bad_access")
            word, self.certain = self._results[0][name]
            return word
        if name == "STATUS":
            if self._queue and self._queue[0].entry:
                # The core forgets a query some cycles before it takes the next one's first entry.
                self.certain &= ~register.field("loaded").mask
            return register.pack(
                busy=int(self.busy), running=int(self._run is not None),
                loaded=int(self._core.query is not None), error=int(self.values["ERRORS"] != 0),
                results=len(self._results), space=self._space)
        if name == "TAG":
            return register.pack(next=self._next_tag)
        if name == "CODEBOOK_ADDRESS":
            return register.pack(codevector=self._window.codevector, factor=self._window.factor)
        if name == "CODEBOOK_CRC":
            if self._window.crc is None:
                raise Refused("bad_access")
            return self._window.crc
        if name == "CODEBOOK_DATA":
            return self._codebook_data()
        return self.values[name]

    def _codebook_data(self) -> int:
        if self.busy:
            raise Refused("busy_access")
        if not self._window.inside:
            raise Refused("bad_access")
        word = self._window.read()
        self.certain = 0 if word is None else ALL
        return word or 0

    # -- writes ---------------------------------------------------------------------------------

    def _write(self, register: Register | None, data: int) -> None:
        if register is None or not register.write_mask:
            raise Refused("bad_access")
        if data & ~register.write_mask:
            if register.name == "QUERY_ENTRY":
                self._spoil()
            raise Refused("bad_value")
        if self.busy and (register.name == "CODEBOOK_DATA"
                          or any(f.access == "parameter" for f in register.fields)):
            raise Refused("busy_access")
        self._writers.get(register.name, self._store)(register, data)

    def _store(self, register: Register, data: int) -> None:
        self.values[register.name] = data

    def _clear(self, register: Register, data: int) -> None:
        self.values[register.name] &= ~data

    def _test(self, register: Register, data: int) -> None:
        for name, value in register.unpack(data).items():
            if value:
                self._interrupt(name)

    def _control(self, register: Register, data: int) -> None:
        commands = {name for name, value in register.unpack(data).items() if value}
        if "pop" in commands and not self._results:
            raise Refused("bad_access")
        if "clear_crc" in commands and self.busy:
            raise Refused("busy_access")
        if "start" in commands:
            if not self._space:
                raise Refused("overflow")
            self._queue.append(_Item(run=True))
            self._count_run()
        if "abort" in commands and self._run:
            self._run.aborted |= not self._run.held
            self._run.cut = True
        if "pop" in commands:
            self._results.popleft()
        if "clear_crc" in commands:
            self._window.clear_crc()
        if "soft_reset" in commands:
            self.reset()

    def _entry(self, register: Register, data: int) -> None:
        if self._elements or not self._space:
            self._spoil()
            raise Refused("busy_access" if self._elements else "overflow")
        p = register.unpack(data)
        last = bool(p["last"])
        run = last and self._auto_start
        self._queue.append(_Item((p["block"], p["index"], p["weight"], last),
                                 last and self._spoiled, run))
        self._begun = not last
        if last:
            self._spoiled = False
        if run:
            self._count_run()

    def _spoil(self) -> None:
        """A sparse query has lost an entry; while a dense one is being written there is none."""
        if not self._elements or self._converting:
            self._spoiled = True

    def _dense(self, register: Register, data: int) -> None:
        if self._queue or self._begun or self._spoiled or self._converting:
            raise Refused("busy_access")
        self._elements.append(data)
        words = self.config.element_words
        if len(self._elements) == words:
            # Its entries come after its last element: until then no query is loaded.
            self._core.query = None
        if len(self._elements) == words * self.config.core.block_length:
            self._converting = True
            if self._auto_start:
                self._queue.append(_Item(run=True))
                self._count_run()

    def _address(self, register: Register, data: int) -> None:
        self._window.move_to(**register.unpack(data))

    # -- parts ----------------------------------------------------------------------------------

    def _enter(self, item: _Item) -> None:
        """The core takes the entry of an item, if it has not yet."""
        if item.entry:
            self._expect(self._core.enter(*item.entry, item.spoiled))
            item.entry = None

    def _expect(self, errors: set[str]) -> None:
        """Errors of the core come up."""
        if self.logged:
            self._expected |= errors
        else:
            for name in errors:
                self._note(name)

    def _note(self, error: str) -> None:
        self.values["ERRORS"] |= self.registers["ERRORS"].field(error).mask
        self._interrupt("error")

    def _interrupt(self, name: str) -> None:
        self.values["INT_STATE"] |= self.registers["INT_STATE"].field(name).mask

    def _watch(self) -> None:
        """Interrupt as the system falls idle after a run."""
        busy = self.busy
        if self._was_busy and not busy and self._ran:
            self._ran = False
            self._interrupt("idle")
        self._was_busy = busy

    def _field(self, register: str, field: str, default: int = 0) -> int:
        """Value of a field; ``default`` where this configuration has none."""
        if register not in self.registers:
            return default
        return self.registers[register].unpack(self.values[register]).get(field, default)

    @property
    def _auto_start(self) -> bool:
        return bool(self._field("CONFIG", "auto_start"))

    def _count_run(self) -> None:
        self._next_tag = (self._next_tag + self._core.products) % 256

    def _dense_array(self) -> np.ndarray:
        """Elements [B, L] of the words written."""
        core, lane = self.config.core, self.config.element_lane
        words = np.array(self._elements, dtype=np.int64).reshape(core.block_length, -1)
        return np.array([words[:, b * lane // 32] >> b * lane % 32 & (1 << lane) - 1
                         for b in range(core.blocks)])

    def _result(self, aborted: bool, noted: int) -> dict[str, tuple[int, int]]:
        """Words of the result registers, each with the mask of its bits that are certain."""
        run = self._run
        result, certain = self._core.run(run.refused, run.query, aborted, run.number)
        errors = self.registers["RESULT"].field("errors").width
        values = result.to_table() | {
            "tag": self._run_tag, "stop": STOPS.index(result.stop),
            "errors": noted & (1 << errors) - 1}
        words = {}
        for register in self.registers:
            if not register.name.startswith("RESULT"):
                continue
            mask, word = ALL, {}
            for field in register.fields:
                name, number = field.name, -1
                if name.startswith("index"):
                    name, number = "indices", int(name.removeprefix("index"))
                elif name == "similarity":
                    name, number = "similarities", int(register.name[-1])
                value = values[name] if number < 0 else values[name][number]
                word[field.name] = value & field.mask >> field.offset
                if name not in certain | {"tag", "errors"}:
                    mask &= ~field.mask
            words[register.name] = register.pack(**word), mask
        return words
