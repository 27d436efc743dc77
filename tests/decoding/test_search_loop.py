"""Nests of tensors and histories, repeated, reordered and parted with."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import search_loop
from t2t_mm.layers import history

Pair = collections.namedtuple("Pair", "left right")
PLAIN = np.arange(6, dtype=np.float32).reshape(2, 3)


def _state():
    return {"pair": Pair(tf.constant(PLAIN), ()), "own": (history.lineage(2), tf.constant([7, 8]))}


def _kinds(state):
    return {
        "pair": type(state["pair"]),
        "own": type(state["own"]),
        "lineage": type(state["own"][0]),
    }


def test_plain_tensors_are_repeated_in_a_row_either_way():
    for many in (search_loop.repeat_state, search_loop.share_state):
        found = many(_state(), 2)
        assert _kinds(found) == {"pair": Pair, "own": tuple, "lineage": history.Lineage}
        np.testing.assert_array_equal(found["pair"].left, PLAIN[[0, 0, 1, 1]])
        np.testing.assert_array_equal(found["own"][1], [7, 7, 8, 8])
        assert found["pair"].right == ()


def test_histories_are_told_whether_hypotheses_may_go_on_with_each_other():
    # [T, B, M]: four inputs of one hypothesis, or two of two.
    assert search_loop.repeat_state(_state(), 2)["own"][0].writers.shape == (0, 4, 1)
    assert search_loop.share_state(_state(), 2)["own"][0].writers.shape == (0, 2, 2)


def test_all_parts_are_reordered_and_kept_alike():
    state = search_loop.share_state(_state(), 2)
    _, lineage = state["own"][0].at(tf.constant(0))
    state["own"] = (lineage, state["own"][1])
    found = search_loop.reorder_state(state, tf.constant([1, 1, 2, 3]))
    np.testing.assert_array_equal(found["pair"].left, PLAIN[[0, 0, 1, 1]])
    np.testing.assert_array_equal(found["own"][0].writers[0], [[1, 1], [0, 1]])
    kept = search_loop.keep_state(found, tf.constant([0, 1]), tf.constant(1))
    np.testing.assert_array_equal(kept["pair"].left, PLAIN[[0, 0]])
    np.testing.assert_array_equal(kept["own"][0].writers[0], [[1, 1]])
    np.testing.assert_array_equal(kept["own"][1], [7, 7])
    assert _kinds(kept) == {"pair": Pair, "own": tuple, "lineage": history.Lineage}


def test_what_cannot_be_reordered_is_refused():
    with pytest.raises(TypeError, match=r"(?s)cannot hold.*ndarray"):
        search_loop.reorder_state([tf.constant(PLAIN), PLAIN], tf.constant([1, 0]))
