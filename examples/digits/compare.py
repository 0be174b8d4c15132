"""The factorizer head beside an ordinary last layer of 1000 classes, and beside a tensor train.

Both networks were trained in the same way, the whole of them, for the same number of steps; only
the size of the tensor train is given, none was trained.
"""

import json
from pathlib import Path

from blockfactor.studies import heads

from .network import CONNECTED, DIGITS, FACTORS, classify, load
from .settings import core_config

__all__ = ["BEHIND", "ENOUGH", "MODES", "compare", "connected_right", "missed", "show"]

#: Fewest triples that say something, and how far the factorizer head may be behind.
ENOUGH, BEHIND = 1000, .005
#: Inputs of the last layer, 384, as a product of three numbers, for the tensor train.
MODES = (6, 8, 8)
#: What the boards' builds have measured.
BOARDS = Path(__file__).parents[2] / "docs" / "boards.json"


def connected_right(images, labels) -> int:
    """Triples that the fully connected network has right."""
    return int((classify(load(CONNECTED), images) == labels).all(axis=1).sum())


def compare(network, joined: dict, connected: int) -> dict:
    """Heads side by side.

    Parameters
    ----------
    network : DigitsNetwork
        With the factorizer head.
    joined : dict
        ``right`` triples and ``mean`` cycles of the core in mode join.
    connected : int
        Right triples of the fully connected network.

    Returns
    -------
    dict
        ``heads``: by head ``right`` (None: not trained), ``parameters``, ``operations`` and
        ``codebook_bits`` of the last layer; ``trunk``: parameters before it; ``boards``: times of
        :func:`blockfactor.studies.heads.board_times`.
    """
    width, sizes = network.weights["output.weight"].shape[1], (DIGITS,) * FACTORS
    factorizer = heads.factorizer(width, sizes, network.blocks, network.block_length)
    ranks = heads.tensor_train_ranks(MODES, sizes, factorizer.parameters - DIGITS**FACTORS)
    rows = {"factorizer": (joined["right"], factorizer),
            "connected": (connected, heads.connected(width, DIGITS**FACTORS)),
            "tensor train": (None, heads.tensor_train(MODES, sizes, ranks))}
    before = sum(array.size for key, array in network.weights.items()
                 if not key.startswith("output."))
    boards = heads.board_times(json.loads(BOARDS.read_text(encoding="utf-8")),
                               core_config(network), joined["mean"])
    return {"heads": {name: {"right": right, **head._asdict()}
                      for name, (right, head) in rows.items()},
            "trunk": before, "boards": [time._asdict() for time in boards]}


def missed(table: dict, count: int) -> list[str]:
    """Whether the factorizer head is too far behind, in words."""
    have, want = (table["heads"][name]["right"] for name in ("factorizer", "connected"))
    if count < ENOUGH or have >= want - BEHIND * count:
        return []
    return [f"the factorizer head has {have:,} of {count:,} right, the fully connected one "
            f"{want:,}: more than {BEHIND:.1%} behind"]


def show(table: dict, count: int) -> None:
    """Print the heads, and the times on the boards."""
    print(f"  {'last layer':18}   right  parameters  operations  codebooks")
    for name, head in table["heads"].items():
        right = "      -" if head["right"] is None else f"{head['right'] / count:7.2%}"
        print(f"  {name:18} {right} {head['parameters']:11,} {head['operations']:11,} "
              f"{head['codebook_bits']:5,} bits")
    print(f"  parameters before it {table['trunk']:14,}")
    times = {}
    for time in table["boards"]:
        text = f"{time['microseconds']:.2f} us at {time['clock_hz'] / 1e6:g} MHz"
        times.setdefault(text + ("" if time["holds"] else ", another core than the preset's"),
                         []).append(time["board"])
    for text, boards in times.items():
        print(f"  join takes {text}: {', '.join(boards)}")
