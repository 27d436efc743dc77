"""What sections compute, without the page."""

import numpy as np
import pytest

from t2t_mm.evaluation import breakdown
from t2t_mm.reports.run_report import (
    blocks,
    charts,
    curves,
    examples,
    experts,
    held_run,
    kept_decodes,
    overview,
    training_log,
)
from tests.reports.run_report import conftest


def points(values):
    return training_log.Points(np.arange(len(values), dtype=float), np.array(values, float))


def test_smoothing_is_a_mean_around_each_point():
    found = curves.smoothed(points([0, 3, 6, 9] * 10))
    # 40 points: a window of 3; at the ends of the two that there are.
    assert found.values[:4].tolist() == [1.5, 3.0, 6.0, 5.0]
    assert found.values[-1] == 7.5
    few = points([5, 1])
    assert curves.smoothed(few) is few


def test_the_overlap_of_experts_is_what_both_use():
    one = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    two = np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    assert experts.overlap(one, one) == 1.0
    assert experts.overlap(one, two) == pytest.approx((0.5 + 1.0) / 2)
    assert experts.overlap(one, two[:1]) == 0.5  # the encoder's layers alone
    assert experts.overlap(one, two[:, :2]) is None


def test_a_breakdown_becomes_a_table():
    rows = (("a", 0.5, 3), ("b", float("nan"), 1))
    table = blocks.table_of(breakdown.Breakdown("t", ("x", "y", "n"), rows, shown_as="bars"))
    (_, half, three), (_, nothing, _) = table.rows
    assert (half.text, half.bar, three.text) == ("0.500", 1.0, "3")
    assert (nothing.text, nothing.bar) == ("–", 0.0)  # noqa: RUF001
    matrix = breakdown.Breakdown("t", ("x", "a", "b"), (("a", 3, 1),), shown_as="matrix")
    assert [cell.shade for cell in blocks.table_of(matrix).rows[0]] == [None, 0.75, 0.25]
    with pytest.raises(ValueError, match="a row of 2 cells under 3 columns"):
        breakdown.Breakdown("t", ("x", "y", "n"), (("a", 1),))


def test_a_chart_has_the_page_s_colours_and_what_it_shows_in_words():
    chart = charts.lines("Loss & more", [charts.Line("train", points([3, 2, 1]), 1)])
    assert 'aria-label="Loss &amp; more"' in chart.svg and 'stroke="var(--c1)"' in chart.svg
    assert chart.legend == [("train", 1, "")]
    assert len(chart.svg) < 10_000
    assert charts.lines("none", [charts.Line("train", points([]))]) is None
    assert charts.lines("log", [charts.Line("x", points([0.1, 0, 90]))], logarithmic=True)


def test_runs_are_called_by_as_little_as_tells_them_apart(tmp_path):
    paths = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    assert held_run.names(paths) == ["a/run", "b/run"]
    assert held_run.names(paths[:1]) == ["run"]


def test_the_newest_decodes_are_taken_and_any_split_found(make_run):
    path = make_run()
    conftest.write_decodes(path, "coloured", ["red"] * 6, step=50)
    conftest.write_decodes(path, "coloured", ["red"] * 3, step=70, split="train")
    (run,) = held_run.open_runs([path])
    found = run.kept("coloured")
    assert (found.split, found.step, len(found)) == ("train", 70, 3)
    task = run.opened.tasks["coloured"]
    assert kept_decodes.find(run.opened.folder, task, "validation").step == 60
    assert run.kept("asked").search == "greedy"


def test_the_best_and_worst_are_the_best_and_worst_with_other_outputs_first(make_run):
    path = make_run()
    conftest.write_decodes(path, "coloured", ["red"] * 6)  # two of six are right
    (run,) = held_run.open_runs([path])
    chosen = examples._choose(run.measured["coloured"])
    assert [(each.rank, each.row, each.value) for each in chosen] == [
        ("best", 0, 1.0),
        ("best", 3, 1.0),
        ("best", 1, 0.0),  # there is no third that is right
        ("worst", 2, 0.0),
        ("worst", 4, 0.0),
        ("worst", 5, 0.0),
    ]
    conftest.write_decodes(path, "coloured", ["red", "red", "red", "red", "red", "green"])
    (run,) = held_run.open_runs([path])
    best = [each.row for each in examples._choose(run.measured["coloured"]) if each.rank == "best"]
    assert best == [0, 3, 1]  # what is right before what is other
    conftest.write_decodes(path, "coloured", ["red", "green", "blue", "red", "green", "blue"])
    (run,) = held_run.open_runs([path])
    best = [each.row for each in examples._choose(run.measured["coloured"]) if each.rank == "best"]
    assert best == [0, 1, 2]


def test_numbers_for_people():
    assert [overview.short(n) for n in (999, 1_234_567, 2.5e9)] == [
        "999",
        "1.23 million",
        "2.5 billion",
    ]
    assert [overview.duration(s) for s in (5, 65, 3_700)] == ["5 s", "1 min 5 s", "1 h 1 min"]
