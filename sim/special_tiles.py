"""Tiles of the iCE40 UP5K whose cells IceStorm's Verilog leaves out, found by their bits.

DSP blocks and everything else at the edges (single-port RAM, LED drivers, oscillators, I2C, SPI)
have inputs where logic tiles have look-up tables. Only routing passes through such a tile when its
cell is not used.
"""

import re

__all__ = ["check_special_tiles"]

#: What the high-frequency oscillator has set: its two enable inputs and its divider.
OSCILLATOR = {(0, 29): {"lutff_0/in_1", "lutff_7/in_3"}, (0, 16): {"CBIT_3", "CBIT_4"}}

#: Rows of ipcon tiles that belong to single-port RAM.
RAM_ROWS = range(1, 5)


def _used(line: str) -> str | None:
    """The input or configuration bit of a cell that a line of icebox_explain is about."""
    if match := re.match(r"IpConfig (\w+)", line):
        return match[1]
    match = re.match(r"(?:buffer|routing) \S+ (lutff_\S+|clk|cen|s_r)$", line)
    # Look-up tables' inputs can also be where routing starts, never where it ends.
    return match[1] if match else None


def check_special_tiles(explained: str, error: type[Exception]) -> bool:
    """Look for cells that cannot be simulated.

    Parameters
    ----------
    explained : str
        What icebox_explain says of the bits.
    error : exception class
        To raise, naming cell and tile.

    Returns
    -------
    bool
        Whether the high-frequency oscillator is in use.
    """
    oscillator = False
    tile = None
    for line in explained.splitlines():
        if line.startswith("."):
            match = re.match(r"\.(dsp\d|ipcon)_tile (\d+) (\d+)", line)
            tile = match and (match[1], (int(match[2]), int(match[3])))
            if line.startswith(".extra_bit"):
                tile = ("extra_bit", None)
            continue
        if not tile or not line.strip():
            continue
        kind, where = tile
        if kind == "extra_bit":
            if not line.startswith("padin_glb_netwk"):
                raise error(f"setting {line} of the bitstream is not known")
            continue
        used = _used(line)
        if used is None:
            continue
        if used in OSCILLATOR.get(where, ()):
            oscillator = True
        elif kind.startswith("dsp"):
            raise error(f"cell SB_MAC16 at tile {where} is not known ({kind}, {used})")
        elif where[1] in RAM_ROWS:
            raise error(f"cell SB_SPRAM256KA at tile {where} is not known ({used})")
        else:
            raise error(f"cell at tile {where} is not known: LED driver, oscillator, I2C or SPI "
                        f"({used})")
    return oscillator
