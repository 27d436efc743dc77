"""Pools: order, cuts and padding, by hand."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import pools
from t2t_mm.modality import features


def test_longest_first_then_by_the_sum_of_sides_then_as_they_came():
    sides = tf.constant([[4, 4], [8, 4], [4, 8], [8, 8], [4, 4], [8, 4]])
    assert pools.sort_by_length(sides).numpy().tolist() == [3, 1, 2, 5, 0, 4]


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        # 16 positions: 2 of 8, then 4 of 4 and one left over, which become 2 and 3.
        ([8, 8, 4, 4, 4, 4, 4], [0, 2, 4, 7]),
        ([8, 4, 4, 4], [0, 1, 4]),  # 8 and 12 rather than 16, of which 4 padding, and 8
        ([8, 4, 4, 4, 4], [0, 2, 5]),  # 16 and 12 rather than 8 and 16
        ([40, 20, 16, 8], [0, 1, 2, 3, 4]),  # too long for any batch: each alone
        ([1] * 20, [0, 10, 20]),
        ([1] * 50, [0, 13, 26, 38, 50]),
        ([4] * 10, [0, 4, 7, 10]),
        ([16, 8, 8, 4], [0, 1, 2, 4]),  # 8 and 16 rather than 16 and 4
        ([5], [0, 1]),
        ([5, 5], [0, 2]),
    ],
)
def test_cuts(longest, expected):
    assert pools.cut(tf.constant(longest), batch_tokens=16).numpy().tolist() == expected


def cells(longest, bounds):
    return np.array([(j - i) * longest[i] for i, j in itertools.pairwise(bounds)])


@pytest.mark.parametrize("count", [70, 71, 97, 203, 1_003])
@pytest.mark.parametrize("shortest", [1, 90])
def test_no_batch_is_a_small_rest(count, shortest):
    """16 of the longest examples make a batch; a rest of one of them would be a sixteenth."""
    longest = np.random.default_rng(count).integers(shortest, 101, count)
    longest = np.sort(longest)[::-1].astype(np.int32)
    bounds = pools.cut(tf.constant(longest), batch_tokens=1600).numpy().tolist()
    filled = cells(longest, bounds)
    assert bounds == sorted(set(bounds))
    assert (bounds[0], bounds[-1]) == (0, count)
    assert filled.max() <= 1600
    assert filled.min() > filled.mean() / 1.7


def test_evened_batches_are_no_more_than_are_needed():
    longest = np.full([4 * 16 + 1], 100, np.int32)
    bounds = pools.cut(tf.constant(longest), batch_tokens=1600).numpy().tolist()
    assert np.diff(bounds).tolist() == [13, 13, 13, 13, 13]  # 65 in 5


def test_rows_are_padded_to_a_multiple_of_the_longest():
    rows = tf.ragged.constant([[1, 2, 3], [4], [], [5, 6, 7, 8, 9]], tf.int32)
    parts = pools.to_parts(rows, tf.constant([3, 0, 1, 2]))
    first = pools.take_rows(*parts, start=0, stop=2, multiple=4)
    np.testing.assert_array_equal(first, [[5, 6, 7, 8, 9, 0, 0, 0], [1, 2, 3, 0, 0, 0, 0, 0]])
    second = pools.take_rows(*parts, start=2, stop=4, multiple=2)
    np.testing.assert_array_equal(second, [[4, 0], [0, 0]])


def test_round_up():
    assert features.round_up(tf.constant([0, 1, 4, 5]), 4).numpy().tolist() == [0, 4, 4, 8]


def test_padding_share_counts_both_sides():
    batch = {"inputs": {"a": np.array([[5, 1, 0, 0]], np.int32)}, "targets": tf.constant([[1, 0]])}
    assert pools.padding_share(batch) == pytest.approx(0.5)  # 3 of 6 cells are filled
    assert pools.padding_share({"inputs": {"a": np.zeros([2, 4], np.uint8)}}) == 0.0
