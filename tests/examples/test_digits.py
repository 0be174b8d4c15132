"""examples/digits: the committed networks, images and settings, without PyTorch or scikit-learn."""

import json
import subprocess
import sys

import numpy as np
import pytest
from digits_example import FOLDER, compare, evaluate, network, picture, settings

from blockfactor.errors import BlockfactorError

VARIANTS = [("b4", 4, 128), ("b8", 8, 64)]


@pytest.fixture(scope="module")
def triples():
    return network.held_out_triples(500, seed=7)


@pytest.mark.parametrize("name, blocks, length", VARIANTS)
def test_weights_and_codebook(name, blocks, length):
    assert (FOLDER / f"{name}.npz").stat().st_size < 1_000_000
    net = network.load(name)
    assert (net.blocks, net.block_length) == (blocks, length)
    assert net.codebook.shape == (3, 10, blocks)
    assert net.codebook.min() >= 0 and net.codebook.max() < length
    assert all(weight.dtype == np.float32 and np.isfinite(weight).all()
               for weight in net.weights.values())
    with np.load(FOLDER / f"{name}.npz") as file:
        seed = int(file["codebook_seed"])
        drawn = np.random.default_rng(seed).integers(0, length, (3, 10, blocks))
        assert np.array_equal(net.codebook, drawn), f"codebook seed {seed}"


def test_held_out_images_are_those_of_the_split():
    images, labels = network.held_out_images()
    assert images.shape == (500, 8, 8) and images.dtype == np.uint8 and images.max() == 16
    assert sorted(set(labels.tolist())) == list(range(10))
    with np.load(FOLDER / "digits.npz") as file:
        assert "CC BY 4.0" in str(file["license"])
        numbers, seed = file["numbers"], int(file["split_seed"])
    training, held_out = network.split(1797, seed)
    assert np.array_equal(numbers, held_out)
    assert sorted([*training, *held_out]) == list(range(1797))
    assert {network.load(name).split_seed for name, _, _ in VARIANTS} == {seed}


def test_triples_come_from_the_held_out_images(triples):
    images, labels = triples
    pool, pool_labels = network.held_out_images()
    known = {image.tobytes(): label for image, label in zip(pool, pool_labels)}
    assert images.shape == (500, 3, 8, 8) and labels.shape == (500, 3)
    for triple, expected in zip(images, labels):
        assert [known[image.tobytes()] for image in triple] == expected.tolist()
    again, _ = network.held_out_triples(500, seed=7)
    other, _ = network.held_out_triples(500, seed=8)
    assert np.array_equal(images, again) and not np.array_equal(images, other)


def test_noise_changes_pixels_not_labels(triples):
    images, labels = triples
    noisy, same = network.held_out_triples(500, seed=7, noise=2.)
    assert np.array_equal(labels, same) and noisy.dtype == np.uint8 and noisy.max() <= 16
    # Black and white pixels lose half the noise to clipping, the others none.
    inner = (images > 5) & (images < 11)
    assert 1.8 < np.std(noisy[inner].astype(int) - images[inner]) < 2.2


@pytest.mark.parametrize("name, blocks, length", VARIANTS)
def test_product_vectors_are_deterministic_probabilities(name, blocks, length, triples):
    images, _ = triples
    net = network.load(name)
    p = net.product_vector(images)
    assert p.shape == (500, blocks, length) and p.dtype == np.float32
    assert p.min() >= 0 and np.allclose(p.sum(axis=2), 1, atol=1e-5)
    assert np.array_equal(p, network.load(name).product_vector(images))
    # Not bit for bit: the order of a matrix product's sums depends on its size.
    assert np.allclose(p[:3], net.product_vector(images[:3]), atol=1e-5)
    assert net.product_vector(images[:0]).shape == (0, blocks, length)


def naive_product_vector(net, triple):
    """The network written down once more, with loops and in double precision."""
    w = {key: value.astype(float) for key, value in net.weights.items()}

    def convolve(x, name):
        _, height, width = x.shape
        out = np.zeros((len(w[f"{name}.bias"]), height, width))
        for i in range(height):
            for j in range(width):
                for di in (-1, 0, 1):
                    for dj in (-1, 0, 1):
                        if 0 <= i + di < height and 0 <= j + dj < width:
                            tap = w[f"{name}.weight"][:, :, di + 1, dj + 1]
                            out[:, i, j] += tap @ x[:, i + di, j + dj]
        return np.maximum(out + w[f"{name}.bias"][:, None, None], 0)

    embedded = []
    for image in triple:
        x = convolve(convolve(image[None] / 16, "conv1"), "conv2")
        x = np.array([[[c[i:i + 2, j:j + 2].max() for j in range(0, 8, 2)]
                       for i in range(0, 8, 2)] for c in x])
        x = convolve(x, "conv3").ravel()
        embedded.append(np.maximum(w["embed.weight"] @ x + w["embed.bias"], 0))
    x = np.maximum(w["hidden.weight"] @ np.concatenate(embedded) + w["hidden.bias"], 0)
    power = np.exp((w["output.weight"] @ x + w["output.bias"]).reshape(net.blocks, -1))
    return power / power.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name, blocks, length", VARIANTS)
def test_product_vector_against_loops(name, blocks, length, triples):
    images, _ = network.held_out_triples(3, seed=11, noise=3.)
    net = network.load(name)
    for found, triple in zip(net.product_vector(images), images):
        assert np.allclose(found, naive_product_vector(net, triple), atol=1e-4)


def test_exhaustive_search_finds_known_products():
    rng = np.random.default_rng(3)
    codebook = rng.integers(0, 50, (3, 10, 4))
    labels = rng.integers(0, 10, (20, 3))
    weights = np.zeros((20, 4, 50), dtype=int)
    for n, triple in enumerate(labels):
        for b in range(4):
            weights[n, b, sum(codebook[f, d, b] for f, d in enumerate(triple)) % 50] = 3 + b
    found, scores = evaluate.exhaustive_search(weights, codebook)
    assert np.array_equal(found, labels), "seed 3"
    assert (scores == 3 + 4 + 5 + 6).all()


def test_quantise_keeps_the_eight_largest():
    p = np.zeros((1, 1, 16))
    p[0, 0, :10] = [.3, .2, .1, .1, .1, .05, .05, .04, .03, .03]
    linear = evaluate.quantise(p)[0, 0]
    assert linear.tolist() == [15, 10, 5, 5, 5, 3, 3, 2] + [0] * 8
    # round(15 - 2 ln(peak / p)): 15, 14.19, 12.80 (thrice), 11.42 (twice), 10.97
    logs = evaluate.quantise(p, log=True)[0, 0]
    assert logs.tolist() == [15, 14, 13, 13, 13, 11, 11, 11] + [0] * 8


@pytest.mark.parametrize("name, blocks, length", VARIANTS)
def test_accuracy(name, blocks, length, triples):
    images, labels = triples
    net = network.load(name)
    p = net.product_vector(images)
    for query in (p, evaluate.quantise(p), evaluate.quantise(p, log=True)):
        found, _ = evaluate.exhaustive_search(query, net.codebook)
        assert evaluate.accuracy(found, labels) >= .99, "500 triples, seed 7"


@pytest.mark.parametrize("name, blocks, length", VARIANTS)
def test_core_finds_what_exhaustive_search_finds(name, blocks, length):
    images, labels = network.held_out_triples(200, seed=5, noise=1.5)
    net = network.load(name)
    results = evaluate.search(net, images)
    weights = evaluate.quantise(net.product_vector(images))
    best, scores = evaluate.exhaustive_search(weights, net.codebook)
    found = np.array([result.indices for result in results])
    assert evaluate.accuracy(found, best) >= .985, "200 noisy triples, seed 5"
    assert abs(evaluate.accuracy(found, labels) - evaluate.accuracy(best, labels)) <= .01
    for result, triple, score, table in zip(results, best, scores, weights):
        assert result.score <= score
        assert result.smax == table.max(axis=1).sum()
        if result.indices == tuple(triple):
            assert result.score == score


@pytest.mark.parametrize("name, heads", [("b4", 2), ("b8", 3)])
@pytest.mark.parametrize("log", [False, True])
def test_join_and_scan_find_the_best_score(name, heads, log, triples):
    """Whatever the tie: the reference is exhaustive search in software, not another engine."""
    images, labels = triples
    net = network.load(name)
    weights = evaluate.quantise(net.product_vector(images), log)
    best, scores = evaluate.exhaustive_search(weights, net.codebook)
    for mode in ("join", "scan"):
        parameters = settings.run_parameters(net, mode)
        assert (parameters.mode, parameters.heads, parameters.level) == (mode, heads, 218)
        results = evaluate.search(net, images, mode, log, level=511)
        assert [result.score for result in results] == scores.tolist(), f"{mode}, seed 7"
        found = np.array([result.indices for result in results])
        assert evaluate.accuracy(found, labels) == evaluate.accuracy(best, labels)


def test_evaluate_counts_by_mode():
    images, labels = network.held_out_triples(40, seed=5, noise=2.)
    net = network.load("b4")
    wrong = labels.copy()
    wrong[:10] = (wrong[:10] + 1) % 10
    row = evaluate.evaluate(net, images, wrong, changes={"join": {"level": 511}})
    assert list(row["core"]) == ["factorize", "join", "scan"]
    assert row["exhaustive"] == evaluate.figures(net, images, wrong)
    for mode, way in row["core"].items():
        results = evaluate.search(net, images, mode, level=511 if mode == "join" else
                                  settings.run_parameters(net, mode).level)
        found = [result.indices == tuple(label) for result, label in zip(results, wrong)]
        assert way["right"] == sum(found) <= 30, f"{mode}, seed 5"
        cycles = [result.cycles for result in results]
        assert (way["mean"], way["largest"]) == (np.mean(cycles), max(cycles)), mode
        assert way["p99"] <= way["largest"] and way["best"] <= 40
    core = row["core"]
    # Nothing is accepted at 511: every pair of digits is looked up, a cycle each.
    assert 100 < core["join"]["mean"] < 140 and core["join"]["steps"] < core["scan"]["steps"]


def test_the_connected_network_classifies(triples):
    """The same layers up to the last one, and digits as decimal places of the class."""
    images, labels = triples
    net, other = network.load("connected"), network.load("b4")
    assert (FOLDER / "connected.npz").stat().st_size < 2_000_000
    shapes = [{key: weight.shape for key, weight in one.weights.items() if "output" not in key}
              for one in (net, other)]
    assert shapes[0] == shapes[1] and net.split_seed == other.split_seed
    assert np.array_equal(net.codebook, network.place_values())
    assert network.bound_indices(net.codebook, np.array([7, 0, 9])) == [709]
    found = network.classify(net, images)
    best, _ = evaluate.exhaustive_search(net.product_vector(images), net.codebook)
    assert np.array_equal(found, best)
    assert evaluate.accuracy(found, labels) >= .97, "500 triples, seed 7"
    assert compare.connected_right(images, labels) == (found == labels).all(axis=1).sum()
    with pytest.raises(BlockfactorError, match="network 'b4' has no class scores"):
        network.classify(other, images)


@pytest.mark.parametrize("name, blocks, length", VARIANTS)
def test_heads_are_compared(name, blocks, length):
    net = network.load(name)
    table = compare.compare(net, {"right": 99, "mean": 75.}, 98)
    rows = table["heads"]
    assert [row["right"] for row in rows.values()] == [99, 98, None]
    output = net.weights["output.weight"].size + net.weights["output.bias"].size
    assert rows["factorizer"]["parameters"] == output
    assert rows["factorizer"]["operations"] == net.weights["output.weight"].size
    assert rows["factorizer"]["codebook_bits"] == 30 * blocks * (length - 1).bit_length()
    assert rows["connected"]["parameters"] == 385_000
    assert .95 * output < rows["tensor train"]["parameters"] <= output
    assert table["trunk"] + output == sum(weight.size for weight in net.weights.values())
    for time in table["boards"]:
        assert time["microseconds"] == pytest.approx(75e6 / time["clock_hz"])
        # The boards' cores have four blocks.
        assert time["holds"] == (name == "b4"), time["board"]


@pytest.mark.parametrize("have, want, count, missed", [
    (995, 1000, 1000, 0), (994, 1000, 1000, 1), (1000, 900, 1000, 0), (0, 999, 999, 0)])
def test_the_factorizer_head_may_not_be_far_behind(have, want, count, missed):
    table = {"heads": {"factorizer": {"right": have}, "connected": {"right": want}}}
    assert len(compare.missed(table, count)) == missed


def row_of(join, scan, mean, noise):
    return {"triples": 5000, "noise": noise,
            "core": {"join": {"right": join, "mean": mean}, "scan": {"right": scan}}}


@pytest.mark.parametrize("join, mean, noise, missed", [
    (4990, 500., 0., []),
    (4989, 500., 0., ["join has 4,989 right, must have 4,990"]),
    (4991, 500.2, 0., ["join takes 500.2 cycles on average, may take 500"]),
    (4988, 80., 2., []),
    (4987, 80., 2., ["join has 4,987 right, must have 4,988"]),
])
def test_bounds(join, mean, noise, missed):
    assert evaluate.missed(row_of(join, 4990, mean, noise)) == missed


def test_evaluate_command(tmp_path, capsys):
    file = tmp_path / "figures.json"
    status = evaluate.main(["--triples", "30", "--seed", "4", "--heads", "1", "--level", "256",
                            "--json", str(file)])
    printed = capsys.readouterr().out
    rows = json.loads(file.read_text())
    assert status == 0 and "bounds count from 5,000 triples on" in printed
    assert [(row["network"], row["triples"], row["seed"]) for row in rows] == \
        [("b4", 30, 4), ("b8", 30, 4)]
    assert rows[0]["changes"] == {"factorize": {}, "join": {"heads": 1, "level": 256},
                                  "scan": {"level": 256}}
    for row in rows:
        images, labels = network.held_out_triples(30, seed=4)
        results = evaluate.search(network.load(row["network"]), images, "join", heads=1, level=256)
        assert row["core"]["join"]["mean"] == np.mean([result.cycles for result in results])
        assert f"{row['core']['join']['mean']:,.0f}" in printed


def test_a_missed_bound_fails_the_command_at_full_size(monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "ENOUGH", 20)
    assert evaluate.main(["--triples", "20"]) == 0
    monkeypatch.setattr(evaluate, "MEAN_CYCLES", 10)
    assert evaluate.main(["--triples", "20"]) == 1
    assert "missed: join takes" in capsys.readouterr().out
    assert evaluate.main(["--triples", "19"]) == 0


@pytest.mark.parametrize("arguments", [["--triples", "0"], ["--seed", "-1"], ["--noise", "-1"],
                                       ["--noise", "nan"]])
def test_evaluate_refuses_before_it_works(arguments, capsys):
    with pytest.raises(SystemExit):
        evaluate.main(arguments)
    assert "must be at least" in capsys.readouterr().err


def test_evaluate_refuses_a_json_file_without_a_folder(tmp_path):
    with pytest.raises(BlockfactorError, match="does not exist"):
        evaluate.main(["--json", str(tmp_path / "none" / "figures.json")])


def test_wrong_name_and_shape_are_named():
    with pytest.raises(BlockfactorError, match="no network 'b5'; networks are b4, b8"):
        network.load("b5")
    with pytest.raises(BlockfactorError, match=r"shape \(2, 3, 64\), must be \(n, 3, 8, 8\)"):
        network.load("b4").product_vector(np.zeros((2, 3, 64)))


def test_terminal_picture_fits_80_columns():
    images, _ = network.held_out_triples(1, seed=2)
    text = picture.ascii_triple(images[0])
    lines = text.split("\n")
    assert len(lines) == 8 and {len(line) for line in lines} == {56}
    ramp = picture.ascii_image(np.arange(64).reshape(8, 8) / 63 * 16).split("\n")
    assert ramp[0].startswith("  ") and ramp[-1].endswith("@@")
    colored = picture.ascii_image(images[0, 0], color=True)
    assert colored.count("\x1b[48;2;") == 64 and colored.count("\x1b[0m") == 8


@pytest.mark.parametrize("count, strips", [(1, True), (3, False)])
def test_draw_writes_a_png(tmp_path, count, strips):
    pytest.importorskip("matplotlib")
    images, labels = network.held_out_triples(count, seed=2)
    found = labels.copy()
    found[0, 1] = (found[0, 1] + 1) % 10
    products = network.load("b4").product_vector(images) if strips else None
    path = picture.draw(tmp_path / "found.png", images, labels, found, [60] * count,
                        {"factorize": [12_345] * count, "join": [76] * count},
                        products=products, smax=[60] * count)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_nothing_heavy_is_imported():
    code = (f"import sys; sys.path.insert(0, {str(FOLDER.parents[1])!r});"
            "from examples.digits import evaluate, picture;"
            "print([m for m in ('torch', 'sklearn', 'matplotlib') if m in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
