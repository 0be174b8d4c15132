import pytest

from blockfactor.errors import ParameterError
from blockfactor.golden.hyperparameters import PUBLISHED, published_parameters


@pytest.mark.parametrize(("problem", "expected"), [
    ((512, 3, 4, 10), (46, 0.0094)),
    ((512, 3, 4, 110), (10, 0.0066)),
    ((512, 2, 4, 348), (0, 0.0)),
    ((512, 2, 4, 1155), (238, 0.0076)),
    ((512, 2, 8, 1155), (266, 0.0097)),
    ((256, 3, 4, 22), (9, 0.0081)),
    ((1024, 3, 4, 464), (40, 0.0048)),
])
def test_published_figures(problem, expected):
    assert published_parameters(*problem) == expected


def test_sizes_are_those_of_the_published_sweep():
    """25 problem sizes, evenly spaced on a logarithmic scale from 1e3 to 1e8."""
    for (dimension, factors, blocks), table in PUBLISHED.items():
        if blocks == 2:
            continue  # an own, shorter sweep
        sizes = list(table)
        assert len(sizes) == 25 and sizes == sorted(sizes), (dimension, factors, blocks)
        assert sizes == [round(10 ** ((3 + 5 * i / 24) / factors)) for i in range(25)]
        assert all(0 <= a and 0 <= t < 0.1 for a, t in table.values())


def test_nothing_is_interpolated():
    with pytest.raises(ParameterError, match="no published parameters for M=100 at D=512 F=3 B=4; "
                                             "sizes are 10, 12"):
        published_parameters(512, 3, 4, 100)
    with pytest.raises(ParameterError, match="D=512 F=4 B=4; there are some for D=256 F=2 B=4"):
        published_parameters(512, 4, 4, 10)
