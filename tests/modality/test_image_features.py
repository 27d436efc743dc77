"""Image features: any size, grey or colour, PNG or JPEG; augmentation by seed."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm import errors
from t2t_mm.modality import Image, features

SEED = tf.constant([3, 4], tf.int64)


def build(size, *, augment=True, fit="crop"):
    return features.build(Image(size=size, augment=augment, fit=fit), None)


def augmented(size, raw, *, fit="crop"):
    """Returns augmented pixels, by way of a graph, which is faster for many pictures."""
    made = build(size, fit=fit)
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
@pytest.mark.parametrize(("training", "fit"), [(False, "crop"), (True, "crop"), (True, "pad")])
def test_every_picture_becomes_a_colour_square(kind, grey, shape, training, fit):
    pixels = gradient(*shape)
    data = encode(pixels[..., 0] if grey else pixels, kind)
    found = build(32, fit=fit).featurize(tf.constant([data] * 3), training=training, seed=SEED)
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


@pytest.mark.parametrize("training", [False, True])
def test_a_padded_picture_is_seen_whole(training):
    # 120 wide and 50 high to 48: 48 x 20, so 14 rows of the mean above and below.
    pixels = gradient(50, 120)
    made = build(48, augment=False, fit="pad")
    read = tf.function(lambda raw: made.featurize(raw, training=training))
    found = read(tf.constant([encode(pixels)]))[0].numpy().astype(int)
    assert found[14:34, 0, 0].max() <= 4  # red, 0 to 253 from left to right
    assert found[14:34, -1, 0].min() >= 249
    assert found[14, :, 1].max() <= 6  # green, 0 to 249 from top to bottom
    assert found[33, :, 1].min() >= 243
    mean = found[14:34].mean((0, 1)).round()
    np.testing.assert_array_equal(found[:14], np.broadcast_to(mean, (14, 48, 3)))
    np.testing.assert_array_equal(found[34:], np.broadcast_to(mean, (14, 48, 3)))
    upright = encode(np.ascontiguousarray(pixels.transpose(1, 0, 2)))
    turned = read(tf.constant([upright]))[0].numpy()
    assert np.abs(turned.transpose(1, 0, 2) - found).max() <= 1


@pytest.mark.parametrize("shape", [(1, 400), (400, 1), (3, 5), (48, 48)])
def test_padding_holds_for_pictures_of_any_form(shape):
    pixels = gradient(*shape)
    found = build(48, fit="pad").featurize(tf.constant([encode(pixels)]), training=False)[0]
    high, wide = (max(1, round(side * 48 / max(shape))) for side in shape)
    inside = (slice((48 - high) // 2, (48 + high) // 2), slice((48 - wide) // 2, (48 + wide) // 2))
    assert np.ptp(found.numpy()[inside][..., 0]) >= (120 if shape[1] > 1 else 0)
    if shape == (48, 48):
        np.testing.assert_array_equal(found, pixels)


def test_padded_crops_keep_the_aspect_of_the_picture():
    raw = tf.constant([encode(gradient(60, 120))] * 40)
    found = augmented(32, raw, fit="pad").astype(int)
    # The crop's ratio is 2, times 3:4 to 4:3; a row that is not padded has no single colour.
    rows = (np.ptp(found[..., 0], axis=2) > 0).sum(1)
    assert 11 <= rows.min() < rows.max() <= 22  # 32 / 2.67 = 12 to 32 / 1.5 = 21.3
    widths = np.ptp(found[..., 0], axis=(1, 2)) / 255
    assert 0.6 < widths.min() < 0.9 < widths.max() <= 1


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
