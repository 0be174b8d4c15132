"""Random operations on a system: legal ones, and as many with something that must be refused."""

import numpy as np
from cocotb.triggers import RisingEdge

from blockfactor.drivers.words import codebook_words
from blockfactor.golden import query as queries
from blockfactor.golden.codebook import Codebooks, encode
from blockfactor.parameters import RunParameters

from .bus import Refused
from .system_bench import SystemBench
from .workload import Item

__all__ = ["Operations"]

#: Probability of a sequence of accesses in which some must be refused, by front-end: a frame of
#: the UART ends with the first that is. And of a flood of entries, in vain on a slow line.
ILLEGAL = {"spi": .93, "uart": .93}
USUAL_ILLEGAL = .95
FLOOD = {"native": .15, "wishbone": .15, "apb": .15, "axi4lite": .15}
USUAL_FLOOD = .02


class Operations:
    """Does what software might do to a system, and what it should not.

    Every answer is compared with the model's by the bench. Here it is checked that what the bus's
    model returns is what the log says, and that illegal operations are refused.
    """

    def __init__(self, bench: SystemBench, seed: int):
        self.bench = bench
        self.config = bench.config
        self.registers = bench.registers
        self.random = bench.random
        self.rng = np.random.default_rng(seed)
        self.counts = {"sequences": 0, "disturbances": 0}
        self.legal = [self.read_any, self.write_parameters, self.write_codevectors,
                      self.read_codevectors, self.sparse, self.sparse, self.take_result,
                      self.take_result, self.interrupts, self.command, self.wait]
        self.illegal = [self.unmapped, self.read_only, self.extra_bits, self.no_result,
                        self.bad_codevector, self.bad_query, self.write_when_busy]
        if self.config.core.element_bits:
            self.legal.append(self.dense)
        if hasattr(bench.bus, "disturb"):
            self.illegal.append(bench.bus.disturb)
        self.codebooks = None

    async def run(self, count: int) -> dict[str, int]:
        """Go on until there were ``count`` accesses; returns how many of which kind there were."""
        await self.recover()
        while len(self.bench.accesses) < count:
            illegal = self.random.random() < ILLEGAL.get(self.config.front_end, USUAL_ILLEGAL)
            operation = self.random.choice(self.illegal if illegal else self.legal)
            self.counts["sequences"] += 1
            if operation == getattr(self.bench.bus, "disturb", None):
                self.counts["disturbances"] += 1
                await operation()
            else:
                await self.attempt(operation())
        refused = sum(error for *_, error in self.bench.accesses)
        return self.counts | {"accesses": len(self.bench.accesses), "refused": refused,
                              "results": self.bench.stored}

    async def attempt(self, operation) -> bool:
        """Whether an operation was done, and not refused."""
        try:
            await operation
        except Refused:
            return False
        return True

    async def recover(self) -> None:
        """Soft reset, new codebooks, and one query that has to come out right."""
        bench, core = self.bench, self.config.core
        await bench.write("CONTROL", soft_reset=1)
        sizes = tuple(int(self.rng.integers(1, core.max_codevectors + 1))
                      for _ in range(core.factors))
        self.codebooks = Codebooks.random(sizes, core.blocks, core.block_length,
                                          int(self.rng.integers(2**32)))
        await bench.load_codebooks(self.codebooks)
        await bench.set_parameters(RunParameters(sizes=sizes))
        stored = bench.stored
        truth = self.truth()
        query = queries.clean(encode(self.codebooks, truth))
        await bench.load(Item(self.codebooks, query, RunParameters(sizes=sizes)))
        await bench.until_stored(stored + 1)
        tag, result = await bench.result()
        assert tag == 0 and result.score == result.smax, (truth, result)

    def truth(self) -> tuple[int, ...]:
        """Codevectors of a query."""
        return tuple(int(self.rng.integers(size)) for size in self.codebooks.sizes)

    # -- legal ----------------------------------------------------------------------------------

    async def read_any(self) -> None:
        """Any register."""
        registers = [r for r in self.registers if r.readable]
        register = self.random.choice(registers)
        before = len(self.bench.accesses)
        words = await self.bench.bus.read(register.address)
        write, address, data, error = self.bench.accesses[before:][-1]
        assert (write, 4 * address) == (False, register.address)
        # Where the bus cannot tell that an access was refused, it reads 0.
        assert [data] == words, f"{register.name}: the bus read {words}, the registers {data:#x}"
        assert not error or self.config.front_end == "spi", f"{register.name}: error not told"

    async def write_parameters(self) -> None:
        """Parameters, if nothing runs."""
        core, rng = self.config.core, self.random
        known = tuple(rng.randrange(m) if rng.random() < .3 else -1 for m in self.codebooks.sizes)
        modes = ("auto", *core.modes)
        await self.bench.set_parameters(RunParameters(
            sizes=self.codebooks.sizes, known=known, mode=rng.choice(modes),
            heads=rng.randint(1, core.heads), trim=rng.randrange(core.blocks),
            rule=rng.choice(("min", "sum")), threshold=rng.choice([0, 300, 65535]),
            samples=rng.choice([0, 1, 3]), level=rng.choice([0, 205, 256, 511]),
            patience=rng.randrange(16), max_iterations=rng.choice([0, 1, 5]),
            max_tuples=rng.choice([0, 7, 2**32 - 1]), seed=rng.getrandbits(32),
            products=rng.randint(1, core.products) if core.products > 1 else 1))
        if core.products > 1 and rng.random() < .3:
            # Also what the core refuses.
            search = self.registers["SEARCH"]
            fields = search.unpack(self.bench.model.values["SEARCH"])
            fields["products"] = rng.randrange(1 << core.products_bits)
            await self.bench.write("SEARCH", **fields)
        await self.bench.write("CONFIG", auto_start=int(rng.random() < .8))

    async def write_codevectors(self) -> None:
        """Some codevectors anew, the same as before, so that answers stay right."""
        f = self.random.randrange(self.config.core.factors)
        book = self.codebooks.indices[f]
        first = self.random.randrange(len(book))
        await self.bench.write("CODEBOOK_ADDRESS", codevector=first, factor=f)
        words = codebook_words(self.config, book[first:first + self.random.randint(1, 4)])
        await self.bench.bus.write(self.registers["CODEBOOK_DATA"].address, words, stay=True)
        await self.bench.read("CODEBOOK_CRC")

    async def read_codevectors(self) -> None:
        """Codevectors read back."""
        f = self.random.randrange(self.config.core.factors)
        first = self.random.randrange(len(self.codebooks.indices[f]))
        await self.bench.write("CODEBOOK_ADDRESS", codevector=first, factor=f)
        await self.bench.bus.read(self.registers["CODEBOOK_DATA"].address,
                                  self.random.randint(1, 3), stay=True)

    async def sparse(self) -> None:
        """A whole query, or the part of one."""
        core, rng = self.config.core, self.random
        query = queries.clean(encode(self.codebooks, self.truth()))
        if rng.random() < .5 and core.query_entries > 1:
            query = queries.soft([b[0][0] for b in query.entries], core.block_length, 4.0, self.rng,
                                 entries=core.query_entries, weight_bits=core.weight_bits)
        await self.bench.load(Item(self.codebooks, query, None))

    async def dense(self) -> None:
        """A whole dense query."""
        core = self.config.core
        elements = self.rng.integers(0, 1 << core.element_bits, (core.blocks, core.block_length))
        if self.random.random() < .1:
            elements *= 0
        await self.bench.load(Item(self.codebooks, None, None, elements=elements))

    async def take_result(self) -> None:
        """The oldest result, if there is one, read and dropped."""
        if (await self.bench.read("STATUS"))["results"]:
            await self.bench.result()

    async def interrupts(self) -> None:
        """Enable, test or clear interrupts and errors."""
        name = self.random.choice(["INT_ENABLE", "INT_TEST", "INT_STATE", "ERRORS"])
        mask = self.registers[name].write_mask
        await self.bench.bus.write(self.registers[name].address,
                                   [self.random.getrandbits(32) & mask])

    async def command(self) -> None:
        """Start, abort, clear the CRC; now and then a soft reset."""
        name = self.random.choice(["start", "start", "abort", "clear_crc"])
        if self.random.random() < .1:
            name = "soft_reset"
        await self.bench.write("CONTROL", **{name: 1})
        if name == "soft_reset":
            await self.recover()

    async def wait(self) -> None:
        """Nothing, for a while."""
        for _ in range(self.random.choice([1, 10, 100, 1000])):
            await RisingEdge(self.bench.dut.clk)

    # -- illegal --------------------------------------------------------------------------------

    async def refused(self, operation) -> None:
        """An operation that must be refused."""
        done = await self.attempt(operation)
        # Where the bus cannot tell, its errors are sticky; the model has checked the access.
        assert not done or self.config.front_end == "spi", "not refused"

    async def unmapped(self) -> None:
        """An address without register."""
        free = [a for a in range(0, 256, 4) if not self.registers.at(a)]
        address = self.random.choice(free)
        if self.random.random() < .5:
            await self.refused(self.bench.bus.read(address))
        else:
            await self.refused(self.bench.bus.write(address, [self.random.getrandbits(32)]))

    async def read_only(self) -> None:
        """A write to what cannot be written, or a read of what cannot be read."""
        if self.random.random() < .3:
            address = self.registers["QUERY_ENTRY"].address
            await self.refused(self.bench.bus.read(address))
            return
        register = self.random.choice([r for r in self.registers if not r.write_mask])
        await self.refused(self.bench.bus.write(register.address, [self.random.getrandbits(32)]))

    async def extra_bits(self) -> None:
        """Ones where there is no field."""
        register = self.random.choice([r for r in self.registers
                                       if r.write_mask and r.write_mask != 0xFFFF_FFFF])
        extra = self.random.choice([b for b in range(32) if not register.write_mask >> b & 1])
        word = self.random.getrandbits(32) & register.write_mask | 1 << extra
        await self.refused(self.bench.bus.write(register.address, [word]))

    async def no_result(self) -> None:
        """Results beyond the last one."""
        while (await self.bench.read("STATUS"))["results"]:
            await self.bench.write("CONTROL", pop=1)
        await self.attempt(self.bench.bus.read(self.registers["RESULT"].address))
        await self.attempt(self.bench.write("CONTROL", pop=1))

    async def bad_codevector(self) -> None:
        """A factor, codevector or index out of range."""
        core = self.config.core
        kind = self.random.randrange(3)
        fields = {"factor": core.factors if kind == 0 else 0,
                  "codevector": core.max_codevectors if kind == 1 else 0}
        register = self.registers["CODEBOOK_ADDRESS"]
        if any(value > register.field(name).mask >> register.field(name).offset
               for name, value in fields.items()):
            return
        if not await self.attempt(self.bench.write("CODEBOOK_ADDRESS", **fields)):
            return
        top = (1 << core.element_index_bits) - 1 if kind == 2 else 0
        words = [sum(top << self.config.index_lane * n for n in range(
            min(core.blocks, 32 // self.config.index_lane)))] * self.config.codevector_words
        if kind != 2 or top >= core.block_length:
            await self.refused(self.bench.bus.write(self.registers["CODEBOOK_DATA"].address, words,
                                                    stay=True))

    async def bad_query(self) -> None:
        """Entries that make no query: out of order, too many, twice, beyond the block."""
        core, rng = self.config.core, self.random
        register = self.registers["QUERY_ENTRY"]
        count = rng.randint(1, 2 * core.blocks)
        words = [register.pack(block=rng.randrange(1 << register.field("block").width),
                               index=rng.getrandbits(core.element_index_bits),
                               weight=rng.getrandbits(core.weight_bits), last=int(n == count - 1))
                 for n in range(count)]
        if rng.random() < FLOOD.get(self.config.front_end, USUAL_FLOOD):
            words = words * rng.randint(1, 1 + self.config.queue_items // count)
        await self.bench.bus.write(register.address, words, stay=True)

    async def write_when_busy(self) -> None:
        """Parameters and codebooks while the core runs, if it does."""
        await self.bench.write("CONTROL", start=1)
        await self.attempt(self.bench.write("SEED", seed=self.random.getrandbits(32)))
        await self.attempt(self.bench.bus.write(self.registers["CODEBOOK_DATA"].address, [0]))
