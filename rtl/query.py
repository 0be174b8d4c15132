"""Query memory: takes a query's entries, checks them, and keeps them for both look-ups."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig

from .confidence import LookUpBlocks, look_up_block
from .layouts import block_indices, product_index, query_entry
from .memory import Memory

__all__ = ["QueryMemory"]


class QueryMemory(wiring.Component):
    """The loaded query, by entry (for similarities) and by index (for scores).

    An entry takes ``entry_cycles`` to load; before the first, the query before is cleared by
    replaying its entries, in ``clear_cycles``. A query with a bad entry is refused whole: ``valid``
    stays low and ``refused`` pulses at its end. Bad are: a block or index out of range, a block
    lower than the one before, weight 0, an index twice in a block, more than ``query_entries`` in
    a block, a query without entries.

    Members
    -------
    i : In(stream.Signature(query_entry(config)))
        Entries by ascending block; taken while ``unlocked``.
    unlocked : In(1)
        No run needs the query.
    clear, clear_row : In
        After reset: clears row ``clear_row`` of both memories, whatever they hold.
    forget : In(1)
        The loaded query does not count any more: another one is on its way.
    valid : Out(1)
        A query is loaded whole.
    refused : Out(1)
    smax : Out
        Sum over blocks of the largest weight.
    q : Out
        Largest block sum.
    depth : Out
        Largest number of entries in a block.
    entry : In
        Entry number whose ``index`` and ``weight``, per block, are valid a cycle later; an unused
        entry has weight 0.
    bound : In, bound_weight : Out, per lane
        Index per block whose weight is valid a cycle later.
    look_up : Out(look_up_block(config)).array(heads)
        Most confident blocks, valid two cycles after ``valid``; only in cores that join.
    product : In(stream.Signature(product_index(config)))
        Indices of a product, block 0 first, whose weights are taken off the loaded query; not
        while it is loaded. Only in cores for several products, as the next one. See
        golden/explain.py for what is taken off.
    reduced : Out(1)
        Pulses when all outputs are those of what is left.
    """

    latency = Memory.latency

    @property
    def entry_cycles(self) -> int:
        """Cycles that an entry takes."""
        return 3 + (self.lanes > 1)

    @property
    def clear_cycles(self) -> int:
        """Cycles before the first entry of a query is looked at."""
        return self.config.query_entries + 1

    def __init__(self, config: CoreConfig):
        self.config = config
        # What only the join engine needs.
        self.heads = heads = config.heads if "join" in config.engines else 0
        self.lanes = lanes = config.lanes
        entry = max(1, (config.query_entries - 1).bit_length())
        weights = data.ArrayLayout(config.weight_bits, config.blocks)
        self.reduces = config.products > 1
        super().__init__({
            "i": In(stream.Signature(query_entry(config))),
            "unlocked": In(1),
            "clear": In(1),
            "clear_row": In(config.element_index_bits),
            "forget": In(1),
            "valid": Out(1),
            "refused": Out(1),
            "smax": Out(config.score_bits),
            "q": Out(config.block_sum_bits),
            "depth": Out(range(config.query_entries + 1)),
            "entry": In(entry),
            "index": Out(block_indices(config)),
            "weight": Out(weights),
            "bound": In(block_indices(config)).array(lanes),
            "bound_weight": Out(weights).array(lanes),
            **({"look_up": Out(look_up_block(config)).array(heads)} if heads else {}),
            **({"product": In(stream.Signature(product_index(config))), "reduced": Out(1)}
               if self.reduces else {}),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        i = Signal(query_entry(config)) if self.reduces else self.i.p
        entry_layout = data.StructLayout({"index": config.element_index_bits,
                                          "weight": config.weight_bits})

        loading = Signal()  # the loader, not a run, drives the read addresses
        replay = Signal(range(config.query_entries + 1))
        writes = Signal(config.blocks)
        erase = Signal()
        slot = Signal(len(self.entry))
        index = Signal(config.element_index_bits)
        seen = Signal(config.blocks)
        wipes, drops = Signal(config.blocks), Signal(config.blocks)  # in one memory only
        # Cores with lanes are for fast FPGAs, whose memories take most of a cycle.
        late = "sync" if self.lanes > 1 else "comb"
        stored = []
        for b in range(config.blocks):
            entries = m.submodules[f"entries{b}"] = Memory(entry_layout, config.query_entries)
            table = m.submodules[f"table{b}"] = Memory(config.weight_bits, config.block_length,
                                                       block=self.lanes > 1)
            # An erased row must not be read back as an index beyond the block: keep it in range.
            m.d.comb += [
                entries.read_address.eq(Mux(loading, replay, self.entry)),
                table.read_address.eq(Mux(loading, i.index, self.bound[0][b])),
                self.index[b].eq(entries.read_data.index),
                self.weight[b].eq(entries.read_data.weight),
                self.bound_weight[0][b].eq(table.read_data),
                entries.write_enable.eq(writes[b] | erase | self.clear),
                entries.write_address.eq(Mux(self.clear, self.clear_row, slot)),
                entries.write_data.index.eq(Mux(erase | self.clear, 0, index)),
                entries.write_data.weight.eq(Mux(erase | self.clear, 0, i.weight)),
                table.write_enable.eq(writes[b] | erase | self.clear),
                table.write_address.eq(Mux(self.clear, self.clear_row,
                                           Mux(erase, entries.read_data.index, index))),
                table.write_data.eq(Mux(erase | self.clear, 0, i.weight)),
            ]
            m.d[late] += seen[b].eq(table.read_data != 0)
            for n in range(1, self.lanes):
                copy = m.submodules[f"table{b}_{n}"] = Memory(config.weight_bits,
                                                              config.block_length, block=True)
                m.d.comb += [
                    copy.read_address.eq(self.bound[n][b]),
                    self.bound_weight[n][b].eq(copy.read_data),
                    copy.write_enable.eq(table.write_enable),
                    copy.write_address.eq(table.write_address),
                    copy.write_data.eq(table.write_data),
                ]
            stored.append(entries.read_data)
            if self.reduces:
                m.d.comb += [
                    entries.write_enable.eq(writes[b] | wipes[b] | erase | self.clear),
                    entries.write_data.weight.eq(Mux(wipes[b] | erase | self.clear, 0, i.weight)),
                    table.write_enable.eq(writes[b] | drops[b] | erase | self.clear),
                    table.write_data.eq(Mux(drops[b] | erase | self.clear, 0, i.weight)),
                ]
        m.d.comb += index.eq(i.index)

        count = Signal(range(config.query_entries + 1))
        block = Signal(len(i.block))
        total = Signal(config.block_sum_bits)
        peak = Signal(config.weight_bits)
        bad = Signal()
        some = Signal()
        same = Signal()
        filled = Signal.like(count)
        summed = Signal.like(total)
        higher = Signal(config.weight_bits)
        wrong = Signal()
        rejected = Signal()
        place, added, rise = Signal.like(count), Signal.like(total), Signal.like(peak)
        m.d.comb += [
            same.eq(some & (i.block == block)),
            filled.eq(Mux(same, count, 0)),
            summed.eq(Mux(same, total, 0) + i.weight),
            # How much the largest weight of the block rises by this entry.
            higher.eq(Mux(same, Mux(i.weight > peak, i.weight - peak, 0), i.weight)),
            wrong.eq((i.block >= config.blocks) | (i.index >= config.block_length)
                     | (i.weight == 0) | (some & (i.block < block))
                     | (filled == config.query_entries)
                     | (same & seen.bit_select(i.block, 1))),
        ]

        reducing, renew, hold, ends = Signal(), Signal(), Signal(), Signal()
        if self.reduces:
            held = self.reduce(m, i, reducing, replay, hold, stored, ends)

        with m.FSM():
            with m.State("idle"):
                m.d.comb += loading.eq(self.i.valid & self.unlocked)
                with m.If(loading & ~self.clear):
                    m.d.sync += [
                        self.valid.eq(0), self.smax.eq(0), self.q.eq(0), self.depth.eq(0),
                        bad.eq(0), some.eq(0), count.eq(0), replay.eq(1),
                    ]
                    m.next = "erase"
                if self.reduces:
                    with m.If(self.product.valid):
                        m.d.comb += renew.eq(1)
                        m.d.sync += [
                            self.smax.eq(0), self.q.eq(0), self.depth.eq(0),
                            some.eq(0), replay.eq(0), reducing.eq(1),
                        ]
                        m.next = "fetch"
            with m.State("erase"):
                # Entry ``replay`` is being read, the one before is written.
                m.d.comb += [loading.eq(1), erase.eq(1), slot.eq(replay - 1)]
                m.d.sync += replay.eq(replay + 1)
                with m.If(replay == config.query_entries):
                    m.d.sync += replay.eq(0)
                    m.next = "read"
            with m.State("read"):
                m.d.comb += loading.eq(1)
                with m.If(self.i.valid):
                    m.next = "check" if late == "comb" else "look"
            if late == "sync":
                with m.State("look"):
                    m.d.comb += loading.eq(1)
                    m.next = "check"
            with m.State("check"):
                # Registered: from memory through the comparisons to every enable is a long path.
                m.d.comb += loading.eq(1)
                m.d.sync += [rejected.eq(wrong), place.eq(filled), added.eq(summed),
                             rise.eq(higher)]
                m.next = "write"
            with m.State("write"):
                m.d.comb += [loading.eq(1), self.i.ready.eq(1), slot.eq(place)]
                m.next = "read"
                with m.If(~i.empty & ~bad):
                    with m.If(rejected):
                        m.d.sync += bad.eq(1)
                    with m.Else():
                        self.enter(m, i, writes, some, block, count, total, peak, place, added,
                                   rise)
                with m.If(i.last):
                    refused = bad | Mux(i.empty, ~some, rejected)
                    m.d.comb += self.refused.eq(refused)
                    m.d.sync += self.valid.eq(~refused)
                    m.next = "idle"
            if self.reduces:
                # An entry is looked at while the next one is read. Those that are left move down.
                with m.State("fetch"):
                    m.d.comb += loading.eq(1)
                    with m.If(self.product.valid):
                        m.next = "hold"
                with m.State("hold"):
                    m.d.comb += [loading.eq(1), hold.eq(1)]
                    m.next = "weigh"
                with m.State("weigh"):
                    m.d.comb += loading.eq(1)
                    m.d.sync += [rejected.eq(i.index == self.product.p.index), place.eq(filled),
                                 added.eq(summed), rise.eq(higher)]
                    m.next = "rewrite"
                with m.State("rewrite"):
                    m.d.comb += [loading.eq(1), slot.eq(place)]
                    with m.If(held.weight == 0):
                        # The block ends; if an entry is gone, the last one is there twice.
                        m.d.comb += [self.product.ready.eq(1),
                                     wipes.bit_select(i.block, 1).eq(
                                         place != config.query_entries)]
                        m.d.sync += replay.eq(0)
                        m.next = "fetch"
                        with m.If(self.product.p.last):
                            m.d.comb += ends.eq(1)
                            m.d.sync += reducing.eq(0)
                            m.next = "idle"
                    with m.Else():
                        m.d.comb += hold.eq(1)
                        m.next = "weigh"
                        with m.If(rejected):
                            m.d.comb += drops.bit_select(i.block, 1).eq(1)
                        with m.Else():
                            self.enter(m, i, writes, some, block, count, total, peak,
                                       place, added, rise)
        with m.If(self.forget):
            m.d.sync += self.valid.eq(0)

        if self.heads:
            m.submodules.confidence = confidence = LookUpBlocks(config, self.heads)
            ended = Signal()
            if self.reduces:
                m.d.sync += ended.eq(self.i.valid & self.i.ready & i.last | ends)
            else:
                m.d.sync += ended.eq(self.i.valid & self.i.ready & i.last)
            m.d.comb += [
                confidence.clear.eq(erase | renew if self.reduces else erase),
                confidence.valid.eq(writes.any()),
                confidence.block.eq(i.block),
                confidence.index.eq(i.index),
                confidence.weight.eq(i.weight),
                confidence.close.eq(ended),
            ]
            for h in range(self.heads):
                m.d.comb += self.look_up[h].eq(confidence.o[h])
        return m

    def enter(self, m, i, writes, some, block, count, total, peak, place, added, rise) -> None:
        """Store the entry that was looked at in the cycle before, and count it."""
        m.d.comb += writes.bit_select(i.block, 1).eq(1)
        m.d.sync += [
            some.eq(1), block.eq(i.block), count.eq(place + 1),
            total.eq(added), self.smax.eq(self.smax + rise),
        ]
        with m.If(rise != 0):
            m.d.sync += peak.eq(i.weight)
        with m.If(added > self.q):
            m.d.sync += self.q.eq(added)
        with m.If(place >= self.depth):
            m.d.sync += self.depth.eq(place + 1)

    def reduce(self, m, i, reducing, replay, hold, stored, ends):
        """While ``reducing``, stored entries take the place of the stream's.

        Returns the entry that is looked at; weight 0 ends the block.
        """
        config, product = self.config, self.product.p
        read = Signal(stored[0].shape())
        held = Signal.like(read)
        with m.Switch(product.block):
            for b, entry in enumerate(stored):
                with m.Case(b):
                    m.d.comb += read.eq(entry)
        with m.If(hold):
            m.d.sync += [held.eq(read), replay.eq(replay + 1)]
            with m.If(replay == config.query_entries):
                m.d.sync += held.weight.eq(0)
        m.d.comb += i.eq(self.i.p)
        with m.If(reducing):
            m.d.comb += [i.block.eq(product.block), i.index.eq(held.index),
                         i.weight.eq(held.weight)]
        # As many cycles as the look-up blocks take.
        settling = Signal(2)
        m.d.sync += Cat(settling, self.reduced).eq(Cat(ends, settling))
        return held
