"""Result queue: results that wait to be read, as words of the register map."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig
from blockfactor.registers import CORE_ERRORS, RESULTS, register_map

from .layouts import result
from .memory import Memory
from .register_bank import handler_port

__all__ = ["ResultQueue"]

#: Rows of the memory that a result takes.
ROWS = 16


class ResultQueue(wiring.Component):
    """Copies each result into a memory, a word a cycle, and answers for the result registers.

    The core is free :attr:`copy_cycles` cycles after its result became valid.

    Members
    -------
    result : In(stream.Signature(result(config.core)))
    errors : In
        Those that go with the result, in the cycle of ``stored``.
    stored : Out(1)
        Pulses as a result is taken from the core.
    count : Out
        Results that wait.
    pop : In(1)
        Drop the oldest; not if there is none.
    port : In(handler_port())
        A read is done in its second cycle, or third if a result comes in; refused if none waits.
    """

    def __init__(self, config: SystemConfig):
        self.config = config
        self.registers = [r for r in register_map(config) if r.name.startswith("RESULT")]
        self.base = self.registers[0].address // 4
        #: Cycles in which the core's result is copied.
        self.copy_cycles = self.registers[-1].address // 4 - self.base + 1
        super().__init__({
            "result": In(stream.Signature(result(config.core))),
            "errors": In(len(CORE_ERRORS)),
            "stored": Out(1),
            "count": Out(range(RESULTS + 1)),
            "pop": In(1),
            "port": In(handler_port()),
        })

    def values(self, tag) -> dict[str, object]:
        """What the registers' fields hold, by register and field."""
        core, o = self.config.core, self.result.p
        values = {
            "RESULT.tag": tag, "RESULT.stop": o.stop, "RESULT.errors": self.errors,
            "RESULT_SCORE.score": o.score, "RESULT_SCORE.smax": o.smax,
            "RESULT_RUNNER_UP.runner_up": o.runner_up,
            "RESULT_ITERATIONS.iterations": o.iterations, "RESULT_CYCLES.cycles": o.cycles,
            "RESULT_SEED.seed": o.seed, "RESULT_CRC.crc": o.crc,
        }
        for f in range(core.factors):
            values[f"RESULT_INDICES{f // 2}.index{f}"] = o.indices[f]
            values[f"RESULT_SIMILARITY{f}.similarity"] = o.similarities[f]
        return values

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = Memory(32, RESULTS * ROWS)
        word = Signal(range(ROWS), init=self.copy_cycles - 1)  # the first one last
        newest, oldest = Signal(range(RESULTS)), Signal(range(RESULTS))
        tag = Signal(8)

        # -- copying ----------------------------------------------------------------------------
        values = self.values(tag)
        copying = Signal()
        full, count = Signal(), Signal.like(self.count)
        m.d.comb += [
            copying.eq(self.result.valid & ~full),
            words.write_enable.eq(copying),
            words.write_address.eq(Cat(word, newest)),
            self.stored.eq(copying & (word == 0)),
            self.result.ready.eq(self.stored),
        ]
        with m.Switch(word):
            for register in self.registers:
                with m.Case(register.address // 4 - self.base):
                    for field in register.fields:
                        end = field.offset + field.width
                        value = values[f"{register.name}.{field.name}"]
                        m.d.comb += words.write_data[field.offset:end].eq(value)
        with m.If(self.stored):
            m.d.sync += [word.eq(self.copy_cycles - 1), newest.eq(newest + 1), tag.eq(tag + 1)]
        with m.Elif(copying):
            m.d.sync += word.eq(word - 1)
        with m.If(self.pop):
            m.d.sync += oldest.eq(oldest + 1)
        m.d.comb += count.eq(self.count + self.stored - self.pop)
        m.d.sync += [self.count.eq(count), full.eq(count == RESULTS)]

        # -- reading ----------------------------------------------------------------------------
        port, there = self.port, Signal()
        # A word that is being written cannot be read.
        m.d.sync += there.eq(port.read & ~there & ~self.stored)
        m.d.comb += [
            words.read_address.eq(Cat((port.address - self.base)[:len(word)], oldest)),
            port.read_data.eq(words.read_data),
            port.done.eq(there),
            port.refused.eq(self.count == 0),
        ]
        return m
