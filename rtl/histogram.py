"""Histograms of bound indices, one a block, cleared by version instead of by passes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .layouts import block_indices
from .memory import Memory

__all__ = ["Histogram"]


class Histogram(wiring.Component):
    """Adds weights at indices, then is looked up; both at one a cycle and block.

    A row holds a value and the version it belongs to; a row of another version reads as 0. After
    each use ``retire`` scrubs a few rows, round robin, and moves to the next version, so that every
    row has been scrubbed before its version comes round again. Version 0 marks a scrubbed row.

    An addition takes 4 cycles: address, read, add, write. The three additions before it may be to
    the same row and are not in memory yet, so they are forwarded.

    Members
    -------
    add, shift, add_index : In
        Add ``1 << shift`` at ``add_index`` of every block.
    look, look_index : In
        ``look`` high: ``value`` of ``look_index``, per block, ``latency`` cycles later; the last
        addition must be ``add_latency`` cycles old.
    blank : In(B)
        A cycle after ``look``: read 0 in place of the value, per block.
    retire : In(1)
        Pulse when no addition or look-up is in the pipeline; busy for ``retire_cycles``.
    clear, clear_row : In
        After reset: scrubs row ``clear_row``.
    """

    latency = 2
    add_latency = 4

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "add": In(1),
            "shift": In(config.tuple_shift_bits),
            "add_index": In(block_indices(config)),
            "look": In(1),
            "look_index": In(block_indices(config)),
            "blank": In(config.blocks),
            "value": Out(data.ArrayLayout(config.histogram_bits, config.blocks)),
            "retire": In(1),
            "clear": In(1),
            "clear_row": In(config.element_index_bits),
        })

    @property
    def retire_cycles(self) -> int:
        """Cycles from ``retire`` to the next version."""
        return self.config.scrub_rows + 1

    def elaborate(self, platform):
        m = Module()
        config = self.config
        row = data.StructLayout({"value": config.histogram_bits, "version": config.tag_bits})

        version = Signal(config.tag_bits, init=1)
        left = Signal(range(config.scrub_rows + 1))
        scrub_row = Signal(config.element_index_bits)
        scrub = Signal()
        m.d.comb += scrub.eq(left != 0)
        with m.If(self.retire):
            m.d.sync += left.eq(config.scrub_rows)
        with m.Elif(scrub):
            m.d.sync += [
                left.eq(left - 1),
                scrub_row.eq(Mux(scrub_row == config.block_length - 1, 0, scrub_row + 1)),
            ]
            with m.If(left == 1):
                m.d.sync += version.eq(Mux(version.all(), 1, version + 1))

        # Stage 1: address (here). Stage 2: read. Stage 3: add. Stage 4: write. Then one more
        # value is kept for the read that collided with its write.
        adds = [self.add] + [Signal(name=f"add{stage}") for stage in (2, 3, 4)]
        shift2, shift3 = (Signal.like(self.shift, name=f"shift{stage}") for stage in (2, 3))
        m.d.sync += [now.eq(before) for before, now in zip(adds, adds[1:])]
        m.d.sync += [shift2.eq(self.shift), shift3.eq(shift2)]
        weight = Signal(1 << len(self.shift))
        m.d.comb += weight.eq(1 << shift3)

        for b in range(config.blocks):
            memory = m.submodules[f"block{b}"] = Memory(row, config.block_length)
            index = [self.add_index[b]] + [
                Signal(config.element_index_bits, name=f"index{stage}_{b}") for stage in (2, 3, 4)]
            m.d.sync += [now.eq(before) for before, now in zip(index, index[1:])]
            m.d.comb += memory.read_address.eq(Mux(self.look, self.look_index[b], index[0]))

            read = Signal(config.histogram_bits, name=f"read{b}")
            live = (memory.read_data.version == version) & ~self.blank[b]
            m.d.sync += read.eq(Mux(live, memory.read_data.value, 0))
            m.d.comb += self.value[b].eq(read)

            # The additions 1, 2 and 3 cycles before this one, found a stage early. The third
            # is beyond the write stage when this one adds.
            added = Signal(config.histogram_bits, name=f"added{b}")
            kept = [Signal(config.histogram_bits, name=f"kept{age}_{b}") for age in (2, 3)]
            index5 = Signal(config.element_index_bits, name=f"index5_{b}")
            add5 = Signal(name=f"add5_{b}")
            matches = [Signal(name=f"match{age}_{b}") for age in (1, 2, 3)]
            m.d.sync += [
                index5.eq(index[3]), add5.eq(adds[3]),
                kept[0].eq(added), kept[1].eq(kept[0]),
                matches[0].eq(adds[2] & (index[2] == index[1])),
                matches[1].eq(adds[3] & (index[3] == index[1])),
                matches[2].eq(add5 & (index5 == index[1])),
            ]
            old = Mux(matches[0], added,
                      Mux(matches[1], kept[0], Mux(matches[2], kept[1], read)))
            total = Signal(max(config.histogram_bits, len(weight)) + 1, name=f"total{b}")
            m.d.comb += total.eq(old + weight)
            m.d.sync += added.eq(Mux(total > config.max_histogram, config.max_histogram, total))

            m.d.comb += [
                memory.write_enable.eq(adds[3] | scrub | self.clear),
                memory.write_address.eq(Mux(self.clear, self.clear_row,
                                            Mux(scrub, scrub_row, index[3]))),
                memory.write_data.value.eq(added),
                memory.write_data.version.eq(Mux(self.clear | scrub, 0, version)),
            ]
        return m
