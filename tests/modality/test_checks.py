"""What fails in one row of a batch is told of that row alone."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modality import base, checks, features


class Numbers(features.Features):
    """Features of four bytes each."""

    def featurize(self, raw, *, training, seed=None):
        return tf.io.decode_raw(raw, tf.float32, fixed_length=4) + self.exact(raw)

    def exact(self, raw):
        is_right = tf.reduce_all(tf.strings.length(raw) == 4)
        with tf.control_dependencies([tf.debugging.Assert(is_right, ["wrong"])]):
            return tf.constant(0.0)


class Series(base.Modality):
    kind = "series"
    features_class = f"{__name__}:Numbers"


@pytest.fixture
def check():
    declared = Series()
    return tf.function(checks.build(declared, Numbers(declared, None)).check, autograph=False)


def test_a_modality_without_a_check_is_checked_by_its_features(check):
    good = [np.float32(number).tobytes() for number in (0, 1)]
    values, said = check(tf.constant([good[0], b"12", b"", good[1]]))
    assert said.numpy().tolist() == [
        b"",
        b"The series input cannot be used.",
        b"The series input is empty.",
        b"",
    ]
    assert [values.numpy()[place] for place in (0, 3)] == good
    values, said = check(tf.constant([], tf.string))
    assert values.shape == said.shape == (0,)


def test_results_keep_the_places_of_their_rows():
    @tf.function(autograph=False)
    def halves(raw):
        def half(value):
            number = tf.strings.to_number(value, tf.int32)
            whole = tf.debugging.Assert(number % 2 == 0, ["odd"])
            with tf.control_dependencies([whole]):
                return tf.strings.as_string(number // 2), value

        return checks.attempt(half, raw)

    (results, given), done = halves(tf.constant(["4", "x", "6", "7", "8"]))
    assert done.numpy().tolist() == [True, False, True, False, True]
    assert results.numpy().tolist() == [b"2", b"", b"3", b"", b"4"]
    assert given.numpy().tolist() == [b"4", b"", b"6", b"", b"8"]
    (results, _), done = halves(tf.constant(["x", "y"]))
    assert results.numpy().tolist() == [b"", b""]
    assert not done.numpy().any()
