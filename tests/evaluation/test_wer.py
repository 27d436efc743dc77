import importlib.metadata
import math
import random
import sys

import numpy as np
import pytest

from t2t_mm import errors
from t2t_mm.evaluation import base, wer

WORDS = "the a red blue star moon don't o'clock waits it's".split()


def distance(wanted, said):
    """The Levenshtein distance of two lists, a row of the table at a time."""
    places = np.arange(len(said) + 1)
    row = places
    for number, word in enumerate(wanted, start=1):
        differs = np.array([word != other for other in said], int)
        best = np.minimum(row[:-1] + differs, row[1:] + 1)
        # Insertions go on from the left: row[j] = min over i <= j of best[i] + (j - i).
        row = np.minimum.accumulate(np.concatenate([[number], best]) - places) + places
    return int(row[-1])


def measure(*pairs):
    metric = wer.Wer()
    metric.update(
        base.Decodes(
            [said for said, _ in pairs],
            [(wanted,) if isinstance(wanted, str) else wanted for _, wanted in pairs],
        )
    )
    return metric.result()["wer"]


def dressed(words, dice):
    """The same words with the case and punctuation of some corpus."""
    said = [word.upper() if dice.random() < 0.3 else word for word in words]
    return "".join(f"{word}{dice.choice((' ', ', ', '. ', '  '))}" for word in said)


def pair(dice):
    """A sentence, and it again with words changed, left out and added."""
    wanted = dice.choices(WORDS, k=dice.randint(1, 20))
    said = []
    for word in wanted:
        roll = dice.random()
        if roll < 0.15:
            continue
        said.append(dice.choice(WORDS) if roll < 0.3 else word)
        if roll > 0.9:
            said += dice.choices(WORDS, k=dice.randint(1, 3))
    return wanted, said if dice.random() > 0.05 else []


def test_the_table_of_the_tests_is_right():
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == distance("abc", "") == 3


def test_agrees_with_another_implementation_on_every_pair_and_on_all():
    dice = random.Random(7)
    pairs = [pair(dice) for _ in range(400)]
    texts = [(dressed(said, dice), dressed(wanted, dice)) for wanted, said in pairs]
    for (wanted, said), text in zip(pairs, texts, strict=True):
        assert measure(text) == distance(wanted, said) / len(wanted)
    wrong = sum(distance(wanted, said) for wanted, said in pairs)
    assert measure(*texts) == wrong / sum(len(wanted) for wanted, _ in pairs)
    assert 0.1 < measure(*texts) < 0.6


def test_utterances_weigh_by_their_words_whatever_the_batches():
    metric = wer.Wer()
    metric.update(base.Decodes(["x"], [("one",)]))
    metric.update(base.Decodes(["one two three"], [("one two three",)]))
    # 1 error in 1 word and 0 in 3: 1/4; the mean of the two utterances were 1/2.
    assert metric.result() == {"wer": 1 / 4}


def test_an_empty_output_and_an_empty_reference():
    assert measure(("", "one two")) == 1.0
    assert measure(("one two three four", "one")) == 3.0
    # What was said where nothing was to be heard counts, with the words of the others.
    assert measure(("noise noise", ""), ("one two three four", "one two three four")) == 2 / 4
    assert math.isnan(measure(("", "")))
    assert math.isnan(measure())


def test_the_nearest_of_several_references_counts():
    assert measure(("a b c", ("x y z w", "a b c d"))) == 1 / 4
    assert measure(("a b", ("a x", "a y z"))) == 1 / 2


def test_notes_say_what_was_compared_and_with_what():
    metric = wer.Wer()
    assert metric.notes() == {}
    metric.update(base.Decodes(["one too"], [("One two, three!",)]))
    notes = metric.notes()["wer"]
    assert "1 substitutions, 1 deletions, 0 insertions, 3 words" in notes
    assert "lower case" in notes
    assert f"jiwer {importlib.metadata.version('jiwer')}" in notes


def test_without_jiwer_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(errors.ConfigError, match=r"pip install 't2t-mm\[audio\]'"):
        wer.Wer()


def test_letters_of_scripts_without_spaces_are_words():
    # One of ten letters differs; the sign at the end is no letter.
    assert measure(("他说明天上午会下大雨。", "他说明天下午会下大雨。")) == 1 / 10
    assert measure(("他 说明天上午 会下大雨", "他说明天下午会下大雨。")) == 1 / 10
    # Words between spaces stay words: five letters and "python".
    assert measure(("我用 Perl 写代码", "我用 Python 写代码")) == 1 / 6
    metric = wer.Wer()
    metric.update(base.Decodes(["白狗"], [("白猫",)]))
    assert "letters without spaces as words" in metric.notes()["wer"]


def test_korean_has_spaces():
    assert measure(("우리는 어제 학교에서 보았다", "우리는 어제 공원에서 보았다")) == 1 / 4
