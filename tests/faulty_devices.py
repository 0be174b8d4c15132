"""Devices with a fault each: the golden model, one register of which is not what it should be."""

from blockfactor.drivers.golden import GoldenTransport
from blockfactor.drivers.transport import AccessRefused
from blockfactor.presets import preset
from blockfactor.registers import register_map

SYSTEM = preset("join").system
REGISTERS = register_map(SYSTEM)


class Faulty(GoldenTransport):
    """The golden model with a fault; ``where`` counts accesses of the register that has it."""

    def __init__(self, system=SYSTEM):
        super().__init__(system)
        self.count: dict[tuple[str, bool], int] = {}

    def _access(self, address, done, write, data):
        register = REGISTERS.at(address)
        name = register.name if register else f"{address:#04x}"
        self.count[name, write] = self.count.get((name, write), 0) + 1
        if write:
            return self.written(name, data, lambda word: super(Faulty, self)._access(
                address, done, True, word))
        return self.seen(name, lambda: super(Faulty, self)._access(address, done, False, 0))

    def written(self, name, data, store):
        """A write."""
        return store(data)

    def seen(self, name, load):
        """A read."""
        return load()


class StuckBit(Faulty):
    """Bit 3 of SEED is always 1."""

    def seen(self, name, load):
        return load() | 8 * (name == "SEED")


class Alias(Faulty):
    """What is written to MAX_TUPLES goes to SEED, too."""

    def written(self, name, data, store):
        result = store(data)
        if name == "MAX_TUPLES":
            self.model.values["SEED"] = data
        return result


class NothingReserved(Faulty):
    """Bits without a field may be written to SEARCH."""

    def written(self, name, data, store):
        return store(data & REGISTERS[name].write_mask if name == "SEARCH" else data)


class NothingRefused(Faulty):
    """Accesses that are refused look as if they were not."""

    def _access(self, address, done, write, data):
        try:
            return super()._access(address, done, write, data)
        except AccessRefused:
            return 0


class NotNoted(Faulty):
    """ERRORS forgets bad_value."""

    def seen(self, name, load):
        word = load()
        return word & ~REGISTERS["ERRORS"].pack(bad_value=1) if name == "ERRORS" else word


class NotSticky(Faulty):
    """INT_STATE is cleared as it is read."""

    def seen(self, name, load):
        word = load()
        if name == "INT_STATE":
            self.model.values["INT_STATE"] = 0
        return word


class FlippedBit(Faulty):
    """A bit of codevector 40 of factor 1 is read wrong."""

    def seen(self, name, load):
        window = self.model._window
        flip = name == "CODEBOOK_DATA" and (window.factor, window.codevector) == (1, 40)
        return load() ^ 0x40000 * flip


class WrongCrc(Faulty):
    """Of the codebooks."""

    def seen(self, name, load):
        return load() ^ (name == "CODEBOOK_CRC")


class LostWord(Faulty):
    """The first codevector of factor 2 is not written."""

    def written(self, name, data, store):
        window = self.model._window
        if name == "CODEBOOK_DATA" and (window.factor, window.codevector) == (2, 0):
            data ^= 1
        return store(data)


class WrongResult(Faulty):
    """A bit of a result, the seventh that is read."""

    field = "RESULT_INDICES0"

    def seen(self, name, load):
        return load() ^ (name == self.field and self.count[name, False] == 7)


class WrongTrace(WrongResult):
    """A bit of a trace's CRC."""

    field = "RESULT_CRC"


class WrongCycles(WrongResult):
    """A cycle more."""

    field = "RESULT_CYCLES"


class NoIdle(Faulty):
    """The interrupt ``idle`` does not come."""

    def seen(self, name, load):
        word = load()
        # The first time it is read without a result.
        runs = self.count.get(("RESULT", False), 0) > 1
        return word & ~2 if name == "INT_STATE" and runs else word


class AllQueries(Faulty):
    """A weight of 0 is taken for 1."""

    def written(self, name, data, store):
        if name == "QUERY_ENTRY" and not data & REGISTERS[name].field("weight").mask:
            data |= 1 << 16
        return store(data)


class NoAbort(Faulty):
    """A run goes on as soon as it is queued, and no command ends it."""

    def written(self, name, data, store):
        abort = REGISTERS["CONTROL"].pack(abort=1)
        result = store(data & ~abort if name == "CONTROL" else data)
        if name in ("QUERY_ENTRY", "CONTROL") and not self.model._run:
            while self.model._queue and not self.model._run:
                self.model.take()
        return result


class Abort(NoAbort):
    """The same, but it does."""

    def written(self, name, data, store):
        if name == "CONTROL" and data & REGISTERS["CONTROL"].pack(abort=1) and self.model._run:
            self.model._run.aborted = True
        return super().written(name, data, store)
