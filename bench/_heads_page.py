"""docs/heads.md: what a factorizer head saves, and where it saves nothing."""

from blockfactor.studies.heads import codebook_bits, connected, factorizer

__all__ = ["CLASSES", "MARGIN", "NETWORKS", "SHAPES", "text"]

#: Classes and the codevectors of each of two codebooks; 24 of 1,024 combinations stay unused.
CLASSES = {100: 10, 1000: 32, 10_000: 100}
#: Networks and the inputs of their last layer.
NETWORKS = {"ResNet-18": 512, "MobileNetV2": 1280}
#: Blocks and block length of product vectors: D = 512, 1,024, 1,280.
SHAPES = ((4, 128), (4, 256), (5, 256))
#: Logit margin of soft queries.
MARGIN = 4.0

HEAD = """\
# The last layer of a classifier

A network with C classes usually ends in a fully connected layer. A *factorizer head* ends in a
product vector of F codebooks with M codevectors each, M^F >= C, which the core turns into the
class's numbers. This page says what that saves, for two factors, and where it saves nothing.
Networks trained with both heads are in
[examples/scenes](../examples/scenes/README.md) (2,700 classes, F=4) and
[examples/digits](../examples/digits/README.md) (1,000 classes, F=3).

Made by `python bench/heads.py` (`--queries {queries}`, `--seed {seed}`).

## Parameters and operations

| classes | M | layer of | inputs I | fully connected | {projections} | no projection |
|---:|---:|---|---:|---:|{lines}---|
"""

FORMULAS = """
Trained parameters; a multiply-accumulate each, but for the biases. In brackets: of the fully
connected layer's. With I inputs, C classes and a product vector of D = B L elements:

- **Fully connected**: I C + C parameters, I C multiply-accumulates.
- **Factorizer head with a projection**: I D + D parameters, I D multiply-accumulates, whatever C.
- **Without a projection**, where D = I: the last features, in B blocks with a softmax each, are the
  product vector. No parameter, no multiply-accumulate. ResNet-18's 512 features are D=512, B=4;
  MobileNetV2's 1,280 are B=5 blocks of 256.
- **Codebooks**: F M B ceil(log2 L) bits, of either kind; random, not trained.
- **Softmax**: D exponentials in place of the C that class probabilities take. The core needs none
  where it is given logits (`dense_weights`).

**Where it saves nothing.** With a projection the head has (D + D / I) / (C + C / I) = D / C times
the parameters of the fully connected layer: it saves where C is larger than D, and D need not grow
with C. It has more than what it replaces with:

{more}
Whether a network keeps its accuracy with such a head, and whether it does without the projection,
is a matter of training it: nothing on this page was trained, and the two examples have a
projection. The published figures for ImageNet are in arXiv 2303.13957, not here.

## Codebooks and cycles

Share of queries of which both codevectors were found, mean cycles and in brackets those of 99 %;
{queries:,} queries with a codebook each. Soft: entries of a softmax with logit margin {margin:g}
([design.md](design.md), section 6); join looks up in two blocks then. *Bound*: most cycles join can
take, whatever query and codebooks, if every codevector had the same index; exhaustive: share that
exhaustive search finds.

| classes | M | D | B | codebooks | query | join found | cycles | bound | factorize found | cycles \
| exhaustive |
|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|
"""

NOTES = """
- **Join** goes through half of M rows on average, and some 20 cycles come on top: at 12 MHz
  10,000 classes take {slow:.1f} microseconds.
- **Factorize**: clean queries with A = 0, T = 0, as published for M from 32 to 348, and lists of
  M; soft ones with T = .004, one block trimmed, at most 40 iterations. It was not tuned further.
- **Soft queries**: exhaustive search is the most that any way of decoding can find, but for luck
  among equal scores. It finds:{soft}.
  At the same margin a longer block is wrong more often, since more indices compete, but more
  blocks decide: D=512 is enough for 1,000 classes, and a fifth block does more than longer ones.
- The cycles are those from start to result, without the transfer of the query: 8 entries in each
  block.
"""


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio >= 1.05 else f"{ratio:.1%}"


def _layers() -> tuple[list[str], list[str]]:
    """Rows of the table of parameters, and where a projection has more than it replaces."""
    rows, more = [], []
    for classes, size in CLASSES.items():
        for name, inputs in NETWORKS.items():
            full = connected(inputs, classes)
            cells = [f"{classes:,}", str(size), name, f"{inputs:,}", f"{full.parameters:,}"]
            for blocks, length in SHAPES[:2]:
                head = factorizer(inputs, (size, size), blocks, length)
                ratio = head.parameters / full.parameters
                cells.append(f"{head.parameters:,} ({_times(ratio)})")
                if ratio > 1:
                    more.append(f"- {name}, {classes:,} classes, D={blocks * length:,}: "
                                f"{head.parameters:,} for {full.parameters:,}, {_times(ratio)}\n")
            blocks, length = next(shape for shape in SHAPES if shape[0] * shape[1] == inputs)
            bits = codebook_bits((size, size), blocks, length)
            cells.append(f"0, codebooks of {bits:,} bits")
            rows.append("| " + " | ".join(cells) + " |\n")
    return rows, more


def _cells(row: dict) -> str:
    size, blocks, length = CLASSES[row["classes"]], row["blocks"], row["block_length"]
    join, iterated, best = (row["ways"][name] for name in ("join", "factorize", "exhaustive"))

    def cycles(way):
        return f"{way['mean']:,.0f} ({way['p99']:,.0f})"

    return (f"| {row['classes']:,} | {size} | {blocks * length:,} | {blocks} | "
            f"{codebook_bits((size, size), blocks, length):,} bits | {row['kind']} | "
            f"{join['found']:.4f} | {cycles(join)} | {join['bound']:,} | {iterated['found']:.4f} | "
            f"{cycles(iterated)} | {best['found']:.4f} |\n")


def _soft(rows: list[dict]) -> str:
    """What soft queries lose at the smallest and the other dimensions."""
    found = {(row["classes"], row["blocks"] * row["block_length"]): row["ways"]["exhaustive"]
             ["found"] for row in rows if row["kind"] == "soft"}
    parts = []
    for classes in CLASSES:
        values = ", ".join(f"{found[classes, b * n]:.4f} at D={b * n:,}" for b, n in SHAPES)
        parts.append(f"\n  {classes:,} classes: {values}")
    return ";".join(parts)


def text(data: dict) -> str:
    """The page.

    Parameters
    ----------
    data : dict
        ``queries``, ``seed`` and ``rows``, as bench/heads.py measures them.
    """
    layers, more = _layers()
    names = [f"projection to D={b * n:,}" for b, n in SHAPES[:2]]
    slow = next(round(row["ways"]["join"]["mean"]) / 12 for row in data["rows"]
                if (row["classes"], row["block_length"], row["kind"]) == (10_000, 128, "clean"))
    return (HEAD.format(queries=data["queries"], seed=data["seed"],
                        projections=" | ".join(names), lines="---:|" * len(names))
            + "".join(layers)
            + FORMULAS.format(queries=data["queries"], margin=MARGIN, more="".join(more))
            + "".join(map(_cells, data["rows"]))
            + NOTES.format(slow=slow, soft=_soft(data["rows"])))
