import dataclasses
import io
import random

import numpy as np
import pytest
from PIL import Image

from t2t_mm.problems.sample_world import drawing, picture, scene

PLAIN = scene.Thing("circle", "red", "big", "", "the", False)


def pixels(jpeg):
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.format == "JPEG"
        return np.asarray(opened.convert("RGB"), np.float32)


def shown(subject=PLAIN, number=0, **rest):
    clause = scene.Clause(subject, "wait", "present", **rest)
    return pixels(drawing.draw(scene.Scene("statement", clause), random.Random(number)))


@pytest.mark.parametrize("shape", scene.SHAPES)
def test_every_shape_is_drawn(shape):
    shown_pixels = shown(dataclasses.replace(PLAIN, shape=shape))
    assert shown_pixels.shape == (picture.SIZE, picture.SIZE, 3)
    red = shown_pixels[..., 0] - shown_pixels[..., 1:].mean(-1)
    assert 0.03 < (red > 60).mean() < 0.6


def test_the_dice_decide_the_rest():
    np.testing.assert_array_equal(shown(number=1), shown(number=1))
    assert np.abs(shown(number=1) - shown(number=2)).mean() > 5


def test_patterns_and_other_things_show():
    landmark = dataclasses.replace(PLAIN, shape="star", colour="green")
    alone = shown()
    assert np.abs(alone - shown(dataclasses.replace(PLAIN, pattern="checked"))).max() > 50
    beside = shown(relation="to the left of", landmark=landmark)
    green = beside[..., 1] - beside[..., [0, 2]].mean(-1)
    _, columns = np.nonzero(green > 40)
    assert columns.mean() > picture.SIZE / 2


@pytest.mark.parametrize("relation", scene.RELATIONS)
@pytest.mark.parametrize("beside", [False, True])
def test_all_that_captions_tell_can_be_seen(relation, beside):
    landmark = dataclasses.replace(PLAIN, shape="square", colour="green", size="")
    target = dataclasses.replace(PLAIN, shape="star", colour="blue", size="") if beside else None
    clause = scene.Clause(PLAIN, "wait", "present", target, relation, landmark)
    shares, sides = [], []
    for number in range(12):
        what = scene.Scene("statement", clause)
        seen = pixels(drawing.draw(what, random.Random(number), whole=True))
        colours = [seen[..., c] - np.delete(seen, c, axis=-1).mean(-1) for c in range(3)]
        masks = [colour > 50 for colour in colours]
        shares.append([mask.mean() for mask in masks])
        middles = [np.argwhere(mask).mean(0) for mask in masks[:2]]
        sides.append(middles[1] - middles[0])  # rows down, columns right; landmark from subject
    red, green, blue = np.median(shares, axis=0)
    assert red > 0.05
    assert green > 0.01
    assert (blue > 0.01) == beside
    down, right = np.median(sides, axis=0)
    if relation in ("above", "below"):
        assert (down > 8) == (relation == "above")
    if "the" in relation:
        assert (right > 8) == (relation == "to the left of")
