"""Damage in training, in the graph, is that of the measurement at strengths between."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import Audio, Image, Language, augmentation
from t2t_mm.modality.audio import augmentation as sounds
from t2t_mm.modality.image import augmentation as pictures
from t2t_mm.modality.image import corruptions
from t2t_mm.modality.language import augmentation as texts
from t2t_mm.settings.augmentation import AugmentSettings

SEED = tf.constant([3, 5], tf.int64)


def only(kind, *, share=1.0, strength=5.0):
    return AugmentSettings(share=share, strength=strength, kinds=(kind,))


def test_severities_lie_between_those_of_the_table():
    found = augmentation.severity(
        tf.constant([0.0, 0.5, 1.0, 2.25, 5.0]), 1.0, (0.4, 0.3, 0.2, 0.1, 0.05)
    )
    # 1 to 0.4 half way: 0.7; 0.3 to 0.2 by a quarter: 0.275
    assert found.numpy() == pytest.approx([1.0, 0.7, 0.4, 0.275, 0.05])


def test_a_share_of_examples_is_damaged_each_in_one_way():
    settings = AugmentSettings(share=0.3, strength=4.0)
    drawn = augmentation.draw(settings, ["a", "b", "c"], tf.constant(4000), SEED)
    strengths = np.stack([one.numpy() for one in drawn.values()])
    assert ((strengths > 0).sum(0) <= 1).all()
    assert (strengths > 0).mean(1) == pytest.approx([0.1] * 3, abs=0.02)
    assert 3.9 < strengths.max() <= 4.0
    assert strengths[strengths > 0].mean() == pytest.approx(2.0, abs=0.1)
    assert list(augmentation.draw(only("b"), ["a", "b"], tf.constant(2), SEED)) == ["b"]


@pytest.mark.parametrize(
    ("declared", "own"),
    [(Image(), pictures._KINDS), (Audio(), sounds.KINDS), (Language(), texts.KINDS)],
)
def test_what_is_declared_is_what_can_be_drawn_and_measured(declared, own):
    assert declared.augmentations() == tuple(own)
    assert set(own) < {each.kind for each in declared.corruptions()}


def test_unknown_kinds_are_refused():
    with pytest.raises(errors.ConfigError, match=r"to damage by 'jpg'.*Did you mean 'jpeg'"):
        only("jpg").check(["jpeg", "typos"])
    with pytest.raises(errors.ConfigError, match=r"AugmentSettings\.share"):
        AugmentSettings(share=1.5)
    AugmentSettings().check([])
    with pytest.raises(errors.ConfigError, match="share has no input to damage"):
        AugmentSettings(share=0.5).check([])


@pytest.fixture(scope="module")
def photos():
    """Eight pictures of waves, uint8 [8, 32, 32, 3]."""
    y, x = np.mgrid[:32, :32] / 32
    waves = [np.stack([np.sin(n * x + 3 * y), np.cos(7 * y), np.sin(9 * x)], -1) for n in range(8)]
    return (127 + 60 * np.stack(waves)).round().astype(np.uint8)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in ("gaussian_noise", "jpeg") else pytest.mark.slow)
        for kind in pictures._KINDS
    ],
)
def test_pictures_are_damaged_as_much_as_by_the_measurement(kind, photos):
    def damage(changed):
        return np.mean((np.asarray(changed, float) - photos) ** 2)

    traced = tf.function(pictures.augmented, autograph=False)
    # A strength of up to 5 is 2.5 on average: more damage than at 1, less than at 5.
    found = traced(tf.constant(photos), only(kind), SEED).numpy()
    change = corruptions._KINDS[kind][1]
    rng = np.random.default_rng(0)

    def measured(strength):
        severity = corruptions.SEVERITIES[kind][strength - 1]
        return damage([255 * np.clip(change(one / 255, severity, rng), 0, 1) for one in photos])

    assert 0.3 * measured(1) < damage(found) < measured(5)
    assert np.array_equal(traced(tf.constant(photos), only(kind), SEED), found)
    assert not np.array_equal(traced(tf.constant(photos), only(kind), SEED + 1), found)
    few = traced(tf.constant(photos), only(kind, share=0.4), SEED).numpy()
    assert 0 < sum(np.array_equal(a, b) for a, b in zip(few, photos, strict=True)) < 8


def test_noise_in_sounds_is_as_far_below_them_as_the_table_says():
    draw = np.random.default_rng(0)
    samples = draw.normal(scale=0.1, size=(64, 800)).astype(np.float32)
    samples[1, 500:] = 0
    length = tf.constant([800, 500, *[800] * 62])
    found = sounds.augmented(
        tf.constant(samples), length, only("white_noise"), SEED, sample_rate=8_000
    ).numpy()
    noise = found - samples
    assert not noise[1, 500:].any()
    snr_db = 10 * np.log10((samples**2).sum(1) / (noise**2).sum(1))
    assert (snr_db > -0.1).all() and (snr_db < 25.1).all()  # 0 dB at 5, 25 dB at 0
    assert snr_db.mean() == pytest.approx(12.5, abs=2)  # the table is linear
    for kind in ("clipping", "reverberation"):
        given = tf.constant(samples), length, only(kind), SEED
        changed = sounds.augmented(*given, sample_rate=8_000).numpy()
        assert np.isfinite(changed).all() and not changed[1, 500:].any()
        assert np.abs(changed - samples).max(1).min() > 1e-4
        energy = (changed**2).sum(1) / (samples**2).sum(1)
        assert (energy == pytest.approx(1, abs=1e-3)) == (kind == "reverberation")
        assert np.array_equal(sounds.augmented(*given, sample_rate=8_000), changed)


TEXT = "Several quick brown foxes jumped over those lazy dogs without looking back"


def test_texts_are_damaged_in_their_own_ways():
    raw = tf.constant([TEXT] * 200)

    def damaged(kind, given=raw, **changes):
        found = texts.augmented(given, only(kind, **changes), SEED).numpy()
        return [one.decode() for one in found]

    def share_of_letters(changed):
        pairs = [(a, b) for one in changed for a, b in zip(TEXT, one, strict=True) if a.isalpha()]
        return np.mean([a != b for a, b in pairs])

    # Of the tables' shares at 0 to 5, on average: typos 0, .02, .04, .08, .12, .2 -> .072
    assert share_of_letters(damaged("typos")) == pytest.approx(0.072, abs=0.01)
    # homoglyphs 0, .02, .05, .1, .2, .3 -> .104, of the letters that have one (38 of 63 or so)
    assert 0.03 < share_of_letters(damaged("homoglyphs")) < 0.09
    cased = [word for one in damaged("case") for word in one.split()]
    plain = TEXT.split() * 200
    swapped = [a == b.swapcase() for a, b in zip(cased, plain, strict=True)]
    assert all(a in (b, b.swapcase()) for a, b in zip(cased, plain, strict=True))
    assert np.mean(swapped) == pytest.approx(0.42, abs=0.04)  # 0, .1, .25, .5, .75, 1
    left = damaged("dropped_words")
    assert np.mean([len(one.split()) for one in left]) / 12 == pytest.approx(0.87, abs=0.02)
    assert all(set(one.split()) <= set(TEXT.split()) for one in left)
    assert damaged("typos", share=0.0) == [TEXT] * 200
    assert damaged("typos") == damaged("typos")


@pytest.mark.parametrize("kind", texts.KINDS)
def test_strange_texts_stay_texts(kind):
    given = ["", " a ", "ein", "", "你好", "\n\n", ""]
    found = texts.augmented(tf.constant(given), only(kind), SEED).numpy()
    assert [bool(one.decode().strip()) for one in found] == [bool(one.strip()) for one in given]
    nothing = texts.augmented(tf.constant([""]), only(kind), SEED).numpy()
    assert nothing.tolist() == [b""]
