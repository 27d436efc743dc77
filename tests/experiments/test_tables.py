import math

import pytest

from t2t_mm.experiments import tables

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
