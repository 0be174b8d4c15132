"""Wrong inputs are refused with exactly the messages of refused_inputs.py and docs/refused.md."""

import pytest
import refused_inputs
import refused_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Folder with the table's files; none of the cases may change it."""
    folder = tmp_path_factory.mktemp("refused")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        refused_world.write_files()
    return folder


@pytest.mark.parametrize(("given", "message"), refused_inputs.CASES,
                         ids=[given for given, _ in refused_inputs.CASES])
def test_refused(given, message, world, monkeypatch):
    monkeypatch.chdir(world)
    before = {path: path.read_bytes() for path in world.iterdir()}
    assert refused_world.attempt(given) == message
    assert {path: path.read_bytes() for path in world.iterdir()} == before


def test_table_is_long_enough_and_has_no_repeats():
    given = [given for given, _ in refused_inputs.CASES]
    assert len(given) >= 40
    assert len(set(given)) == len(given)


def test_page_is_up_to_date():
    """``make docs`` writes it."""
    assert refused_inputs.PAGE.read_text(encoding="utf-8") == refused_inputs.markdown()
