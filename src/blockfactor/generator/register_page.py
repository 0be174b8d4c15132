"""The register map as a page to read: fields, rules, the order in which to use them."""

from collections.abc import Iterator

from ..config import CoreConfig, SystemConfig
from ..registers import ACCESSES, IDENTITY, MAP_VERSION, RESULTS, Field, Register
from ..registers import register_map as make_map
from .names import check_name
from .rdl import has_reset

__all__ = ["conditions", "page", "width_causes"]

#: Core whose map has every register and field.
WHOLE = CoreConfig(factors=4, blocks=4, block_length=128, max_codevectors=32, list_size=16,
                   tag_bits=8, element_bits=8)
#: What a core needs to have some of them, and a core that does not; of two that apply to a field,
#: the later one includes the other.
NEEDS = (
    ("at least 3 factors", {"factors": 2}),
    ("4 factors", {"factors": 3}),
    ("the engine `factorize`", {"engines": ("join",)}),
    ("the engine `join`", {"engines": ("factorize",)}),
    ("at least 2 blocks", {"blocks": 1}),
    ("at least 3 blocks", {"blocks": 2}),
    ("at least 4 blocks", {"blocks": 3}),
    ("`block_length` of 256 at most", {"block_length": 257}),
    ("`element_bits` of 8 at most", {"element_bits": 9}),
    ("`element_bits` above 0", {"element_bits": 0}),
)
#: Settings that width and place of a field can depend on, with values far from WHOLE's.
SETTINGS = {"factors": (2,), "blocks": (2, 16), "block_length": (16, 1024),
            "max_codevectors": (16, 16384), "list_size": (4,), "query_entries": (1, 16),
            "weight_bits": (1, 6), "element_bits": (4, 16), "histogram_bits": (14,)}

RULES = """\
## Access

An access moves one 32-bit word, at a byte address that is a multiple of 4, and takes at most 20
cycles. The bus answers an access that is refused with an error; it has changed nothing but a bit
of `ERRORS`, and if it was a read it gives 0. Refused are, in this order:

| `ERRORS` | what is refused |
|---|---|
| `bad_access` | an address without a register; reading a register that cannot be read; writing \
one without a field that can be written; `RESULT` and what follows it while no result waits; \
`CONTROL.pop` while no result waits (then none of the other commands is done either); reading \
`CODEBOOK_DATA` while `CODEBOOK_ADDRESS` is no codevector's |
| `bad_value` | writing a one where there is no field that can be written |
| `busy_access` | while `STATUS.busy`: writing a parameter, reading or writing `CODEBOOK_DATA`. \
`QUERY_ENTRY` while a dense query is begun or being converted; `QUERY_DENSE` while the query \
queue holds anything, a sparse query is begun and not ended, or a dense one is being converted |
| `overflow` | `QUERY_ENTRY` or `CONTROL.start` while the query queue is full |

Fields that cannot be read give 0, and so do bits without a field.

`STATUS.busy` is 1 while a query waits in the queue or is on its way into the core, and while a run
goes on or waits. It is 0 again when the last result has been stored, or while the core waits for
the rest of a query.

The other bits of `ERRORS` are what the core found wrong with a query, a codevector or a run. A bit
stays until a 1 is written to it.

"""

BRING_UP = """\
## In which order

1. **Is it there?** `ID` reads 0x{identity:08X}, `VERSION.map` reads {version}. `SHAPE`,
   `CAPACITY`, `ENGINES`, `QUERIES` and `DEPTHS` tell what the core was generated with.
2. **Wait** until `STATUS.busy` is 0. `CONTROL.soft_reset` makes it so, whatever was going on;
   codebooks stay.
3. **Codebooks**, unless the core was generated with them. Write `CONTROL.clear_crc`. For each
   factor write its number, with codevector 0, to `CODEBOOK_ADDRESS`, then its codevectors to
   `CODEBOOK_DATA`, {words} each: index of block 0 in the lowest bits, {lane} bits an index,
   {lanes} to a word; lanes beyond the last block are ignored. A codevector is stored with its last
   word, and the position goes on to the next one by itself. `CODEBOOK_CRC` then is CRC-32 (that of
   zlib) of all those words, lowest byte of a word first, and `ERRORS.bad_codebook` is 0. To verify
   what is stored, read `CODEBOOK_DATA` in the same way; words that are read do not count in the
   CRC.
4. **Parameters.** Write `SIZES0` and what follows; those that are not written hold the values in
   the tables. They can be written whenever `STATUS.busy` is 0.
5. **Interrupt**, if it is used: write 1 to `INT_ENABLE.result`. The line is high while a bit is
   set in both `INT_STATE` and `INT_ENABLE`; `INT_TEST` tries it.
6. **Query.** Write its entries to `QUERY_ENTRY`, by ascending block, the last one with `last`;
   weight is 1 where there is no other. {dense} With `CONFIG.auto_start`, as after reset, that
   queues a run; without it, write `CONTROL.start`. A query stays loaded: `CONTROL.start` runs it
   again. The next query can be written while this one runs, as far as the queue has places
   (`STATUS.space`).
7. **Wait** for the interrupt, or until `STATUS.results` is not 0.
8. **Result.** Write 1 to `INT_STATE.result`, so that the next result is not missed, then read
   `RESULT` and what follows. `RESULT.tag` is the number of the run, counted from 0 after reset,
   modulo 256. `RESULT.stop` tells why it ended; `error` means that the run was refused, and
   `RESULT.errors` why.
9. **On to the next**: write `CONTROL.pop`. Runs give their results in the order in which they were
   queued. When {results} of them wait, the core waits as well, until one has been popped.

A query that is refused (an index or weight out of range, blocks not ascending, an entry lost to
`overflow`) is refused as a whole, at its last entry: its run ends with `error`, and
`ERRORS.bad_query` is set.

"""

DENSE = """Or write a dense query to `QUERY_DENSE`: index 0 of every block,
   then index 1, and so on; {words} an index, {lane} bits an element, block 0 in the lowest bits."""


def page(system: SystemConfig, name: str, preface: str = "") -> str:
    """Markdown text of ``NAME_registers.md``.

    Parameters
    ----------
    system : SystemConfig
    name : str
        Name of the top module.
    preface : str
        Paragraphs after the first one.
    """
    core, registers = system.core, make_map(system)
    text = (f"# Registers of {check_name(name)}\n\n"
            f"{core.factors} factors, {core.blocks} blocks of {core.block_length}, up to "
            f"{core.max_codevectors} codevectors; engines {', '.join(core.engines)}. Registers are "
            "32-bit words, little-endian; addresses are in bytes, and frames of SPI and UART carry "
            "them divided by 4.\n\n")
    if preface:
        text += f"{preface}\n\n"
    lines = ["## Map", "", "| address | register | reset | |", "|---|---|---|---|"]
    for register in registers:
        reset = f"0x{register.reset:08X}" if all(map(has_reset, register.fields)) else ""
        lines.append(f"| 0x{register.address:02X} | [`{register.name}`]"
                     f"(#{register.name.lower()}) | {reset} | {register.about} |")
    text += "\n".join(lines) + "\n\nWhere no value after reset is given, hardware decides it.\n\n"
    text += RULES
    text += BRING_UP.format(
        identity=IDENTITY, version=MAP_VERSION, results=RESULTS,
        words=_words(system.codevector_words), lane=system.index_lane,
        lanes=32 // system.index_lane,
        dense=DENSE.format(words=_words(system.element_words), lane=system.element_lane)
        if core.element_bits else "This core takes no dense queries.")
    text += "\n".join(["## Fields", "", "| kind | |", "|---|---|",
                       *(f"| {kind} | {about} |" for kind, about in ACCESSES.items()), "", ""])
    for register in registers:
        text += "\n".join([*_register(register), "", ""])
    return text + "\n".join(_configuration())


def _words(count: int) -> str:
    return "one word" if count == 1 else f"{count} words"


def _register(register: Register) -> Iterator[str]:
    yield f"### {register.name}"
    yield ""
    about = register.about
    if register.window and not register.readable:
        about += "; cannot be read"
    yield f"0x{register.address:02X}: {about}."
    yield ""
    yield "| bits | field | kind | reset | meaning |"
    yield "|---:|---|---|---:|---|"
    for field in sorted(register.fields, key=lambda f: f.offset):
        reset = ""
        if has_reset(field):
            reset = f"0x{field.reset:X}" if field.reset > 9999 else str(field.reset)
        about = field.about
        if field.values:
            codes = ", ".join(f"{code} {value}" for code, value in enumerate(field.values))
            about += f": {codes}"
        yield f"| {_bits(field)} | `{field.name}` | {field.access} | {reset} | {about} |"


def _bits(field: Field) -> str:
    top = field.offset + field.width - 1
    return str(top) if field.width == 1 else f"{top}:{field.offset}"


# -- what depends on the configuration ------------------------------------------------------------


def _fields(core: CoreConfig) -> dict[tuple[str, str], tuple[int, int]]:
    """Place and width of every field, by register's and field's name."""
    return {(r.name, f.name): (f.offset, f.width)
            for r in make_map(SystemConfig(core=core)) for f in r.fields}


def conditions() -> dict[str, tuple[list[str], list[tuple[str, str]]]]:
    """What is not in every map, by what a core needs to have it.

    Found by leaving it out, so that it is what register_map really does.

    Returns
    -------
    dict
        Registers, and fields (register, field) of registers that are there all the same.
    """
    whole = _fields(WHOLE)
    found = {}
    claimed = set()
    for need, change in reversed(NEEDS):
        partial = _fields(WHOLE.replace(**change))
        kept = {register for register, _ in partial}
        lost = [key for key in whole if key not in partial and key not in claimed]
        claimed |= set(lost) if "factors" in change or "blocks" in change else set()
        registers = list(dict.fromkeys(r for r, _ in lost if r not in kept))
        found[need] = registers, [key for key in lost if key[0] not in registers]
    return {need: found[need] for need, _ in NEEDS if any(found[need])}


def width_causes() -> dict[tuple[str, str], list[str]]:
    """Settings that width or place of a field depends on, by register and field."""
    whole = _fields(WHOLE)
    others = {setting: [_fields(WHOLE.replace(**{setting: value})) for value in values]
              for setting, values in SETTINGS.items()}
    causes = {key: [setting for setting, maps in others.items()
                    if any(other.get(key, place) != place for other in maps)]
              for key, place in whole.items()}
    return {key: settings for key, settings in causes.items() if settings}


def _configuration() -> Iterator[str]:
    yield "## What depends on the configuration"
    yield ""
    yield ("An address or bit means the same in every core; what a core has no use for is left "
           "out: the register cannot be accessed, the field reads 0. Present only in a core with")
    yield ""
    yield "| | registers | fields |"
    yield "|---|---|---|"
    for need, (registers, fields) in conditions().items():
        yield (f"| {need} | {', '.join(f'`{r}`' for r in registers)} | "
               f"{', '.join(f'`{r}.{f}`' for r, f in fields)} |")
    yield ""
    yield "Where more than one is said, all are needed. Widths, and places of lanes, depend on"
    yield ""
    yield "| settings | fields |"
    yield "|---|---|"
    groups: dict[tuple[str, ...], list[str]] = {}
    for (register, field), settings in width_causes().items():
        groups.setdefault(tuple(settings), []).append(f"`{register}.{field}`")
    for settings, fields in groups.items():
        yield f"| {', '.join(f'`{s}`' for s in settings)} | {', '.join(fields)} |"
    yield ""
