"""The timing signal against its formula."""

import numpy as np

from t2t_mm.layers import timing


def test_agrees_with_the_formula(reference):
    np.testing.assert_allclose(timing.signal(50, 12), reference.timing(50, 12), atol=1e-4)


def test_by_hand():
    # D = 4: delta = [10000^0, 10000^(-2 / 4)] = [1, 0.01].
    expected = [np.sin(3), np.cos(3), np.sin(0.03), np.cos(0.03)]
    np.testing.assert_allclose(timing.signal(4, 4)[3], expected, atol=1e-6)


def test_later_start_continues_the_signal():
    whole = timing.signal(9, 8)
    np.testing.assert_allclose(timing.signal(4, 8, start=5), whole[5:], atol=1e-6)


def test_a_plane_counts_rows_in_half_of_the_channels_and_columns_in_the_rest(reference):
    """Of 10 channels 4 count rows (2 * (10 // 4)) and 6 columns."""
    plane = timing.plane(3, 5, 10).numpy().reshape(3, 5, 10)
    rows, columns = reference.timing(3, 4), reference.timing(5, 6)
    for row in range(3):
        for column in range(5):
            expected = np.concatenate([rows[row], columns[column]])
            np.testing.assert_allclose(plane[row, column], expected, atol=1e-5)
