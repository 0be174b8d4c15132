"""Train the networks of this example: ``python -m examples.scenes.train`` in the root.

Needs PyTorch. The convolutions and the embedding are trained once, on the four attributes. Then
two hidden layers and each last layer are trained on the same embeddings, from the same seed, for
the same number of steps: as when a network's classifier is replaced. Writes ``trunk.npz`` and a
file a head (weights in half precision).
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from blockfactor.golden.codebook import Codebooks

from .network import (
    BLOCK_LENGTH,
    BLOCKS,
    CONNECTED,
    FACTORIZER,
    HEADS,
    HERE,
    STRIDES,
    TRUNK,
    bound_indices,
    load,
)
from .render import CLASSES, SIDE, SIZES, classes, panels

__all__ = ["Head", "Trunk", "folded", "train_head", "train_trunk"]

#: Shape of the network: channels of the convolutions, of which the first is 5 wide, and units of
#: the embedding and of the hidden layers.
CHANNELS, EMBEDDING, HIDDEN, WIDTH = (16, 32, 64), 128, 512, 256


class Trunk(nn.Module):
    """Three convolutions and the embedding, all with normalisation."""

    LAYERS = (*STRIDES, "embed")

    def __init__(self):
        super().__init__()
        before, side = 1, SIDE
        for (name, stride), after in zip(STRIDES.items(), CHANNELS):
            reach = 2 if before == 1 else 1
            self.add_module(name, nn.Conv2d(before, after, 2 * reach + 1, stride, reach))
            self.add_module(f"{name}_norm", nn.BatchNorm2d(after))
            before, side = after, -(-side // stride)
        self.embed = nn.Linear(before * side**2, EMBEDDING)
        self.embed_norm = nn.BatchNorm1d(EMBEDDING)

    def forward(self, images):
        """Images uint8 [n, 40, 40] to embeddings [n, 128]."""
        x = 1 - images[:, None].float() / 255
        for name in STRIDES:
            x = torch.relu(getattr(self, f"{name}_norm")(getattr(self, name)(x)))
        return torch.relu(self.embed_norm(self.embed(x.flatten(1))))


class Head(nn.Module):
    """Two hidden layers with normalisation, and a last layer."""

    LAYERS = ("hidden1", "hidden2")

    def __init__(self, head: str):
        super().__init__()
        self.hidden1 = nn.Linear(EMBEDDING, HIDDEN)
        self.hidden1_norm = nn.BatchNorm1d(HIDDEN)
        self.hidden2 = nn.Linear(HIDDEN, WIDTH)
        self.hidden2_norm = nn.BatchNorm1d(WIDTH)
        outputs = {FACTORIZER: BLOCKS * BLOCK_LENGTH, CONNECTED: CLASSES}[head]
        self.output = nn.Linear(WIDTH, outputs)

    def forward(self, x):
        """Embeddings [n, 128] to the last layer's logits."""
        for name in self.LAYERS:
            x = torch.relu(getattr(self, f"{name}_norm")(getattr(self, name)(x)))
        return self.output(x)


def folded(network) -> dict[str, np.ndarray]:
    """Weights in half precision, the normalisations folded into the layers before them."""
    result = {}
    for name in network.LAYERS:
        layer, norm = getattr(network, name), getattr(network, f"{name}_norm")
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shape = (-1, *[1] * (layer.weight.ndim - 1))
        result[f"{name}.weight"] = layer.weight * factor.view(shape)
        result[f"{name}.bias"] = (layer.bias - norm.running_mean) * factor + norm.bias
    if hasattr(network, "output"):
        result |= {"output.weight": network.output.weight, "output.bias": network.output.bias}
    return {key: value.detach().numpy().astype(np.float16) for key, value in result.items()}


def _optimise(network, steps: int, rate: float, batch_loss) -> None:
    """Take so many steps of AdamW with one cycle of the learning rate, and say how it goes."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps,
                                                   pct_start=.15)
    total, start, cpu = 0., time.perf_counter(), time.process_time()
    for step in range(1, steps + 1):
        loss = batch_loss(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 100 == 0 or step == steps:
            print(f"  step {step:5} of {steps}  loss {total / ((step - 1) % 100 + 1):.4f}"
                  f"  {time.perf_counter() - start:4.0f} s, processor "
                  f"{time.process_time() - cpu:4.0f} s", flush=True)
            total = 0.
    network.eval()


def train_trunk(allowed, options) -> Trunk:
    """Train the trunk to name the attributes, one softmax each, on panels drawn anew each step."""
    torch.manual_seed(options.seed)
    trunk = Trunk()
    readout = nn.Linear(EMBEDDING, sum(SIZES))

    def loss(step):
        images, attributes = panels(options.trunk_batch, [options.seed, step], allowed=allowed)
        parts = readout(trunk(torch.from_numpy(images))).split(SIZES, dim=1)
        return sum(functional.cross_entropy(part, torch.from_numpy(target))
                   for part, target in zip(parts, attributes.T))

    _optimise(nn.ModuleList([trunk, readout]), options.trunk_steps, options.rate, loss)
    return trunk


def embeddings(trunk, allowed, options):
    """The trunk's outputs for the panels that all heads are trained on, and their attributes."""
    found = [panels(1000, [options.seed, 1_000_000 + n], allowed=allowed)
             for n in range(options.panels // 1000)]
    return (torch.from_numpy(np.concatenate([trunk.embeddings(images) for images, _ in found])),
            np.concatenate([attributes for _, attributes in found]))


def train_head(head: str, codebook, embedded, attributes, options) -> Head:
    """Train hidden layers and a last layer on embeddings.

    The loss is the cross-entropy of every block against the product's index in it, averaged over
    the blocks, or that of the 2,700 classes.
    """
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    network = Head(head)
    target = torch.from_numpy(bound_indices(codebook, attributes) if head == FACTORIZER else
                              classes(attributes))

    def loss(_):
        chosen = torch.from_numpy(rng.integers(0, len(embedded), options.batch))
        logits = network(embedded[chosen])
        if head == FACTORIZER:
            logits = logits.view(-1, BLOCK_LENGTH)
        return functional.cross_entropy(logits, target[chosen].reshape(-1))

    _optimise(network, options.steps, options.rate, loss)
    return network


def main(arguments=None) -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(prog="examples.scenes.train", description=__doc__)
    add = parser.add_argument
    add("--heads", nargs="*", choices=HEADS, default=list(HEADS))
    add("--trunk-steps", type=int, default=1400)
    add("--trunk-batch", type=int, default=64, help="panels a step of the trunk (%(default)s)")
    add("--panels", type=int, default=40_000, help="panels the heads are trained on (%(default)s)")
    add("--steps", type=int, default=1000, help="of each head (%(default)s)")
    add("--batch", type=int, default=512, help="panels a step of a head (%(default)s)")
    add("--rate", type=float, default=.005, help="largest learning rate (%(default)s)")
    add("--seed", type=int, default=0, help="of weights and panels (%(default)s)")
    add("--codebook-seed", type=int, default=0)
    add("--without", type=int, default=0, metavar="N",
        help="combinations of the 2,700 kept out of training (%(default)s)")
    add("--keep-trunk", action="store_true", help="train heads on the trunk that is there")
    add("--threads", type=int, default=1,
        help="the result depends on it in the last bits (%(default)s)")
    add("--output", type=Path, default=HERE, help="folder of the .npz files (this one)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)

    if not options.keep_trunk:
        print("trunk:", flush=True)
        order = np.random.default_rng(options.seed).permutation(CLASSES)
        held_back = np.sort(order[:options.without])
        trunk = train_trunk(np.setdiff1d(order, held_back), options)
        codebook = Codebooks.random(SIZES, BLOCKS, BLOCK_LENGTH, options.codebook_seed).indices
        np.savez_compressed(
            options.output / f"{TRUNK}.npz", held_back=held_back.astype(np.uint16),
            codebook_seed=options.codebook_seed,
            **{f"codebook{f}": book.astype(np.uint8) for f, book in enumerate(codebook)},
            **folded(trunk))
    # What the heads are trained on is what they will see: half precision, folded.
    trunk = load(TRUNK, options.output)
    allowed = np.setdiff1d(np.arange(CLASSES), trunk.held_back)
    embedded, attributes = embeddings(trunk, allowed, options)
    for head in options.heads:
        print(f"{head}:", flush=True)
        network = train_head(head, trunk.codebook, embedded, attributes, options)
        np.savez_compressed(options.output / f"{head}.npz", **folded(network))


if __name__ == "__main__":
    main()
