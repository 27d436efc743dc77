import math
import types

import pytest

from t2t_mm.experiments import folder, outcome, page, plan, plots, results, tables
from t2t_mm.reports.run_report import blocks, charts
from t2t_mm.settings import experiments as settings_lib

NAN = (math.nan, math.nan)


@pytest.mark.parametrize(
    ("difference", "metric", "ends", "expected"),
    [
        (0.2, "accuracy", [(0.1, 0.3), (0.05, 0.35)], "better"),
        (0.2, "accuracy", [(0.1, 0.3), (-0.05, 0.35)], "unclear"),
        (0.2, "log_perplexity", [(0.1, 0.3), NAN], "worse"),
        (-0.2, "wer", [(-0.3, -0.1), (-0.4, -0.1)], "better"),
        (-0.2, "accuracy", [NAN, NAN], "unclear"),
        (0.1, "accuracy", [(0.1, 0.3), (-0.3, -0.1)], "unclear"),
        (0.1, "accuracy", [(0.1, 0.1)], "unclear"),
        (0.1, "accuracy", [(0.1, 0.1), (0.05, 0.2)], "better"),
    ],
)
def test_a_verdict_needs_all_intervals_that_there_are(difference, metric, ends, expected):
    assert tables.verdict(difference, metric, ends) == expected


def test_a_table_reads_back(tmp_path):
    rows = [{"a": 1.23456789, "b": "x, y"}, {"a": math.nan, "b": None}]
    table = tables.Table("some", ("a", "b"), rows)
    assert table.text() == 'a,b\n1.23457,"x, y"\n,\n'
    table.write(tmp_path)
    again = tables.read(tmp_path / "some.csv")
    assert (again.name, again.columns) == ("some", ("a", "b"))
    assert again.rows[0] == {"a": "1.23457", "b": "x, y"}


def test_company_is_measured_against_the_first_runs_alone_of_the_first_variation(tmp_path):
    settings = settings_lib.ExperimentSettings(
        groups=("joint", "alone", "alone_for_steps", "pairs"),
        variations=(("x",), ("y",)),
        seeds=(0,),
    )
    value = {"joint": 0.25, "alone": 0.5, "alone_for_steps": 0.625, "pairs": 0.75}
    kept = folder.ExperimentFolder(tmp_path)
    runs = plan.plan(settings, ("a", "b"))
    for run in runs:
        found = {name: {"log_perplexity": value[run.group]} for name in run.problems}
        kept.save(run, outcome.Outcome.of(run).replace(status="done", results=found))
    done = results.Results(kept, runs)
    nothing = types.SimpleNamespace(difference=lambda *_: None)
    matrix = tables.transfer(done, tables.differences(done, nothing))
    # Lower is better: 0.5 alone less 0.75 in company.
    assert matrix.text() == (
        "problem,metric,a,b\na,log_perplexity,,-0.25\nb,log_perplexity,-0.25,\n"
    )
    cells = page._transfer(matrix).blocks[0].rows[0]
    assert [cell.below for cell in cells[1:]] == ["", "unclear, one seed"]


def test_a_difference_of_nothing_is_drawn_with_its_interval(monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "svg", lambda what, _: drawn.append(what) or blocks.Html(""))
    row = {"problem": "a", "run": "joint", "less": "alone", "metric": "accuracy"}
    row |= {"difference": 0.0, "less_mean": 0.5, "seeds_low": -0.1, "seeds_high": 0.1}
    row |= {"examples_low": math.nan, "examples_high": math.nan}
    assert plots.forest("a title", [row, {**row, "less_mean": 0.0}]) is not None
    (value,) = drawn[0]["layer"][1]["data"]["values"]
    # A tenth of 0.5 is a fifth.
    assert (value["x"], value["seeds_low"], value["seeds_high"]) == (0.0, -0.2, 0.2)
    assert "examples_low" not in value


def test_trials_are_shown_with_parameters_of_any_type_the_best_first(monkeypatch):
    monkeypatch.setattr(charts, "svg", lambda *_: blocks.Html(""))
    columns = ("trial", "run", "status", "gain", "step", "a.rate", "a.schedule", "a.size")
    best = [0, "trial_000", "complete", 0.5, 40, 0.00123456, "cosine", 12345]
    none = [1, "", "fail", None, None, None, None, None]
    rows = [dict(zip(columns, row, strict=True)) for row in (none, best)]
    shown = page._trials(tables.Table("trials", columns, rows)).blocks[-1].rows
    assert [cell.text for cell in shown[0][3:]] == ["0.001235", "cosine", "12345"]
    assert [cell.text for cell in shown[1][3:]] == ["", "", ""]
