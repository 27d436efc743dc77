"""Categorical features: ids in the order of the classes, and strangers refused."""

import types

import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.modality import Categorical, features

TASK = types.SimpleNamespace(name="animals")


def build(*classes):
    return features.build(Categorical(classes=classes), TASK)


def test_ids_follow_the_order_of_the_classes():
    classes = ("wolf", "ant", "bee", "zebra", "été", "a b")
    found = build(*classes).featurize(tf.constant(classes[::-1]), training=True)
    assert found.numpy().tolist() == [5, 4, 3, 2, 1, 0]
    assert found.dtype == tf.int32


def test_a_thousand_classes_in_a_graph():
    names = [f"n{i * 7919 % 100_003:08d}" for i in range(1000)]
    made = build(*names)
    graph = tf.function(lambda raw: made.featurize(raw, training=False))
    assert graph(tf.constant(names)).numpy().tolist() == list(range(1000))


@pytest.mark.parametrize("stranger", ["cow", "", "wolf ", "WOLF"])
def test_an_unknown_class_is_refused_by_name(stranger):
    made = build("wolf", "ant")
    graph = tf.function(lambda raw: made.featurize(raw, training=False))
    for call in (graph, lambda raw: made.featurize(raw, training=False)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"2 known.*{stranger}"):
            call(tf.constant(["ant", stranger]))


def test_there_must_be_classes():
    with pytest.raises(errors.DataError, match="classes of 'animals' are not known"):
        build()


def test_a_class_takes_one_position():
    assert build("a").fixed_length() == 1


def test_an_unknown_class_is_none_of_them_where_that_is_allowed():
    made = features.build(Categorical(classes=("wolf", "ant"), allow_unseen=True), TASK)
    graph = tf.function(lambda raw: made.featurize(raw, training=False))
    for call in (graph, lambda raw: made.featurize(raw, training=False)):
        found = call(tf.constant(["ant", "cow", "wolf"]))
        assert found.numpy().tolist() == [1, -1, 0]
        assert found.dtype == tf.int32
