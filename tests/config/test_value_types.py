"""A value is taken as its annotation means it, or refused."""

import sys
import types
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from t2t_mm import errors
from t2t_mm.config import value_types


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (3, int, 3),
        (3, float, 3.0),
        (None, int | None, None),
        (4, int | None, 4),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, 2.5], tuple[int, float], (1, 2.5)),
        ((1, 2), list[float], [1.0, 2.0]),
        ({"a": 1}, dict[str, float], {"a": 1.0}),
        ({"a": 1}, tuple[float, ...] | Mapping[str, float], {"a": 1.0}),
        ("b", Literal["a", "b"], "b"),
        (object, Any, object),
        (True, bool, True),
    ],
)
def test_values_that_fit(value, annotation, expected):
    found = value_types.convert("C.x", value, annotation)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("3", int),
        (2**63, int),
        (-(2**63) - 1, int),
        (True, int),
        (True, float),
        (1, bool),
        (3.0, int),
        (None, int),
        ("abc", tuple[str, ...]),
        ("abc", list[str]),
        ((1, 2, 3), tuple[int, int]),
        ({"a": "b"}, dict[str, float]),
        ("c", Literal["a", "b"]),
        (float("nan"), float),
    ],
)
def test_values_that_do_not(value, annotation):
    with pytest.raises(errors.ConfigError, match=r"C\.x cannot have this value \(x\.gin, line 1\)"):
        value_types.convert("C.x", value, annotation, place="x.gin, line 1")


def test_the_class_of_a_module_that_is_gone_keeps_its_types(monkeypatch):
    """As that of a plugin that failed after it had declared its settings."""
    gone = types.ModuleType("gone")
    monkeypatch.setitem(sys.modules, "gone", gone)
    code = """
from __future__ import annotations
import dataclasses
from typing import Annotated

@dataclasses.dataclass(frozen=True)
class Settings:
    width: Annotated[int, "pixels"] = 1
"""
    exec(code, vars(gone))
    monkeypatch.delitem(sys.modules, "gone")
    assert value_types.field_types(gone.Settings) == {"width": int}
