"""Codebook window: writes, checks and reads back codebooks through three registers."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import SystemConfig
from blockfactor.registers import register_map

from .layouts import block_indices, codebook_write, codevector_address
from .register_bank import handler_port

__all__ = ["CodebookWindow"]

class CodebookWindow(wiring.Component):
    """Answers for CODEBOOK_ADDRESS, CODEBOOK_DATA and CODEBOOK_CRC.

    A word is answered :attr:`latency` cycles after it is asked for.

    Members
    -------
    port : In(handler_port())
    busy : In(1)
        The core's codebook memory cannot be written.
    write : Out(stream.Signature(codebook_write(config.core), always_ready=True))
        To the core, which is ready while not ``busy``.
    bad_codebook : Out(1)
        Pulses as a codevector is refused.
    read_address : Out, read_indices : In
        To and from the core's codebook memory.
    clear_crc, start : In(1)
        The sum begins anew; it is lost, because a run starts.
    check_valid : Out(1), check_word : Out(16), check_crc : In(32)
        To and from what sums the words written, low half first.
    """

    latency = 2

    def __init__(self, config: SystemConfig):
        self.config = config
        super().__init__({
            "port": In(handler_port()),
            "busy": In(1),
            "write": Out(stream.Signature(codebook_write(config.core), always_ready=True)),
            "bad_codebook": Out(1),
            "read_address": Out(codevector_address(config.core)),
            "read_indices": In(block_indices(config.core)),
            "clear_crc": In(1),
            "start": In(1),
            "check_valid": Out(1),
            "check_word": Out(16),
            "check_crc": In(32),
        })

    def elaborate(self, platform):
        m = Module()
        config, core, port = self.config, self.config.core, self.port
        registers = register_map(config)
        address = {name: registers[name].address // 4
                   for name in ("CODEBOOK_ADDRESS", "CODEBOOK_DATA")}
        words = config.codevector_words
        lanes = 32 // config.index_lane

        # The address is there a cycle before the access.
        is_data, is_address = Signal(), Signal()
        m.d.sync += [is_data.eq(port.address == address["CODEBOOK_DATA"]),
                     is_address.eq(port.address == address["CODEBOOK_ADDRESS"])]
        codevector = Signal(core.size_bits)
        factor = Signal(core.factor_bits)
        word = Signal(range(words))

        # -- a codevector, word by word ---------------------------------------------------------
        row = Signal(block_indices(core))
        read_word = Signal(32)
        legal = []
        for b in range(core.blocks):
            w, lane = b // lanes, b % lanes
            start = lane * config.index_lane
            value = port.write_data[start:start + core.element_index_bits]
            if w < words - 1:
                held = Signal(core.element_index_bits, name=f"held{b}", reset_less=True)
                with m.If(is_data & port.write & port.done & (word == w)):
                    m.d.sync += held.eq(value)
                m.d.comb += row[b].eq(held)
            else:
                m.d.comb += row[b].eq(value)
            legal.append(row[b] < core.block_length)
        with m.Switch(word):
            for w in range(words):
                with m.Case(w):
                    for b in range(w * lanes, min((w + 1) * lanes, core.blocks)):
                        start = b % lanes * config.index_lane
                        m.d.comb += read_word[start:start + core.element_index_bits].eq(
                            self.read_indices[b])

        inside = (codevector < core.max_codevectors) & (factor < core.factors)
        last = word == words - 1
        # Cycle 0: the memory is read, the checks are made. 1, 2: the word is summed, and answered.
        step = Signal(range(self.latency + 1))
        good, counts, summed = Signal(), Signal(), Signal(init=1)
        m.d.sync += good.eq(inside & Cat(legal).all())
        m.d.comb += [
            self.read_address.codevector.eq(codevector),
            self.read_address.factor.eq(factor),
            self.write.p.factor.eq(factor),
            self.write.p.codevector.eq(codevector),
            self.write.p.indices.eq(row),
            counts.eq(port.write & (good | ~last)),
            self.check_valid.eq(counts & step.any()),
            self.check_word.eq(port.write_data.word_select(step[1], 16)),
        ]
        with m.If(self.clear_crc):
            m.d.sync += summed.eq(1)
        with m.Elif(self.start):
            m.d.sync += summed.eq(0)

        # -- answers ----------------------------------------------------------------------------
        with m.If(is_data & self.busy):
            m.d.comb += [port.done.eq(1), port.busy.eq(1)]
        with m.Elif(is_data):
            m.d.comb += [
                port.read_data.eq(read_word),
                port.done.eq(step == self.latency),
                port.refused.eq(port.read & ~inside),
                port.noted.eq(port.write & last & ~good),
            ]
            with m.If(port.read | port.write):
                m.d.sync += step.eq(step + 1)
            with m.If(port.done):
                m.d.sync += step.eq(0)
                m.d.comb += [
                    self.bad_codebook.eq(port.noted),
                    self.write.valid.eq(port.write & last & good),
                ]
                with m.If(~port.refused):
                    m.d.sync += word.eq(word + 1)
                    with m.If(last):
                        # Beyond the last it stays: it must not wrap to a codevector in use.
                        m.d.sync += [word.eq(0), codevector.eq(codevector + inside)]
        with m.Elif(is_address):
            m.d.comb += [port.done.eq(1), port.busy.eq(self.busy & port.write)]
            position = registers["CODEBOOK_ADDRESS"]
            for name, signal in (("codevector", codevector), ("factor", factor)):
                f = position.field(name)
                bits = slice(f.offset, f.offset + f.width)
                m.d.comb += port.read_data[bits].eq(signal)
                with m.If(port.write & ~self.busy):
                    m.d.sync += signal.eq(port.write_data[bits])
            with m.If(port.write & ~self.busy):
                m.d.sync += word.eq(0)
        with m.Else():
            m.d.comb += [port.done.eq(1), port.refused.eq(~summed),
                         port.read_data.eq(self.check_crc)]
        return m
