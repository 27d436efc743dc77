import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modality import representation
from t2t_mm.models import joining


@pytest.mark.parametrize("order", ["picture first", "text first"])
def test_a_picture_beside_a_text_is_a_plane_again_for_a_class(order):
    draw = np.random.default_rng(0)
    picture = draw.normal(size=(2, 6, 4)).astype(np.float32)  # a grid of 2 x 3
    text = draw.normal(size=(2, 3, 4)).astype(np.float32)
    mask = np.array([[1, 1, 1], [1, 0, 0]], np.float32)
    parts = [
        representation.Representation(tf.constant(picture), None, (2, 3)),
        representation.Representation(tf.constant(text), tf.constant(mask)),
    ]
    plane = joining.plane(joining.join(parts if order == "picture first" else parts[::-1]))
    assert (plane.grid, plane.mask) == ((2, 3), None)
    # The mean of three tokens of text in the first row, the one token in the second.
    means = np.stack([text[0].mean(0), text[1, 0]])
    np.testing.assert_allclose(plane.x, picture + means[:, None], atol=1e-6)


def test_several_pictures_or_none_are_a_sequence_for_a_class():
    part = representation.Representation(tf.ones([2, 6, 4]), None, (2, 3))
    text = representation.Representation(tf.ones([2, 5, 4]), tf.ones([2, 5]))
    for parts in ([part, part], [text, text]):
        joined = joining.join(parts)
        assert joined.grid is None and joining.plane(joined) is joined
