"""examples/scenes: renderer, committed networks and figures, without PyTorch."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scenes_example import FOLDER, evaluate, network, picture, render, rtl, settings

from blockfactor.errors import BlockfactorError
from blockfactor.golden.codebook import Codebooks

HEADS = network.HEADS


@pytest.fixture(scope="module")
def held_out():
    return render.panels(1000, seed=7)


@pytest.fixture(scope="module")
def networks():
    return {head: network.load(head) for head in HEADS}


def test_panels_are_drawn_from_a_seed():
    images, attributes = render.panels(300, 5)
    again, _ = render.panels(300, 5)
    other, _ = render.panels(300, [0, 5])
    assert images.shape == (300, 40, 40) and images.dtype == np.uint8
    assert np.array_equal(images, again) and not np.array_equal(images, other)
    assert attributes.min(axis=0).tolist() == [0] * 4
    assert (attributes.max(axis=0) + 1).tolist() == [5, 6, 9, 10]
    assert np.array_equal(render.tuples(render.classes(attributes)), attributes)
    few, of = render.panels(50, 5, allowed=np.array([7, 2699]))
    assert set(render.classes(of).tolist()) == {7, 2699} and len(few) == 50
    assert render.panels(0, 5)[0].shape == (0, 40, 40)


def darkness(**changes):
    """Ink of 40 panels of a combination without noise, [40, 40, 40], paper 0."""
    values = {"type": 4, "size": 3, "position": 4, "colour": 5} | changes
    rows = np.tile([values[name] for name in render.ATTRIBUTES], (40, 1))
    return 255. - render.render(rows, np.random.default_rng(11), noise=0.)


@pytest.mark.parametrize("position", range(9))
def test_position_is_where_the_object_is(position):
    ink = darkness(position=position)
    y, x = np.indices((40, 40)) + .5
    centre = [(ink * axis).sum(axis=(1, 2)) / ink.sum(axis=(1, 2)) for axis in (y, x)]
    for found, want in zip(centre, (10 * (position // 3 + 1), 10 * (position % 3 + 1))):
        assert (abs(found - want) <= render.SHIFT + .1).all(), "seed 11"
        assert np.ptp(found) > .5, "it moves"


def test_size_colour_and_type_are_what_is_drawn():
    """Areas of what is not paper, and grey levels of the middle, by hand."""
    for size, radius in enumerate(render.RADII):
        area = (darkness(size=size, colour=9) / 255).sum(axis=(1, 2)) / .93
        want = np.pi * (radius + render.LINE / 2)**2
        assert abs(area.mean() / want - 1) < .05, f"size {size}"
    for colour, grey in enumerate(render.GREYS):
        middle = darkness(colour=colour)[:, 20, 20]
        assert abs(middle - 255 * (1 - grey)).max() <= 255 * render.SHADE + 1, f"colour {colour}"
    areas = {}
    for kind, (name, corners) in enumerate(render.TYPES.items()):
        areas[name] = (darkness(type=kind, size=5) > 40).sum(axis=(1, 2)).mean()
        if corners:
            radius = render.RADII[5]
            polygon = corners / 2 * radius**2 * np.sin(2 * np.pi / corners)
            # With half a line, and the soft edge's pixels, all around.
            apothem = radius * np.cos(np.pi / corners)
            grown = np.sqrt(areas[name] / polygon) * apothem - apothem
            assert .4 < grown < 1.4, name
    assert sorted(areas, key=areas.get) == list(render.TYPES), "more corners cover more"


def test_no_two_panels_are_the_same():
    images = render.render(np.tile([1, 2, 3, 4], (50, 1)), np.random.default_rng(2), noise=0.)
    assert len({image.tobytes() for image in images}) == 50


@pytest.mark.parametrize("attributes, message", [
    ([[0, 0, 0]], r"shape \(1, 3\), must be \(n, 4\)"),
    ([[0, 0, 0, 0], [0, 6, 0, 0]], r"panel 1: size 6 is outside 0\.\.5"),
    ([[0, 0, 0, -1]], r"panel 0: colour -1 is outside 0\.\.9"),
])
def test_wrong_attributes_are_named(attributes, message):
    with pytest.raises(BlockfactorError, match=message):
        render.render(attributes, np.random.default_rng(0))


def test_committed_weights(networks):
    for name in (*HEADS, "trunk"):
        assert (FOLDER / f"{name}.npz").stat().st_size < 2_000_000
    with np.load(FOLDER / "trunk.npz") as file:
        drawn = Codebooks.random(render.SIZES, 4, 256, int(file["codebook_seed"]))
    assert settings.codebooks(networks["factorizer"]) == drawn
    for one in networks.values():
        assert not len(one.held_back)
        assert all(np.isfinite(weight).all() for weight in one.weights.values())
        # The same trunk: its arrays are those of the first network.
        for key, weight in networks["factorizer"].weights.items():
            if key.startswith(("conv", "embed")):
                assert np.array_equal(weight, one.weights[key]), key


def naive_logits(one, image):
    """A network written down once more, with loops and in double precision."""
    w = {key: value.astype(float) for key, value in one.weights.items()}
    x = (1 - image / 255)[None]
    for name in ("conv1", "conv2", "conv3"):
        weight = w[f"{name}.weight"]
        reach, side = weight.shape[2] // 2, x.shape[1] // 2 + x.shape[1] % 2
        padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)))
        y = np.zeros((len(weight), side, side))
        for i in range(side):
            for j in range(side):
                part = padded[:, 2 * i:2 * i + 2 * reach + 1, 2 * j:2 * j + 2 * reach + 1]
                y[:, i, j] = (weight * part).sum(axis=(1, 2, 3)) + w[f"{name}.bias"]
        x = np.maximum(y, 0)
    x = x.ravel()
    for name in ("embed", "hidden1", "hidden2"):
        x = np.maximum(w[f"{name}.weight"] @ x + w[f"{name}.bias"], 0)
    return w["output.weight"] @ x + w["output.bias"]


@pytest.mark.parametrize("head", HEADS)
def test_logits_against_loops(networks, head, held_out):
    images, _ = held_out
    for found, image in zip(networks[head].logits(images[:3]), images):
        assert np.allclose(found, naive_logits(networks[head], image), atol=1e-2)


def test_product_vectors_are_probabilities(networks, held_out):
    p = networks["factorizer"].product_vector(held_out[0][:300])
    assert p.shape == (300, 4, 256) and p.min() >= 0 and np.allclose(p.sum(axis=2), 1, atol=1e-5)


def test_exhaustive_search_finds_known_products(networks):
    rng = np.random.default_rng(3)
    book = networks["factorizer"].codebook
    attributes = render.tuples(rng.integers(0, render.CLASSES, 20))
    weights = np.zeros((20, 4, 256), dtype=int)
    index = network.bound_indices(book, attributes)
    np.put_along_axis(weights, index[:, :, None], 3, axis=2)
    found, scores = evaluate.exhaustive_search(weights, book)
    assert np.array_equal(found, attributes) and (scores == 12).all(), "seed 3"


def test_heads_are_as_good_as_each_other(networks, held_out):
    """The bound of the example, on other panels than the README's."""
    row = {"panels": 1000, **evaluate.evaluate(networks, *held_out)}
    assert evaluate.missed(row) == [], "seed 7"
    share = row["heads"]["factorizer"]["right"] / 1000
    assert share >= .9, "seed 7"
    core = row["core"]
    assert core["join"]["right"] >= core["scan"]["right"] - 2
    assert core["join"]["mean"] < core["scan"]["mean"] / 3
    for head in HEADS:
        one = row["heads"][head]
        assert one["known"] == one["right"] / 1000 and one["unknown"] is None, head
        # The last layer as it is stored.
        assert one["parameters"] == networks[head].parameters["output"], head
    train, factorizer = row["heads"]["tensor train"], row["heads"]["factorizer"]
    assert .9 * factorizer["parameters"] < train["parameters"] <= factorizer["parameters"]
    assert row["before"]["parameters"] + factorizer["parameters"] == sum(
        weight.size for weight in networks["factorizer"].weights.values())


def test_combinations_that_were_not_trained_are_counted_apart(networks, held_out):
    images, attributes = (part[:200] for part in held_out)
    back = np.unique(render.classes(attributes))[:40]
    marked = {head: type(one)(one.head, one.weights, one.codebook, back)
              for head, one in networks.items()}
    rows = evaluate.evaluate(marked, images, attributes)["heads"]
    unknown = np.isin(render.classes(attributes), back)
    for head in HEADS:
        one = rows[head]
        share = one["known"] * (~unknown).sum() + one["unknown"] * unknown.sum()
        assert share == pytest.approx(one["right"]), head


@pytest.mark.parametrize("factorizer, connected, count, missed", [
    (980, 985, 1000, 0), (979, 985, 1000, 1), (980, 980, 999, 1), (5, 999, 999, 2)])
def test_bounds(factorizer, connected, count, missed):
    row = {"panels": count, "heads": {"factorizer": {"right": factorizer},
                                      "connected": {"right": connected}}}
    assert len(evaluate.missed(row)) == missed


def test_evaluate_command(tmp_path, capsys):
    file = tmp_path / "figures.json"
    assert evaluate.main(["--panels", "30", "--seed", "4", "--json", str(file)]) == 1
    printed = capsys.readouterr().out
    row = json.loads(file.read_text())
    assert "30 panels are too few" in printed and row["seed"] == 4
    cycles = row["core"]["join"]["mean"]
    assert len(row["boards"]) >= 14
    for time in row["boards"]:
        assert time["microseconds"] == pytest.approx(1e6 * cycles / time["clock_hz"])
        assert not time["holds"], "the boards' presets have three factors"


@pytest.mark.parametrize("command", [evaluate.main, rtl.main])
@pytest.mark.parametrize("arguments", [["--panels", "0"], ["--seed", "-1"]])
def test_commands_refuse_before_they_work(command, arguments, capsys):
    with pytest.raises(SystemExit):
        command(arguments)
    assert "must be at least" in capsys.readouterr().err


def test_wrong_names_and_uses_are_named(networks):
    with pytest.raises(BlockfactorError, match="no head 'b4'; heads are factorizer, connected"):
        network.load("b4")
    with pytest.raises(BlockfactorError, match=r"shape \(2, 8, 8\), must be \(n, 40, 40\)"):
        networks["connected"].classify(np.zeros((2, 8, 8)))
    with pytest.raises(BlockfactorError, match="'connected' gives no product vector"):
        networks["connected"].product_vector(np.zeros((1, 40, 40)))
    with pytest.raises(BlockfactorError, match="'factorizer' has no class scores"):
        networks["factorizer"].classify(np.zeros((1, 40, 40)))


def test_picture(tmp_path, networks):
    pytest.importorskip("matplotlib")
    images, attributes = render.panels(4, seed=2)
    one = networks["factorizer"]
    results = evaluate.search(one, one.product_vector(images))
    path = picture.draw(tmp_path / "sheet.png", images, attributes, results)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")
    assert picture.describe([0, 5, 8, 9]) == ["triangle", "8.5 px", "bottom right", "10 %"]


def test_nothing_heavy_is_imported():
    code = (f"import sys; sys.path.insert(0, {str(FOLDER.parents[1])!r});"
            "from examples.scenes import evaluate, picture, rtl;"
            "print([m for m in ('torch', 'matplotlib') if m in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
