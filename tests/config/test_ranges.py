"""Ranges: one declaration for the check, its words, and the page of gin parameters."""

import dataclasses
from typing import Annotated

import pytest

from t2t_mm import errors
from t2t_mm.config import ranges


@pytest.mark.parametrize(
    ("allowed", "words", "inside", "outside"),
    [
        (ranges.numbers(1), "1 or more", [1, 10**9], [0, -1]),
        (ranges.numbers(0, 1_000), "0 to 1,000", [0, 1_000], [-0.1, 1_001]),
        (ranges.numbers(0, 1, below=True), "0 or more, below 1", [0, 0.99], [1, -1e-9]),
        (ranges.numbers(0, 1, above=True), "above 0, up to 1", [1e-9, 1], [0, 1.1]),
        (ranges.numbers(0.5, also=0), "0, or 0.5 or more", [0, 0.5], [0.4, -1]),
        (ranges.numbers(0), "0 or more", [0.0], [float("nan"), float("inf")]),
    ],
)
def test_numbers(allowed, words, inside, outside):
    assert allowed.words == words
    assert all(allowed.holds(value, None) for value in inside)
    assert not any(allowed.holds(value, None) for value in outside)


@dataclasses.dataclass(frozen=True)
class Sizes:
    width: Annotated[int, ranges.numbers(8)] = 8
    heads: Annotated[
        int, ranges.Range("a divisor of width", lambda n, sizes: sizes.width % n == 0)
    ] = 2
    limit: Annotated[int | None, ranges.numbers(1)] = None
    name: str = ""

    def __post_init__(self):
        ranges.check(self)


def test_fields_with_a_range_are_checked():
    assert list(ranges.of(Sizes)) == ["width", "heads", "limit"]
    Sizes(width=9, heads=3, limit=1)
    for wrong, said in (
        ({"width": 7}, "Sizes.width is out of range. Received: 7. Expected: 8 or more."),
        ({"heads": 3}, "Sizes.heads is out of range. Received: 3. Expected: a divisor of width."),
        ({"limit": 0}, "Sizes.limit is out of range. Received: 0. Expected: 1 or more."),
    ):
        with pytest.raises(errors.ConfigError) as raised:
            Sizes(**wrong)
        assert str(raised.value) == said


def test_a_single_value_is_checked_alike():
    ranges.require("The size of a thing", 3, ranges.numbers(3))
    with pytest.raises(errors.ConfigError) as caught:
        ranges.require("The size of a thing", 2, ranges.numbers(3), hint="Take a larger one")
    said = "The size of a thing is out of range. Received: 2. Expected: 3 or more. "
    assert str(caught.value).startswith(said) and "Take a larger one" in str(caught.value)
