"""longest_first.py: the order of the tests, and its table."""

import longest_first

TABLE = longest_first.read("90 a.py::long\n40 b.py\n5 a.py\n")
TESTS = ["a.py::one", "c.py::one", "a.py::long", "b.py::one", "d.py::one", "d.py::two",
         "b.py::two[x y]"]
LOG = """45.50s call     tests/a.py::long[x]
4.00s setup    tests/a.py::long[x]
40.25s setup    tests/b.py::Class::one
3.00s call     tests/b.py::two
0.50s teardown tests/b.py::two
1 passed in 2.00s
"""


def test_order():
    """By seconds, those of which none are known by their number; files stay together."""
    order = [TESTS[n] for n in longest_first.in_order(TESTS, TABLE)]
    assert order == ["a.py::long", "b.py::one", "b.py::two[x y]", "a.py::one", "d.py::one",
                     "d.py::two", "c.py::one"]
    assert [longest_first.unit(test, TABLE) for test in TESTS[:3]] == ["a.py", "c.py", "a.py::long"]


def test_table_of_a_log():
    """What a fixture takes is the file's: a test handed out alone would make it anew."""
    assert longest_first.measured(LOG) == {"tests/a.py::long[x]": 45.5, "tests/a.py": 4.0,
                                           "tests/b.py": 43.75}


def test_the_table_is_of_tests_there_are():
    for name in longest_first.read(longest_first.TABLE.read_text(encoding="utf-8")):
        assert (longest_first.ROOT / name.partition("::")[0]).exists(), name
