"""Designs that the estimate is fitted to, and what synthesis says of each."""

import json
import resource
import tempfile
from dataclasses import asdict
from pathlib import Path

from blockfactor.boards.harness import Harness
from blockfactor.boards.parts import part
from blockfactor.boards.synthesis import pack_only, synthesise
from blockfactor.config import CoreConfig, SystemConfig
from blockfactor.presets import PRESETS
from blockfactor.rtl.factorizer import Factorizer
from blockfactor.rtl.system import System
from blockfactor.rtl.verilog import to_rtlil

__all__ = ["DESIGNS", "PARTS", "key", "measure"]

#: One part of each family: what synthesis makes hardly depends on which.
PARTS = ("up5k", "ecp5-25f", "gw2a-18c", "lifcl-40", "ccgm1a1")
