"""Train the networks of this example: ``python -m examples.scenes.train`` in the root.

Needs PyTorch. A network is trained end to end once for each head, after a warm-up that is the same
for both: the convolutions and the embedding are trained once, on the four attributes, then two
hidden layers and each last layer on their outputs. From there all layers are trained together on
the head's own loss. Data, seeds, steps and learning rates are the same for both heads. Writes
``trunk.npz``, where both start, and two files a head (weights in half precision).
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

__all__ = ["Head", "Trunk", "Whole", "folded", "train_head", "train_together", "train_trunk"]

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


class Whole(nn.Module):
    """All layers with the weights of ``folded``: the normalisations are in them."""

    LAYERS = (*Trunk.LAYERS, *Head.LAYERS, "output")

    def __init__(self, weights: dict):
        super().__init__()
        for name in self.LAYERS:
            weight = torch.from_numpy(weights[f"{name}.weight"].astype(np.float32))
            if name in STRIDES:
                layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2],
                                  STRIDES[name], weight.shape[2] // 2)
            else:
                layer = nn.Linear(weight.shape[1], weight.shape[0])
            bias = torch.from_numpy(weights[f"{name}.bias"].astype(np.float32))
            layer.load_state_dict({"weight": weight, "bias": bias})
            self.add_module(name, layer)

    def groups(self) -> list[list]:
        """Parameters of the trunk, and those of the layers after it."""
        return [[value for name in names for value in getattr(self, name).parameters()]
                for names in (Trunk.LAYERS, (*Head.LAYERS, "output"))]

    def forward(self, images):
        """Images uint8 [n, 40, 40] to the last layer's logits."""
        x = 1 - images[:, None].float() / 255
        for name in self.LAYERS[:-1]:
            x = torch.relu(getattr(self, name)(x.flatten(1) if name == "embed" else x))
        return self.output(x)

    def stored(self) -> dict[str, np.ndarray]:
        """Weights in half precision."""
        return {key: value.numpy().astype(np.float16) for key, value in self.state_dict().items()}


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


def _optimise(network, steps: int, rates: list, batch_loss) -> None:
    """Take so many steps of AdamW with one cycle of the learning rates, and say how it goes.

    ``rates`` are pairs of a list of parameters and their largest learning rate.
    """
    if not steps:
        network.eval()
        return
    optimizer = torch.optim.AdamW([{"params": list(part), "lr": rate} for part, rate in rates],
                                  weight_decay=.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [rate for _, rate in rates],
                                                   total_steps=steps, pct_start=.15)
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

    both = nn.ModuleList([trunk, readout])
    _optimise(both, options.trunk_steps, [(both.parameters(), options.rate)], loss)
    return trunk


def embeddings(trunk, allowed, options):
    """The trunk's outputs for the panels that all heads are trained on, and their attributes."""
    found = [panels(1000, [options.seed, 1_000_000 + n], allowed=allowed)
             for n in range(options.panels // 1000)]
    return (torch.from_numpy(np.concatenate([trunk.embeddings(images) for images, _ in found])),
            np.concatenate([attributes for _, attributes in found]))


def targets(head: str, codebook, attributes):
    """What a head is trained to say: the product's index in each block [n, B], or the class [n]."""
    return torch.from_numpy(bound_indices(codebook, attributes) if head == FACTORIZER else
                            classes(attributes))


def head_loss(head: str, logits, target):
    """Cross-entropy of every block, averaged over the blocks, or that of the 2,700 classes."""
    if head == FACTORIZER:
        logits = logits.view(-1, BLOCK_LENGTH)
    return functional.cross_entropy(logits, target.reshape(-1))


def train_head(head: str, codebook, embedded, attributes, options) -> Head:
    """Train hidden layers and a last layer on embeddings."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    network = Head(head)
    target = targets(head, codebook, attributes)

    def loss(_):
        chosen = torch.from_numpy(rng.integers(0, len(embedded), options.batch))
        return head_loss(head, network(embedded[chosen]), target[chosen])

    _optimise(network, options.steps, [(network.parameters(), options.rate)], loss)
    return network


def train_together(head: str, weights: dict, codebook, allowed, options) -> Whole:
    """Train all layers of a network together, on panels drawn anew each step.

    ``weights`` are where it starts: arrays of the trunk and of the layers after it by name, as
    ``folded`` gives them. The panels are the same for every head; the loss is that of the head.
    """
    network = Whole(weights)

    def batch_loss(step):
        images, attributes = panels(options.together_batch, [options.seed, 2_000_000 + step],
                                    allowed=allowed)
        return head_loss(head, network(torch.from_numpy(images)),
                         targets(head, codebook, attributes))

    trunk, rest = network.groups()
    _optimise(network, options.together_steps,
              [(trunk, options.trunk_rate), (rest, options.together_rate)], batch_loss)
    return network


def save(head: str, network: Whole, folder: Path) -> None:
    """Write a head's two files: its trunk, and the layers after it."""
    parts = {False: {}, True: {}}
    for key, array in network.stored().items():
        parts[key.partition(".")[0] in Trunk.LAYERS][key] = array
    np.savez_compressed(folder / f"{head}_{TRUNK}.npz", **parts[True])
    np.savez_compressed(folder / f"{head}.npz", **parts[False])


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    result = argparse.ArgumentParser(prog="examples.scenes.train", description=__doc__)
    add = result.add_argument
    add("--heads", nargs="*", choices=HEADS, default=list(HEADS))
    add("--trunk-steps", type=int, default=1400)
    add("--trunk-batch", type=int, default=64, help="panels a step of the trunk (%(default)s)")
    add("--panels", type=int, default=40_000, help="panels the heads are trained on (%(default)s)")
    add("--steps", type=int, default=1000, help="of each head (%(default)s)")
    add("--batch", type=int, default=512, help="panels a step of a head (%(default)s)")
    add("--rate", type=float, default=.005, help="largest learning rate (%(default)s)")
    add("--together-steps", type=int, default=600,
        help="of each head with its trunk, all layers together (%(default)s)")
    add("--together-batch", type=int, default=128, help="panels of such a step (%(default)s)")
    add("--together-rate", type=float, default=.0005,
        help="largest learning rate then, of the layers after the trunk (%(default)s)")
    add("--trunk-rate", type=float, default=.0002,
        help="largest learning rate then, of the trunk (%(default)s)")
    add("--seed", type=int, default=0, help="of weights and panels (%(default)s)")
    add("--codebook-seed", type=int, default=0)
    add("--without", type=int, default=0, metavar="N",
        help="combinations of the 2,700 kept out of training (%(default)s)")
    add("--keep-trunk", action="store_true", help="start from the trunk in this folder")
    add("--threads", type=int, default=1,
        help="the result depends on it in the last bits (%(default)s)")
    add("--output", type=Path, default=HERE, help="folder of the .npz files (this one)")
    return result


def main(arguments=None) -> None:
    """Train and save."""
    options = parser().parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)

    order = np.random.default_rng(options.seed).permutation(CLASSES)
    held_back = np.sort(order[:options.without])
    if options.keep_trunk:
        with np.load(HERE / f"{TRUNK}.npz") as file:
            arrays = dict(file)
    else:
        print("trunk:", flush=True)
        codebook = Codebooks.random(SIZES, BLOCKS, BLOCK_LENGTH, options.codebook_seed).indices
        arrays = {f"codebook{f}": book.astype(np.uint8) for f, book in enumerate(codebook)}
        arrays |= {"codebook_seed": options.codebook_seed,
                   **folded(train_trunk(np.setdiff1d(order, held_back), options))}
    arrays["held_back"] = held_back.astype(np.uint16)
    np.savez_compressed(options.output / f"{TRUNK}.npz", **arrays)
    # What the heads are trained on is what they will see: half precision, folded.
    trunk = load(TRUNK, options.output)
    allowed = np.setdiff1d(np.arange(CLASSES), trunk.held_back)
    embedded, attributes = embeddings(trunk, allowed, options)
    for head in options.heads:
        print(f"{head}:", flush=True)
        weights = trunk.weights | folded(
            train_head(head, trunk.codebook, embedded, attributes, options))
        print(f"{head}, all layers together:", flush=True)
        save(head, train_together(head, weights, trunk.codebook, allowed, options), options.output)


if __name__ == "__main__":
    main()
