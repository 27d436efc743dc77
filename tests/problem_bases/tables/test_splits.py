"""Splits: disjoint, of the size that is asked for, and the same for ever."""

import pytest

from t2t_mm import errors
from t2t_mm.problem_bases.tables import rows, splits

PARTS = {"train": 0.7, "validation": 0.2, "test": 0.1}


def row(key, **values):
    return rows.Row(f"line {key}", str(key), values)


def by_fractions(parts, group=""):
    return splits.Splits(dict.fromkeys(parts, "x"), bounds=splits.bounds(parts), group=group)


def test_fractions_part_the_rows():
    found = by_fractions(PARTS)
    counts = dict.fromkeys(PARTS, 0)
    for number in range(5000):
        (split,) = [name for name in PARTS if found.holds(name, row(f"data.csv:{number}"))]
        counts[split] += 1
    for name, part in PARTS.items():
        assert counts[name] / 5000 == pytest.approx(part, abs=0.02)


def test_a_draw_follows_from_the_name_alone():
    assert splits.draw("data.csv:7") == pytest.approx(0.64769, abs=1e-5)
    # What is no text has a place too: it makes a bad example there.
    assert splits.draw("\udcff") != splits.draw("\ud800")
    assert splits.draw("\udcff") == splits.draw("\udcff")


def test_what_fractions_leave_is_of_no_split():
    found = by_fractions({"train": 0.2, "validation": 0.2})
    held = [any(found.holds(name, row(n)) for name in found.names) for n in range(2000)]
    assert sum(held) / 2000 == pytest.approx(0.4, abs=0.04)


def test_rows_of_a_group_stay_together():
    found = by_fractions(PARTS, group="speaker")
    for speaker in range(50):
        members = [row(f"{speaker}-{n}", speaker=speaker) for n in range(5)]
        homes = {name for name in PARTS for member in members if found.holds(name, member)}
        assert len(homes) == 1
    assert "no 'speaker'" in str(found.error(row("a", speeker="x")))
    assert found.error(row("a", speaker="x")) is None


def test_a_column_tells_the_split():
    values = {"train": ("a", "1"), "validation": ("b",)}
    found = splits.Splits(dict.fromkeys(values, "x"), "part", values)
    assert found.names == ("train", "validation")
    assert found.holds("train", row(1, part="a"))
    assert found.holds("train", row(1, part=1))
    assert found.holds("validation", row(1, part="b"))
    assert not any(found.holds(name, row(1, part="c")) for name in values)
    # One that cannot be placed is told once, with the first split.
    assert found.holds("train", row(1))
    assert not found.holds("validation", row(1))
    assert "no 'part'" in str(found.error(row(1)))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"train": 0.9, "validation": 0.2}, "more than the whole.*1.1"),
        ({"train": 1.0, "validation": 0.0}, "'validation' is out of range"),
        ({"train": -0.1, "validation": 0.2}, "'train' is out of range"),
    ],
)
def test_fractions_that_cannot_be(parts, words):
    with pytest.raises(errors.PluginError, match=words):
        splits.bounds(parts)


def test_fractions_that_rounding_leaves_short_of_the_whole_are_the_whole():
    assert splits.bounds({"a": 0.1, "b": 0.2, "c": 0.7})["c"][1] == 1.0
    assert splits.bounds(dict.fromkeys("abc", 1 / 3))["c"][1] == 1.0
