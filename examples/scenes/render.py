"""Panels after RAVEN: one outlined object on white paper, with four attributes.

Type, size, position and colour are what a network is to name. Where exactly the object lies, how it
is turned, how large it is within its size, how light the scene is and the noise of the camera are
random, so that no two panels are the same. Everything comes from one NumPy generator.

RAVEN (Zhang et al., CVPR 2019) has such objects as well; nothing of it is used here.
"""

import numpy as np

from blockfactor.errors import BlockfactorError, check_int

__all__ = ["ATTRIBUTES", "NAMES", "SIDE", "SIZES", "TYPES", "classes", "panels", "render",
           "tuples"]

#: Pixels of a panel's side.
SIDE = 40
#: Types of objects by their corners; a circle has none.
TYPES = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6, "circle": 0}
#: Radii in pixels: of the circle through the corners.
RADII = (3.5, 4.5, 5.5, 6.5, 7.5, 8.5)
#: Positions are a grid of so many rows and columns, so many pixels apart.
GRID, PITCH = 3, 10
#: Grey levels, from white to nearly black: shades of the object's inside.
GREYS = tuple(1 - .1 * k for k in range(10))

#: Attributes and how many values each has, in the order of the codebooks. The last one is looked
#: up, and so the largest: 5 * 6 * 9 rows are left to be enumerated.
ATTRIBUTES = {"type": len(TYPES), "size": len(RADII), "position": GRID**2, "colour": len(GREYS)}
#: Codevectors of each codebook.
SIZES = tuple(ATTRIBUTES.values())
#: Classes of an ordinary classifier: all combinations.
CLASSES = int(np.prod(SIZES))
#: How values are called in pictures and tables.
NAMES = {
    "type": tuple(TYPES),
    "size": tuple(f"{radius:g} px" for radius in RADII),
    "position": tuple(f"{row} {column}" for row in ("top", "middle", "bottom")
                      for column in ("left", "centre", "right")),
    "colour": tuple(f"{100 * grey:.0f} %" for grey in GREYS),
}

#: Largest deviation of a panel from what its attributes say: of the position in pixels, of the
#: angle in degrees, of the radius, and of the inside's grey.
SHIFT, TURN, SCALE, SHADE = 1., 10., .02, .005
#: Width of the outline in pixels and its grey.
LINE, INK = 1.3, .05
#: Standard deviation of the noise of a pixel; white is 1.
NOISE = .02
#: Panels drawn at a time, which bounds the memory used.
CHUNK = 256


def tuples(numbers) -> np.ndarray:
    """Attributes [..., 4] of combinations by number, 0..2699; the last attribute runs fastest."""
    return np.stack(np.unravel_index(np.asarray(numbers), SIZES), axis=-1)


def classes(attributes) -> np.ndarray:
    """Numbers of combinations [...], 0..2699, of their attributes [..., 4]."""
    return np.ravel_multi_index(tuple(np.moveaxis(np.asarray(attributes), -1, 0)), SIZES)


def _distance(x, y, corners, radius):
    """Distance to the outline in pixels, negative inside; to a polygon's nearest side's line.

    All are arrays that broadcast; x and y are relative to the centre and turned.
    """
    away = np.hypot(x, y)
    sides = np.maximum(corners, 1)
    half = np.pi / sides
    # The angle from the middle of the nearest side: there a side is a straight line at x = apothem.
    folded = np.mod(np.arctan2(y, x), 2 * half) - half
    return np.where(corners > 0, away * np.cos(folded) - radius * np.cos(half), away - radius)


def render(attributes, rng: np.random.Generator, noise: float = NOISE) -> np.ndarray:
    """Draw one panel for each row of attributes.

    Parameters
    ----------
    attributes : int array [n, 4]
        In the order of :data:`ATTRIBUTES`, each below its number of values.
    rng : numpy Generator
        Of all that the attributes leave open.
    noise : float, >= 0
        Standard deviation of a pixel's noise; white is 1.

    Returns
    -------
    uint8 array [n, 40, 40], 255 is white.

    Raises
    ------
    BlockfactorError
        Attributes of another shape, or out of range.
    """
    attributes = np.asarray(attributes)
    if attributes.ndim != 2 or attributes.shape[1] != len(SIZES):
        raise BlockfactorError(f"attributes have shape {attributes.shape}, must be "
                               f"(n, {len(SIZES)})")
    for column, (name, size) in zip(attributes.T, ATTRIBUTES.items()):
        wrong = (column < 0) | (column >= size)
        if wrong.any():
            raise BlockfactorError(f"panel {np.argmax(wrong)}: {name} {column[wrong][0]} is "
                                   f"outside 0..{size - 1}")
    parts = [_render(attributes[n:n + CHUNK], rng, noise)
             for n in range(0, len(attributes), CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, SIDE, SIDE), dtype=np.uint8)


def _render(attributes, rng, noise):
    n = len(attributes)
    kind, size, position, colour = attributes.T

    def spread(largest):
        return rng.uniform(-largest, largest, n)

    row, column = np.divmod(position, GRID)
    centre_y = PITCH * (row + 1) + spread(SHIFT)
    centre_x = PITCH * (column + 1) + spread(SHIFT)
    radius = np.take(RADII, size) * (1 + spread(SCALE))
    angle = np.radians(spread(TURN)) - np.pi / 2  # a corner on top
    fill = np.take(GREYS, colour) + spread(SHADE)

    def each(values):
        return np.asarray(values, dtype=np.float32)[:, None, None]

    grid = np.arange(SIDE, dtype=np.float32) + np.float32(.5)
    x, y = grid[None, None, :] - each(centre_x), grid[None, :, None] - each(centre_y)
    cosine, sine = each(np.cos(angle)), each(np.sin(angle))
    distance = _distance(cosine * x + sine * y, cosine * y - sine * x,
                         each(np.take(tuple(TYPES.values()), kind)), each(radius))
    # A pixel is covered by as much as its centre lies within: soft edges a pixel wide.
    inside = np.clip(.5 - distance, 0, 1)
    line = np.clip(LINE / 2 + .5 - np.abs(distance), 0, 1)
    picture = 1 - inside * (1 - each(fill))
    picture += line * (INK - picture)
    picture += np.float32(noise) * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(np.rint(255 * picture), 0, 255).astype(np.uint8)


def panels(count: int, seed, noise: float = NOISE, allowed=None) -> tuple[np.ndarray, np.ndarray]:
    """Draw panels of random combinations; the same seed gives the same ones.

    Parameters
    ----------
    count : int, >= 0
    seed : int or sequence of int
        Of NumPy's default generator. Training uses sequences, held-out panels plain integers: no
        panel is in both.
    noise : float
    allowed : int array or None
        Numbers of the combinations to draw from; all of them if None.

    Returns
    -------
    images : uint8 array [n, 40, 40]
    attributes : int array [n, 4]
    """
    count = check_int("count", count, 0, 1 << 24, BlockfactorError)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, CLASSES if allowed is None else len(allowed), count)
    attributes = tuples(chosen if allowed is None else np.asarray(allowed)[chosen])
    return render(attributes, rng, noise), attributes
