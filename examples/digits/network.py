"""The trained network in plain NumPy: three digit images in, one product vector out.

Nothing here needs PyTorch or scikit-learn: the weights (``b4.npz``, ``b8.npz``, ``connected.npz``)
and the held-out images (``digits.npz``) lie beside this file. ``train.py`` writes all of them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blockfactor.errors import BlockfactorError

__all__ = ["CONNECTED", "DIGITS", "FACTORS", "VARIANTS", "DigitsNetwork", "bound_indices",
           "classify", "held_out_images", "held_out_triples", "load", "place_values", "split"]

HERE = Path(__file__).parent

#: Codebooks: one for each image the network sees.
FACTORS = 3
#: Codevectors of a codebook: the digits 0 to 9.
DIGITS = 10
#: Trained networks by name: blocks B and block length L of the product vector.
VARIANTS = {"b4": (4, 128), "b8": (8, 64)}
#: The network with an ordinary last layer, of a score for each of the 1000 triples. Seen as a
#: product vector it has one block of 1000, and bound digits are decimal numbers.
CONNECTED = "connected"
#: Images kept out of training, of the data set's 1797.
HELD_OUT = 500
#: Largest value of a pixel.
WHITE = 16
#: Images per matrix product: bounds the memory that the unfolded convolutions take.
CHUNK = 256


def split(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the training and of the held-out images, a random partition."""
    order = np.random.default_rng(seed).permutation(images)
    return order[HELD_OUT:], order[:HELD_OUT]


def bound_indices(codebook, labels) -> np.ndarray:
    """Index of every block of the product of the labels' codevectors, before ``mod L``.

    Parameters
    ----------
    codebook : int array [3, 10, B]
    labels : int array [..., 3], 0..9

    Returns
    -------
    int array [..., B]
    """
    return sum(codebook[f][labels[..., f]] for f in range(FACTORS))


def place_values() -> np.ndarray:
    """Codebook of :data:`CONNECTED`, int array [3, 10, 1]: hundreds, tens, ones."""
    return np.arange(DIGITS)[None, :, None] * np.array([100, 10, 1])[:, None, None]


def classify(network, images) -> np.ndarray:
    """Digits [n, 3] of the class of the largest score, by the network :data:`CONNECTED`.

    Raises
    ------
    BlockfactorError
        Another network: its product vectors are to be factorized.
    """
    if network.name != CONNECTED:
        raise BlockfactorError(f"network {network.name!r} has no class scores, "
                               f"{CONNECTED!r} has")
    best = network.product_vector(images)[:, 0].argmax(axis=1)
    return np.stack(np.unravel_index(best, (DIGITS,) * FACTORS), axis=1)


def _convolve(x, weight, bias):
    """3x3 convolution with zero padding and ReLU; x is [n, 8 or 4, 8 or 4, channels]."""
    n, height, width, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    # Patches are [n, h, w, in, 3, 3] and weights [out, in, 3, 3]: one matrix product.
    flat = patches.reshape(n * height * width, -1) @ weight.reshape(len(weight), -1).T
    return np.maximum(flat + bias, 0).reshape(n, height, width, -1)


def _pool(x):
    """2x2 maximum."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


@dataclass(frozen=True)
class DigitsNetwork:
    """A network that emits the product vector of three digits.

    One convolutional trunk sees each image by itself; its three embeddings side by side go through
    one hidden layer to the B * L outputs. No layer knows the codebooks or how binding works: the
    modular sum of the indices is learned.

    Attributes
    ----------
    name : str
        One of :data:`VARIANTS`, or :data:`CONNECTED`.
    codebook : int array [3, 10, B], 0..L-1
        The codevectors it was trained with: image position, digit, block.
    block_length : int
        L.
    split_seed : int
        Seed of :func:`split` when it was trained.
    weights : dict of float32 arrays
    """

    name: str
    codebook: np.ndarray
    block_length: int
    split_seed: int
    weights: dict

    @property
    def blocks(self) -> int:
        """Blocks B of the product vector."""
        return self.codebook.shape[2]

    def _layer(self, name: str):
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def _embed(self, images):
        """Trunk: [n, 8, 8] pixels 0..16 to [n, E]."""
        x = images.astype(np.float32)[..., None] / np.float32(WHITE)
        x = _convolve(x, *self._layer("conv1"))
        x = _pool(_convolve(x, *self._layer("conv2")))
        x = _convolve(x, *self._layer("conv3"))
        weight, bias = self._layer("embed")
        # The trunk was trained with channels first.
        x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        return np.maximum(x @ weight.T + bias, 0)

    def product_vector(self, images) -> np.ndarray:
        """Return the product vectors of triples of images.

        Parameters
        ----------
        images : array [n, 3, 8, 8], 0..16

        Returns
        -------
        float32 array [n, B, L]
            Probabilities: every block sums to one.

        Raises
        ------
        BlockfactorError
            If the shape is wrong.
        """
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[1:] != (FACTORS, 8, 8):
            raise BlockfactorError(f"images have shape {images.shape}, must be (n, 3, 8, 8)")
        n = len(images)
        flat = images.reshape(n * FACTORS, 8, 8)
        weight, bias = self._layer("hidden")
        x = np.zeros((n * FACTORS, weight.shape[1] // FACTORS), dtype=np.float32)
        for i in range(0, len(flat), CHUNK):
            x[i:i + CHUNK] = self._embed(flat[i:i + CHUNK])
        x = np.maximum(x.reshape(n, weight.shape[1]) @ weight.T + bias, 0)
        weight, bias = self._layer("output")
        logits = (x @ weight.T + bias).reshape(n, self.blocks, self.block_length)
        power = np.exp(logits - logits.max(axis=2, keepdims=True))
        return power / power.sum(axis=2, keepdims=True)


def load(name: str = "b4", folder=HERE) -> DigitsNetwork:
    """Load a trained network from ``folder``; BlockfactorError lists the names there are.

    :data:`CONNECTED` is one more.
    """
    if name not in (*VARIANTS, CONNECTED):
        raise BlockfactorError(f"no network {name!r}; networks are {', '.join(VARIANTS)}")
    with np.load(Path(folder) / f"{name}.npz") as file:
        weights = {key: file[key].astype(np.float32) for key in file.files
                   if key.endswith((".weight", ".bias"))}
        return DigitsNetwork(name, file["codebook"].astype(np.int64), int(file["block_length"]),
                             int(file["split_seed"]), weights)


def held_out_images(folder=HERE) -> tuple[np.ndarray, np.ndarray]:
    """Return the images no network was trained on: uint8 [500, 8, 8], 0..16, and their labels."""
    with np.load(Path(folder) / "digits.npz") as file:
        return file["images"], file["labels"].astype(np.int64)


def held_out_triples(n: int, seed: int = 0, noise: float = 0.,
                     folder=HERE) -> tuple[np.ndarray, np.ndarray]:
    """Draw triples of held-out images, each image independently.

    Parameters
    ----------
    n : int
    seed : int
    noise : float, >= 0
        Standard deviation, in grey levels, of noise added to every pixel; the sum is rounded and
        clipped to 0..16. Makes the network err as often as wanted.
    folder : path
        Where ``digits.npz`` lies.

    Returns
    -------
    images : uint8 array [n, 3, 8, 8], 0..16
    labels : int array [n, 3], 0..9
    """
    images, labels = held_out_images(folder)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(images), (n, FACTORS))
    triples = images[chosen]
    if noise:
        noisy = triples + rng.normal(0, noise, triples.shape)
        triples = np.clip(np.rint(noisy), 0, WHITE).astype(np.uint8)
    return triples, labels[chosen]
