"""Train the networks of this example: ``python -m examples.digits.train`` in the root.

Needs PyTorch and scikit-learn. Writes ``b4.npz``, ``b8.npz`` and ``connected.npz`` (weights in
half precision, codebook, split seed) and ``digits.npz`` (the held-out images), then prints the
figures of ``evaluate.py``. ``connected`` is the same network with an ordinary last layer of 1000
classes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from .evaluate import accuracy, figures
from .network import (
    CONNECTED,
    DIGITS,
    FACTORS,
    HERE,
    VARIANTS,
    WHITE,
    bound_indices,
    classify,
    held_out_triples,
    load,
    place_values,
    split,
)

__all__ = ["ProductNetwork", "augment", "draw_codebook", "train"]

LICENSE = ("Images: test set of 'Optical Recognition of Handwritten Digits' by E. Alpaydin and "
           "C. Kaynak, UCI Machine Learning Repository, as copied by scikit-learn (load_digits); "
           "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/. "
           "A subset, unchanged but for its order.")


class ProductNetwork(nn.Module):
    """One trunk for every image, one hidden layer over the three embeddings, B * L outputs."""

    def __init__(self, blocks: int, length: int, channels=32, embedding=64, hidden=384):
        super().__init__()
        self.shape = (-1, blocks, length)
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.conv3 = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1)
        self.drop = nn.Dropout(.2)
        self.embed = nn.Linear(2 * channels * 16, embedding)
        self.hidden = nn.Linear(FACTORS * embedding, hidden)
        self.output = nn.Linear(hidden, blocks * length)

    def trunk(self, images):
        """[n, 1, 8, 8], 0..1, to [n, embedding]."""
        x = torch.relu(self.conv1(images))
        x = functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.conv3(x))
        return torch.relu(self.embed(self.drop(x.flatten(1))))

    def head(self, embedded):
        """[n, 3 * embedding] to logits [n, B, L]."""
        return self.output(torch.relu(self.hidden(embedded))).view(self.shape)


def augment(images):
    """Turn, scale, shear, shift, brighten every image a little and add noise."""
    n = len(images)

    def normal(sigma):
        return torch.randn(n) * sigma

    angle, scale, stretch, shear = normal(.12), 1 + normal(.08), 1 + normal(.04), normal(.1)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    affine = torch.stack([
        torch.stack([scale * stretch * cosine, shear - sine, normal(.09)], 1),
        torch.stack([sine, scale * cosine, normal(.09)], 1),
    ], 1)
    grid = functional.affine_grid(affine, images.shape, align_corners=False)
    images = functional.grid_sample(images, grid, align_corners=False)
    images = images * (1 + normal(.1).view(-1, 1, 1, 1)) + torch.randn_like(images) * .05
    return images.clamp(0, 1.2)


def draw_codebook(blocks: int, length: int, seed: int) -> np.ndarray:
    """Random codebook [3, 10, B], 0..L-1, of all factors."""
    return np.random.default_rng(seed).integers(0, length, (FACTORS, DIGITS, blocks))


def train(images, labels, codebook, length: int, options) -> ProductNetwork:
    """Train a network on triples of ``images``.

    A step embeds ``batch`` augmented images and draws ``triples`` triples from them: the head,
    which must learn 1000 products, sees more than the trunk. The loss is the cross-entropy of every
    block against the product's index in it; a fully connected head is one block of 1000 indices,
    those of the decimal number.
    """
    blocks = codebook.shape[2]
    rng = np.random.default_rng(options.seed)
    torch.manual_seed(options.seed)
    network = ProductNetwork(blocks, length)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate,
                                                   total_steps=options.steps, pct_start=.15)
    images = torch.tensor(images.astype(np.float32) / WHITE)[:, None]
    total, start = 0., time.perf_counter()
    for step in range(1, options.steps + 1):
        batch = rng.integers(0, len(labels), options.batch)
        triples = rng.integers(0, options.batch, (options.triples, FACTORS))
        target = bound_indices(codebook, labels[batch][triples]) % length
        logits = network.head(network.trunk(augment(images[batch]))[triples].flatten(1))
        loss = functional.cross_entropy(logits.reshape(-1, length),
                                        torch.from_numpy(target.reshape(-1)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 100 == 0 or step == options.steps:
            print(f"  step {step:5} of {options.steps}  loss {total / ((step - 1) % 100 + 1):.4f}"
                  f"  {time.perf_counter() - start:4.0f} s", flush=True)
            total = 0.
    return network.eval()


def main(arguments=None) -> None:
    """Train, save and evaluate."""
    parser = argparse.ArgumentParser(prog="examples.digits.train", description=__doc__)
    add = parser.add_argument
    add("--variants", nargs="+", choices=[*VARIANTS, CONNECTED], default=[*VARIANTS, CONNECTED])
    add("--steps", type=int, default=1500)
    add("--batch", type=int, default=192, help="images embedded a step (%(default)s)")
    add("--triples", type=int, default=1024, help="triples drawn from them (%(default)s)")
    add("--rate", type=float, default=.002, help="largest learning rate (%(default)s)")
    add("--seed", type=int, default=0, help="of weights, augmentation, triples (%(default)s)")
    add("--split-seed", type=int, default=0, help="of the held-out images (%(default)s)")
    add("--codebook-seed", type=int, default=0)
    add("--threads", type=int, default=2,
        help="the result depends on it in the last bits (%(default)s)")
    add("--output", type=Path, default=HERE, help="folder of the .npz files (this one)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)

    data = load_digits()
    training, held_out = split(len(data.images), options.split_seed)
    np.savez_compressed(options.output / "digits.npz",
                        images=data.images[held_out].astype(np.uint8),
                        labels=data.target[held_out].astype(np.uint8), numbers=held_out,
                        split_seed=options.split_seed, license=LICENSE)
    for name in options.variants:
        blocks, length = VARIANTS.get(name, (1, DIGITS**FACTORS))
        print(f"{name}: B={blocks}, L={length}")
        codebook = (place_values() if name == CONNECTED else
                    draw_codebook(blocks, length, options.codebook_seed))
        network = train(data.images[training], data.target[training], codebook, length, options)
        weights = {key: value.numpy().astype(np.float16)
                   for key, value in network.state_dict().items()}
        small = np.uint16 if name == CONNECTED else np.uint8
        np.savez_compressed(options.output / f"{name}.npz", codebook=codebook.astype(small),
                            block_length=length, codebook_seed=options.codebook_seed,
                            split_seed=options.split_seed, **weights)
        trained = load(name, options.output)
        images, labels = held_out_triples(5000, folder=options.output)
        shares = ({"class of the largest score": accuracy(classify(trained, images), labels)}
                  if name == CONNECTED else figures(trained, images, labels))
        for query, share in shares.items():
            print(f"  {query:38} {100 * share:6.2f} %")


if __name__ == "__main__":
    main()
