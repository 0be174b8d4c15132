"""bench/heads.py: its figures are the golden model's, and docs/heads.md is what it gives."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from blockfactor.golden._jit import COMPILED
from blockfactor.golden.codebook import Codebooks
from blockfactor.golden.factorizer import Factorizer
from blockfactor.golden.query import Query, clean_batch, soft_batch
from blockfactor.studies import heads as counts

BENCH = Path(__file__).parents[1] / "bench"
PAGE = (BENCH.parent / "docs" / "heads.md").read_text(encoding="utf-8")
QUERIES, SEED = (int(re.search(rf"`--{name} (\d+)`", PAGE)[1]) for name in ("queries", "seed"))


@pytest.fixture(scope="module")
def modules():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module("heads"), importlib.import_module("_heads_page")


def way(found, cycles, **more):
    mean, p99 = (float(number.replace(",", ""))
                 for number in re.fullmatch(r"(\S+) \((\S+)\)", cycles).groups())
    return {"found": float(found), "mean": mean, "p99": p99, **more}


def test_the_page_is_what_the_command_writes(modules):
    """Made anew from the figures in it: its words and formulas are those of bench/heads.py."""
    _, page = modules
    rows = []
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.split("|")][1:-1]
        if len(cells) != 12 or cells[5] not in ("clean", "soft"):
            continue
        classes, dimension, blocks, bound = (int(cells[n].replace(",", "")) for n in (0, 2, 3, 8))
        rows.append({"classes": classes, "blocks": blocks, "block_length": dimension // blocks,
                     "kind": cells[5], "ways": {
                         "join": way(cells[6], cells[7], bound=bound),
                         "factorize": way(cells[9], cells[10]),
                         "exhaustive": {"found": float(cells[11])}}})
    assert [(row["classes"], (row["blocks"], row["block_length"]), row["kind"]) for row in rows] \
        == [(classes, shape, kind) for classes in page.CLASSES for shape in page.SHAPES
            for kind in ("clean", "soft")]
    assert page.text({"queries": QUERIES, "seed": SEED, "rows": rows}) == PAGE


@pytest.mark.skipif(not COMPILED, reason="takes minutes without compiled code")
@pytest.mark.parametrize("classes, kind", [(100, "clean"), (1000, "clean"), (10_000, "clean"),
                                           (1000, "soft")])
def test_the_page_has_the_figures(modules, classes, kind):
    """Join and exhaustive search are measured again as the page says they were."""
    bench, page = modules
    blocks, length = page.SHAPES[0]
    ways = ("join", "factorize") if kind == "clean" else ("join",)
    row = bench.measure(classes, blocks, length, kind, QUERIES, SEED, ways)["ways"]
    [line] = [line for line in PAGE.splitlines()
              if line.startswith(f"| {classes:,} | {page.CLASSES[classes]} | 512 | 4 | ")
              and f"| {kind} |" in line]
    cells = [cell.strip() for cell in line.split("|")][1:-1]
    for name, at in zip(ways, (6, 9)):
        have = row[name]
        assert cells[at] == f"{have['found']:.4f}", name
        assert cells[at + 1] == f"{have['mean']:,.0f} ({have['p99']:,.0f})", name
    assert cells[8] == f"{row['join']['bound']:,}"
    assert row["join"]["p99"] <= row["join"]["bound"]


def test_the_page_has_the_formulas(modules):
    """Every number of its first table, from the counts of the layers."""
    _, page = modules
    for classes, size in page.CLASSES.items():
        for name, inputs in page.NETWORKS.items():
            full = counts.connected(inputs, classes)
            [line] = [line for line in PAGE.splitlines()
                      if line.startswith(f"| {classes:,} | {size} | {name} ")]
            assert f"| {inputs:,} | {inputs * classes + classes:,} |" in line
            for dimension in (512, 1024):
                more = inputs * dimension + dimension
                assert f"| {more:,} (" in line
                said = (f"- {name}, {classes:,} classes, D={dimension:,}: {more:,} for "
                        f"{full.parameters:,}, ")
                assert (said in PAGE) == (more > full.parameters), line
            assert "| 0, codebooks of " in line
    # Two codebooks of 32 codevectors, four blocks of seven bits.
    assert "0, codebooks of 1,792 bits" in PAGE


@pytest.mark.parametrize("kind", ["clean", "soft"])
def test_figures_are_the_golden_models(modules, kind):
    """The same queries, one after the other."""
    bench, page = modules
    row = bench.measure(100, 4, 128, kind, 12, 3)
    rng = np.random.default_rng([3, 100, 4, 128, kind == "soft"])
    codes = rng.integers(0, 128, (12, 2, 10, 4))
    truth = rng.integers(0, 10, (12, 2))
    seeds = rng.integers(1, 2**32, 12)
    product = codes[np.arange(12)[:, None], np.arange(2), truth].sum(axis=1) % 128
    query = clean_batch(product) if kind == "clean" else soft_batch(product, 128, page.MARGIN, rng)
    for name, parameters in bench.parameters(100, kind).items():
        results = [Factorizer(bench.core(100, 4, 128), Codebooks(tuple(code), 128)).run(
            Query.from_arrays(index, weight), parameters.replace(seed=int(seed)))
            for code, index, weight, seed in zip(codes, *query, seeds)]
        found = [result.indices == tuple(true) for result, true in zip(results, truth)]
        assert row["ways"][name]["found"] == np.mean(found), name
        assert row["ways"][name]["mean"] == np.mean([result.cycles for result in results]), name


def test_a_bound_that_is_missed(modules):
    bench, _ = modules

    def row(found):
        return {"kind": "soft", "classes": 100, "blocks": 4, "block_length": 128,
                "ways": {"join": {"found": found}, "exhaustive": {"found": .99}}}

    assert bench.missed([row(.985)], bench.ENOUGH) == []
    assert bench.missed([row(.984)], bench.ENOUGH - 1) == []
    assert bench.missed([row(.984)], bench.ENOUGH) == [
        "soft, 100 classes, D=512: join finds 0.9840, exhaustive search 0.9900"]
