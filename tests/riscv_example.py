"""The example of a RISC-V processor as modules, whatever the working directory."""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# As its own program does.
sys.path.insert(0, str(ROOT))
job, run = (importlib.import_module(f"examples.riscv.{name}") for name in ("job", "run"))
