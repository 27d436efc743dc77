"""BLEU-4 of captions against counting by hand, and the published evaluation's figures."""

import collections
import math
import random

import pytest

from t2t_mm.evaluation import base, caption_bleu

WORDS = "a the red big dog cat bus runs sits on under near two and street".split()


def generated(count, seed=1):
    dice = random.Random(seed)
    outputs, references = [], []
    for _ in range(count):
        own = [dice.choices(WORDS, k=dice.randint(1, 14)) for _ in range(dice.randint(1, 6))]
        base_text = dice.choice(own)
        cut = dice.randint(0, len(base_text))
        outputs.append(" ".join([*base_text[:cut], *dice.choices(WORDS, k=dice.randint(0, 3))]))
        references.append(tuple(" ".join(words) for words in own))
    return outputs, references


def by_hand(outputs, references):
    """Corpus BLEU-4 in logarithms, as Papineni et al. 2002 write it, without smoothing."""
    logs, ours, theirs = 0.0, 0, 0
    for n in (1, 2, 3, 4):
        hits = total = 0
        for output, own in zip(outputs, references, strict=True):
            words = output.split()
            grams = collections.Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
            for gram, count in grams.items():
                inside = []
                for text in own:
                    other = text.split()
                    places = range(len(other) - n + 1)
                    inside.append(sum(tuple(other[i : i + n]) == gram for i in places))
                hits += min(count, max(inside))
                total += count
        logs += math.log(hits / total) / 4
    for output, own in zip(outputs, references, strict=True):
        length = len(output.split())
        ours += length
        theirs += sorted((abs(len(t.split()) - length), len(t.split())) for t in own)[0][1]
    return 100 * math.exp(logs + min(0, 1 - theirs / ours))


def measured(outputs, references):
    metric = caption_bleu.CaptionBleu()
    metric.update(base.Decodes(outputs, references))
    return metric.result()["caption_bleu"]


def test_equals_counting_by_hand_on_generated_captions():
    outputs, references = generated(220)
    value = measured(outputs, references)
    assert value == pytest.approx(by_hand(outputs, references), rel=1e-8)
    assert 10 < value < 90


def test_batches_and_case_and_punctuation_do_not_matter():
    outputs, references = generated(50)
    metric = caption_bleu.CaptionBleu()
    for start in (0, 20):
        stop = 20 if start == 0 else 50
        loud = [f"{text.upper()}!" for text in outputs[start:stop]]
        metric.update(base.Decodes(loud, references[start:stop]))
    assert metric.result()["caption_bleu"] == measured(outputs, references)


def test_a_reference_itself_is_100_and_nothing_in_common_is_0():
    references = [("A big red bus stops here.", "A bus."), ("Two cats sleep on it.",)]
    assert measured([own[0] for own in references], references) == pytest.approx(100)
    assert measured(["x y z u v", "x y z u v"], references) == pytest.approx(0, abs=1e-6)


def test_too_short_a_caption_is_held_to_the_nearest_length():
    # Of 4 words, against 6 and 3: the nearest has 3, so nothing is taken off.
    same = "a big red bus"
    assert measured([same], [(f"{same} stops here", "x y z")]) == pytest.approx(100)
    # Against 6 and 7: exp(1 - 6 / 4).
    wanted = [(f"{same} stops here", f"{same} stops over there")]
    assert measured([same], wanted) == pytest.approx(100 * math.exp(-0.5))


def test_no_words_at_all():
    assert measured([""], [("a dog runs by",)]) == 0
    assert math.isnan(caption_bleu.CaptionBleu().result()["caption_bleu"])


def test_letters_of_scripts_without_spaces_are_words():
    """As the same captions with a space between any two letters."""
    outputs = ["一只黑色的狗。", "两个孩子在玩球"]
    references = [("一只白色的狗", "一只小狗在跑。"), ("两个孩子在踢球",)]

    def measured(part):
        metric = caption_bleu.CaptionBleu()
        wanted = [tuple(map(part, own)) for own in references]
        metric.update(base.Decodes([part(text) for text in outputs], wanted))
        return metric.result()["caption_bleu"]

    assert measured(str) == measured(" ".join) > 0
