"""docs/explain.md: what explaining away reaches, and how it is used."""

from _explain_cases import FACTORS, RUNS, SIZE

__all__ = ["COMMAND", "text"]

COMMAND = "python bench/explain.py --trials {trials} --rtl {rtl} --rules --write"
BEGIN = """\
# Explaining away

Made by `{command}`.

Several product vectors can be bundled in one query, such as those of the objects of a scene. The
best match is one of them. A core with `products` above 1 goes on: it takes the product it has
found off the query, runs again on what is left, and so on; a start gives `products` results in a
row (`RunParameters.products`, at most what the core was generated with).

    core = CoreConfig(block_length=256, products=3, heads=3)
    Factorizer(core, books).explain(query, RunParameters(sizes=(22,) * 3, products=2))

    blockfactor generate scene --preset full --set products=3 --bus spi
    device.explain(query, parameters)       # Device of blockfactor.drivers: a list of results

- **What is taken off**: in every block the entry at the product's index, with its whole weight.
- **Anew of what is left**: Smax, which `level` relates to, largest block sum, depth, peaks and
  look-up blocks. Each result has its own Smax, score, runner-up, iterations, cycles and CRC; all
  searches begin with the same seed.
- **Cycles** of the first result count from the start, of the others from when the one before was
  taken: B * (F + 5) + 2 * entries + 4 cycles that the subtraction takes, and the search.
- **Nothing left**: stop reason `complete`, Smax 0. The results after it follow at once.
- **Aborted or refused**: all results come nevertheless, the rest at once and with the same stop
  reason, so that software knows how many to read.
- **The query is used up**: from the start of a run for several products on none is loaded, and
  another start without a new one is the error `no_query`. With `products` 1 it stays loaded, as in
  any core.
- **Registers**: `SEARCH.products` (0 counts as 1), `QUERIES.products`. Every result has a tag of
  its own, and `TAG.next` counts on by as many.

How many products a bundle has the core does not find out: what is found beyond the last one has a
low score for its Smax, or a low Smax.

## Figures

F={factors}, M={size}, 8 entries of 4 bits a block, {trials} bundles a case (factorize: a fifth).
*All right*: every
product of the bundle is among the results. Clean: an index weighs as many as the products that have
it. Soft: the mean of the products' noisy softmax (docs/design.md, section 6), quantised. Cycles are
of a whole bundle, in brackets those of 99 %.

"""
PARAMETERS = """
Parameters: {runs}. Else the defaults.
"""
LIMITS = """\
## What limits the accuracy

- **Wrong blocks.** A soft product has the wrong peak in a tenth of its blocks at margin 4 (B=4),
  and a bundle of K products K times as many chances of it; one product in a case above is the part
  that has nothing to do with bundles. More blocks help: at B=8 a wrong one counts half.
- **Quantisation.** Weights are relative to the block's peak, which belongs to one product. Another
  one whose probability there is a 30th of it, or not among the 8 largest, is gone.
- **Shared elements.** Two products have the same index in one block of L. The whole weight goes
  with the first, and the second lacks a block: its score is one block short, but so is Smax. K
  products that share several blocks, or chance tuples of elements of different products, explain
  what is missing of clean bundles.
- **Look-up blocks.** The most confident block has one product's peak; when it is wrong, join finds
  the tuple only through another look-up block. Peaks of different look-up blocks may belong to
  different products: both are candidates then, and the score decides. So soft bundles want 2 or 3.
- **Level.** A product scores less than Smax where another one has the peak, but a level low enough
  for all of them accepts chance tuples of several products' elements. At 205 a product that is not
  accepted is still found: the search goes on to its end, and the best tuple is taken.
- **Factorize** thresholds similarities against the block sum of the whole bundle; its lists hold
  codevectors of all products, and it can settle on a mixture. It takes many times join's cycles and
  finds fewer: for bundles use join.
"""


def _table(rows: list[dict]) -> list[str]:
    """Lines of a table: a line a kind of bundle and number of products, both engines."""
    lines = ["| bundles | D | B | products | join: all right | products right | cycles "
             "| factorize: all right | products right | cycles |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    keys = dict.fromkeys((r["kind"], r["margin"], r["dimension"], r["blocks"], r["bundled"])
                         for r in rows)
    for key in keys:
        kind, margin, dimension, blocks, bundled = key
        cells = ["clean" if kind == "clean" else f"soft, margin {margin:g}", str(dimension),
                 str(blocks), str(bundled)]
        for mode in ("join", "factorize"):
            row = next((r for r in rows if r["mode"] == mode and key == (
                r["kind"], r["margin"], r["dimension"], r["blocks"], r["bundled"])), None)
            cells += ["-"] * 3 if row is None else [
                f"{row['bundles']:.3f}", f"{row['products']:.3f}",
                f"{row['cycles']:,.0f} ({row['p99']:,.0f})"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _parameters() -> str:
    """Parameters of the runs."""
    return "; ".join(f"{mode}, {kind}: " + ", ".join(f"{k} {v}" for k, v in values.items())
                     for (mode, kind), values in RUNS.items())


def text(data: dict) -> str:
    """Text of the page."""
    golden, rtl = data["golden"], data["rtl"]
    trials = golden[0]["trials"]
    simulated = rtl[0]["trials"] if rtl else 0
    lines = [BEGIN.format(command=COMMAND.format(trials=trials, rtl=simulated), factors=FACTORS,
                          size=SIZE, trials=trials)]
    lines += _table(golden)
    lines += [PARAMETERS.format(runs=_parameters())]
    if rtl:
        differing = sum(row["differing"] for row in rtl)
        lines += ["## In RTL", "",
                  f"Simulated, {simulated} bundles a case (factorize: a fifth); {differing} "
                  "results differ from the golden model's in any trace word or field.", "",
                  *_table(rtl), ""]
    if data["rules"]:
        names = list(data["rules"][0]["rules"])
        lines += ["## What is taken off", "",
                  "Bundles of which all products are found by join, if less than the whole weight "
                  "is taken off: at most the smallest, the mean (rounded down) or the median of "
                  f"the product's weights over the blocks. B=4, {data['rules'][0]['trials']} "
                  "bundles.", "",
                  f"| bundles | D | products | {' | '.join(names)} |",
                  "|---|---:|---:|" + "---:|" * len(names)]
        for row in data["rules"]:
            cells = [row["query"], str(row["dimension"]), str(row["bundled"]),
                     *(f"{row['rules'][name]:.3f}" for name in names)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines + [LIMITS])
