"""Pools: order, cuts and padding, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import pools


def test_longest_first_then_by_the_sum_of_sides_then_as_they_came():
    sides = tf.constant([[4, 4], [8, 4], [4, 8], [8, 8], [4, 4], [8, 4]])
    assert pools.sort_by_length(sides).numpy().tolist() == [3, 1, 2, 5, 0, 4]


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        # 16 positions: 2 of 8, then 4 of 4 (the first of a batch decides), then the rest.
        ([8, 8, 4, 4, 4, 4, 4], [0, 2, 6, 7]),
        ([8, 4, 4, 4], [0, 2, 4]),
        ([40, 20, 16, 8], [0, 1, 2, 3, 4]),  # too long for any batch: each alone
        ([1] * 20, [0, 16, 20]),
        ([5], [0, 1]),
    ],
)
def test_cuts(longest, expected):
    assert pools.cut(tf.constant(longest), batch_tokens=16).numpy().tolist() == expected


def test_rows_are_padded_to_a_multiple_of_the_longest():
    rows = tf.ragged.constant([[1, 2, 3], [4], [], [5, 6, 7, 8, 9]], tf.int32)
    parts = pools.to_parts(rows, tf.constant([3, 0, 1, 2]))
    first = pools.take_rows(*parts, start=0, stop=2, multiple=4)
    np.testing.assert_array_equal(first, [[5, 6, 7, 8, 9, 0, 0, 0], [1, 2, 3, 0, 0, 0, 0, 0]])
    second = pools.take_rows(*parts, start=2, stop=4, multiple=2)
    np.testing.assert_array_equal(second, [[4, 0], [0, 0]])


def test_round_up():
    assert pools.round_up(tf.constant([0, 1, 4, 5]), 4).numpy().tolist() == [0, 4, 4, 8]


def test_padding_share_counts_both_sides():
    batch = {"inputs": {"a": np.array([[5, 1, 0, 0]], np.int32)}, "targets": tf.constant([[1, 0]])}
    assert pools.padding_share(batch) == pytest.approx(0.5)  # 3 of 6 cells are filled
    assert pools.padding_share({"inputs": {"a": np.zeros([2, 4], np.uint8)}}) == 0.0
