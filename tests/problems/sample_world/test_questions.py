import collections
import random

import pytest

from t2t_mm.problems.sample_world import questions, scene

STAR = scene.Thing("star", "red", "", "", "the", False)
RINGS = scene.Thing("ring", "blue", "", "", "three", True)
MOON = scene.Thing("moon", "red", "", "", "a", False)


def asked(count=600, per_scene=4):
    found = []
    for number in range(count):
        what = scene.draw(0, "train", number, labelled=True)
        several = questions.ask(what, random.Random(number), per_scene)
        found.extend((what, question) for question in several)
    return found


def possible(clause):
    """Returns answers by question, whatever the dice say."""
    what = scene.Scene("statement", clause)
    found = {}
    for number in range(300):
        for question, answer, _ in questions.ask(what, random.Random(number), 20):
            assert found.setdefault(question, answer) == answer, question
    return found


def test_answers_are_what_the_picture_shows():
    clause = scene.Clause(STAR, "wait", "present", relation="above", landmark=RINGS)
    found = possible(clause)
    expected = {
        "What colour is the star?": "red",
        "Which colour do the rings have?": "blue",
        "What is the red thing?": "star",
        "What shape are the blue things?": "ring",
        "How many rings are there?": "3",
        "How many stars can you see?": "1",
        "Is there a red star?": "yes",
        "Are there blue rings?": "yes",
        "Is the star above the rings?": "yes",
        "Is the star below the rings?": "no",
        "What is below the star?": "ring",
    }
    assert {question: found.get(question) for question in expected} == expected
    assert "no" in {answer for question, answer in found.items() if "Is there" in question}


def test_what_can_be_mistaken_is_not_asked():
    clause = scene.Clause(STAR, "watch", "present", target=MOON)
    assert not [question for question in possible(clause) if "the red thing" in question]
    twins = scene.Clause(STAR, "watch", "present", target=STAR, relation="above", landmark=MOON)
    assert not [question for question in possible(twins) if "the star" in question]


def test_no_answer_is_right_so_often_that_looking_does_not_pay():
    kinds = collections.defaultdict(collections.Counter)
    for _, (question, answer, _) in asked():
        kinds[question.split()[0]][answer] += 1
    for kind, counts in kinds.items():
        share = counts.most_common(1)[0][1] / sum(counts.values())
        assert share < (0.6 if set(counts) == {"yes", "no"} else 0.45), (kind, counts)
    everything = sum(kinds.values(), collections.Counter())
    assert everything.most_common(1)[0][1] / sum(everything.values()) < 0.3


def test_nearly_every_picture_has_four_questions_all_different():
    found = collections.defaultdict(list)
    for what, (question, _, _) in asked(300):
        found[what].append(question)
    assert all(len(set(several)) == len(several) for several in found.values())
    assert sum(len(several) for several in found.values()) > 3.6 * 300


def test_most_people_are_right_and_some_err():
    shares = []
    for number, (_, question) in enumerate(asked(100)):
        given = questions.poll(question, random.Random(number))
        assert len(given) == questions.PEOPLE
        assert set(given) <= {question[1], *question[2]}
        shares.append(given.count(question[1]))
    assert min(shares) == 6
    assert max(shares) == 10
    assert sum(share < 10 for share in shares) > 0.3 * len(shares)


@pytest.mark.parametrize("number", [1, 2])
def test_the_dice_decide(number):
    what = scene.draw(0, "train", 3)
    first = questions.ask(what, random.Random(number), 4)
    assert first == questions.ask(what, random.Random(number), 4)
    assert first != questions.ask(what, random.Random(number + 7), 4)
