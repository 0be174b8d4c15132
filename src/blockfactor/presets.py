"""Named configurations, each with run parameters: used by tests, builds, documents and users."""

from dataclasses import dataclass

from .config import CoreConfig, SystemConfig
from .errors import ConfigError
from .parameters import RunParameters

__all__ = ["PRESETS", "Preset", "preset"]


@dataclass(frozen=True)
class Preset:
    """A system and parameters to run it with.

    ``clean`` suits one-hot queries that match exactly; ``soft`` suits queries from a network.
    ``margin`` is the logit margin of the soft queries the preset is measured with.
    """

    name: str
    about: str
    system: SystemConfig
    clean: RunParameters
    soft: RunParameters
    margin: float

    @property
    def core(self) -> CoreConfig:
        """The core's configuration."""
        return self.system.core

    def parameters(self, kind: str) -> RunParameters:
        """Run parameters for queries of ``kind``: clean, soft or damaged."""
        return self.clean if kind == "clean" else self.soft


def _t16(threshold: float) -> int:
    return round(threshold * 65536)


def _preset(name, about, core, clean, margin=4.0, mode="factorize", **soft):
    clean = clean.replace(mode=mode)
    soft = {"level": 205, "patience": 3, "heads": 2, "max_iterations": 200} | soft
    return Preset(name, about, SystemConfig(core=core), clean, clean.replace(**soft), margin)


#: All presets by name. T and A are the published ones where there are any (code of
#: arXiv 2303.13957). Where a core has both engines the parameters are those of the published
#: method; with ``mode="auto"`` they join.
PRESETS = {p.name: p for p in (
    _preset("demo", "F=3, M=22, D=512, B=4: small, with a dense front-end",
            CoreConfig(max_codevectors=32, element_bits=8),
            RunParameters(sizes=(22, 22, 22), threshold=_t16(.0034), samples=15),
            threshold=_t16(.004), samples=8, trim=1),
    _preset("tiny", "F=3, M up to 64, D=512, B=4: fits an iCE40 UP5K beside a bus",
            CoreConfig(max_codevectors=64, list_size=32, histogram_bits=11, tag_bits=5,
                       engines=("factorize",)),
            RunParameters(sizes=(49, 49, 49), threshold=_t16(.0063), samples=16)),
    _preset("paper", "F=3, M up to 128, D=512, B=4: the published setting, one entry a block",
            CoreConfig(max_codevectors=128, engines=("factorize",), query_entries=1,
                       weight_bits=1),
            RunParameters(sizes=(110, 110, 110), threshold=_t16(.0066), samples=10,
                          max_iterations=4033)),
    _preset("join", "F=3, M up to 64, D=512, B=4: the join engine alone, for an iCE40 UP5K",
            CoreConfig(max_codevectors=64, engines=("join",)),
            RunParameters(sizes=(49, 49, 49)), mode="join"),
    _preset("fast", "F=3, M up to 128, D=512, B=4: four lanes of the join engine, for an ECP5",
            CoreConfig(max_codevectors=128, engines=("join",), lanes=4),
            RunParameters(sizes=(110, 110, 110)), mode="join"),
    _preset("both", "F=3, M up to 32, D=512, B=4: both engines on an iCE40 UP5K beside a bus",
            CoreConfig(max_codevectors=32, list_size=16, histogram_bits=10, tag_bits=5,
                       query_entries=1, weight_bits=1),
            RunParameters(sizes=(22, 22, 22), threshold=_t16(.0034), samples=15),
            threshold=_t16(.004), samples=8, trim=1),
    _preset("full", "F=3, M up to 64, D=512, B=4: both engines and soft queries, for larger FPGAs",
            CoreConfig(max_codevectors=64, list_size=32, histogram_bits=11, tag_bits=5),
            RunParameters(sizes=(49, 49, 49), threshold=_t16(.0063), samples=16)),
    _preset("f2", "F=2, M up to 1155, D=512, B=4: two large codebooks, long lists",
            CoreConfig(factors=2, max_codevectors=1155, list_size=256),
            RunParameters(sizes=(1155, 1155), threshold=_t16(.0076), samples=238,
                          max_iterations=577)),
    _preset("f4", "F=4, M=16, D=1024, B=4: four factors",
            CoreConfig(factors=4, block_length=256, max_codevectors=16, list_size=16),
            RunParameters(sizes=(16,) * 4, threshold=_t16(.004), samples=6)),
    _preset("robust", "F=3, M=32, D=512, B=8: survives wrong blocks",
            CoreConfig(blocks=8, block_length=64, element_bits=8),
            RunParameters(sizes=(32,) * 3, threshold=_t16(.008), samples=18),
            margin=4.0, threshold=_t16(.006), samples=12, trim=1, level=192),
    _preset("odd", "F=3, M=20, D=500, B=5: block length 100 is no power of two",
            CoreConfig(blocks=5, block_length=100, max_codevectors=24, list_size=16,
                       query_entries=6, weight_bits=5, element_bits=10, multiplier="dsp"),
            RunParameters(sizes=(20, 17, 24), threshold=_t16(.004), samples=9)),
)}


def preset(name: str) -> Preset:
    """Return the preset called ``name``; ConfigError lists the names there are."""
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]
