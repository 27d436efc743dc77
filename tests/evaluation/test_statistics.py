"""What metrics tell of each example: its sums give the metric, and breakdowns agree with it."""

import math
import re

import numpy as np
import pytest

from t2t_mm import registry
from t2t_mm.evaluation import base
from t2t_mm.plugins import builtins
from tests import conftest

TEXTS = base.Decodes(
    ["a red square is here", "the dog ran", "two", "a cat", ""],
    [
        ("a red square is there", "one red square is here"),
        ("the dog ran off",),
        ("2",),
        ("a cat sat",),
        ("no",),
    ],
)
TREES = base.Decodes(
    ["(S (NP NN )NP (VP VBZ )VP . )S", "(S (NP NN )NP VBZ . )S"],
    [("(S (NP NN )NP (VP VBZ )VP . )S",)] * 2,
)
CLASSES = base.Decodes(
    ["cat", "dog", "cat", "cat"],
    [("cat",), ("dog",), ("dog",), ("bird",)],
    measured=[{"nats": 0.5, "rank": 0}, {"nats": 1.0, "rank": 0}, {"nats": 2.5, "rank": 5}, {}],
)


def tables(name, decodes):
    return {table.title: table for table in registry.metrics.get(name)(None).breakdowns(decodes)}


@pytest.mark.parametrize(
    ("name", "decodes"),
    [
        *((name, TEXTS) for name in ("bleu", "caption_bleu", "cider", "wer", "cer")),
        ("exact_match", TEXTS),
        ("vqa_accuracy", TEXTS),
        ("bracket_f1", TREES),
    ],
)
def test_the_sums_of_statistics_give_the_metric(name, decodes):
    metric = registry.metrics.get(name)(None)
    metric.update(decodes)
    statistics = metric.statistics(decodes)
    assert len(statistics) == len(decodes.outputs)
    assert float(metric.value(statistics.sum(0))) == pytest.approx(metric.result()[name], rel=1e-6)
    assert metric.value(statistics).shape == (len(statistics),)


def test_every_metric_has_statistics_where_all_is_known():
    for name in registry.metrics.names():
        decodes = {"bracket_f1": TREES}.get(name, CLASSES)
        if name == "token_accuracy":
            decodes = base.Decodes(
                ["a"], [("a",)], measured=[{"nats": 2.0, "correct": 3.0, "tokens": 4.0}]
            )
        assert registry.metrics.get(name)(None).statistics(decodes) is not None, name


def test_every_metric_is_in_the_guide():
    page = (conftest.REPOSITORY / "docs" / "guide.md").read_text(encoding="utf-8")
    table = page.split("### Metrics\n")[1].split("\n### ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(builtins._METRICS)


def test_of_classes_the_ranks_and_nats_that_were_kept_count():
    def value(name):
        metric = registry.metrics.get(name)(None)
        return float(metric.value(metric.statistics(CLASSES).sum(0)))

    assert value("accuracy") == 2 / 4
    assert value("top5_accuracy") == 2 / 4
    assert value("log_perplexity") == (0.5 + 1.0 + 2.5) / 3  # the unknown class is left out
    bare = base.Decodes(CLASSES.outputs, CLASSES.references)
    assert registry.metrics.get("top5_accuracy")(None).statistics(bare) is None


def test_accuracy_breaks_down_by_label_and_into_a_matrix():
    found = tables("accuracy", CLASSES)
    by_label = {row[0]: row[1:] for row in found["F1 by label"].rows}
    assert by_label["dog"] == (2 / 3, 1.0, 0.5, 2)  # 1 hit of 2, and of 1 answer
    assert by_label["cat"] == (0.5, 1 / 3, 1.0, 1)
    assert by_label["bird"][0] == 0 and math.isnan(by_label["bird"][1])
    matrix = found["Confusion matrix"]
    assert matrix.columns[1:] == ("dog", "bird", "cat")
    assert matrix.rows == (("dog", 1, 0, 1), ("bird", 0, 0, 1), ("cat", 0, 0, 1))


def test_of_many_classes_the_most_frequent_confusions_are_told():
    labels = [f"c{n:02}" for n in range(30)]
    found = tables("accuracy", base.Decodes(["c00"] * 30, [(label,) for label in labels]))
    assert len(found["F1 by label"].rows) == 20
    assert found["Most frequent confusions"].rows[0] == ("c01", 1, "c00", 1.0)
    assert "20 most frequent of 29" in found["Most frequent confusions"].note


def test_wer_breaks_down_by_kind_of_error():
    decodes = base.Decodes(["a b x d", "e f f g"], [("a b c d",), ("e f g h",)])
    found = tables("wer", decodes)
    rates = {row[0]: row[1:] for row in found["WER by kind of error"].rows}
    assert rates == {
        "substitutions": (1 / 8, 1),
        "deletions": (1 / 8, 1),
        "insertions": (1 / 8, 1),
    }
    assert ("c", 1, "x") in found["Most frequent errors in words"].rows


def test_bleu_breaks_down_into_precisions_and_by_length():
    found = tables("bleu", TEXTS)
    parts = dict(found["What BLEU is made of"].rows)
    assert parts["precision of 1 word"] == pytest.approx(100 * 10 / 11)
    rows = found["BLEU by length"].rows
    assert sum(row[2] for row in rows) == 5


def test_bracket_f1_breaks_down_by_label():
    rows = {row[0]: row[1:] for row in tables("bracket_f1", TREES)["F1 by label"].rows}
    assert rows["VP"] == (2 / 3, 1.0, 0.5, 2)
    assert rows["NP"] == (1.0, 1.0, 1.0, 2)


def test_a_metric_of_a_plugin_needs_none_of_it():
    class Plain(base.Metric):
        name = "plain"

        def update(self, given):
            pass

        def result(self):
            return {}

    assert Plain().statistics(TEXTS) is None
    assert Plain().breakdowns(TEXTS) == []
    assert np.isnan(Plain().value(np.zeros(2)))
