"""Factorize engine: the published method, step by step."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from blockfactor.config import CoreConfig
from blockfactor.golden.cycles import VERIFY, multiply_digit

from .histogram import Histogram
from .layouts import Stop, block_indices, run_parameters, trace_word
from .lists import ListMemory
from .multiplier import Multiplier
from .sampler import Sampler
from .scorer import reference
from .similarity import SimilarityEngine
from .trace import StepTrace
from .tuples import TupleEngine, list_state

__all__ = ["FactorizeEngine"]


class State(enum.Enum, shape=4):
    """What the engine is doing."""

    IDLE = 0
    LOAD = 1
    TUPLES = 2
    TUPLE_DRAIN = 3
    LOOKUPS = 4
    LOOKUP_DRAIN = 5
    STALL = 6
    LAST = 7
    FLUSH = 8


class FactorizeEngine(wiring.Component):
    """Sequencer of the factorize engine and the parts that only it uses.

    A step enumerates the tuples of the other factors' lists, looks every codevector of its factor
    up, and takes the list of those above the threshold or one drawn at random. Its cycles are
    tuples + look-ups + ``step_overhead``; the best tuple is verified beside the next step. With
    ``draws="sweep"`` no list is drawn beside a step: one with none above the threshold ends the
    pass, ``verify_cycles`` later the next cell's lists are loaded.

    Members
    -------
    start : In(1)
        Begin a run; taken while ``ready``.
    halt : In(1)
        End the run; ``ready`` again ``flush_cycles`` later.
    forget : In(1)
        Clear the similarities: another engine runs.
    ready : Out(1)
    parameters : In(run_parameters(config))
    q, depth : In
        Of the query.
    clear, clear_row : In
        After reset, of the histogram.
    codevector_address : Out, codevector_indices : In, per slot
        To and from the codebook memory.
    entry : Out, query_index, query_weight : In
        To and from the query memory.
    verify : Out(1), reference : Out
        To the verifier; back come ``scored`` and ``improved``.
    trace_valid, trace : Out
    iterate : Out(1)
        Pulse: in the first step of an iteration, once the step before was not accepted.
    similarities : Out
        Best similarity of each factor at its last update.
    done : Out(1), stop : Out(Stop)
        The run is over and no score was accepted.
    """

    #: Empty cycles between the last tuple and the first look-up: the look-up must not reach the
    #: histogram before the last addition has left it.
    tuple_drain = TupleEngine.latency + Histogram.add_latency - 2 - 1
    flush_cycles = 16
    #: Cycles a factor takes to load besides its draw: size and draw count are registered.
    load_cycles = 3
    #: Cycle of a drain at which the histogram can be retired: the last look-up has read it.
    retire_tick = 2
    #: Cycle of a drain at which the iteration before cannot be the accepted one any more.
    iterate_tick = 3
    #: Cycle at which the histogram can be retired after a run that ended anywhere.
    flush_retire_tick = 7

    def __init__(self, config: CoreConfig):
        self.config = config
        #: From a step's end to the score of its candidate.
        self.verify_cycles = config.factors - 1 + VERIFY
        #: Empty cycles between the last look-up and the next step: the last list entry is written.
        self.lookup_drain = SimilarityEngine.latency_of(config)
        self.step_overhead = self.tuple_drain + self.lookup_drain
        slots = config.factors - 1
        weights = data.ArrayLayout(config.weight_bits, config.blocks)
        address = data.StructLayout({"codevector": config.codevector_bits,
                                     "factor": config.factor_bits})
        super().__init__({
            "start": In(1),
            "halt": In(1),
            "forget": In(1),
            "ready": Out(1),
            "parameters": In(run_parameters(config)),
            "q": In(config.block_sum_bits),
            "depth": In(range(config.query_entries + 1)),
            "clear": In(1),
            "clear_row": In(config.element_index_bits),
            "codevector_address": Out(address).array(slots),
            "codevector_indices": In(block_indices(config)).array(slots),
            "entry": Out(max(1, (config.query_entries - 1).bit_length())),
            "query_index": In(block_indices(config)),
            "query_weight": In(weights),
            "verify": Out(1),
            "reference": Out(reference(config)),
            "scored": In(1),
            "improved": In(1),
            "trace_valid": Out(1),
            "trace": Out(trace_word),
            "iterate": Out(1),
            "similarities": Out(data.ArrayLayout(config.similarity_bits, config.factors)),
            "done": Out(1),
            "stop": Out(Stop),
        })

    def elaborate(self, platform):
        m = Module()
        config, p = self.config, self.parameters
        factors = config.factors

        m.submodules.lists = lists = ListMemory(config, factors - 1)
        m.submodules.tuples = tuples = TupleEngine(config)
        m.submodules.histogram = histogram = Histogram(config)
        m.submodules.similarity = similarity = SimilarityEngine(config)
        m.submodules.sampler = sampler = Sampler(config)
        m.submodules.trace = trace = StepTrace(config)
        m.submodules.multiplier = multiplier = Multiplier(
            config.scaled_threshold_bits, max(config.product_bits, 16), multiply_digit(config))

        # -- what the run knows of each factor --------------------------------------------------
        factor = Signal(config.factor_bits)
        states = Signal(data.ArrayLayout(list_state(config), factors))
        candidate = Signal(data.ArrayLayout(config.codevector_bits, factors))
        size = Signal(config.size_bits)
        known = Signal()
        first = Signal(config.factor_bits)  # lowest and highest factor that is not known
        final = Signal(config.factor_bits)
        following = Signal(config.factor_bits)  # next one after ``factor``; unused after ``final``
        alone = Signal()  # at most one factor is not known
        m.d.sync += size.eq(p.sizes[factor])
        m.d.comb += [
            known.eq(p.known.bit_select(factor, 1)),
            alone.eq(sum(~p.known[f] for f in range(factors)) <= 1),
        ]
        for f in reversed(range(factors)):
            with m.If(~p.known[f]):
                m.d.comb += first.eq(f)
        for f in range(factors):
            with m.If(~p.known[f]):
                m.d.comb += final.eq(f)
        for f in reversed(range(factors)):
            with m.If(~p.known[f] & (f > factor)):
                m.d.comb += following.eq(f)

        # -- draws ------------------------------------------------------------------------------
        starting = Signal()  # lists of the start, not of a stall
        sweeping = config.draws == "sweep"
        all_of_it = Signal()
        wanted = Signal(config.size_bits)
        count = Signal.like(sampler.count)
        m.d.comb += [
            all_of_it.eq((p.samples == 0) | (p.samples >= size)),
            wanted.eq(Mux(all_of_it, Mux(starting, size, (size + 1) >> 1), p.samples)),
        ]
        m.d.sync += count.eq(Mux(wanted > config.list_size, config.list_size, wanted))
        m.d.comb += [
            sampler.count.eq(count),
            sampler.size.eq(size),
            sampler.whole.eq(all_of_it & starting),
            sampler.seed.eq(p.seed),
            sampler.load.eq(self.start),
            sampler.stop.eq(similarity.hit | self.halt),
        ]

        # -- threshold: T16 * Q (* B) once a run, times the lists' weights once a step -----------
        scaled = Signal(config.scaled_threshold_bits)
        summed_q = Signal(config.scaled_threshold_bits)
        m.d.comb += [
            summed_q.eq(Mux(p.use_sum, self.q * config.blocks, self.q)),
            multiplier.multiplicand.eq(Mux(starting, summed_q, scaled)),
            multiplier.multiplier.eq(Mux(self.start, p.threshold, tuples.product)),
            similarity.threshold.eq(multiplier.product >> 16),
        ]

        # -- plumbing ---------------------------------------------------------------------------
        for slot in range(factors - 1):
            m.d.comb += [
                lists.factor[slot].eq(tuples.list_factor[slot]),
                lists.slot[slot].eq(tuples.list_slot[slot]),
                tuples.list_entry[slot].eq(lists.entry[slot]),
                self.codevector_address[slot].eq(tuples.codevector_address[slot]),
                tuples.codevector_indices[slot].eq(self.codevector_indices[slot]),
            ]
        with m.If(similarity.run):
            m.d.comb += [
                self.codevector_address[0].factor.eq(factor),
                self.codevector_address[0].codevector.eq(similarity.codevector),
            ]
        m.d.comb += [
            tuples.factor.eq(factor),
            tuples.lists.eq(states),
            histogram.add.eq(tuples.valid),
            histogram.shift.eq(tuples.shift),
            histogram.add_index.eq(tuples.indices),
            histogram.look.eq(similarity.look),
            histogram.look_index.eq(similarity.look_index),
            histogram.blank.eq(similarity.blank),
            histogram.clear.eq(self.clear),
            histogram.clear_row.eq(self.clear_row),
            similarity.value.eq(histogram.value),
            similarity.size.eq(size),
            similarity.depth.eq(self.depth),
            similarity.trim.eq(p.trim),
            similarity.use_sum.eq(p.use_sum),
            similarity.indices.eq(self.codevector_indices[0]),
            similarity.query_index.eq(self.query_index),
            similarity.query_weight.eq(self.query_weight),
            self.entry.eq(similarity.entry),
            trace.hit.eq(similarity.hit),
            trace.hit_entry.eq(similarity.hit_entry),
            trace.factor.eq(factor),
            trace.best.eq(similarity.best),
            trace.best_codevector.eq(similarity.best_codevector),
            trace.offset.eq(sampler.offset),
            trace.stride.eq(sampler.stride),
            self.trace.eq(trace.o),
        ]
        # Writers of the list memory: entries above the threshold, then draws, then known factors.
        m.d.comb += [
            lists.write_factor.eq(factor),
            lists.write_enable.eq(similarity.hit | sampler.taken),
            lists.write_slot.eq(Mux(similarity.hit, similarity.hit_slot, sampler.slot)),
            lists.write_entry.codevector.eq(Mux(similarity.hit, similarity.hit_entry.codevector,
                                                sampler.codevector)),
            lists.write_entry.position.eq(similarity.hit_entry.position),
        ]
        if sweeping:
            m.d.comb += [sampler.factor.eq(factor), lists.write_found.eq(similarity.hit)]
            for slot in range(factors - 1):
                m.d.comb += lists.found[slot].eq(
                    ~Mux(factor <= slot, states[slot + 1].drawn, states[slot].drawn))

        # -- verification of the candidate, beside the next step --------------------------------
        verify = Signal()
        verifying = Signal()
        turn = Signal(config.factor_bits)
        m.d.comb += [
            self.verify.eq(verifying),
            self.reference.factor.eq(turn),
            self.reference.codevector.eq(candidate[turn]),
            self.reference.first.eq(turn == 0),
            self.reference.last.eq(turn == factors - 1),
        ]
        with m.If(verifying):
            m.d.sync += turn.eq(turn + 1)
            with m.If(self.reference.last):
                m.d.sync += verifying.eq(0)
        with m.If(verify):
            m.d.sync += [verifying.eq(1), turn.eq(0)]

        # -- sequence ---------------------------------------------------------------------------
        tick = Signal(4)
        iteration = Signal(16)
        complete = Signal()  # every factor has been updated or is known
        resampled = Signal()
        progress = Signal()
        quiet = Signal.like(p.patience)
        drawn = Signal()
        stalled = Signal()
        loaded = Signal()  # lists of all factors have been loaded
        advance = Signal()  # to the next list
        running = Signal()
        state = Signal(State)
        if sweeping:
            carry = Signal()  # the odometer turns this factor's list
            drawn_last = Signal(data.ArrayLayout(len(states[0].last), factors))
        m.d.comb += [
            drawn.eq(similarity.length == 0),
            running.eq((state != State.IDLE) & (state != State.FLUSH)),
            self.trace_valid.eq(trace.valid & running),
        ]
        m.d.sync += tick.eq(tick + 1)
        with m.If(self.improved):
            m.d.sync += progress.eq(1)

        with m.Switch(state):
            with m.Case(State.IDLE):
                m.d.comb += self.ready.eq(1)
                m.d.sync += [
                    tick.eq(0), factor.eq(0), loaded.eq(0), starting.eq(1), iteration.eq(0),
                    complete.eq(0), resampled.eq(0), progress.eq(0), quiet.eq(0), verifying.eq(0),
                ]
                with m.If(self.start):
                    m.d.comb += multiplier.start.eq(1)
                    m.d.sync += state.eq(State.LOAD)

            # A list for each factor: the known codevector, or a draw; the first factor to be
            # updated needs none. Without anything to search the candidate is verified as it is.
            with m.Case(State.LOAD):
                with m.If(sampler.busy):
                    m.d.comb += [sampler.leap.eq(sampler.final), advance.eq(sampler.final)]
                with m.Elif(~loaded):
                    with m.If(tick == self.load_cycles - 1):
                        m.d.comb += advance.eq(1)
                        with m.If(starting):
                            m.d.sync += candidate[factor].eq(Mux(known, p.known_index[factor], 0))
                        with m.If(known):
                            m.d.comb += [lists.write_enable.eq(1), lists.write_slot.eq(0),
                                         lists.write_entry.codevector.eq(p.known_index[factor])]
                            m.d.sync += [states[factor].last.eq(0), states[factor].drawn.eq(1)]
                        draws = (factor != first) & (p.max_iterations != 0)
                        if sweeping:
                            draws &= starting | carry
                        with m.Elif(draws):
                            m.d.comb += [sampler.start.eq(1), trace.draw.eq(1), advance.eq(0)]
                            m.d.sync += [states[factor].last.eq(count - 1),
                                         states[factor].drawn.eq(1)]
                            if sweeping:
                                m.d.sync += [drawn_last[factor].eq(count - 1),
                                             carry.eq(sampler.fresh)]
                        if sweeping:
                            with m.Else():
                                m.d.sync += [states[factor].last.eq(drawn_last[factor]),
                                             states[factor].drawn.eq(1)]
                with m.Elif(~multiplier.busy):
                    m.d.sync += [factor.eq(first), starting.eq(0)]
                    with m.If(starting):
                        m.d.sync += scaled.eq(multiplier.product)
                    with m.If(starting & (p.known.all() | (p.max_iterations == 0))):
                        m.d.comb += verify.eq(1)
                        m.d.sync += state.eq(State.LAST)
                    with m.Else():
                        m.d.comb += trace.begin.eq(1)
                        m.d.sync += [iteration.eq(iteration + 1), state.eq(State.TUPLES)]

                with m.If(advance):
                    m.d.sync += [loaded.eq(factor == factors - 1), factor.eq(factor + 1),
                                 tick.eq(0)]

            with m.Case(State.TUPLES):
                m.d.comb += tuples.run.eq(1)
                m.d.sync += tick.eq(0)
                with m.If(tuples.last):
                    m.d.sync += state.eq(State.TUPLE_DRAIN)

            with m.Case(State.TUPLE_DRAIN):
                with m.If(tick == TupleEngine.product_latency - 1):
                    m.d.comb += multiplier.start.eq(1)
                with m.If(tick == self.tuple_drain - 1):
                    # Not sooner: the trace still reads the best of the step before.
                    m.d.comb += similarity.clear.eq(1)
                    m.d.sync += state.eq(State.LOOKUPS)

            with m.Case(State.LOOKUPS):
                m.d.comb += [similarity.run.eq(1), tuples.clear.eq(1)]
                m.d.sync += tick.eq(0)
                with m.If(similarity.last):
                    m.d.sync += state.eq(State.LOOKUP_DRAIN)

            with m.Case(State.LOOKUP_DRAIN):
                m.d.comb += [
                    histogram.retire.eq(tick == self.retire_tick),
                    self.iterate.eq((tick == self.iterate_tick) & (factor == first)),
                ]
                with m.If(tick == self.lookup_drain - 1):
                    with m.If(drawn & sampler.busy):
                        m.d.sync += tick.eq(tick)
                    with m.Else():
                        m.d.comb += trace.step.eq(1)

            with m.Case(State.STALL):
                m.d.sync += [factor.eq(0), loaded.eq(0)]
                if sweeping:
                    # The step need not be verified, and the trace still reads what it was.
                    m.d.sync += carry.eq(1)
                    with m.If(tick == self.verify_cycles):
                        m.d.sync += [tick.eq(0), state.eq(State.LOAD)]
                else:
                    m.d.sync += tick.eq(0)
                    with m.If(self.scored):
                        m.d.sync += state.eq(State.LOAD)

            with m.Case(State.LAST):
                with m.If(self.scored):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += [state.eq(State.FLUSH), tick.eq(0)]

            with m.Case(State.FLUSH):
                m.d.comb += [histogram.retire.eq(tick == self.flush_retire_tick),
                             tuples.clear.eq(1)]
                with m.If(tick == self.flush_cycles - 1):
                    m.d.sync += state.eq(State.IDLE)

        with m.If(trace.step):
            m.d.comb += verify.eq(complete | (factor == final))
            m.d.sync += [
                candidate[factor].eq(similarity.best_codevector),
                self.similarities[factor].eq(similarity.best),
                states[factor].last.eq(trace.length - 1),
                states[factor].drawn.eq(drawn),
                states[factor].best.eq(similarity.best_position),
                factor.eq(following),
                state.eq(State.TUPLES),
            ]
            with m.If(factor == final):
                m.d.comb += stalled.eq((quiet + 1 == p.patience)
                                       & ~(drawn | resampled | progress))
                m.d.sync += [
                    complete.eq(1), factor.eq(first), resampled.eq(0), progress.eq(0),
                    quiet.eq(Mux(stalled | drawn | resampled | progress, 0, quiet + 1)),
                ]
                with m.If(alone | (iteration == p.max_iterations)):
                    m.d.sync += state.eq(State.LAST)
                with m.Elif(stalled):
                    m.d.sync += state.eq(State.STALL)
                with m.Else():
                    m.d.sync += iteration.eq(iteration + 1)
            with m.Elif(drawn):
                m.d.sync += resampled.eq(1)
            if sweeping:
                m.d.sync += tick.eq(0)
                with m.If(drawn):
                    m.d.comb += verify.eq(complete | (factor == final)
                                          | (iteration == p.max_iterations))
                    # A stall in all but name: the pass ends, the odometer turns.
                    m.d.sync += [resampled.eq(0), progress.eq(0), quiet.eq(0),
                                 iteration.eq(iteration), state.eq(State.STALL)]
                    with m.If(alone | (iteration == p.max_iterations)):
                        m.d.sync += state.eq(State.LAST)
        with m.If(self.forget | self.start):
            m.d.sync += self.similarities.eq(0)
        with m.If(self.halt):
            m.d.sync += [state.eq(State.FLUSH), tick.eq(0), verifying.eq(0)]

        m.d.comb += [
            trace.drawn.eq(drawn),
            trace.length.eq(similarity.length if sweeping
                            else Mux(drawn, count, similarity.length)),
            self.stop.eq(Mux(alone & ((p.max_iterations != 0) | p.known.all()),
                             Stop.COMPLETE, Stop.LIMIT)),
        ]
        # The state that served one draw leaps before the next; a step's draw begins once the
        # trace of the step before has used it.
        with m.If(trace.leap & running):
            m.d.comb += sampler.leap.eq(1)
        if sweeping:
            return m
        with m.If(trace.ended):
            with m.Switch(state):
                with m.Case(State.TUPLES, State.TUPLE_DRAIN, State.LOOKUPS, State.LOOKUP_DRAIN):
                    m.d.comb += sampler.start.eq(1)
        return m
