"""The page of gin parameters is that of the code."""

import dataclasses

from t2t_mm import config
from t2t_mm.config import ranges, value_types
from t2t_mm.reports import gin_reference
from tests import conftest


def test_the_page_is_up_to_date():
    """If not: python -m t2t_mm.reports.gin_reference > docs/gin_parameters.md."""
    page = (conftest.REPOSITORY / "docs" / "gin_parameters.md").read_text(encoding="utf-8")
    assert page == gin_reference.page()


def test_every_field_is_described():
    for cls in config.classes():
        told = dict(gin_reference._arguments(cls))
        assert {field.name for field in dataclasses.fields(cls)} <= set(told), cls.__name__


def test_a_row_has_type_range_default_and_words():
    rows = gin_reference.page().splitlines()
    (choice,) = [row for row in rows if row.startswith("| `too_long` |")]
    assert choice.startswith("| `too_long` | Literal['cut', 'drop'] |  | `'cut'` | how ")
    (number,) = [row for row in rows if row.startswith("| `top_p` |")]
    assert number.startswith("| `top_p` | float | above 0, up to 1 | `1.0` | nucleus ")


def test_every_number_has_a_range():
    """A mixture's weights and points are more than numbers; the schedule checks them."""
    for cls in config.classes():
        numbers = {n for n, t in value_types.field_types(cls).items() if t in (int, float)}
        assert numbers <= set(ranges.of(cls)), cls.__name__
