"""Train the networks of this example: ``python -m examples.scenes.train`` in the root.

Needs PyTorch. The same network, from the same seed and on the same panels, is trained once with
each last layer. Writes ``factorizer.npz``, ``connected.npz`` and ``tensor_train.npz`` (weights in
half precision, codebooks) and prints the figures of ``evaluate.py``.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from blockfactor.golden.codebook import Codebooks
from blockfactor.studies.heads import tensor_train_ranks

from .network import (
    BLOCK_LENGTH,
    BLOCKS,
    CONNECTED,
    FACTORIZER,
    HEADS,
    HERE,
    STRIDES,
    TENSOR_TRAIN,
    bound_indices,
)
from .render import CLASSES, SIDE, SIZES, classes, panels

__all__ = ["Network", "TensorTrain", "folded", "train"]

#: Shape of the network: channels of the convolutions, of which the first is 5 wide, units.
CHANNELS, EMBEDDING, WIDTH = (16, 32, 64), 128, 256
#: The width as a product of four numbers, for the tensor train.
MODES = (4, 4, 4, 4)


class TensorTrain(nn.Module):
    """A linear layer whose matrix is a tensor train with outputs 5 x 6 x 9 x 10."""

    def __init__(self, ranks):
        super().__init__()
        ends = (1, *ranks, 1)
        self.cores = nn.ParameterList(
            nn.Parameter(torch.randn(r, m, n, s) * (2 / (n * s)) ** .5)
            for r, m, n, s in zip(ends, SIZES, MODES, ends[1:]))
        self.bias = nn.Parameter(torch.zeros(CLASSES))

    def forward(self, x):
        """[n, width] to logits [n, 2700]."""
        left, right = (torch.einsum("amnr,rpqs->ampnqs", a, b).flatten(1, 2).flatten(2, 3)
                       for a, b in (self.cores[:2], self.cores[2:]))
        x = x.view(len(x), left.shape[2], -1)
        # Left half first: the two halves are matrices, all of the matrix would be larger.
        x = torch.einsum("znq,mnr->zqmr", x, left[0])
        return torch.einsum("zqmr,rpq->zmp", x, right[..., 0]).flatten(1) + self.bias


class Network(nn.Module):
    """Three convolutions and two hidden layers, all with normalisation, and a last layer."""

    def __init__(self, head: str, ranks=None):
        super().__init__()
        before = 1
        side = SIDE
        for (name, stride), after in zip(STRIDES.items(), CHANNELS):
            reach = 2 if before == 1 else 1
            self.add_module(name, nn.Conv2d(before, after, 2 * reach + 1, stride, reach))
            self.add_module(f"{name}_norm", nn.BatchNorm2d(after))
            before, side = after, -(-side // stride)
        self.embed = nn.Linear(before * side**2, EMBEDDING)
        self.embed_norm = nn.BatchNorm1d(EMBEDDING)
        self.hidden = nn.Linear(EMBEDDING, WIDTH)
        self.hidden_norm = nn.BatchNorm1d(WIDTH)
        self.output = {
            FACTORIZER: lambda: nn.Linear(WIDTH, BLOCKS * BLOCK_LENGTH),
            CONNECTED: lambda: nn.Linear(WIDTH, CLASSES),
            TENSOR_TRAIN: lambda: TensorTrain(ranks)}[head]()

    def forward(self, images):
        """Images uint8 [n, 40, 40] to the last layer's logits."""
        x = 1 - images[:, None].float() / 255
        for name in STRIDES:
            x = torch.relu(getattr(self, f"{name}_norm")(getattr(self, name)(x)))
        x = x.flatten(1)
        for name in ("embed", "hidden"):
            x = torch.relu(getattr(self, f"{name}_norm")(getattr(self, name)(x)))
        return self.output(x)


def folded(network: Network) -> dict[str, np.ndarray]:
    """Weights in half precision, the normalisations folded into the layers before them."""
    result = {}
    for name in (*STRIDES, "embed", "hidden"):
        layer, norm = getattr(network, name), getattr(network, f"{name}_norm")
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shape = (-1, *[1] * (layer.weight.ndim - 1))
        result[f"{name}.weight"] = layer.weight * factor.view(shape)
        result[f"{name}.bias"] = (layer.bias - norm.running_mean) * factor + norm.bias
    output = network.output
    if isinstance(output, TensorTrain):
        result |= {f"core{n}": core for n, core in enumerate(output.cores)}
    else:
        result["output.weight"] = output.weight
    result["output.bias"] = output.bias
    return {key: value.detach().numpy().astype(np.float16) for key, value in result.items()}


def train(head: str, codebook, allowed, options) -> Network:
    """Train the network with a last layer, on panels drawn anew for each step.

    The loss is the cross-entropy of every block against the product's index in it, averaged over
    the blocks, or that of the 2,700 classes.
    """
    torch.manual_seed(options.seed)
    ranks = tensor_train_ranks(MODES, SIZES, WIDTH * BLOCKS * BLOCK_LENGTH + BLOCKS * BLOCK_LENGTH
                               - CLASSES)
    network = Network(head, ranks)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate,
                                                   total_steps=options.steps, pct_start=.15)
    total, start, cpu = 0., time.perf_counter(), time.process_time()
    for step in range(1, options.steps + 1):
        images, attributes = panels(options.batch, [options.seed, step], allowed=allowed)
        logits = network(torch.from_numpy(images))
        if head == FACTORIZER:
            target = bound_indices(codebook, attributes).reshape(-1)
            logits = logits.view(-1, BLOCK_LENGTH)
        else:
            target = classes(attributes)
        loss = functional.cross_entropy(logits, torch.from_numpy(target))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 100 == 0 or step == options.steps:
            print(f"  step {step:5} of {options.steps}  loss {total / ((step - 1) % 100 + 1):.4f}"
                  f"  {time.perf_counter() - start:4.0f} s, processor "
                  f"{time.process_time() - cpu:4.0f} s", flush=True)
            total = 0.
    return network.eval()


def main(arguments=None) -> None:
    """Train, save and evaluate."""
    parser = argparse.ArgumentParser(prog="examples.scenes.train", description=__doc__)
    add = parser.add_argument
    add("--heads", nargs="+", choices=HEADS, default=list(HEADS))
    add("--steps", type=int, default=2000)
    add("--batch", type=int, default=128, help="panels a step (%(default)s)")
    add("--rate", type=float, default=.004, help="largest learning rate (%(default)s)")
    add("--seed", type=int, default=0, help="of weights and panels (%(default)s)")
    add("--codebook-seed", type=int, default=0)
    add("--without", type=int, default=0, metavar="N",
        help="combinations of the 2,700 kept out of training (%(default)s)")
    add("--threads", type=int, default=1,
        help="the result depends on it in the last bits (%(default)s)")
    add("--output", type=Path, default=HERE, help="folder of the .npz files (this one)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)

    order = np.random.default_rng(options.seed).permutation(CLASSES)
    held_back, allowed = order[:options.without], np.sort(order[options.without:])
    codebook = Codebooks.random(SIZES, BLOCKS, BLOCK_LENGTH, options.codebook_seed).indices
    codebook = tuple(book.astype(np.int64) for book in codebook)
    for head in options.heads:
        print(f"{head}:")
        network = train(head, codebook, allowed, options)
        np.savez_compressed(
            options.output / f"{head}.npz", held_back=np.sort(held_back).astype(np.uint16),
            codebook_seed=options.codebook_seed,
            **{f"codebook{f}": book.astype(np.uint8) for f, book in enumerate(codebook)},
            **folded(network))


if __name__ == "__main__":
    main()
