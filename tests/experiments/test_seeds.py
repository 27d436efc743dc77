import pytest

from t2t_mm import errors
from t2t_mm.experiments import seeds


@pytest.mark.parametrize(
    ("text", "expected"), [("3", (0, 1, 2)), ("1", (0,)), ("4,7", (4, 7)), (" 5, ", (5,))]
)
def test_how_many_or_which(text, expected):
    assert seeds.parse(text) == expected


def test_one_large_number_is_a_seed_without_its_comma():
    with pytest.raises(errors.ConfigError, match="too many.*That one seed is --seeds=20240101,"):
        seeds.parse("20240101")
    assert seeds.parse("20240101,") == (20240101,)


@pytest.mark.parametrize("text", ["0", "", ",", "2,2", "-1", "1,x", "two", "1.5"])
def test_no_seeds_are_refused(text):
    with pytest.raises(errors.ConfigError, match="names no seeds"):
        seeds.parse(text)
