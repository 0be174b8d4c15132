"""A frame that lets a component with more ports than an FPGA has pins be placed and routed."""

from amaranth.hdl import Cat, Module, Signal, Value, ValueCastable
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Harness"]

#: Inputs of a look-up table: so many bits are folded into one flip-flop.
FOLD = 4


class Harness(wiring.Component):
    """Drives every input of a component from a shift register, folds all outputs into one pin.

    Nothing of the component can be optimised away, and every path from or to its ports starts or
    ends at a flip-flop, so that the clock frequency found counts them. Each flip-flop of the
    harness takes one logic cell, and so does each look-up table, together with the flip-flop it
    feeds: :attr:`cells` is what it costs. A real system needs the registers of the run parameters
    and a register for its result too.

    Parameters
    ----------
    core : wiring.Component
        Becomes the submodule ``core``. Members that are constants are left alone.
    reset : bool
        Whether the shift register has one. Without it Yosys takes flip-flops of the component that
        copy the chain's next bit, such as a synchroniser's, for the chain's own, and a front-end
        seems smaller than it is. A core has none, and is routed better without.

    Members
    -------
    serial_in : In(1)
        Shifted into the inputs, one bit a cycle.
    serial_out : Out(1)
        Parity of all outputs, some cycles late.
    """

    def __init__(self, core: wiring.Component, reset: bool = True):
        self.core = core
        self.reset = reset
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        for _, member, value in core.signature.flatten(core):
            value = value.as_value() if isinstance(value, ValueCastable) else value
            if isinstance(value, Signal):
                (self.inputs if member.flow is In else self.outputs).append(value)
        super().__init__({"serial_in": In(1), "serial_out": Out(1)})

    @property
    def input_bits(self) -> int:
        """Bits of all inputs of the core, each a flip-flop."""
        return sum(len(value) for value in self.inputs)

    @property
    def output_bits(self) -> int:
        """Bits of all outputs of the core."""
        return sum(len(value) for value in self.outputs)

    @property
    def luts(self) -> int:
        """Look-up tables of the harness, each with a flip-flop."""
        count, bits = 0, self.output_bits
        while bits > 1:
            bits = -(-bits // FOLD)
            count += bits
        return count

    @property
    def cells(self) -> int:
        """Flip-flops of the harness, which are its iCE40 logic cells as well."""
        return self.input_bits + self.luts

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = self.core
        chain = Signal(self.input_bits, reset_less=not self.reset)
        m.d.sync += chain.eq(Cat(self.serial_in, chain))
        m.d.comb += Cat(self.inputs).eq(chain)
        bits = Cat(self.outputs)
        while len(bits) > 1:
            folded = Signal(-(-len(bits) // FOLD), reset_less=True)
            m.d.sync += [folded[i].eq(bits[i * FOLD:(i + 1) * FOLD].xor())
                         for i in range(len(folded))]
            bits = folded
        m.d.comb += self.serial_out.eq(bits)
        return m
