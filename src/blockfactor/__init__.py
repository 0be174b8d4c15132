"""blockfactor: hardware that factorizes sparse block codes, and its bit-exact golden model.

The configuration objects are here; ``blockfactor.golden`` is the model in NumPy,
``blockfactor.rtl`` the core in Amaranth, ``blockfactor.sim`` runs the one against the other,
``blockfactor.boards`` builds for FPGAs.
"""

from .config import CoreConfig, SystemConfig
from .errors import BlockfactorError, CodebookError, ConfigError, ParameterError, QueryError
from .parameters import RunParameters
from .presets import PRESETS, Preset, preset

__all__ = ["PRESETS", "BlockfactorError", "CodebookError", "ConfigError", "CoreConfig",
           "ParameterError", "Preset", "QueryError", "RunParameters", "SystemConfig", "preset"]
