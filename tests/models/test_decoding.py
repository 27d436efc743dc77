"""Every search on real models: its scores are those of the full pass."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import beam, functions, hypotheses
from t2t_mm.settings import decoding
from tests.models import conftest

SPEC = {"inputs": tf.TensorSpec([None, None], tf.int32)}
LIMITS = {"max_length": 24, "length_factor": 2.5, "length_constant": 2}
SEARCHES = {
    "greedy": {},
    "beam": {"beam_size": 3, "alpha": 0.6, "n_best": 3},
    "samples": {"temperature": 1.0, "top_k": 9, "n_best": 2},
}


@pytest.fixture(scope="module", params=sorted(conftest.MODELS))
def model(request):
    """Always the same one: by others an output may chance to end at once."""
    return conftest.make_model(request.param, seed=1)


def sources():
    """Four rows of different lengths, so of different limits: 24, 12, 7, 17."""
    ids = np.random.default_rng(3).integers(3, conftest.PIECES, (4, 9))
    for row, length in enumerate((9, 4, 2, 6)):
        ids[row, length:] = 0
    return tf.constant(ids, tf.int32)


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_scores_are_the_log_probabilities_of_the_full_pass(model, name):
    wanted = decoding.DecodeSettings(**LIMITS, **SEARCHES[name])
    inputs = {"inputs": sources()}
    found = functions.of(model).search(model.tasks["ende"], wanted, SPEC)(inputs)
    assert found.lengths.numpy().max() > 15  # longer than the rings of undilated convolutions
    for number in range(wanted.n_best):
        ids = found.ids[:, number]
        log_probs = tf.nn.log_softmax(model({"inputs": inputs, "targets": ids}, "ende"))
        own = tf.gather(log_probs, ids, batch_dims=2).numpy() * (ids.numpy() != 0)
        np.testing.assert_allclose(found.scores[:, number], own.sum(1), rtol=1e-4)
    if name == "beam":
        assert (np.diff(found.penalised_scores.numpy(), axis=1) <= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(conftest.MODELS))
def test_a_beam_in_bfloat16(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = conftest.make_model(name)
    finally:
        keras.config.set_dtype_policy("float32")
    wanted = decoding.DecodeSettings(**LIMITS, beam_size=2)
    asked = hypotheses.Asked("ende", {"inputs": sources()}, tf.constant([6, 8, 2, 5]))
    found = beam.search(model, asked, wanted)
    ids = found.ids[:, 0]
    logits = model({"inputs": {"inputs": sources()}, "targets": ids}, "ende")
    own = tf.gather(tf.nn.log_softmax(logits), ids, batch_dims=2).numpy() * (ids.numpy() != 0)
    np.testing.assert_allclose(found.scores[:, 0], own.sum(1), rtol=0.03)
