"""Steps of the self-test that need no run: registers, refusals, interrupts, codebook memory."""

import zlib

import numpy as np

from .drivers.transport import AccessRefused
from .drivers.words import codebook_words
from .golden.codebook import Codebooks
from .registers import Register
from .selftest import SelfTestError, Trial

__all__ = ["STEPS"]

#: Every bit of a word.
ALL = 0xFFFF_FFFF
#: Patterns of words: a single one in each place, every other one, noughts, ones.
PATTERNS = (*(1 << n for n in range(32)), 0x5555_5555, 0xAAAA_AAAA, 0, ALL)
#: Words of the codebook window read at a time, for the progress.
PIECE = 252


def _plain(trial: Trial) -> list[Register]:
    """Registers that hold what is written, and do nothing else."""
    return [r for r in trial.registers
            if r.fields and all(f.access in ("parameter", "read-write") for f in r.fields)]


def _bursts(registers: list[Register]) -> list[list[Register]]:
    """Registers, ascending, in groups without gaps."""
    groups: list[list[Register]] = []
    for register in registers:
        if groups and groups[-1][-1].address + 4 == register.address:
            groups[-1].append(register)
        else:
            groups.append([register])
    return groups


def registers(trial: Trial) -> str:
    """Patterns through all registers that hold what is written, then another word for each."""
    plain = _plain(trial)
    groups = _bursts(plain)
    rng = np.random.default_rng(trial.seed)
    for r in plain:
        trial.expect(f"{r.name} after reset", trial.read(r.name)[0], r.reset)
    rounds: list[dict[str, int]] = [{r.name: p for r in plain} for p in PATTERNS]
    # Whatever takes one register for another shows where every one holds something else; and in
    # which direction, where they are written in both orders.
    rounds += [{r.name: int(rng.integers(1 << 32)) for r in plain} for _ in range(4)]
    for number, words in enumerate(rounds):
        if number >= len(rounds) - 2:
            for r in reversed(plain):
                trial.write(r.name, words[r.name] & r.write_mask)
        else:
            for group in groups:
                trial.write(group[0].name, *(words[r.name] & r.write_mask for r in group))
        for group in groups:
            for r, have in zip(group, trial.read(group[0].name, len(group))):
                trial.expect(r.name, have, words[r.name] & r.write_mask)
        trial.told(number + 1, len(rounds))
    trial.figures = {"registers": len(plain), "patterns": len(rounds)}
    return f"{len(rounds)} patterns through {len(plain)} registers"


def _refused(trial: Trial, what: str, error: str, access) -> None:
    """Check that an access is refused, and that this error and no other is noted."""
    sticky = trial.registers["ERRORS"]
    try:
        access()
    except AccessRefused:
        pass
    else:
        raise SelfTestError(f"{what} is not refused")
    noted = trial.read("ERRORS")[0]
    trial.expect(f"ERRORS after {what}", noted, sticky.pack(**{error: 1}))
    status = trial.registers["STATUS"].unpack(trial.read("STATUS")[0])
    if not status["error"]:
        raise SelfTestError(f"STATUS.error is 0 after {what}")
    trial.write("ERRORS", noted)
    trial.expect("ERRORS after it was cleared", trial.read("ERRORS")[0], 0)


def refusals(trial: Trial) -> str:
    """What must be refused is, and changes nothing but ERRORS."""
    transport, there = trial.device.transport, trial.registers
    nowhere = [address for address in range(0, 256, 4) if there.at(address) is None]
    count = 0
    for address in nowhere:
        for verb, access in (("read", lambda a=address: transport.read(a)),
                             ("write", lambda a=address: transport.write(a, [0]))):
            _refused(trial, f"a {verb} at {address:#04x} (no register)", "bad_access", access)
            count += 1
    others = [("a write to ID", "bad_access", lambda: trial.write("ID", 0)),
              ("a read of QUERY_ENTRY", "bad_access", lambda: trial.read("QUERY_ENTRY")),
              ("a read of RESULT without a result", "bad_access", lambda: trial.read("RESULT")),
              ("CONTROL.pop without a result", "bad_access",
               lambda: trial.write("CONTROL", there["CONTROL"].pack(pop=1)))]
    for what, error, access in others:
        _refused(trial, what, error, access)
    reserved = [r for r in _plain(trial) if r.write_mask != ALL]
    for number, r in enumerate(reserved):
        _refused(trial, f"a write to {r.name} with all reserved bits", "bad_value",
                 lambda r=r: trial.write(r.name, ALL ^ r.write_mask))
        trial.expect(f"{r.name} after a refused write", trial.read(r.name)[0], r.reset)
        trial.told(number + 1, len(reserved))
    trial.expect("ID", trial.read("ID")[0], there["ID"].reset)
    count += len(others) + len(reserved)
    trial.figures = {"refused": count}
    return f"{count} accesses refused and noted, errors cleared"


def interrupts(trial: Trial) -> str:
    """INT_STATE is sticky, and the interrupt line, where replies show it, follows INT_ENABLE."""
    state = trial.registers["INT_STATE"]
    link = getattr(trial.device.transport, "link", None)
    trial.write("INT_STATE", state.write_mask)
    trial.expect("INT_STATE after it was cleared", trial.read("INT_STATE")[0], 0)

    def line(what: str, want: int) -> None:
        trial.read("ID")
        if link is not None and link.status & 1 != want:
            raise SelfTestError(f"the interrupt line is {want ^ 1} {what}, expected is {want}")

    for field in state.fields:
        bit = field.mask
        trial.write("INT_TEST", bit)
        trial.expect("INT_STATE", trial.read("INT_STATE")[0], bit)
        line(f"though INT_ENABLE.{field.name} is 0", 0)
        trial.write("INT_ENABLE", bit)
        line(f"with INT_STATE.{field.name} and INT_ENABLE.{field.name}", 1)
        trial.write("INT_STATE", state.write_mask ^ bit)
        trial.expect("INT_STATE after others were cleared", trial.read("INT_STATE")[0], bit)
        trial.write("INT_STATE", bit)
        trial.expect("INT_STATE after it was cleared", trial.read("INT_STATE")[0], 0)
        line(f"with INT_ENABLE.{field.name} and nothing in INT_STATE", 0)
        trial.write("INT_ENABLE", 0)
    _refused(trial, "a write to ID", "bad_access", lambda: trial.write("ID", 0))
    trial.expect("INT_STATE after an error", trial.read("INT_STATE")[0], state.pack(error=1))
    trial.write("INT_STATE", state.write_mask)
    shown = "" if link is not None else "; the line itself is not to be seen here"
    return f"{len(state.fields)} set, held, cleared{shown}"


def _read_back(trial: Trial, books: Codebooks, done: int, total: int) -> int:
    """Compare every word of the codebook memory; returns how many there were."""
    system = trial.device.system
    words = 0
    for factor, indices in enumerate(books.indices):
        want = codebook_words(system, indices)
        trial.write("CODEBOOK_ADDRESS", trial.registers["CODEBOOK_ADDRESS"].pack(factor=factor))
        mask = (1 << system.index_lane) - 1
        for first in range(0, len(want), PIECE):
            part = want[first:first + PIECE]
            for n, (have, word) in enumerate(zip(
                    trial.read("CODEBOOK_DATA", len(part), stay=True), part), first):
                if have == word:
                    continue
                codevector, place = divmod(n, system.codevector_words)
                shift = next(s for s in range(0, 32, system.index_lane)
                             if (have ^ word) >> s & mask)
                block = (place * 32 + shift) // system.index_lane
                raise SelfTestError(
                    f"codebook {factor}, codevector {codevector}, block {block}: the device holds "
                    f"{have >> shift & mask}, written was {word >> shift & mask}")
            words += len(part)
            trial.told(done + words, total)
    return words


def memories(trial: Trial) -> str:
    """Every codevector there is room for, written, verified and read; then its complement."""
    core, system = trial.device.core, trial.device.system
    first = Codebooks.random((core.max_codevectors,) * core.factors, core.blocks,
                             core.block_length, trial.seed)
    last = Codebooks(tuple(core.block_length - 1 - book.astype(int) for book in first.indices),
                     core.block_length)
    size = core.max_codevectors * core.factors * system.codevector_words
    read = 0
    for books in (first, last):
        trial.load(books, "crc")
        read += _read_back(trial, books, read, 2 * size)
    crc = zlib.crc32(b"".join(np.array(codebook_words(system, book), dtype="<u4").tobytes()
                              for book in last.indices))
    trial.expect("CODEBOOK_CRC after reading", trial.read("CODEBOOK_CRC")[0], crc)
    trial.figures = {"words": size, "codevectors": core.max_codevectors * core.factors}
    return (f"{core.max_codevectors * core.factors} codevectors in {size} words, written and read "
            f"twice; CRC {crc:#010x}")


#: The steps, in order.
STEPS = (("registers", registers), ("refused accesses", refusals), ("interrupts", interrupts),
         ("memories", memories))
