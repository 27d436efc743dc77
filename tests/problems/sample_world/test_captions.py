import dataclasses
import random
import re

import pytest

from t2t_mm.problems.sample_world import captions, scene, things

STAR = scene.Thing("star", "red", "huge", "", "the", False)
CROSSES = scene.Thing("cross", "blue", "", "striped", "two", True)
CLAUSE = scene.Clause(STAR, "sleep", "past", adverb="often", time="yesterday")


def written(clause, number=0):
    return captions.write(scene.Scene("statement", clause), random.Random(number))


def scenes(count=400):
    return [scene.draw(0, "train", number, labelled=number % 2 == 0) for number in range(count)]


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (STAR, "a red star"),
        (CROSSES, "two striped blue crosses"),
        (dataclasses.replace(STAR, shape="arrow", colour="orange"), "an orange arrow"),
        (dataclasses.replace(CROSSES, determiner="several"), "four striped blue crosses"),
    ],
)
def test_phrases(thing, said):
    assert things.phrase(thing) == said


def test_five_different_captions_of_every_scene():
    for number, what in enumerate(scenes()):
        found = captions.write(what, random.Random(number))
        assert len(set(found)) == len(found) == 5
        for caption in found:
            assert caption[0].isupper()
            assert not re.search(r"[{}]|  |\ba [aeiou]|None", caption)
            assert what.first.subject.colour in caption
            assert things.noun(what.first.subject.shape, what.first.subject.count) in caption


def test_only_what_the_picture_shows():
    unseen = {
        *scene.SIZES, *scene.ADVERBS, *scene.INTRANSITIVE, *scene.TRANSITIVE,
        *(time for times in scene.TIMES.values() for time in times), *scene.REPORTS,
    } - {"see", "stand", "lie"}  # fmt: skip
    for number, what in enumerate(scenes()):
        for caption in captions.write(what, random.Random(number)):
            words = f" {re.sub('[.,;]', '', caption.lower())} "
            assert not [word for word in unseen if f" {word} " in words], caption


def test_the_order_of_words_turns_with_the_relation():
    beside = dataclasses.replace(CLAUSE, relation="above", landmark=CROSSES)
    found = {caption for number in range(60) for caption in written(beside, number)}
    found = {caption.rstrip(".").lower() for caption in found}
    assert "a red star over two striped blue crosses" in found
    assert "two striped blue crosses under a red star" in found
    assert not any(re.search(r"star.* (below|under|beneath) two", caption) for caption in found)
    assert not any(re.search(r"crosses (above|over) a red", caption) for caption in found)


def test_the_dice_decide_the_rest():
    beside = dataclasses.replace(CLAUSE, relation="near", landmark=CROSSES, target=CROSSES)
    assert written(beside, 1) == written(beside, 1)
    assert written(beside, 1) != written(beside, 2)
    assert len(written(CLAUSE)) == 5
