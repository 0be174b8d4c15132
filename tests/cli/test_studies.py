"""``blockfactor capacity``, ``noise`` and ``bits``: options, files, exit statuses, plots."""

import json
import struct
import zlib

import pytest

from blockfactor.studies import bits, capacity, noise, store

NAMES = ("capacity", "noise", "bits")
STUDIES = {"capacity": capacity, "noise": noise, "bits": bits}
#: Some rows of each study that take no time.
QUICK = {
    "capacity": ("--points", "D512-F2-B4-M32", "--points", "D1024-F4-B4-M6", "--trials", "6"),
    "noise": ("--points", "*B4-M22-wrong1/*", "--points", "D512-F3-B?-M22-margin4/j*",
              "--trials", "3"),
    "bits": ("--points", "*-M22-*/join", "--points", "*-M22-*/factorize*", "--trials", "2"),
}


def png_size(path) -> tuple[int, int]:
    """Width and height of a PNG file whose pixels are whole and not of one colour."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    at, pixels = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length:][:4])[0]
        pixels += body if kind == b"IDAT" else b""
        at += 12 + length
    assert len(set(zlib.decompress(pixels))) > 20
    return width, height


@pytest.mark.parametrize("name", NAMES)
def test_table_json_and_plot(name, command, tmp_path):
    figures, plot = tmp_path / "a.json", tmp_path / "a.png"
    done = command(name, *QUICK[name], "--seed", "4", "--json", figures, "--plot", plot)
    assert done.status == 0, done.err
    results = store.read(figures, name)
    assert results.seed == 4 and len(results.records) > 5
    for row_name, record in results.records.items():
        assert record.make_figures()["trials"] == int(QUICK[name][-1])
        assert record.figures == record.make_figures()
        assert f" {record.row.point} " in done.out and row_name.split("/")[1] in done.out
    width, height = png_size(plot)
    assert 600 < width < 2400 and 400 < height < 1600
    # The same again, and another seed gives other numbers.
    again = command(name, *QUICK[name], "--seed", "4")
    assert again.out == done.out
    assert command(name, *QUICK[name]).out != done.out


@pytest.mark.parametrize("name", NAMES)
def test_list(name, command):
    done = command(name, "--list")
    assert done.status == 0
    for row in STUDIES[name].study().rows:
        assert f" {row.point} " in done.out
    assert done.out.count("\n│ ") == len(STUDIES[name].study().rows)


def test_store_goes_on(command, tmp_path, monkeypatch):
    path, other = tmp_path / "s.json", tmp_path / "other.json"
    assert command("capacity", *QUICK["capacity"][:2], "--trials", "6", "--store", path,
                   "--seed", "3").status == 0
    # Its seed is the store's.
    assert command("capacity", *QUICK["capacity"], "--store", path).status == 0
    whole = command("capacity", *QUICK["capacity"], "--json", other, "--seed", "3")
    assert path.read_text() == other.read_text()
    # All is there: nothing is run.
    monkeypatch.setattr("blockfactor.studies.study.run_chunk", None)
    again = command("capacity", *QUICK["capacity"], "--store", path)
    assert (again.status, again.out) == (0, whole.out)


def test_check(command, tmp_path):
    path = tmp_path / "s.json"
    command("capacity", *QUICK["capacity"], "--json", path)
    done = command("capacity", "--check", path)
    assert (done.status, done.out) == (0, f"{path}: 6 of 6 chunks run again, 0 differences\n")
    done = command("capacity", "--check", path, "--sample", "2", "--seed", "5")
    assert (done.status, done.out) == (0, f"{path}: 2 of 6 chunks run again, 0 differences\n")
    table = json.loads(path.read_text())
    table["rows"][1]["chunks"][0]["cycles"] += 1
    path.write_text(json.dumps(table))
    done = command("capacity", "--check", path)
    assert done.status == 1
    assert "D512-F2-B4-M32/factorize, chunk 0: cycles is " in done.out
    assert "D512-F2-B4-M32/factorize: cycles is " in done.out  # the figure made of it
    assert done.out.endswith("chunks run again, 2 differences\n")


def test_many_differences_are_not_all_printed(command, tmp_path):
    path = tmp_path / "s.json"
    command("capacity", *QUICK["capacity"], "--json", path)
    table = json.loads(path.read_text())
    for row in table["rows"]:
        row["figures"] = dict.fromkeys(row["figures"], 2)
    path.write_text(json.dumps(table))
    done = command("capacity", "--check", path, "--sample", "1")
    assert done.status == 1 and len(done.out.splitlines()) == 22 and "more\n" in done.out


@pytest.mark.parametrize(("arguments", "message"), [
    (("--points", "D3-*"), "no point matches 'D3-*'; points are such as D256-F2-B4-M32 and "
                           "D1024-F4-B4-M31/join (--list shows all)"),
    (("--trials", "0"), "argument --trials: 0 is outside 1..1000000"),
    (("--jobs", "0"), "argument --jobs: 0 is outside 1..256"),
    (("--seed", "-1"), "argument --seed: -1 is outside 0..9223372036854775807"),
    (("--sample", "3"), "--sample 3 needs --check: no file to choose chunks of"),
    (("--check", "{empty}", "--trials", "3"), "--trials does not go with --check, which runs what "
                                              "{empty} has"),
    (("--check", "{empty}"), "{empty}: has no results"),
    (("--check", "{cut}"), "{cut}: not a file of a study, or one that is cut off"),
    (("--check", "{bits}"), "{bits}: of study 'bits', must be of 'capacity'"),
    (("--store", "{cut}"), "{cut}: not a file of a study, or one that is cut off"),
    (("--store", "{empty}", "--seed", "2"), "{empty}: has seed 7, asked for 2"),
    (("--plot", "a.svg"), "--plot a.svg: must end in .png"),
    (("--plot", "nowhere/a.png"), "directory nowhere does not exist"),
    (("--json", "nowhere/a.json"), "directory nowhere does not exist"),
    (("--store", "nowhere/a.json"), "directory nowhere does not exist"),
    (("--scheduler", "nonsense:", "--jobs", "2"), "--jobs 2 does not go with --scheduler"),
])
def test_refused(arguments, message, command, tmp_path):
    empty = {"kind": "blockfactor study", "version": 1, "study": "capacity", "seed": 7, "rows": []}
    for name, text in (("empty", json.dumps(empty)), ("cut", json.dumps(empty)[:70]),
                       ("bits", json.dumps(empty | {"study": "bits"}))):
        (tmp_path / name).write_text(text)
    paths = {name: tmp_path / name for name in ("empty", "cut", "bits")}
    done = command("capacity", *(a.format(**paths) for a in arguments))
    assert (done.status, done.out) == (2, "")
    assert message.format(**paths) in done.err and len(done.err.splitlines()) == 1


def test_sample_is_at_most_what_there_is(command, tmp_path):
    path = tmp_path / "s.json"
    command("capacity", *QUICK["capacity"], "--json", path)
    done = command("capacity", "--check", path, "--sample", "7")
    assert (done.status, done.err) == (2, f"blockfactor: error: --sample 7 is outside 1..6 (chunks "
                                          f"of {path})\n")


@pytest.mark.needs_modules("distributed")
def test_no_scheduler(command, monkeypatch):
    monkeypatch.setattr("blockfactor.studies.pool.TIMEOUT", .5)
    done = command("bits", *QUICK["bits"], "--scheduler", "tcp://127.0.0.1:9")
    assert done.status == 2 and "'tcp://127.0.0.1:9' cannot be reached" in done.err
