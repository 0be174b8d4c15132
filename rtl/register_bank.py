"""Register bank: the registers of a map, on an access port."""

from collections.abc import Mapping

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from blockfactor.registers import ACCESS_ERRORS, Register, RegisterMap

from .access import ADDRESS_BITS, access_port

__all__ = ["RegisterBank", "handler_port"]


def handler_port() -> wiring.Signature:
    """Port to what answers for registers in the bank's place, from the bank's point of view.

    ``read`` or ``write`` is high until ``done``, which may come in the first cycle; ``address`` and
    ``write_data`` are stable from the cycle before. With ``done``, ``read_data`` is valid, and
    ``busy``, ``overflow`` or ``refused`` makes the access an error: busy_access, overflow,
    bad_access. ``noted`` makes it one that the handler has noted elsewhere. ``bad_value`` pulses
    when the bank itself refuses a write because of ones outside of the register's fields.
    """
    return wiring.Signature({
        "read": Out(1),
        "write": Out(1),
        "address": Out(ADDRESS_BITS),
        "write_data": Out(32),
        "bad_value": Out(1),
        "done": In(1),
        "read_data": In(32),
        "busy": In(1),
        "overflow": In(1),
        "refused": In(1),
        "noted": In(1),
    })


class RegisterBank(wiring.Component):
    """Reads and writes registers, and refuses what the map does not allow.

    Latency: ``done`` two cycles after the request's first, or as many more as a handler takes.
    Throughput: an access in three cycles. Errors are looked for in this order, and the first
    counts: ``bad_access``, ``bad_value``, ``busy_access``, ``overflow``.

    Parameters
    ----------
    registers : RegisterMap
    handlers : mapping of str to registers' names
        Who answers for them in the bank's place.

    Members
    -------
    access : In(access_port())
    busy : In(1)
        Fields of access ``parameter`` are not written.
    handler : Out(handler_port())
        One by the name of each handler.
    register__field : Out or In
        One for each other field that is not constant: Out with the value of a ``parameter``,
        ``read-write`` or ``clear`` field, Out with a pulse for ``write``, In for ``read``.
    answered, answer_error, answer_data : Out
        Of the access, in the cycle in which it takes effect: the one before ``done``.
    failed : Out(1)
        In this cycle, a bit of ERRORS is set because of it.
    set_register__field : In
        What sets a ``clear`` field, but for the errors that the bank finds itself.
    """

    latency = 2

    def __init__(self, registers: RegisterMap, handlers: Mapping[str, tuple[str, ...]]):
        self.registers = registers
        self.handlers = {name: tuple(registers[r] for r in names if r in registers)
                         for name, names in handlers.items()}
        self.handled = {r.name for group in self.handlers.values() for r in group}
        self.plain = tuple(r for r in registers if r.name not in self.handled)
        members = {"access": In(access_port()), "busy": In(1), "answered": Out(1),
                   "answer_error": Out(1), "answer_data": Out(32), "failed": Out(1)}
        members |= {name: Out(handler_port()) for name, group in self.handlers.items() if group}
        own = {f"set_errors__{name}" for name, _ in ACCESS_ERRORS}
        for register in self.plain:
            for field in register.fields:
                name = f"{register.name.lower()}__{field.name}"
                if field.access == "read":
                    members[name] = In(field.width)
                elif field.access != "constant":
                    members[name] = Out(field.width, init=field.reset)
                if field.access == "clear" and f"set_{name}" not in own:
                    members[f"set_{name}"] = In(field.width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        access = self.access
        # A request is decoded and checked in its first cycle, and takes effect in the next.
        decoded = Signal()
        chosen = {r.name: Signal(name=f"is_{r.name.lower()}") for r in self.registers}
        m.d.sync += [chosen[r.name].eq(access.address == r.address // 4) for r in self.registers]

        def any_of(registers):
            """Expression: the access is to one of them."""
            return Cat(access.address == r.address // 4 for r in registers).any()

        # -- checks -----------------------------------------------------------------------------
        writable = [r for r in self.registers if r.write_mask]
        bad_access, bad_value, parameter = Signal(), Signal(), Signal()
        locked = parameter & self.busy
        extra = []
        for bit in range(32):
            narrow = [r for r in writable if not r.write_mask >> bit & 1]
            # A bit that no register has needs no look at the address.
            here = any_of(narrow) if len(narrow) < len(writable) else 1
            extra.append(access.write_data[bit] & here)
        m.d.sync += [
            bad_access.eq(~Mux(access.write, any_of(writable),
                               any_of(r for r in self.registers if r.readable))),
            bad_value.eq(access.write & Cat(extra).any()),
            parameter.eq(access.write & any_of(
                r for r in self.plain if any(f.access == "parameter" for f in r.fields))),
        ]

        # -- handlers ---------------------------------------------------------------------------
        waits, busy, overflow, refused, noted = (Signal(name=name) for name in (
            "waits", "handler_busy", "handler_overflow", "handler_refused", "handler_noted"))
        words = []
        for name, group in self.handlers.items():
            if not group:
                continue
            port, here = getattr(self, name), Signal(name=f"at_{name}")
            m.d.sync += here.eq(any_of(group))
            m.d.comb += [
                port.address.eq(access.address),
                port.write_data.eq(access.write_data),
                port.read.eq(decoded & here & ~access.write & ~bad_access),
                port.write.eq(decoded & here & access.write & ~bad_access & ~bad_value),
                port.bad_value.eq(decoded & here & ~bad_access & bad_value),
            ]
            words.append(Mux(here, port.read_data, 0))
            with m.If(here & ~bad_access & ~bad_value):
                m.d.comb += [waits.eq(~port.done), busy.eq(port.busy), overflow.eq(port.overflow),
                             refused.eq(port.refused), noted.eq(port.noted)]

        # -- answer -----------------------------------------------------------------------------
        answer, error = Signal(), Signal()
        problems = (bad_access | refused, bad_value, locked | busy, overflow)
        m.d.sync += decoded.eq(access.request & ~access.done & ~answer)
        m.d.comb += [answer.eq(decoded & ~waits), error.eq(Cat(problems).any() | noted)]
        found = {}
        earlier = Const(0)
        for (name, _), problem in zip(ACCESS_ERRORS, problems):
            found[name] = answer & problem & ~earlier
            earlier = earlier | problem

        # -- plain registers --------------------------------------------------------------------
        for register in self.plain:
            written = Signal(name=f"write_{register.name.lower()}")
            m.d.comb += written.eq(answer & access.write & ~error & chosen[register.name])
            word = self._register(m, register, written, found)
            if word is not None:
                words.append(Mux(chosen[register.name], word, 0))
        read_data = Const(0, 32)
        for word in words:
            read_data = read_data | word
        m.d.comb += [
            self.answered.eq(answer),
            self.answer_error.eq(error),
            self.answer_data.eq(Mux(error | access.write, 0, read_data)),
            self.failed.eq(Cat(found.values()).any()),
        ]
        m.d.sync += access.done.eq(answer)
        with m.If(answer):
            m.d.sync += [access.error.eq(error), access.read_data.eq(self.answer_data)]
        return m

    def _register(self, m: Module, register: Register, written, found: dict):
        """Storage of one register; returns what it reads."""
        word = Signal(32, name=f"word_{register.name.lower()}")
        for field in register.fields:
            bits = slice(field.offset, field.offset + field.width)
            value = self.access.write_data[bits]
            if field.access == "constant":
                m.d.comb += word[bits].eq(field.reset)
                continue
            member = getattr(self, f"{register.name.lower()}__{field.name}")
            if field.access == "write":
                m.d.comb += member.eq(Mux(written, value, 0))
                continue
            m.d.comb += word[bits].eq(member)
            if field.access == "clear":
                name = f"set_{register.name.lower()}__{field.name}"
                event = getattr(self, name) if hasattr(self, name) else found[field.name]
                m.d.sync += member.eq(member & ~Mux(written, value, 0) | event)
            elif field.access != "read":
                with m.If(written):
                    m.d.sync += member.eq(value)
        return word
