"""Each corruption of texts against its definition."""

import pytest

from t2t_mm.modality import Language, corruption
from t2t_mm.modality.language import corruptions

KINDS = {each.kind: each for each in Language().corruptions()}
TEXT = "Several quick brown foxes jumped over those lazy dogs without looking back. " * 100
LETTERS = sum(letter.isalpha() for letter in TEXT)


def corrupted(kind, text, strength, *, key="k", seed=0):
    rng = corruption.generator(seed, key, kind, strength)
    return KINDS[kind].apply(text.encode(), strength, rng).decode()


def differing(one, other):
    assert len(one) == len(other)
    return sum(a != b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_damage_grows_with_strength_and_depends_on_seed_and_key(kind):
    def damage(strength):
        changed = corrupted(kind, TEXT, strength)
        if kind == "dropped_words":
            return len(TEXT) - len(changed)
        return differing(TEXT.split(), changed.split())

    damages = [damage(strength) for strength in corruption.STRENGTHS]
    assert damages[0] > 0
    assert damages == sorted(damages)
    twin = corrupted(kind, TEXT, 2)
    assert corrupted(kind, TEXT, 2) == twin
    assert corrupted(kind, TEXT, 2, key="l") != twin
    assert corrupted(kind, TEXT, 2, seed=1) != twin


def test_typos_hit_so_many_letters_and_a_key_beside():
    changed = corrupted("typos", TEXT, 5)
    assert differing(TEXT, changed) / LETTERS == pytest.approx(0.2, abs=0.02)
    near = corruptions.neighbours()
    assert near["g"] == "tyfhvb" and near["q"] == "wa" and near["Q"] == "WA"
    assert all(b in near[a] for a, b in zip(TEXT, changed, strict=True) if a != b)
    assert differing("привет " * 50, corrupted("typos", "привет " * 50, 5)) > 30


def test_homoglyphs_look_the_same_and_are_others():
    changed = corrupted("homoglyphs", "cocoa " * 200, 5)
    assert differing("cocoa " * 200, changed) / 1000 == pytest.approx(0.3, abs=0.05)
    assert set(changed) == set("cocoa соа")  # noqa: RUF001 (that is what they are)


def test_words_are_swapped_dropped_and_in_capitals():
    words = TEXT.split()
    swapped = corrupted("swapped_words", TEXT, 4).split()
    assert sorted(swapped) == sorted(words)
    moved = sum(a != b for a, b in zip(words, swapped, strict=True))
    assert moved / len(words) == pytest.approx(0.3, abs=0.05)
    dropped = corrupted("dropped_words", TEXT, 5)
    assert len(dropped.split()) / len(words) == pytest.approx(0.7, abs=0.05)
    assert "  " not in dropped
    assert corrupted("case", "Some words", 5) == "sOME WORDS"
    inner = corrupted("swapped_letters", TEXT, 5).split()
    hit = sum(a != b for a, b in zip(words, inner, strict=True))
    assert hit / len(words) == pytest.approx(0.8, abs=0.08)  # less where both letters are equal
    for before, after in zip(words, inner, strict=True):
        assert sorted(before) == sorted(after)
        assert (before[0], before[-1]) == (after[0], after[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_short_and_strange_texts_stay_texts(kind):
    for text in ("", " ", "a", "ab\n", "!?", "你好", "สวัสดี 1", "\u0301"):
        for strength in corruption.STRENGTHS:
            changed = corrupted(kind, text, strength)
            assert bool(changed.strip()) == bool(text.strip()), (text, changed)


def test_signs_of_scripts_without_spaces_count_as_words():
    text = "我们今天去北京看长城" * 20
    assert len(corrupted("dropped_words", text, 5)) == pytest.approx(140, abs=15)
    assert corrupted("swapped_words", text, 5) != text
