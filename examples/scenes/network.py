"""The trained networks in plain NumPy: a panel in, a product vector or class scores out.

Nothing here needs PyTorch: the weights (``trunk.npz``, and ``factorizer.npz`` and ``connected.npz``
of the layers after it) lie beside this file; ``train.py`` writes them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blockfactor.errors import BlockfactorError

from .render import SIDE, SIZES, tuples

__all__ = ["BLOCKS", "BLOCK_LENGTH", "CONNECTED", "FACTORIZER", "HEADS", "TRUNK", "SceneNetwork",
           "bound_indices", "load"]

HERE = Path(__file__).parent

#: Blocks B and block length L of the product vector.
BLOCKS, BLOCK_LENGTH = 4, 256
#: Last layers that the same network was trained with: B * L logits of a product vector; a logit
#: for each of the 2,700 classes.
FACTORIZER, CONNECTED = HEADS = ("factorizer", "connected")
#: The file of the layers that all of them share.
TRUNK = "trunk"
#: Images per matrix product: bounds the memory that the unfolded convolutions take.
CHUNK = 256
#: Convolutions and their strides.
STRIDES = {"conv1": 2, "conv2": 2, "conv3": 2}
#: Layers between the embedding, where the trunk ends, and the last one.
HIDDEN = ("hidden1", "hidden2")


def bound_indices(codebook, attributes, length: int = BLOCK_LENGTH) -> np.ndarray:
    """Index in every block of the product of the attributes' codevectors.

    Parameters
    ----------
    codebook : sequence of 4 int arrays [M, B]
    attributes : int array [..., 4]

    Returns
    -------
    int array [..., B], 0..L-1
    """
    return sum(book[attributes[..., f]] for f, book in enumerate(codebook)) % length


def _convolve(x, weight, bias, stride: int):
    """Convolution with zero padding and ReLU; x is [n, height, width, channels]."""
    reach = weight.shape[2] // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(1, 2))
    patches = patches[:, ::stride, ::stride]
    n, height, width = patches.shape[:3]
    # Patches are [n, h, w, in, k, k] and weights [out, in, k, k]: one matrix product.
    flat = patches.reshape(n * height * width, -1) @ weight.reshape(len(weight), -1).T
    return np.maximum(flat + bias, 0).reshape(n, height, width, -1)


@dataclass(frozen=True)
class SceneNetwork:
    """Three convolutions, an embedding, two hidden layers, and a last layer.

    Attributes
    ----------
    head : str
        One of :data:`HEADS`.
    weights : dict of float32 arrays
    codebook : tuple of 4 int arrays [M, B], 0..L-1
        Codevectors by attribute; what a factorizer head was trained with.
    held_back : int array
        Numbers of the combinations it was not trained with.
    """

    head: str
    weights: dict
    codebook: tuple
    held_back: np.ndarray

    def _layer(self, name: str):
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def embeddings(self, images) -> np.ndarray:
        """Run the trunk: convolutions and embedding.

        Parameters
        ----------
        images : array [n, 40, 40], 0..255

        Returns
        -------
        float32 array [n, 128]

        Raises
        ------
        BlockfactorError
            If the shape is wrong.
        """
        images = np.asarray(images)
        if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
            raise BlockfactorError(f"images have shape {images.shape}, must be (n, {SIDE}, {SIDE})")
        parts = [self._embed(images[n:n + CHUNK]) for n in range(0, max(1, len(images)), CHUNK)]
        return np.concatenate(parts)

    def _embed(self, images):
        # White paper is 0: then the padding looks like more of it.
        x = 1 - images.astype(np.float32)[..., None] / np.float32(255)
        for name, stride in STRIDES.items():
            x = _convolve(x, *self._layer(name), stride)
        # It was trained with channels first.
        x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        weight, bias = self._layer("embed")
        return np.maximum(x @ weight.T + bias, 0)

    def logits(self, images) -> np.ndarray:
        """Outputs of the last layer: float32 [n, B * L] or [n, 2700]."""
        x = self.embeddings(images)
        for name in HIDDEN:
            weight, bias = self._layer(name)
            x = np.maximum(x @ weight.T + bias, 0)
        weight, bias = self._layer("output")
        return x @ weight.T + bias

    def product_vector(self, images) -> np.ndarray:
        """Product vectors, float32 [n, B, L]: every block's probabilities sum to one.

        Raises
        ------
        BlockfactorError
            The network has another head.
        """
        if self.head != FACTORIZER:
            raise BlockfactorError(f"head {self.head!r} gives no product vector, "
                                   f"{FACTORIZER!r} does")
        logits = self.logits(images).reshape(-1, BLOCKS, BLOCK_LENGTH)
        power = np.exp(logits - logits.max(axis=2, keepdims=True))
        return power / power.sum(axis=2, keepdims=True)

    def classify(self, images) -> np.ndarray:
        """Attributes [n, 4] of the class of the largest score, of heads that have scores.

        Raises
        ------
        BlockfactorError
            The network has a factorizer head.
        """
        if self.head == FACTORIZER:
            raise BlockfactorError(f"head {self.head!r} has no class scores, its product vector "
                                   "is to be factorized")
        return tuples(self.logits(images).argmax(axis=1))

    @property
    def parameters(self) -> dict[str, int]:
        """Weights and biases by layer."""
        names = dict.fromkeys(name.partition(".")[0] for name in self.weights)
        return {name: sum(array.size for key, array in self.weights.items()
                          if key.startswith(f"{name}.")) for name in names}

    @property
    def operations(self) -> dict[str, int]:
        """Multiply-accumulates a panel by layer."""
        result, side = {}, SIDE
        for name, stride in STRIDES.items():
            side = -(-side // stride)
            result[name] = self.weights[f"{name}.weight"].size * side**2
        return result | {name: self.weights[f"{name}.weight"].size
                         for name in ("embed", *HIDDEN, "output")}


def load(head: str = FACTORIZER, folder=HERE) -> SceneNetwork:
    """Load a trained network from ``folder``; BlockfactorError lists the heads there are.

    ``trunk`` loads what they share, which gives embeddings only.
    """
    if head not in (*HEADS, TRUNK):
        raise BlockfactorError(f"no head {head!r}; heads are {', '.join(HEADS)}")
    arrays = {}
    for name in dict.fromkeys((TRUNK, head)):
        with np.load(Path(folder) / f"{name}.npz") as file:
            arrays |= {key: file[key] for key in file.files}
    weights = {key: array.astype(np.float32) for key, array in arrays.items()
               if key.endswith((".weight", ".bias"))}
    codebook = tuple(arrays[f"codebook{f}"].astype(np.int64) for f in range(len(SIZES)))
    return SceneNetwork(head, weights, codebook, arrays["held_back"].astype(np.int64))
