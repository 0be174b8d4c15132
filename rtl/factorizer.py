"""The core: memories, engines, verifier and result."""

from amaranth.hdl import Cat, Const, Module, Mux, ResetInserter, Signal
from amaranth.lib import crc, data, enum, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from blockfactor.config import CoreConfig

from .codebook import CodebookMemory
from .explain import ProductBinder
from .factorize import FactorizeEngine
from .frontend import FrontEnd
from .join import JoinEngine
from .layouts import (
    Errors,
    Mode,
    Stop,
    TraceKind,
    block_indices,
    codebook_write,
    codevector_address,
    dense_elements,
    query_entry,
    result,
    run_parameters,
    trace_word,
)
from .multiplier import Multiplier
from .query import QueryMemory
from .verifier import Verifier

__all__ = ["Factorizer"]


class State(enum.Enum, shape=2):
    """What the core is doing."""

    CLEAR = 0
    IDLE = 1
    RUN = 2
    RESULT = 3


class Factorizer(wiring.Component):
    """Factorizes one query at a time.

    After reset the memories are cleared in ``block_length`` cycles. Then codevectors and a query
    are written in any order; ``start`` begins a run with ``parameters``, which must be stable from
    the cycle before until the result is valid; its cycles are those of golden/cycles.py exactly. A
    query stays loaded until the next one is begun; but a run with ``parameters.products`` above 1
    takes it apart: it gives so many results, each found in what is left when the products found
    before are taken off (golden/explain.py), and no query is loaded from its start on. The first
    result's cycles count from the start, the others' from the cycle in which the one before was
    taken. Once a run is refused or aborted, or nothing is left of the query, the other results
    follow at once, with the same stop reason and nothing in them. While a run lasts or its result
    waits, codebook and sparse query streams are held back; the elements of one dense query are
    taken.

    Parameters
    ----------
    config : CoreConfig
    codebooks : Codebooks or None
        Initial content of the codebook memory.
    trace : bool
        Whether the core has the ``trace`` stream.
    service : bool
        Whether it has the ``read_`` and ``check_`` members, with which registers look after it.

    Members
    -------
    query : In(stream.Signature(query_entry(config)))
        Sparse query entries by ascending block; see :class:`~blockfactor.rtl.query.QueryMemory`.
    dense : In(stream.Signature(dense_elements(config)))
        Elements of a dense query, only if ``config.element_bits``; see
        :class:`~blockfactor.rtl.frontend.FrontEnd`.
    codebook : In(stream.Signature(codebook_write(config)))
    parameters : In(run_parameters(config))
    ready : Out(1)
        A run can start.
    loaded : Out(1)
        A query is loaded.
    start : In(1)
        Begin a run. If the parameters or the query are wrong, its results say so (stop reason
        ``error``). While not ``ready`` it is ignored, and an error.
    abort : In(1)
        End the run; the result holds what is known so far (stop reason ``aborted``).
    reset : In(1)
        Soft reset: back to the state after reset, but for the codebooks.
    result : Out(stream.Signature(result(config)))
    errors : Out(Errors)
        Sticky, until ``clear_errors``.
    trace : Out(stream.Signature(trace_word, always_ready=True))
    read_address : In, read_indices : Out
        The codevector at an address, a cycle later; while no run goes on.
    check_clear, check_valid : In(1), check_word : In(16), check_crc : Out(32)
        Lends the circuit of the trace's CRC to sum words, while the core is idle and a result does
        not wait; the next run clears it.
    """

    def __init__(self, config: CoreConfig, codebooks=None, trace: bool = False,
                 service: bool = False):
        self.config = config
        self.codebooks = codebooks
        members = {
            "query": In(stream.Signature(query_entry(config))),
            "codebook": In(stream.Signature(codebook_write(config))),
            "parameters": In(run_parameters(config)),
            "ready": Out(1),
            "loaded": Out(1),
            "start": In(1),
            "abort": In(1),
            "reset": In(1),
            "result": Out(stream.Signature(result(config))),
            "errors": Out(Errors),
            "clear_errors": In(1),
        }
        if config.element_bits:
            members["dense"] = In(stream.Signature(dense_elements(config)))
        if trace:
            members["trace"] = Out(stream.Signature(trace_word, always_ready=True))
        if service:
            members |= {"read_address": In(codevector_address(config)),
                        "read_indices": Out(block_indices(config)),
                        "check_clear": In(1), "check_valid": In(1), "check_word": In(16),
                        "check_crc": Out(32)}
        self.has_trace = trace
        self.has_service = service
        super().__init__(members)

    def legal_parameters(self):
        """Expression: the core can run the parameters."""
        config, p = self.config, self.parameters
        checks = [p.trim < config.blocks]
        if config.products > 1:
            checks.append(p.products <= config.products)
        for f in range(config.factors):
            checks += [p.sizes[f] != 0, p.sizes[f] <= config.max_codevectors,
                       ~p.known[f] | (p.known_index[f] < p.sizes[f])]
        if "join" in config.engines:
            checks.append((p.mode == Mode.SCAN) | (p.heads != 0) & (p.heads <= config.heads)
                          | (p.mode == Mode.FACTORIZE))
            if "factorize" not in config.engines:
                checks.append(p.mode != Mode.FACTORIZE)
        else:
            checks.append((p.mode == Mode.AUTO) | (p.mode == Mode.FACTORIZE))
        return Cat(*checks).all()

    def chosen(self, engine: str):
        """Expression: the parameters are for that engine."""
        if len(self.config.engines) == 1:
            return Const(1)
        return self.factorizes if engine == "factorize" else ~self.factorizes

    def elaborate(self, platform):
        m = Module()
        config, p = self.config, self.parameters
        joins = "join" in config.engines
        lanes = config.lanes
        # Registered, as parameters are stable from the cycle before a start.
        self.factorizes = Signal()
        m.d.sync += self.factorizes.eq(p.mode == Mode.FACTORIZE)
        # Codebook ports that the engines share; those of the verifier follow.
        slots = max(config.factors - 1 if "factorize" in config.engines else 0,
                    lanes if joins else 0)
        state = Signal(State)
        row = Signal(config.element_index_bits)
        begin = Signal()
        halt = Signal()
        explains = config.products > 1
        blank = Signal()  # what was found before does not count any more

        # -- memories ---------------------------------------------------------------------------
        m.submodules.codebook = codebook = CodebookMemory(config, slots + lanes,
                                                              self.codebooks)
        m.submodules.query = query = QueryMemory(config)
        m.submodules.verifier = verifier = Verifier(config)
        connect(m, flipped(self.codebook), codebook.write)
        unlocked = (state == State.IDLE) & ~self.start
        m.d.comb += [
            codebook.unlocked.eq(unlocked | (state == State.CLEAR)),
            query.unlocked.eq(unlocked),
            query.clear.eq(state == State.CLEAR),
            query.clear_row.eq(row),
            self.loaded.eq(query.valid),
            verifier.clear.eq(begin),
            verifier.hold.eq((state != State.RUN) | self.abort),
        ]
        for n in range(lanes):
            m.d.comb += [
                codebook.address[slots + n].eq(verifier.address[n]),
                verifier.indices[n].eq(codebook.indices[slots + n]),
                query.bound[n].eq(verifier.bound[n]),
                verifier.bound_weight[n].eq(query.bound_weight[n]),
            ]
        if config.element_bits:
            self.arbitrate(m, query)
        else:
            connect(m, flipped(self.query), query.i)

        # -- least score that is accepted -------------------------------------------------------
        m.submodules.level = level = Multiplier(config.score_bits, 9, 3)
        m.d.comb += [level.start.eq(begin), level.multiplicand.eq(query.smax),
                     level.multiplier.eq(p.level), verifier.accept.eq((level.product + 255) >> 8)]

        # -- engines ----------------------------------------------------------------------------
        engines = {}
        if "factorize" in config.engines:
            m.submodules.factorize = engine = engines["factorize"] = FactorizeEngine(config)
            for slot in range(config.factors - 1):
                m.d.comb += [codebook.address[slot].eq(engine.codevector_address[slot]),
                             engine.codevector_indices[slot].eq(codebook.indices[slot])]
            m.d.comb += [
                engine.q.eq(query.q),
                engine.depth.eq(query.depth),
                query.entry.eq(engine.entry),
                engine.query_index.eq(query.index),
                engine.query_weight.eq(query.weight),
                engine.clear.eq(state == State.CLEAR),
                engine.clear_row.eq(row),
                engine.forget.eq(blank | self.start & self.ready if explains else
                                 self.start & self.ready),
                engine.scored.eq(verifier.scored != 0),
                engine.improved.eq(verifier.improved),
                verifier.valid.eq(engine.verify),
                verifier.reference.eq(engine.reference),
            ]
        if joins:
            m.submodules.join = engines["join"] = JoinEngine(config)
            self.connect_join(m, engines["join"], codebook, query, verifier, state == State.RUN)
        done, stop = Signal(), Signal(Stop)
        for name, engine in engines.items():
            chosen = self.chosen(name)
            m.d.comb += [engine.parameters.eq(p), engine.start.eq(begin & chosen),
                         engine.halt.eq(halt)]
            with m.If(chosen):
                m.d.comb += [done.eq(engine.done), stop.eq(engine.stop)]

        if self.has_service:
            # By a port that join does not need to build its index.
            slot = slots - ("join" not in config.engines or slots > lanes)
            with m.If(state != State.RUN):
                m.d.comb += codebook.address[slot].eq(self.read_address)
            m.d.comb += self.read_indices.eq(codebook.indices[slot])

        # -- run --------------------------------------------------------------------------------
        legal = Signal()
        cycles = Signal(32)
        # Passes of factorize, or tuples.
        iterations = Signal(max(16, config.tuple_bits) if joins else 16)
        reason = Signal(Stop)
        run_ready = Signal()
        if explains:
            explain, take, reduced = self.explain(m, codebook, query, verifier, slots)
        # Registered, as ``ready`` is: both would begin the longest paths, into all a start resets.
        m.d.sync += legal.eq(self.legal_parameters())
        m.d.comb += [
            run_ready.eq(Cat(engine.ready for engine in engines.values()).all()),
        ]
        m.d.sync += self.ready.eq((state == State.IDLE) & run_ready & ~self.start)
        with m.Switch(state):
            with m.Case(State.CLEAR):
                m.d.sync += row.eq(row + 1)
                with m.If(row == config.block_length - 1):
                    m.d.sync += state.eq(State.IDLE)
            with m.Case(State.IDLE):
                with m.If(self.start & self.ready):
                    m.d.sync += [cycles.eq(1), iterations.eq(0)]
                    m.d.comb += begin.eq(legal & query.valid)
                    m.d.sync += state.eq(Mux(begin, State.RUN, State.RESULT))
                    with m.If(~begin):
                        m.d.comb += verifier.clear.eq(1)
                        m.d.sync += reason.eq(Stop.ERROR)
                    if explains:
                        with m.If(begin & (p.products > 1)):
                            m.d.comb += query.forget.eq(1)
                        m.d.sync += [explain.left.eq(Mux(p.products == 0, 0, p.products - 1)),
                                     explain.over.eq(~begin), explain.aborted.eq(0)]
            with m.Case(State.RUN):
                # Building the index is not counted: it follows a change of codebook or size.
                m.d.sync += cycles.eq(cycles + (~engines["join"].waiting if joins else 1))
                # One that came with the last cycle between two products counts in the next.
                abort = self.abort | explain.aborted if explains else self.abort
                with m.If(abort | verifier.accepted | done):
                    m.d.sync += [
                        state.eq(State.RESULT),
                        reason.eq(Mux(abort, Stop.ABORTED,
                                      Mux(verifier.accepted, Stop.ACCEPTED, stop))),
                    ]
                    m.d.comb += halt.eq(abort | verifier.accepted)
            with m.Case(State.RESULT):
                if explains:
                    self.next_product(m, explain, take, reduced, query.smax, state, cycles, reason,
                                      begin, blank)
                else:
                    m.d.comb += self.result.valid.eq(1)
                    with m.If(self.result.ready):
                        m.d.sync += state.eq(State.IDLE)
        if explains:
            with m.If(blank):
                m.d.comb += verifier.clear.eq(1)
                m.d.sync += iterations.eq(0)
            with m.If(self.abort & (state != State.IDLE)):
                m.d.sync += explain.aborted.eq(1)

        # -- trace ------------------------------------------------------------------------------
        m.submodules.crc = digest = crc.catalog.CRC32_ISO_HDLC(16).create()
        word_valid, word = Signal(), Signal(trace_word)
        with m.If(verifier.scored != 0):
            m.d.comb += [word_valid.eq(state == State.RUN), word.kind.eq(TraceKind.SCORE),
                         word.word.eq(verifier.word)]
        for engine in engines.values():
            with m.Elif(engine.trace_valid):
                m.d.comb += [word_valid.eq(state == State.RUN), word.eq(engine.trace)]
        counts = Mux(state == State.RUN, verifier.scored, 0)
        if "factorize" in engines:
            counts = Mux(self.chosen("factorize"), engines["factorize"].iterate, counts)
        with m.If(counts != 0):
            m.d.sync += iterations.eq(iterations + counts)
        m.d.comb += [
            digest.start.eq(blank | (state == State.IDLE) & self.start if explains else
                            (state == State.IDLE) & self.start),
            digest.valid.eq(word_valid),
            digest.data.eq(word.word),
        ]
        if self.has_service:
            m.d.comb += self.check_crc.eq(digest.crc)
            with m.If(self.check_clear):
                m.d.comb += digest.start.eq(1)
            with m.If((state == State.IDLE) | (state == State.CLEAR)):
                m.d.comb += [digest.valid.eq(self.check_valid), digest.data.eq(self.check_word)]
        if self.has_trace:
            m.d.comb += [self.trace.valid.eq(word_valid), self.trace.payload.eq(word)]

        # -- result -----------------------------------------------------------------------------
        o = self.result.p
        m.d.comb += [
            o.indices.eq(verifier.indices_best),
            o.score.eq(verifier.best),
            o.smax.eq(query.smax),
            o.runner_up.eq(verifier.runner_up),
            o.iterations.eq(iterations),
            o.cycles.eq(cycles),
            o.seed.eq(Mux(p.seed == 0, 1, p.seed)),
            o.stop.eq(reason),
            o.crc.eq(digest.crc),
        ]
        if explains:
            m.d.comb += o.last.eq(explain.left == 0)
        if "factorize" in engines:
            m.d.comb += o.similarities.eq(engines["factorize"].similarities)

        # -- errors -----------------------------------------------------------------------------
        events = {
            "bad_query": query.refused,
            "bad_codebook": codebook.refused,
            "bad_parameter": self.start & self.ready & ~legal,
            "no_query": self.start & self.ready & ~query.valid,
            "busy_start": self.start & ~self.ready,
        }
        for name, event in events.items():
            with m.If(event):
                m.d.sync += self.errors[name].eq(1)
            with m.Elif(self.clear_errors):
                m.d.sync += self.errors[name].eq(0)
        return ResetInserter(self.reset)(m)

    def connect_join(self, m, engine, codebook, query, verifier, running) -> None:
        """Connect the join engine; it shares codebook ports with the factorize engine."""
        last = self.config.factors - 1
        chosen = self.chosen("join")
        m.d.comb += [
            engine.free.eq(~running | chosen),
            engine.changed.eq(self.codebook.valid & self.codebook.ready
                              & (self.codebook.p.factor == last)),
            verifier.joined.eq(chosen),
        ]
        for n in range(self.config.lanes):
            m.d.comb += [
                engine.indices[n].eq(codebook.indices[n]),
                engine.bound[n].eq(verifier.bound[n]),
                verifier.offered[n].eq(engine.offered[n]),
                verifier.candidate[n].eq(engine.candidate[n]),
                verifier.cancel[n].eq(engine.cancel[n]),
            ]
        for h in range(self.config.heads):
            m.d.comb += engine.look_up[h].eq(query.look_up[h])
        with m.If(engine.free):
            for n in range(self.config.lanes):
                m.d.comb += [
                    codebook.address[n].factor.eq(engine.factor),
                    codebook.address[n].codevector.eq(engine.codevector[n]),
                    codebook.enable[n].eq(engine.enable),
                ]

    def explain(self, m, codebook, query, verifier, port: int):
        """What goes on between the results of a run.

        The product is bound through codebook port ``port``, the verifier's.
        """
        m.submodules.binder = binder = ProductBinder(self.config)
        state = Signal(data.StructLayout({
            "taking": 1,  # the product found last is being taken off the query
            "left": self.config.products_bits,  # results to come after this one
            "over": 1,  # no product is looked for any more
            "aborted": 1,
        }), name="explain")
        m.d.comb += [
            binder.codevectors.eq(verifier.indices_best),
            binder.indices.eq(codebook.indices[port]),
            query.product.payload.eq(binder.o.payload),
            query.product.valid.eq(binder.o.valid),
            binder.o.ready.eq(query.product.ready),
        ]
        with m.If(state.taking):
            m.d.comb += codebook.address[port].eq(binder.address)
        return state, binder.start, query.reduced

    def next_product(self, m, explain, take, reduced, smax, state, cycles, reason, begin,
                     blank) -> None:
        """State RESULT: the result is offered; then the next product, or the end."""
        m.d.comb += self.result.valid.eq(~explain.taking)
        over = explain.over | explain.aborted
        with m.If(explain.taking):
            m.d.sync += cycles.eq(cycles + 1)
            with m.If(reduced):
                m.d.sync += explain.taking.eq(0)
                m.d.comb += blank.eq(1)
                with m.If(explain.aborted | (smax == 0)):
                    m.d.sync += [explain.over.eq(1),
                                 reason.eq(Mux(explain.aborted, Stop.ABORTED, Stop.COMPLETE))]
                with m.Else():
                    m.d.comb += begin.eq(1)
                    m.d.sync += state.eq(State.RUN)
        with m.Elif(self.result.ready):
            m.d.sync += [cycles.eq(1), explain.left.eq(explain.left - 1)]
            with m.If(explain.left == 0):
                m.d.sync += state.eq(State.IDLE)
            with m.Elif(over):
                m.d.comb += blank.eq(1)
                with m.If(explain.aborted & ~explain.over):
                    m.d.sync += reason.eq(Stop.ABORTED)
            with m.Else():
                m.d.comb += take.eq(1)
                m.d.sync += explain.taking.eq(1)

    def arbitrate(self, m, query) -> None:
        """Feed the query memory from the sparse stream or the dense front-end, query by query.

        The front-end takes elements at any time: its entries wait where it keeps them.
        """
        m.submodules.front_end = front_end = FrontEnd(self.config)
        m.d.comb += [
            front_end.threshold.eq(self.parameters.dense_threshold),
            front_end.log.eq(self.parameters.dense_log),
            front_end.shift.eq(self.parameters.dense_shift),
            front_end.i.payload.eq(self.dense.payload),
            front_end.i.valid.eq(self.dense.valid),
            self.dense.ready.eq(front_end.i.ready),
            # Its entries come only after its last element: until then no query is loaded.
            query.forget.eq(self.dense.valid & self.dense.ready),
        ]
        active, dense, held = Signal(), Signal(), Signal()
        m.d.comb += dense.eq(Mux(active, held, ~self.query.valid))
        with m.If(query.i.valid):
            m.d.sync += [active.eq(~(query.i.ready & query.i.p.last)), held.eq(dense)]
        for chosen, source in ((~dense, self.query), (dense, front_end.o)):
            with m.If(chosen):
                m.d.comb += [query.i.valid.eq(source.valid), query.i.payload.eq(source.payload),
                             source.ready.eq(query.i.ready)]
