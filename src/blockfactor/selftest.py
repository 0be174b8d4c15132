"""Tries a whole device through its registers: steps that pass or fail, and say why.

The steps are in :mod:`~blockfactor.selftest_registers` and :mod:`~blockfactor.selftest_runs`; each
is a function of a :class:`Trial` that returns what it found, or raises an error.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

from .config import SystemConfig
from .drivers.device import Device
from .drivers.golden import GoldenTransport
from .drivers.transport import DeviceError
from .drivers.words import IDENTITY_REGISTERS, check_identity
from .errors import BlockfactorError
from .golden.codebook import Codebooks
from .parameters import RunParameters
from .presets import PRESETS, Preset
from .registers import RegisterMap

__all__ = ["Row", "SelfTestError", "Trial", "selftest"]

#: Run parameters of a core that is no preset's: any do, results are compared, not judged.
THRESHOLD, SAMPLES, ITERATIONS, MARGIN = 300, 16, 200, 4.0


class SelfTestError(BlockfactorError):
    """A step found something wrong."""


@dataclass(frozen=True)
class Row:
    """What a step found; ``passed`` is None if it was not tried, ``figures`` are for JSON."""

    step: str
    passed: bool | None
    seconds: float
    detail: str
    figures: dict = field(default_factory=dict)

    def to_table(self) -> dict:
        """Plain table for JSON."""
        return asdict(self)


class Trial:
    """What the steps share.

    Parameters
    ----------
    device : Device
    preset : Preset or None
        Whose run parameters are used.
    count : int
        Queries.
    seed : int
        Of everything random.
    baud : int or None
        Rate of the device's serial line, where it has one.
    """

    def __init__(self, device: Device, preset: Preset | None, count: int, seed: int,
                 baud: int | None):
        self.device = device
        self.preset = preset
        self.count, self.seed, self.baud = count, seed, baud
        #: Those that the runs use: of full size.
        self.codebooks: Codebooks | None = None
        self.figures: dict = {}
        self.told: Callable[[int, int], None] = lambda done, total: None

    @property
    def registers(self) -> RegisterMap:
        """The device's registers."""
        return self.device.registers

    def read(self, name: str, count: int = 1, stay: bool = False) -> list[int]:
        """Words of a register, or from it on."""
        return self.device.transport.read(self.registers[name].address, count, stay)

    def write(self, name: str, *words: int, stay: bool = False) -> None:
        """Write words to a register, or from it on."""
        self.device.transport.write(self.registers[name].address, words, stay)

    def expect(self, what: str, have: int, want: int) -> None:
        """Raise SelfTestError where two words differ."""
        if have != want:
            raise SelfTestError(f"{what} is {have:#010x}, expected is {want:#010x}")

    def parameters(self, kind: str) -> RunParameters:
        """Run parameters for queries of a kind, as far as the core can run them."""
        core = self.device.core
        if self.preset:
            chosen = self.preset.parameters(kind)
        else:
            chosen = RunParameters(sizes=(core.max_codevectors,) * core.factors,
                                   threshold=THRESHOLD, samples=min(SAMPLES, core.max_codevectors),
                                   max_iterations=ITERATIONS, level=256 if kind == "clean" else 205,
                                   heads=1 if kind == "clean" else 2)
        return chosen.replace(sizes=tuple(min(m, core.max_codevectors) for m in chosen.sizes),
                              heads=min(chosen.heads, core.heads),
                              trim=min(chosen.trim, core.blocks - 1))

    @property
    def margin(self) -> float:
        """Logit margin of soft queries."""
        return self.preset.margin if self.preset else MARGIN

    def load(self, codebooks: Codebooks, verify: str | None) -> None:
        """Load codebooks for the runs."""
        self.codebooks = None
        self.device.load_codebooks(codebooks, verify)
        self.codebooks = codebooks

    @property
    def real(self) -> bool:
        """Whether time passes as for a device: not in a model, nor behind a pseudo-terminal."""
        transport = self.device.transport
        if hasattr(transport, "seconds"):
            return True
        return not (isinstance(transport, GoldenTransport)
                    or os.path.realpath(getattr(transport, "name", "")).startswith("/dev/pts/"))

    def seconds(self) -> float:
        """The device's time, or, where it does not tell it, that of the clock on the wall."""
        told = getattr(self.device.transport, "seconds", None)
        return time.perf_counter() if told is None else told


def _alike(words: dict[str, int]) -> Preset | None:
    """The preset that a device can be, if there is one."""
    for preset in PRESETS.values():
        try:
            check_identity(words, preset.system)
        except DeviceError:
            continue
        return preset
    return None


def _identity(trial: Trial, system: SystemConfig | None) -> str:
    """Whether the device is the one expected; if none is, which it is."""
    device = trial.device
    words = dict(zip(IDENTITY_REGISTERS, device.transport.read(0, len(IDENTITY_REGISTERS))))
    check_identity(words, system)
    found = ""
    if system is None:
        trial.preset = _alike(words)
        system = trial.preset.system if trial.preset else None
        found = (f"; as the preset {trial.preset.name}" if trial.preset
                 else "; no preset's, so name what it does not tell: --preset, --set")
    trial.device = device = Device(device.transport, system, device.timeout)
    version = device.registers["VERSION"].unpack(words["VERSION"])
    core = device.core
    trial.figures = {"clock_hz": device.system.clock_hz, "core": core.to_table(),
                     "version": [version[name] for name in ("major", "minor", "patch")]}
    return (f"{core.factors} factors, {core.blocks} blocks of {core.block_length}, up to "
            f"{core.max_codevectors} codevectors, {', '.join(core.engines)}; "
            f"{device.system.clock_hz / 1e6:g} MHz; generator "
            f"{version['major']}.{version['minor']}.{version['patch']}{found}")


def selftest(device: Device, system: SystemConfig | None = None, preset: Preset | None = None,
             count: int = 200, seed: int = 1, baud: int | None = None,
             told: Callable[[str, int, int], None] = lambda step, done, total: None,
             ) -> Iterator[Row]:
    """Try a device; gives a row for each step as soon as it is done.

    Whatever the device held is lost. A step that fails does not keep the others from being tried,
    unless the device cannot even be reset.

    Parameters
    ----------
    device : Device
        However it was opened; not to be used afterwards.
    system : SystemConfig or None
        What it must be; None: whatever it is.
    preset : Preset or None
        Whose run parameters are used, if ``system`` is its.
    count, seed, baud
        As of :class:`Trial`.
    told : callable
        Told how far a step is.
    """
    from . import selftest_registers, selftest_runs
    trial = Trial(device, preset, count, seed, baud)
    steps = [("identity", lambda trial: _identity(trial, system)), *selftest_registers.STEPS,
             *selftest_runs.STEPS]
    dead: str | None = None
    for name, step in steps:
        if dead:
            yield Row(name, None, 0.0, dead)
            continue
        trial.told = lambda done, total, name=name: told(name, done, total)
        trial.told(0, 1)
        trial.figures = {}
        begin = time.perf_counter()
        try:
            detail, passed = step(trial), True
            trial.device.reset()
        except BlockfactorError as problem:
            detail, passed = str(problem), False
            try:
                trial.device.reset()
            except BlockfactorError as end:
                dead = f"the device could not be reset: {end}"
        yield Row(name, passed, time.perf_counter() - begin, detail, trial.figures)
