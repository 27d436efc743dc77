"""Image features: any size, grey or colour, PNG or JPEG; augmentation by seed."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm import errors
from t2t_mm.modality import Image, features

SEED = tf.constant([3, 4], tf.int64)


def build(size, *, augment=True):
    return features.build(Image(size=size, augment=augment), None)


def augmented(size, raw):
    """Returns augmented pixels, by way of a graph, which is faster for many pictures."""
    made = build(size)
    return tf.function(lambda r: made.featurize(r, training=True, seed=SEED))(raw).numpy()


def gradient(height, width):
    """Returns pixels that tell left from right and top from bottom."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, 0 * x + 99], -1).astype(np.uint8)


def encode(pixels, kind="PNG"):
    data = io.BytesIO()
    pillow.fromarray(pixels).save(data, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return data.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("shape", [(32, 32), (50, 90), (90, 41), (7, 5)])
@pytest.mark.parametrize("training", [False, True])
def test_every_picture_becomes_a_colour_square(kind, grey, shape, training):
    pixels = gradient(*shape)
    data = encode(pixels[..., 0] if grey else pixels, kind)
    found = build(32).featurize(tf.constant([data] * 3), training=training, seed=SEED)
    assert found.dtype == tf.uint8
    assert found.shape == (3, 32, 32, 3)
    if grey:
        assert np.ptp(found.numpy(), axis=-1).max() == 0


@pytest.mark.parametrize("size", [32, 64, 224, 299])
def test_all_sizes(size):
    raw = tf.constant([encode(gradient(70, 50))])
    assert build(size).featurize(raw, training=False).shape == (1, size, size, 3)
    assert build(size).featurize(raw, training=True, seed=SEED).shape == (1, size, size, 3)


def test_a_stored_square_of_the_size_stays_as_it_is():
    pixels = gradient(40, 40)
    found = build(40).featurize(tf.constant([encode(pixels)]), training=False)
    np.testing.assert_array_equal(found[0], pixels)


def test_evaluation_keeps_the_centre():
    # 40 wide of 120: the middle third is kept, at its own resolution.
    pixels = gradient(40, 120)
    found = build(40).featurize(tf.constant([encode(pixels)]), training=False)
    np.testing.assert_array_equal(found[0], pixels[:, 40:80])


def test_shrinking_smooths():
    # A board of single black and white pixels is grey from afar, not a sample of it.
    board = (np.indices((128, 128)).sum(0) % 2 * 255).astype(np.uint8)
    found = build(32).featurize(tf.constant([encode(board)]), training=False).numpy()
    assert 100 < found[:, 4:-4, 4:-4].min() <= found[:, 4:-4, 4:-4].max() < 155


@pytest.mark.parametrize("shape", [(90, 90), (70, 70), (33, 33), (20, 20), (1, 1), (5, 5)])
def test_resizing_is_that_of_tensorflow(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = build(32).featurize(tf.constant([encode(pixels)]), training=False)[0].numpy()
    expected = tf.round(tf.image.resize(pixels, [32, 32], antialias=True)).numpy()
    # Where it grows, another of TensorFlow's kernels may round a half otherwise.
    assert np.abs(found - expected).max() <= (0 if shape > (32, 32) else 1)


@pytest.mark.parametrize("shape", [(50, 24), (24, 50), (40, 33)])
def test_crops_that_shrink_along_one_axis_alone(shape):
    pixels = gradient(*shape)
    found = augmented(32, tf.constant([encode(pixels)] * 20)).astype(int)
    # Colours are straight slopes, and stay so: no step is far from its neighbours.
    steps = np.abs(np.diff(found, axis=1)), np.abs(np.diff(found, axis=2))
    assert max(step.max() for step in steps) <= 14


def test_augmentation_is_decided_by_the_seed():
    raw = tf.constant([encode(gradient(48, 64))] * 8)
    made = build(32)
    first = made.featurize(raw, training=True, seed=SEED).numpy()
    again = tf.function(lambda r: made.featurize(r, training=True, seed=SEED))(raw).numpy()
    other = made.featurize(raw, training=True, seed=SEED + 1).numpy()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({picture.tobytes() for picture in first}) == 8  # each example its own draw


def test_about_half_are_mirrored():
    raw = tf.constant([encode(gradient(48, 64))] * 200)
    found = augmented(32, raw).astype(int)
    mirrored = (found[:, 16, 0, 0] > found[:, 16, -1, 0]).mean()
    assert 0.35 < mirrored < 0.65  # 0.5, give or take 4 standard deviations


def test_a_picture_need_not_be_mirrored():
    made = features.build(Image(size=32, mirror=False), None)
    raw = tf.constant([encode(gradient(48, 64))] * 30)
    found = made.featurize(raw, training=True, seed=SEED).numpy().astype(int)
    assert (found[:, 16, 0, 0] < found[:, 16, -1, 0]).all()
    assert len({picture.tobytes() for picture in found}) == 30


def test_a_crop_keeps_most_of_the_picture():
    raw = tf.constant([encode(gradient(100, 100))] * 100)
    found = augmented(32, raw).astype(float)
    # Red grows with x, green with y, both over 0 to 255: their spans are the crop's sides.
    sides = [np.ptp(found[:, 16, :, 0], axis=1), np.ptp(found[:, :, 16, 1], axis=1)]
    area = sides[0] * sides[1] / 255**2
    assert 0.5 < area.min() < 0.7
    assert area.max() > 0.85


def test_a_picture_of_the_size_is_shifted_and_not_resampled():
    pixels = gradient(32, 32)
    found = augmented(32, tf.constant([encode(pixels)] * 50))
    known = {tuple(p) for p in pixels.reshape(-1, 3)} | {(0, 0, 0)}
    assert {tuple(p) for p in found.reshape(-1, 3)} <= known
    kept = (found[..., 2] == 99).mean(axis=(1, 2))
    assert kept.min() >= (28 / 32) ** 2  # at most an eighth of each side is lost
    assert kept.max() > 0.95


def test_augmentation_can_be_switched_off():
    raw = tf.constant([encode(gradient(48, 64))] * 2)
    made = build(32, augment=False)
    np.testing.assert_array_equal(
        made.featurize(raw, training=True, seed=SEED), made.featurize(raw, training=False)
    )


def test_augmentation_without_a_seed_is_refused():
    with pytest.raises(errors.ConfigError, match="seed"):
        build(32).featurize(tf.constant([b""]), training=True)


def test_what_is_no_picture_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError):
        build(32).featurize(tf.constant([b"hello"]), training=False)


@pytest.mark.parametrize(("size", "positions"), [(32, 4), (64, 16), (224, 196), (299, 361)])
def test_length_is_the_number_of_patches(size, positions):
    assert build(size).fixed_length() == positions
