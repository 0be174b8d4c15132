"""Files of studies: what is written is read, and what is broken is refused with its name."""

import json

import pytest
from small_study import STUDY

from blockfactor.errors import StudyError
from blockfactor.studies import store
from blockfactor.studies.study import Results, make_up, run


@pytest.fixture(scope="module")
def text():
    """A file of two rows."""
    results = Results("small", 5)
    run(results, make_up(results, STUDY.rows[:2]))
    return store.text(results)


@pytest.fixture
def refused(tmp_path):
    """A function that writes a text and returns why it is refused."""
    def attempt(content, study=None) -> str:
        path = tmp_path / "s.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(StudyError) as caught:
            store.read(path, study)
        message = str(caught.value)
        assert message.startswith(f"{path}: ") and "\n" not in message
        return message.removeprefix(f"{path}: ")
    return attempt


def test_round_trip(text, tmp_path):
    path = tmp_path / "s.json"
    path.write_text(text)
    results = store.read(path, "small")
    assert (results.study, results.seed, len(results.records)) == ("small", 5, 2)
    store.write(path, results)
    assert path.read_text() == text
    table = json.loads(text)
    assert table["rows"][0]["chunks"][2]["seed"] == [5, 2, 6, 3, 16, 2]
    assert table["rows"][0]["figures"]["trials"] == 25


def test_rows_without_results_are_left_out():
    results = Results("small", 5)
    make_up(results, STUDY.rows)
    assert json.loads(store.text(results))["rows"] == []


def test_cut_off_anywhere(text, refused):
    for length in range(0, len(text) - 2, 97):
        assert "not a file of a study, or one that is cut off" in refused(text[:length])


@pytest.mark.parametrize(("content", "message"), [
    (b"\xff\xfe", "not a file of a study, or one that is cut off"),
    ("[" * 100000, "not a file of a study, or one that is cut off"),
    ("[1, 2]", "not a file of a study"), ('{"kind": "other"}', "not a file of a study"),
])
def test_no_study(content, message, refused):
    assert refused(content).startswith(message)


def change(table, path, value):
    """Set what is at a path of keys; None deletes it."""
    *path, last = path
    for key in path:
        table = table[key]
    if value is None:
        del table[last]
    else:
        table[last] = value


CHUNK = ("rows", 1, "chunks", 0)


@pytest.mark.parametrize(("path", "value", "message"), [
    (("version",), 2, "version 2 is not 1"),
    (("seed",), -1, "seed -1 is outside 0..9223372036854775807"),
    (("seed",), None, "'seed' is missing"),
    (("rows",), None, "'rows' is missing"),
    (("rows",), 3, "is not as it must be"),
    (("rows", 1), "text", "row 1: is not as it must be"),
    (("rows", 1, "name"), "other", "row 1: name 'other' does not fit its problem and way"),
    (("rows", 1, "problem", "size"), 7, "row 1: "),
    (("rows", 1, "problem", "factors"), None, "row 1: Problem: "),
    (("rows", 1, "problem", "colour"), 7, "row 1: no field 'colour' in Problem"),
    (("rows", 1, "way"), [], "row 1: way [] is not a table with name and parameters"),
    (("rows", 1, "way", "core", "lanes"), 3, "row 1: lanes 3 is not one of 1, 2, 4, 8"),
    (("rows", 1, "way", "parameters", "level"), 512, "row 1: level 512 is outside 0..511"),
    (("rows", 0, "way", "parameters", "T"), -1, "row 0: T -1 is outside 0..65536"),
    (("rows", 0, "way", "parameters", "A"), None, "row 0: Published: "),
    (("rows", 1, "figures"), None, "row 1: 'figures' is missing"),
    ((*CHUNK, "right"), 11, "row 1: chunk 0: right 11 is outside 0..10"),
    ((*CHUNK, "right"), 1.5, "row 1: chunk 0: right 1.5 is not an integer in 0.."),
    ((*CHUNK, "trials"), 11, "row 1: chunk 0: trials 11 is outside 1..10"),
    ((*CHUNK, "factors"), 21, "row 1: chunk 0: factors 21 is outside 0..20"),
    ((*CHUNK, "cycles"), None, "row 1: 'cycles' is missing"),
    ((*CHUNK, "seed"), [1], "row 1: chunk 0: seed [1] is not [5, 2, 6, 3, 16, 0]"),
    ((*CHUNK, "number"), 1, "row 1: chunk 1: seed"),
    ((*CHUNK, "bins"), [[5, 9]], "row 1: chunk 0: bins have 9 trials, must have 10"),
    ((*CHUNK, "digest"), 5, "row 1: chunk 0: digest 5 is not a text"),
])
def test_broken(path, value, message, text, refused):
    table = json.loads(text)
    change(table, path, value)
    assert refused(json.dumps(table)).startswith(message)


def test_twice(text, refused):
    table = json.loads(text)
    table["rows"].append(table["rows"][0])
    assert refused(json.dumps(table)) == f"row {STUDY.rows[0].name} is there twice"
    del table["rows"][2]
    table["rows"][0]["chunks"].append(table["rows"][0]["chunks"][0])
    assert refused(json.dumps(table)) == "row 0: chunk 0 is there twice"


def test_another_study(text, refused):
    assert refused(text, "bits") == "of study 'small', must be of 'bits'"


def test_no_such_file(tmp_path):
    with pytest.raises(StudyError, match="nowhere.json: No such file or directory"):
        store.read(tmp_path / "nowhere.json")
