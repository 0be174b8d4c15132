"""A core with registers and a bus front-end."""

from importlib import import_module

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from blockfactor.config import FRONT_ENDS, SystemConfig
from blockfactor.errors import ConfigError
from blockfactor.registers import CORE_ERRORS, register_map

from .codebook_window import CodebookWindow
from .factorizer import Factorizer
from .layouts import Stop, trace_word
from .query_queue import QueryQueue
from .query_window import QueryWindow
from .register_bank import RegisterBank
from .result_queue import ResultQueue

__all__ = ["System", "access_log", "system_status"]

#: Registers that others than the bank answer for.
HANDLERS = {
    "control": ("CONTROL",),
    "entry": ("QUERY_ENTRY",),
    "dense": ("QUERY_DENSE",),
    "codebook": ("CODEBOOK_ADDRESS", "CODEBOOK_DATA", "CODEBOOK_CRC"),
    "result": ("RESULT", "RESULT_INDICES0", "RESULT_INDICES1", "RESULT_SCORE", "RESULT_RUNNER_UP",
               "RESULT_ITERATIONS", "RESULT_CYCLES", "RESULT_SEED", "RESULT_CRC",
               *(f"RESULT_SIMILARITY{f}" for f in range(4))),
}

#: What a simulation is told of a cycle: which access took effect, and then what else happened. A
#: model that does the same in this order gives the same answers.
access_log = data.StructLayout({
    "access": 1,
    "write": 1,
    "address": 6,
    "write_data": 32,
    "read_data": 32,
    "error": 1,
    "taken": 1,  # by the core from the query queue
    "settled": 1,  # a dense query was loaded or refused
    "errors": len(CORE_ERRORS),  # the core noted these
    "stored": 1,  # a result
    "aborted": 1,  # with it: that of a run that was aborted
})

#: For lights: nothing to do, a run goes on, the last result was accepted, an error is noted.
system_status = data.StructLayout({"idle": 1, "running": 1, "accepted": 1, "error": 1})


class System(wiring.Component):
    """A core that is driven through registers; see docs/registers.md.

    Parameters
    ----------
    config : SystemConfig
        With a ``front_end`` other than ``none``.
    codebooks : Codebooks or None
        Initial content of the codebook memory.
    trace : bool
        Whether there are the streams ``trace``, of the core, and ``log``, for simulation.
    status : bool
        Whether there is the output ``status``, for lights.

    Members
    -------
    irq : Out(1)
        An interrupt that is enabled waits.
    pins
        Those of the front-end, under their own names.
    trace : Out(stream.Signature(trace_word, always_ready=True))
    log : Out(stream.Signature(access_log, always_ready=True))
        What took effect in this cycle, if anything.
    status : Out(system_status)
    """

    def __init__(self, config: SystemConfig, codebooks=None, trace: bool = False,
                 status: bool = False):
        if config.front_end == "none":
            raise ConfigError("front_end 'none' has no registers: choose "
                              f"{', '.join(FRONT_ENDS[1:-1])} or {FRONT_ENDS[-1]}")
        self.config = config
        self.codebooks = codebooks
        self.has_trace = trace
        self.has_status = status
        self.registers = register_map(config)
        module = import_module(f"{__package__}.bus.{config.front_end}")
        self.front_end = module.create(config)
        members = {"irq": Out(1)}
        for name, member in self.front_end.signature.members.items():
            if name not in ("access", "status"):
                members[name] = member
        if trace:
            members |= {"trace": Out(stream.Signature(trace_word, always_ready=True)),
                        "log": Out(stream.Signature(access_log, always_ready=True))}
        if status:
            members["status"] = Out(system_status)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config, core_config = self.config, self.config.core
        soft_reset = Signal()
        resettable = ResetInserter(soft_reset)
        m.submodules.core = core = Factorizer(core_config, self.codebooks, self.has_trace,
                                              service=True)
        bank = RegisterBank(self.registers, HANDLERS)
        window, queue = QueryWindow(config), QueryQueue(config)
        codebook, results = CodebookWindow(config), ResultQueue(config)
        m.submodules.bank = resettable(bank)
        m.submodules.window = resettable(window)
        m.submodules.queue = resettable(queue)
        m.submodules.codebook = resettable(codebook)
        m.submodules.results = resettable(results)
        m.submodules.front_end = front = self.front_end
        m.d.comb += core.reset.eq(soft_reset)
        for port, handler in (("entry", window.entry), ("codebook", codebook.port),
                              ("result", results.port)):
            connect(m, getattr(bank, port), handler)

        # -- front-end --------------------------------------------------------------------------
        # While it resets, the bank sees no request; a front-end's waits.
        for name in ("address", "write", "write_data"):
            m.d.comb += getattr(bank.access, name).eq(getattr(front.access, name))
        m.d.comb += [
            bank.access.request.eq(front.access.request & ~soft_reset),
            front.access.done.eq(bank.access.done),
            front.access.read_data.eq(bank.access.read_data),
            front.access.error.eq(bank.access.error),
        ]
        for name in self.front_end.signature.members:
            if name not in ("access", "status"):
                self._connect_pins(m, getattr(self, name), getattr(front, name),
                                   self.signature.members[name])

        # -- queries ----------------------------------------------------------------------------
        running = Signal()
        busy = Signal()
        refused, was_loaded = Signal(), Signal()
        m.d.comb += [
            connect_query.eq(value) for connect_query, value in (
                (core.query.valid, queue.query.valid), (queue.query.ready, core.query.ready),
                (core.query.payload, queue.query.payload))
        ]
        m.d.comb += [
            window.auto_start.eq(bank.config__auto_start),
            window.full.eq(queue.space == 0),
            window.empty.eq(queue.empty),
            queue.push.eq(window.push),
            queue.item.eq(window.item),
            queue.ready.eq(core.ready),
            queue.converting.eq(window.converting),
            core.start.eq(queue.start),
            core.clear_errors.eq(1),  # the bank keeps them
            refused.eq(core.errors.bad_query),
            busy.eq(~queue.empty | running | window.converting),
        ]
        settled = Signal()
        if core_config.element_bits:
            connect(m, bank.dense, window.dense)
            m.d.sync += was_loaded.eq(core.loaded)
            m.d.comb += [
                core.dense.valid.eq(window.elements.valid),
                core.dense.payload.eq(window.elements.payload),
                window.elements.ready.eq(core.dense.ready),
                settled.eq(window.converting & (core.loaded & ~was_loaded | refused)),
                window.settled.eq(settled),
            ]
        running_next = Signal()
        ends = results.stored
        if core_config.products > 1:
            ends &= core.result.p.last
        m.d.comb += running_next.eq(queue.start | running & ~ends)
        m.d.sync += running.eq(running_next)

        # -- codebooks --------------------------------------------------------------------------
        m.d.comb += [
            codebook.busy.eq(busy),
            core.codebook.valid.eq(codebook.write.valid),
            core.codebook.payload.eq(codebook.write.payload),
            codebook.start.eq(queue.start),
            core.check_clear.eq(codebook.clear_crc),
            core.check_valid.eq(codebook.check_valid),
            core.check_word.eq(codebook.check_word),
            codebook.check_crc.eq(core.check_crc),
            core.read_address.eq(codebook.read_address),
            codebook.read_indices.eq(core.read_indices),
        ]

        # -- results ----------------------------------------------------------------------------
        noted = Signal(len(CORE_ERRORS))
        m.d.comb += [
            noted.eq(Cat(core.errors.as_value()[:1],
                         core.errors.as_value()[1] | codebook.bad_codebook,
                         core.errors.as_value()[2:])),
            # A clear in the same cycle does not count: what it takes to be accepted is a long path.
            results.errors.eq(noted | Cat(getattr(bank, f"errors__{name}")
                                          for name, _ in CORE_ERRORS)),
            results.result.valid.eq(core.result.valid),
            results.result.payload.eq(core.result.payload),
            core.result.ready.eq(results.result.ready),
        ]

        # -- control and status -----------------------------------------------------------------
        control = bank.control
        command = {f.name: control.write_data[f.offset] for f in self.registers["CONTROL"].fields}
        do = Signal()
        m.d.comb += [
            control.done.eq(1),
            control.overflow.eq(control.write & command["start"] & window.full),
            control.refused.eq(control.write & command["pop"] & (results.count == 0)),
            control.busy.eq(control.write & command["clear_crc"] & busy),
            do.eq(control.write & ~control.overflow & ~control.refused & ~control.busy),
            window.start.eq(do & command["start"]),
            core.abort.eq(do & command["abort"] & running),
            results.pop.eq(do & command["pop"]),
            codebook.clear_crc.eq(do & command["clear_crc"]),
        ]
        # Once the access has been answered.
        asked = Signal()
        with m.If(do & command["soft_reset"]):
            m.d.sync += asked.eq(1)
        m.d.sync += soft_reset.eq(asked & bank.access.done)
        with m.If(soft_reset):
            m.d.sync += asked.eq(0)
        next_tag = Signal(8)
        with m.If(window.queued):
            if core_config.products > 1:
                # One for each of the run's results.
                products = bank.search__products
                m.d.sync += next_tag.eq(next_tag + Mux(products == 0, 1, products))
            else:
                m.d.sync += next_tag.eq(next_tag + 1)
        any_error = Cat(getattr(bank, f"errors__{f.name}")
                        for f in self.registers["ERRORS"].fields).any()
        m.d.comb += [
            bank.busy.eq(busy),
            bank.status__busy.eq(busy),
            bank.status__running.eq(running),
            bank.status__loaded.eq(core.loaded),
            bank.status__error.eq(any_error),
            bank.status__results.eq(results.count),
            bank.status__space.eq(queue.space),
            bank.tag__next.eq(next_tag),
        ]
        for n, (name, _) in enumerate(CORE_ERRORS):
            m.d.comb += getattr(bank, f"set_errors__{name}").eq(noted[n])

        # -- interrupts -------------------------------------------------------------------------
        ran, idle = Signal(), Signal()
        m.d.comb += idle.eq((ran | results.stored)
                            & ~(running_next | ~queue.empty_next | window.converting_next))
        m.d.sync += ran.eq((ran | results.stored) & ~idle)
        causes = {
            "result": results.stored,
            "idle": idle,
            "error": noted.any() | bank.failed,
        }
        enabled = []
        for name, cause in causes.items():
            test = getattr(bank, f"int_test__{name}")
            m.d.comb += getattr(bank, f"set_int_state__{name}").eq(cause | test)
            enabled.append(getattr(bank, f"int_state__{name}")
                           & getattr(bank, f"int_enable__{name}"))
        m.d.sync += self.irq.eq(Cat(enabled).any())
        with m.If(soft_reset):
            m.d.sync += [running.eq(0), next_tag.eq(0), was_loaded.eq(0), ran.eq(0), self.irq.eq(0)]
        if hasattr(front, "status"):
            whole = core_config.blocks * core_config.query_entries + 1
            m.d.comb += front.status.eq(Cat(self.irq, queue.space >= whole, results.count != 0,
                                            busy, any_error))

        m.d.comb += [target.eq(value) for target, value in self._parameters(core, bank)]
        if self.has_status:
            status = self.status
            m.d.comb += [status.idle.eq(~busy), status.running.eq(running),
                         status.error.eq(any_error)]
            with m.If(results.stored):
                m.d.sync += status.accepted.eq(core.result.p.stop == Stop.ACCEPTED)
            with m.If(soft_reset):
                m.d.sync += status.accepted.eq(0)
        if self.has_trace:
            connect(m, core.trace, flipped(self.trace))
            log = self.log.p
            m.d.comb += [
                self.log.valid.eq(Cat(log.access, log.taken, log.settled, log.errors,
                                      log.stored).any()),
                log.access.eq(bank.answered),
                log.write.eq(front.access.write),
                log.address.eq(front.access.address),
                log.write_data.eq(front.access.write_data),
                log.read_data.eq(bank.answer_data),
                log.error.eq(bank.answer_error),
                log.taken.eq(queue.taken),
                log.settled.eq(settled),
                log.errors.eq(noted),
                log.stored.eq(results.stored),
                log.aborted.eq(core.result.p.stop == Stop.ABORTED),
            ]
        return m

    @staticmethod
    def _connect_pins(m: Module, outside, inside, member) -> None:
        """Connect a pin, or an interface of pins, of the front-end to the system's."""
        if member.is_signature:
            connect(m, flipped(outside), inside)
        elif member.flow == In:
            m.d.comb += inside.eq(outside)
        else:
            m.d.comb += outside.eq(inside)

    def _parameters(self, core: Factorizer, bank: RegisterBank) -> list[tuple]:
        """Run parameters of the core, and what holds each."""
        p, config = core.parameters, self.config.core
        pairs = [(p.mode.as_value(), bank.search__mode), (p.level, bank.search__level),
                 (p.seed, bank.seed__seed)]
        for f in range(config.factors):
            half = f // 2
            pairs += [
                (p.sizes[f], getattr(bank, f"sizes{half}__size{f}")),
                (p.known[f], getattr(bank, f"known{half}__known{f}")),
                (p.known_index[f], getattr(bank, f"known{half}__index{f}")),
            ]
        if "factorize" in config.engines:
            pairs += [
                (p.use_sum, bank.search__use_sum), (p.trim, bank.search__trim),
                (p.patience, bank.search__patience),
                (p.threshold, bank.activation__threshold), (p.samples, bank.activation__samples),
                (p.max_iterations, bank.max_iterations__iterations),
            ]
        if config.products > 1:
            pairs.append((p.products, bank.search__products))
        if "join" in config.engines:
            pairs += [(p.heads, bank.search__heads), (p.max_tuples, bank.max_tuples__tuples)]
        if config.element_bits:
            pairs += [(p.dense_threshold, bank.dense__threshold), (p.dense_log, bank.dense__log),
                      (p.dense_shift, bank.dense__shift)]
        return pairs
