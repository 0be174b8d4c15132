"""List memory: the factors' estimates, each a list of codevectors."""

from amaranth.hdl import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .memory import Memory

__all__ = ["ListMemory", "list_entry"]


def list_entry(config: CoreConfig) -> data.StructLayout:
    """A list entry: a codevector and the leading-one position of its similarity."""
    return data.StructLayout({"codevector": config.codevector_bits,
                              "position": config.position_bits})


class ListMemory(wiring.Component):
    """A list of at most K entries for each factor, one copy for each entry read in a cycle.

    Entry i of factor f is row ``f << slot_bits | i``. Read latency 1 cycle. With ``draws="sweep"``
    a factor has two lists, one that was drawn and one that was found.

    Members
    -------
    write_enable, write_factor, write_slot, write_entry : In
    write_found, found : In(1), the latter per port
        Only with two lists: which one.
    factor, slot : In, per port
    entry : Out, per port
    """

    latency = Memory.latency

    def __init__(self, config: CoreConfig, ports: int):
        self.config = config
        self.ports = ports
        self.twofold = config.draws == "sweep"
        slot = max(1, (config.list_size - 1).bit_length())
        found = {"write_found": In(1), "found": In(1).array(ports)} if self.twofold else {}
        super().__init__({
            "write_enable": In(1),
            "write_factor": In(config.factor_bits),
            "write_slot": In(slot),
            "write_entry": In(list_entry(config)),
            "factor": In(config.factor_bits).array(ports),
            "slot": In(slot).array(ports),
            "entry": Out(list_entry(config)).array(ports),
        } | found)

    def elaborate(self, platform):
        m = Module()
        depth = self.config.factors << len(self.write_slot) + self.twofold
        for port in range(self.ports):
            copy = m.submodules[f"copy{port}"] = Memory(list_entry(self.config), depth)
            m.d.comb += [
                copy.write_enable.eq(self.write_enable),
                copy.write_address.eq(Cat(self.write_slot, self.write_factor)),
                copy.write_data.eq(self.write_entry),
                copy.read_address.eq(Cat(self.slot[port], self.factor[port])),
                self.entry[port].eq(copy.read_data),
            ]
            if self.twofold:
                m.d.comb += [
                    copy.write_address.eq(Cat(self.write_slot, self.write_found,
                                              self.write_factor)),
                    copy.read_address.eq(Cat(self.slot[port], self.found[port],
                                             self.factor[port])),
                ]
        return m
