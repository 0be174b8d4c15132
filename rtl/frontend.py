"""Dense front-end: block-wise argmax, top-s and threshold; see golden/frontend.py."""

from amaranth.hdl import Module, Mux, ResetInserter, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.errors import ConfigError

from .divider import WeightDivider
from .layouts import dense_elements, query_entry
from .logweight import LogWeight

__all__ = ["FrontEnd", "TopElements"]


class TopElements(wiring.Component):
    """The ``query_entries`` (s) largest elements of a block, sorted as they come in.

    One comparator and one register for each. Throughput one element a cycle; an element is in
    place in the cycle after it was inserted. Of equal elements the first inserted ranks higher; 0
    is never taken, and marks free places.

    They are read one after the other: the registers form a ring, which saves a multiplexer over
    all of them. It turns in one direction only, so the next entry comes up after ``turns`` cycles
    of ``rotate``.

    Members
    -------
    element, index : In
        What ``insert`` puts in place.
    insert, rotate, clear : In(1)
        One at a time; ``clear`` comes first.
    head : Out(StructLayout)
        ``element`` and ``index`` of the largest element, before ``rotate``.
    second : Out
        Second-largest element, before ``rotate``; also if s = 1.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__({
            "element": In(config.element_bits),
            "index": In(config.element_index_bits),
            "insert": In(1),
            "rotate": In(1),
            "clear": In(1),
            "head": Out(data.StructLayout({"element": config.element_bits,
                                           "index": config.element_index_bits})),
            "second": Out(config.element_bits),
        })

    @property
    def turns(self) -> int:
        """Cycles of ``rotate`` that bring up the next entry."""
        return self.config.query_entries - 1

    def elaborate(self, platform):
        m = Module()
        entries = self.config.query_entries
        elements = [Signal(self.config.element_bits, name=f"element{n}")
                    for n in range(max(entries, 2))]
        indices = [Signal(self.config.element_index_bits, name=f"index{n}", reset_less=True)
                   for n in range(entries)]
        # Sorted, so all places after the first that is smaller are smaller too.
        smaller = Signal(len(elements))
        m.d.comb += smaller.eq(sum((element < self.element) << n
                                   for n, element in enumerate(elements)))
        for n, element in enumerate(elements):
            shift = smaller[n - 1] if n else 0
            turn = self.rotate if n < entries else 0
            before = n - 1 if n else entries - 1
            with m.If(turn | (self.insert & smaller[n])):
                m.d.sync += element.eq(Mux(turn | shift, elements[before], self.element))
                if n < entries:
                    m.d.sync += indices[n].eq(Mux(turn | shift, indices[before], self.index))
            with m.If(self.clear):
                m.d.sync += element.eq(0)
        m.d.comb += [self.head.element.eq(elements[0]), self.head.index.eq(indices[0]),
                     self.second.eq(elements[1])]
        return m


class FrontEnd(wiring.Component):
    """Turns a dense query into sparse query entries: the s largest elements of each block.

    ``block_length`` (L) transfers at ``i``, in order of index, make a query; one is taken a cycle.
    Then the entries come at ``o``, by ascending block and within a block by descending element (of
    equal ones the lowest index first), and meanwhile ``i`` is held back. Which elements are kept
    and what they weigh is told in golden/frontend.py. A query of zeros gives one place-holder,
    with ``empty`` and ``last`` set and nothing else in it.

    An entry is offered when it is known whether another one follows, because ``last`` goes with
    it: the first at most :attr:`latency` cycles after the last element was taken, the last entry,
    if none has to wait, at most :attr:`query_cycles` after it. An entry takes :attr:`entry_cycles`,
    in which it is divided by its block's peak, and with ``log`` as long. The next query's first
    element is taken at the earliest in the cycle after the last entry.

    Parameters
    ----------
    config : CoreConfig
        One with ``element_bits``.

    Members
    -------
    i : In(stream.Signature(dense_elements(config)))
        The elements of all B blocks at one index.
    threshold : In
        Smaller elements are not kept, but for a block's largest. As the next two, stable from the
        cycle after a query's last element was taken to its last entry.
    log : In(1)
        Elements are logits, and weights logarithmic.
    shift : In(4)
        t, of log weights.
    clear : In(1)
        Back to the start of a query in one cycle, from any state and with the same effect as a
        reset. No element is taken in this cycle; an entry that is on offer is withdrawn after it.
    o : Out(stream.Signature(query_entry(config)))
    peak, second : Out(ArrayLayout)
        Largest and second-largest element per block, whatever s and the threshold: valid from the
        second cycle after a query's last element was taken, kept until that of the next query or a
        reset, which makes them 0. If unused they cost nothing.

    Raises
    ------
    ConfigError
        ``config`` has no ``element_bits``.
    """

    def __init__(self, config: CoreConfig):
        if not config.element_bits:
            raise ConfigError("element_bits 0 leaves the dense front-end out, it needs 4..16")
        self.config = config
        super().__init__({
            "i": In(stream.Signature(dense_elements(config))),
            "threshold": In(config.element_bits),
            "log": In(1),
            "shift": In(4),
            "clear": In(1),
            "o": Out(stream.Signature(query_entry(config))),
            "peak": Out(data.ArrayLayout(unsigned(config.element_bits), config.blocks)),
            "second": Out(data.ArrayLayout(unsigned(config.element_bits), config.blocks)),
        })

    @property
    def entry_cycles(self) -> int:
        """Cycles from one entry to the next: division, or turning the ring where that is longer."""
        return max(self.config.weight_bits + 3, self.config.query_entries)

    @property
    def latency(self) -> int:
        """Most cycles from the transfer of the last element to the first entry's ``valid``.

        In the worst case the first block's second entry is divided only to weigh 0, and the blocks
        between the first and the last are empty: that an entry follows is known when that of the
        last block has been divided.
        """
        blocks = self.config.blocks
        tried = 1 if self.config.query_entries == 1 else 2
        if blocks == 1:
            return tried * self.entry_cycles + 1
        return (tried + 1) * self.entry_cycles + blocks - 2

    @property
    def query_cycles(self) -> int:
        """Most cycles from the transfer of the last element to the last entry's ``valid``.

        If ``o.ready`` is always high.
        """
        return self.config.blocks * self.config.query_entries * self.entry_cycles + 1

    def elaborate(self, platform):
        m = Module()
        config = self.config
        count = Signal(range(config.block_length))
        block = Signal(range(config.blocks))
        take, rotate, finish = Signal(), Signal(), Signal()

        # -- the best of each block -------------------------------------------------------------
        head = Signal(data.StructLayout({"element": config.element_bits,
                                         "index": config.element_index_bits}))
        full = Signal()
        m.d.comb += take.eq(self.i.valid & self.i.ready)
        m.d.sync += full.eq(take & (count == config.block_length - 1))
        for b in range(config.blocks):
            m.submodules[f"top{b}"] = top = TopElements(config)
            m.d.comb += [
                top.element.eq(self.i.p[b]),
                top.index.eq(count),
                top.insert.eq(take),
                top.rotate.eq(rotate & (block == b)),
                top.clear.eq(finish),
            ]
            with m.If(block == b):
                m.d.comb += head.eq(top.head)
            with m.If(full):
                m.d.sync += [self.peak[b].eq(top.head.element), self.second[b].eq(top.second)]

        # -- weight -----------------------------------------------------------------------------
        m.submodules.divider = divider = WeightDivider(config.element_bits, config.weight_bits)
        peak = Signal(config.element_bits, reset_less=True)
        index = Signal(config.element_index_bits, reset_less=True)
        m.submodules.log_weight = log_weight = LogWeight(config.element_bits, config.weight_bits)
        weight = Signal(config.weight_bits)
        m.d.comb += [
            divider.element.eq(head.element),
            divider.peak.eq(peak),
            log_weight.element.eq(head.element),
            log_weight.peak.eq(peak),
            log_weight.shift.eq(self.shift),
            # Both begin with an entry. The division is what is waited for, as it is never earlier.
            weight.eq(Mux(self.log, log_weight.weight, divider.weight)),
        ]

        # -- turning the ring, beside the division ----------------------------------------------
        turns = Signal(range(max(2, config.query_entries)))
        chosen = Signal()
        m.d.comb += [divider.start.eq(chosen), log_weight.start.eq(chosen),
                     rotate.eq(chosen | (turns != 0))]
        with m.If(chosen):
            m.d.sync += turns.eq(max(0, config.query_entries - 2))
        with m.Elif(turns != 0):
            m.d.sync += turns.eq(turns - 1)

        # -- the entry before, offered when it is known what follows ----------------------------
        held = Signal(data.StructLayout({name: query_entry(config)[name].shape
                                         for name in ("block", "index", "weight")}),
                      reset_less=True)
        some = Signal()
        m.d.comb += [self.o.p[name].eq(held[name]) for name in ("block", "index", "weight")]

        tried = Signal(range(config.query_entries))

        def next_block():
            m.d.sync += tried.eq(0)
            with m.If(block == config.blocks - 1):
                m.d.sync += block.eq(0)
                m.next = "end"
            with m.Else():
                m.d.sync += block.eq(block + 1)
                m.next = "choose"

        with m.FSM():
            with m.State("load"):
                m.d.comb += self.i.ready.eq(~self.clear)
                with m.If(take):
                    m.d.sync += count.eq(count + 1)
                    with m.If(count == config.block_length - 1):
                        m.d.sync += count.eq(0)
                        m.next = "choose"
            with m.State("choose"):
                with m.If((head.element != 0)
                          & ((tried == 0) | (head.element >= self.threshold))):
                    m.d.comb += chosen.eq(1)
                    m.d.sync += index.eq(head.index)
                    with m.If(tried == 0):
                        m.d.sync += peak.eq(head.element)
                    m.next = "divide"
                with m.Else():
                    next_block()
            with m.State("divide"):
                with m.If(~divider.busy & (turns == 0)):
                    # Elements descend: after one that weighs 0 the block has no more.
                    with m.If(weight == 0):
                        next_block()
                    with m.Else():
                        m.d.comb += self.o.valid.eq(some)
                        with m.If(~some | self.o.ready):
                            m.d.sync += [some.eq(1), held.block.eq(block), held.index.eq(index),
                                         held.weight.eq(weight)]
                            with m.If(tried == config.query_entries - 1):
                                next_block()
                            with m.Else():
                                m.d.sync += tried.eq(tried + 1)
                                m.next = "choose"
            with m.State("end"):
                m.d.comb += [self.o.valid.eq(1), self.o.p.last.eq(1), self.o.p.empty.eq(~some)]
                with m.If(self.o.ready):
                    m.d.comb += finish.eq(1)
                    m.d.sync += some.eq(0)
                    m.next = "load"
        return ResetInserter(self.clear)(m)
