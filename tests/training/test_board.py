"""What TensorBoard shows of experts and settings."""

import pytest

from t2t_mm import config
from t2t_mm.settings import batching
from t2t_mm.training import board


def test_experts_in_use_are_counted_by_their_shares():
    assert board.experts_used([[0.25, 0.25, 0.25, 0.25]]) == pytest.approx(4)
    assert board.experts_used([[0.0, 1.0, 0.0, 0.0]]) == pytest.approx(1)
    # Two of four in one layer, all in the other: 3 in the mean.
    assert board.experts_used([[0.5, 0.0, 0.5, 0.0], [0.25] * 4]) == pytest.approx(3)


def test_hyperparameters_have_the_names_of_gin_files():
    config.load([], ["Batching.batch_tokens = 512", "Constant.weights = (0.7, 0.3)"])
    try:
        config.build(batching.Batching)
        found = board.hyperparameters()
    finally:
        config.reset()
    assert found["Batching.batch_tokens"] == 512
    assert found["Batching.too_long"] == "cut"
    assert found["Constant.weights"] == "0.7, 0.3"
