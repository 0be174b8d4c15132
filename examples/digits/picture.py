"""Renderings of digit triples: shades for a terminal, a PNG of what was found."""

from pathlib import Path

import numpy as np

from .network import FACTORS, WHITE

__all__ = ["ascii_image", "ascii_triple", "draw"]

#: From dark to light, for a terminal with a dark background.
SHADES = " .:-=+*#%@"

PAPER = "#f7f5f0"
INK = "#22252b"
SOFT = "#8b8f98"
GOOD = "#2a7f62"
BAD = "#c0392b"
#: One colour a codebook.
FACTOR_COLORS = ("#35609a", "#b5652a", "#75519c")
#: Centre of a card's text, as a fraction of its width.
RIGHT = .845


def ascii_image(image, color: bool = False) -> str:
    """Render an image as 8 lines of 16 cells, without a newline at the end.

    Parameters
    ----------
    image : array [8, 8], 0..16
    color : bool
        Grey backgrounds (ANSI 24-bit colour) instead of characters of rising density.
    """
    level = np.clip(np.asarray(image, dtype=float) / WHITE, 0, 1)
    if color:
        grey = np.rint(20 + level * 235).astype(int)
        return "\n".join("".join(f"\x1b[48;2;{g};{g};{g}m  " for g in row) + "\x1b[0m"
                         for row in grey)
    shade = np.rint(level * (len(SHADES) - 1)).astype(int)
    return "\n".join("".join(SHADES[s] * 2 for s in row) for row in shade)


def ascii_triple(images, color: bool = False, gap: int = 4) -> str:
    """Render three images side by side, 48 cells and two gaps wide."""
    columns = [ascii_image(image, color).split("\n") for image in images]
    return "\n".join((" " * gap).join(row) for row in zip(*columns))


def draw(path, images, labels, found, scores, cycles, products=None, smax=None, title=None) -> Path:
    """Render triples and what was found in their product vectors as a PNG, one card a triple.

    Parameters
    ----------
    path : path of the PNG
    images : array [n, 3, 8, 8], 0..16
    labels, found : int array [n, 3], 0..9
        True digits, and those found.
    scores : sequence of n int
    cycles : dict of sequences of n int
        By mode of the core, the cycles each triple took.
    products : array [n, B, L] or None
        Product vectors, drawn as one strip of bars a block.
    smax : sequence of n int, or None
        Score of a perfect match, shown beside the score.
    title : str or None

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    ImportError
        Without matplotlib (``pip install blockfactor[plot]``).
    """
    # Only this function needs matplotlib; Figure, not pyplot: no display, no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    images, labels, found = np.asarray(images), np.asarray(labels), np.asarray(found)
    n = len(images)
    columns = 2 if n > 1 else 1
    rows = -(-n // columns)
    # Inches: cards 5.4 wide, images 1.08 square.
    card = 2.08 if products is not None else 1.45
    head = .95
    height = rows * card + head + .12
    figure = Figure(figsize=(5.6 * columns, height), dpi=150, facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.text(.5, 1 - .36 / height, title or "Three digits, one product vector, factorized",
                ha="center", va="center", color=INK, fontsize=15, fontweight="bold")
    right = int((labels == found).all(axis=1).sum())
    means = " and ".join(f"{np.mean(taken):,.0f} ({mode})" for mode, taken in cycles.items())
    figure.text(.5, 1 - .68 / height,
                f"{right} of {n} triples right  \u00b7  cycles on average: {means}",
                ha="center", va="center", color=SOFT, fontsize=10)
    grid = figure.add_gridspec(rows, columns, left=.012, right=.988, bottom=.1 / height,
                               top=1 - head / height, wspace=.03, hspace=.08)
    for i in range(n):
        place = grid[i // columns, i % columns]
        _card(figure, place, images[i], labels[i], found[i], scores[i],
              {mode: taken[i] for mode, taken in cycles.items()},
              None if products is None else products[i], None if smax is None else smax[i])
    figure.savefig(path)
    return Path(path)


def _card(figure, place, images, label, found, score, cycles, product, smax):
    """One triple: images, bound by the operator's sign, and the digits found."""
    from matplotlib.patches import FancyBboxPatch

    frame = figure.add_subplot(place)
    frame.set(xlim=(0, 1), ylim=(0, 1))
    frame.axis("off")
    frame.add_patch(FancyBboxPatch((.012, .02), .976, .96, boxstyle="round,pad=0,rounding_size=.03",
                                   facecolor="white", edgecolor="#dedbd3", linewidth=1,
                                   mutation_aspect=2.2))
    # Fractions of the card; text on the right keeps its distances whatever the card's height.
    size, step = .2, .225
    bottom = .40 if product is not None else .10
    middle = (bottom + .93) / 2
    unit = (.93 - bottom) / 2
    for f in range(FACTORS):
        left = .04 + f * step
        axes = frame.inset_axes([left, bottom, size, .93 - bottom])
        axes.imshow(images[f], cmap="gray_r", vmin=0, vmax=WHITE, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=FACTOR_COLORS[f], linewidth=1.6)
        if f:
            frame.text(left - (step - size) / 2, middle, "\u2299", ha="center", va="center",
                       color=SOFT, fontsize=11)

    def write(x, y, text, points, color, weight="normal"):
        frame.text(x, middle + y * unit, text, ha="center", va="center", fontsize=points,
                   color=color, fontweight=weight)

    for f in range(FACTORS):
        correct = found[f] == label[f]
        x = RIGHT + (f - 1) * .08
        write(x, .62, str(int(found[f])), 23, FACTOR_COLORS[f] if correct else BAD, "bold")
        if not correct:
            write(x, .20, f"is {int(label[f])}", 7.5, BAD)
    every = bool((found == label).all())
    write(RIGHT, -.12, "\u2713 found" if every else "\u2717 wrong", 10, GOOD if every else BAD)
    total = f"score {int(score)}" + (f" of {int(smax)}" if smax is not None else "")
    write(RIGHT, -.44, total, 8.5, INK)
    for i, (mode, taken) in enumerate(cycles.items()):
        write(RIGHT, -.76 - .28 * i, f"{mode}: {int(taken):,} cycles", 8.5, INK)
    if product is not None:
        _strip(frame, np.asarray(product))


def _strip(frame, product):
    """The product vector along the bottom of a card: one panel a block, height by square root."""
    blocks, length = product.shape
    width = .658 / blocks
    for b in range(blocks):
        axes = frame.inset_axes([.04 + b * width, .155, width - .008, .19])
        # Small probabilities are what makes a query soft: the square root shows them.
        axes.bar(np.arange(length), np.sqrt(product[b]), width=length / 64, color=INK)
        axes.set(xlim=(-1, length), ylim=(0, 1.05), xticks=[], yticks=[], facecolor="#f1efe9")
        for spine in axes.spines.values():
            spine.set_visible(False)
    frame.text(.04, .085, f"product vector: {blocks} blocks of {length}", fontsize=6.5,
               color=SOFT, va="center")
