"""Tuple engine: enumerates the tuples of the other factors' lists, one a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import LIST_WEIGHT_SHIFT, CoreConfig

from .layouts import block_indices
from .lists import list_entry
from .modular import add_modulo

__all__ = ["TupleEngine", "list_state"]


def list_state(config: CoreConfig) -> data.StructLayout:
    """What is known of a factor's list besides its entries.

    ``last`` is the slot of the last entry; ``best`` the leading-one position of the best
    similarity; the entries of a list that was ``drawn`` all weigh 1.
    """
    return data.StructLayout({
        "last": range(config.list_size),
        "drawn": 1,
        "best": config.position_bits,
    })


class TupleEngine(wiring.Component):
    """Walks the lists of all factors but one and binds each tuple's codevectors.

    Three stages: list read, codebook read, sum. While ``run`` is high a tuple enters each cycle;
    ``last`` is high with the last of them. ``latency`` cycles after it entered, a tuple's bound
    indices are at ``indices``, its weight, a power of two, at ``shift``; ``valid`` is low for a
    tuple with an entry more than three positions below its list's best, which has weight 0.
    The slots hold the lists in ascending order of factor; the last slot changes fastest.

    Members
    -------
    run : In(1)
    factor : In
        The factor left out.
    lists : In, array of list_state(config) by factor
    last : Out(1)
    list_factor, list_slot, list_entry : per slot, to and from the list memory
    codevector_address : Out, codevector_indices : In, per slot, to and from the codebook memory
    valid, shift, indices : Out
    product : Out
        Sum of the weights of the tuples so far, complete ``product_latency`` cycles after the
        last one entered; ``clear`` sets it to 0.
    """

    latency = 3
    product_latency = 3

    def __init__(self, config: CoreConfig):
        self.config = config
        slots = config.factors - 1
        slot_bits = max(1, (config.list_size - 1).bit_length())
        address = data.StructLayout({"codevector": config.codevector_bits,
                                     "factor": config.factor_bits})
        super().__init__({
            "run": In(1),
            "clear": In(1),
            "factor": In(config.factor_bits),
            "lists": In(data.ArrayLayout(list_state(config), config.factors)),
            "last": Out(1),
            "list_factor": Out(config.factor_bits).array(slots),
            "list_slot": Out(slot_bits).array(slots),
            "list_entry": In(list_entry(config)).array(slots),
            "codevector_address": Out(address).array(slots),
            "codevector_indices": In(block_indices(config)).array(slots),
            "valid": Out(1),
            "shift": Out(config.tuple_shift_bits),
            "indices": Out(block_indices(config)),
            "product": Out(config.product_bits),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        slots = config.factors - 1

        # Enter: a counter a slot, the last fastest.
        carry = self.run
        ends = []
        for slot in reversed(range(slots)):
            counter = self.list_slot[slot]
            # Slot n holds factor n, or the next one from the factor left out.
            m.d.comb += self.list_factor[slot].eq(slot + (self.factor <= slot))
            state = Signal(list_state(config), name=f"state{slot}")
            m.d.comb += state.eq(Mux(self.factor <= slot, self.lists[slot + 1], self.lists[slot]))
            end = Signal(name=f"end{slot}")
            m.d.comb += end.eq(counter == state.last)
            with m.If(carry):
                m.d.sync += counter.eq(Mux(end, 0, counter + 1))
            with m.If(self.clear):
                m.d.sync += counter.eq(0)
            carry = carry & end
            ends.append((slot, state))
        m.d.comb += self.last.eq(carry)

        # Stage 1: entries are read; their weights' exponents are summed, codevectors looked up.
        valid1 = Signal()
        m.d.sync += valid1.eq(self.run)
        shifts, dropped = [], []
        for slot, state in ends:
            entry = self.list_entry[slot]
            m.d.comb += [
                self.codevector_address[slot].factor.eq(self.list_factor[slot]),
                self.codevector_address[slot].codevector.eq(entry.codevector),
            ]
            below = Signal(config.position_bits, name=f"below{slot}")
            m.d.comb += below.eq(state.best - entry.position)
            dropped.append(~state.drawn & (below > LIST_WEIGHT_SHIFT))
            shifts.append(Mux(state.drawn, 0, LIST_WEIGHT_SHIFT - below[:2]))
        valid2 = Signal()
        shift2 = Signal(config.tuple_shift_bits)
        m.d.sync += [valid2.eq(valid1 & ~Cat(*dropped).any()), shift2.eq(sum(shifts))]

        # Stage 2: codevectors are read and bound, the weight counted.
        for b in range(config.blocks):
            bound = self.codevector_indices[0][b]
            for slot in range(1, slots):
                bound = add_modulo(bound, self.codevector_indices[slot][b], config.block_length)
            m.d.sync += self.indices[b].eq(bound)
        m.d.sync += [self.valid.eq(valid2), self.shift.eq(shift2)]
        with m.If(valid2):
            m.d.sync += self.product.eq(self.product + (1 << shift2))
        with m.If(self.clear):
            m.d.sync += self.product.eq(0)
        return m
