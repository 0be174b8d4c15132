"""docs/estimate.md: what an estimate is worth."""

from blockfactor.boards.estimate import SEEDS, TIGHT
from blockfactor.boards.latency import POINTS, SHAPE
from blockfactor.boards.parts import part

__all__ = ["text"]

COMMAND = "python bench/estimate.py"
BEGIN = """\
# Estimates

Made by `{command}`.

    blockfactor estimate icebreaker                       # the board's own preset and front-end
    blockfactor estimate up5k --preset full --bus uart    # exit status 1: it does not fit
    blockfactor estimate tang-nano-9k --all-presets
    blockfactor estimate ecp5-25f --preset fast --set max_codevectors=256 --json

No tool runs and nothing is elaborated. `blockfactor build` and `blockfactor report` give figures
instead of estimates, in minutes.

- **Block RAMs** are counted: the list of all memories, each made as Yosys makes it. On every
  synthesis below the count is exact.
- **Look-up tables, flip-flops, logic cells** are sums of {features} counts of the configuration
  (boards/features.py), such as the bits of the histograms' rows. Weights are fitted to syntheses
  of a family, relative errors counting, and held near those of the family that is most alike.
- **Clock**: a part's figure times one of the kind of core; the median of several seeds of place and
  route. The worst of some is about {seeds:.0%} lower.
- **Latency**: mean cycles of the golden model for clean queries at M={points} (F={factors},
  B={blocks}, L={block_length}; factorize with the published A and T), divided by the clock: the
  board's, or what a part is estimated to reach. Other shapes have none, `--latency` measures it.
- **Fits**: no more logic cells and block RAMs than there are; from {tight:.0%} of either it is
  called tight. Where nearly all cells are used the clock is slower than estimated: `both` with UART
  takes 97% of an UP5K's cells and all its block RAMs; nextpnr places and routes it, at 21.6 MHz in
  one seed, where the estimate is 30.6.
- A board's estimate has its reset and light counters. PLLs, pins and DSP blocks are not counted.
"""
NOTE = """\
Largest error of the weights on the designs they were fitted to, largest on a design left out of the
fit, and the root mean square of the latter. A family of few designs is known to no better than its
look-alikes of the others; where there is one, nothing was left out and 100 % stands for unknown.
"""


def text(model: dict, figures: tuple[str, ...], features: int, clocks: list[dict]) -> str:
    """Text of the page."""
    lines = [BEGIN.format(command=COMMAND, features=features, seeds=SEEDS, tight=TIGHT,
                          points=" and ".join(map(str, POINTS)), **SHAPE),
             "## Error of sizes", "",
             "| family | designs | look-up tables | flip-flops | logic cells |",
             "|---|---:|---:|---:|---:|"]
    for family, found in model["errors"].items():
        cells = ("{training:.1%}, {held_out:.1%}, {held_out_rms:.1%}".format(**found[figure])
                 for figure in figures)
        lines.append(f"| {family} | {found['designs']} | {' | '.join(cells)} |")
    lines += ["", NOTE, "## Error of the clock", "",
              "| part | design | kind | MHz, median | error |", "|---|---|---|---:|---:|"]
    lines += [f"| {part(r['part']).about} | {r['name']} | {r['kind']} | {r['median']:.1f} "
              f"| {r['error']:+.1%} |" for r in clocks]
    guessed = ", ".join(f"{part(a).about} as {part(b).about}"
                        for a, b in model["clock"]["guessed"].items())
    lines += ["", f"Without a measurement: {guessed}." if guessed else "All parts are measured.",
              "", "Tools: " + ", ".join(f"{n} {v}" for n, v in model["tools"].items()) + ".", ""]
    return "\n".join(lines)
