"""The page of gin parameters is that of the code."""

import dataclasses

from t2t_mm import config
from t2t_mm.report import gin_reference
from tests import conftest


def test_the_page_is_up_to_date():
    """If not: python -m t2t_mm.report.gin_reference > docs/gin_parameters.md."""
    page = (conftest.REPOSITORY / "docs" / "gin_parameters.md").read_text(encoding="utf-8")
    assert page == gin_reference.page()


def test_every_field_is_described():
    for cls in config.classes():
        told = dict(gin_reference._arguments(cls))
        assert {field.name for field in dataclasses.fields(cls)} <= set(told), cls.__name__


def test_a_row_has_type_default_and_words():
    rows = gin_reference.page().splitlines()
    (row,) = [row for row in rows if row.startswith("| `too_long` |")]
    assert "'cut'" in row and row.count(" | ") >= 3
