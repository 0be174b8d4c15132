"""Codebook memory: all codebooks, one copy for each codevector read in a cycle."""

from amaranth.hdl import Cat, Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices, codebook_write
from .memory import Memory

__all__ = ["CodebookMemory"]


class CodebookMemory(wiring.Component):
    """Codevectors by factor and number; writable at run time.

    Codevector m of factor f is row ``f << codevector_bits | m``; a row is the B indices, block 0
    in the lowest bits. Read latency 1 cycle on every port. A row never written holds anything.

    Parameters
    ----------
    config : CoreConfig
    ports : int
        Read ports, each with its own copy of the memory.
    codebooks : Codebooks or None
        Initial content.

    Members
    -------
    write : In(stream.Signature(codebook_write(config)))
        One codevector a cycle; taken while ``unlocked``.
    unlocked : In(1)
    refused : Out(1)
        Pulses as a write is dropped because factor, codevector or an index is out of range.
    address, enable : In, indices : Out, per port
        A port that is not enabled keeps what it has read; enabled unless driven.
    """

    latency = Memory.latency

    def __init__(self, config: CoreConfig, ports: int, codebooks=None):
        self.config = config
        self.ports = ports
        self.codebooks = codebooks
        address = data.StructLayout({"codevector": config.codevector_bits,
                                     "factor": config.factor_bits})
        super().__init__({
            "write": In(stream.Signature(codebook_write(config))),
            "unlocked": In(1),
            "refused": Out(1),
            "address": In(address).array(ports),
            "indices": Out(block_indices(config)).array(ports),
            "enable": In(1, init=1).array(ports),
        })

    def rows(self) -> list[int]:
        """Initial rows of the memory, as many as the last codevector needs."""
        if self.codebooks is None:
            return []
        config, rows = self.config, {}
        for f, codebook in enumerate(self.codebooks.indices):
            for number, indices in enumerate(codebook):
                rows[f << config.codevector_bits | number] = sum(
                    int(x) << b * config.element_index_bits for b, x in enumerate(indices))
        return [rows.get(row, 0) for row in range(max(rows) + 1)]

    def elaborate(self, platform):
        m = Module()
        config = self.config
        write = self.write.p
        legal = ((write.factor < config.factors)
                 & (write.codevector < config.max_codevectors)
                 & Cat(write.indices[b] < config.block_length
                       for b in range(config.blocks)).all())
        transfer = self.write.valid & self.write.ready
        m.d.comb += [
            self.write.ready.eq(self.unlocked),
            self.refused.eq(transfer & ~legal),
        ]
        for port in range(self.ports):
            copy = Memory(block_indices(config), config.factors << config.codevector_bits,
                          self.rows())
            m.submodules[f"copy{port}"] = copy
            m.d.comb += [
                copy.write_enable.eq(transfer & legal),
                copy.write_address.eq(Cat(write.codevector, write.factor)),
                copy.write_data.eq(write.indices),
                copy.read_address.eq(self.address[port]),
                copy.read_enable.eq(self.enable[port]),
                self.indices[port].eq(copy.read_data),
            ]
        return m
