"""The one memory of the core: a named 1R1W component."""

import random

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["POISON", "Memory"]

#: Elaboration platform under which a read that collides with a write returns inverted bits, and
#: rows without a given value hold random ones at first: a regression shows that nothing depends on
#: either.
POISON = "poison"


class Memory(wiring.Component):
    """Synchronous memory with one write and one read port; block RAM on an FPGA.

    Read latency is 1 cycle, throughput one read and one write a cycle. What a read returns that
    collides with a write to its address is undefined: the flow for the boards tells Yosys so, which
    saves tens of cells a memory. An ASIC flow replaces this component by a macro.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a row.
    depth : int
        Number of rows.
    block : bool
        Never of look-up tables, however small.
    init : iterable of int
        Initial rows, from row 0; others are 0 on an FPGA, undefined elsewhere.

    Members
    -------
    read_address, write_address : In
    read_enable : In(1)
        While low, ``read_data`` stays. High unless driven.
    write_enable : In(1)
    write_data : In(shape)
    read_data : Out(shape)
        Row at the address of the cycle before.
    """

    latency = 1

    def __init__(self, shape, depth, init=(), block=False):
        self.shape = shape
        self.block = block
        self.depth = depth
        self.init = list(init)
        address = max(1, (depth - 1).bit_length())
        super().__init__({
            "read_address": In(address),
            "read_enable": In(1, init=1),
            "read_data": Out(shape),
            "write_address": In(address),
            "write_data": In(shape),
            "write_enable": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        width = Shape.cast(self.shape).width
        init = self.init
        if platform == POISON:
            rows = random.Random(f"{width} {self.depth}")
            init = init + [rows.getrandbits(width) for _ in range(self.depth - len(init))]
        m.submodules.array = array = memory.Memory(
            shape=width, depth=self.depth, init=init,
            attrs={"ram_style": "block"} if self.block else {})
        write = array.write_port()
        read = array.read_port()
        m.d.comb += [
            read.addr.eq(self.read_address),
            read.en.eq(self.read_enable),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            write.en.eq(self.write_enable),
        ]
        data = read.data
        if platform == POISON:
            collision = Signal()
            with m.If(self.read_enable):
                m.d.sync += collision.eq(self.write_enable
                                         & (self.write_address == self.read_address))
            data = Mux(collision, ~read.data, read.data)
        m.d.comb += self.read_data.eq(data)
        return m
