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
