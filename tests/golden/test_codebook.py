import numpy as np
import pytest

from blockfactor.errors import BlockfactorError, CodebookError
from blockfactor.golden.codebook import Codebooks, bind, encode, product, unbind


def one_hot(indices, length):
    vector = np.zeros((len(indices), length), dtype=int)
    for b, index in enumerate(indices):
        vector[b, index] = 1
    return vector


def convolve(a, c):
    """Block-wise circular convolution of dense vectors."""
    return np.array([sum(x * np.roll(row, n) for n, x in enumerate(shift))
                     for shift, row in zip(a, c)])


@pytest.mark.parametrize("length", [1, 2, 7, 16, 65536])
def test_binding_is_circular_convolution(length):
    rng = np.random.default_rng(length)
    a, c = rng.integers(0, length, (2, 5), dtype=np.uint16 if length < 65536 else np.int64)
    bound = bind(a, c, length)
    assert bound.dtype == np.uint16
    if length < 100:
        assert (one_hot(bound, length) == convolve(one_hot(a, length), one_hot(c, length))).all()
    assert (unbind(bound, a, length) == c).all()
    assert (bound == [(int(i) + int(j)) % length for i, j in zip(a, c)]).all()


def test_binding_broadcasts_and_does_not_wrap_at_16_bits():
    a = np.array([[40000], [50000]], dtype=np.uint16)
    c = np.array([30000, 40000, 1], dtype=np.uint16)
    assert bind(a, c, 60000).tolist() == [[10000, 20000, 40001], [20000, 30000, 50001]]
    assert unbind(c, a, 60000).tolist() == [[50000, 0, 20001], [40000, 50000, 10001]]


@pytest.mark.parametrize("factors", range(1, 9))
def test_encode_and_product_bind_all_factors(factors):
    rng = np.random.default_rng(factors)
    sizes = rng.integers(1, 9, factors)
    books = Codebooks.random(sizes, 3, 11, rng)
    tuples = np.array([[rng.integers(0, size) for size in sizes] for _ in range(20)])
    for row, bound in zip(tuples, product(books, tuples)):
        dense = one_hot([0, 0, 0], 11)
        for book, m in zip(books.indices, row):
            dense = convolve(one_hot(book[m], 11), dense)
        assert (one_hot(bound, 11) == dense).all()
        assert (encode(books, row) == bound).all() and bound.dtype == np.uint16


def test_random_is_uniform_and_follows_the_seed():
    books = Codebooks.random((300, 500), 4, 8, 3)
    assert books == Codebooks.random((300, 500), 4, 8, np.random.default_rng(3))
    assert hash(books) == hash(Codebooks.random((300, 500), 4, 8, 3))
    assert books != Codebooks.random((300, 500), 4, 8, 4)
    assert (books.factors, books.blocks, books.sizes, books.dimension) == (2, 4, (300, 500), 32)
    for f, book in enumerate(books.indices):
        for b in range(4):
            counts = np.bincount(book[:, b], minlength=8)
            chi = ((counts - len(book) / 8) ** 2 / (len(book) / 8)).sum()
            assert chi < 29, f"factor {f}, block {b}: chi square {chi:.1f} with 7 degrees, seed 3"


def test_frozen_and_independent_of_the_arrays_given():
    values = np.array([[1, 2], [3, 0]])
    books = Codebooks((values,), 4)
    values[:] = 0
    assert books.indices[0].tolist() == [[1, 2], [3, 0]] and books.indices[0].dtype == np.uint16
    with pytest.raises(ValueError):
        books.indices[0][0, 0] = 1
    with pytest.raises(AttributeError):
        books.block_length = 8
    assert books.check() is books


def test_duplicates():
    books = Codebooks(([[1, 2], [0, 2], [1, 2], [1, 2]], [[1, 2], [2, 1]], [[0, 0], [0, 0]]), 3)
    assert books.duplicates() == [(0, 2, 0), (0, 3, 0), (2, 1, 0)]


@pytest.mark.parametrize(("indices", "length", "message"), [
    ((), 4, "no codebooks: at least one factor is needed"),
    (5, 4, "indices 5 is not a sequence of codebooks"),
    (([[0, 1]], []), 4, "codebook 1 is empty"),
    (([[], []],), 4, "codebook 0 is empty"),
    (([[0, 1], [2]],), 4, "codebook 0: codevectors differ in length"),
    (([0, 1],), 4, r"codebook 0 has shape (2,), must be [codevectors, blocks]"),
    (([[0.0, 1.0]],), 4, "codebook 0: float64 values are not integers"),
    (([[True]],), 4, "codebook 0: bool values are not integers"),
    (([[0, 1]], [[0, 1, 2]]), 4, "codebook 1 has 3 blocks, codebook 0 has 2"),
    (([[0, 1]], [[0, 1], [3, 2], [0, 4]]), 4,
     "codebook 1, codevector 2, block 1: index 4 is outside 0..3"),
    (([[0, -1]],), 4, "codebook 0, codevector 0, block 1: index -1 is outside 0..65535"),
    (([[70000]],), 4, "codebook 0, codevector 0, block 0: index 70000 is outside 0..65535"),
    (([[0]],), 0, "block_length 0 is outside 1..65536"),
    (([[0]],), 65537, "block_length 65537 is outside 1..65536"),
    (([[0]],), 4.5, "block_length 4.5 is not an integer in 1..65536"),
])
def test_wrong_codebooks_are_refused_with_place_and_range(indices, length, message):
    with pytest.raises(CodebookError) as caught:
        Codebooks(indices, length)
    assert str(caught.value) == message
    assert isinstance(caught.value, BlockfactorError)


def test_check_finds_what_went_wrong_after_construction():
    books = Codebooks.random((3, 3), 2, 8, 0)
    object.__setattr__(books, "block_length", int(books.indices[0].max()))
    with pytest.raises(CodebookError, match="is outside 0"):
        books.check()


@pytest.mark.parametrize(("arguments", "message"), [
    (((3, 0), 4, 8), "sizes[1] 0 is outside 1..16777216"),
    ((7, 4, 8), "sizes 7 is not a sequence, one size per factor"),
    (((3,), 0, 8), "blocks 0 is outside 1..65536"),
    (((3,), 4, 0), "block_length 0 is outside 1..65536"),
    (((), 4, 8), "no codebooks: at least one factor is needed"),
])
def test_wrong_arguments_of_random(arguments, message):
    with pytest.raises(CodebookError) as caught:
        Codebooks.random(*arguments, seed=0)
    assert str(caught.value) == message


@pytest.mark.parametrize(("call", "message"), [
    (lambda c: encode(c, (0, 1)), "tuple (0, 1) has 2 entries, there are 3 codebooks"),
    (lambda c: encode(c, (0, 5, 0)), "tuple 0, factor 1: codevector 5 is outside 0..3"),
    (lambda c: encode(c, (0, -1, 0)), "factor 1, codevector -1 is outside 0..2147483647"),
    (lambda c: encode(c, (0, 1.5, 0)),
     "factor 1, codevector 1.5 is not an integer in 0..2147483647"),
    (lambda c: product(c, np.array([[0, 0, 0], [0, 0, -1]])),
     "tuple 1, factor 2: codevector -1 is outside 0..4"),
    (lambda c: product(c, np.zeros((2, 3))),
     "tuples have shape (2, 3) of float64, must be integers [n, 3]"),
])
def test_tuples_outside_the_codebooks(call, message):
    with pytest.raises(CodebookError) as caught:
        call(Codebooks.random((3, 4, 5), 2, 8, 0))
    assert str(caught.value) == message


def test_file_round_trip_and_exact_name(tmp_path):
    books = Codebooks.random((3, 400, 1), 5, 1000, 1)
    path = tmp_path / "codebook.dat"
    books.save(path)
    assert Codebooks.load(path) == books
    assert [p.name for p in tmp_path.iterdir()] == ["codebook.dat"]
    content = path.read_bytes()
    books.save(str(path))
    assert path.read_bytes() == content, "saving is not deterministic"


def test_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "c.npz"
    old = Codebooks.random((3,), 2, 8, 0)
    old.save(path)

    def broken(stream, **arrays):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", broken)
    with pytest.raises(CodebookError, match="c.npz: cannot be written: No space left on device"):
        Codebooks.random((3,), 2, 8, 1).save(path)
    assert Codebooks.load(path) == old
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]


def test_every_damaged_byte_and_every_cut_is_noticed(tmp_path):
    books = Codebooks.random((3, 2), 2, 8, 0)
    path, bad = tmp_path / "c.npz", tmp_path / "bad.npz"
    books.save(path)
    content = path.read_bytes()
    refused = 0
    for n in range(len(content)):
        bad.write_bytes(content[:n] + bytes([content[n] ^ 0x55]) + content[n + 1:])
        try:
            # Some bytes of a zip file, such as times, mean nothing.
            assert Codebooks.load(bad) == books, f"byte {n} changed the codebook unnoticed"
        except CodebookError as problem:
            assert str(problem).startswith(str(bad))
            refused += 1
    assert refused > len(content) / 2
    for n in range(0, len(content) - 1, 7):
        bad.write_bytes(content[:n])
        with pytest.raises(CodebookError, match="bad.npz"):
            Codebooks.load(bad)


@pytest.mark.parametrize(("change", "message"), [
    ({"kind": "queries"}, "not a file of codebooks: kind is 'queries'"),
    ({"format_version": 2}, "format_version 2 is not 1"),
    ({"format_version": None}, "format_version None is not 1"),
    ({"content": "block_length indices_0"}, "content is 'block_length indices_0', but the file "
     "holds 'block_length indices_0 indices_1'"),
    ({"content": None}, "content is 'None', but the file holds 'block_length indices_0 indices_1'"),
    ({"block_length": None}, "block_length is missing"),
    ({"block_length": 3.5}, "block_length is not one integer"),
    ({"indices_0": None}, "indices_0 is missing"),
    ({"indices_0": None, "indices_1": None}, "no codebooks: at least one factor is needed"),
    ({"indices_1": [[1, 9]]}, "codebook 1, codevector 0, block 1: index 9 is outside 0..7"),
    ({"indices_1": np.array([[object(), 1]])}, "not a readable .npz archive: Object arrays"),
])
def test_files_with_wrong_content(tmp_path, change, message):
    arrays = {"kind": "codebooks", "format_version": 1, "block_length": 8,
              "indices_0": [[1, 2]], "indices_1": [[3, 4]]}
    arrays = {k: v for k, v in (arrays | change).items() if v is not None}
    if "content" not in change:
        arrays["content"] = " ".join(sorted(arrays.keys() - {"kind", "format_version"}))
    path = tmp_path / "c.npz"
    np.savez(path, **arrays)
    with pytest.raises(CodebookError) as caught:
        Codebooks.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_files_that_are_none(tmp_path):
    with pytest.raises(CodebookError, match="none.npz: cannot be read: No such file"):
        Codebooks.load(tmp_path / "none.npz")
    with pytest.raises(CodebookError, match="cannot be written: No such file"):
        Codebooks.random((1,), 1, 1, 0).save(tmp_path / "none" / "c.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(CodebookError, match="it holds one array"):
        Codebooks.load(tmp_path / "array.npy")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(CodebookError, match="text.npz: not a readable .npz archive"):
        Codebooks.load(tmp_path / "text.npz")
