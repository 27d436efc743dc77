import math

import pytest

from t2t_mm.evaluation import base, cer


def measure(*pairs):
    metric = cer.Cer()
    outputs, references = zip(*pairs, strict=True)
    metric.update(base.Decodes(outputs, [(r,) if isinstance(r, str) else r for r in references]))
    return metric.result()["cer"]


def test_errors_are_counted_for_each_character():
    # kitten, sitting: two letters differ, one is put in; six characters
    assert measure(("sitting", "kitten")) == 3 / 6
    # "a dog" has 5 characters with its space; "adog" lacks one of them
    assert measure(("adog", "a dog")) == 1 / 5
    assert measure(("sitting", "kitten"), ("adog", "a dog")) == 4 / 11


def test_case_and_punctuation_do_not_count():
    assert measure(("a dog RUNS", "A dog, runs!")) == 0


@pytest.mark.parametrize("said", ["他说明天上午会下大雨。", "他 说 明 天 上 午 会 下 大 雨"])
def test_in_scripts_without_spaces_spaces_do_not_count(said):
    assert measure((said, "他说明天下午会下大雨。")) == 1 / 10


def test_the_nearest_of_several_references_counts():
    assert measure(("abc", ("xyz", "abd"))) == 1 / 3


def test_nothing_to_measure_is_nan_and_notes_say_what_was_compared():
    metric = cer.Cer()
    assert math.isnan(metric.result()["cer"])
    assert metric.notes() == {}
    metric.update(base.Decodes(["one too"], [("one two",)]))
    assert "1 substitutions, 0 deletions, 0 insertions, 7 characters" in metric.notes()["cer"]
