import re

import pytest

from t2t_mm.problems.sample_world import english, phonemes, pronunciation, scene


def vocabulary():
    """Every word of every English sentence, and the digits."""
    things = [
        scene.Thing(shape, colour, size, pattern, determiner, plural)
        for shape, colour in zip(scene.SHAPES, (*scene.COLOURS, *scene.COLOURS), strict=False)
        for plural, determiners in ((False, scene.SINGULAR), (True, scene.PLURAL))
        for determiner in determiners
        for size, pattern in zip((*scene.SIZES, ""), (*scene.PATTERNS, "", ""), strict=True)
    ]
    clauses = [
        scene.Clause(things[number % len(things)], verb, tense, target=target, time=time)
        for number, verb in enumerate(scene.INTRANSITIVE + scene.TRANSITIVE)
        for tense, times in scene.TIMES.items()
        for time in times
        for target in things[number % 7 :: 97]
    ]
    clauses += [scene.Clause(thing, "wait", "present") for thing in things]
    star = things[0]
    clauses += [
        scene.Clause(star, "wait", "past", relation=relation, landmark=star, adverb=adverb)
        for relation in scene.RELATIONS
        for adverb in scene.ADVERBS
    ]
    scenes = [scene.Scene(frame, c) for c in clauses for frame in ("statement", "question")]
    scenes += [scene.Scene("report", clauses[0], opener=opener) for opener in scene.REPORTS]
    scenes += [
        scene.Scene("pair", clauses[0], opener=opener, second=clauses[1])
        for opener in scene.CONJUNCTIONS
    ]
    scenes += [scene.Scene("relative", clauses[0], second=clauses[1])]
    scenes += [scene.draw(0, "train", number) for number in range(2_000)]
    text = " ".join(english.write(what) for what in scenes)
    return sorted({*re.findall(r"[a-z']+", text.lower()), *pronunciation.DIGITS})


def test_every_word_has_phonemes_that_can_be_spoken():
    words = vocabulary()
    assert {"crosses", "stopped", "diamonds"} <= set(words)
    assert len(words) > 190
    for word in words:
        spoken = pronunciation.pronounce(word)
        assert set(spoken) <= set(phonemes.TARGETS), word
    used = {name for word in words for name in pronunciation.pronounce(word)}
    assert used == set(phonemes.TARGETS), "targets that nothing uses"


@pytest.mark.parametrize(
    ("word", "spoken"),
    [
        ("stars", "S T AA R Z"),
        ("circles", "S ER K AX L Z"),
        ("crosses", "K R AO S IH Z"),
        ("touches", "T AH CH IH Z"),
        ("looks", "L UH K S"),
        ("carries", "K EH R IY Z"),
        ("carried", "K EH R IY D"),
        ("stopped", "S T AA P T"),
        ("danced", "D AE N S T"),
        ("waited", "W EY T IH D"),
        ("turned", "T ER N D"),
        ("this", "DH IH S"),
        ("red", "R EH D"),
    ],
)
def test_endings_sound_as_the_stem_wants(word, spoken):
    assert " ".join(pronunciation.pronounce(word)) == spoken


def test_a_word_of_another_world():
    with pytest.raises(KeyError, match="'elephants'"):
        pronunciation.pronounce("elephants")
