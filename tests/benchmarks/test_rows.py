"""Rows: medians, ratios, goals, and the table that comes of them."""

import json

import pytest

from benchmarks import machine, options, profile, rows, turns


def _row(**changes):
    values = {"unit": "steps/s", "ours": (3.0, 9.0, 4.0), "other": (2.0, 2.0, 8.0)}
    return rows.Row("training", "a case", **{**values, "versus": "a peer", **changes})


def test_the_ratio_is_that_of_the_medians_and_the_spread_that_of_rounds():
    row = _row()
    assert (row.our_median, row.other_median, row.ratio) == (4.0, 2.0, 2.0)
    assert row.spread == (0.5, 4.5)


@pytest.mark.parametrize(
    ("goal", "at_least", "reached"),
    [
        (2.0, True, True),
        (2.1, True, False),
        (2.0, False, True),
        (1.9, False, False),
        (None, True, None),
    ],
)
def test_a_goal_is_a_bound_on_the_ratio(goal, at_least, reached):
    assert _row(goal=goal, at_least=at_least).is_reached is reached


def test_a_figure_that_stands_alone_is_its_own_goals():
    row = rows.Row("start", "mm-list", "s", (0.4, 0.5, 2.0), goal=1.0, at_least=False)
    assert row.ratio is None and row.spread is None and row.is_reached is True


def test_nothing_measured_reaches_nothing():
    row = rows.Row("training", "a case", goal=1.0, skipped="no peer")
    assert row.is_reached is None
    assert "not measured: no peer" in rows.markdown([row])


def test_rows_come_back_from_their_file(tmp_path):
    kept = [_row(goal=1.5), rows.Row("start", "b", skipped="why")]
    rows.write(tmp_path / "deep" / "rows.jsonl", kept)
    assert rows.read(tmp_path / "deep" / "rows.jsonl") == kept
    assert rows.read(tmp_path / "none.jsonl") == []
    assert json.loads(json.dumps(kept[0].as_json()))["is_reached"] is True


def test_the_table_has_a_cell_for_every_heading():
    text = rows.markdown([_row(goal=3.0, note="16 x 32"), rows.Row("a", "b", skipped="c")])
    assert len({line.count("|") for line in text.splitlines()}) == 1
    assert "| training | a case (16 x 32) | 4.00 | 2.00 | steps/s | a peer |" in text
    assert "2.00 (0.500-4.50) | >= 3.00 | no |" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (0.01234, "0.0123"), (1.5, "1.50"), (12.34, "12.3"), (4567.8, "4,568")],
)
def test_numbers_have_three_digits_that_count(value, text):
    assert rows.number(value) == text


def test_sides_take_turns_and_change_places():
    order = []
    sides = {name: lambda name=name: order.append(name) or len(order) for name in ("a", "b")}
    assert turns.alternate(sides, 3) == {"a": [1, 4, 5], "b": [2, 3, 6]}
    assert order == ["a", "b", "b", "a", "a", "b"]


def test_a_child_process_is_given_the_same_options(tmp_path):
    import argparse

    parser = argparse.ArgumentParser()
    options.add_flags(parser)
    given = [f"--output_dir={tmp_path}", "--rounds=4", "--only=a,b", "--seconds=2.5"]
    chosen = options.from_flags(parser.parse_args([*given, f"--peers={tmp_path / 'p'}"]))
    assert options.from_flags(parser.parse_args(chosen.arguments())) == chosen
    assert chosen.wants("case a") and not chosen.wants("c")
    quick = options.from_flags(parser.parse_args([*given, "--quick"]))
    assert (quick.rounds, quick.peer_rounds, quick.seconds) == (1, 1, 0.5)


def test_asked_precisions_are_taken_and_auto_begins_with_float32():
    assert machine.precisions("bfloat16") == ["bfloat16"]
    assert machine.precisions("auto")[0] == "float32"


def test_operations_of_a_profile_are_told_apart_by_kind():
    assert profile.kind_of("a/MatMul", "MatMul") == "matmul"
    assert profile.kind_of("body/decoder/norm/mul", "Mul") == "normalisation"
    assert profile.kind_of("body/decoder/add", "AddV2") == "elementwise"
    assert profile.kind_of("mul_134", "Mul") == profile.UNNAMED
    events = [("a", "MatMul", 3), ("b", "MatMul", 2), ("c", "Cast", 1)]
    assert profile.by_kind(events) == {"matmul": 5, "casts": 1}
    assert profile.by_operation(events) == [("MatMul", 5), ("Cast", 1)]
    every = [op for ops in profile.KINDS.values() for op in ops]
    assert len(every) == len(set(every))
