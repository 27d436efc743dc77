"""Which variables decay."""

import keras
import numpy as np
import pytest

from t2t_mm.settings import training
from t2t_mm.training import weight_decay


@pytest.mark.parametrize(
    ("name", "shape", "with_embeddings", "without"),
    [
        ("kernel", (4, 3), True, True),
        ("w_in", (2, 4, 3), True, True),  # of two experts
        ("depthwise", (3, 3, 8, 1), True, True),
        ("bias", (3,), False, False),
        ("scale", (3,), False, False),
        ("class_token", (1, 1, 3), False, False),  # a vector, whatever its axes
        ("embedding", (5, 3), True, False),
        ("embeddings", (5, 3), True, False),  # as Keras names them
        ("commands", (5, 3), True, False),
        ("input_marks", (2, 3), True, False),
    ],
)
def test_matrices_decay_and_vectors_do_not(name, shape, with_embeddings, without):
    variable = keras.Variable(np.zeros(shape, np.float32), name=name)
    for embeddings, is_decayed in ((True, with_embeddings), (False, without)):
        chosen = training.OptimizerSettings(weight_decay=0.1, decay_embeddings=embeddings)
        assert weight_decay.rates([variable], chosen) == [0.1 if is_decayed else 0.0]
    assert weight_decay.rates([variable], training.OptimizerSettings()) == [0.0]
