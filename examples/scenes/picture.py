"""A contact sheet of panels with what the core found in their product vectors.

``python -m examples.scenes.picture FILE`` in the repository's root; needs matplotlib.
"""

import argparse
import sys
from pathlib import Path

from blockfactor.cli._common import output_file
from blockfactor.errors import BlockfactorError

from .evaluate import search
from .network import load
from .render import ATTRIBUTES, NAMES, panels

__all__ = ["describe", "draw", "main"]

PAPER, INK, SOFT, BAD = "#f7f5f0", "#22252b", "#8b8f98", "#c0392b"


def describe(attributes) -> list[str]:
    """Words for the attributes [4] of a panel."""
    return [NAMES[name][value] for name, value in zip(ATTRIBUTES, attributes)]


def draw(path, images, attributes, results, columns: int = 6) -> Path:
    """Write a PNG: each panel, the tuple found, its meaning, score and cycles.

    What differs from the true attributes is red, with the true value beside it.

    Parameters
    ----------
    path : path of the PNG
    images : uint8 array [n, 40, 40]
    attributes : int array [n, 4]
        The true ones.
    results : sequence of n Result
    columns : int
    """
    # Figure, not pyplot: no display, no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(images) // columns)
    figure = Figure(figsize=(1.9 * columns, 2.75 * rows + .7), dpi=110, facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.text(.5, 1 - .3 / (2.75 * rows + .7), "One object, one product vector, four attributes",
                ha="center", va="center", color=INK, fontsize=14, fontweight="bold")
    grid = figure.add_gridspec(rows, columns, left=.015, right=.985, bottom=.01,
                               top=1 - .6 / (2.75 * rows + .7), wspace=.08, hspace=.05)
    for n, (image, true, result) in enumerate(zip(images, attributes, results)):
        frame = figure.add_subplot(grid[n // columns, n % columns])
        frame.set(xlim=(0, 1), ylim=(0, 1))
        frame.axis("off")
        axes = frame.inset_axes([.02, .36, .96, .62])
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        frame.text(.5, .31, f"({', '.join(map(str, result.indices))})", ha="center", va="center",
                   fontsize=9.5, color=INK, fontweight="bold", family="monospace")
        found, want = describe(result.indices), describe(true)
        for line, pair in enumerate(((0, 1), (2, 3))):
            wrong = [k for k in pair if found[k] != want[k]]
            text = ", ".join(found[k] for k in pair)
            if wrong:
                text += f" (is {', '.join(want[k] for k in wrong)})"
            frame.text(.5, .225 - .08 * line, text, ha="center", va="center",
                       fontsize=7 if wrong else 8, color=BAD if wrong else INK)
        frame.text(.5, .06, f"score {result.score} of {result.smax}, {result.cycles} cycles",
                   ha="center", va="center", fontsize=7, color=SOFT)
    figure.savefig(path)
    return Path(path)


def main(arguments=None) -> int:
    """Draw panels, those that the core has wrong among them if there are any."""
    parser = argparse.ArgumentParser(prog="examples.scenes.picture", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="PNG to write")
    parser.add_argument("--seed", type=int, default=0, help="seed of the panels (%(default)s)")
    parser.add_argument("--count", type=int, default=18, help="panels (%(default)s)")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.seed < 0:
        parser.error("--count must be at least 1, --seed at least 0")
    output_file(options.file)
    images, attributes = panels(max(1000, options.count), options.seed)
    network = load()
    results = search(network, network.product_vector(images))
    wrong = [n for n, (result, true) in enumerate(zip(results, attributes))
             if result.indices != tuple(true)]
    # One panel that is wrong shows what a mistake looks like; the others come in order.
    right = [n for n in range(len(results)) if n not in wrong]
    chosen = sorted([*wrong[:1], *right[:options.count - len(wrong[:1])]])
    draw(options.file, images[chosen], attributes[chosen], [results[n] for n in chosen])
    print(f"{options.file}: {len(chosen)} panels; of {len(results):,} {len(wrong)} are wrong")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ImportError as problem:
        sys.exit(f"picture: error: {problem}: pip install 'blockfactor[plot]'")
    except (BlockfactorError, OSError) as problem:
        sys.exit(f"picture: error: {problem}")
