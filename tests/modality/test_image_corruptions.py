"""Each corruption of pictures against its definition."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm.modality import Image, corruption, features
from t2t_mm.modality.image import corruptions

SIZE = 64
KINDS = {each.kind: each for each in Image(size=SIZE).corruptions()}


def png(pixels):
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pixels_of(data):
    with pillow.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def corrupted(kind, pixels, strength, *, key="k", seed=0):
    rng = corruption.generator(seed, key, kind, strength)
    return pixels_of(KINDS[kind].apply(png(pixels), strength, rng))


@pytest.fixture(scope="module")
def photo():
    """A picture with edges and slopes, in the middle of the range."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    waves = np.stack([np.sin(9 * x + 3 * y), np.cos(7 * y), np.sign(np.sin(20 * x * y))], -1)
    return (127 + 60 * waves).round().astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_grows_with_strength_and_depends_on_seed_and_key(kind, photo):
    def damage(strength):
        shown = [corrupted(kind, photo, strength, key=f"{n}") for n in range(8)]
        assert all(one.shape == (SIZE, SIZE, 3) and one.dtype == np.uint8 for one in shown)
        return np.mean([(one.astype(float) - photo) ** 2 for one in shown])

    damages = [damage(strength) for strength in corruption.STRENGTHS]
    assert damages[0] > 0
    assert damages == sorted(damages)
    twin = corrupted(kind, photo, 3)
    assert np.array_equal(corrupted(kind, photo, 3), twin)
    is_random = kind not in (
        "gaussian_blur", "defocus_blur", "contrast", "brightness", "jpeg", "pixelate",
    )  # fmt: skip
    for other in ({"key": "l"}, {"seed": 1}):
        assert np.array_equal(corrupted(kind, photo, 3, **other), twin) != is_random


def test_noise_has_the_deviation_that_is_asked_for():
    grey = np.full((SIZE, SIZE, 3), 127, np.uint8)
    assert corrupted("gaussian_noise", grey, 1).std() / 255 == pytest.approx(0.08, rel=0.05)
    # 60 photons at white, 127 / 255 of these here: variance = 29.9 / 60^2 = 0.0911^2.
    assert corrupted("shot_noise", grey, 1).std() / 255 == pytest.approx(0.0911, rel=0.05)
    salt = corrupted("impulse_noise", grey, 5)
    assert np.isin(salt, (0, 255)).mean() == pytest.approx(0.27, abs=0.02)


def test_contrast_and_brightness(photo):
    mean = photo.mean((0, 1))
    flat = corrupted("contrast", photo, 2)
    assert flat.mean((0, 1)) == pytest.approx(mean, abs=0.5)
    assert flat.std() == pytest.approx(0.3 * (photo - mean).std(), rel=0.3)
    assert (flat - flat.mean((0, 1))).var() / (photo - mean).var() == pytest.approx(0.09, rel=0.02)
    # Value 51 + 0.2 * 255 = 102: all channels doubled, hue and saturation as before.
    dark = np.full((SIZE, SIZE, 3), (51, 20, 0), np.uint8)
    assert corrupted("brightness", dark, 2)[0, 0].tolist() == [102, 40, 0]


@pytest.mark.parametrize(
    ("kind", "variance"),
    [
        ("gaussian_blur", 6.0**2),  # of each axis, pixels of 224
        ("defocus_blur", (10.0 + 0.5 * 224 / SIZE) ** 2 / 4),  # of a disk along an axis
    ],
)
def test_a_point_is_blurred_as_far_as_is_asked_for(kind, variance):
    point = np.zeros((SIZE, SIZE, 3))
    point[32, 32] = 1.0
    spread = corruptions._KINDS[kind][1](point, corruptions.SEVERITIES[kind][4], None)[..., 0]
    assert spread.sum() == pytest.approx(1.0)
    places = np.arange(SIZE) - 32
    assert (spread.sum(0) * places**2).sum() * (224 / SIZE) ** 2 == pytest.approx(
        variance, rel=0.05
    )


def test_shift_and_occlusion(photo):
    moved = corrupted("shift", photo, 5)
    found = [
        (down, right)
        for down in range(-13, 14)
        for right in range(-13, 14)
        if np.array_equal(
            moved[max(down, 0) : SIZE + min(down, 0), max(right, 0) : SIZE + min(right, 0)],
            photo[max(-down, 0) : SIZE - max(down, 0), max(-right, 0) : SIZE - max(right, 0)],
        )
    ]
    assert [round(np.hypot(*offset)) for offset in found] == [13]  # 0.2 * 64 = 12.8
    hidden = (corrupted("occlusion", photo, 5) != photo).any(-1).mean()
    assert hidden == pytest.approx((40 / 64) ** 2, abs=0.02)  # sqrt(0.4) * 64 = 40.5


def test_a_picture_is_seen_as_the_model_sees_it(photo):
    wide = np.concatenate([photo[:, :20] // 2, photo, photo[:, :20] // 2], axis=1)
    assert np.array_equal(corruptions.seen(png(wide), SIZE), photo)
    assert corruptions.seen(png(wide[:, :, 0]), 48).shape == (48, 48, 3)


@pytest.mark.parametrize("shape", [(64, 24), (20, 64), (64, 64), (150, 70)])
def test_a_padded_picture_is_corrupted_as_the_model_sees_it(photo, shape):
    whole = np.tile(photo, (3, 2, 1))[: shape[0], : shape[1]]
    declared = Image(size=SIZE, fit="pad")
    seen = corruptions.seen(png(whole), SIZE, declared.fit)
    found = features.build(declared, None).featurize(tf.constant([png(whole)]), training=False)
    assert np.abs(found[0].numpy().astype(int) - seen).max() <= 1
    assert len(declared.corruptions()) == len(KINDS)
