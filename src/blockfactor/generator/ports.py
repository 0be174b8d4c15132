"""Ports of a core or system, bit by bit: from its signature and the layouts of its payloads."""

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Shape, Signal, ValueCastable
from amaranth.lib import data
from amaranth.lib.wiring import Flow

from ..config import SystemConfig
from ..rtl.bus.uart import divisor
from ..rtl.factorizer import Factorizer
from ..rtl.layouts import Mode, Stop
from ..rtl.system import System

__all__ = ["Field", "Port", "fields_of", "markdown", "ports_of"]

MODE_CODES = ", ".join(f"{mode.value} {mode.name.lower()}" for mode in Mode)
STOP_CODES = ", ".join(f"{stop.value} {stop.name.lower()}" for stop in Stop)

#: What ports and their fields mean, by ``port`` and ``port.field``.
MEANINGS = {
    "clk": "clock; everything happens at its rising edge",
    "rst": "synchronous reset, at least one cycle; the memories are cleared in the block_length "
           "cycles after it",
    "ready": "a run can start",
    "loaded": "a query is loaded",
    "start": "one cycle: begin a run; ignored, and an error, while not ready",
    "abort": "one cycle: end the run; its result has stop reason aborted",
    "reset": "soft reset: as rst, but the codebooks stay",
    "clear_errors": "clears the errors",
    "query": "entries of a sparse query, by ascending block",
    "query.block": "block the entry belongs to",
    "query.index": "index within the block, below block_length",
    "query.weight": "weight, not 0",
    "query.empty": "1: no entry, a place-holder by which a query without any can end",
    "query.last": "1: this entry ends the query",
    "dense": "elements of a dense query: index 0 of every block, then index 1, and so on",
    "dense.": "element of block {}",
    "codebook": "codevectors to be stored",
    "codebook.factor": "codebook",
    "codebook.codevector": "number of the codevector",
    "codebook.indices": "index of the one in block {}",
    "parameters": "run parameters, stable from the cycle before start to the result; "
                  "dense_* while a dense query is sent, too",
    "parameters.sizes": "codevectors in use of codebook {}",
    "parameters.mode": f"how the tuple is found: {MODE_CODES}",
    "parameters.threshold": "T16, threshold of activation in 65536ths",
    "parameters.samples": "A, codevectors drawn; 0: all at the start, half of them later",
    "parameters.use_sum": "1: blocks' similarities are summed; 0: their minimum counts",
    "parameters.trim": "r, blocks left out of the minimum, smallest first",
    "parameters.level": "accepted when 256 * score >= level * smax",
    "parameters.patience": "iterations without a draw or a better score after which all "
                           "lists are drawn anew; 0: never",
    "parameters.max_iterations": "passes after which factorize gives up",
    "parameters.max_tuples": "candidates after which join and scan give up",
    "parameters.seed": "start of the random generator; 0 counts as 1",
    "parameters.known": "bit f: the codevector of factor f is given",
    "parameters.known_index": "that codevector of factor {}",
    "parameters.products": "results of the run, each found in what those before leave of the "
                           "query, which is used up if there are several; 0 counts as 1",
    "parameters.heads": "blocks that join looks codevectors up in",
    "parameters.dense_threshold": "elements of a dense query below it are not kept",
    "parameters.dense_log": "1: elements are logits, weights logarithmic; 0: probabilities, linear",
    "parameters.dense_shift": "t, of logarithmic weights: 2**t units of a logit make one of weight",
    "result": "what a run returns; held until taken",
    "result.indices": "codevector found for factor {}",
    "result.score": "score of that tuple",
    "result.smax": "largest score possible",
    "result.runner_up": "best score of any other tuple",
    "result.similarities": "similarity of the best codevector of factor {} at its last update",
    "result.iterations": "passes over the factors (factorize) or tuples (join, scan)",
    "result.cycles": "cycles from the accepted start to the valid result, less those in "
                     "which a join waits for its index",
    "result.seed": "seed used",
    "result.stop": f"why the run ended: {STOP_CODES}",
    "result.crc": "CRC-32 of the run's trace",
    "result.last": "1: this is the run's last result",
    "errors": "sticky errors, until clear_errors",
    "errors.bad_query": "a query was refused: index, weight, order, duplicate or too many entries",
    "errors.bad_codebook": "a codevector was refused: factor, number or index out of range",
    "errors.bad_parameter": "a start was refused: parameters the core cannot run",
    "errors.no_query": "a start was refused: no query is loaded",
    "errors.busy_start": "a start while not ready was ignored",
    "trace": "words of the run's trace, for simulation; never waits",
    "trace.kind": "0 entry, 1 step, 2 draw, 3 score",
    "trace.word": "the word",
    # A system's.
    "irq": "interrupt, active high: a bit is 1 in both INT_STATE and INT_ENABLE; from a flip-flop",
    "native__request": "an access; stays, as all that goes with it, until done",
    "native__address": "of the register: byte address / 4",
    "native__write": "1: write; 0: read",
    "native__write_data": "word that is written",
    "native__done": "the clock edge with it is the last of the access; if request stays, the next "
                    "begins",
    "native__read_data": "word that was read, valid with done",
    "native__error": "the access was refused, valid with done",
    "sck": "SPI clock, mode 0 or 3, at most a quarter of clk; asynchronous to it, as cs_n and copi",
    "cs_n": "SPI chip select, active low",
    "copi": "SPI data from the controller",
    "cipo": "SPI data to the controller; from a flip-flop",
    "cipo_oe": "cipo is to be driven: cs_n, inverted; for a line that several targets share",
    "rx": "serial line to the core, idle high; asynchronous",
    "tx": "serial line from the core, idle high; from a flip-flop",
    "wb__cyc": "Wishbone: a cycle goes on",
    "wb__stb": "Wishbone: a request, taken at a clock edge without stall",
    "wb__we": "Wishbone: 1: write; 0: read",
    "wb__adr": "Wishbone: of the register: byte address / 4",
    "wb__sel": "Wishbone: bytes; a write needs all four",
    "wb__dat_w": "Wishbone: word that is written",
    "wb__dat_r": "Wishbone: word that was read, valid with ack",
    "wb__ack": "Wishbone: the access is done, for one cycle",
    "wb__err": "Wishbone: the access was refused, for one cycle",
    "wb__stall": "Wishbone: no request is taken; classic controllers need not look at it",
    "apb__paddr": "APB: byte address of the register",
    "apb__pprot": "APB: ignored",
    "apb__psel": "APB: a transfer goes on",
    "apb__penable": "APB: it is in its access phase",
    "apb__pwrite": "APB: 1: write; 0: read",
    "apb__pwdata": "APB: word that is written",
    "apb__pstrb": "APB: bytes; a write needs all four",
    "apb__pready": "APB: the transfer is done, for one cycle",
    "apb__prdata": "APB: word that was read, valid with pready",
    "apb__pslverr": "APB: with pready: the transfer was refused",
    "axi__awvalid": "AXI4-Lite: address of a write",
    "axi__awready": "AXI4-Lite: it is taken, together with the data; bvalid is next",
    "axi__awaddr": "AXI4-Lite: byte address of the register",
    "axi__awprot": "AXI4-Lite: ignored",
    "axi__wvalid": "AXI4-Lite: data of a write",
    "axi__wready": "AXI4-Lite: they are taken: the same as awready",
    "axi__wdata": "AXI4-Lite: word that is written",
    "axi__wstrb": "AXI4-Lite: bytes; a write needs all four",
    "axi__bvalid": "AXI4-Lite: a write is done; stays until bready",
    "axi__bready": "AXI4-Lite: its response is taken",
    "axi__bresp": "AXI4-Lite: 0: done; 2: refused",
    "axi__arvalid": "AXI4-Lite: address of a read",
    "axi__arready": "AXI4-Lite: it is taken; rvalid is next",
    "axi__araddr": "AXI4-Lite: byte address of the register",
    "axi__arprot": "AXI4-Lite: ignored",
    "axi__rvalid": "AXI4-Lite: a read is done; stays until rready",
    "axi__rready": "AXI4-Lite: its response is taken",
    "axi__rdata": "AXI4-Lite: word that was read",
    "axi__rresp": "AXI4-Lite: 0: done; 2: refused",
}

#: What the head of a page says of the ports, by front-end; ``none`` is a core's own streams.
HEADS = {
    "none": "A stream's payload is transferred at a rising edge of `clk` with `valid` and `ready` "
            "both 1. `valid`, once 1, stays, and the payload with it, until then; it does not wait "
            "for `ready`.",
    "native": "The access port moves a word at a time. An access lasts from the first clock edge "
              "with `native__request` to the one with `native__done`; registers are described in "
              "{name}_registers.md.",
    "spi": "Frames move words: command (0x02 write, 0x03 read, 0x08 more to stay at the address), "
           "word address, words, lowest byte first, before each word read another byte; registers "
           "are described in {name}_registers.md.",
    "uart": "8 data bits, no parity, one stop bit, {divisor} cycles of `clk` a bit: {baud} baud at "
            "{clock_hz} Hz. Frames carry words with a sequence number and a CRC-32: "
            "{name}_example.v sends and checks them; registers are described in "
            "{name}_registers.md.",
    "wishbone": "Wishbone B4, 32 bits, classic or pipelined; registers are described in "
                "{name}_registers.md.",
    "apb": "APB4, 32 bits; registers are described in {name}_registers.md.",
    "axi4lite": "AXI4-Lite, 32 bits; registers are described in {name}_registers.md.",
}


@dataclass(frozen=True)
class Field:
    """Bits ``offset + width - 1`` down to ``offset`` of a port."""

    name: str
    offset: int
    width: int
    meaning: str


@dataclass(frozen=True)
class Port:
    """A port; ``fields`` is empty where it is a plain signal or number."""

    name: str
    direction: str
    width: int
    meaning: str
    fields: tuple[Field, ...] = ()


def fields_of(layout, member: str) -> Iterator[Field]:
    """Fields of a payload, lowest first; those of an array one by one."""
    if isinstance(layout, data.ArrayLayout):
        for number in range(layout.length):
            field = layout[number]
            yield Field(f"[{number}]", field.offset, field.width,
                        MEANINGS[f"{member}."].format(number))
        return
    for name, field in layout:
        meaning = MEANINGS[f"{member}.{name}"]
        if isinstance(field.shape, data.ArrayLayout):
            for number in range(field.shape.length):
                part = field.shape[number]
                yield Field(f"{name}[{number}]", field.offset + part.offset, part.width,
                            meaning.format(number))
        else:
            yield Field(name, field.offset, field.width, meaning)


def _meaning(path: tuple[str, ...]) -> str:
    if "__".join(path) in MEANINGS:
        return MEANINGS["__".join(path)]
    if path[-1] == "valid":
        return f"{path[0]}__payload is there to be taken"
    if path[-1] == "ready":
        return f"{path[0]}__payload can be taken"
    return MEANINGS[path[0]]


def ports_of(core: Factorizer | System) -> list[Port]:
    """Ports of a top module: clock, reset, then the signature's in its order."""
    found = [Port(name, "input", 1, MEANINGS[name]) for name in ("clk", "rst")]
    for path, member, value in core.signature.flatten(core):
        if isinstance(value, ValueCastable):
            value = value.as_value()
        if not isinstance(value, Signal):
            continue  # constant: an always-ready stream's ready
        payload = isinstance(member.shape, (data.StructLayout, data.ArrayLayout))
        path = tuple(map(str, path))
        found.append(Port("__".join(path), "input" if member.flow is Flow.In else "output",
                          Shape.cast(member.shape).width, _meaning(path),
                          tuple(fields_of(member.shape, path[0])) if payload else ()))
    return found


def markdown(name: str, ports: list[Port], system: SystemConfig | None = None) -> str:
    """Page that describes the ports; ``system`` is not needed for a core without registers."""
    front_end = system.front_end if system else "none"
    values = {} if front_end != "uart" else {
        "divisor": divisor(system.clock_hz, system.baud), "baud": system.baud,
        "clock_hz": system.clock_hz}
    lines = [
        f"# Ports of {name}",
        "",
        HEADS[front_end].format(name=name, **values),
        "",
        "| port | direction | bits | meaning |",
        "|---|---|---:|---|",
        *(f"| `{p.name}` | {p.direction} | {p.width} | {p.meaning} |" for p in ports),
    ]
    for port in ports:
        if port.fields:
            lines += ["", f"## `{port.name}`", "", "| bits | field | meaning |", "|---:|---|---|"]
            lines += [f"| {_range(f)} | `{f.name}` | {f.meaning} |" for f in port.fields]
    return "\n".join([*lines, ""])


def _range(field: Field) -> str:
    top = field.offset + field.width - 1
    return f"{top}:{field.offset}" if field.width > 1 else str(top)
