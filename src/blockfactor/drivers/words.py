"""Configurations, parameters, codebooks, queries and results as words of the register map."""

import numpy as np

from ..config import CoreConfig, SystemConfig
from ..errors import ConfigError
from ..golden.query import Query
from ..golden.result import STOPS, Result
from ..parameters import MODES, RunParameters
from ..registers import IDENTITY, MAP_VERSION, Register, RegisterMap, register_map
from .transport import DeviceError

__all__ = ["IDENTITY_REGISTERS", "check_identity", "codebook_words", "dense_words",
           "description", "entry_words", "parameter_words", "result_of"]

#: The registers that tell what a device is, from address 0 on; the same in every configuration.
IDENTITY_REGISTERS = ("ID", "VERSION", "SHAPE", "CAPACITY", "ENGINES", "QUERIES", "DEPTHS", "CLOCK")

#: Fields of those that need not be as in a configuration: who generated it and how fast it is
#: makes no difference to software.
FREE = ("VERSION.patch", "VERSION.minor", "VERSION.major", "CLOCK.hz")


def check_identity(words: dict[str, int], system: SystemConfig | None) -> None:
    """Raise DeviceError where a device is not one this driver knows, or not that of ``system``.

    Parameters
    ----------
    words : dict
        Words of :data:`IDENTITY_REGISTERS`, by name.
    system : SystemConfig or None
        What is expected; None: any.
    """
    if words["ID"] != IDENTITY:
        raise DeviceError(f"ID is {words['ID']:#010x}, expected is {IDENTITY:#010x}: no "
                          "blockfactor core answers")
    version = words["VERSION"] & 0xFF
    if version != MAP_VERSION:
        raise DeviceError(f"the device has version {version} of the register map, this driver "
                          f"knows version {MAP_VERSION}")
    if system is None:
        return
    wanted = {name: register_map(system)[name].reset for name in IDENTITY_REGISTERS}
    for register in _identity_registers():
        have, want = _unpack(register, words), _unpack(register, wanted)
        for field in register.fields:
            if have[field.name] != want[field.name] and f"{register.name}.{field.name}" not in FREE:
                raise DeviceError(f"the device's {field.name} is {have[field.name]}, the "
                                  f"configuration's {want[field.name]} (register {register.name}: "
                                  f"{field.about})")


def _identity_registers() -> list[Register]:
    """The identity registers with all fields, those that only some maps have too, at their widest.

    What a field reads that a device has not is 0: an option that it does not have.
    """
    widest = CoreConfig(max_codevectors=CoreConfig.RANGES["max_codevectors"][1], draws="sweep",
                        products=2)
    registers = register_map(SystemConfig(core=widest))
    return [registers[name] for name in IDENTITY_REGISTERS]


def _unpack(register: Register, words: dict[str, int]) -> dict[str, int]:
    """Values of an identity register; a core that decodes one product has no field for that."""
    values = register.unpack(words[register.name])
    return values | {"products": values["products"] or 1} if "products" in values else values


def description(words: dict[str, int]) -> SystemConfig:
    """Configuration that a device's identity registers describe.

    ``histogram_bits``, ``tag_bits`` and ``multiplier``, which software has no use for, and the
    front-end are not known and left at values that always fit.

    Raises
    ------
    DeviceError
        No core can be so.
    """
    value = {}
    for register in _identity_registers():
        value |= _unpack(register, words)
    names = ("factors", "blocks", "block_length", "max_codevectors", "list_size", "heads", "lanes",
             "query_entries", "weight_bits", "element_bits")
    try:
        core = CoreConfig(engines=tuple(e for e in ("factorize", "join") if value[e]), tag_bits=8,
                          draws="sweep" if value["sweep"] else "random",
                          products=value["products"],
                          **{name: value[name] for name in names})
        return SystemConfig(core=core, front_end="native", clock_hz=value["hz"])
    except ConfigError as problem:
        raise DeviceError(f"the device describes a core that cannot be: {problem}") from None


def parameter_words(registers: RegisterMap, core: CoreConfig,
                    parameters: RunParameters) -> dict[str, int]:
    """Words of all registers of run parameters, by name."""
    p = parameters
    values = {
        "SIZES": {f"size{f}": size for f, size in enumerate(p.sizes)},
        "KNOWN": {f"index{f}": max(k, 0) for f, k in enumerate(p.known)}
                 | {f"known{f}": int(k >= 0) for f, k in enumerate(p.known)},
        "SEARCH": {"mode": MODES.index(p.mode), "heads": p.heads, "trim": p.trim,
                   "use_sum": int(p.rule == "sum"), "patience": p.patience, "level": p.level,
                   "products": p.products},
        # A beyond the codebook means the whole of it, a threshold beyond the elements the largest.
        "ACTIVATION": {"threshold": p.threshold, "samples": min(p.samples, core.max_codevectors)},
        "MAX_ITERATIONS": {"iterations": p.max_iterations},
        "MAX_TUPLES": {"tuples": min(p.max_tuples, (1 << core.tuple_bits) - 1)},
        "SEED": {"seed": p.seed},
        "DENSE": {"threshold": min(p.dense_threshold, (1 << core.element_bits) - 1),
                  "log": int(p.dense_weights == "log"), "shift": p.dense_shift},
    }
    return {r.name: r.pack(**{f.name: values[r.name.rstrip("01")][f.name] for f in r.fields})
            for r in registers if r.name.rstrip("01") in values}


def _packed(values: np.ndarray, lane: int) -> list[int]:
    """Words of rows [n, B] of numbers of ``lane`` bits; each row begins a word."""
    per = 32 // lane
    padded = np.zeros((len(values), -(-values.shape[1] // per) * per), dtype=np.int64)
    padded[:, :values.shape[1]] = values
    shifts = lane * np.arange(per)
    return (padded.reshape(-1, per) << shifts).sum(1).tolist()


def codebook_words(system: SystemConfig, indices: np.ndarray) -> list[int]:
    """Words of codevectors [M, B] in the codebook window."""
    return _packed(np.asarray(indices), system.index_lane)


def dense_words(system: SystemConfig, elements: np.ndarray) -> list[int]:
    """Words of a dense query [B, L] in the dense window."""
    return _packed(np.asarray(elements).T, system.element_lane)


def entry_words(registers: RegisterMap, query: Query) -> list[int]:
    """Words of a query with at least one entry, in the window for entries."""
    entries = [(b, index, weight) for b, block in enumerate(query.entries)
               for index, weight in block]
    return [registers["QUERY_ENTRY"].pack(block=b, index=index, weight=weight,
                                          last=int(n == len(entries) - 1))
            for n, (b, index, weight) in enumerate(entries)]


def result_of(registers: RegisterMap, words: dict[str, int]) -> tuple[int, Result]:
    """Tag and result of the words of the result registers; zeros where there is no register."""
    value = {}
    for name, word in words.items():
        fields = registers[name].unpack(word)
        # The width of a similarity depends on what a description does not tell.
        value |= {name: word} if name.startswith("RESULT_SIMILARITY") else fields
    factors = registers["SHAPE"].unpack(registers["SHAPE"].reset)["factors"]
    if value["stop"] >= len(STOPS):
        raise DeviceError(f"result {value['tag']} has stop {value['stop']}, which is outside "
                          f"0..{len(STOPS) - 1}")
    return value["tag"], Result(
        indices=tuple(value[f"index{f}"] for f in range(factors)),
        similarities=tuple(value.get(f"RESULT_SIMILARITY{f}", 0) for f in range(factors)),
        stop=STOPS[value["stop"]],
        **{name: value[name] for name in ("score", "smax", "runner_up", "iterations", "cycles",
                                          "seed", "crc")})
