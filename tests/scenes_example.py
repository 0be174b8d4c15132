"""The example of scenes as modules, whatever the working directory."""

import importlib
import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "examples" / "scenes"


def load_package():
    """Import the example as a package of its own, whatever the working directory."""
    name = "blockfactor_scenes_example"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FOLDER / "__init__.py",
                                                      submodule_search_locations=[str(FOLDER)])
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return name


evaluate, network, picture, render, rtl, settings = (
    importlib.import_module(f"{load_package()}.{module}")
    for module in ("evaluate", "network", "picture", "render", "rtl", "settings"))
